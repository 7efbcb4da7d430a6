//! Volumes that a run writes: their paths and forms.

use crate::base::colour;
use crate::config::{self, Arrangement, Config, Normalization, OutputFormat};
use crate::io::write::{
    ChannelInfo, Compression, Content, OutputFolder, PixelType, VolumeFormat, VolumeLayout,
    VolumeMetadata, VolumeSink, WriteError, create_volume, volume_files,
};
use crate::model::{ChannelModel, Model};
use crate::run::simulation::SimulationError;
use std::path::{Path, PathBuf};

/// Number of channels of a merged file.
pub(super) const COLOURS: usize = 3;

/// Lists the files of a run below its folder that are known before its cells are: ground truths by
/// fluorophore, then channels.
pub(crate) fn targets(config: &Config, model: &Model) -> Vec<PathBuf> {
    let truths = model.fluorophores.iter().map(|dye| truth_stem(&dye.name));
    let truths = truths.filter(|_| config.output.gt_cells == Arrangement::Merged);
    let channels = channel_stems(config, model.channels.len());
    let (format, slices) = (volume_format(config), model.image_shape()[0]);
    truths
        .chain(channels)
        .flat_map(|stem| volume_files(&stem, format, slices))
        .collect()
}

fn truth_folder(dye: &str) -> PathBuf {
    Path::new("groundtruth").join(dye)
}

fn truth_stem(dye: &str) -> PathBuf {
    truth_folder(dye).join("all_cells")
}

fn channel_stems(config: &Config, channels: usize) -> Vec<PathBuf> {
    let folder = Path::new("simulation");
    let name = |i: usize| match config.output.sim_channels {
        Arrangement::Split => format!("channel_{i}"),
        Arrangement::Merged => format!("channels_{i}{}{}", i + 1, i + 2),
    };
    (0..channels)
        .step_by(channels_per_file(config))
        .map(|i| folder.join(name(i)))
        .collect()
}

fn channels_per_file(config: &Config) -> usize {
    match config.output.sim_channels {
        Arrangement::Split => 1,
        Arrangement::Merged => COLOURS,
    }
}

fn volume_format(config: &Config) -> VolumeFormat {
    match config.output.format {
        OutputFormat::Tiff => VolumeFormat::Tiff,
        OutputFormat::Gif => VolumeFormat::Gif,
        OutputFormat::ImageSequence => VolumeFormat::PngSequence,
    }
}

/// Returns the type of the pixels of ids, which are those of the volume, ascending.
///
/// # Errors
/// The format cannot hold them.
pub(crate) fn id_pixel(config: &Config, ids: &[u64]) -> Result<PixelType, SimulationError> {
    let largest = ids.last().copied().unwrap_or(0);
    let pixel = match (config.output.format, PixelType::for_ids(largest)) {
        // Numbers of cells, which become colours.
        (OutputFormat::Gif, _) => PixelType::Gray32,
        (_, PixelType::Gray8) => PixelType::Gray16,
        (_, wide) => wide,
    };
    if config.output.format == OutputFormat::ImageSequence && pixel != PixelType::Gray16 {
        return Err(SimulationError::Unsupported(format!(
            "[output] format = \"image sequence\" writes ids as PNG of 16 bits, up to 65535, but the ground \
             truth has the id {largest}: choose \"tiff\""
        )));
    }
    Ok(pixel)
}

/// Returns the colour of a channel's light: the emission peak of its brightest dye, or the middle
/// of its filter.
pub(crate) fn channel_colour(config: &Config, model: &Model, channel: &ChannelModel) -> [u8; 3] {
    let photons = |dye: usize| channel.photons[dye].mean_photons;
    let dyes = channel.sources.iter().map(|source| source.fluorophore);
    let brightest = dyes.max_by(|&a, &b| photons(a).total_cmp(&photons(b)));
    colour::of_wavelength(match brightest {
        Some(dye) => model.fluorophores[dye].emission_peak_nm(),
        None => {
            let filter_nm = config.optics.channels[&channel.name].laser_filter_nm;
            filter_nm.iter().sum::<f64>() / 2.0
        }
    })
}

/// Form of a run's volumes.
pub(super) struct Layouts<'a> {
    config: &'a Config,
    model: &'a Model,
    id_pixel: PixelType,
}

impl<'a> Layouts<'a> {
    /// Lays out volumes; `ids` are all of the volume, ascending.
    pub(super) fn new(
        config: &'a Config,
        model: &'a Model,
        ids: &[u64],
    ) -> Result<Self, SimulationError> {
        let id_pixel = id_pixel(config, ids)?;
        Ok(Self {
            config,
            model,
            id_pixel,
        })
    }

    /// Returns the type of the pixels of ids.
    pub(super) fn id_pixel(&self) -> PixelType {
        self.id_pixel
    }

    pub(super) fn model(&self) -> &'a Model {
        self.model
    }

    /// Starts a volume.
    pub(super) fn create(
        &self,
        output: &mut OutputFolder,
        stem: &Path,
        layout: VolumeLayout,
    ) -> Result<Box<dyn VolumeSink>, WriteError> {
        create_volume(output, stem, volume_format(self.config), layout)
    }

    /// Lists the files of a volume.
    pub(super) fn files(&self, stem: &Path) -> Vec<PathBuf> {
        volume_files(
            stem,
            volume_format(self.config),
            self.model.image_shape()[0],
        )
    }

    /// Returns path and layout of a fluorophore's ground truth of all cells.
    pub(super) fn truth_of_all(&self, dye: usize) -> (PathBuf, VolumeLayout) {
        let name = &self.model.fluorophores[dye].name;
        let what = format!("ids of cells labelled with {name}");
        (truth_stem(name), self.truth(what))
    }

    /// Returns the folder of a fluorophore's ground truth.
    pub(super) fn truth_folder(&self, dye: usize) -> PathBuf {
        truth_folder(&self.model.fluorophores[dye].name)
    }

    /// Returns path and layout of a fluorophore's ground truth of one cell.
    pub(super) fn truth_of(&self, dye: usize, id: u64) -> (PathBuf, VolumeLayout) {
        let name = &self.model.fluorophores[dye].name;
        let what = format!("cell {id}, labelled with {name}");
        (truth_folder(name).join(id.to_string()), self.truth(what))
    }

    fn truth(&self, what: String) -> VolumeLayout {
        let region = self.config.output.gt_region.name();
        VolumeLayout {
            shape: self.model.image_shape(),
            pixel: self.id_pixel,
            content: Content::Labels,
            compression: self.compression(Compression::Deflate),
            metadata: self.metadata(format!("{what}, region {region}"), Vec::new()),
        }
    }

    /// Returns paths and layouts of the channels' volumes.
    pub(super) fn channels(&self) -> Vec<(PathBuf, VolumeLayout)> {
        let merged = self.config.output.sim_channels == Arrangement::Merged;
        let pixel = match (merged, self.model.bit_depth.bits()) {
            (false, 8) => PixelType::Gray8,
            (false, _) => PixelType::Gray16,
            (true, 8) => PixelType::Rgb8,
            (true, _) => PixelType::Rgb16,
        };
        let channels: Vec<ChannelInfo> = self
            .model
            .channels
            .iter()
            .map(|channel| ChannelInfo {
                name: channel.name.clone(),
                colour: channel_colour(self.config, self.model, channel),
            })
            .collect();
        let stems = channel_stems(self.config, channels.len());
        let files = channels.chunks(channels_per_file(self.config));
        std::iter::zip(stems, files)
            .map(|(stem, channels)| {
                let what = match self.config.output.normalize {
                    Normalization::Channel => {
                        "grey values relative to the channel's brightest pixel"
                    }
                    Normalization::None => "photons",
                };
                let layout = VolumeLayout {
                    shape: self.model.image_shape(),
                    pixel,
                    content: Content::Intensity,
                    compression: self.compression(Compression::None),
                    metadata: self.metadata(what.to_owned(), channels.to_vec()),
                };
                (stem, layout)
            })
            .collect()
    }

    fn compression(&self, default: Compression) -> Compression {
        match self.config.output.compression {
            None => default,
            Some(config::Compression::None) => Compression::None,
            Some(config::Compression::Deflate) => Compression::Deflate,
        }
    }

    fn metadata(&self, what: String, channels: Vec<ChannelInfo>) -> VolumeMetadata {
        let factor = self.config.expansion.factor;
        let voxel_nm = self.config.groundtruth.voxel_nm;
        let tissue_nm = self.model.camera.pixel_in_tissue_nm(voxel_nm);
        VolumeMetadata {
            voxel_nm: tissue_nm.map(|nm| nm * factor),
            description: format!(
                "{what}\nvoxel in tissue (z, x, y): {:.3} x {:.3} x {:.3} nm, expansion factor {factor}",
                tissue_nm[0], tissue_nm[1], tissue_nm[2]
            ),
            channels,
        }
    }
}
