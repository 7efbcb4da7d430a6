//! The stages of docs/model.md, one kernel with its CPU twin per file. A stage's shader has the
//! same stem in `shaders/`. A kernel in [`KERNELS`] without a case in the parity test fails that
//! test.

pub mod area;
pub mod bin;
pub mod blur;
pub mod deform;
pub mod emit;
pub mod expose;
pub mod magnify;
pub mod maximum;
pub mod normalise;
pub mod proteins;
pub mod regions;
pub mod scatter;
pub mod survey;
pub mod truth;

use crate::engine::compute::Kernel;
use rayon::prelude::*;

/// Every kernel, in the order in which a run meets them.
pub static KERNELS: &[&Kernel] = &[
    &deform::DEFORM,
    &regions::REGIONS,
    &survey::SURVEY,
    &scatter::SCATTER,
    &proteins::PROTEINS,
    &emit::EMIT,
    &blur::psf_spectra::PSF_SPECTRA,
    &blur::rows_forward::ROWS_FORWARD,
    &blur::columns_forward::COLUMNS_FORWARD,
    &blur::filter::FILTER,
    &blur::columns_inverse::COLUMNS_INVERSE,
    &blur::rows_to_photons::ROWS_TO_PHOTONS,
    &blur::rows_to_means::ROWS_TO_MEANS,
    &bin::BIN,
    &magnify::MAGNIFY,
    &maximum::MAXIMUM,
    &normalise::NORMALISE,
    &area::AREA,
    &expose::EXPOSE,
    &truth::TRUTH,
];

/// Flags that kernels raise in the first word of the status buffer.
pub mod status {
    /// A voxel holds 2^32 proteins or more.
    pub const COUNTS_OVERFLOW: u32 = 1;
    /// A voxel of the blurred volume holds 2^32 photons or more.
    pub const BLUR_OVERFLOW: u32 = 2;
    /// A pixel of the camera holds 2^32 photons or more.
    pub const IMAGE_OVERFLOW: u32 = 4;
}

/// A ring of slices: slice z lies in slot z modulo the ring's depth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    depth: usize,
    plane: usize,
}

impl Ring {
    pub(crate) fn new(depth: u32, plane: usize) -> Self {
        Self {
            depth: depth as usize,
            plane,
        }
    }

    /// The words of slice z.
    pub(crate) fn slice<T>(self, words: &[T], z: u32) -> &[T] {
        let slot = z as usize % self.depth;
        &words[slot * self.plane..(slot + 1) * self.plane]
    }
}

/// Calls `work(slice, x, row)` for each row of the first `slices` slices of a slab, on all threads.
pub(crate) fn for_rows<T: Send>(
    slab: &mut [T],
    size_x: usize,
    size_y: usize,
    slices: u32,
    work: impl Fn(u32, usize, &mut [T]) + Sync + Send,
) {
    for_rows_init(
        slab,
        size_x,
        size_y,
        slices,
        || (),
        |(), slice, x, row| work(slice, x, row),
    );
}

/// As [`for_rows`], with something of its own for each thread.
pub(crate) fn for_rows_init<T: Send, S>(
    slab: &mut [T],
    size_x: usize,
    size_y: usize,
    slices: u32,
    init: impl Fn() -> S + Sync + Send,
    work: impl Fn(&mut S, u32, usize, &mut [T]) + Sync + Send,
) {
    slab[..slices as usize * size_x * size_y]
        .par_chunks_exact_mut(size_y)
        .enumerate()
        .for_each_init(init, |state, (row, out)| {
            work(state, (row / size_x) as u32, row % size_x, out);
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_of_a_stage_follow_one_another() {
        let stages: Vec<_> = KERNELS.chunk_by(|a, b| a.stage == b.stage).collect();
        for (number, stage) in stages.iter().enumerate() {
            let mut later = stages[number + 1..].iter();
            assert!(later.all(|other| other[0].stage != stage[0].stage));
        }
    }

    #[test]
    fn names_tell_kernels_apart() {
        for (number, kernel) in KERNELS.iter().enumerate() {
            let mut later = KERNELS[number + 1..].iter();
            assert!(later.all(|other| other.name != kernel.name));
        }
    }
}
