//! Quick-look: one picture of a run's output. It shows of each channel the middle slice and the
//! maximum along z, the channels in their colours, and the ground truth.
//!
//! [`QuicklookSink`] stands before the [`Sink`] of a run and takes what it needs from the slices as
//! they pass, so that no file is read again.

mod draw;
#[cfg(test)]
mod tests;

use crate::base::progress::Observer;
use crate::base::text::of_axes;
use crate::model::Model;
use crate::model::cells::Selection;
use crate::run::pipeline::{ExpectedSlices, Sink, SinkError, TruthSlices};
use crate::show::picture::{PixelSize, SampleKind, Samples, length};
use rayon::prelude::*;

/// Name of the picture in the output folder.
pub const QUICKLOOK_NAME: &str = "quicklook.png";

/// Pixels that a thread takes at a time.
const CHUNK: usize = 1 << 15;

/// Facts of a run that are known before its first slice.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// Title of the picture.
    pub title: String,
    /// Shape (z, x, y) of the images.
    pub shape: [usize; 3],
    /// Names and colours of the channels.
    pub channels: Vec<(String, [u8; 3])>,
    /// Names of the fluorophores.
    pub fluorophores: Vec<String>,
    /// Bits of a grey value: 8 or 16.
    pub bits: u32,
    /// Size of the pixels.
    pub pixel: PixelSize,
}

/// Middle slice and maximum along z of a volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Views<T> {
    /// Middle slice.
    pub middle: T,
    /// Maximum along z; of cells the largest index.
    pub highest: T,
}

/// Pixels and counts that the picture is drawn from.
#[derive(Clone, Debug)]
pub struct Quicklook {
    about: About,
    channels: Vec<Views<Samples>>,
    /// Indices of cells for each fluorophore.
    truths: Vec<Views<Vec<u32>>>,
    /// Pixels of each channel by their grey value; empty unless asked for.
    histograms: Vec<Vec<u64>>,
}

impl Quicklook {
    /// Starts without slices; `histograms` says whether grey values are counted, which costs a
    /// little.
    #[must_use]
    pub fn new(about: About, histograms: bool) -> Self {
        let pixels = about.shape[1] * about.shape[2];
        let kind = SampleKind::of_bits(about.bits as u8);
        let grey = Views {
            middle: kind.zeros(pixels),
            highest: kind.zeros(pixels),
        };
        let cells = Views {
            middle: vec![0; pixels],
            highest: vec![0; pixels],
        };
        let channels = about.channels.len();
        let values = 1usize << about.bits.min(16);
        Self {
            channels: vec![grey; channels],
            truths: vec![cells; about.fluorophores.len()],
            histograms: vec![vec![0; values]; if histograms { channels } else { 0 }],
            about,
        }
    }

    /// Takes views that are complete already: of each channel, and of each fluorophore's cells.
    #[must_use]
    pub fn of_views(
        about: About,
        channels: Vec<Views<Samples>>,
        truths: Vec<Views<Vec<u32>>>,
    ) -> Self {
        Self {
            about,
            channels,
            truths,
            histograms: Vec::new(),
        }
    }

    /// Returns the facts known before the first slice.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Writes the size of a pixel.
    #[must_use]
    pub fn pixel_note(&self) -> Option<String> {
        let [z, x, y] = self.about.pixel.tissue_nm().map(length);
        let factor = of_axes(self.about.pixel.expansion?);
        Some(format!(
            "A pixel is {x} x {y} of tissue, slices are {z} apart; in the gel {factor} times as much."
        ))
    }

    /// Returns the pixels of each channel by their grey value; empty unless asked for.
    #[must_use]
    pub fn histograms(&self) -> &[Vec<u64>] {
        &self.histograms
    }

    /// Returns the index of the slice that is shown.
    #[must_use]
    pub fn middle(&self) -> usize {
        self.about.shape[0] / 2
    }

    fn pixels(&self) -> usize {
        self.about.shape[1] * self.about.shape[2]
    }

    /// Takes slices of all channels: the bytes of their grey values in the machine's order.
    pub fn images(&mut self, first: usize, channels: &[&[u8]]) {
        let (middle, pixels) = (self.middle(), self.pixels());
        let counted = self.histograms.iter_mut().map(Some);
        let counted = counted.chain(std::iter::repeat_with(|| None));
        for ((views, bytes), histogram) in self.channels.iter_mut().zip(channels).zip(counted) {
            match (&mut views.middle, &mut views.highest) {
                (Samples::U8(at_middle), Samples::U8(highest)) => {
                    pass(bytes, first, middle, pixels, at_middle, highest);
                    if let Some(histogram) = histogram {
                        count(histogram, bytes, |value| usize::from(*value));
                    }
                }
                (Samples::U16(at_middle), Samples::U16(highest)) => {
                    let values: &[u16] = match bytemuck::try_cast_slice(bytes) {
                        Ok(values) => values,
                        Err(_) => &bytes
                            .as_chunks::<2>()
                            .0
                            .iter()
                            .map(|&value| u16::from_ne_bytes(value))
                            .collect::<Vec<u16>>(),
                    };
                    pass(values, first, middle, pixels, at_middle, highest);
                    if let Some(histogram) = histogram {
                        count(histogram, values, |value| usize::from(*value));
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes slices of a ground truth.
    pub fn truth(&mut self, slices: TruthSlices<'_>) {
        let (middle, pixels) = (self.middle(), self.pixels());
        if let Some(views) = self.truths.get_mut(slices.fluorophore) {
            let (at_middle, highest) = (&mut views.middle, &mut views.highest);
            pass(
                slices.cells,
                slices.first,
                middle,
                pixels,
                at_middle,
                highest,
            );
        }
    }
}

/// Takes the middle slice (of several values for a pixel the larger), and raises the maximum.
fn pass<T: Copy + Ord + Send + Sync>(
    values: &[T],
    first: usize,
    middle: usize,
    pixels: usize,
    at_middle: &mut [T],
    highest: &mut [T],
) {
    let raise = |to: &mut [T], from: &[T]| {
        for (to, &value) in to.iter_mut().zip(from) {
            *to = (*to).max(value);
        }
    };
    let slice = |index: usize| values.get(index * pixels..(index + 1) * pixels);
    if let Some(values) = middle.checked_sub(first).and_then(slice) {
        raise(at_middle, values);
    }
    // Each thread has pixels of its own, and goes through all slices.
    highest
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(chunk, highest)| {
            for slice in values.chunks_exact(pixels.max(1)) {
                raise(highest, &slice[chunk * CHUNK..][..highest.len()]);
            }
        });
}

fn count<T: Sync>(histogram: &mut [u64], values: &[T], class: impl Fn(&T) -> usize + Sync) {
    let classes = histogram.len();
    let parts: Vec<Vec<u64>> = values
        .par_chunks(1 << 20)
        .map(|values| {
            let mut part = vec![0; classes];
            for value in values {
                part[class(value)] += 1;
            }
            part
        })
        .collect();
    for part in parts {
        for (to, more) in histogram.iter_mut().zip(part) {
            *to += more;
        }
    }
}

/// Sink that passes slices on to another, and keeps of them what the quick-look shows.
pub struct QuicklookSink<'a> {
    sink: &'a mut dyn Sink,
    quicklook: Quicklook,
}

impl<'a> QuicklookSink<'a> {
    /// Stands before `sink` and fills `quicklook`.
    pub fn new(sink: &'a mut dyn Sink, quicklook: Quicklook) -> Self {
        Self { sink, quicklook }
    }

    /// Returns the quick-look of the slices that passed.
    #[must_use]
    pub fn into_quicklook(self) -> Quicklook {
        self.quicklook
    }
}

impl Sink for QuicklookSink<'_> {
    fn begin(&mut self, selection: &Selection) -> Result<(), SinkError> {
        self.sink.begin(selection)
    }

    fn truth(&mut self, slices: TruthSlices<'_>) -> Result<(), SinkError> {
        self.quicklook.truth(slices);
        self.sink.truth(slices)
    }

    fn images(&mut self, first: usize, channels: &[&[u8]]) -> Result<(), SinkError> {
        self.quicklook.images(first, channels);
        self.sink.images(first, channels)
    }

    fn expected(&mut self, slices: ExpectedSlices<'_>) -> Result<(), SinkError> {
        self.sink.expected(slices)
    }

    fn finish(&mut self, observer: &mut dyn Observer) -> Result<(), SinkError> {
        self.sink.finish(observer)
    }
}

/// Collects the facts that a model tells; `colours` are those of its channels.
pub(crate) fn about(
    model: &Model,
    title: String,
    colours: Vec<[u8; 3]>,
    voxel_nm: [f64; 3],
    expansion: [f64; 3],
) -> About {
    // With the dye that it sees best.
    let names = model
        .channels
        .iter()
        .map(|channel| match channel.brightest_dye() {
            Some(dye) => format!("{} ({})", channel.name, model.fluorophores[dye].name),
            None => channel.name.clone(),
        });
    let tissue_nm = model.camera.pixel_in_tissue_nm(voxel_nm);
    About {
        title,
        shape: model.image_shape(),
        channels: names.zip(colours).collect(),
        fluorophores: model
            .fluorophores
            .iter()
            .map(|dye| dye.name.clone())
            .collect(),
        bits: model.output.bit_depth.bits(),
        pixel: PixelSize {
            gel_nm: std::array::from_fn(|axis| tissue_nm[axis] * expansion[axis]),
            expansion: Some(expansion),
        },
    }
}
