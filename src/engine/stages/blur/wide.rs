//! Spectra of the planes of wide point spread functions, by transforms on the host: the cosine sums
//! of [`psf_spectra`](super::psf_spectra) grow with the area of a plane.

use crate::engine::fft::{BLOCK, SliceTransform};
use crate::engine::psf::{Psf, PsfShape};
use rayon::prelude::*;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;

/// Most values of a quarter of a plane whose spectra are summed directly.
const MOST_SUMMED: usize = 40 * 40;

/// Whether a function's planes are too wide for direct sums.
pub(super) const fn is_wide(shape: &PsfShape) -> bool {
    let [x, y] = shape.plane_size();
    x * y > MOST_SUMMED
}

/// Planes whose spectra are held before they are put in their places.
const TOGETHER: usize = 32;

/// The spectra as [`PSF_SPECTRA`](super::psf_spectra::PSF_SPECTRA) lays them out.
pub(super) fn spectra(psf: &Psf, transform: &SliceTransform) -> Vec<f32> {
    let shape = psf.shape();
    let [rows, columns] = shape.plane_size();
    let (planes, half) = (shape.planes(), transform.length_x / 2 + 1);
    let (frequencies, blocks) = (transform.frequencies(), transform.blocks());
    let scale = 1.0 / (transform.length_x as f64 * transform.length_y as f64);
    let mut planner = FftPlanner::new();
    let along_y = planner.plan_fft_forward(transform.length_y);
    let along_x = planner.plan_fft_forward(transform.length_x);
    // Two even lines, whose transforms are real, are the parts of one complex line.
    let both = |first: Option<f64>, second: Option<f64>| {
        Complex64::new(first.unwrap_or(0.0), second.unwrap_or(0.0))
    };
    // Each value and its mirror image in a periodic line.
    let put = |line: &mut [Complex64], at: usize, value: Complex64| {
        line[at] = value;
        line[(line.len() - at) % line.len()] = value;
    };
    let of_plane = |values: &[f32]| -> Vec<f32> {
        let value = |x: usize, y: usize| (x < rows).then(|| f64::from(values[x * columns + y]));
        // (x, frequency of y)
        let mut sums = vec![0.0; rows * frequencies];
        for x in (0..rows).step_by(2) {
            let mut line = vec![Complex64::default(); transform.length_y];
            for y in 0..columns {
                put(&mut line, y, both(value(x, y), value(x + 1, y)));
            }
            along_y.process(&mut line);
            for (k, sum) in line[..frequencies].iter().enumerate() {
                sums[x * frequencies + k] = sum.re;
                if x + 1 < rows {
                    sums[(x + 1) * frequencies + k] = sum.im;
                }
            }
        }
        let sum = |x: usize, k: usize| (k < frequencies).then(|| sums[x * frequencies + k]);
        // (block, frequency of x, frequency of y within the block)
        let mut spectrum = vec![0.0; blocks * half * BLOCK];
        for ky in (0..frequencies).step_by(2) {
            let mut line = vec![Complex64::default(); transform.length_x];
            for x in 0..rows {
                put(&mut line, x, both(sum(x, ky), sum(x, ky + 1)));
            }
            along_x.process(&mut line);
            let of_block = &mut spectrum[ky / BLOCK * half * BLOCK..][..half * BLOCK];
            for (out, value) in of_block.chunks_exact_mut(BLOCK).zip(line) {
                // Blocks hold an even number of frequencies.
                out[ky % BLOCK] = (scale * value.re) as f32;
                out[ky % BLOCK + 1] = (scale * value.im) as f32;
            }
        }
        spectrum
    };
    let mut spectra = vec![0.0; blocks * half * planes * BLOCK];
    let groups = psf.values().chunks(TOGETHER * rows * columns);
    for (group, values) in groups.enumerate() {
        let of_planes: Vec<Vec<f32>> = (values.par_chunks_exact(rows * columns))
            .map(of_plane)
            .collect();
        spectra
            .par_chunks_exact_mut(planes * BLOCK)
            .enumerate()
            .for_each(|(at, out)| {
                let out = out[group * TOGETHER * BLOCK..].chunks_exact_mut(BLOCK);
                for (out, plane) in out.zip(&of_planes) {
                    out.copy_from_slice(&plane[at * BLOCK..][..BLOCK]);
                }
            });
    }
    spectra
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::blocks::BlockGrid;

    /// The cosine sums by themselves, in f64.
    fn summed(psf: &Psf, transform: &SliceTransform, plane: usize, kx: usize, ky: usize) -> f64 {
        let [rows, columns] = psf.shape().plane_size();
        let cosine = |k: usize, at: usize, length: usize| {
            libm::cos(2.0 * std::f64::consts::PI * (k * at % length) as f64 / length as f64)
        };
        let copies = |at: usize| if at == 0 { 1.0 } else { 2.0 };
        let mut sum = 0.0;
        for x in 0..rows {
            for y in 0..columns {
                let value = f64::from(psf.values()[(plane * rows + x) * columns + y]);
                sum += copies(x)
                    * copies(y)
                    * value
                    * cosine(kx, x, transform.length_x)
                    * cosine(ky, y, transform.length_y);
            }
        }
        sum / (transform.length_x * transform.length_y) as f64
    }

    #[test]
    fn transforms_give_the_cosine_sums() {
        let shape = PsfShape {
            before: 1,
            after: 2,
            radius: [6, 9],
            symmetric: false,
        };
        let psf = Psf::from_fn(shape, |z, x, y| {
            1.0 / (1 + z + x * x + 2 * y) as f32 - 0.1 * y as f32
        });
        let transform = SliceTransform::new(BlockGrid::new([21, 17], shape.radius, [1, 1]));
        let spectra = spectra(&psf, &transform);
        let half = transform.length_x / 2 + 1;
        for plane in 0..shape.planes() {
            for kx in 0..half {
                for ky in 0..transform.frequencies() {
                    let at = (ky / BLOCK * half + kx) * shape.planes() + plane;
                    let found = f64::from(spectra[at * BLOCK + ky % BLOCK]);
                    let wanted = summed(&psf, &transform, plane, kx, ky);
                    // f64, rounded once to f32.
                    let bound = 1.2e-7 * wanted.abs() + 1e-12;
                    assert!((found - wanted).abs() < bound, "{found} {wanted}");
                }
            }
        }
    }
}
