//! Metrics of light and noise (docs/metrics.md).

use ndarray::{ArrayView3, Zip};

/// Mean of an image over a mask; `None` where the mask is empty.
#[must_use]
pub fn mean(grey: ArrayView3<'_, f32>, mask: ArrayView3<'_, bool>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0u64);
    Zip::from(grey).and(mask).for_each(|&grey, &inside| {
        if inside {
            sum += f64::from(grey);
            count += 1;
        }
    });
    (count > 0).then(|| sum / count as f64)
}

/// Standard deviation of the noise over a mask, of two exposures that differ in noise alone: the
/// root of half the mean square of their difference.
#[must_use]
pub fn noise_of_two(
    first: ArrayView3<'_, f32>,
    second: ArrayView3<'_, f32>,
    mask: ArrayView3<'_, bool>,
) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0u64);
    Zip::from(first)
        .and(second)
        .and(mask)
        .for_each(|&first, &second, &inside| {
            if inside {
                let difference = f64::from(first) - f64::from(second);
                sum += difference * difference;
                count += 1;
            }
        });
    (count > 0).then(|| (sum / (2 * count) as f64).sqrt())
}

/// Standard deviation of the noise over a mask, of one exposure: the mean size of a second
/// derivative that a plane does not have (J. Immerkaer, Comput. Vis. Image Underst. 64, 300, 1996).
/// Structures of the size of a pixel count as noise, too.
#[must_use]
pub fn noise_of_one(grey: ArrayView3<'_, f32>, mask: ArrayView3<'_, bool>) -> Option<f64> {
    const WEIGHTS: [[f64; 3]; 3] = [[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]];
    let (slices, rows, columns) = grey.dim();
    let (mut sum, mut count) = (0.0, 0u64);
    for z in 0..slices {
        for x in 1..rows.saturating_sub(1) {
            for y in 1..columns.saturating_sub(1) {
                if !mask[[z, x, y]] {
                    continue;
                }
                let mut bent = 0.0;
                for (i, weights) in WEIGHTS.iter().enumerate() {
                    for (j, weight) in weights.iter().enumerate() {
                        bent += weight * f64::from(grey[[z, x + i - 1, y + j - 1]]);
                    }
                }
                sum += bent.abs();
                count += 1;
            }
        }
    }
    (count > 0).then(|| (std::f64::consts::PI / 2.0).sqrt() / 6.0 * sum / count as f64)
}

/// Signal to noise: mean of the structure above that of the background, over the standard
/// deviation of the noise on the structure; 0 where there is neither. `None` without structure or
/// background, or where there is a signal and no noise.
#[must_use]
pub fn signal_to_noise(
    grey: ArrayView3<'_, f32>,
    second: Option<ArrayView3<'_, f32>>,
    structure: ArrayView3<'_, bool>,
    background: ArrayView3<'_, bool>,
) -> Option<f64> {
    let signal = mean(grey, structure)? - mean(grey, background)?;
    let noise = noise(grey, second, structure)?;
    match noise > 0.0 {
        true => Some(signal / noise),
        false => (signal <= 0.0).then_some(0.0),
    }
}

/// Noise on a mask: that of two exposures where there are two.
#[must_use]
pub fn noise(
    grey: ArrayView3<'_, f32>,
    second: Option<ArrayView3<'_, f32>>,
    mask: ArrayView3<'_, bool>,
) -> Option<f64> {
    match second {
        Some(second) => noise_of_two(grey, second, mask),
        None => noise_of_one(grey, mask),
    }
}

/// Signal to background: mean of the structure over that of the background, both above the grey
/// value `zero` of a pixel that no electron has reached. `None` where the background is dark.
#[must_use]
pub fn signal_to_background(
    grey: ArrayView3<'_, f32>,
    zero: f64,
    structure: ArrayView3<'_, bool>,
    background: ArrayView3<'_, bool>,
) -> Option<f64> {
    let dark = mean(grey, background)? - zero;
    let signal = mean(grey, structure)? - zero;
    (dark > 0.0).then(|| signal / dark)
}

/// Coverage: share of the structure's voxels that stand above the mean of the background by more
/// than three standard deviations of its noise.
#[must_use]
pub fn coverage(
    grey: ArrayView3<'_, f32>,
    second: Option<ArrayView3<'_, f32>>,
    structure: ArrayView3<'_, bool>,
    background: ArrayView3<'_, bool>,
) -> Option<f64> {
    let least = mean(grey, background)? + 3.0 * noise(grey, second, background)?;
    let (mut seen, mut all) = (0u64, 0u64);
    Zip::from(grey).and(structure).for_each(|&grey, &inside| {
        all += u64::from(inside);
        seen += u64::from(inside && f64::from(grey) > least);
    });
    (all > 0).then(|| seen as f64 / all as f64)
}

/// Crosstalk into a channel: what it shows of the structures that carry another dye alone, over
/// what it shows of those that carry its own alone, both above the background.
#[must_use]
pub fn crosstalk(
    grey: ArrayView3<'_, f32>,
    own: ArrayView3<'_, bool>,
    other: ArrayView3<'_, bool>,
    background: ArrayView3<'_, bool>,
) -> Option<f64> {
    let (mut wanted, mut unwanted) = ((0.0, 0u64), (0.0, 0u64));
    Zip::from(grey)
        .and(own)
        .and(other)
        .for_each(|&grey, &own, &other| {
            let (sum, count) = match (own, other) {
                (true, false) => &mut wanted,
                (false, true) => &mut unwanted,
                _ => return,
            };
            *sum += f64::from(grey);
            *count += 1;
        });
    let dark = mean(grey, background)?;
    let above = |(sum, count): (f64, u64)| (count > 0).then(|| sum / count as f64 - dark);
    let (wanted, unwanted) = (above(wanted)?, above(unwanted)?);
    (wanted > 0.0).then(|| (unwanted / wanted).max(0.0))
}
