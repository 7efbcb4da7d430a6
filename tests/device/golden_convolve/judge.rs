//! The convolution without any Fourier transform.

use super::blur::Source;
use rayon::prelude::*;
use simexm_gpu::internals::base::volume::fold;

/// docs/model.md section 6 as it stands: pad by reflection, multiply, add, round.
pub fn convolve(sources: &[Source], shape: [usize; 3]) -> Vec<u32> {
    let [depth, size_x, size_y] = shape;
    let psf = sources[0].shape;
    let [reach_x, reach] = psf.radius.map(|radius| radius as i32);
    let padded_y = size_y + 2 * psf.radius[1];
    let mut sums = vec![0.0f64; depth * size_x * size_y];
    for source in sources {
        // Only along y is the padding worth its memory.
        let padded: Vec<f64> = source
            .emission
            .chunks_exact(size_y)
            .flat_map(|row| {
                (0..padded_y)
                    .map(|at| f64::from(row[fold(at as i32 - reach, size_y as u32) as usize]))
            })
            .collect();
        sums.par_chunks_exact_mut(size_y)
            .enumerate()
            .for_each(|(row, out)| {
                let (z, x) = ((row / size_x) as i32, (row % size_x) as i32);
                for tap in 0..psf.taps() {
                    let source_z = z + tap as i32 - psf.before as i32;
                    let source_z = fold(source_z, depth as u32) as usize;
                    for dx in -reach_x..=reach_x {
                        let source_x = fold(x + dx, size_x as u32) as usize;
                        let line = &padded[(source_z * size_x + source_x) * padded_y..][..padded_y];
                        let distance_x = dx.unsigned_abs() as usize;
                        for dy in -reach..=reach {
                            let distance_y = dy.unsigned_abs() as usize;
                            let weight = source.weight(tap, distance_x, distance_y);
                            let start = (dy + reach) as usize;
                            let values = &line[start..start + size_y];
                            for (out, value) in out.iter_mut().zip(values) {
                                *out += weight * value;
                            }
                        }
                    }
                }
            });
    }
    let rounded = |sum: f64| sum.round_ties_even() as u32;
    sums.into_iter().map(rounded).collect()
}
