//! Volumes that a run writes: their paths and forms.

use crate::base::choice::alternatives;
use crate::base::colour;
use crate::base::path::file_names;
use crate::base::text::of_axes;
use crate::config::{
    Arrangement, ChannelArrangement, ChannelFiles, Compute, Config, ModelKind, Normalization,
    WrittenIds,
};
use crate::io::write::{
    About, ChannelInfo, Chunks, Compression, Content, FLOAT_FORMAT, IdStorage, OutputFolder,
    PixelType, SliceWriter, Target, VolumeLayout, VolumeMetadata, VolumeSink, WRITE_FORMATS,
    WriteError, WriteFormat, writer,
};
use crate::model::ChannelModel;
use crate::model::Model;
use crate::model::cells::CellIndex;
use crate::run::simulation::SimulationError;
use std::path::{Path, PathBuf};

/// Number of channels of a merged file.
pub(super) const COLOURS: usize = 3;

/// Lists the results of a run below its folder that are known before its cells are: ground truths
/// by fluorophore, then channels.
pub(crate) fn targets(config: &Config, model: &Model) -> Vec<Target> {
    let truths = model.fluorophores.iter().map(|dye| truth_stem(&dye.name));
    let truths = truths.filter(|_| config.output.gt_cells == Arrangement::Merged);
    let truths = truths.map(|stem| (stem, Content::Labels));
    let channels = channel_stems(config).into_iter();
    let channels = channels.map(|stem| (stem, Content::Intensity));
    let volumes: Vec<_> = truths.chain(channels).collect();
    let volumes = writer(config.output.format).targets(&volumes).into_iter();
    let expected = expected_stems(config).into_iter();
    let volumes = volumes.chain(expected.map(|stem| FLOAT_FORMAT.target(&stem)));
    let table = is_compact(config).then(|| Target::File(PathBuf::from(IDS_NAME)));
    let tissue = super::tissue::targets(config, model);
    volumes.chain(table).chain(tissue).collect()
}

/// Volumes of the channels' expected electrons below the output folder, where they are wanted.
fn expected_stems(config: &Config) -> Vec<PathBuf> {
    if !config.output.expected {
        return Vec::new();
    }
    let names = channel_file_names(config);
    let names = names.iter();
    names.map(|name| Path::new("expected").join(name)).collect()
}

/// Name of the table of compact ids below the output folder.
pub(crate) const IDS_NAME: &str = "groundtruth/ids.csv";

/// Whether cells have the numbers 1 to n in the output.
pub(crate) fn is_compact(config: &Config) -> bool {
    config.output.ids == WrittenIds::Compact
}

/// The table of compact ids: which cell a number stands for.
pub(crate) fn table_of_ids(ids: &[u64]) -> String {
    let rows = ids.iter().enumerate().skip(1);
    let rows = rows.map(|(number, id)| format!("{number},{id}\n"));
    std::iter::once("number,id\n".to_owned())
        .chain(rows)
        .collect()
}

fn truth_folder(dye: &str) -> PathBuf {
    Path::new("groundtruth").join(dye)
}

fn truth_stem(dye: &str) -> PathBuf {
    truth_folder(dye).join("all_cells")
}

/// Names of files of each channel, in the order of the channels.
fn channel_file_names(config: &Config) -> Vec<String> {
    let channels = config.imaged_channels();
    file_names(channels.iter().map(|channel| channel.name.as_str()))
}

/// Volumes of the channels below the output folder, in the order of the channels.
pub(crate) fn channel_stems(config: &Config) -> Vec<PathBuf> {
    let folder = Path::new("simulation");
    let output = &config.output;
    let channels = config.imaged_channels().len();
    let names: Vec<String> = match (output.sim_channels, output.channel_files) {
        (ChannelArrangement::Split, ChannelFiles::Names) => channel_file_names(config),
        (ChannelArrangement::Split, ChannelFiles::Numbers) => {
            (0..channels).map(|i| format!("channel_{i}")).collect()
        }
        (ChannelArrangement::Merged, _) => (0..channels)
            .step_by(COLOURS)
            .map(|i| format!("channels_{i}{}{}", i + 1, i + 2))
            .collect(),
        (ChannelArrangement::Composite, _) => vec!["channels".to_owned()],
    };
    names.iter().map(|name| folder.join(name)).collect()
}

/// Channels of a file, of all that there are.
pub(super) fn channels_per_file(config: &Config, channels: usize) -> usize {
    match config.output.sim_channels {
        ChannelArrangement::Split => 1,
        ChannelArrangement::Merged => COLOURS,
        ChannelArrangement::Composite => channels.max(1),
    }
}

/// The largest number of a cell in the output.
pub(crate) fn largest_number(config: &Config, cells: &CellIndex) -> u64 {
    match is_compact(config) {
        true => cells.len() as u64 - 1,
        false => cells.largest_id(),
    }
}

/// The largest number that so many bits hold.
pub(crate) const fn number_of_bits(bits: u8) -> u64 {
    match bits {
        64.. => u64::MAX,
        bits => (1 << bits) - 1,
    }
}

/// The largest number that decides about the type of ids, of cells from a volume of so many bits:
/// where a format holds all of a run, types are known before the cells are.
pub(super) fn typed_number(config: &Config, cells: &CellIndex, bits: u8) -> u64 {
    let largest = largest_number(config, cells);
    match config.output.format.holds_all && !is_compact(config) {
        true => largest.max(number_of_bits(bits)),
        false => largest,
    }
}

/// The type of the pixels of numbers up to the largest, as they are given to the writer of the
/// format.
///
/// # Errors
/// Where the format cannot hold them.
pub(crate) fn id_pixel(config: &Config, largest: u64) -> Result<PixelType, SimulationError> {
    let holds = |format: &&&dyn WriteFormat| match format.ids() {
        IdStorage::Numbers(most) => largest <= most,
        IdStorage::Colours => false,
    };
    let format = config.output.format;
    match writer(format).ids() {
        IdStorage::Colours => Ok(PixelType::Gray32),
        IdStorage::Numbers(most) if largest > most => {
            let others = WRITE_FORMATS.iter().filter(holds);
            let others: Vec<_> = others.map(|row| row.format().name).collect();
            let compact = match is_compact(config) {
                true => "",
                false => ", or ids = \"compact\"",
            };
            Err(SimulationError::Unsupported(format!(
                "[output] format = \"{format}\" holds ids up to {most}, but the ground truth has the id {largest}: \
                 choose {}{compact}",
                alternatives(&others)
            )))
        }
        IdStorage::Numbers(_) => Ok(match PixelType::for_ids(largest) {
            PixelType::Gray8 => PixelType::Gray16,
            wide => wide,
        }),
    }
}

/// Returns the colour of a channel's light: the emission peak of its brightest dye, or the middle
/// of its filter.
pub(crate) fn channel_colour(config: &Config, model: &Model, channel: &ChannelModel) -> [u8; 3] {
    colour::of_wavelength(match channel.brightest_dye() {
        Some(dye) => model.fluorophores[dye].emission_peak_nm(),
        None => {
            let filter_nm = config.optics.channels[&channel.configured].laser_filter_nm;
            filter_nm.iter().sum::<f64>() / 2.0
        }
    })
}

/// The form of a run's volumes.
pub(crate) struct Layouts<'a> {
    config: &'a Config,
    model: &'a Model,
    format: &'static dyn WriteFormat,
    id_pixel: PixelType,
}

impl<'a> Layouts<'a> {
    /// Those of a run whose ids have pixels of the type `id_pixel`.
    pub(crate) fn new(config: &'a Config, model: &'a Model, id_pixel: PixelType) -> Self {
        Self {
            config,
            model,
            format: writer(config.output.format),
            id_pixel,
        }
    }

    /// The format of all volumes.
    pub(crate) fn format(&self) -> &'static dyn WriteFormat {
        self.format
    }

    pub(super) fn model(&self) -> &'a Model {
        self.model
    }

    /// Starts a volume.
    pub(super) fn create(
        &self,
        output: &mut OutputFolder,
        (stem, layout): (PathBuf, VolumeLayout),
    ) -> Result<Box<dyn VolumeSink>, WriteError> {
        self.format.create(output, &stem, layout)
    }

    /// Starts volumes that take any number of slices at a time.
    pub(super) fn create_writers(
        &self,
        output: &mut OutputFolder,
        volumes: Vec<(PathBuf, VolumeLayout)>,
    ) -> Result<Vec<SliceWriter>, WriteError> {
        let layouts: Vec<_> = volumes.iter().map(|(_, layout)| layout.clone()).collect();
        let sinks = self.format.create_all(output, volumes, &self.about())?;
        let writers = sinks.into_iter().zip(&layouts);
        Ok(writers
            .map(|(sink, layout)| SliceWriter::new(sink, self.format, layout))
            .collect())
    }

    /// What the run is. How and where it is computed does not belong to that: the same run has the
    /// same bytes everywhere.
    pub(crate) fn about(&self) -> About {
        let mut config = self.config.clone();
        config.compute = Compute {
            seed: Some(self.model.seed),
            ..Compute::default()
        };
        let mut text: toml::Table = config.to_toml().parse().unwrap_or_default();
        if let Some(toml::Value::Table(output)) = text.get_mut("output") {
            output.insert("path".to_owned(), "output".into());
        }
        let voxel_nm = config.groundtruth.voxel_or_nan();
        let offset = config.groundtruth.offset_voxels;
        let offset_nm = std::array::from_fn(|axis| offset[axis] as f64 * voxel_nm[axis]);
        About {
            offset_nm: config.in_gel(offset_nm),
            tissue_nm: Some(self.model.camera.pixel_in_tissue_nm(voxel_nm)),
            factors: Some(config.expansion.factors()),
            seed: Some(self.model.seed),
            configuration: Some(text.to_string()),
        }
    }

    fn chunks(&self) -> Chunks {
        let output = &self.config.output;
        let default = Chunks::default();
        Chunks {
            codec: output.codec,
            shard: output.shard.unwrap_or(default.shard),
        }
    }

    /// The ground truth of all cells of a fluorophore.
    pub(crate) fn truth_of_all(&self, dye: usize) -> (PathBuf, VolumeLayout) {
        let name = &self.model.fluorophores[dye].name;
        let numbered = match is_compact(self.config) {
            true => format!(", as numbers of {IDS_NAME}"),
            false => String::new(),
        };
        let what = format!("ids of cells labelled with {name}{numbered}");
        (truth_stem(name), self.truth(what))
    }

    /// Returns the folder of a fluorophore's ground truth.
    pub(super) fn truth_folder(&self, dye: usize) -> PathBuf {
        truth_folder(&self.model.fluorophores[dye].name)
    }

    /// The ground truth of one cell of a fluorophore, which has this number in the output.
    pub(crate) fn truth_of(&self, dye: usize, number: u64) -> (PathBuf, VolumeLayout) {
        let name = &self.model.fluorophores[dye].name;
        let what = format!("cell {number}, labelled with {name}");
        let stem = truth_folder(name).join(number.to_string());
        (stem, self.truth(what))
    }

    fn truth(&self, what: String) -> VolumeLayout {
        let region = self.config.output.gt_region.name();
        VolumeLayout {
            shape: self.model.image_shape(),
            pixel: self.id_pixel,
            content: Content::Labels,
            compression: (self.config.output.compression).unwrap_or(Compression::Deflate),
            chunks: self.chunks(),
            metadata: self.metadata(format!("{what}, region {region}"), Vec::new()),
        }
    }

    /// A volume of displacements.
    pub(super) fn displacements(&self, what: String) -> VolumeLayout {
        let along = [("z", [255, 0, 0]), ("x", [0, 255, 0]), ("y", [0, 0, 255])];
        let along = along.map(|(name, colour)| ChannelInfo {
            name: name.to_owned(),
            colour,
        });
        VolumeLayout {
            shape: self.model.image_shape(),
            pixel: PixelType::Float32,
            content: Content::Intensity,
            compression: (self.config.output.compression).unwrap_or(Compression::Deflate),
            chunks: self.chunks(),
            metadata: self.metadata(what, along.to_vec()),
        }
    }

    /// The volumes of the channels.
    pub(crate) fn channels(&self) -> Vec<(PathBuf, VolumeLayout)> {
        let merged = self.config.output.sim_channels == ChannelArrangement::Merged;
        let pixel = match (merged, self.model.output.bit_depth.bits()) {
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
        let stems = channel_stems(self.config);
        let files = channels.chunks(channels_per_file(self.config, channels.len()));
        std::iter::zip(stems, files)
            .map(|(stem, channels)| {
                let what = match (self.config.model, self.config.output.normalize) {
                    (ModelKind::Physical, _) => "grey values of the detector",
                    (ModelKind::Simexm, Normalization::Channel) => {
                        "grey values relative to the channel's brightest pixel"
                    }
                    (ModelKind::Simexm, Normalization::None) => "photons",
                };
                let layout = VolumeLayout {
                    shape: self.model.image_shape(),
                    pixel,
                    content: Content::Intensity,
                    compression: (self.config.output.compression).unwrap_or(Compression::None),
                    chunks: self.chunks(),
                    metadata: self.metadata(what.to_owned(), channels.to_vec()),
                };
                (stem, layout)
            })
            .collect()
    }

    /// The volumes of the channels' expected electrons.
    pub(crate) fn expected(&self) -> Vec<(PathBuf, VolumeLayout)> {
        let channels = self.model.channels.iter();
        std::iter::zip(expected_stems(self.config), channels)
            .map(|(stem, channel)| {
                let info = ChannelInfo {
                    name: channel.name.clone(),
                    colour: channel_colour(self.config, self.model, channel),
                };
                let what = "expected electrons of light, before noise and detector".to_owned();
                let layout = VolumeLayout {
                    shape: self.model.image_shape(),
                    pixel: PixelType::Float32,
                    content: Content::Intensity,
                    compression: (self.config.output.compression).unwrap_or(Compression::None),
                    chunks: self.chunks(),
                    metadata: self.metadata(what, vec![info]),
                };
                (stem, layout)
            })
            .collect()
    }

    fn metadata(&self, what: String, channels: Vec<ChannelInfo>) -> VolumeMetadata {
        let factor = of_axes(self.config.expansion.factors());
        let voxel_nm = self.config.groundtruth.voxel_or_nan();
        let tissue_nm = self.model.camera.pixel_in_tissue_nm(voxel_nm);
        VolumeMetadata {
            voxel_nm: self.config.in_gel(tissue_nm),
            description: format!(
                "{what}\nvoxel in tissue (z, x, y): {:.3} x {:.3} x {:.3} nm, expansion factor {factor}",
                tissue_nm[0], tissue_nm[1], tissue_nm[2]
            ),
            channels,
        }
    }
}
