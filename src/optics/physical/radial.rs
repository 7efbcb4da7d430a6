//! Functions of the distance from the axis, tabulated at equal steps from the axis on.

use std::f64::consts::TAU;

/// How much farther a table reaches when the light demanded lies beyond it.
pub(super) const FARTHER: f64 = 1.4;

/// Share of a table's light in its outer part, of [`FARTHER`] over its inner part, below which the
/// light beyond the table counts as none: what is focused and seen falls as the sixth power of
/// the radius, so that about 1e-4 is left out.
const FADED: f64 = 5e-4;

/// Products that are summed side by side.
const LANES: usize = 8;

/// Weights of the four samples around a place between the two in the middle (Lagrange), for the
/// fraction of a step from the second one.
pub(super) fn cubic_weights(t: f64) -> [f64; 4] {
    [
        -t * (t - 1.0) * (t - 2.0) / 6.0,
        (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0,
        -(t + 1.0) * t * (t - 2.0) / 2.0,
        (t + 1.0) * t * (t - 1.0) / 6.0,
    ]
}

/// A sum over a table's samples, from `first` on.
pub(super) struct TableSum {
    first: usize,
    weights: Vec<f64>,
}

impl TableSum {
    /// A sum of values at places between these, in steps.
    pub fn within(from: f64, to: f64) -> Self {
        let first = (from as usize).saturating_sub(1);
        let last = to as usize + 2;
        Self {
            first,
            weights: vec![0.0; last - first + 1],
        }
    }

    /// Adds the value at a place, by cubics between the samples.
    pub fn add(&mut self, place: f64, weight: f64) {
        let left = place as usize;
        for (offset, cubic) in cubic_weights(place - left as f64).iter().enumerate() {
            // The function is even: the sample before the axis is the one after it.
            let sample = (left + offset).abs_diff(1);
            self.weights[sample - self.first] += weight * cubic;
        }
    }
}

/// The value at a place in steps, by cubics; the function is even, and 0 beyond its table.
pub(super) fn interpolate(values: &[f64], place: f64) -> f64 {
    let mut value = TableSum::within(place, place);
    value.add(place, 1.0);
    sums(&[value], values).iter().sum()
}

/// Evaluates sums over one table; what is beyond its end counts as 0. Products are not fused with
/// sums, and their order is fixed: every machine has the same values.
#[pulp::with_simd(sums = pulp::Arch::new())]
#[inline(always)]
pub(super) fn sums_simd<'a, S: pulp::Simd>(
    _: S,
    sums: &'a [TableSum],
    values: &'a [f64],
) -> Vec<f64> {
    let sum = |sum: &TableSum| {
        let values = values.get(sum.first..).unwrap_or(&[]);
        let length = sum.weights.len().min(values.len());
        let (weights, weights_left) = sum.weights[..length].as_chunks::<LANES>();
        let (values, values_left) = values[..length].as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for (weights, values) in weights.iter().zip(values) {
            for (lane, (weight, value)) in lanes.iter_mut().zip(weights.iter().zip(values)) {
                *lane += weight * value;
            }
        }
        let left = weights_left.iter().zip(values_left).map(|(w, v)| w * v);
        lanes.iter().sum::<f64>() + left.sum::<f64>()
    };
    sums.iter().map(sum).collect()
}

/// The integral over the disc within each sample of a table.
pub(super) fn light_within(values: &[f64], step_um: f64) -> Vec<f64> {
    // r f(r) is odd about the axis.
    let on_circle = |at: usize| TAU * at as f64 * values.get(at).copied().unwrap_or(0.0);
    let last = values.len().saturating_sub(1);
    let mut within = Vec::with_capacity(values.len());
    let mut sum = 0.0;
    for at in 0..values.len() {
        within.push(sum * step_um * step_um);
        if at + 1 > last {
            break;
        }
        let (here, next) = (on_circle(at), on_circle(at + 1));
        sum += if at + 2 > last {
            0.5 * (here + next)
        } else {
            let before = if at == 0 { -next } else { on_circle(at - 1) };
            (13.0 * (here + next) - before - on_circle(at + 2)) / 24.0
        };
    }
    within
}

/// Returns true where next to no light lies beyond the table.
pub(super) fn has_faded(values: &[f64], step_um: f64) -> bool {
    let within = light_within(values, step_um);
    let last = within.len().saturating_sub(1);
    let inner = (last as f64 / FARTHER) as usize;
    within[last] - within[inner] <= FADED * within[last]
}

/// The integral over the plane, as far as the table goes.
pub(super) fn light(values: &[f64], step_um: f64) -> f64 {
    light_within(values, step_um).last().copied().unwrap_or(0.0)
}
