//! Samples as files store them, widened to the `u64` of ids.

use super::error::ImageError;
use super::ids::IdsMut;
use super::options::Background;

use half::f16;
use std::fmt;

/// Ids that are widened, looked at and narrowed together.
const TOGETHER: usize = 256;

/// What the bits of a sample mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SampleKind {
    Unsigned,
    /// Two's complement.
    Signed,
    /// IEEE floating point, of which whole numbers are ids.
    Float,
}

/// Type of the samples of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SampleType {
    /// Width in the file: 1, 2, 4, 8, 16, 32 or 64; below 8 the samples of a row are packed, the
    /// first in the highest bits, and each row starts at a byte.
    pub bits: u8,
    pub kind: SampleKind,
}

impl SampleType {
    /// `None` when such samples are not read.
    pub fn new(bits: u64, kind: SampleKind) -> Option<Self> {
        let known = match bits {
            1 | 2 | 4 => kind == SampleKind::Unsigned,
            8 => kind != SampleKind::Float,
            16 | 32 | 64 => true,
            _ => false,
        };
        known.then_some(Self {
            bits: bits as u8,
            kind,
        })
    }

    /// The type that containers call `uint8`, `int64`, `float32` and so on; `None` for others.
    pub fn named(name: &str) -> Option<Self> {
        let digits = name.find(|c: char| c.is_ascii_digit())?;
        let kind = match &name[..digits] {
            "uint" => SampleKind::Unsigned,
            "int" => SampleKind::Signed,
            "float" => SampleKind::Float,
            _ => return None,
        };
        let bits = name[digits..]
            .parse()
            .ok()
            .filter(|&bits: &u64| bits >= 8)?;
        Self::new(bits, kind)
    }

    /// Bits of the widest id that such samples can hold.
    pub fn id_bits(self) -> u8 {
        match self.kind {
            SampleKind::Float => self.whole_bits() + 1,
            _ => self.bits,
        }
    }

    /// A floating point number tells whole numbers apart up to 2 to the power of this.
    fn whole_bits(self) -> u8 {
        match self.bits {
            16 => 11,
            32 => 24,
            _ => 53,
        }
    }

    /// Bytes of a row of `columns` samples.
    pub fn row_bytes(self, columns: usize) -> Option<usize> {
        Some(columns.checked_mul(usize::from(self.bits))?.div_ceil(8))
    }

    /// Widens samples `first..first + out.len()` in native byte order to ids. `out` is rows of
    /// `columns` voxels, the first of them at `at` (x, y) of the slice, which an error tells.
    pub fn ids<'o>(
        self,
        row: &[u8],
        first: usize,
        out: impl Into<IdsMut<'o>>,
        at: (usize, usize),
        columns: usize,
        background: &Background,
    ) -> Result<(), ImageError> {
        let place = |index: usize| (at.0 + index / columns, at.1 + index % columns);
        let mut out = match out.into() {
            IdsMut::U64(out) => return self.wide_ids(row, first, out, place, background),
            narrower => narrower,
        };
        let mut wide = [0; TOGETHER];
        for start in (0..out.len()).step_by(TOGETHER) {
            let mut out = out.part(start..out.len().min(start + TOGETHER));
            let wide = &mut wide[..out.len()];
            let place = |index: usize| place(start + index);
            self.wide_ids(row, first + start, wide, place, background)?;
            out.put(wide);
        }
        Ok(())
    }

    /// [`SampleType::ids`] in 64 bits; `place` is that of a voxel by its index in `out`.
    fn wide_ids(
        self,
        row: &[u8],
        first: usize,
        out: &mut [u64],
        place: impl Fn(usize) -> (usize, usize),
        background: &Background,
    ) -> Result<(), ImageError> {
        if self.kind == SampleKind::Float {
            return self
                .whole(row, first, out, background)
                .map_err(|(index, value)| {
                    let (x, y) = place(index);
                    if value < 0.0 && value.fract() == 0.0 && value >= i64::MIN as f64 {
                        let value = value as i64;
                        return ImageError::Negative { x, y, value };
                    }
                    let largest = 1 << self.whole_bits();
                    ImageError::NotWhole {
                        x,
                        y,
                        value,
                        largest,
                    }
                });
        }
        self.widen(row, first, out);
        let signed = self.kind == SampleKind::Signed;
        let known = match signed {
            true => &background.signed,
            false => &background.unsigned,
        };
        if !background.is_plain() {
            for id in out.iter_mut() {
                *id = background.id(*id, known);
            }
        }
        // Sign extension has set the top bit of negative samples, and of no others.
        let negative = |&id: &u64| signed && (id as i64) < 0;
        match out.iter().position(negative) {
            None => Ok(()),
            Some(index) => {
                let (x, y) = place(index);
                let value = out[index] as i64;
                Err(ImageError::Negative { x, y, value })
            }
        }
    }

    /// Widens samples that are whole numbers; signed ones are extended.
    fn widen(self, row: &[u8], first: usize, out: &mut [u64]) {
        let from = |n: usize| &row[first * n..];
        match (self.bits, self.kind == SampleKind::Signed) {
            (8, false) => {
                for (to, &byte) in out.iter_mut().zip(from(1)) {
                    *to = byte.into();
                }
            }
            (16, false) => widen_each(from(2), out, |b| u16::from_ne_bytes(b).into()),
            (32, false) => widen_each(from(4), out, |b| u32::from_ne_bytes(b).into()),
            (8, true) => widen_each(from(1), out, |b| i64::from(i8::from_ne_bytes(b)) as u64),
            (16, true) => widen_each(from(2), out, |b| i64::from(i16::from_ne_bytes(b)) as u64),
            (32, true) => widen_each(from(4), out, |b| i64::from(i32::from_ne_bytes(b)) as u64),
            (64, _) => widen_each(from(8), out, u64::from_ne_bytes),
            _ => self.unpack(row, first, out),
        }
    }

    /// Turns floating point samples that are whole numbers into these. Another one ends it and
    /// comes back with its index in `out`.
    fn whole(
        self,
        row: &[u8],
        first: usize,
        out: &mut [u64],
        background: &Background,
    ) -> Result<(), (usize, f64)> {
        match self.bits {
            16 => self.whole_each(&row[first * 2..], out, background, |bytes| {
                f16::from_ne_bytes(bytes).to_f64()
            }),
            32 => self.whole_each(&row[first * 4..], out, background, |bytes| {
                f32::from_ne_bytes(bytes).into()
            }),
            _ => self.whole_each(&row[first * 8..], out, background, f64::from_ne_bytes),
        }
    }

    fn whole_each<const N: usize>(
        self,
        row: &[u8],
        out: &mut [u64],
        background: &Background,
        value: impl Fn([u8; N]) -> f64,
    ) -> Result<(), (usize, f64)> {
        let largest = (1u64 << self.whole_bits()) as f64;
        let (samples, _) = row.as_chunks::<N>();
        for (index, (to, &sample)) in out.iter_mut().zip(samples).enumerate() {
            let value = value(sample);
            *to = match value {
                0.0 => background.zero,
                _ if background.float.contains(&value) => 0,
                _ if value.fract() == 0.0 && (0.0..=largest).contains(&value) => value as u64,
                _ => return Err((index, value)),
            };
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
        let kind = match self.kind {
            SampleKind::Unsigned => "unsigned",
            SampleKind::Signed => "signed",
            SampleKind::Float => "floating point",
        };
        write!(f, "{}-bit {kind}", self.bits)
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
