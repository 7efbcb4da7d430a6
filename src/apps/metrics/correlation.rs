//! Fourier ring correlation of two exposures of the same labels (docs/metrics.md).

use ndarray::{Array2, ArrayView2, ArrayView3};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;

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
    let (mut both, mut one, mut other) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
    let mut planner = FftPlanner::new();
    for (first, second) in first.outer_iter().zip(second.outer_iter()) {
        let a = spectrum(first, &mut planner);
        let b = spectrum(second, &mut planner);
        for ((x, y), a) in a.indexed_iter() {
            let b = b[[x, y]];
            let frequency = |at: usize, of: usize| at.min(of - at) as f64;
            let frequency =
                (frequency(x, rows) / lengths[0]).hypot(frequency(y, columns) / lengths[1]);
            let ring = (frequency / step).round() as usize;
            if ring < count {
                both[ring] += (a * b.conj()).re;
                one[ring] += a.norm_sqr();
                other[ring] += b.norm_sqr();
            }
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

/// Spectrum of a slice.
fn spectrum(slice: ArrayView2<'_, f32>, planner: &mut FftPlanner<f64>) -> Array2<Complex64> {
    let (rows, columns) = slice.dim();
    let mean = slice.iter().map(|&grey| f64::from(grey)).sum::<f64>() / slice.len().max(1) as f64;
    let hann = |at: usize, of: usize| {
        let turn = 2.0 * std::f64::consts::PI * (at as f64 + 0.5) / of as f64;
        0.5 - 0.5 * turn.cos()
    };
    let mut values = Array2::from_shape_fn((rows, columns), |(x, y)| {
        let grey = f64::from(slice[[x, y]]) - mean;
        Complex64::new(grey * hann(x, rows) * hann(y, columns), 0.0)
    });
    let along = planner.plan_fft_forward(columns);
    for mut row in values.rows_mut() {
        if let Some(row) = row.as_slice_mut() {
            along.process(row);
        }
    }
    let across = planner.plan_fft_forward(rows);
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
