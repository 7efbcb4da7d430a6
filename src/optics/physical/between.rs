//! Values at fine steps between those at coarse ones, for functions without fine structure.

use std::f64::consts::PI;

/// Fine steps in a coarse one.
pub(super) const FINE: usize = 8;

/// Coarse places around a fine one that it is summed from.
const TAPS: usize = 16;

/// Coarse places that are wanted beyond the last interval, and before the first.
pub(super) const AROUND: usize = TAPS / 2;

/// Shape of Kaiser's window (J. F. Kaiser, Proc. 1974 IEEE Int. Symp. Circuits Syst., 20): waves of
/// five coarse steps and longer come through to 1e-7.
const BETA: f64 = 14.7;

/// Weights of the coarse places around an interval, for the fine places in it.
pub(super) struct Between {
    weights: [[f64; FINE]; TAPS],
}

impl Between {
    pub fn new() -> Self {
        let weight = |tap: usize, fine: usize| {
            let x = tap as f64 - (AROUND - 1) as f64 - fine as f64 / FINE as f64;
            let sinc = if x == 0.0 {
                1.0
            } else {
                libm::sin(PI * x) / (PI * x)
            };
            let edge = x / AROUND as f64;
            sinc * bessel_i0(BETA * (1.0 - edge * edge).max(0.0).sqrt()) / bessel_i0(BETA)
        };
        Self {
            weights: std::array::from_fn(|tap| std::array::from_fn(|fine| weight(tap, fine))),
        }
    }

    /// The values at the fine places of all intervals, from the first of which on `coarse` begins
    /// [`AROUND`] - 1 places earlier.
    pub fn fill(&self, coarse: &[f64], values: &mut Vec<[f64; FINE]>) {
        values.clear();
        values.extend(coarse.windows(TAPS).map(|around| self.interval(around)));
    }

    #[inline(always)]
    fn interval(&self, around: &[f64]) -> [f64; FINE] {
        let mut sum = [0.0; FINE];
        for (value, weights) in around.iter().zip(&self.weights) {
            for (sum, weight) in sum.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
        sum
    }
}

/// The modified Bessel function of order 0, by its series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = 0.25 * x * x;
    let (mut term, mut sum, mut n) = (1.0, 1.0, 0.0);
    while term > 1e-17 * sum {
        n += 1.0;
        term *= quarter / (n * n);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_of_five_steps_and_longer_come_through() {
        let between = Between::new();
        let mut values = Vec::new();
        for steps_per_wave in [5.0, 7.3, 40.0, 1e9] {
            let wave = |at: f64| libm::cos(2.0 * PI * at / steps_per_wave + 0.7);
            let coarse: Vec<f64> = (0..40).map(|at| wave(f64::from(at))).collect();
            between.fill(&coarse, &mut values);
            for (at, value) in values.concat().iter().enumerate() {
                let place = (AROUND - 1) as f64 + at as f64 / FINE as f64;
                let error = (value - wave(place)).abs();
                assert!(error < 2e-7, "{steps_per_wave} steps: {error:e} at {place}");
            }
        }
    }
}
