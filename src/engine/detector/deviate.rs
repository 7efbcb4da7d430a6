//! Normal deviates of words, and the powers that the expansions of quantiles take of them.

use super::wide_shift;
use std::f64::consts::{PI, SQRT_2};

/// Octaves of the tail: a word's is at least 2^-33.
const OCTAVES: u32 = 32;

/// Straight pieces of an octave.
pub(crate) const CELLS: u32 = 256;

/// Knots of all octaves; the last one once more, for the words 0 and 2^32 - 1, which are right on
/// it.
pub(super) const KNOTS: u32 = OCTAVES * (CELLS + 1) + 1;

/// The deviate, with 24 fractional bits, at the tails 2^-(octave + 1) (1 - cell / 512).
pub(super) fn knots() -> Vec<u32> {
    let places = (0..OCTAVES).flat_map(|octave| (0..=CELLS).map(move |cell| (octave, cell)));
    let mut knots: Vec<u32> = places
        .map(|(octave, cell)| {
            let share = 1.0 - f64::from(cell) / f64::from(2 * CELLS);
            let tail = share / f64::from(2u32).powi(octave as i32 + 1);
            (of_tail(tail) * f64::from(1 << 24)).round() as u32
        })
        .collect();
    knots.extend(knots.last().copied());
    knots
}

/// The deviate beyond which this share of a normal distribution lies, at most a half of it.
/// Newton's steps on the tail's logarithm, which is concave, come ever closer from above.
fn of_tail(tail: f64) -> f64 {
    let mut w = (-2.0 * libm::log(tail)).sqrt();
    for _ in 0..100 {
        let beyond = 0.5 * libm::erfc(w / SQRT_2);
        let density = libm::exp(-0.5 * w * w) / (2.0 * PI).sqrt();
        let step = libm::log(beyond / tail) * beyond / density;
        w += step;
        if step.abs() < 1e-14 {
            break;
        }
    }
    w
}

/// A normal deviate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deviate {
    /// Its size with 24 fractional bits, below 6.4.
    pub(super) size: u32,
    pub(super) negative: bool,
}

impl Deviate {
    /// The deviate in the middle of a word's 2^-32 of probability, to 9e-7.
    #[inline]
    pub(super) fn new(tables: &[u32], word: u32) -> Self {
        let negative = word < 1 << 31;
        // The tail is x / 2^33.
        let x = 2 * (if negative { word } else { !word }) + 1;
        let octave = x.leading_zeros();
        // How far it lies below the octave's largest: from 1 to 2^31.
        let below = (x << octave).wrapping_neg();
        let (cell, rest) = (below >> 23, below & ((1 << 23) - 1));
        let at = (octave * (CELLS + 1) + cell) as usize;
        let (a, b) = (tables[at], tables[at + 1]);
        Self {
            size: a + wide_shift(b - a, rest, 23),
            negative,
        }
    }
}

/// Powers of a deviate's size.
pub(super) struct Powers {
    /// 20 fractional bits.
    pub(super) first: u32,
    /// 24 fractional bits.
    pub(super) second: u32,
    /// 20 fractional bits.
    pub(super) third: u32,
    /// 16 fractional bits.
    fourth: u32,
}

impl Powers {
    #[inline]
    pub(super) fn new(size: u32) -> Self {
        let second = wide_shift(size, size, 24);
        let first = size >> 4;
        Self {
            first,
            second,
            third: wide_shift(second >> 4, first, 20),
            fourth: ((second >> 14) * (second >> 14)) >> 4,
        }
    }

    /// (3 w^4 + 7 w^2 - 16) / (810 mean), the last term of either expansion, with 14 fractional
    /// bits; the mean has as many, and is at least 16.
    #[inline]
    pub(super) fn last_term(&self, mean: u32) -> i32 {
        let y = (3 * self.fourth + 7 * (self.second >> 8)) as i32 - (16 << 16);
        let size = ((y.unsigned_abs() << 2) / (810 * (mean >> 10))) as i32;
        if y < 0 { -size } else { size }
    }
}

/// The whole part of a root. That of an f64 is rounded correctly, and farther below a whole number
/// than it is rounded.
#[inline]
pub(super) fn whole_root(number: u32) -> u32 {
    f64::from(number).sqrt() as u32
}

/// The root of a mean with 14 fractional bits, with 18 of them.
#[inline]
pub(super) fn root(mean: u32) -> u32 {
    let root = whole_root(mean);
    // The rest is at most twice the root, below 2^17.
    (root << 11) + ((mean - root * root) << 11) / (2 * root)
}
