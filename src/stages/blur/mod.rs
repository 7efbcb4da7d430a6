//! Convolution with the point spread function (docs/model.md section 6): slices are transformed in two
//! dimensions, every spatial frequency is filtered along z with the 31 real, symmetric taps of the
//! kernel's planes, and slices are transformed back. Reflection along z is an index.

pub mod columns_forward;
pub mod columns_inverse;
pub mod filter;
pub mod rows_forward;
pub mod rows_inverse;

use crate::fft::{BLOCK, SliceTransform};
use rayon::prelude::*;
use rustfft::num_complex::Complex32;

/// Distinct planes of the symmetric kernel: the centre and 15 on either side.
pub const TAPS: usize = 16;

/// The two-dimensional spectra of the kernel's planes at the frequencies of `transform`, divided by
/// the number of points of a transform back and forth.
///
/// `octant` holds the kernel's values at (z, x, y) from the centre outwards, `TAPS` along each axis.
/// Since the planes are even along x and y, their spectra are real cosine sums, even themselves:
/// `length_x / 2 + 1` frequencies of x suffice. The result is laid out as (block, frequency of x,
/// plane, frequency within the block).
pub fn kernel_spectra(octant: &[f64], transform: &SliceTransform) -> Vec<f32> {
    let (length_x, length_y) = (transform.length_x, transform.length_y);
    let half = length_x / 2 + 1;
    let scale = 1.0 / (length_x as f64 * length_y as f64);
    let cosines = |length: usize| -> Vec<f64> {
        let angle = 2.0 * std::f64::consts::PI / length as f64;
        (0..length).map(|k| libm::cos(angle * k as f64)).collect()
    };
    let (cosines_x, cosines_y) = (cosines(length_x), cosines(length_y));
    // A value off the axis stands for itself and its mirror image.
    let weight = |distance: usize| if distance == 0 { 1.0 } else { 2.0 };
    let mut spectra = vec![0.0; transform.blocks() * half * TAPS * BLOCK];
    spectra
        .par_chunks_exact_mut(half * TAPS * BLOCK)
        .enumerate()
        .for_each(|(block, out)| {
            // Along y first: one column of cosine sums for each plane and distance along x.
            let mut partial = [[[0.0f64; BLOCK]; TAPS]; TAPS];
            for (z, plane) in partial.iter_mut().enumerate() {
                for (x, sums) in plane.iter_mut().enumerate() {
                    let values = &octant[(z * TAPS + x) * TAPS..][..TAPS];
                    for (c, sum) in sums.iter_mut().enumerate() {
                        let ky = block * BLOCK + c;
                        if ky < transform.frequencies() {
                            *sum = values
                                .iter()
                                .enumerate()
                                .map(|(y, value)| weight(y) * value * cosines_y[ky * y % length_y])
                                .sum();
                        }
                    }
                }
            }
            for (kx, out) in out.chunks_exact_mut(TAPS * BLOCK).enumerate() {
                for (plane, out) in partial.iter().zip(out.chunks_exact_mut(BLOCK)) {
                    let mut sums = [0.0; BLOCK];
                    for (x, values) in plane.iter().enumerate() {
                        let factor = scale * weight(x) * cosines_x[kx * x % length_x];
                        for (sum, value) in sums.iter_mut().zip(values) {
                            *sum += factor * value;
                        }
                    }
                    for (out, sum) in out.iter_mut().zip(sums) {
                        *out = sum as f32;
                    }
                }
            }
        });
    spectra
}

/// Complex numbers for the CPU transforms of one thread.
fn zeros(length: usize) -> Vec<Complex32> {
    vec![Complex32::default(); length]
}
