//! Composition of layers: channels add up like light, ids are painted over them.

use super::{Contrast, Samples};
use crate::base::colour;
use rayon::prelude::*;

/// Pixels that a thread takes at a time.
const CHUNK: usize = 1 << 14;

/// Colouring of samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Paint {
    /// Grey values: their colour at full brightness, and their contrast.
    Light {
        /// Red, green and blue of the brightest pixels.
        colour: [u8; 3],
        /// Contrast from grey values to brightness.
        contrast: Contrast,
    },
    /// Ids: a colour for each, over what lies below; 0 is the background.
    Ids {
        /// Opacity from 0, which cannot be seen, to 1, which hides the layers below.
        opacity: f64,
    },
}

/// Composes `pixels` pixels of red, green and blue. All light is added, whatever its place in the
/// list; ids follow in the order of the list. Samples that are missing are 0.
#[must_use]
pub fn compose(layers: &[(&Samples, Paint)], pixels: usize) -> Vec<u8> {
    let brushes: Vec<Brush<'_>> = layers.iter().map(Brush::new).collect();
    let mut rgb = vec![0; pixels * 3];
    rgb.par_chunks_mut(CHUNK * 3)
        .enumerate()
        .for_each(|(chunk, rgb)| {
            let first = chunk * CHUNK;
            for brush in brushes.iter().filter(|brush| brush.is_light()) {
                brush.paint(first, rgb);
            }
            for brush in brushes.iter().filter(|brush| !brush.is_light()) {
                brush.paint(first, rgb);
            }
        });
    rgb
}

enum Brush<'a> {
    /// Colours by value.
    Table8(&'a [u8], Vec<[u8; 3]>),
    Table16(&'a [u16], Vec<[u8; 3]>),
    Light(&'a Samples, [u8; 3], Contrast),
    Ids(&'a Samples, f64),
}

fn shade(colour: [u8; 3], share: f64) -> [u8; 3] {
    colour.map(|part| (f64::from(part) * share).round() as u8)
}

fn table(values: usize, colour: [u8; 3], contrast: Contrast) -> Vec<[u8; 3]> {
    let values = (0..values).into_par_iter().with_min_len(4096);
    values
        .map(|value| shade(colour, contrast.share(value as f64)))
        .collect()
}

fn add(pixel: &mut [u8; 3], light: [u8; 3]) {
    for (part, more) in pixel.iter_mut().zip(light) {
        *part = part.saturating_add(more);
    }
}

impl<'a> Brush<'a> {
    fn new(&(samples, paint): &(&'a Samples, Paint)) -> Self {
        match (samples, paint) {
            (_, Paint::Ids { opacity }) => Self::Ids(samples, opacity.clamp(0.0, 1.0)),
            (Samples::U8(values), Paint::Light { colour, contrast }) => {
                Self::Table8(values, table(1 << 8, colour, contrast))
            }
            (Samples::U16(values), Paint::Light { colour, contrast }) => {
                Self::Table16(values, table(1 << 16, colour, contrast))
            }
            (_, Paint::Light { colour, contrast }) => Self::Light(samples, colour, contrast),
        }
    }

    fn is_light(&self) -> bool {
        !matches!(self, Self::Ids(..))
    }

    /// Paints the pixels from `first` on.
    fn paint(&self, first: usize, rgb: &mut [u8]) {
        let pixels = rgb.as_chunks_mut::<3>().0;
        match self {
            Self::Table8(values, table) => {
                let values = values.iter().skip(first);
                for (pixel, &value) in pixels.iter_mut().zip(values) {
                    add(pixel, table[usize::from(value)]);
                }
            }
            Self::Table16(values, table) => {
                let values = values.iter().skip(first);
                for (pixel, &value) in pixels.iter_mut().zip(values) {
                    add(pixel, table[usize::from(value)]);
                }
            }
            Self::Light(samples, colour, contrast) => {
                for (index, pixel) in pixels.iter_mut().enumerate() {
                    let share = contrast.share(samples.number(first + index));
                    add(pixel, shade(*colour, share));
                }
            }
            Self::Ids(samples, opacity) => {
                let mut last = (0, [0; 3]);
                for (index, pixel) in pixels.iter_mut().enumerate() {
                    let id = samples.id(first + index);
                    if id == 0 {
                        continue;
                    }
                    if id != last.0 {
                        last = (id, colour::of_cell(id as usize));
                    }
                    for (part, over) in pixel.iter_mut().zip(last.1) {
                        let mixed = f64::from(*part) * (1.0 - opacity) + f64::from(over) * opacity;
                        *part = mixed.round() as u8;
                    }
                }
            }
        }
    }
}
