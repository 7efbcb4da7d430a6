//! Registers that multiply electrons: the output of n electrons, in units of the gain, is a gamma
//! variate of mean n and variance n / shape. An EMCCD's register has shape 1 (Basden, Haniff and
//! Mackay, MNRAS 345, 985, 2003), a photomultiplier's dynodes that of their excess noise.
//!
//! The output of up to 16 electrons is interpolated between knots, that of more is the
//! Cornish-Fisher expansion of the gamma law. With shapes from 1 to 20 the latter is within 0.06
//! electrons of it.

use super::deviate::{Deviate, Powers, root};
use super::gamma::gamma_quantile;
use super::{REGISTER_AT, wide_shift};

/// Most electrons whose output is interpolated.
pub(crate) const TABULATED: u32 = 16;

/// Knots for each unit of the deviate.
const PER_UNIT: u32 = 16;

/// Knots of a number of electrons, less one: deviates from -7 to 7.
pub(crate) const STEPS: u32 = 14 * PER_UNIT;

/// All knots.
pub(super) const KNOTS: u32 = TABULATED * (STEPS + 1);

/// Fractional bits of a shape, and of the register's output.
pub(crate) const SHAPED: u32 = 8;

/// The outputs of 1 to 16 electrons with 8 fractional bits, by deviate.
pub(super) fn knots(shape: f64) -> Vec<u32> {
    let outputs = |electrons: u32| {
        (0..=STEPS).map(move |step| {
            let deviate = f64::from(step) / f64::from(PER_UNIT) - 7.0;
            let output = gamma_quantile(shape * f64::from(electrons), deviate) / shape;
            (output * f64::from(1 << SHAPED)).round_ties_even() as u32
        })
    };
    (1..=TABULATED).flat_map(outputs).collect()
}

/// The output, in electrons with 8 fractional bits and before the gain. The shape has 8 of them,
/// and shape times electrons is at most 250 000.
#[inline]
pub(super) fn output(tables: &[u32], electrons: u32, word: u32, shape: u32) -> u32 {
    if electrons == 0 {
        return 0;
    }
    let deviate = Deviate::new(tables, word);
    if electrons <= TABULATED {
        interpolated(tables, electrons, deviate)
    } else {
        expanded(electrons, deviate, shape)
    }
}

fn interpolated(tables: &[u32], electrons: u32, deviate: Deviate) -> u32 {
    // The deviate's place among the knots, with 20 fractional bits: its 24 are 20 of sixteenths.
    let middle = (STEPS / 2) << 20;
    let place = match deviate.negative {
        true => middle - deviate.size,
        false => middle + deviate.size,
    };
    let (step, rest) = (place >> 20, (place >> 4) & 0xffff);
    let at = (REGISTER_AT + (electrons - 1) * (STEPS + 1) + step) as usize;
    let (a, b) = (tables[at], tables[at + 1]);
    a + (((b - a) * rest) >> 16)
}

/// The expansion, of b = shape electrons and deviate w: `b + sqrt(b) w + (w^2 - 1)/3 + (w^3 - 7
/// w)/(36 sqrt b) - (3 w^4 + 7 w^2 - 16)/(810 b)`, over the shape.
fn expanded(electrons: u32, deviate: Deviate, shape: u32) -> u32 {
    let powers = Powers::new(deviate.size);
    // 14 fractional bits.
    let mean = (electrons * shape) << 6;
    let root = root(mean);
    let cubic = powers.third as i32 - 7 * powers.first as i32;
    let size = ((cubic.unsigned_abs() << 2) / (36 * (root >> 10))) as i32;
    let odd = wide_shift(root, deviate.size, 28).wrapping_add_signed(if cubic < 0 {
        -size
    } else {
        size
    });
    let square = powers.second as i32 - (1 << 24);
    let size = (square.unsigned_abs() / (3 << 10)) as i32;
    let even = if square < 0 { -size } else { size } - powers.last_term(mean);
    // At least 2 and at most 253 300.
    let quantile = mean.wrapping_add_signed(even);
    let quantile = match deviate.negative {
        true => quantile - odd,
        false => quantile + odd,
    };
    // Over the shape: 6 bits of the quotient, and 2 more of its rest.
    ((quantile / shape) << 2) + ((quantile % shape) << 2) / shape
}
