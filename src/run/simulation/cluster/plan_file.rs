//! `plan.json`: everything that the result depends on, by whose checksum plans are known.

use super::super::{SimulationError, Watcher};
use super::forecast::{Forecast, Machines, forecast};
use super::grid::Grid;
use super::setup::Setup;
use super::store::{write_first, write_whole};
use super::{ClusterError, Folder, PLAN_NAME, Phase};
use crate::base::files;
use crate::config::{Config, Normalization, Override};
use crate::io::write::Container;
use crate::model::Model;
use crate::run::plan::ImageBox;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, UNIX_EPOCH};

/// What the result depends on. Fields are in the order of their names, as in canonical JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// TOML, without the device and the folder.
    configuration: String,
    /// Changes with the form of this file.
    format: u32,
    grid: Grid,
    inputs: Vec<InputFile>,
    /// Levels of the pyramids that tasks write.
    levels: usize,
    /// As digits: beyond 2^53 a number of JSON may not come back.
    seed: String,
    version: String,
}

/// A file that is read, and what shows a change of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct InputFile {
    bytes: u64,
    modified_ns: u64,
    path: PathBuf,
}

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Stored {
    id: String,
    plan: Body,
}

/// A plan that lies in a folder.
#[derive(Clone, Debug)]
pub struct PlanFile {
    /// SHA-256 of the plan's canonical JSON, in hexadecimal.
    pub id: String,
    body: Body,
    pub(super) folder: Folder,
}

/// How a run is cut into tasks.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlanOptions {
    /// Size (z, x, y) of the box of images that a task makes; a multiple of the shards, or at least
    /// all of an axis.
    pub core: Option<[usize; 3]>,
    /// Machines for which the time is to be told.
    pub machines: Option<Machines>,
}

/// What a plan comes to.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedRun {
    /// The folder.
    pub folder: PathBuf,
    /// The plan's id.
    pub id: String,
    /// Whether the plan was there before.
    pub was_there: bool,
    /// Shape (z, x, y) of the images.
    pub images: [usize; 3],
    /// Size (z, x, y) of a task's box of them.
    pub core: [usize; 3],
    /// Tasks of the phase that counts the cells' voxels; 0 where it is not needed.
    pub survey_tasks: u64,
    /// Tasks that look for the brightest pixels; 0 where grey values do not depend on these.
    pub scale_tasks: u64,
    /// Tasks that make images.
    pub image_tasks: u64,
    /// Voxels that tasks work on, for each voxel of the tissue.
    pub halo_factor: f64,
    /// Voxels of the tissue that a task in the middle loads, along (z, x, y).
    pub task_voxels: [usize; 3],
    /// Bytes of images and ground truth, not packed, without the levels of the pyramids.
    pub raw_bytes: u64,
    /// Files that the tasks write at most, and those of the end.
    pub shards: [u64; 2],
    /// Levels of the pyramids that tasks write, and all of them.
    pub levels: [usize; 2],
    /// What it takes on the machines that were told.
    pub forecast: Option<Forecast>,
}

impl fmt::Display for PlannedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let triple = |[z, x, y]: [usize; 3]| format!("{z} x {x} x {y}");
        let state = if self.was_there { ", as before" } else { "" };
        writeln!(
            f,
            "plan    {} ({}{state})",
            self.folder.join(PLAN_NAME).display(),
            &self.id[..16]
        )?;
        writeln!(
            f,
            "images  {} in boxes of {} pixels (z, x, y), {} raw",
            triple(self.images),
            triple(self.core),
            crate::base::host::amount(self.raw_bytes)
        )?;
        if self.survey_tasks > 0 {
            writeln!(f, "survey  {} tasks, then `merge`", self.survey_tasks)?;
        }
        if self.scale_tasks > 0 {
            writeln!(
                f,
                "scale   {} tasks, then `merge`: images are made twice, the first time for their brightest pixels",
                self.scale_tasks
            )?;
        }
        writeln!(
            f,
            "image   {} tasks, each of up to {} voxels; {:.2} times the voxels of one run",
            self.image_tasks,
            triple(self.task_voxels),
            self.halo_factor
        )?;
        let [of_tasks, of_end] = self.shards;
        let [levels, all] = self.levels;
        writeln!(
            f,
            "files   up to {of_tasks} of tasks ({levels} of {all} levels), {of_end} of `finish`"
        )?;
        if let Some(forecast) = &self.forecast {
            write!(f, "{forecast}")?;
        }
        let folder = self.folder.display();
        let phases = [self.survey_tasks, self.scale_tasks, self.image_tasks];
        let mut phases = Phase::ALL.into_iter().zip(phases);
        let first = phases.find(|(_, tasks)| *tasks > 0);
        let (phase, tasks) = first.unwrap_or((Phase::Image, 0));
        write!(f, "next    simexm-gpu task {folder} {phase} 0..{tasks}")
    }
}

impl Body {
    fn id(&self) -> Result<String, ClusterError> {
        let text = serde_json::to_string(self);
        let text = text.map_err(|error| ClusterError::Refused(error.to_string()))?;
        let digest = Sha256::digest(text.as_bytes());
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Plans a run in tasks, and writes the plan and what describes the output to a folder. A plan that
/// is there stays; another one is an error.
///
/// # Errors
/// See [`ClusterError`].
pub fn write_plan(
    config: &Config,
    root: &Path,
    options: PlanOptions,
    watcher: &mut dyn Watcher,
) -> Result<PlannedRun, ClusterError> {
    let wanted = config;
    let mut config = config.clone();
    let path = root.join(PLAN_NAME);
    let before = match fs::exists(&path).map_err(ClusterError::io(&path))? {
        true => Some(PlanFile::open(root)?),
        false => {
            require_own(root)?;
            None
        }
    };
    spare_inputs(&config, root)?;
    if config.compute.seed.is_none() {
        let known = before.as_ref().and_then(|plan| plan.body.seed.parse().ok());
        config.compute.seed = Some(known.unwrap_or_else(rand::random));
    }
    let start = Instant::now();
    let setup = Setup::open(config, watcher)?;
    let start = start.elapsed();
    setup.settled.tell(watcher);
    setup.check()?;
    super::super::warnings::before(&setup.model, watcher);
    let container = setup.container()?;
    container.check(root)?;
    let images = setup.model.image_shape();
    let core = core(&setup.model, &container, options.core)?;
    let depth = setup.model.volume.shape[0];
    let grid = Grid {
        core,
        images,
        survey_slices: setup.needs_survey().then(|| survey_slices(&setup.model)),
        scaled: setup.config.output.normalize == Normalization::Channel,
        tissue_slices: depth,
    };
    let body = Body {
        configuration: setup.resolved(),
        format: FORMAT,
        grid,
        inputs: inputs(&setup.config)?,
        levels: container.levels_of(core),
        seed: setup.model.seed.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let id = body.id()?;
    if let Some(before) = &before
        && before.id != id
    {
        return Err(ClusterError::Refused(format!(
            "{}: is another plan ({}): {}. Choose another folder, or remove this one",
            path.display(),
            &before.id[..16],
            before.body.difference(&body)
        )));
    }
    let plan = PlanFile {
        folder: Folder::new(root, &id),
        id: id.clone(),
        body,
    };
    let mut planned = plan.describe(&setup, &container, before.is_some());
    // The plan comes first: whoever finds one there already has written nothing.
    if before.is_none() {
        let stored = Stored {
            id,
            plan: plan.body.clone(),
        };
        let mut text = serde_json::to_vec_pretty(&stored).unwrap_or_default();
        text.push(b'\n');
        if !write_first(&plan.folder, &path, &text)? {
            // Another process was faster: its plan counts, with the seed that it drew.
            return write_plan(wanted, root, options, watcher);
        }
    }
    // Where this is cut short the end of the run makes up for it.
    let store = plan.folder.output().join(container.folder());
    for (name, content) in container.arrays() {
        write_whole(&plan.folder, &store.join(name), &content)?;
    }
    if let Some(machines) = options.machines {
        let forecast = forecast(&plan, &planned, setup, start, machines, watcher)?;
        planned.forecast = Some(forecast);
    }
    Ok(planned)
}

/// Refuses a folder in which others keep something: a run writes where it likes.
fn require_own(root: &Path) -> Result<(), ClusterError> {
    let is_own = match fs::read_dir(root) {
        Ok(mut entries) => entries.next().is_none() || Folder::hidden(root).is_dir(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(ClusterError::io(root)(error)),
    };
    if is_own {
        return Ok(());
    }
    Err(ClusterError::Refused(format!(
        "{}: is not empty, and holds no plan of a run: name a folder that is empty or not there yet",
        root.display()
    )))
}

/// Refuses inputs that lie in the folder of the run.
fn spare_inputs(config: &Config, root: &Path) -> Result<(), ClusterError> {
    let Ok(root) = fs::canonicalize(root) else {
        return Ok(());
    };
    let paths = config.inputs().into_iter();
    let files = paths.flat_map(|(_, path)| match path.is_dir() {
        true => vec![path.to_owned()],
        false => crate::io::read::files(path),
    });
    let mut real = files.filter_map(|path| fs::canonicalize(path).ok());
    match real.find(|path| path.starts_with(&root)) {
        None => Ok(()),
        Some(path) => Err(ClusterError::Refused(format!(
            "{}: is read by the run, and lies in the folder that it writes, {}: choose another folder",
            path.display(),
            root.display()
        ))),
    }
}

/// The box of a task: that of the options, or slices at least four times as many as what tasks load
/// around them, and rows and columns by which slices fit a device.
fn core(
    model: &Model,
    container: &Container,
    wanted: Option<[usize; 3]>,
) -> Result<[usize; 3], ClusterError> {
    /// Rows and columns that are not cut by default.
    const MOST_PIXELS: usize = 2048;
    let images = model.image_shape();
    let unit = container.unit(1);
    let Some(wanted) = wanted else {
        let depth = model.volume.shape[0];
        let middle = depth / 2;
        let load = model
            .reach
            .extent(middle..middle + 1, middle + 1, depth)
            .load;
        let step = depth.div_ceil(images[0]).max(1);
        let halo = (load.len() / step).max(1);
        let least = [4 * halo, MOST_PIXELS, MOST_PIXELS];
        let of_levels = |levels: usize| -> [usize; 3] {
            let unit = container.unit(levels);
            std::array::from_fn(|axis| least[axis].next_multiple_of(unit[axis]).min(images[axis]))
        };
        // As many levels as tasks can make without much larger boxes: the rest is left to the end.
        let most = of_levels(1).map(|size| size + size / 2);
        let fits = |core: &[usize; 3]| (0..3).all(|axis| core[axis] <= most[axis]);
        let cores = (1..=container.levels()).rev().map(of_levels);
        return Ok(cores.into_iter().find(fits).unwrap_or(of_levels(1)));
    };
    for (axis, name) in ["slices", "rows", "columns"].into_iter().enumerate() {
        let fits = wanted[axis].is_multiple_of(unit[axis]) || wanted[axis] >= images[axis];
        if wanted[axis] == 0 || !fits {
            return Err(ClusterError::Refused(format!(
                "--core: {} {name}, but a shard has {}: give a multiple of that, or all {}",
                wanted[axis], unit[axis], images[axis]
            )));
        }
    }
    Ok(std::array::from_fn(|axis| wanted[axis].min(images[axis])))
}

/// Slices of a task of the survey: about a hundred million voxels.
fn survey_slices(model: &Model) -> usize {
    const VOXELS: usize = 100_000_000;
    let slices = VOXELS / model.volume.slice_voxels().max(1);
    slices.clamp(16, model.volume.shape[0].max(16))
}

/// What shows a change of the files that are read. Of a container it is what describes it, of a
/// folder of images nothing.
fn inputs(config: &Config) -> Result<Vec<InputFile>, ClusterError> {
    const TEXTS: [&str; 6] = [
        "zarr.json",
        ".zarray",
        ".zattrs",
        ".zgroup",
        "attributes.json",
        "info",
    ];
    let mut found = Vec::new();
    for (_, path) in config.inputs() {
        let texts = TEXTS.iter().map(|name| path.join(name));
        let all: Vec<PathBuf> = match path.is_dir() {
            true => texts.filter(|path| path.is_file()).collect(),
            false => crate::io::read::files(path),
        };
        for path in all {
            let metadata = fs::metadata(&path).map_err(ClusterError::io(&path))?;
            let modified = metadata.modified().ok();
            let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            found.push(InputFile {
                bytes: metadata.len(),
                modified_ns: since.map_or(0, |since| since.as_nanos() as u64),
                path,
            });
        }
    }
    Ok(found)
}

impl Body {
    /// The first thing in which another plan differs.
    fn difference(&self, other: &Self) -> String {
        if self.version != other.version {
            return format!("it was made by version {}", self.version);
        }
        if self.seed != other.seed {
            return format!("its seed is {}, not {}", self.seed, other.seed);
        }
        if self.grid.core != other.grid.core {
            let [z, x, y] = self.grid.core;
            return format!("its tasks make boxes of {z} x {x} x {y} pixels");
        }
        if self.inputs != other.inputs {
            return "a file that it reads has changed".to_owned();
        }
        let (was, is) = (self.configuration.lines(), other.configuration.lines());
        let differs = was.zip(is).find(|(was, is)| was != is);
        differs.map_or_else(
            || "its configuration is another".to_owned(),
            |(was, is)| format!("its configuration says {was:?}, not {is:?}"),
        )
    }
}

impl PlanFile {
    /// Reads the plan of a folder.
    ///
    /// # Errors
    /// There is none, or it is not one of this version, or was edited.
    pub fn open(root: &Path) -> Result<Self, ClusterError> {
        let path = root.join(PLAN_NAME);
        let wrong = |problem: String| {
            ClusterError::Refused(format!(
                "{}: {problem}: make it with `simexm-gpu plan CONFIG --write {}`",
                path.display(),
                root.display()
            ))
        };
        let text = files::read_text(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                wrong("there is no plan".to_owned())
            }
            _ => ClusterError::io(&path)(error),
        })?;
        let stored: Stored = serde_json::from_slice(&text)
            .map_err(|error| wrong(format!("is no plan of this version ({error})")))?;
        let body = stored.plan;
        if body.version != env!("CARGO_PKG_VERSION") || body.format != FORMAT {
            return Err(wrong(format!(
                "was made by version {}, and this is {}; finish it with that one, or begin anew in another folder",
                body.version,
                env!("CARGO_PKG_VERSION")
            )));
        }
        if body.id()? != stored.id {
            return Err(wrong(
                "was edited: it is not what its id stands for".to_owned(),
            ));
        }
        Ok(Self {
            folder: Folder::new(root, &stored.id),
            id: stored.id,
            body,
        })
    }

    /// How it is cut.
    pub fn tasks(&self, phase: Phase) -> u64 {
        self.grid().tasks(phase)
    }

    /// Whether facts of a phase are merged for those after it.
    pub(super) fn is_merged(&self, phase: Phase) -> bool {
        phase != Phase::Image && self.tasks(phase) > 0
    }

    pub(super) fn grid(&self) -> &Grid {
        &self.body.grid
    }

    /// Bytes of the files that are read, as far as they are known.
    pub(super) fn input_bytes(&self) -> u64 {
        let bytes = self.body.inputs.iter().map(|input| input.bytes);
        bytes.fold(0, u64::saturating_add)
    }

    pub(super) fn levels(&self) -> usize {
        self.body.levels
    }

    /// Opens the volumes for work with these entries of `[compute]`.
    pub(super) fn setup(
        &self,
        overrides: &[Override],
        watcher: &mut dyn Watcher,
    ) -> Result<Setup, ClusterError> {
        let path = self.folder.root.join(PLAN_NAME);
        let name = path.display().to_string();
        let read = |overrides: &[Override]| {
            let base = Path::new("/");
            Config::from_toml_str(&self.body.configuration, &name, base, overrides)
        };
        let config = read(overrides).map_err(SimulationError::from)?;
        for known in &self.body.inputs {
            let path = &known.path;
            let metadata = fs::metadata(path).map_err(ClusterError::io(path))?;
            let modified = metadata.modified().ok();
            let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let modified_ns = since.map_or(0, |since| since.as_nanos() as u64);
            if metadata.len() != known.bytes || modified_ns != known.modified_ns {
                return Err(ClusterError::Refused(format!(
                    "{}: has changed since the plan {} was made: put it back, or plan anew in another folder",
                    path.display(),
                    &self.id[..16]
                )));
            }
        }
        let setup = Setup::open(config, watcher)?;
        if setup.model.image_shape() != self.body.grid.images {
            let path = self.folder.root.join(PLAN_NAME);
            return Err(ClusterError::Refused(format!(
                "{}: the volume has another size than the plan's: plan anew in another folder",
                path.display()
            )));
        }
        Ok(setup)
    }

    fn describe(&self, setup: &Setup, container: &Container, was_there: bool) -> PlannedRun {
        let (model, grid) = (&setup.model, self.grid());
        let boxes = grid.boxes();
        let whole = ImageBox::whole(model);
        // Boxes along one axis load what they load whatever lies along the others.
        let along = |axis: usize| {
            let voxels = (0..boxes[axis]).map(|number| {
                let start = number * grid.core[axis];
                let own = start..(start + grid.core[axis]).min(grid.images[axis]);
                let mut part = whole.clone();
                match axis {
                    0 => part.images = own,
                    axis => part.pixels[axis - 1] = own,
                }
                match axis {
                    0 => part.extent(model, 0).load.len(),
                    axis => part.voxels(model).shape[axis],
                }
            });
            voxels.fold((0, 0), |(sum, most), voxels: usize| {
                (sum + voxels, most.max(voxels))
            })
        };
        let axes: [(usize, usize); 3] = std::array::from_fn(along);
        let factor = |axis: usize| axes[axis].0 as f64 / model.volume.shape[axis].max(1) as f64;
        let pixels = grid
            .images
            .iter()
            .fold(1u64, |all, &size| all.saturating_mul(size as u64));
        let grey = (model.channels.len() * model.output.grey_bytes()) as u64;
        let ids = (model.fluorophores.len() * setup.pixel.bytes()) as u64;
        let made = self.body.levels;
        let all = container.levels();
        PlannedRun {
            folder: self.folder.root.clone(),
            id: self.id.clone(),
            was_there,
            images: grid.images,
            core: grid.core,
            survey_tasks: grid.tasks(Phase::Survey),
            scale_tasks: grid.tasks(Phase::Scale),
            image_tasks: grid.tasks(Phase::Image),
            halo_factor: factor(0) * factor(1) * factor(2),
            task_voxels: std::array::from_fn(|axis| axes[axis].1),
            raw_bytes: pixels.saturating_mul(grey + ids),
            shards: [container.shards(0..made), container.shards(made..all)],
            levels: [made, all],
            forecast: None,
        }
    }
}
