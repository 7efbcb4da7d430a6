//! Sink of a run that writes files.

mod layout;
mod split;

pub(crate) use layout::{channel_colour, id_pixel, targets};

use super::SimulationError;
use crate::base::progress::Observer;
use crate::config::{Arrangement, Config, OutputFormat};
use crate::io::write::{EncodedPage, OutputFolder, PageEncoder, PixelType, VolumeSink, WriteError};
use crate::model::Model;
use crate::model::cells::{CellIndex, Selection};
use crate::run::ground_truth::LoadedVolume;
use crate::run::pipeline::{Sink, SinkError, TruthSlices};
use crate::run::store::Aside;
use layout::{COLOURS, Layouts};
use rayon::prelude::*;
use split::SplitTruth;

/// Sink that writes channels and ground truth.
pub(super) struct FileSink<'a> {
    ids: Ids<'a>,
    truth: Truth<'a>,
    channels: Vec<Box<dyn VolumeSink>>,
    merged: bool,
    pixels: usize,
    grey_bytes: usize,
    /// True for each fluorophore whose ground truth shows a cell.
    shown: Vec<bool>,
}

/// Ground truth of all cells together, or of each by itself.
enum Truth<'a> {
    Merged(Vec<Box<dyn VolumeSink>>),
    Split(SplitTruth<'a>),
}

impl<'a> FileSink<'a> {
    pub(super) fn create(
        config: &'a Config,
        model: &'a Model,
        volume: &'a LoadedVolume,
        output: &'a mut OutputFolder,
        aside: Aside<'_>,
    ) -> Result<Self, SimulationError> {
        let layouts = Layouts::new(config, model, volume.cells.ids())?;
        let ids = Ids {
            cells: &volume.cells,
            pixel: layouts.id_pixel(),
            numbered: config.output.format == OutputFormat::Gif,
        };
        let channels = layouts
            .channels()
            .into_iter()
            .map(|(stem, layout)| layouts.create(output, &stem, layout))
            .collect::<Result<_, _>>()?;
        let shape = model.image_shape();
        let dyes = model.fluorophores.len();
        let truth = match config.output.gt_cells {
            Arrangement::Merged => Truth::Merged(
                (0..dyes)
                    .map(|dye| {
                        let (stem, layout) = layouts.truth_of_all(dye);
                        layouts.create(output, &stem, layout)
                    })
                    .collect::<Result<_, _>>()?,
            ),
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
            merged: config.output.sim_channels == Arrangement::Merged,
            pixels: shape[1] * shape[2],
            grey_bytes: model.grey_bytes(),
            shown: vec![false; dyes],
        })
    }

    /// Returns the fluorophores whose ground truth shows nothing.
    pub(super) fn blank_truths(&self) -> Vec<usize> {
        (0..self.shown.len())
            .filter(|&fluorophore| !self.shown[fluorophore])
            .collect()
    }
}

/// Converts indices of cells to pages of ids. Index 0 is id 0.
#[derive(Clone, Copy)]
struct Ids<'a> {
    cells: &'a CellIndex,
    pixel: PixelType,
    /// True where ids become colours: neighbours in the order of the ids get different ones.
    numbered: bool,
}

impl Ids<'_> {
    /// Encodes a page. The type was chosen for the largest id: nothing is cut.
    fn encode(self, encoder: &dyn PageEncoder, cells: &[u32]) -> Result<EncodedPage, WriteError> {
        if self.numbered {
            return encoder.encode(bytemuck::cast_slice(cells));
        }
        let ids = self.cells.ids();
        match self.pixel {
            PixelType::Gray16 => encode_each(encoder, cells, |cell| ids[cell as usize] as u16),
            PixelType::Gray32 => encode_each(encoder, cells, |cell| ids[cell as usize] as u32),
            _ => encode_each(encoder, cells, |cell| ids[cell as usize]),
        }
    }
}

/// Encodes the page of each cell's number.
fn encode_each<T: bytemuck::Pod>(
    encoder: &dyn PageEncoder,
    cells: &[u32],
    number: impl Fn(u32) -> T,
) -> Result<EncodedPage, WriteError> {
    /// Pixels at a time, which are most often of one cell.
    const TOGETHER: usize = 16;
    let mut page = vec![T::zeroed(); cells.len()];
    for (page, cells) in page.chunks_mut(TOGETHER).zip(cells.chunks(TOGETHER)) {
        let one = cells[0];
        if cells.iter().fold(0, |other, cell| other | (cell ^ one)) == 0 {
            if one != 0 {
                page.fill(number(one));
            }
        } else {
            for (page, &cell) in page.iter_mut().zip(cells) {
                *page = number(cell);
            }
        }
    }
    encoder.encode(bytemuck::cast_slice(&page))
}

/// Encodes pages on all threads and appends them in order.
fn append_pages<P: Sync + Send>(
    sink: &mut dyn VolumeSink,
    pages: impl IndexedParallelIterator<Item = P>,
    encode: impl Fn(&dyn PageEncoder, P) -> Result<EncodedPage, WriteError> + Sync + Send,
) -> Result<(), SinkError> {
    let encoder = sink.encoder();
    let encoded: Vec<_> = pages
        .map(|page| encode(&*encoder, page))
        .collect::<Result<_, _>>()?;
    for page in encoded {
        sink.append(page)?;
    }
    Ok(())
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
            Truth::Merged(sinks) => append_pages(
                sinks[slices.fluorophore].as_mut(),
                cells.par_chunks_exact(self.pixels),
                |encoder, page| self.ids.encode(encoder, page),
            ),
            Truth::Split(truth) => Ok(truth.keep(slices)?),
        }
    }

    fn finish(&mut self, observer: &mut dyn Observer) -> Result<(), SinkError> {
        let mut complete = std::mem::take(&mut self.channels);
        match &mut self.truth {
            Truth::Merged(sinks) => complete.append(sinks),
            Truth::Split(truth) => truth.write(observer)?,
        }
        complete.into_par_iter().try_for_each(VolumeSink::finish)?;
        Ok(())
    }

    fn images(&mut self, _: usize, channels: &[&[u8]]) -> Result<(), SinkError> {
        let page_bytes = self.pixels * self.grey_bytes;
        if !self.merged {
            for (sink, grey) in self.channels.iter_mut().zip(channels) {
                let pages = grey.par_chunks_exact(page_bytes);
                append_pages(sink.as_mut(), pages, |encoder, page| encoder.encode(page))?;
            }
            return Ok(());
        }
        let grey_bytes = self.grey_bytes;
        let slices = channels.first().map_or(0, |grey| grey.len() / page_bytes);
        for (sink, colours) in self.channels.iter_mut().zip(channels.chunks(COLOURS)) {
            append_pages(
                sink.as_mut(),
                (0..slices).into_par_iter(),
                |encoder, slice| {
                    let mut page = vec![0; COLOURS * page_bytes];
                    for (colour, grey) in colours.iter().enumerate() {
                        let grey =
                            grey[slice * page_bytes..][..page_bytes].chunks_exact(grey_bytes);
                        for (pixel, value) in page.chunks_exact_mut(COLOURS * grey_bytes).zip(grey)
                        {
                            pixel[colour * grey_bytes..][..grey_bytes].copy_from_slice(value);
                        }
                    }
                    encoder.encode(&page)
                },
            )?;
        }
        Ok(())
    }
}
