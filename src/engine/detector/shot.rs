//! Electrons of an exposure: Poisson numbers of any mean up to 250 000.
//!
//! Small means are drawn from tables: the mean is a multiple of 1/64 and a rest, and the sum of
//! their two Poisson numbers is one of the mean. Larger ones take the quantile of the normal
//! deviate through the Cornish-Fisher expansion of Poisson's law (Fisher and Cornish, Technometrics
//! 2, 209, 1960; for Poisson numbers see M. B. Giles, ACM Trans. Math. Softw. 42, 7, 2016), whose
//! total variation distance from it is below 3e-5 from 32 electrons on.

use super::deviate::{Deviate, Powers, root};
use super::{STARTS_AT, wide_shift};

/// Fractional bits of a mean.
pub(crate) const MEAN_BITS: u32 = 14;

/// The largest mean in electrons.
pub const MOST_ELECTRONS: u32 = 250_000;

/// The largest mean.
pub(crate) const MOST_MEAN: u32 = MOST_ELECTRONS << MEAN_BITS;

/// Bits of the rest of a mean beyond a multiple of 1/64.
pub(crate) const REST_BITS: u32 = 8;

/// Multiples of 1/64 that have a table: means below 32 electrons.
pub(crate) const NODES: u32 = 32 << (MEAN_BITS - REST_BITS);

/// Number of tables: one for each multiple, and one for each rest.
pub(super) const TABLES: u32 = NODES + (1 << REST_BITS);

/// Where each table starts and where the last one ends, counted from the start of all tables; the
/// tables follow, whose first is at `at`.
pub(super) fn tables(at: u32) -> Vec<u32> {
    let nodes = (0..NODES).map(|node| node << REST_BITS);
    let means = nodes.chain(0..1 << REST_BITS);
    let (mut starts, mut words) = (vec![at], Vec::new());
    for mean in means {
        words.extend(thresholds(f64::from(mean) / f64::from(1 << MEAN_BITS)));
        starts.push(at + words.len() as u32);
    }
    starts.extend(words);
    starts
}

/// 2^32 times the probabilities of 0, of at most 1, 2, ... electrons: as many as a word reaches are
/// drawn.
fn thresholds(mean: f64) -> Vec<u32> {
    let (mut weight, mut cumulated) = (libm::exp(-mean), 0.0);
    let mut thresholds = Vec::new();
    for electrons in 1u32.. {
        cumulated += weight;
        weight *= mean / f64::from(electrons);
        let threshold = (cumulated * 4_294_967_296.0f64).round_ties_even() as u64;
        match u32::try_from(threshold) {
            Ok(threshold) => thresholds.push(threshold),
            Err(_) => break,
        }
    }
    thresholds
}

/// A mean in electrons with 14 fractional bits, halves up, from 0 to the largest one. No step of it
/// rounds, which devices would do in ways of their own.
#[inline]
pub(super) fn fixed(electrons: f32) -> u32 {
    let scaled = electrons.clamp(0.0, MOST_ELECTRONS as f32) * (1 << MEAN_BITS) as f32;
    let whole = scaled as u32;
    whole + u32::from(scaled - whole as f32 >= 0.5)
}

/// The electrons that two words draw.
#[inline]
pub(super) fn electrons(tables: &[u32], mean: u32, [shot, rest]: [u32; 2]) -> u32 {
    let node = mean >> REST_BITS;
    if node < NODES {
        let of_rest = NODES + (mean & ((1 << REST_BITS) - 1));
        // Nearly always no electron: what is below a multiple is little.
        let first = tables[tables[(STARTS_AT + of_rest) as usize] as usize];
        let more = match rest < first {
            true => 0,
            false => tabulated(tables, of_rest, rest),
        };
        tabulated(tables, node, shot) + more
    } else {
        expanded(tables, mean, shot)
    }
}

#[inline]
fn tabulated(tables: &[u32], number: u32, word: u32) -> u32 {
    let starts = &tables[(STARTS_AT + number) as usize..];
    let thresholds = &tables[starts[0] as usize..starts[1] as usize];
    thresholds.partition_point(|&threshold| threshold <= word) as u32
}

/// The whole part of the expansion, of mean l and deviate w: `l + sqrt(l) w + (w^2 + 2)/6 - (w^3 +
/// 2 w)/(72 sqrt l) + (3 w^4 + 7 w^2 - 16)/(810 l)`, and 1 in the last place.
fn expanded(tables: &[u32], mean: u32, word: u32) -> u32 {
    let deviate = Deviate::new(tables, word);
    let powers = Powers::new(deviate.size);
    let root = root(mean);
    let odd = wide_shift(root, deviate.size, 28)
        - ((powers.third + 2 * powers.first) << 2) / (72 * (root >> 10));
    let even = (powers.second + (2 << 24)) / (6 << 10) + 1;
    // Never below 4 electrons, nor above 253 200.
    let quantile = (mean + even).wrapping_add_signed(powers.last_term(mean));
    let quantile = match deviate.negative {
        true => quantile - odd,
        false => quantile + odd,
    };
    quantile >> MEAN_BITS
}
