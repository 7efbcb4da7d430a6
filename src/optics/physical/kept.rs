//! Kernels that are kept for the next run of the same optics: of thousands of small runs their
//! making would be nearly all the work.

use super::error::OpticsError;
use super::microscopes::Imaging;
use super::voxels::{self, Accuracy, Kernel, VoxelGrid};
use std::sync::{Mutex, PoisonError};

/// All that a kernel depends on.
#[derive(Clone, Debug, PartialEq)]
struct Made {
    imaging: Imaging,
    grid: VoxelGrid,
    accuracy: Accuracy,
    depth_um: f64,
    phase: u8,
}

/// Kernels with what they were made of, the one that was used last at the end.
#[derive(Debug)]
pub(super) struct Kept {
    kernels: Vec<(Made, Kernel)>,
    /// Most bytes of values that are kept.
    most_bytes: usize,
}

impl Kept {
    pub(super) const fn new(most_bytes: usize) -> Self {
        Self {
            kernels: Vec::new(),
            most_bytes,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let kernels = self.kernels.iter();
        kernels
            .map(|(_, kernel)| size_of_val(kernel.psf.values()))
            .sum()
    }

    fn find(&mut self, made: &Made) -> Option<Kernel> {
        let place = self.kernels.iter().position(|(other, _)| other == made)?;
        let entry = self.kernels.remove(place);
        let kernel = entry.1.clone();
        self.kernels.push(entry);
        Some(kernel)
    }

    fn keep(&mut self, made: Made, kernel: Kernel) {
        self.kernels.push((made, kernel));
        while self.bytes() > self.most_bytes {
            self.kernels.remove(0);
        }
    }
}

/// Those of this process, which keeps none until someone asks for it.
static KEPT: Mutex<Kept> = Mutex::new(Kept::new(0));

/// Lets this process keep kernels of so many bytes.
pub fn keep_kernels(most_bytes: usize) {
    KEPT.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .most_bytes = most_bytes;
}

/// Computes a kernel as [`voxels::kernel`] does, or takes the one that was made before.
///
/// # Errors
/// As [`voxels::kernel`].
pub fn kernel(
    imaging: &Imaging,
    grid: &VoxelGrid,
    accuracy: &Accuracy,
    depth_um: f64,
    phase: u8,
) -> Result<Kernel, OpticsError> {
    kept_in(&KEPT, imaging, grid, accuracy, depth_um, phase)
}

pub(super) fn kept_in(
    kept: &Mutex<Kept>,
    imaging: &Imaging,
    grid: &VoxelGrid,
    accuracy: &Accuracy,
    depth_um: f64,
    phase: u8,
) -> Result<Kernel, OpticsError> {
    // A list is whole at any time: what panics meanwhile leaves it as it is.
    let open = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || voxels::kernel(imaging, grid, accuracy, depth_um, phase);
    if open().most_bytes == 0 {
        return make();
    }
    let made = Made {
        imaging: imaging.clone(),
        grid: *grid,
        accuracy: *accuracy,
        depth_um,
        phase,
    };
    let known = open().find(&made);
    if let Some(kernel) = known {
        return Ok(kernel);
    }
    // Others may look and keep meanwhile.
    let kernel = make()?;
    open().keep(made, kernel.clone());
    Ok(kernel)
}
