//! Sink of a run that writes files.

mod layout;
mod split;
pub(super) mod tissue;

pub(crate) use layout::{
    IDS_NAME, Layouts, channel_colour, channel_stems, id_pixel, is_compact, largest_number,
    number_of_bits, table_of_ids, targets,
};

pub(crate) use tissue::{CODES_NAME, PUNCTA_NAME, has_codes, table_of_codes, table_of_puncta};

use super::SimulationError;
use crate::base::progress::Observer;
use crate::config::{Arrangement, ChannelArrangement, Config};
use crate::io::write::{FLOAT_FORMAT, IdStorage, OutputFolder, PixelType, SliceWriter, WriteError};
use crate::model::Model;
use crate::model::cells::{CellIndex, Selection};
use crate::run::ground_truth::LoadedVolume;
use crate::run::pipeline::{ExpectedSlices, Sink, SinkError, TruthSlices};
use crate::run::store::SpillPolicy;
use layout::{COLOURS, channels_per_file, typed_number};
use rayon::prelude::*;
use split::SplitTruth;
use std::borrow::Cow;

/// Sink that writes channels and ground truth.
pub(super) struct FileSink<'a> {
    ids: Ids<'a>,
    truth: Truth<'a>,
    channels: Vec<SliceWriter>,
    /// Expected electrons of the channels, where they are wanted.
    expected: Vec<SliceWriter>,
    arrangement: ChannelArrangement,
    channels_per_file: usize,
    pixels: usize,
    grey_bytes: usize,
    /// True for each fluorophore whose ground truth shows a cell.
    shown: Vec<bool>,
}

/// Ground truth of all cells together, or of each by itself.
enum Truth<'a> {
    Merged(Vec<SliceWriter>),
    Split(SplitTruth<'a>),
}

impl<'a> FileSink<'a> {
    pub(super) fn create(
        config: &'a Config,
        model: &'a Model,
        volume: &'a LoadedVolume,
        output: &'a mut OutputFolder,
        aside: SpillPolicy<'_>,
    ) -> Result<Self, SimulationError> {
        let pixel = id_pixel(config, typed_number(config, &volume.cells, volume.bits))?;
        let layouts = Layouts::new(config, model, pixel);
        let ids = Ids {
            cells: &volume.cells,
            pixel,
            colours: layouts.format().ids() == IdStorage::Colours,
            compact: is_compact(config),
        };
        let mut volumes = layouts.channels();
        let files = volumes.len();
        let expected = layouts.expected().into_iter();
        let expected = expected
            .map(|(stem, layout)| {
                let sink = FLOAT_FORMAT.create(output, &stem, layout.clone())?;
                Ok(SliceWriter::new(sink, FLOAT_FORMAT, &layout))
            })
            .collect::<Result<_, WriteError>>()?;
        tissue::write_displacements(&layouts, (config, model), output)?;
        tissue::write_rounds(config, model, output)?;
        let shape = model.image_shape();
        let dyes = model.fluorophores.len();
        if config.output.gt_cells == Arrangement::Merged {
            volumes.extend((0..dyes).map(|dye| layouts.truth_of_all(dye)));
        }
        let mut channels = layouts.create_writers(output, volumes)?;
        let truths = channels.split_off(files);
        let truth = match config.output.gt_cells {
            Arrangement::Merged => Truth::Merged(truths),
            Arrangement::Split => {
                let sheets = volume.sheets();
                let truth = SplitTruth::new(layouts, ids, output, sheets, aside);
                Truth::Split(truth)
            }
        };
        Ok(Self {
            ids,
            truth,
            channels,
            expected,
            arrangement: config.output.sim_channels,
            channels_per_file: channels_per_file(config, model.channels.len()),
            pixels: shape[1] * shape[2],
            grey_bytes: model.output.grey_bytes(),
            shown: vec![false; dyes],
        })
    }

    /// The sink of a part of the images, with so many pixels each: of writers of the channels, then
    /// of the ground truths of all cells.
    pub(super) fn of_part(
        config: &'a Config,
        model: &'a Model,
        cells: &'a CellIndex,
        pixel: PixelType,
        mut writers: Vec<SliceWriter>,
        pixels: usize,
    ) -> Self {
        let dyes = model.fluorophores.len();
        let truths = writers.split_off(writers.len().saturating_sub(dyes));
        Self {
            ids: Ids {
                cells,
                pixel,
                colours: false,
                compact: false,
            },
            truth: Truth::Merged(truths),
            channels: writers,
            expected: Vec::new(),
            arrangement: config.output.sim_channels,
            channels_per_file: channels_per_file(config, model.channels.len()),
            pixels,
            grey_bytes: model.output.grey_bytes(),
            shown: vec![false; dyes],
        }
    }

    /// Returns the fluorophores whose ground truth shows nothing.
    pub(super) fn blank_truths(&self) -> Vec<usize> {
        (0..self.shown.len())
            .filter(|&fluorophore| !self.shown[fluorophore])
            .collect()
    }
}

/// Converts indices of cells to the pixels of ids. Index 0 is id 0.
#[derive(Clone, Copy)]
struct Ids<'a> {
    cells: &'a CellIndex,
    pixel: PixelType,
    /// True where ids become colours: neighbours in the order of the ids get different ones.
    colours: bool,
    /// True where cells are numbered in that order.
    compact: bool,
}

impl Ids<'_> {
    /// The number of a cell in the output.
    fn number(&self, cell: usize) -> u64 {
        match self.compact {
            true => cell as u64,
            false => self.cells.ids()[cell],
        }
    }

    /// The pixels of some cells. The type was chosen for the largest number: nothing is cut.
    fn pixels<'c>(&self, cells: &'c [u32]) -> Cow<'c, [u8]> {
        if self.colours || (self.compact && self.pixel == PixelType::Gray32) {
            return bytemuck::cast_slice(cells).into();
        }
        if self.compact {
            return Cow::Owned(each(cells, |cell| (cell as u16).to_ne_bytes()));
        }
        let ids = self.cells.ids();
        Cow::Owned(match self.pixel {
            PixelType::Gray16 => each(cells, |cell| (ids[cell as usize] as u16).to_ne_bytes()),
            PixelType::Gray32 => each(cells, |cell| (ids[cell as usize] as u32).to_ne_bytes()),
            _ => each(cells, |cell| ids[cell as usize].to_ne_bytes()),
        })
    }
}

/// The bytes of each cell's number.
fn each<const N: usize>(cells: &[u32], number: impl Fn(u32) -> [u8; N]) -> Vec<u8> {
    /// Pixels that are most often of one cell.
    const TOGETHER: usize = 16;
    let mut bytes = vec![0; cells.len() * N];
    let (numbers, _) = bytes.as_chunks_mut::<N>();
    for (numbers, cells) in numbers.chunks_mut(TOGETHER).zip(cells.chunks(TOGETHER)) {
        let one = cells[0];
        if cells.iter().fold(0, |other, cell| other | (cell ^ one)) == 0 {
            if one != 0 {
                numbers.fill(number(one));
            }
        } else {
            for (to, &cell) in numbers.iter_mut().zip(cells) {
                *to = number(cell);
            }
        }
    }
    bytes
}

impl Sink for FileSink<'_> {
    fn begin(&mut self, selection: &Selection) -> Result<(), SinkError> {
        if let Truth::Split(truth) = &mut self.truth {
            truth.begin(selection)?;
        }
        Ok(())
    }

    fn truth(&mut self, slices: TruthSlices<'_>) -> Result<(), SinkError> {
        let cells = slices.cells;
        self.shown[slices.fluorophore] |= cells.iter().any(|&cell| cell != 0);
        match &mut self.truth {
            Truth::Merged(volumes) => {
                let pixels = self.pixels;
                let slice = |slice: usize| self.ids.pixels(&cells[slice * pixels..][..pixels]);
                Ok(volumes[slices.fluorophore].write(cells.len() / pixels, slice)?)
            }
            Truth::Split(truth) => Ok(truth.keep(slices)?),
        }
    }

    fn finish(&mut self, observer: &mut dyn Observer) -> Result<(), SinkError> {
        let mut complete = std::mem::take(&mut self.channels);
        complete.append(&mut self.expected);
        match &mut self.truth {
            Truth::Merged(volumes) => complete.append(volumes),
            Truth::Split(truth) => truth.write(observer)?,
        }
        complete.into_par_iter().try_for_each(SliceWriter::finish)?;
        Ok(())
    }

    fn expected(&mut self, slices: ExpectedSlices<'_>) -> Result<(), SinkError> {
        let (electrons, pixels) = (slices.electrons, self.pixels);
        let slice = |slice: usize| {
            let slice = &electrons[slice * pixels..][..pixels];
            Cow::Borrowed(bytemuck::cast_slice(slice))
        };
        Ok(self.expected[slices.channel].write(electrons.len() / pixels, slice)?)
    }

    fn images(&mut self, _: usize, channels: &[&[u8]]) -> Result<(), SinkError> {
        let slice_bytes = self.pixels * self.grey_bytes;
        let slices = channels.first().map_or(0, |grey| grey.len() / slice_bytes);
        let files = channels.chunks(self.channels_per_file);
        if self.arrangement != ChannelArrangement::Merged {
            for (volume, channels) in self.channels.iter_mut().zip(files) {
                volume.write(slices, |slice| {
                    let page =
                        |number: usize| &channels[number][slice * slice_bytes..][..slice_bytes];
                    let pages = 0..channels.len();
                    match channels.len() {
                        1 => page(0).into(),
                        _ => pages.map(page).collect::<Vec<_>>().concat().into(),
                    }
                })?;
            }
            return Ok(());
        }
        let grey_bytes = self.grey_bytes;
        for (volume, colours) in self.channels.iter_mut().zip(files) {
            volume.write(slices, |slice| {
                let mut rgb = vec![0; COLOURS * slice_bytes];
                for (colour, grey) in colours.iter().enumerate() {
                    let grey = grey[slice * slice_bytes..][..slice_bytes].chunks_exact(grey_bytes);
                    for (pixel, value) in rgb.chunks_exact_mut(COLOURS * grey_bytes).zip(grey) {
                        pixel[colour * grey_bytes..][..grey_bytes].copy_from_slice(value);
                    }
                }
                rgb.into()
            })?;
        }
        Ok(())
    }
}
