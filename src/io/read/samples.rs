//! Integer samples as files store them, widened to `u64`.

use super::error::ImageError;

use std::fmt;

/// Type of the samples of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SampleType {
    /// Width in the file: 1, 2, 4, 8, 16, 32 or 64; below 8 the samples of a row are packed, the
    /// first in the highest bits, and each row starts at a byte.
    pub bits: u8,
    /// Two's complement.
    pub signed: bool,
}

impl SampleType {
    /// `None` when such samples are not read.
    pub fn new(bits: u64, signed: bool) -> Option<Self> {
        let known = match bits {
            1 | 2 | 4 => !signed,
            8 | 16 | 32 | 64 => true,
            _ => false,
        };
        known.then_some(Self {
            bits: bits as u8,
            signed,
        })
    }

    /// Bytes of a row of `columns` samples.
    pub fn row_bytes(self, columns: usize) -> Option<usize> {
        Some(columns.checked_mul(usize::from(self.bits))?.div_ceil(8))
    }

    /// Widens samples `first..first + out.len()` in native byte order to ids. `out` is rows of `columns`
    /// voxels, the first of them at `at` (x, y) of the slice, which an error tells.
    pub fn ids(
        self,
        row: &[u8],
        first: usize,
        out: &mut [u64],
        at: (usize, usize),
        columns: usize,
    ) -> Result<(), ImageError> {
        self.widen(row, first, out)
            .map_err(|(index, value)| ImageError::Negative {
                x: at.0 + index / columns,
                y: at.1 + index % columns,
                value,
            })
    }

    /// Widens samples. A negative one ends it and comes back with its index in `out`.
    fn widen(self, row: &[u8], first: usize, out: &mut [u64]) -> Result<(), (usize, i64)> {
        let from = |n: usize| &row[first * n..];
        match (self.bits, self.signed) {
            (8, false) => {
                for (to, &byte) in out.iter_mut().zip(from(1)) {
                    *to = byte.into();
                }
            }
            (16, false) => widen_each(from(2), out, |b| u16::from_ne_bytes(b).into()),
            (32, false) => widen_each(from(4), out, |b| u32::from_ne_bytes(b).into()),
            (64, false) => widen_each(from(8), out, u64::from_ne_bytes),
            (8, true) => widen_each(from(1), out, |b| i64::from(i8::from_ne_bytes(b)) as u64),
            (16, true) => widen_each(from(2), out, |b| i64::from(i16::from_ne_bytes(b)) as u64),
            (32, true) => widen_each(from(4), out, |b| i64::from(i32::from_ne_bytes(b)) as u64),
            (64, true) => widen_each(from(8), out, u64::from_ne_bytes),
            _ => self.unpack(row, first, out),
        }
        if self.signed {
            // Sign extension has set the top bit of negative samples, and of no others.
            if let Some(index) = out.iter().position(|&id| (id as i64) < 0) {
                return Err((index, out[index] as i64));
            }
        }
        Ok(())
    }

    fn unpack(self, row: &[u8], first: usize, out: &mut [u64]) {
        let bits = usize::from(self.bits);
        for (i, to) in out.iter_mut().enumerate() {
            let bit = (first + i) * bits;
            let shift = 8 - bits - bit % 8;
            *to = u64::from(row[bit / 8] >> shift) & ((1 << bits) - 1);
        }
    }
}

impl fmt::Display for SampleType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.signed { "signed" } else { "unsigned" };
        write!(f, "{}-bit {sign}", self.bits)
    }
}

fn widen_each<const N: usize>(row: &[u8], out: &mut [u64], widen: impl Fn([u8; N]) -> u64) {
    let (samples, _) = row.as_chunks::<N>();
    for (to, &sample) in out.iter_mut().zip(samples) {
        *to = widen(sample);
    }
}

/// Reverses the bytes of every sample of `bytes` bytes.
pub(super) fn swap_bytes(row: &mut [u8], bytes: usize) {
    if bytes > 1 {
        for sample in row.chunks_exact_mut(bytes) {
            sample.reverse();
        }
    }
}
