//! What a detector makes of expected electrons, by whole numbers alone (docs/physical.md section
//! 6): every device draws the same grey value from the same mean and the same words.
//! `shaders/shared/deviate.wgsl`, `shot.wgsl`, `register.wgsl` and `readout.wgsl` are the twins of
//! the files here.
//!
//! A number "with n fractional bits" is a whole number of 2^-n. Divisions drop the remainder.
//! Products of more than 32 bits are made wide and shifted back at once; everything else fits 32
//! bits, as the comments show.

mod deviate;
mod gamma;
mod readout;
mod register;
mod shot;

#[cfg(test)]
mod tests;

pub use readout::{Detection, PixelResponse};
pub use shot::MOST_ELECTRONS;

pub(crate) use deviate::CELLS;
pub(crate) use register::{SHAPED, STEPS, TABULATED};
pub(crate) use shot::{MEAN_BITS, MOST_MEAN, NODES, REST_BITS};

use std::sync::LazyLock;

/// Where the register's knots start in the [`tables`], behind those of the deviate.
pub(crate) const REGISTER_AT: u32 = deviate::KNOTS;

/// Where the starts of the shot tables are.
pub(crate) const STARTS_AT: u32 = REGISTER_AT + register::KNOTS;

/// The tables from which a detector draws: knots of the normal deviate, knots of a register whose
/// single electron has this shape (0s without one), where each table of shot noise starts, and
/// those tables.
pub fn tables(shape: Option<f64>) -> Vec<u32> {
    static COMMON: LazyLock<[Vec<u32>; 2]> = LazyLock::new(|| {
        let at = STARTS_AT + shot::TABLES + 1;
        [deviate::knots(), shot::tables(at)]
    });
    let [deviates, shot] = &*COMMON;
    let register = match shape {
        Some(shape) => register::knots(shape),
        None => vec![0; register::KNOTS as usize],
    };
    [&deviates[..], &register, shot].concat()
}

/// The product without its last bits.
fn wide_shift(a: u32, b: u32, bits: u32) -> u32 {
    ((u64::from(a) * u64::from(b)) >> bits) as u32
}
