//! What the user says of a volume because no file does.

use super::ids::IdsMut;
use crate::base::formats::{InputFormat, StoredIds};
use crate::base::volume::ZERO_CELL;

/// How a volume is to be read. The default takes it as it is, and 0 alone for the background.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The format, where it is not to be recognised.
    pub format: Option<InputFormat>,
    /// How ids are stored.
    pub ids: StoredIds,
    /// Stored numbers that are background, and are read as 0; 0 alone where there are none. Where
    /// there are some and 0 is not among them, it is a cell like any other, and read as
    /// [`ZERO_CELL`].
    pub background: Vec<i128>,
    /// Which of the series of a file, from 0; the first one unless it is said.
    pub series: Option<usize>,
    /// Which channel of a file that has several, from 0.
    pub channel: Option<usize>,
    /// Which time point of a file that has several, from 0.
    pub time: Option<usize>,
    /// Which of the arrays or images of a container, as a path in it; the only one unless it is
    /// said.
    pub dataset: Option<String>,
    /// Which level of a pyramid, from 0; the finest one unless it is said.
    pub level: Option<usize>,
}

impl From<Option<InputFormat>> for ReadOptions {
    fn from(format: Option<InputFormat>) -> Self {
        Self {
            format,
            ..Self::default()
        }
    }
}

/// The numbers that are background, as samples of each kind hold them.
#[derive(Clone, Debug, Default)]
pub(super) struct Background {
    pub unsigned: Vec<u64>,
    /// Sign-extended.
    pub signed: Vec<u64>,
    pub float: Vec<f64>,
    /// What 0 is read as.
    pub zero: u64,
}

impl Background {
    pub fn new(options: &ReadOptions) -> Self {
        let values = || {
            options
                .background
                .iter()
                .copied()
                .filter(|&value| value != 0)
        };
        Self {
            unsigned: values()
                .filter_map(|value| u64::try_from(value).ok())
                .collect(),
            signed: values()
                .filter_map(|value| i64::try_from(value).ok())
                .map(|value| value as u64)
                .collect(),
            float: values().map(|value| value as f64).collect(),
            zero: match options.background.is_empty() || options.background.contains(&0) {
                true => 0,
                false => ZERO_CELL,
            },
        }
    }

    /// Whether 0 alone is the background.
    pub fn is_plain(&self) -> bool {
        self.zero == 0 && self.float.is_empty()
    }

    /// The id of a stored number, of which `known` are background.
    pub fn id(&self, number: u64, known: &[u64]) -> u64 {
        match number {
            0 => self.zero,
            number if known.contains(&number) => 0,
            number => number,
        }
    }

    /// Bits of the widest id that samples of so many bits give.
    pub fn id_bits(&self, bits: u8) -> u8 {
        match self.zero {
            0 => bits,
            _ => 64,
        }
    }

    /// The ids that colours stand for, red first in each pixel.
    pub fn colours<'p>(
        &self,
        stored: StoredIds,
        pixels: impl Iterator<Item = &'p [u8]>,
        mut out: IdsMut<'_>,
    ) {
        for (index, pixel) in (0..out.len()).zip(pixels) {
            let &[red, green, blue, ..] = pixel else {
                continue;
            };
            let id = self.id(stored.of_colour([red, green, blue]), &self.unsigned);
            out.part(index..index + 1).put(&[id]);
        }
    }
}
