//! Kernels that many runs of one program share.

use super::voxels::{self, Accuracy, Kernel, VoxelGrid};
use super::{Imaging, OpticsError};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most bytes of kernels that are kept.
const MOST_BYTES: usize = 256 << 20;

/// Kernels by all that they depend on.
#[derive(Default)]
struct Kept {
    /// Those who ask for it.
    users: usize,
    bytes: usize,
    kernels: HashMap<String, Kernel>,
}

static KEPT: Mutex<Option<Kept>> = Mutex::new(None);

fn kept() -> MutexGuard<'static, Option<Kept>> {
    // What is kept is whole at every step.
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While one of these lives, a kernel that was computed is not computed again.
pub(crate) struct SharedKernels(());

impl SharedKernels {
    /// Starts to keep kernels.
    pub(crate) fn keep() -> Self {
        kept().get_or_insert_default().users += 1;
        Self(())
    }
}

impl Drop for SharedKernels {
    fn drop(&mut self) {
        let mut kept = kept();
        if let Some(shared) = kept.as_mut() {
            shared.users -= 1;
            if shared.users == 0 {
                *kept = None;
            }
        }
    }
}

/// Computes a kernel as [`voxels::kernel`] does, or takes the one that [`SharedKernels`] keep.
///
/// # Errors
/// As [`voxels::kernel`].
pub(crate) fn shared_kernel(
    imaging: &Imaging,
    grid: &VoxelGrid,
    accuracy: &Accuracy,
    depth_um: f64,
    phase: u8,
) -> Result<Kernel, OpticsError> {
    if kept().is_none() {
        return voxels::kernel(imaging, grid, accuracy, depth_um, phase);
    }
    // Numbers are written so that other ones are written otherwise.
    let name = format!("{imaging:?} {grid:?} {accuracy:?} {depth_um:?} {phase}");
    if let Some(known) = kept().as_ref().and_then(|shared| shared.kernels.get(&name)) {
        return Ok(known.clone());
    }
    let kernel = voxels::kernel(imaging, grid, accuracy, depth_um, phase)?;
    if let Some(shared) = kept().as_mut() {
        let shape = kernel.psf.shape();
        let [rows, columns] = shape.radius.map(|radius| radius + 1);
        let bytes = shape.taps() * rows * columns * size_of::<f32>();
        if shared.bytes + bytes > MOST_BYTES {
            shared.kernels.clear();
            shared.bytes = 0;
        }
        if shared.kernels.insert(name, kernel.clone()).is_none() {
            shared.bytes += bytes;
        }
    }
    Ok(kernel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Override};
    use crate::model::point_spread_functions;
    use std::path::Path;

    #[test]
    fn what_is_kept_is_what_is_computed() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/brainbow.toml");
        let functions = |aperture: &str| {
            let entries = [
                Override::new("a", &["optics", "psf_reach"], "13"),
                Override::new("b", &["optics", "numerical_aperture"], aperture),
            ];
            let config = Config::from_file(&example, &entries).expect("an example");
            let functions = point_spread_functions(&config).expect("functions");
            let values = functions.iter().map(|function| function.values.clone());
            values.collect::<Vec<_>>()
        };
        let computed = [functions("1.15"), functions("1.1")];
        assert_ne!(computed[0], computed[1]);
        let shared = SharedKernels::keep();
        let count = || kept().as_ref().map_or(0, |shared| shared.kernels.len());
        for _ in 0..2 {
            assert_eq!(functions("1.15"), computed[0]);
            assert_eq!(functions("1.1"), computed[1]);
        }
        assert!(count() >= 2 * computed[0].len());
        // What is kept is taken, and not computed once more. Other tests have other kernels.
        if let Some(shared) = kept().as_mut() {
            let kernels = shared.kernels.iter_mut();
            let mut ours = kernels.filter(|(name, _)| name.contains("[13, 13]"));
            let psf = ours.next().expect("a kernel").1.psf.clone();
            ours.for_each(|(_, kernel)| kernel.psf = psf.clone());
        }
        assert!([functions("1.15"), functions("1.1")] != computed);
        drop(shared);
    }
}
