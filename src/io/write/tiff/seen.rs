//! The smallest and the largest value of each channel, as its pages are encoded on any thread.

use std::sync::atomic::{AtomicU32, Ordering};

use super::super::metadata::Extremes;
use super::super::{PixelType, VolumeLayout};

/// What was seen of the channels of a stack.
pub(super) struct Seen {
    pixel: PixelType,
    /// Smallest and largest [`Key`] of each channel; none where nothing is told of them.
    channels: Vec<[AtomicU32; 2]>,
}

/// A number of 32 bits in the order of the values.
type Key = u32;

impl Seen {
    /// Nothing yet, of a stack that tells the extremes of its values; of another there is nothing
    /// to see.
    pub(super) fn new(layout: &VolumeLayout) -> Self {
        let channels = if layout.tells_extremes() {
            layout.planes()
        } else {
            0
        };
        Self {
            pixel: layout.pixel,
            channels: (0..channels)
                .map(|_| [AtomicU32::new(Key::MAX), AtomicU32::new(Key::MIN)])
                .collect(),
        }
    }

    /// Looks at the pages of a slice, one for each channel.
    pub(super) fn look<'p>(&self, pages: impl Iterator<Item = &'p [u8]>) {
        for ([least, most], page) in self.channels.iter().zip(pages) {
            let (smallest, largest) = match self.pixel {
                PixelType::Gray8 => ends(page.iter().map(|&value| value.into())),
                PixelType::Gray16 => ends(
                    page.as_chunks::<2>()
                        .0
                        .iter()
                        .map(|&value| u16::from_ne_bytes(value).into()),
                ),
                PixelType::Gray32 => ends(words(page)),
                PixelType::Float32 => ends(words(page).map(key_of_float)),
                _ => continue,
            };
            least.fetch_min(smallest, Ordering::Relaxed);
            most.fetch_max(largest, Ordering::Relaxed);
        }
    }

    /// The extremes of the channels; `None` where there was nothing to see.
    pub(super) fn extremes(&self) -> Option<Vec<Extremes>> {
        let value = |key: &AtomicU32| match self.pixel {
            PixelType::Float32 => f64::from(float_of_key(key.load(Ordering::Relaxed))),
            _ => f64::from(key.load(Ordering::Relaxed)),
        };
        let ends = |[least, most]: &[AtomicU32; 2]| [value(least), value(most)];
        (!self.channels.is_empty()).then(|| self.channels.iter().map(ends).collect())
    }
}

fn words(page: &[u8]) -> impl Iterator<Item = u32> {
    let words = page.as_chunks::<4>().0;
    words.iter().map(|&word| u32::from_ne_bytes(word))
}

fn ends(keys: impl Iterator<Item = Key>) -> (Key, Key) {
    keys.fold((Key::MAX, Key::MIN), |(least, most), key| {
        (least.min(key), most.max(key))
    })
}

const SIGN: u32 = 1 << 31;

/// The bits of a floating point number in its order: negative ones turned around, below the others.
fn key_of_float(bits: u32) -> Key {
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn float_of_key(key: Key) -> f32 {
    f32::from_bits(if key & SIGN == 0 { !key } else { key & !SIGN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_order_of_floating_point_numbers() {
        let values = [-f32::MAX, -2.5, -0.0, 0.0, f32::MIN_POSITIVE, 1.0, 3e9];
        let keys = values.map(|value| key_of_float(value.to_bits()));
        assert!(keys.is_sorted(), "{keys:?}");
        assert!(keys.map(float_of_key).iter().eq(&values));
    }
}
