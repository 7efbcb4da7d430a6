//! The end of a run in tasks: all receipts and shards are checked, and what no task sees whole is
//! made: the upper levels of the pyramids, the texts, the quick-look, tables, and the record.

use super::plan_file::PlanFile;
use super::receipt::{Cluster, Flaw, Receipt, shard_path, told};
use super::status::in_words;
use super::store::{ChecksumStore, RunStore, Scratch, write_whole};
use super::task::{Worker, place};
use super::{ClusterError, Folder, Phase};
use crate::base::progress::Observer;
use crate::base::volume::VoxelBox;
use crate::config::Override;
use crate::io::read::{ReadOptions, VolumeSource, open_as};
use crate::io::write::{Container, InputFiles, OutputFolder, ShardStore, Stored};
use crate::model::cells::{CellIndex, Selection};
use crate::run::log::RunLog;
use crate::run::outputs::quicklook::{QUICKLOOK_NAME, Quicklook};
use crate::run::pipeline::{TruthSlices, needs_survey};
use crate::run::report::Report;
use crate::run::simulation::sink::{self, tissue};
use crate::run::simulation::{
    RECORD_NAME, SimulationError, Watcher, about_quicklook, record_file, warnings,
};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a run is finished.
#[derive(Clone, Copy, Debug, Default)]
pub struct FinishOptions {
    /// Share of the tasks that are done once more, to compare bytes; at least one where it is above
    /// 0.
    pub verify: f64,
    /// Whether tasks may come from devices of several types.
    pub mixed: bool,
}

/// What was found and made.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The output folder.
    pub folder: PathBuf,
    /// Tasks that made images.
    pub tasks: u64,
    /// Their shards, and the bytes of these.
    pub shards: u64,
    /// Bytes of the shards.
    pub bytes: u64,
    /// Tasks that were done once more.
    pub verified: u64,
    /// The devices.
    pub device: String,
}

/// Most problems that are listed; more help no reader.
const MOST_PROBLEMS: usize = 20;

/// Receipts that are read together.
const TOGETHER: u64 = 4096;

/// Checks what the tasks left and completes the output.
///
/// # Errors
/// [`ClusterError::Damaged`] names what is missing or wrong; else see [`ClusterError`].
pub fn finish(
    plan: &PlanFile,
    options: FinishOptions,
    overrides: &[Override],
    watcher: &mut dyn Watcher,
) -> Result<Finished, ClusterError> {
    let mut log = RunLog::new(watcher);
    let scratch = plan.folder.scratch();
    let was_there = scratch.exists();
    let finished = check_and_complete(plan, options, overrides, &mut log);
    if finished.is_ok() {
        // What killed processes left. One that still writes makes its folder anew.
        match fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                log.warn(&format!(
                    "{}: cannot be removed: {error}",
                    scratch.display()
                ));
            }
            _ => {}
        }
    }
    // Who fails leaves what was there. Folders that hold something stay in any case.
    if finished.is_ok() || !was_there {
        let _ = fs::remove_dir(&scratch);
        let _ = fs::remove_dir(Folder::hidden(&plan.folder.root));
    }
    finished
}

fn check_and_complete(
    plan: &PlanFile,
    options: FinishOptions,
    overrides: &[Override],
    log: &mut RunLog<'_>,
) -> Result<Finished, ClusterError> {
    let mut worker = Worker::new(plan, Phase::Image, overrides, log)?;
    let store = plan.folder.output().join(worker.container().folder());
    let checked = check(plan, &worker, &store, log)?;
    if checked.devices.len() > 1 && !options.mixed {
        let names: Vec<&str> = checked.devices.keys().map(|(_, name)| &name[..]).collect();
        let count =
            |tasks: &Vec<Range<u64>>| tasks.iter().map(|some| some.end - some.start).sum::<u64>();
        let fewest = checked.devices.iter().min_by_key(|(_, tasks)| count(tasks));
        let (name, tasks) = fewest.map_or(("", String::new()), |((_, name), tasks)| {
            (name.as_str(), in_words(tasks, 1))
        });
        let root = plan.folder.root.display();
        return Err(ClusterError::Damaged(vec![format!(
            "{root}: tasks were done by {}, whose images agree within rounding only. Of {name} are the tasks {tasks}: \
             do them again on another device, `simexm-gpu task {root} image {tasks} --again`, or allow it with --mixed, \
             which the record tells",
            names.join(" and ")
        )]));
    }
    let verified = verify(plan, &mut worker, &checked, options.verify, log)?;
    warn_of_emptiness(&worker, &checked, log);
    complete(plan, &worker, &checked, log)?;
    Ok(Finished {
        folder: plan.folder.output(),
        tasks: plan.tasks(Phase::Image),
        shards: checked.shards,
        bytes: checked.bytes,
        verified,
        device: checked.device(),
    })
}

/// What all receipts say together.
#[derive(Default)]
struct Checked {
    volumes: Vec<Stored>,
    clusters: Vec<Cluster>,
    /// The devices, whether each is a GPU, and its tasks.
    devices: BTreeMap<(bool, String), Vec<Range<u64>>>,
    shards: u64,
    bytes: u64,
    problems: Vec<String>,
    missing: Vec<Range<u64>>,
}

impl Checked {
    fn device(&self) -> String {
        let names: Vec<&str> = self.devices.keys().map(|(_, name)| name.as_str()).collect();
        names.join("; ")
    }

    /// The device of a task.
    fn device_of(&self, task: u64) -> Option<&(bool, String)> {
        let mut devices = self.devices.iter();
        let of = |tasks: &Vec<Range<u64>>| {
            let after = tasks.partition_point(|some| some.start <= task);
            after > 0 && tasks[after - 1].contains(&task)
        };
        devices
            .find(|(_, tasks)| of(tasks))
            .map(|(device, _)| device)
    }
}

/// Puts a task at the end of ranges.
fn append(tasks: &mut Vec<Range<u64>>, task: u64) {
    match tasks.last_mut() {
        Some(last) if last.end == task => last.end += 1,
        _ => tasks.push(task..task + 1),
    }
}

fn check(
    plan: &PlanFile,
    worker: &Worker<'_>,
    store: &Path,
    log: &mut RunLog<'_>,
) -> Result<Checked, ClusterError> {
    let about = About {
        facts: &worker.facts().digest,
        container: worker.container(),
        channels: worker.setup().model.channels.len(),
        layers: worker.setup().model.labelling.layers.len(),
    };
    let tasks = plan.tasks(Phase::Image);
    log.begin("checking the tasks", tasks as usize);
    let mut checked = Checked::default();
    for first in (0..tasks).step_by(TOGETHER as usize) {
        if log.interrupted() {
            return Err(SimulationError::Interrupted.into());
        }
        let some = first..(first + TOGETHER).min(tasks);
        let count = some.end - some.start;
        let found: Vec<_> = some
            .into_par_iter()
            .map(|task| check_task(plan, &about, store, task))
            .collect();
        for (task, found) in (first..).zip(found) {
            match found? {
                Ok((receipt, problems)) => {
                    let device = (receipt.gpu, receipt.device);
                    append(checked.devices.entry(device).or_default(), task);
                    checked.shards += receipt.shards.len() as u64;
                    let bytes = receipt.shards.iter().map(|shard| shard.bytes);
                    checked.bytes = bytes.fold(checked.bytes, u64::saturating_add);
                    checked
                        .volumes
                        .resize_with(receipt.volumes.len(), Stored::default);
                    checked.clusters.extend(receipt.clusters);
                    for (all, own) in checked.volumes.iter_mut().zip(receipt.volumes) {
                        all.add(own.into());
                    }
                    checked.problems.extend(problems);
                }
                Err(Flaw::Wrong(problem)) => checked.problems.push(problem),
                Err(Flaw::Missing) => append(&mut checked.missing, task),
            }
        }
        log.advance(count as usize);
    }
    log.end();
    let mut problems = std::mem::take(&mut checked.problems);
    if !checked.missing.is_empty() {
        let root = plan.folder.root.display();
        problems.insert(
            0,
            format!(
                "{root}: tasks are not done: {}: `simexm-gpu task {root} image $(simexm-gpu status {root} --missing \
                 image)` does them",
                in_words(&checked.missing, 1)
            ),
        );
    }
    if problems.is_empty() {
        return Ok(checked);
    }
    if problems.len() > MOST_PROBLEMS {
        let more = problems.len() - MOST_PROBLEMS;
        problems.truncate(MOST_PROBLEMS);
        problems.push(format!("and {more} more"));
    }
    Err(ClusterError::Damaged(problems))
}

/// What receipts are held against.
struct About<'a> {
    facts: &'a str,
    container: &'a Container,
    channels: usize,
    layers: usize,
}

/// Reads a receipt and all its shards; tells what is wrong with them.
fn check_task(
    plan: &PlanFile,
    about: &About<'_>,
    store: &Path,
    task: u64,
) -> Result<Result<(Receipt, Vec<String>), Flaw>, ClusterError> {
    let receipt = match Receipt::read(&plan.folder, (Phase::Image, task), &plan.id)? {
        Ok(receipt) => receipt,
        Err(flaw) => return Ok(Err(flaw)),
    };
    let (first, shape) = place(&plan.grid().image_box(task));
    let names = about.container.shard_names(first, shape, 0..plan.levels());
    let voxels = shape
        .iter()
        .fold(1u64, |all, &size| all.saturating_mul(size as u64));
    let volumes = about.container.names().len();
    let shards: BTreeSet<String> = names.collect();
    if let Some(problem) = receipt.problem(
        about.facts,
        volumes,
        [about.channels, about.layers],
        &shards,
        voxels,
    ) {
        let path = plan.folder.receipt(Phase::Image, task);
        let problem = told(&path, problem, Phase::Image, task, &plan.folder);
        return Ok(Err(Flaw::Wrong(problem)));
    }
    let mut problems = Vec::new();
    for shard in &receipt.shards {
        let path = shard_path(store, shard);
        let problem = match checksum(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => "is missing".to_owned(),
            Err(error) => return Err(ClusterError::io(&path)(error)),
            Ok((bytes, _)) if bytes != shard.bytes => {
                format!("has {bytes} bytes, not {}", shard.bytes)
            }
            Ok((_, sum)) if sum != shard.crc32c => "has changed since it was written".to_owned(),
            Ok(_) => continue,
        };
        problems.push(told(&path, &problem, Phase::Image, task, &plan.folder));
    }
    Ok(Ok((receipt, problems)))
}

/// The length of a file, and its CRC-32C.
fn checksum(path: &Path) -> std::io::Result<(u64, u32)> {
    let mut file = crate::base::files::open_regular(path)?;
    let mut buffer = vec![0; 1 << 20];
    let (mut bytes, mut sum) = (0, 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((bytes, sum)),
            read => {
                sum = crc32c::crc32c_append(sum, &buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}

/// Does a share of the tasks once more, and compares the shards' checksums. Which they are follows
/// from the plan; those of other devices than this one cannot be compared.
fn verify(
    plan: &PlanFile,
    worker: &mut Worker<'_>,
    checked: &Checked,
    share: f64,
    log: &mut RunLog<'_>,
) -> Result<u64, ClusterError> {
    let tasks = plan.tasks(Phase::Image);
    if share <= 0.0 || tasks == 0 {
        return Ok(0);
    }
    let count = ((tasks as f64 * share).ceil() as u64).clamp(1, tasks);
    // An order that looks like chance: the smallest hashes of plan and task come first.
    let lot = |task: u64| crc32fast::hash(format!("{}/{task}", plan.id).as_bytes());
    let mut order: Vec<(u32, u64)> = (0..tasks).map(|task| (lot(task), task)).collect();
    order.sort_unstable();
    let scratch = Scratch::new(&plan.folder).map_err(ClusterError::io(&plan.folder.scratch()))?;
    let (mut problems, mut verified) = (Vec::new(), 0);
    for (_, task) in order {
        if verified == count {
            break;
        }
        let was = checked.device_of(task);
        if worker.device().is_some_and(|here| was != Some(&here)) {
            continue;
        }
        log.note(&format!("verifying task {task}"));
        let store = Arc::new(ChecksumStore::default());
        let shards = Arc::clone(&store) as Arc<dyn ShardStore>;
        worker.images(task, shards, scratch.folder(), log)?;
        // Which one it is shows with the first task.
        if worker.device().as_ref() != was {
            continue;
        }
        verified += 1;
        let receipt = Receipt::read(&plan.folder, (Phase::Image, task), &plan.id)?;
        let Ok(receipt) = receipt else { continue };
        let (was, is) = (receipt.shards, store.shards());
        if was != is {
            let differs = was
                .iter()
                .chain(&is)
                .find(|shard| !(was.contains(shard) && is.contains(shard)));
            let name = differs.map_or("", |shard| &shard.name);
            problems.push(format!(
                "task {task}: {name} came out otherwise now than on {}: that device, or this one, computes wrong",
                receipt.device
            ));
        }
    }
    if !problems.is_empty() {
        return Err(ClusterError::Damaged(problems));
    }
    let here = worker.device().map_or_else(String::new, |(_, name)| name);
    if verified == 0 {
        return Err(ClusterError::Refused(format!(
            "--verify: this is {here}, but the tasks were done by {}: finish on such a device (--backend, --adapter)",
            checked.device()
        )));
    }
    if verified < count {
        log.warn(&format!(
            "--verify: {verified} tasks were done once more, not {count}: no more were done by {here}"
        ));
    }
    Ok(verified)
}

/// Reads slices of a level as numbers.
struct LevelReader {
    store: PathBuf,
    open: BTreeMap<(String, usize, Option<usize>), Box<dyn VolumeSource>>,
}

impl LevelReader {
    fn read(
        &mut self,
        name: &str,
        level: usize,
        plane: Option<usize>,
        slices: Range<usize>,
    ) -> Result<Vec<u64>, ClusterError> {
        let key = (name.to_owned(), level, plane);
        if !self.open.contains_key(&key) {
            let path = self.store.join(name).join(level.to_string());
            let options = ReadOptions {
                channel: plane,
                ..ReadOptions::default()
            };
            self.open.insert(key.clone(), open_as(&path, &options)?);
        }
        let source = &self.open[&key];
        let [_, rows, columns] = source.shape();
        let part = VoxelBox {
            offset: [slices.start, 0, 0],
            shape: [slices.len(), rows, columns],
        };
        source.gather(&part)?;
        Ok(source.block(&part)?)
    }
}

/// Warns of channels and ground truths that are empty, and of layers that label nothing, as a run
/// in one process does.
fn warn_of_emptiness(worker: &Worker<'_>, checked: &Checked, log: &mut RunLog<'_>) {
    let model = &worker.setup().model;
    let selection = worker.facts().survey.as_ref().map(|survey| {
        let voxels = needs_survey(model).then_some(&survey.voxels[..]);
        Selection::draw(model, &survey.cells, voxels)
    });
    if let Some(selection) = &selection {
        warnings::of_layers(model, &selection.outcomes, log);
    }
    let mut volumes = checked.volumes.iter();
    if !model.channels.is_empty() {
        let largest = volumes.next().map_or(&[][..], |images| &images.largest);
        for (channel, &largest) in model.channels.iter().zip(largest) {
            if largest == 0 && !channel.sources.is_empty() {
                log.warn(&format!(
                    "channel {} is blank: all of its pixels are 0",
                    channel.name
                ));
            }
        }
    }
    for (fluorophore, truth) in model.fluorophores.iter().zip(volumes) {
        if truth
            .voxels
            .iter()
            .all(|(&id, &voxels)| id == 0 || voxels == 0)
        {
            log.warn(&format!(
                "the ground truth of {} is empty: no labelled cell has a voxel of [output] gt_region there",
                fluorophore.name
            ));
        }
    }
}

/// Makes what no task sees whole.
fn complete(
    plan: &PlanFile,
    worker: &Worker<'_>,
    checked: &Checked,
    log: &mut RunLog<'_>,
) -> Result<(), ClusterError> {
    let (setup, container) = (worker.setup(), worker.container());
    let (config, model) = (&setup.config, &setup.model);
    let store = plan.folder.output().join(container.folder());
    let mut reader = LevelReader {
        store: store.clone(),
        open: BTreeMap::new(),
    };
    for (name, content) in container.arrays() {
        write_whole(&plan.folder, &store.join(name), &content)?;
    }
    log.begin("upper levels", 0);
    let shards = RunStore::new(&plan.folder, store.clone())?;
    let read = |name: &str, level, plane, slices| reader.read(name, level, plane, slices);
    container.finish_levels(plan.levels(), read, &shards)?;
    let levels = plan.levels()..container.levels();
    shards.remove_others(container.shard_names([0; 3], model.image_shape(), levels))?;
    shards.seal()?;
    drop(shards);
    log.end();
    for (name, content) in container.texts(&checked.volumes) {
        write_whole(&plan.folder, &store.join(name), &content)?;
    }

    log.begin("quick-look and record", 0);
    let ids = checked
        .volumes
        .iter()
        .flat_map(|volume| volume.voxels.keys().copied());
    let cells = CellIndex::new(ids);
    let quicklook = quicklook(worker, container, &cells, &mut reader)?.png(cells.ids());

    let root = plan.folder.output();
    let mut targets = tissue::targets(config, model);
    targets.extend([QUICKLOOK_NAME.into(), RECORD_NAME.into()]);
    let mut output = OutputFolder::prepare(&root, &[], &targets, true)?;
    let inputs = config.inputs();
    output.protect(InputFiles::new(inputs.iter().map(|(_, path)| *path)))?;
    output.make_root(None)?;
    tissue::write_displacements(&setup.layouts(), (config, model), &mut output)?;
    tissue::write_rounds(config, model, &mut output)?;
    if let (true, Some(survey)) = (sink::has_codes(config), &worker.facts().survey) {
        let voxels = needs_survey(model).then_some(&survey.voxels[..]);
        let selection = Selection::draw(model, &survey.cells, voxels);
        let ids = survey.cells.ids();
        let table = sink::table_of_codes(config, model, &selection, ids);
        output
            .create(sink::CODES_NAME.as_ref())?
            .write_whole(table.as_bytes())?;
    }
    if model.labelling.clustered().next().is_some() {
        let mut clusters = checked.clusters.clone();
        clusters.sort_unstable();
        let cells = CellIndex::new(clusters.iter().map(|cluster| cluster.id));
        let puncta = clusters.iter().map(|cluster| cluster.punctum(&cells));
        let puncta: Vec<_> = puncta.collect();
        let table = sink::table_of_puncta(config, model, &puncta, cells.ids());
        output
            .create(sink::PUNCTA_NAME.as_ref())?
            .write_whole(table.as_bytes())?;
    }
    output
        .create(QUICKLOOK_NAME.as_ref())?
        .write_whole(&quicklook)?;
    log.end();
    let images = checked.volumes.first();
    let maxima = images.map_or_else(Vec::new, |volume| {
        volume
            .largest
            .iter()
            .map(|&largest| largest as u32)
            .collect()
    });
    let gpu = checked.devices.keys().any(|(gpu, _)| *gpu);
    let report = Report {
        folder: root,
        seed: model.seed,
        backend: if gpu { "gpu" } else { "cpu" },
        device: checked.device(),
        stages: log.times(),
        kernels: Vec::new(),
        maxima,
        image_shape: model.image_shape(),
        warnings: log.warnings().len(),
    };
    let manifest = output.seal()?;
    let text = record_file::text(config, model, &report, manifest);
    output
        .create(RECORD_NAME.as_ref())?
        .write_whole(text.as_bytes())?;
    output.commit()?;
    Ok(())
}

/// The quick-look, from the finest level that is small enough to be read through.
fn quicklook(
    worker: &Worker<'_>,
    container: &Container,
    cells: &CellIndex,
    reader: &mut LevelReader,
) -> Result<Quicklook, ClusterError> {
    /// Pixels of a channel that are read.
    const MOST_PIXELS: usize = 1 << 28;
    /// Slices that are read together: a shard's.
    const SLICES: usize = 16;
    let (config, model) = (&worker.setup().config, &worker.setup().model);
    let mut about = about_quicklook(config, model);
    let shapes = container.shapes();
    let small = |(shape, _): &&([usize; 3], [usize; 3])| {
        shape
            .iter()
            .fold(1usize, |all, &size| all.saturating_mul(size))
            <= MOST_PIXELS
    };
    let level = shapes.iter().position(|level| small(&level));
    let level = level.unwrap_or(shapes.len() - 1);
    let (shape, factor) = shapes[level];
    about.shape = shape;
    for (nm, factor) in about.pixel.gel_nm.iter_mut().zip(factor) {
        *nm *= factor as f64;
    }
    let bits = about.bits;
    let mut quicklook = Quicklook::new(about, false);
    let names = container.names();
    let (main, labels) = (names[0].clone(), &names[1..]);
    for first in (0..shape[0]).step_by(SLICES) {
        let slices = first..(first + SLICES).min(shape[0]);
        let mut channels: Vec<Vec<u8>> = Vec::new();
        for plane in 0..model.channels.len() {
            let numbers = reader.read(&main, level, Some(plane), slices.clone())?;
            channels.push(match bits {
                8 => numbers.iter().map(|&value| value as u8).collect(),
                _ => numbers
                    .iter()
                    .flat_map(|&value| (value as u16).to_ne_bytes())
                    .collect(),
            });
        }
        let channels: Vec<&[u8]> = channels.iter().map(Vec::as_slice).collect();
        quicklook.images(first, &channels);
        for (fluorophore, name) in labels.iter().enumerate() {
            let ids = reader.read(name, level, None, slices.clone())?;
            let indices: Vec<u32> = ids.iter().map(|&id| cells.index(id)).collect();
            quicklook.truth(TruthSlices {
                fluorophore,
                sheet: 0,
                first,
                cells: &indices,
            });
        }
    }
    Ok(quicklook)
}
