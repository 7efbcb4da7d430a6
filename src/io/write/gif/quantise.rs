//! 256 colours for a frame of RGB.
//!
//! Up to 256 colours are kept. More are gathered in a histogram of 32 steps a side, which is cut
//! into 256 boxes: always the one whose colours differ most, across its longest side, at its mean.
//! Each box shows the mean of its pixels. It depends on the frame alone. Learning the colours with
//! a neural network (NeuQuant, as in the `gif` crate) takes 65 times as long for channels on black,
//! and misses rare bright colours by up to half the range, where this is off by an eighth (measured
//! on blurred spots, 1024 x 1024).

use std::collections::BTreeMap;
use std::ops::Range;

type Rgb = [u8; 3];

/// Colours of a frame; one place is a byte.
const MOST: usize = 256;
/// Bits of a value that choose its place in the histogram.
const BITS: u32 = 5;

/// The place of each pixel in a palette of at most 256 colours, and the palette.
pub(super) fn quantise(pixels: &[Rgb]) -> (Vec<u8>, Vec<Rgb>) {
    exact(pixels).unwrap_or_else(|| by_boxes(pixels))
}

/// All colours as they are, in their order; none if there are too many.
fn exact(pixels: &[Rgb]) -> Option<(Vec<u8>, Vec<Rgb>)> {
    let mut places = BTreeMap::new();
    for &pixel in pixels {
        places.insert(pixel, 0);
        if places.len() > MOST {
            return None;
        }
    }
    for (place, colour) in (0..=u8::MAX).zip(places.values_mut()) {
        *colour = place;
    }
    let indices = pixels.iter().map(|pixel| places[pixel]).collect();
    Some((indices, places.into_keys().collect()))
}

/// The pixels that share a place in the histogram.
#[derive(Clone, Default)]
struct Bin {
    place: usize,
    pixels: u64,
    sum: [u64; 3],
}

impl Bin {
    fn mean(&self, part: usize) -> f64 {
        self.sum[part] as f64 / self.pixels as f64
    }

    /// Less than the number of pixels, so that a large dark background leaves colours to the rest.
    fn weight(&self) -> f64 {
        (self.pixels as f64).sqrt()
    }
}

/// A run of bins, and where to cut it.
struct ColourBox {
    bins: Range<usize>,
    /// Weighted sum of the squared distances from the mean, along the longest side.
    spread: f64,
    side: usize,
    mean: f64,
}

impl ColourBox {
    fn new(all: &[Bin], bins: Range<usize>) -> Self {
        let inside = &all[bins.clone()];
        let weights: f64 = inside.iter().map(Bin::weight).sum();
        let along = |side: usize| {
            let sum: f64 = inside.iter().map(|bin| bin.weight() * bin.mean(side)).sum();
            let mean = sum / weights;
            let apart = |bin: &Bin| bin.weight() * (bin.mean(side) - mean).powi(2);
            (inside.iter().map(apart).sum(), mean)
        };
        let mut longest = Self {
            bins: bins.clone(),
            spread: 0.0,
            side: 0,
            mean: 0.0,
        };
        for side in 0..3 {
            let (spread, mean) = along(side);
            // One bin has no extent, whatever rounding says.
            if inside.len() > 1 && spread > longest.spread {
                longest = Self {
                    bins: bins.clone(),
                    spread,
                    side,
                    mean,
                };
            }
        }
        longest
    }
}

fn by_boxes(pixels: &[Rgb]) -> (Vec<u8>, Vec<Rgb>) {
    let place = |pixel: &Rgb| {
        pixel.iter().fold(0, |place, &part| {
            place << BITS | usize::from(part >> (8 - BITS))
        })
    };
    let mut bins = vec![Bin::default(); 1 << (3 * BITS)];
    for pixel in pixels {
        let bin = &mut bins[place(pixel)];
        bin.pixels += 1;
        for (sum, &part) in bin.sum.iter_mut().zip(pixel) {
            *sum += u64::from(part);
        }
    }
    for (place, bin) in bins.iter_mut().enumerate() {
        bin.place = place;
    }
    bins.retain(|bin| bin.pixels > 0);

    let mut boxes = vec![ColourBox::new(&bins, 0..bins.len())];
    while boxes.len() < MOST {
        let widest = boxes
            .iter_mut()
            .max_by(|a, b| a.spread.total_cmp(&b.spread))
            .filter(|widest| widest.spread > 0.0);
        let Some(widest) = widest else { break };
        let ColourBox {
            bins: range,
            side,
            mean,
            ..
        } = &*widest;
        let (start, end) = (range.start, range.end);
        let inside = &mut bins[start..end];
        inside.sort_by(|a, b| a.mean(*side).total_cmp(&b.mean(*side)));
        let low = inside.partition_point(|bin| bin.mean(*side) <= *mean);
        let cut = start + low.clamp(1, end - start - 1);
        *widest = ColourBox::new(&bins, start..cut);
        boxes.push(ColourBox::new(&bins, cut..end));
    }

    let mut box_of = vec![0; 1 << (3 * BITS)];
    let mut palette = Vec::with_capacity(boxes.len());
    for (number, ColourBox { bins: range, .. }) in (0..=u8::MAX).zip(&boxes) {
        let mut all = Bin::default();
        for bin in &bins[range.clone()] {
            box_of[bin.place] = number;
            all.pixels += bin.pixels;
            for (sum, part) in all.sum.iter_mut().zip(bin.sum) {
                *sum += part;
            }
        }
        palette.push(
            all.sum
                .map(|sum| ((sum + all.pixels / 2) / all.pixels) as u8),
        );
    }
    let indices = pixels.iter().map(|pixel| box_of[place(pixel)]).collect();
    (indices, palette)
}
