//! The convolution of whole volumes, by the kernels of a run, against one in f64.

use super::blur::{Source, blur};
use super::judge::convolve;
use rayon::prelude::*;
use rustfft::num_complex::Complex;
use rustfft::{FftDirection, FftPlanner};
use simexm_gpu::internals::base::volume::fold;
use simexm_gpu::internals::engine::compute::Backend;
use simexm_gpu::internals::optics::psf::RADIUS;

type Number = Complex<f64>;

/// Root of the sum of the squared differences, relative to that of the squares.
pub fn relative_error(found: &[Number], expected: &[Number]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let norm = |values: &mut dyn Iterator<Item = Number>| values.map(|v| v.norm_sqr()).sum::<f64>();
    let difference = norm(&mut std::iter::zip(found, expected).map(|(a, b)| a - b));
    (difference / norm(&mut expected.iter().copied())).sqrt()
}

/// Transforms a volume in place along all axes, without scaling.
fn transform(volume: &mut Vec<Number>, shape: [usize; 3], direction: FftDirection) {
    // Each turn transforms the contiguous axis and makes the one before it contiguous.
    let mut shape = shape;
    for _ in 0..3 {
        let [first, second, length] = shape;
        let plan = FftPlanner::new().plan_fft(length, direction);
        let lines = volume.par_chunks_exact_mut(length);
        lines.for_each(|line| plan.process(line));
        let mut turned = vec![Number::default(); volume.len()];
        turned
            .par_chunks_exact_mut(first * second)
            .enumerate()
            .for_each(|(at, out)| {
                for (line, out) in out.iter_mut().enumerate() {
                    *out = volume[line * length + at];
                }
            });
        *volume = turned;
        shape = [length, first, second];
    }
}

/// What [`convolve`] sums up, before it is rounded, through transforms in f64.
fn convolve_f64(source: &Source, shape: [usize; 3]) -> Vec<f64> {
    let padded = shape.map(|size| size + 2 * RADIUS);
    let place = |at: usize| {
        let [_, x, y] = padded;
        [at / (x * y), at / y % x, at % y]
    };
    let voxels = padded.iter().product();
    let fill = |value: &(dyn Fn([usize; 3]) -> f64 + Sync)| -> Vec<Number> {
        let at = |at: usize| Number::new(value(place(at)), 0.0);
        (0..voxels).into_par_iter().map(at).collect()
    };
    let inside = |at: [usize; 3]| {
        let folded =
            |axis: usize| fold(at[axis] as i32 - RADIUS as i32, shape[axis] as u32) as usize;
        (folded(0) * shape[1] + folded(1)) * shape[2] + folded(2)
    };
    let mut volume = fill(&|at| f64::from(source.emission[inside(at)]));
    let mut kernel = fill(&|at| {
        let distance = |axis: usize| at[axis].min(padded[axis] - at[axis]);
        let [z, x, y] = [distance(0), distance(1), distance(2)];
        if z.max(x).max(y) <= RADIUS {
            source.weight(RADIUS + z, x, y)
        } else {
            0.0
        }
    });
    for part in [&mut volume, &mut kernel] {
        transform(part, padded, FftDirection::Forward);
    }
    volume
        .par_iter_mut()
        .zip(&kernel)
        .for_each(|(value, factor)| *value *= factor / voxels as f64);
    transform(&mut volume, padded, FftDirection::Inverse);
    let [depth, size_x, size_y] = shape;
    (0..depth * size_x * size_y)
        .map(|at| {
            let [z, x, y] = [at / (size_x * size_y), at / size_y % size_x, at % size_y];
            let [z, x, y] = [z + RADIUS, x + RADIUS, y + RADIUS];
            volume[(z * padded[1] + x) * padded[2] + y].re
        })
        .collect()
}

/// Judges volumes of these shapes, with photons enough for rounding to whole ones not to count.
pub fn check(
    backend: &mut dyn Backend,
    shapes: impl IntoIterator<Item = [usize; 3]>,
    source: impl Fn([usize; 3]) -> Source,
) {
    for shape in shapes {
        let sources = [source(shape)];
        let exact = convolve_f64(&sources[0], shape);
        if exact.len() < 2000 {
            let rounded = |(sum, naive): (&f64, &u32)| (sum - f64::from(*naive)).abs();
            let naive = convolve(&sources, shape);
            let worst = exact.iter().zip(&naive).map(rounded).fold(0.0, f64::max);
            assert!(
                worst <= 0.5001,
                "the judge itself is off by {worst} at {shape:?}"
            );
        }
        let expected: Vec<Number> = exact.iter().map(|&sum| sum.into()).collect();
        // Not as deep as the volume: the ring of spectra is part of what is judged.
        let slab = shape[0].div_ceil(2);
        let found = blur(backend, &sources, shape, slab, 1);
        let found: Vec<Number> = found
            .iter()
            .map(|&photons| f64::from(photons).into())
            .collect();
        let error = relative_error(&found, &expected);
        println!("{shape:?}, {}: {error:.2e}", backend.name());
        assert!(error <= 1e-6, "{shape:?}, {}: {error:.2e}", backend.name());
    }
}
