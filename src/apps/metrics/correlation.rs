//! Fourier ring correlation of two exposures of the same labels (docs/metrics.md).

use ndarray::{Array2, ArrayView2, ArrayView3, Axis};
use rayon::prelude::*;
use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};

/// Correlation at which two exposures no longer tell the same (R. P. J. Nieuwenhuizen et al.,
/// Nature Methods 10, 557, 2013).
pub const THRESHOLD: f64 = 1.0 / 7.0;

/// Correlation by spatial frequency: of ring number n, those around n times `step` in 1/nm.
#[derive(Clone, Debug, PartialEq)]
pub struct Rings {
    /// Distance of the rings, in 1/nm of tissue.
    pub step: f64,
    /// Correlation in each ring, from the mean on; 0 where a ring is empty.
    pub correlation: Vec<f64>,
}

/// Correlates two stacks slice by slice; sums are over all slices. `pixel_nm` is the size of a
/// pixel along rows and columns in tissue. Slices lose their mean and fade towards their border
/// (a Hann window), which a spectrum would see otherwise.
#[must_use]
pub fn rings(first: ArrayView3<'_, f32>, second: ArrayView3<'_, f32>, pixel_nm: [f64; 2]) -> Rings {
    let (_, rows, columns) = first.dim();
    let lengths = [rows as f64 * pixel_nm[0], columns as f64 * pixel_nm[1]];
    let step = 1.0 / lengths[0].max(lengths[1]);
    // Up to the frequency that both axes have.
    let most = 0.5 / pixel_nm[0].max(pixel_nm[1]);
    let count = (most / step + 1e-9).floor() as usize + 1;
    let planner = &mut FftPlanner::new();
    let (along, across) = (
        planner.plan_fft_forward(columns),
        planner.plan_fft_forward(rows),
    );
    let frequency = |at: usize, of: usize| at.min(of - at) as f64;
    // Real values have the conjugate at the opposite frequency: half of the columns say it all.
    let ring_of = Array2::from_shape_fn((rows, columns / 2 + 1), |(x, y)| {
        let [x, y] = [
            frequency(x, rows) / lengths[0],
            frequency(y, columns) / lengths[1],
        ];
        (x.hypot(y) / step).round() as usize
    });
    let slices = 0..first.dim().0.min(second.dim().0);
    let of_slices: Vec<[Vec<f64>; 3]> = slices
        .into_par_iter()
        .map(|slice| {
            let mut sums = [vec![0.0; count], vec![0.0; count], vec![0.0; count]];
            let pair = [first, second].map(|stack| stack.index_axis_move(Axis(0), slice));
            let spectra = spectra(pair, along.as_ref(), across.as_ref());
            for ((x, y), &ring) in ring_of.indexed_iter() {
                if ring >= count {
                    continue;
                }
                let twice = y > 0 && 2 * y < columns;
                let weight = if twice { 2.0 } else { 1.0 };
                // Of a + i b, with a and b real, at this frequency and at its opposite.
                let both = spectra[[x, y]];
                let opposite = spectra[[(rows - x) % rows, (columns - y) % columns]].conj();
                let (a, b) = ((both + opposite) / 2.0, (both - opposite) / 2.0);
                // b lacks a turn by 90 degrees.
                sums[0][ring] += weight * (a.re * b.im - a.im * b.re);
                sums[1][ring] += weight * a.norm_sqr();
                sums[2][ring] += weight * b.norm_sqr();
            }
            sums
        })
        .collect();
    // Slice after slice, so that the same sums come from any number of threads.
    let [mut both, mut one, mut other] = [vec![0.0; count], vec![0.0; count], vec![0.0; count]];
    for sums in of_slices {
        for (to, from) in [&mut both, &mut one, &mut other].into_iter().zip(sums) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
    let correlation = both.iter().zip(one.iter().zip(&other));
    let correlation = correlation.map(|(both, (one, other))| {
        let scale = (one * other).sqrt();
        if scale > 0.0 { both / scale } else { 0.0 }
    });
    Rings {
        step,
        correlation: correlation.collect(),
    }
}

/// Resolution in nm of tissue: the length of the first wave whose correlation falls below
/// [`THRESHOLD`], between the rings by a straight line; that of the shortest wave of the pixels
/// where it never does. `None` where the first ring is below.
#[must_use]
pub fn resolution_nm(rings: &Rings) -> Option<f64> {
    let correlation = &rings.correlation;
    let last = correlation.len().checked_sub(1).filter(|last| *last > 0)?;
    let below = (1..=last).find(|&ring| correlation[ring] < THRESHOLD);
    let crossing = match below {
        Some(1) => return None,
        Some(ring) => {
            let (before, after) = (correlation[ring - 1], correlation[ring]);
            (ring - 1) as f64 + (before - THRESHOLD) / (before - after)
        }
        None => last as f64,
    };
    Some(1.0 / (crossing * rings.step))
}

/// Spectrum of two slices at once, of the second one as imaginary part.
fn spectra(
    [first, second]: [ArrayView2<'_, f32>; 2],
    along: &dyn Fft<f64>,
    across: &dyn Fft<f64>,
) -> Array2<Complex64> {
    let (rows, columns) = first.dim();
    let mean = |slice: ArrayView2<'_, f32>| {
        slice.iter().map(|&grey| f64::from(grey)).sum::<f64>() / slice.len().max(1) as f64
    };
    let (mean_first, mean_second) = (mean(first), mean(second));
    let hann = |of: usize| {
        let turn = move |at: usize| 2.0 * std::f64::consts::PI * (at as f64 + 0.5) / of as f64;
        (0..of)
            .map(|at| 0.5 - 0.5 * turn(at).cos())
            .collect::<Vec<f64>>()
    };
    let (down, right) = (hann(rows), hann(columns));
    let mut values = Array2::from_shape_fn((rows, columns), |at| {
        let weight = down[at.0] * right[at.1];
        Complex64::new(
            (f64::from(first[at]) - mean_first) * weight,
            (f64::from(second[at]) - mean_second) * weight,
        )
    });
    for mut row in values.rows_mut() {
        if let Some(row) = row.as_slice_mut() {
            along.process(row);
        }
    }
    let mut line = vec![Complex64::default(); rows];
    for mut column in values.columns_mut() {
        line.iter_mut()
            .zip(&column)
            .for_each(|(to, from)| *to = *from);
        across.process(&mut line);
        column
            .iter_mut()
            .zip(&line)
            .for_each(|(to, from)| *to = *from);
    }
    values
}
