//! A run from files to files, phase by phase: each takes what the one before it gives.

use super::crossover::Work;
use super::device::{self, Device};
use super::fallback::DeviceFallback;
use super::input::{OpenVolumes, Settled, open_volumes, settle};
use super::resume::{self, Identity, PreviousRun};
use super::sink::{self, FileSink};
use super::{
    Options, RECORD_NAME, SimulationError, Watcher, about_quicklook, check_light, record_file,
    warnings,
};
use crate::config::Config;
use crate::io::read::VolumeSource;
use crate::io::write::{FolderLock, InputFiles, ManifestEntry, OutputFolder};
use crate::model::Model;
use crate::run::ground_truth::LoadedVolume;
use crate::run::journal::Journal;
use crate::run::log::RunLog;
use crate::run::outputs::quicklook::{QUICKLOOK_NAME, Quicklook, QuicklookSink};
use crate::run::outputs::report_html::{self, Facts, REPORT_NAME};
use crate::run::pipeline::{Input, NoCounts};
use crate::run::plan::{Budgets, Contents};
use crate::run::report::Report;
use crate::run::store::SpillPolicy;
use std::path::PathBuf;

/// What a configuration says is there: its volumes are open and its output folder is locked;
/// nothing is changed.
pub(super) struct RunSetup {
    config: Config,
    options: Options,
    volumes: OpenVolumes,
    root: PathBuf,
    lock: Option<FolderLock>,
    previous_run: Option<PreviousRun>,
    model: Model,
    settled: Settled,
}

impl RunSetup {
    /// Opens volumes and folder, settles the seed, and derives the model.
    pub(super) fn open(
        config: &Config,
        options: Options,
        watcher: &mut dyn Watcher,
    ) -> Result<Self, SimulationError> {
        check_light(config)?;
        let mut config = config.clone();
        let volumes = open_volumes(&config)?;
        let settled = settle(&mut config, &volumes.0)?;
        device::find_named(&config.compute)?;
        let root = config.output.folder();
        // Before anything there is looked at, so that no other run changes it meanwhile.
        let lock = FolderLock::take(&root)?;
        let previous_run = PreviousRun::find(&root)?;
        if config.compute.seed.is_none() && options.resume {
            config.compute.seed = previous_run.as_ref().and_then(PreviousRun::seed);
        }
        let seed = *config.compute.seed.get_or_insert_with(rand::random);
        let (ref source, _, region) = volumes;
        config.groundtruth.set_bounds(region.shape);
        let model = Model::watched(&config, source.shape(), region, seed, &[], watcher)?;
        Ok(Self {
            config,
            options,
            volumes,
            root,
            lock,
            previous_run,
            model,
            settled,
        })
    }

    /// Makes the output folder ready, and settles what becomes of a run that was stopped there.
    pub(super) fn prepare(self, watcher: &mut dyn Watcher) -> Result<ReadyRun, SimulationError> {
        let Self {
            config,
            options,
            volumes,
            root,
            lock,
            previous_run,
            model,
            settled,
        } = self;
        watcher.note(&format!("reading {}", volumes.0.describe()));
        settled.tell(watcher);
        warnings::before(&model, watcher);
        // A run may have been killed while its files took the place of others.
        let published = previous_run.iter().flat_map(PreviousRun::published);
        let published: Vec<ManifestEntry> = published.collect();
        OutputFolder::recover(&root, &published)?;
        let mut targets = sink::targets(&config, &model);
        targets.extend([QUICKLOOK_NAME.into(), RECORD_NAME.into()]);
        if options.report {
            targets.push(REPORT_NAME.into());
        }
        let mut previous = record_file::previous_manifest(&root);
        previous.extend(published);
        let slices = model.image_shape()[0];
        let identity = Identity::new(&config, model.seed, slices);
        let known = match previous_run.filter(PreviousRun::is_worth_it) {
            Some(previous_run) if options.resume => Some(previous_run.resume(&root, &identity)?),
            Some(previous_run) => {
                previous_run.warn(&root, watcher);
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
        if let (None, Some(earlier)) = (&known, record_file::describe_previous(&root)) {
            watcher.note(&format!("replaces {earlier} in {}", root.display()));
        }
        let inputs = resume::input_paths(&config);
        output.protect(InputFiles::new(inputs.iter().map(PathBuf::as_path)))?;
        // Made before the work, so that an output that cannot be written fails at once.
        output.make_root(lock)?;
        Journal::forget_abandoned(&root.join(resume::JOURNAL_NAME));
        Ok(ReadyRun {
            config,
            options,
            volumes,
            root,
            model,
            identity,
            known,
            output,
        })
    }
}

/// A run whose output folder is ready. Its cells are not known yet.
pub(super) struct ReadyRun {
    config: Config,
    options: Options,
    volumes: OpenVolumes,
    root: PathBuf,
    model: Model,
    identity: Identity,
    /// What an earlier run has finished, and what it was.
    known: Option<(Journal, Identity)>,
    output: OutputFolder,
}

impl ReadyRun {
    /// Reads the volumes, chooses the device, and opens the journal.
    pub(super) fn load(self, log: &mut RunLog<'_>) -> Result<LoadedRun, SimulationError> {
        let Self {
            config,
            options,
            volumes: (source, annotations, region),
            root,
            model,
            mut identity,
            known,
            output,
        } = self;
        let slices = identity.slices;
        let budgets = Budgets::of(&config.compute);
        device::can_have_room(&config, &options, &model, &budgets)?;
        let annotations: Vec<&dyn VolumeSource> = annotations.iter().map(AsRef::as_ref).collect();
        let volume = LoadedVolume::load_as(
            &source,
            &annotations,
            region,
            config.groundtruth.label,
            SpillPolicy::new(&root).reading_within(budgets.host_memory()),
            log,
        );
        let volume = volume.map_err(|error| match &known {
            Some((journal, _)) => resume::stopped(error.into(), journal, slices),
            None => error.into(),
        })?;
        warnings::of_volume(&config, &model, &volume, log);
        warnings::of_ids(&config, &volume.cells, log);
        let work = Work::new(&model, Contents::of(&volume));
        let mut device = device::choose(&config.compute, Some(work), log)?;
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
                log.note(&format!("going on: {finished} of {slices} slices are done"));
                if was.device != identity.device {
                    log.warn(&format!(
                        "the run goes on with {}, while the slices before are of {}: they agree within rounding",
                        identity.device, was.device
                    ));
                }
                journal
            }
        };
        Ok(LoadedRun {
            config,
            options,
            root,
            model,
            volume,
            journal,
            device,
            output,
        })
    }
}

/// A run that only has to be done: all that it is made of is there.
pub(super) struct LoadedRun {
    config: Config,
    options: Options,
    root: PathBuf,
    model: Model,
    volume: LoadedVolume,
    journal: Journal,
    device: Device,
    output: OutputFolder,
}

impl LoadedRun {
    /// Runs all sweeps, writes everything, and gives all files their names.
    pub(super) fn run(mut self, log: &mut RunLog<'_>) -> Result<Report, SimulationError> {
        let done = self.sweep(log).and_then(|(report, seen)| {
            let described = self.describe(&report, &seen, log)?;
            Ok((report, described))
        });
        if done.is_err() {
            self.journal.abandon();
        }
        let slices = self.model.image_shape()[0];
        let journal = self.journal;
        let published = done.and_then(|(report, described)| {
            // Without a note, the next run would not know the files of a run that was killed while
            // they get their names.
            let committed = journal
                .publish(&described)
                .map_err(SimulationError::from)
                .and_then(|()| Ok(self.output.commit()?));
            if (committed.is_ok() || journal.mark().images == 0)
                && let Err(error) = journal.remove()
            {
                log.warn(&format!(
                    "{}: cannot be removed: {error}; remove it, or the next run takes it for that of an unfinished one",
                    journal.path().display()
                ));
            }
            committed?;
            if let Some(leftover) = OutputFolder::leftover(&report.folder) {
                log.warn(&format!(
                    "{}: cannot be removed, with the results that were replaced; the next run removes it",
                    leftover.display()
                ));
            }
            Ok(report)
        });
        published.map_err(|error| resume::stopped(error, &journal, slices))
    }

    /// Runs all sweeps; the volumes are written, under temporary names.
    fn sweep(&mut self, log: &mut RunLog<'_>) -> Result<(Report, Quicklook), SimulationError> {
        let Self {
            config,
            options,
            root,
            model,
            volume,
            journal,
            device,
            output,
        } = self;
        let aside = SpillPolicy::new(root);
        let fallback = DeviceFallback {
            model,
            input: Input {
                volume,
                counts: &NoCounts,
                aside,
                journal: Some(journal),
            },
            options: *options,
            budgets: Budgets::of(&config.compute),
            part: None,
            surveyed: None,
            brightest: None,
            keeps_gpu: false,
        };
        let (outcome, blank_truths, seen) = fallback.run(device, log, |pipeline| {
            // Removes files of an attempt that failed.
            output.discard();
            let mut sink = FileSink::create(config, model, volume, output, aside)?;
            let empty = Quicklook::new(about_quicklook(config, model), options.report);
            let mut quicklook_sink = QuicklookSink::new(&mut sink, empty);
            let outcome = pipeline.run(&mut quicklook_sink)?;
            let seen = quicklook_sink.into_quicklook();
            Ok((outcome, sink.blank_truths(), seen))
        })?;
        if sink::has_codes(config) {
            let ids = volume.cells.ids();
            let table = sink::table_of_codes(config, model, &outcome.selection, ids);
            output
                .create(sink::CODES_NAME.as_ref())?
                .write_whole(table.as_bytes())?;
        }
        if model.labelling.clustered().next().is_some() {
            let ids = volume.cells.ids();
            let table = sink::table_of_puncta(config, model, &outcome.puncta, ids);
            output
                .create(sink::PUNCTA_NAME.as_ref())?
                .write_whole(table.as_bytes())?;
        }
        warnings::after(model, &outcome, &blank_truths, log);
        warnings::of_stale_files(root, &stale(output), log);
        let report = Report {
            folder: root.clone(),
            seed: model.seed,
            backend: if device.is_gpu() { "gpu" } else { "cpu" },
            device: device.backend().name().to_owned(),
            stages: log.times(),
            kernels: device.backend().kernel_times(),
            maxima: outcome.maxima,
            image_shape: model.image_shape(),
            warnings: log.warnings().len(),
        };
        Ok((report, seen))
    }

    /// Writes the record and the reports; returns a description of all files.
    fn describe(
        &mut self,
        report: &Report,
        seen: &Quicklook,
        log: &RunLog<'_>,
    ) -> Result<Vec<u8>, SimulationError> {
        let (config, model, output) = (&self.config, &self.model, &mut self.output);
        let ids = self.volume.cells.ids();
        if sink::is_compact(config) {
            let table = sink::table_of_ids(ids);
            output
                .create(sink::IDS_NAME.as_ref())?
                .write_whole(table.as_bytes())?;
        }
        let quicklook = seen.png(ids);
        output
            .create(QUICKLOOK_NAME.as_ref())?
            .write_whole(&quicklook)?;
        if self.options.report {
            let facts = Facts {
                config,
                model,
                report,
                quicklook: seen,
                ids,
                log,
            };
            let page = report_html::page(&facts);
            output
                .create(REPORT_NAME.as_ref())?
                .write_whole(page.as_bytes())?;
        }
        let mut manifest = output.seal()?;
        manifest.extend(stale(output));
        let text = record_file::text(config, model, report, manifest);
        output
            .create(RECORD_NAME.as_ref())?
            .write_whole(text.as_bytes())?;
        Ok(serde_json::to_vec(&output.seal()?).unwrap_or_default())
    }
}

/// Files of an earlier run that this one does not replace, but for its record.
fn stale(output: &OutputFolder) -> Vec<ManifestEntry> {
    let is_record = |entry: &&ManifestEntry| entry.path == RECORD_NAME;
    let stale = output.stale().filter(|entry| !is_record(entry));
    stale.cloned().collect()
}
