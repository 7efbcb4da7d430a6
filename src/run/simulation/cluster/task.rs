//! Tasks: runs of the pipeline over boxes of images.

use super::facts::Facts;
use super::plan_file::PlanFile;
use super::receipt::{Cluster, Receipt};
use super::scale::Scale;
use super::setup::Setup;
use super::store::{RunStore, Scratch};
use super::{ClusterError, Phase, facts};
use crate::base::volume::VoxelBox;
use crate::config::{BackendChoice, Override};
use crate::engine::compute::{ComputeError, KernelTime};
use crate::io::read::{ArraySource, CellSource, VolumeSource};
use crate::io::write::{Container, ShardStore, Stored};
use crate::run::ground_truth::LoadedVolume;
use crate::run::log::RunLog;
use crate::run::pipeline::{Input, NoCounts, Pipeline, needs_survey};
use crate::run::plan::{Budgets, Contents, ImageBox};
use crate::run::simulation::crossover::Work;
use crate::run::simulation::device::{self, Device};
use crate::run::simulation::fallback::DeviceFallback;
use crate::run::simulation::sink::FileSink;
use crate::run::simulation::{Options, SimulationError, Watcher};
use crate::run::store::SpillPolicy;
use crate::run::workload::NullSink;
use ndarray::{ArrayView3, ShapeBuilder};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The first pixel of a box and its shape, (z, x, y).
pub(super) fn place(part: &ImageBox) -> ([usize; 3], [usize; 3]) {
    let [rows, columns] = part.size();
    let first = [
        part.images.start,
        part.pixels[0].start,
        part.pixels[1].start,
    ];
    (first, [part.images.len(), rows, columns])
}

/// All that tasks of a process have in common.
pub(super) struct Worker<'p> {
    plan: &'p PlanFile,
    phase: Phase,
    setup: Setup,
    container: Container,
    facts: Facts,
    device: Option<Device>,
}

impl<'p> Worker<'p> {
    pub(super) fn new(
        plan: &'p PlanFile,
        phase: Phase,
        overrides: &[Override],
        watcher: &mut dyn Watcher,
    ) -> Result<Self, ClusterError> {
        let facts = Facts::open(plan, phase)?;
        let setup = plan.setup(overrides, watcher)?;
        device::find_wanted(&setup.config.compute).map_err(SimulationError::from)?;
        let regions = setup.model.layer_regions().len();
        if let Some(survey) = &facts.survey
            && needs_survey(&setup.model)
            && survey.voxels.len() != regions
        {
            let what = format!(
                "tells of {} regions, but the layers have {regions}",
                survey.voxels.len()
            );
            return Err(facts::wrong(plan, Phase::Survey, &what));
        }
        let channels = setup.model.channels.len();
        if let Some(Scale(brightest)) = &facts.scale
            && brightest.len() != channels
        {
            let what = format!("tells of {} channels, not {channels}", brightest.len());
            return Err(facts::wrong(plan, Phase::Scale, &what));
        }
        Ok(Self {
            container: setup.container()?,
            plan,
            phase,
            setup,
            facts,
            device: None,
        })
    }

    /// One that makes images before anything is surveyed: of all cells, as if each had voxels.
    pub(super) fn on_trial(plan: &'p PlanFile, setup: Setup) -> Result<Self, ClusterError> {
        Ok(Self {
            container: setup.container()?,
            plan,
            phase: Phase::Image,
            setup,
            facts: Facts::default(),
            device: None,
        })
    }

    /// Replaces the tissue by a single cell, which is read in no time.
    pub(super) fn take_blank(&mut self) {
        let (source, annotations, _) = &mut self.setup.volumes;
        let blank = |shape: [usize; 3], id: &'static [u8; 1]| {
            let [depth, rows, columns] = shape;
            let same = (depth, rows, columns).strides((0, 0, 0));
            let ids = ArrayView3::from_shape(same, id);
            ids.map(|ids| Box::new(ArraySource::new(ids)) as Box<dyn VolumeSource>)
        };
        if let Ok(ids) = blank(source.shape(), &[1]) {
            *source = CellSource::Merged(ids);
        }
        for annotation in annotations {
            if let Ok(ids) = blank(annotation.shape(), &[0]) {
                *annotation = ids;
            }
        }
    }

    /// Works on this device from now on.
    pub(super) fn set_device(&mut self, device: Device) {
        self.device = Some(device);
    }

    /// What the device's kernels did.
    pub(super) fn kernel_times(&mut self) -> Vec<KernelTime> {
        let device = self.device.as_mut();
        device.map_or_else(Vec::new, |device| device.backend().kernel_times())
    }

    /// Leaves the other ones of so many workers their part of the host's memory.
    pub(super) fn share_memory(&mut self, workers: u64) {
        if workers > 1 {
            let compute = &mut self.setup.config.compute;
            compute.memory = Some(Budgets::of(compute).host_memory() / workers);
        }
    }

    /// Does a task; returns its receipt, once what it lists is on the disk.
    pub(super) fn receipt(
        &mut self,
        task: u64,
        watcher: &mut dyn Watcher,
    ) -> Result<Receipt, ClusterError> {
        let start = Instant::now();
        let folder = &self.plan.folder;
        let mut receipt = Receipt {
            plan: self.plan.id.clone(),
            phase: self.phase.name().to_owned(),
            task,
            device: String::new(),
            gpu: false,
            seconds: 0.0,
            facts: self.facts.digest.clone(),
            shards: Vec::new(),
            volumes: Vec::new(),
            cells: Vec::new(),
            brightest: Vec::new(),
            clusters: Vec::new(),
        };
        match self.phase {
            Phase::Survey => {
                let scratch = Scratch::new(folder).map_err(ClusterError::io(&folder.scratch()))?;
                receipt.cells = self.count(task, scratch.folder(), watcher)?;
            }
            Phase::Scale => {
                let scratch = Scratch::new(folder).map_err(ClusterError::io(&folder.scratch()))?;
                receipt.brightest = self.brightest(task, scratch.folder(), watcher)?;
            }
            Phase::Image => {
                let root = folder.output().join(self.container.folder());
                let store = Arc::new(RunStore::new(folder, root)?);
                let shards = Arc::clone(&store) as Arc<dyn ShardStore>;
                let (stored, clusters) = self.images(task, shards, store.scratch(), watcher)?;
                receipt.volumes = stored.into_iter().map(Into::into).collect();
                receipt.clusters = clusters;
                store.remove_others(self.shard_names(task))?;
                receipt.shards = store.seal()?;
            }
        }
        if let Some(device) = self.device() {
            (receipt.gpu, receipt.device) = device;
        }
        receipt.seconds = (start.elapsed().as_secs_f64() * 1e3).round() / 1e3;
        Ok(receipt)
    }

    /// Names of the shards that a task may have.
    pub(super) fn shard_names(&self, task: u64) -> impl Iterator<Item = String> {
        let (first, shape) = place(&self.plan.grid().image_box(task));
        let levels = 0..self.plan.levels();
        self.container.shard_names(first, shape, levels)
    }

    /// Makes the shards of a task; returns what its volumes hold, and its clusters of proteins.
    pub(super) fn images(
        &mut self,
        task: u64,
        shards: Arc<dyn ShardStore>,
        scratch: &Path,
        watcher: &mut dyn Watcher,
    ) -> Result<(Vec<Stored>, Vec<Cluster>), ClusterError> {
        let part = self.plan.grid().image_box(task);
        let voxels = part.voxels(&self.setup.model);
        let levels = self.plan.levels();
        let (first, shape) = place(&part);
        let [_, rows, columns] = shape;
        let mut log = RunLog::new(watcher);
        let options = Options::default();
        self.work(
            voxels,
            part,
            options,
            scratch,
            &mut log,
            |setup, container, cells, pipeline| {
                let (writers, sinks) = container.part(first, shape, levels, Arc::clone(&shards));
                let (config, model) = (&setup.config, &setup.model);
                let mut sink =
                    FileSink::of_part(config, model, cells, setup.pixel, writers, rows * columns);
                let puncta = pipeline.run(&mut sink)?.puncta.into_iter();
                let clusters = puncta.map(|punctum| Cluster::new(&punctum, cells.ids()));
                Ok((sinks.stored(), clusters.collect()))
            },
        )
    }

    /// Looks for the brightest pixels of a task.
    fn brightest(
        &mut self,
        task: u64,
        scratch: &Path,
        watcher: &mut dyn Watcher,
    ) -> Result<Vec<u32>, ClusterError> {
        let part = self.plan.grid().image_box(task);
        let voxels = part.voxels(&self.setup.model);
        let mut log = RunLog::new(watcher);
        self.work(
            voxels,
            part,
            Options::default(),
            scratch,
            &mut log,
            |_, _, _, pipeline| Ok(pipeline.run(&mut NullSink)?.brightest),
        )
    }

    /// Counts the cells' voxels in the slices of a task.
    fn count(
        &mut self,
        task: u64,
        scratch: &Path,
        watcher: &mut dyn Watcher,
    ) -> Result<Vec<(u64, Vec<u64>)>, ClusterError> {
        let model = &self.setup.model;
        let [depth, rows, columns] = model.volume.shape;
        let slices = self.plan.grid().surveyed(task);
        let load = model.reach.surveyed(slices.clone(), depth).load;
        let voxels = VoxelBox {
            offset: [load.start, 0, 0],
            shape: [load.len(), rows, columns],
        };
        let options = Options {
            deepest_slab: Some(load.len()),
            ..Options::default()
        };
        let part = ImageBox::whole(model);
        let mut log = RunLog::new(watcher);
        self.work(
            voxels,
            part,
            options,
            scratch,
            &mut log,
            |_, _, cells, mut pipeline| {
                let counts = pipeline.survey_of(slices.clone())?;
                let ids = cells.ids().iter().enumerate();
                let of = |cell: usize| counts.iter().map(|region| region[cell]).collect();
                Ok(ids.map(|(cell, &id)| (id, of(cell))).collect())
            },
        )
    }

    /// Loads a box of the tissue, and works on it with the device.
    pub(super) fn work<R>(
        &mut self,
        voxels: VoxelBox,
        part: ImageBox,
        options: Options,
        scratch: &Path,
        log: &mut RunLog<'_>,
        mut attempt: impl FnMut(
            &Setup,
            &Container,
            &crate::model::cells::CellIndex,
            Pipeline<'_>,
        ) -> Result<R, SimulationError>,
    ) -> Result<R, ClusterError> {
        let (setup, survey) = (&self.setup, self.facts.survey.as_ref());
        let (source, annotations, region) = &setup.volumes;
        let budgets = Budgets::of(&setup.config.compute);
        let annotations: Vec<&dyn VolumeSource> = annotations.iter().map(AsRef::as_ref).collect();
        let aside = SpillPolicy::new(scratch);
        let in_source = VoxelBox {
            offset: std::array::from_fn(|axis| region.offset[axis] + voxels.offset[axis]),
            shape: voxels.shape,
        };
        let volume = LoadedVolume::load_as(
            source,
            &annotations,
            in_source,
            setup.config.groundtruth.label,
            aside.reading_within(budgets.host_memory()),
            log,
        );
        let cells = survey.map(|survey| survey.cells.clone());
        let volume = volume
            .map_err(SimulationError::from)?
            .in_tissue(voxels.offset, cells);
        let device = match &mut self.device {
            Some(device) => device,
            none => {
                let work = Work::new(&setup.model, Contents::of(&volume));
                let compute = &setup.config.compute;
                let device = device::choose(compute, Some(work), log);
                let device = device.map_err(SimulationError::from)?;
                if compute.backend == BackendChoice::Gpu && !device.is_gpu() {
                    let reason = "a GPU was asked for and cannot be opened here".to_owned();
                    return Err(SimulationError::from(ComputeError::NoAdapter(reason)).into());
                }
                none.insert(device)
            }
        };
        // Where only ids count, every cell is taken to have voxels.
        let surveyed = survey.filter(|_| needs_survey(&setup.model));
        let surveyed = surveyed.map(|survey| &survey.voxels[..]);
        let alike = match self.phase {
            Phase::Scale | Phase::Image if needs_survey(&setup.model) => {
                vec![vec![1; volume.cells.len()]; setup.model.layer_regions().len()]
            }
            _ => Vec::new(),
        };
        let surveyed = surveyed.or((!alike.is_empty()).then_some(&alike[..]));
        let fallback = DeviceFallback {
            model: &setup.model,
            input: Input {
                volume: &volume,
                counts: &NoCounts,
                aside,
                journal: None,
            },
            options,
            budgets,
            part: Some(part),
            surveyed,
            brightest: self.facts.scale.as_ref().map(|Scale(all)| &all[..]),
            keeps_gpu: true,
        };
        let done = fallback.run(device, log, |pipeline| {
            attempt(setup, &self.container, &volume.cells, pipeline)
        });
        Ok(done?)
    }

    /// Whether the device is a GPU, and its name, once something was done.
    pub(super) fn device(&mut self) -> Option<(bool, String)> {
        let device = self.device.as_mut()?;
        Some(match device.is_gpu() {
            true => (true, device.backend().name().to_owned()),
            false => (false, "the CPU".to_owned()),
        })
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(super) fn container(&self) -> &Container {
        &self.container
    }

    /// What was merged.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }
}
