//! Depths at which a sample of another index than the immersion's needs a kernel of its own
//! (docs/physical.md section 4).

use super::error::{OpticsError, positive, within};
use super::microscopes::Imaging;

/// Places along the axis and across it at which kernels are compared.
const PLACES: [usize; 2] = [25, 9];

/// Returns ascending depths in um, the range's ends among them, between which kernels may be mixed
/// linearly: intervals are halved until the kernel in their middle is the mean of those at their
/// ends, to `depth_error` of its peak, or until they are shorter than twice `closest_um`. Where the
/// media match one depth is enough.
///
/// # Errors
/// A quantity makes no sense.
pub fn depth_nodes(
    imaging: &Imaging,
    [from_um, to_um]: [f64; 2],
    depth_error: f64,
    closest_um: f64,
) -> Result<Vec<f64>, OpticsError> {
    imaging.validate()?;
    positive("the least distance of depths (um)", closest_um)?;
    positive("depth_error", depth_error)?;
    within("the depth of the last slice (um)", to_um, [from_um, 1e5])?;
    if imaging.objective.media.matched() || to_um - from_um < closest_um {
        return Ok(vec![from_um]);
    }
    let mut nodes = vec![from_um];
    // Intervals that are still to be looked at, the shallowest last.
    let end = |um: f64| Ok::<_, OpticsError>((um, sample(imaging, um)?));
    let mut left = end(from_um)?;
    let mut rights = vec![end(to_um)?];
    while let Some(right) = rights.last() {
        let middle = end(0.5 * (left.0 + right.0))?;
        let close = right.0 - left.0 < 2.0 * closest_um;
        if close || mixing_error(&left.1, &right.1, &middle.1) <= depth_error {
            nodes.push(right.0);
            left = rights.pop().unwrap_or(middle);
        } else {
            rights.push(middle);
        }
    }
    Ok(nodes)
}

/// Returns the node at or before a depth and the share of the next one in the mixture of both;
/// beyond the nodes it is the nearest one alone.
pub fn mixture(nodes_um: &[f64], depth_um: f64) -> (usize, f64) {
    let next = nodes_um.partition_point(|node| *node <= depth_um);
    match (next.checked_sub(1), nodes_um.get(next)) {
        (Some(at), Some(right)) => {
            let left = nodes_um[at];
            (at, (depth_um - left) / (right - left))
        }
        (Some(at), None) => (at, 0.0),
        (None, _) => (0, 0.0),
    }
}

/// Kappa around the focus at a depth.
fn sample(imaging: &Imaging, depth_um: f64) -> Result<Vec<f64>, OpticsError> {
    let s = imaging.objective.s_max();
    let wavelength = imaging.emission_um.max(imaging.excitation_um);
    let depth_of_field = imaging.objective.media.sample_index * wavelength / (s * s);
    let [rows, columns] = PLACES;
    let half = (rows / 2) as f64;
    let z: Vec<f64> = (0..rows)
        .map(|row| 2.0 * depth_of_field * (row as f64 - half) / half)
        .collect();
    let r: Vec<f64> = (0..columns)
        .map(|column| wavelength / s * column as f64 / (columns - 1) as f64)
        .collect();
    Ok(imaging.kappa(imaging.focus(depth_um)?, &z, &r)?.concat())
}

/// Largest error of the mean of two kernels, of the peak of that in their middle.
fn mixing_error(left: &[f64], right: &[f64], middle: &[f64]) -> f64 {
    let peak = middle.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let ends = left.iter().zip(right);
    let error = ends
        .zip(middle)
        .map(|((a, b), m)| (0.5 * (a + b) - m).abs());
    error.fold(0.0, f64::max) / peak
}
