//! A whole run: from a configuration to files.

mod arrays;
mod attempts;
mod crossover;
mod device;
mod record_file;
mod report;
mod sink;
mod stages;
pub(crate) mod warnings;

pub use arrays::{ChannelImage, GroundTruthImage, Images, Simulator, Tissue, simulate_arrays};
pub(crate) use device::CPU_BYTES;
pub(crate) use record_file::previous_manifest;
pub use record_file::{RECORD_NAME, written_files};
pub use report::{Report, StageTime};
pub(crate) use sink::{id_pixel, targets};

use crate::compute::ComputeError;
use crate::config::{Config, ConfigError, VolumeFormat};
use crate::ground_truth::{LoadError, LoadedVolume};
use crate::io::read::{self, CellSource, Format, ReadError, VolumeSource};
use crate::io::write::{FolderLock, ManifestEntry, OutputFolder, WriteError};
use crate::model::{Model, ModelError};
use crate::observer::Observer;
use crate::pipeline::{Input, NoCounts, RunError};
use crate::plan::PlanError;
use crate::quicklook::{self, QUICKLOOK_NAME, Quicklook, Tap};
use crate::report_html::{self, Facts, REPORT_NAME, Recorder};
use crate::volume::Region;
use attempts::Attempts;
use crossover::Work;
use sink::FileSink;
use stages::Stages;

/// Who watches a simulation, and tells the user.
pub trait Watcher: Observer {
    /// Something that the user should know.
    fn note(&mut self, text: &str);
    /// Something that the user should look into.
    fn warn(&mut self, text: &str);
}

/// Why a simulation failed.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The ground truth could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The ground truth could not be loaded.
    #[error(transparent)]
    Load(LoadError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Label counts have another shape than the cells.
    #[error(
        "the counts of {fluorophore} have the shape {found:?}, but the cells {expected:?} (z, x, y); both must have \
         the same"
    )]
    CountsShape {
        /// The fluorophore.
        fluorophore: String,
        /// Shape of the counts.
        found: [usize; 3],
        /// Shape of the cells.
        expected: [usize; 3],
    },
    /// The configuration cannot be simulated.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The configuration asks for what this version cannot do.
    #[error("{0}")]
    Unsupported(String),
    /// A region's volume has another size than the cells'.
    #[error(
        "[groundtruth.regions.{name}] region_path: {found}, but the cells are {expected}; both must have the same size"
    )]
    RegionSize {
        /// The region.
        name: String,
        /// Its volume.
        found: String,
        /// The cells' volume.
        expected: String,
    },
    /// The run does not fit.
    #[error("the volume does not fit: {0}")]
    Plan(#[from] PlanError),
    /// The device failed.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// The run failed.
    #[error(transparent)]
    Run(RunError),
    /// The output could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Someone asked it to stop.
    #[error("interrupted; nothing was written")]
    Interrupted,
}

impl SimulationError {
    /// True where the configuration is at fault, not what happened while it ran.
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Config(_) | Self::Model(_) | Self::Unsupported(_) | Self::RegionSize { .. }
        ) || matches!(self, Self::Read(ReadError::OutOfBounds { .. }))
    }
}

impl From<LoadError> for SimulationError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Interrupted => Self::Interrupted,
            other => Self::Load(other),
        }
    }
}

impl From<RunError> for SimulationError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Interrupted => Self::Interrupted,
            other => Self::Run(other),
        }
    }
}

/// How a simulation is run, apart from what is simulated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Replace files that the project did not write.
    pub force: bool,
    /// Write a page about the run beside its output.
    pub report: bool,
    /// For tests: buffers start out filled with a pattern.
    pub poison: bool,
    /// For tests: slabs of at most this many slices.
    pub deepest_slab: Option<usize>,
}

/// A watcher that neither tells nor interrupts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn begin(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, _: usize) {}
    fn end(&mut self) {}
    fn interrupted(&self) -> bool {
        false
    }
}

impl Watcher for Silent {
    fn note(&mut self, _: &str) {}
    fn warn(&mut self, _: &str) {}
}

/// Runs a configuration: reads its ground truth, simulates, and writes the channels, the ground truth
/// and the record of the run to `config.output.folder()`. Files appear whole or not at all.
///
/// # Errors
/// See [`SimulationError`].
pub fn simulate(
    config: &Config,
    options: Options,
    watcher: &mut dyn Watcher,
) -> Result<Report, SimulationError> {
    let mut config = config.clone();
    let mut recorder = Recorder::new(watcher);
    let watcher: &mut dyn Watcher = &mut recorder;
    let (source, annotations, region) = open_volumes(&config)?;
    let seed = *config.compute.seed.get_or_insert_with(rand::random);
    config.groundtruth.bounds_voxels = Some(region.shape);
    let model = Model::new(&config, region, seed)?;
    watcher.note(&format!("reading {}", source.describe()));
    warnings::before(&model, watcher);

    let root = config.output.folder();
    // Before anything there is looked at, so that no other run changes it meanwhile.
    let lock = FolderLock::take(&root)?;
    let previous = record_file::previous_manifest(&root);
    let mut targets = sink::targets(&config, &model);
    targets.extend([QUICKLOOK_NAME.into(), RECORD_NAME.into()]);
    if options.report {
        targets.push(REPORT_NAME.into());
    }
    let mut output = OutputFolder::prepare(&root, &previous, &targets, options.force)?;
    // Made before the work, so that an output that cannot be written fails at once.
    output.make_root(lock)?;

    let mut stages = Stages::new(watcher);
    let annotations: Vec<&dyn VolumeSource> = annotations.iter().map(AsRef::as_ref).collect();
    let volume = LoadedVolume::load(&source, &annotations, region, &root, &mut stages)?;
    warnings::of_volume(&model, &volume, stages.watcher());
    let work = Work::new(&config, region.shape);
    let mut device = device::choose(&config.compute, Some(work), stages.watcher());
    let attempts = Attempts {
        model: &model,
        input: Input {
            volume: &volume,
            counts: &NoCounts,
            spill_folder: &root,
        },
        options,
    };
    let (outcome, blank_truths, seen) = attempts.run(&mut device, &mut stages, |pipeline| {
        // What an attempt that failed has written.
        output.discard();
        let mut sink = FileSink::create(&config, &model, &volume, &mut output, &root)?;
        let mut tap = Tap::new(&mut sink, new_quicklook(&config, &model, options));
        let outcome = pipeline.run(&mut tap)?;
        let seen = tap.into_quicklook();
        Ok((outcome, sink.blank_truths(), seen))
    })?;
    warnings::after(&model, &outcome, &blank_truths, stages.watcher());
    let is_record = |entry: &&ManifestEntry| entry.path == RECORD_NAME;
    let stale: Vec<ManifestEntry> = output.stale().filter(|e| !is_record(e)).cloned().collect();
    warnings::of_stale_files(&root, &stale, stages.watcher());

    output
        .create(QUICKLOOK_NAME.as_ref())?
        .write_whole(&seen.png(volume.cells.ids()))?;
    let report = Report {
        folder: root,
        seed,
        backend: if device.is_gpu() { "gpu" } else { "cpu" },
        device: device.backend().name().to_owned(),
        stages: stages.into_times(),
        kernels: device.backend().kernel_times(),
        maxima: outcome.maxima,
        image_shape: model.image_shape(),
    };
    if options.report {
        let facts = Facts {
            config: &config,
            model: &model,
            report: &report,
            quicklook: &seen,
            ids: volume.cells.ids(),
            recorder: &recorder,
        };
        let page = report_html::page(&facts);
        output
            .create(REPORT_NAME.as_ref())?
            .write_whole(page.as_bytes())?;
    }
    let mut manifest = output.seal()?;
    manifest.extend(stale);
    let text = record_file::text(&config, &model, &report, manifest);
    output
        .create(RECORD_NAME.as_ref())?
        .write_whole(text.as_bytes())?;
    output.commit()?;
    Ok(report)
}

/// An empty quick-look of a run.
fn new_quicklook(config: &Config, model: &Model, options: Options) -> Quicklook {
    let colours = model.channels.iter();
    let colours = colours.map(|channel| sink::channel_colour(config, model, channel));
    let [z, x, y] = model.image_shape();
    let title = format!(
        "{}: {z} slices of {x} x {y} pixels, expanded {} times, {} microscope",
        config.output.name, config.expansion.factor, config.optics.microscope
    );
    let voxel_nm = config.groundtruth.voxel_nm;
    let factor = config.expansion.factor;
    let about = quicklook::about(model, title, colours.collect(), voxel_nm, factor);
    Quicklook::new(about, options.report)
}

pub(crate) type OpenVolumes = (CellSource<'static>, Vec<Box<dyn VolumeSource>>, Region);

/// The volume of cells, those of the annotated regions, and the part of them that is simulated.
pub(crate) fn open_volumes(config: &Config) -> Result<OpenVolumes, SimulationError> {
    let truth = &config.groundtruth;
    let format = truth.format.map(|format| match format {
        VolumeFormat::Tiff => Format::TiffStack,
        VolumeFormat::ImageSequence => Format::ImageSequence,
        VolumeFormat::Npy => Format::Npy,
    });
    let source = read::open_cells(&truth.image_path, format, truth.gt_cells)?;
    let (offset, bounds) = (truth.offset_voxels, truth.bounds_voxels);
    let region = Region::within(&source.describe(), source.shape(), offset, bounds)?;
    let mut annotations = Vec::new();
    for (name, volume) in &truth.regions {
        let annotation = read::open(&volume.region_path, None)?;
        check_region(name, annotation.as_ref(), &source)?;
        annotations.push(annotation);
    }
    Ok((source, annotations, region))
}

/// An error where a region's volume has another size than that of the cells.
fn check_region(
    name: &str,
    region: &dyn VolumeSource,
    cells: &CellSource<'_>,
) -> Result<(), SimulationError> {
    if region.shape() == cells.shape() {
        return Ok(());
    }
    Err(SimulationError::RegionSize {
        name: name.to_owned(),
        found: region.describe(),
        expected: cells.describe(),
    })
}
