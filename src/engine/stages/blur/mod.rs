//! Convolution with the point spread function (docs/model.md section 6): slices are transformed in two
//! dimensions, every spatial frequency is filtered along z with the 31 real, symmetric taps of the
//! kernel's planes, and slices are transformed back. Reflection along z is an index.

pub mod columns_forward;
pub mod columns_inverse;
pub mod filter;
pub mod long_rows;
pub mod photons;
pub mod psf_spectra;
mod row_lines;
pub mod rows_forward;
pub mod rows_inverse;

pub use row_lines::RowLines;

use rustfft::num_complex::Complex32;

/// Distinct planes of the symmetric kernel: the centre and 15 on either side.
pub const TAPS: usize = 16;

/// Complex numbers for the CPU transforms of one thread.
fn zeros(length: usize) -> Vec<Complex32> {
    vec![Complex32::default(); length]
}
