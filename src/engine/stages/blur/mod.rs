//! Convolution with the point spread function (docs/model.md section 6): slices are transformed in
//! two dimensions, every spatial frequency is filtered along z with the real taps of the function's
//! planes, and slices are transformed back. Reflection along z is an index.

pub mod columns_forward;
pub mod columns_inverse;
pub mod filter;
mod passes;
pub mod photons;
pub mod psf_spectra;
pub mod rows_forward;
pub mod rows_inverse;
pub mod rows_to_means;
pub mod rows_to_photons;
pub mod taps;
mod wide;

pub use filter::{FilteredSlice, SLICE_WORDS};
pub use passes::{Block, Blur, BlurPart, Filtering, RingSlices};
pub use rows_inverse::Epilogue;

use rustfft::num_complex::Complex32;

/// Complex numbers for the CPU transforms of one thread.
fn zeros(length: usize) -> Vec<Complex32> {
    vec![Complex32::default(); length]
}

/// Which voxel each point of a line is, from the part of the tables that says so: -1 stands for
/// none.
fn sources(table: &[[f32; 2]]) -> Vec<Option<usize>> {
    let voxel = |&[at, _]: &[f32; 2]| (at >= 0.0).then_some(at as usize);
    table.iter().map(voxel).collect()
}
