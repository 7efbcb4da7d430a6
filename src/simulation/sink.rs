//! Results on their way to files.

use super::SimulationError;
use crate::cells::CellIndex;
use crate::config::{Arrangement, Config};
use crate::ground_truth::LoadedVolume;
use crate::io::write::{
    Compression, Content, OutputFolder, PixelType, TiffLayout, TiffStackWriter, VolumeMetadata,
    VolumeSink, WriteError,
};
use crate::model::Model;
use crate::pipeline::{Sink, SinkError};
use rayon::prelude::*;
use std::path::PathBuf;

/// Channels of a merged file.
const COLOURS: usize = 3;

/// Writes channels and ground truth as TIFF stacks.
pub(super) struct FileSink<'a> {
    cells: &'a CellIndex,
    id_type: PixelType,
    truth: Vec<Box<dyn VolumeSink>>,
    channels: Vec<Box<dyn VolumeSink>>,
    merged: bool,
    pixels: usize,
    /// For each fluorophore whether its ground truth shows a cell.
    shown: Vec<bool>,
}

/// The files of a run below its folder: ground truths by fluorophore, then channels.
pub(crate) fn targets(config: &Config, model: &Model) -> Vec<PathBuf> {
    let truth = model.fluorophores.iter().map(|fluorophore| {
        PathBuf::from("groundtruth")
            .join(&fluorophore.name)
            .join("all_cells.tiff")
    });
    truth.chain(channel_files(config, model)).collect()
}

fn channel_files(config: &Config, model: &Model) -> Vec<PathBuf> {
    let numbers = 0..model.channels.len();
    let folder = PathBuf::from("simulation");
    match config.output.sim_channels {
        Arrangement::Splitted => numbers
            .map(|i| folder.join(format!("channel_{i}.tiff")))
            .collect(),
        Arrangement::Merged => numbers
            .step_by(COLOURS)
            .map(|i| folder.join(format!("channels_{i}{}{}.tiff", i + 1, i + 2)))
            .collect(),
    }
}

impl<'a> FileSink<'a> {
    pub(super) fn create(
        config: &Config,
        model: &Model,
        volume: &'a LoadedVolume,
        output: &mut OutputFolder,
    ) -> Result<Self, WriteError> {
        let shape = model.image_shape();
        let merged = config.output.sim_channels == Arrangement::Merged;
        let factor = config.expansion.factor;
        let tissue_nm = model.camera.pixel_in_tissue_nm(config.groundtruth.voxel_nm);
        let metadata = |what: String| VolumeMetadata {
            voxel_nm: tissue_nm.map(|nm| nm * factor),
            description: format!(
                "{what}\nvoxel in tissue (z, x, y): {:.3} x {:.3} x {:.3} nm, expansion factor {factor}",
                tissue_nm[0], tissue_nm[1], tissue_nm[2]
            ),
        };
        let mut create = |path: PathBuf, pixel, content, compression, what: String| {
            let layout = TiffLayout {
                shape,
                pixel,
                content,
                compression,
                metadata: metadata(what),
            };
            let writer = TiffStackWriter::create(output.create(&path)?, layout)?;
            Ok::<_, WriteError>(Box::new(writer) as Box<dyn VolumeSink>)
        };
        let mut targets = targets(config, model).into_iter();
        let largest = volume.cells.ids().last().copied().unwrap_or(0);
        let id_type = match PixelType::for_ids(largest) {
            PixelType::Gray8 => PixelType::Gray16,
            wide => wide,
        };
        let region = config.output.gt_region.name();
        let truth = model
            .fluorophores
            .iter()
            .zip(&mut targets)
            .map(|(fluorophore, path)| {
                let what = format!(
                    "ids of cells labelled with {}, region {region}",
                    fluorophore.name
                );
                create(path, id_type, Content::Labels, Compression::Deflate, what)
            })
            .collect::<Result<_, _>>()?;
        let names: Vec<&str> = model
            .channels
            .iter()
            .map(|channel| channel.name.as_str())
            .collect();
        let in_file = if merged { COLOURS } else { 1 };
        let pixel = if merged {
            PixelType::Rgb8
        } else {
            PixelType::Gray8
        };
        let channels = names
            .chunks(in_file)
            .zip(targets)
            .map(|(names, path)| {
                let what = format!("channels: {}", names.join(", "));
                create(path, pixel, Content::Intensity, Compression::None, what)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            cells: &volume.cells,
            id_type,
            truth,
            channels,
            merged,
            pixels: shape[1] * shape[2],
            shown: vec![false; model.fluorophores.len()],
        })
    }

    /// The fluorophores whose ground truth shows nothing.
    pub(super) fn blank_truths(&self) -> Vec<usize> {
        (0..self.shown.len())
            .filter(|&fluorophore| !self.shown[fluorophore])
            .collect()
    }

    /// Completes all files.
    pub(super) fn finish(self) -> Result<(), SimulationError> {
        for sink in self.truth.into_iter().chain(self.channels) {
            sink.finish()?;
        }
        Ok(())
    }
}

/// Encodes pages on all threads and appends them in order.
fn append_pages<P: Sync + Send>(
    sink: &mut dyn VolumeSink,
    pages: impl IndexedParallelIterator<Item = P>,
    pixels: impl Fn(P) -> Vec<u8> + Sync + Send,
) -> Result<(), SinkError> {
    let encoder = sink.encoder();
    let encoded: Vec<_> = pages
        .map(|page| encoder.encode(&pixels(page)))
        .collect::<Result<_, _>>()?;
    for page in encoded {
        sink.append(page)?;
    }
    Ok(())
}

/// Numbers as the bytes of a page.
fn bytes_of<T: bytemuck::Pod>(numbers: impl Iterator<Item = T>) -> Vec<u8> {
    bytemuck::cast_slice(&numbers.collect::<Vec<T>>()).to_vec()
}

impl Sink for FileSink<'_> {
    fn truth(&mut self, fluorophore: usize, _: usize, cells: &[u32]) -> Result<(), SinkError> {
        self.shown[fluorophore] |= cells.iter().any(|&cell| cell != 0);
        let ids = self.cells.ids();
        let id_type = self.id_type;
        // The type was chosen for the largest id: nothing is cut.
        let page = |cells: &[u32]| -> Vec<u8> {
            let ids = cells.iter().map(|&cell| ids[cell as usize]);
            match id_type {
                PixelType::Gray16 => bytes_of(ids.map(|id| id as u16)),
                PixelType::Gray32 => bytes_of(ids.map(|id| id as u32)),
                _ => bytes_of(ids),
            }
        };
        append_pages(
            self.truth[fluorophore].as_mut(),
            cells.par_chunks_exact(self.pixels),
            page,
        )
    }

    fn images(&mut self, _: usize, channels: &[Vec<u8>]) -> Result<(), SinkError> {
        if !self.merged {
            for (sink, grey) in self.channels.iter_mut().zip(channels) {
                append_pages(
                    sink.as_mut(),
                    grey.par_chunks_exact(self.pixels),
                    <[u8]>::to_vec,
                )?;
            }
            return Ok(());
        }
        let slices = channels.first().map_or(0, |grey| grey.len() / self.pixels);
        for (sink, colours) in self.channels.iter_mut().zip(channels.chunks(COLOURS)) {
            append_pages(sink.as_mut(), (0..slices).into_par_iter(), |slice| {
                let mut page = vec![0; COLOURS * self.pixels];
                for (colour, grey) in colours.iter().enumerate() {
                    let grey = &grey[slice * self.pixels..][..self.pixels];
                    for (pixel, &value) in page.chunks_exact_mut(COLOURS).zip(grey) {
                        pixel[colour] = value;
                    }
                }
                page
            })?;
        }
        Ok(())
    }
}
