//! Whole runs: from a configuration to files.

mod arrays;
mod crossover;
mod device;
mod fallback;
mod record_file;
mod resume;
mod sink;
mod stage_timer;
pub(crate) mod warnings;

pub use crate::run::error::SimulationError;
pub use crate::run::report::{Report, StageTime};
pub use arrays::{ChannelImage, GroundTruthImage, Images, Simulator, Tissue, simulate_arrays};
pub(crate) use device::CPU_BYTES;
pub(crate) use record_file::previous_manifest;
pub use record_file::{RECORD_NAME, written_files};
pub(crate) use sink::{Layouts, id_pixel, targets};

pub use crate::base::progress::{Silent, Watcher};
use crate::base::volume::Region;
use crate::config::Config;
use crate::io::read::{self, CellSource, VolumeSource};
use crate::io::write::{FolderLock, ManifestEntry, OutputFolder};
use crate::model::Model;
use crate::run::ground_truth::LoadedVolume;
use crate::run::journal::Journal;
use crate::run::outputs::quicklook::{self, About, QUICKLOOK_NAME, Quicklook, QuicklookSink};
use crate::run::outputs::report_html::{self, Facts, REPORT_NAME, ReportWatcher};
use crate::run::pipeline::{Input, NoCounts};
use crate::run::plan::{Budgets, Contents};
use crate::run::store::Aside;
use crossover::Work;
use device::Device;
use fallback::DeviceFallback;
use resume::{Identity, PreviousRun};
use sink::FileSink;
use stage_timer::StageTimer;

/// How a simulation is run, apart from what is simulated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Replaces files that the project did not write.
    pub force: bool,
    /// Writes a page about the run beside its output.
    pub report: bool,
    /// Goes on with a run that was stopped.
    pub resume: bool,
    /// For tests: fills buffers with a pattern first.
    pub poison: bool,
    /// For tests: limits slabs to this many slices.
    pub deepest_slab: Option<usize>,
    /// For tests: at least this many tiles along x and y.
    pub tiles: Option<[usize; 2]>,
}

/// Runs a configuration: reads its ground truth, simulates, and writes the channels, the ground
/// truth and the record of the run to `config.output.folder()`. Files appear whole or not at all.
///
/// A run of several slabs keeps its finished slabs in a journal there until it is complete. A run
/// that was stopped, for whatever reason, goes on from its last finished slab with
/// [`Options::resume`] if it is the same run.
///
/// # Errors
/// See [`SimulationError`].
pub fn simulate(
    config: &Config,
    options: Options,
    watcher: &mut dyn Watcher,
) -> Result<Report, SimulationError> {
    let mut config = config.clone();
    let mut report_watcher = ReportWatcher::new(watcher);
    let watcher: &mut dyn Watcher = &mut report_watcher;
    let (source, annotations, region) = open_volumes(&config)?;
    let root = config.output.folder();
    // Before anything there is looked at, so that no other run changes it meanwhile.
    let lock = FolderLock::take(&root)?;
    let previous_run = PreviousRun::find(&root)?;
    if config.compute.seed.is_none() && options.resume {
        config.compute.seed = previous_run.as_ref().and_then(PreviousRun::seed);
    }
    let seed = *config.compute.seed.get_or_insert_with(rand::random);
    config.groundtruth.bounds_voxels = Some(region.shape);
    let model = Model::new(&config, region, seed)?;
    watcher.note(&format!("reading {}", source.describe()));
    warnings::before(&model, watcher);

    let mut targets = sink::targets(&config, &model);
    targets.extend([QUICKLOOK_NAME.into(), RECORD_NAME.into()]);
    if options.report {
        targets.push(REPORT_NAME.into());
    }
    let mut previous = record_file::previous_manifest(&root);
    previous.extend(previous_run.iter().flat_map(PreviousRun::published));
    let slices = model.image_shape()[0];
    let mut identity = Identity::new(&config, seed, slices, &targets);
    let mut leftovers = PreviousRun::abandoned(&root);
    let known = match previous_run.filter(PreviousRun::is_worth_it) {
        Some(previous_run) if options.resume => Some(previous_run.resume(&root, &identity)?),
        Some(previous_run) => {
            previous_run.warn(&root, watcher);
            leftovers.extend_from_slice(previous_run.results());
            None
        }
        None if options.resume => {
            let folder = root.display();
            watcher.note(&format!(
                "{folder} holds no unfinished run: starting from the beginning"
            ));
            None
        }
        None => None,
    };
    let mut output = OutputFolder::prepare(&root, &previous, &targets, options.force)?;
    // Made before the work, so that an output that cannot be written fails at once.
    output.make_root(lock)?;
    output.remove_leftovers(&leftovers);
    Journal::forget_abandoned(&root.join(resume::JOURNAL_NAME));

    let mut stages = StageTimer::new(watcher);
    let annotations: Vec<&dyn VolumeSource> = annotations.iter().map(AsRef::as_ref).collect();
    let aside = Aside::new(&root);
    let volume = LoadedVolume::load(&source, &annotations, region, aside, &mut stages);
    let volume = volume.map_err(|error| match &known {
        Some((journal, _)) => resume::stopped(error.into(), journal, slices),
        None => error.into(),
    })?;
    warnings::of_volume(&model, &volume, stages.watcher());
    let work = Work::new(&model, Contents::of(&volume));
    let mut device = device::choose(&config.compute, Some(work), stages.watcher());
    identity.ids_crc32 = Identity::checksum(volume.cells.ids());
    identity.device = match device.is_gpu() {
        true => device.backend().name().to_owned(),
        false => "the CPU".to_owned(),
    };
    let journal = match known {
        None => {
            // Strings and numbers: everything has a form in JSON.
            let header = serde_json::to_vec(&identity).unwrap_or_default();
            Journal::new(&root.join(resume::JOURNAL_NAME), header)
        }
        Some((journal, was)) => {
            if was.ids_crc32 != identity.ids_crc32 {
                let change = "the volume holds other cells".to_owned();
                return Err(resume::changed(&root, &[change]));
            }
            let finished = journal.finished();
            let watcher = stages.watcher();
            watcher.note(&format!("going on: {finished} of {slices} slices are done"));
            if was.device != identity.device {
                watcher.warn(&format!(
                    "the run goes on with {}, while the slices before are of {}: they agree within rounding",
                    identity.device, was.device
                ));
            }
            journal
        }
    };
    let inputs = RunInputs {
        config: &config,
        model: &model,
        volume: &volume,
        journal: &journal,
        options,
    };
    let written = inputs.run(&mut output, &mut device, stages);
    if written.is_err() {
        journal.abandon();
    }
    let report = written.and_then(|written| inputs.publish(output, written, &report_watcher));
    report.map_err(|error| resume::stopped(error, &journal, slices))
}

/// Inputs of a run to files, once its cells are known.
struct RunInputs<'a> {
    config: &'a Config,
    model: &'a Model,
    volume: &'a LoadedVolume,
    journal: &'a Journal,
    options: Options,
}

impl RunInputs<'_> {
    /// Runs all sweeps; the volumes are written, under temporary names.
    fn run(
        &self,
        output: &mut OutputFolder,
        device: &mut Device,
        mut stages: StageTimer<'_>,
    ) -> Result<WrittenRun, SimulationError> {
        let (config, model, volume) = (self.config, self.model, self.volume);
        let root = output.root().to_owned();
        let aside = Aside::new(&root);
        let fallback = DeviceFallback {
            model,
            input: Input {
                volume,
                counts: &NoCounts,
                aside,
                journal: Some(self.journal),
            },
            options: self.options,
            budgets: Budgets::of(&config.compute),
        };
        let (outcome, blank_truths, seen) = fallback.run(device, &mut stages, |pipeline| {
            // Removes files of an attempt that failed.
            output.discard();
            // Should this run be killed, the next one knows which files to clear away. No room for
            // that is no failure.
            let _ = self.journal.start();
            let mut sink = FileSink::create(config, model, volume, output, aside)?;
            let empty = Quicklook::new(about_quicklook(config, model), self.options.report);
            let mut quicklook_sink = QuicklookSink::new(&mut sink, empty);
            let outcome = pipeline.run(&mut quicklook_sink)?;
            let seen = quicklook_sink.into_quicklook();
            Ok((outcome, sink.blank_truths(), seen))
        })?;
        warnings::after(model, &outcome, &blank_truths, stages.watcher());
        let is_record = |entry: &&ManifestEntry| entry.path == RECORD_NAME;
        let stale: Vec<ManifestEntry> = output.stale().filter(|e| !is_record(e)).cloned().collect();
        warnings::of_stale_files(&root, &stale, stages.watcher());

        let report = Report {
            folder: root,
            seed: model.seed,
            backend: if device.is_gpu() { "gpu" } else { "cpu" },
            device: device.backend().name().to_owned(),
            stages: stages.into_times(),
            kernels: device.backend().kernel_times(),
            maxima: outcome.maxima,
            image_shape: model.image_shape(),
        };
        Ok(WrittenRun {
            report,
            seen,
            stale,
        })
    }

    /// Writes the record and the reports, and gives all files their names.
    fn publish(
        &self,
        mut output: OutputFolder,
        written: WrittenRun,
        report_watcher: &ReportWatcher<'_>,
    ) -> Result<Report, SimulationError> {
        let described = self.describe(&mut output, &written, report_watcher);
        if described.is_err() {
            self.journal.abandon();
        }
        let published = described?;
        // Without a note, the next run would not know the files of a run that was killed while they
        // get their names. No room for that is no failure.
        let _ = self.journal.publish(&published);
        let committed = output.commit();
        if committed.is_ok() || self.journal.mark().images == 0 {
            self.journal.remove();
        }
        committed?;
        Ok(written.report)
    }

    /// Writes the record and the reports; returns a description of all files.
    fn describe(
        &self,
        output: &mut OutputFolder,
        written: &WrittenRun,
        report_watcher: &ReportWatcher<'_>,
    ) -> Result<Vec<u8>, SimulationError> {
        let (config, model) = (self.config, self.model);
        let WrittenRun {
            report,
            seen,
            stale,
        } = written;
        let ids = self.volume.cells.ids();
        output
            .create(QUICKLOOK_NAME.as_ref())?
            .write_whole(&seen.png(ids))?;
        if self.options.report {
            let facts = Facts {
                config,
                model,
                report,
                quicklook: seen,
                ids,
                watcher: report_watcher,
            };
            let page = report_html::page(&facts);
            output
                .create(REPORT_NAME.as_ref())?
                .write_whole(page.as_bytes())?;
        }
        let mut manifest = output.seal()?;
        manifest.extend(stale.iter().cloned());
        let text = record_file::text(config, model, report, manifest);
        output
            .create(RECORD_NAME.as_ref())?
            .write_whole(text.as_bytes())?;
        Ok(serde_json::to_vec(&output.seal()?).unwrap_or_default())
    }
}

/// Run whose volumes are written.
struct WrittenRun {
    report: Report,
    seen: Quicklook,
    stale: Vec<ManifestEntry>,
}

/// Collects the facts of a run for its quick-look.
pub(crate) fn about_quicklook(config: &Config, model: &Model) -> About {
    let colours = model.channels.iter();
    let colours = colours.map(|channel| sink::channel_colour(config, model, channel));
    let [z, x, y] = model.image_shape();
    let title = format!(
        "{}: {} of {x} x {y} pixels, expanded {} times, {} microscope",
        config.output.name,
        crate::base::volume::slices_in_words(z),
        config.expansion.factor,
        config.optics.microscope
    );
    let voxel_nm = config.groundtruth.voxel_nm;
    let factor = config.expansion.factor;
    quicklook::about(model, title, colours.collect(), voxel_nm, factor)
}

pub(crate) type OpenVolumes = (CellSource<'static>, Vec<Box<dyn VolumeSource>>, Region);

/// Opens the volumes of cells and annotated regions; returns them with the box that is simulated.
pub(crate) fn open_volumes(config: &Config) -> Result<OpenVolumes, SimulationError> {
    let truth = &config.groundtruth;
    let source = read::open_cells(&truth.image_path, truth.format, truth.gt_cells)?;
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

/// Fails where a region's volume has another size than that of the cells.
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
