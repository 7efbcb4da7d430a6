//! Light through a round pinhole: the convolution of a function of the radius with a disc
//! (docs/physical.md section 3).
//!
//! A circle of radius q about the emitter lies inside a disc of radius a, whose centre is r away,
//! with the share arccos((q^2 + r^2 - a^2)/(2 q r))/pi of its length. The integral over q is a sum
//! over the table's samples, the same for every plane.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use super::radial::{TableSum, sums};
use crate::optics::quadrature::gauss_legendre_of;

/// A pinhole as sums over a table's samples, one sum for each radius.
pub(super) struct Disc {
    sums: Vec<TableSum>,
}

impl Disc {
    /// A disc for functions that are tabulated in these steps and hold no structure finer than a
    /// wavenumber in rad/um, at so many radii.
    pub fn new(radius_um: f64, step_um: f64, wavenumber: f64, count: usize) -> Self {
        let sum = |at: usize| sum_at(radius_um, step_um, wavenumber, at);
        Self {
            sums: (0..count).map(sum).collect(),
        }
    }

    /// Samples beyond a radius that the sum there takes.
    pub fn reach(radius_um: f64, step_um: f64) -> usize {
        (radius_um / step_um).ceil() as usize + 2
    }

    /// The light of an emitter at the first radii that falls into the disc, from the emission's
    /// table, which should reach so much farther as [`Disc::reach`] says.
    pub fn through(&self, values: &[f64], count: usize) -> Vec<f64> {
        sums(&self.sums[..count], values)
    }
}

/// The sum for emitters at a radius, counted in steps.
fn sum_at(a: f64, step_um: f64, wavenumber: f64, at: usize) -> TableSum {
    let r = at as f64 * step_um;
    let mut sum = TableSum::within((r - a) / step_um, (r + a) / step_um);
    let nodes = |width: f64| (0.5 * width * wavenumber) as usize + 16;
    if a > r {
        // Circles that lie in the disc as a whole.
        for (q, dq) in gauss_legendre_of(nodes(a - r), 0.0, a - r, 1) {
            sum.add(q / step_um, TAU * q * dq);
        }
    }
    if at > 0 {
        // Circles that leave it. The share starts and ends like a square root, which is smooth in
        // the angle t.
        let (middle, half) = (r.max(a), r.min(a));
        for (t, dt) in gauss_legendre_of(nodes(2.0 * half), -FRAC_PI_2, FRAC_PI_2, 1) {
            let (sin, cos) = libm::sincos(t);
            let q = middle + half * sin;
            let angle = (q * q + r * r - a * a) / (2.0 * q * r);
            let share = libm::acos(angle.clamp(-1.0, 1.0)) / PI;
            sum.add(q / step_um, TAU * q * share * half * cos * dt);
        }
    }
    sum
}
