//! A run of a sweep: what is kept of it, and how it is found again.

use super::SweepError;
use super::inputs::Inputs;
use super::tissue::SharedTissue;
use crate::apps::metrics::{Facts, Measured, Metric, Sizes, Volumes, jitter_warning};
use crate::base::colour;
use crate::base::files::read_text;
use crate::config::{Arrangement, CellPart, Compute, Config, ModelKind};
use crate::optics::camera::Camera;
use crate::run::simulation::{Exposed, Options, RECORD_NAME, Simulator, Watcher, simulate};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ndarray::{Array2, Axis, s};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

/// Longest side of the slice that is kept of a run, in pixels.
const SIDE: usize = 384;

/// The middle slice of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Slice {
    pub rows: usize,
    pub columns: usize,
    /// Size of the slice in tissue, along rows and columns, in nm.
    pub size_nm: [f64; 2],
    pub channels: Vec<SliceChannel>,
}

/// A channel of the middle slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SliceChannel {
    pub name: String,
    pub colour: [u8; 3],
    /// Grey values of 16 bits, little-endian, in base64.
    grey: String,
}

impl SliceChannel {
    /// Grey values, row after row.
    pub(super) fn grey(&self) -> Vec<u16> {
        let bytes = STANDARD.decode(&self.grey).unwrap_or_default();
        let values = bytes.as_chunks::<2>().0.iter();
        values.map(|bytes| u16::from_le_bytes(*bytes)).collect()
    }
}

/// What makes a run what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Version of the program.
    version: String,
    /// The configuration that repeats it.
    pub configuration: String,
    /// CRC-32 of the ids of its tissue.
    tissue_crc32: u32,
    /// CRC-32 of the other files that it reads.
    inputs_crc32: u32,
}

impl Identity {
    pub(super) fn new(
        config: &Config,
        tissue: &SharedTissue,
        inputs: &mut Inputs,
    ) -> Result<Self, SweepError> {
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            configuration: text(config),
            tissue_crc32: tissue.crc32,
            inputs_crc32: inputs.crc32(config)?,
        })
    }

    /// Name of the files of a run.
    pub(super) fn name(&self) -> String {
        format!("{:08x}", crc32fast::hash(self.configuration.as_bytes()))
    }
}

/// What is kept of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    pub identity: Identity,
    /// The metrics that were asked for.
    metrics: Vec<Metric>,
    pub image_shape_pixels: [usize; 3],
    pub pixel_in_tissue_nm: [f64; 3],
    pub measured: Measured,
    pub slice: Slice,
}

/// A run that is to be done: its configuration, as one of a piece of tissue.
pub(super) fn prepared(mut config: Config, tissue: &SharedTissue, seed: u64) -> Config {
    tissue.cut(&mut config);
    // Metrics need whole cells.
    config.output.gt_region = CellPart::Full;
    config.output.gt_cells = Arrangement::Merged;
    config.compute.seed = Some(seed);
    config.sweep = None;
    config
}

/// The configuration that repeats a run, on whatever device.
fn text(config: &Config) -> String {
    let mut config = config.clone();
    config.compute = Compute {
        seed: config.compute.seed,
        ..Compute::default()
    };
    config.to_toml()
}

/// The run of an earlier sweep in a folder, where it is the same.
pub(super) fn known(folder: &Path, identity: &Identity, metrics: &[Metric]) -> Option<Run> {
    let path = folder.join(identity.name()).with_extension("json");
    let run: Run = serde_json::from_slice(&read_text(&path).ok()?).ok()?;
    (run.identity == *identity && run.metrics == metrics).then_some(run)
}

/// Refuses a run whose metrics take more memory than there may be, before it is made.
fn fits(config: &Config, metrics: &[Metric]) -> Result<(), SweepError> {
    let optics = &config.optics;
    let camera = Camera::new(
        config.groundtruth.voxel_or_nan(),
        config.expansion.factors(),
        optics.objective_factor,
        optics.pixel_size_nm,
        optics.focus_step_nm(),
    );
    let layers = config.layers();
    let dyes: BTreeSet<&str> = layers
        .values()
        .map(|layer| layer.fluorophore.as_str())
        .collect();
    let sizes = Sizes {
        shape: camera.image_shape(config.groundtruth.bounds_voxels.unwrap_or([1; 3])),
        channels: optics.channels.len() * config.rounds.as_ref().map_or(1, |rounds| rounds.number),
        dyes: dyes.len(),
        exposures: match config.model {
            ModelKind::Physical => 2,
            ModelKind::Simexm => 1,
        },
    };
    sizes
        .fit(metrics, config)
        .map_err(|why| SweepError::Usage(format!("{why}, or take a smaller piece (--crop)")))
}

/// Simulates and measures a run.
pub(super) fn run(
    simulator: &mut Simulator,
    config: &Config,
    identity: &Identity,
    tissue: &SharedTissue,
    metrics: &[Metric],
    watcher: &mut dyn Watcher,
) -> Result<Run, SweepError> {
    let seen = tissue.seen(config);
    fits(&seen, metrics)?;
    let Exposed {
        images,
        second,
        model,
    } = simulator.expose_twice(&seen, &tissue.tissue(), Options::default(), watcher)?;
    let facts = Facts::new(&seen, &model);
    if let Some(warning) = jitter_warning(&seen, facts.voxel_nm) {
        watcher.warn(warning);
    }
    let shape = model.image_shape();
    let channels = std::iter::zip(&images.channels, &model.channels).map(|(image, channel)| {
        let best = facts.best_dye(&channel.name);
        let filter_nm = seen.optics.channels[&channel.configured].laser_filter_nm;
        let nm = match best {
            Some(dye) => model.fluorophores[dye].emission_peak_nm(),
            None => filter_nm.iter().sum::<f64>() / 2.0,
        };
        let middle = image.grey.index_axis(Axis(0), shape[0] / 2);
        let bytes: Vec<u8> = reduced(middle.to_owned())
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        SliceChannel {
            name: channel.name.clone(),
            colour: colour::of_wavelength(nm),
            grey: STANDARD.encode(bytes),
        }
    });
    let channels: Vec<SliceChannel> = channels.collect();
    let [rows, columns] = [shape[1], shape[2]].map(|of| of.div_ceil(of.div_ceil(SIDE).max(1)));
    let slice = Slice {
        rows,
        columns,
        size_nm: [1, 2].map(|axis| shape[axis] as f64 * facts.voxel_nm[axis]),
        channels,
    };
    let greys = images.channels.into_iter().zip(second).enumerate();
    let volumes = Volumes {
        channels: greys
            .map(|(number, (image, second))| {
                let second = second.map(|second| second.mapv(f32::from));
                facts.channel(number, image.grey.mapv(f32::from), second)
            })
            .collect(),
        truths: facts.truths(images.ground_truth.into_iter().map(|truth| truth.cells)),
        voxel_nm: facts.voxel_nm,
        membranes: facts.membranes,
        zero: facts.zero,
    };
    Ok(Run {
        identity: identity.clone(),
        metrics: metrics.to_vec(),
        image_shape_pixels: shape,
        pixel_in_tissue_nm: facts.voxel_nm,
        measured: volumes.measure(metrics),
        slice,
    })
}

impl Run {
    /// Keeps a run in a folder; the file appears whole.
    pub(super) fn keep(&self, folder: &Path) -> Result<(), SweepError> {
        let path = folder.join(self.identity.name()).with_extension("json");
        write_json(&path, self)
    }
}

/// Writes the volumes of a run below a folder as `simexm-gpu CONFIG` does, where they are not there
/// already: a file beside them tells of which run they are.
pub(super) fn write_volumes(
    config: &Config,
    identity: &Identity,
    folder: &Path,
    watcher: &mut dyn Watcher,
) -> Result<(), SweepError> {
    let mut config = config.clone();
    config.output.path = folder.to_owned();
    config.output.name = identity.name();
    let output = config.output.folder();
    let stamp = output.with_extension("json");
    let stamped = || serde_json::from_slice::<Identity>(&read_text(&stamp).ok()?).ok();
    if output.join(RECORD_NAME).is_file() && stamped().as_ref() == Some(identity) {
        return Ok(());
    }
    // What is half written is of no run.
    if stamp.exists() {
        std::fs::remove_file(&stamp).map_err(|source| SweepError::Write {
            path: stamp.clone(),
            source,
        })?;
    }
    simulate(&config, Options::default(), watcher)?;
    write_json(&stamp, identity)
}

/// Writes a file that appears whole.
fn write_json(path: &Path, content: &impl Serialize) -> Result<(), SweepError> {
    let written = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, content)?;
        file.flush()?;
        file.persist(path)?;
        Ok(())
    };
    written().map_err(|source| SweepError::Write {
        path: path.to_owned(),
        source,
    })
}

/// An image of at most [`SIDE`] rows and columns: means of as many whole pixels.
fn reduced(image: Array2<u16>) -> Array2<u16> {
    let (rows, columns) = image.dim();
    let (down, across) = (rows.div_ceil(SIDE).max(1), columns.div_ceil(SIDE).max(1));
    if (down, across) == (1, 1) {
        return image;
    }
    Array2::from_shape_fn((rows.div_ceil(down), columns.div_ceil(across)), |(x, y)| {
        let (x, y) = (x * down, y * across);
        let part = image.slice(s![x..(x + down).min(rows), y..(y + across).min(columns)]);
        let sum: u64 = part.iter().map(|&value| u64::from(value)).sum();
        (sum / part.len() as u64) as u16
    })
}
