//! How long a run in tasks will take on machines that are not here, and what stands in its way.
//!
//! A small box in the middle of the volume is made on this CPU, which tells how fast ids are read
//! and shards are packed, and how small they become. What a device has to move for a task follows
//! from its commands, which are recorded and not run.

use super::plan_file::{PlanFile, PlannedRun};
use super::setup::Setup;
use super::store::{Scratch, write_whole};
use super::task::{Worker, place};
use super::{ClusterError, Phase};
use crate::config::BackendChoice;
use crate::engine::compute::cpu::CpuBackend;
use crate::engine::compute::{Backend, DryBackend, KernelTime};
use crate::io::write::{ShardStore, WriteError};
use crate::run::log::RunLog;
use crate::run::pipeline::{Sink, SinkError, TruthSlices};
use crate::run::plan::{Budgets, ImageBox};
use crate::run::simulation::device::Device;
use crate::run::simulation::sink::FileSink;
use crate::run::simulation::{CPU_BYTES, Options, Watcher};
use crate::run::workload::NullSink;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Machines that would share the tasks.
#[derive(Clone, Copy, Debug)]
pub struct Machines {
    /// How many.
    pub number: u64,
    /// Cores of each that work; none: as many as here.
    pub cores: Option<usize>,
    /// Bytes per second that the kernels move on each one's device, as `--timings` tells; none:
    /// what this CPU does.
    pub device_bytes_per_second: Option<f64>,
    /// Bytes per second that the store gives and takes, all machines together; none: it is never
    /// waited for.
    pub store_bytes_per_second: Option<f64>,
}

/// What a run takes, in seconds. What machines do together is that of one machine over their
/// number.
#[derive(Clone, Debug, Serialize)]
pub struct Forecast {
    /// Machines.
    pub machines: u64,
    /// From the first task to the last, without waiting for machines.
    pub seconds: f64,
    /// What would have to be faster first.
    pub wall: &'static str,
    /// Each machine's setup: point spread functions, volumes opened.
    pub start_seconds: f64,
    /// Ids read and handed to the device.
    pub reading_seconds: f64,
    /// The device's own work.
    pub compute_seconds: f64,
    /// Images packed.
    pub encoding_seconds: f64,
    /// Bytes read from the store and written to it.
    pub store_seconds: f64,
    /// Files created, and brought to the disk.
    pub objects_seconds: f64,
    /// Tasks handed out, each as a job of its own.
    pub scheduler_seconds: f64,
    /// The survey, before the images; 0 where there is none.
    pub survey_seconds: f64,
    /// The search for the brightest pixels, before the images; 0 where there is none.
    pub scale_seconds: f64,
    /// `finish`, in one process.
    pub finish_seconds: f64,
    /// The longest task.
    pub task_seconds: f64,
    /// Bytes of all shards, packed.
    pub stored_bytes: u64,
    /// Bytes that kernels move, in all tasks.
    pub moved_bytes: u64,
    /// Whether the device works while the host packs what it made before.
    pub overlapped: bool,
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.machines == 1 { "" } else { "s" };
        writeln!(
            f,
            "time    {} on {} machine{plural}, then {} of `finish`; the wall is {}",
            words(self.seconds),
            self.machines,
            words(self.finish_seconds),
            self.wall
        )?;
        write!(f, "of it   start {}, ", words(self.start_seconds))?;
        if self.survey_seconds > 0.0 {
            write!(f, "survey {}, ", words(self.survey_seconds))?;
        }
        if self.scale_seconds > 0.0 {
            write!(f, "scale {}, ", words(self.scale_seconds))?;
        }
        writeln!(
            f,
            "reading {}, compute {}, encoding {}, store {}, objects {}, scheduler {}",
            words(self.reading_seconds),
            words(self.compute_seconds),
            words(self.encoding_seconds),
            words(self.store_seconds),
            words(self.objects_seconds),
            words(self.scheduler_seconds)
        )?;
        writeln!(
            f,
            "stored  about {} of shards; the longest task takes {}",
            crate::base::host::amount(self.stored_bytes),
            words(self.task_seconds)
        )
    }
}

/// A time for people.
fn words(seconds: f64) -> String {
    match seconds {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

/// Jobs that a scheduler starts in a second, of Slurm's order.
const JOBS_PER_SECOND: f64 = 50.0;

/// The end reads every image once for the quick-look, and where it makes upper levels once more;
/// a byte of them takes so many times as long to read as to pack: one process waits for itself.
const READ_AGAIN: f64 = 2.0;

/// Pixels of an image volume beyond which the quick-look is made of a coarser level.
const MOST_LOOKED_AT: f64 = (1u64 << 28) as f64;

/// Pixels of a level for each of the level below, about: slices are halved with rows and columns, or
/// not.
const HIGHER: f64 = 0.2;

/// Bytes of shards that the end reads and checks in a second, where it does not wait for the store.
const CHECKED_PER_SECOND: f64 = 1e9;

/// Images, and pixels along x and y, of the box that is made to measure.
const TRIAL: [usize; 3] = [16, 512, 512];

/// Pixels along (z, x, y) of a task beyond which its commands are recorded for a part of it.
const RECORDED: [usize; 3] = [512, 1024, 1024];

/// How fast this machine is, with all its threads.
struct Rates {
    /// Seconds in which a voxel is read, and in which it is handed to a device.
    read: f64,
    handed: f64,
    /// Seconds in which a byte of images is packed, and the bytes that it becomes.
    packed: f64,
    packed_bytes: f64,
    /// Bytes that kernels move in a second.
    moved: f64,
    /// Seconds in which a file is made.
    file: f64,
}

impl Rates {
    /// Of several trials the middle one of each rate: the first ones find nothing warm, and what
    /// else the machine does makes some of them slower.
    fn measure(
        plan: &PlanFile,
        worker: &mut Worker<'_>,
        raw_per_pixel: f64,
        watcher: &mut dyn Watcher,
    ) -> Result<Self, ClusterError> {
        const MOST: usize = 7;
        const LONG: Duration = Duration::from_secs(2);
        let begin = Instant::now();
        let mut trials = vec![trial(plan, worker, raw_per_pixel, watcher)?];
        while trials.len() < MOST && begin.elapsed() < LONG {
            trials.push(trial(plan, worker, raw_per_pixel, watcher)?);
        }
        let middle = |rate: fn(&Self) -> f64| {
            let mut rates: Vec<f64> = trials.iter().map(rate).collect();
            rates.sort_by(f64::total_cmp);
            rates[rates.len() / 2]
        };
        Ok(Self {
            read: middle(|trial| trial.read),
            handed: middle(|trial| trial.handed),
            packed: middle(|trial| trial.packed),
            packed_bytes: middle(|trial| trial.packed_bytes),
            moved: middle(|trial| trial.moved),
            file: middle(|trial| trial.file),
        })
    }
}

/// Predicts a run in tasks.
///
/// # Errors
/// The volume cannot be read, or its images cannot be made.
pub(super) fn forecast(
    plan: &PlanFile,
    planned: &PlannedRun,
    setup: Setup,
    start: Duration,
    machines: Machines,
    watcher: &mut dyn Watcher,
) -> Result<Forecast, ClusterError> {
    watcher.note("measuring this machine on a small part of the volume");
    let backend = setup.config.compute.backend;
    let in_volume = setup.model.volume.voxels() as f64;
    let survey = plan.tasks(Phase::Survey) > 0;
    let raw_per_pixel = planned.raw_bytes as f64 / pixels(planned.images);
    let mut worker = Worker::on_trial(plan, setup)?;
    let rates = Rates::measure(plan, &mut worker, raw_per_pixel, watcher)?;
    let moved = moved_by_voxel(plan, &mut worker, watcher)? * in_volume * planned.halo_factor;

    // On one machine.
    let here = rayon::current_num_threads() as f64;
    let slower = here / machines.cores.map_or(here, |cores| cores.max(1) as f64);
    let number = machines.number.max(1) as f64;
    let voxels = in_volume * planned.halo_factor;
    let stored = planned.raw_bytes as f64 * rates.packed_bytes;
    let reading = voxels * (rates.read + rates.handed) * slower;
    let encoding = planned.raw_bytes as f64 * rates.packed * slower;
    let compute = match machines.device_bytes_per_second {
        Some(rate) => moved / rate,
        None => moved / rates.moved * slower,
    };
    let files = planned.shards[0] as f64 + planned.image_tasks as f64;
    let objects = files * rates.file;
    let in_store = plan.input_bytes() as f64 * planned.halo_factor + stored;
    // All machines share the store: one of them has its part of it.
    let store = match machines.store_bytes_per_second {
        Some(rate) => in_store / (rate / number),
        None => 0.0,
    };
    let overlapped = machines.device_bytes_per_second.is_some() && backend != BackendChoice::Cpu;
    let host = encoding + store + objects;
    let all = reading
        + match overlapped {
            true => compute.max(host),
            false => compute + host,
        };
    let tasks = planned.image_tasks.max(1) as f64;
    let share = pixels(planned.task_voxels) / voxels.max(1.0);
    let longest = all * share;
    let start = start.as_secs_f64() * slower;
    // Machines take the next task when they have done one.
    let shared =
        (all / number + longest * (1.0 - 1.0 / number)).min((tasks / number).ceil() * longest);
    let survey = match survey {
        true => in_volume * (rates.read + 2.0 * rates.handed) * slower / number,
        false => 0.0,
    };
    // Images are made, and not written.
    let scale = match plan.tasks(Phase::Scale) > 0 {
        true => (reading + compute) / all * shared,
        false => 0.0,
    };
    let scheduler = tasks / JOBS_PER_SECOND;
    let [made, levels] = planned.levels;
    let again = match made < levels {
        true => HIGHER.powi(made.saturating_sub(1) as i32),
        false => 0.0,
    };
    let looked_at = MOST_LOOKED_AT / pixels(planned.images).max(MOST_LOOKED_AT);
    let looking = (looked_at + again) * READ_AGAIN * encoding;
    let checking = stored / CHECKED_PER_SECOND;
    let fetching = machines
        .store_bytes_per_second
        .map_or(0.0, |rate| stored / rate);
    let finish = start + looking + checking.max(fetching);
    let walls = [
        ("compute: the devices", compute / number),
        ("reading: the volume's ids", reading / number),
        ("encoding: the hosts' cores", encoding / number),
        ("the store's bandwidth", store / number),
        ("objects: files that are created", objects / number),
        ("the scheduler: let a job do many tasks", scheduler),
        (
            "the longest task: cut smaller boxes",
            longest - all / number,
        ),
        ("the end, which is one process", start + looking + checking),
    ];
    let wall = walls.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    Ok(Forecast {
        machines: machines.number,
        seconds: (start + survey + scale + shared).max(scheduler),
        wall: wall.map_or("", |(name, _)| name),
        start_seconds: start,
        reading_seconds: reading / number,
        compute_seconds: compute / number,
        encoding_seconds: encoding / number,
        store_seconds: store / number,
        objects_seconds: objects / number,
        scheduler_seconds: scheduler,
        survey_seconds: survey,
        scale_seconds: scale,
        finish_seconds: finish,
        task_seconds: longest,
        stored_bytes: stored as u64,
        moved_bytes: moved as u64,
        overlapped,
    })
}

fn pixels(shape: [usize; 3]) -> f64 {
    shape.iter().map(|&size| size as f64).product()
}

/// Makes the images of a small box, and takes the time.
fn trial(
    plan: &PlanFile,
    worker: &mut Worker<'_>,
    raw_per_pixel: f64,
    watcher: &mut dyn Watcher,
) -> Result<Rates, ClusterError> {
    let images = plan.grid().images;
    let levels = plan.levels();
    let unit = worker.container().unit(levels);
    let first: [usize; 3] = std::array::from_fn(|axis| images[axis] / 2 / unit[axis] * unit[axis]);
    let [z, x, y] =
        std::array::from_fn(|axis| first[axis]..(first[axis] + TRIAL[axis]).min(images[axis]));
    let part = ImageBox {
        images: z,
        pixels: [x, y],
    };
    let scratch = Scratch::new(&plan.folder).map_err(ClusterError::io(&plan.folder.scratch()))?;
    let shards = Arc::new(Measured::default());
    let store = Arc::clone(&shards) as Arc<dyn ShardStore>;
    let (first, shape) = place(&part);
    let [_, rows, columns] = shape;
    let voxels = part.voxels(&worker.setup().model);
    let mut log = RunLog::new(watcher);
    let begin = Instant::now();
    let mut made = (begin, Duration::ZERO, Duration::ZERO);
    worker.set_device(Device::cpu());
    worker.work(
        voxels,
        part,
        Options::default(),
        scratch.folder(),
        &mut log,
        |setup, container, cells, pipeline| {
            let start = Instant::now();
            let (writers, _) = container.part(first, shape, levels, Arc::clone(&store));
            let (config, model) = (&setup.config, &setup.model);
            let inner =
                FileSink::of_part(config, model, cells, setup.pixel, writers, rows * columns);
            let mut sink = Timed {
                inner,
                spent: Duration::ZERO,
            };
            pipeline.run(&mut sink)?;
            made = (start, sink.spent, start.elapsed());
            Ok(())
        },
    )?;
    let (start, packing, all) = made;
    let kernels = worker.kernel_times();
    let computing: Duration = kernels.iter().filter_map(|kernel| kernel.time).sum();
    let loaded = voxels.voxels().max(1) as f64;
    let raw = pixels(shape).max(1.0) * raw_per_pixel.max(1.0);
    let handed = all.saturating_sub(packing).saturating_sub(computing);
    let stored = shards.bytes.load(Ordering::Relaxed) as f64;
    Ok(Rates {
        read: start.duration_since(begin).as_secs_f64() / loaded,
        handed: handed.as_secs_f64() / loaded,
        packed: packing.as_secs_f64() / raw,
        packed_bytes: stored / raw,
        moved: moved(&kernels) / computing.as_secs_f64().max(1e-9),
        file: files(plan)?.as_secs_f64(),
    })
}

fn moved(kernels: &[KernelTime]) -> f64 {
    let bytes = kernels.iter().map(|kernel| kernel.traffic.total() as f64);
    bytes.sum()
}

/// Seconds in which a small file is made in the folder of the run.
fn files(plan: &PlanFile) -> Result<Duration, ClusterError> {
    const FILES: u32 = 8;
    let scratch = Scratch::new(&plan.folder).map_err(ClusterError::io(&plan.folder.scratch()))?;
    let start = Instant::now();
    for file in 0..FILES {
        let path = scratch.folder().join(format!("trial-{file}"));
        write_whole(&plan.folder, &path, &[0; 4096])?;
    }
    Ok(start.elapsed() / FILES)
}

/// Bytes that kernels move for a voxel that a task loads: of the task in the middle, or of a part
/// of it.
fn moved_by_voxel(
    plan: &PlanFile,
    worker: &mut Worker<'_>,
    watcher: &mut dyn Watcher,
) -> Result<f64, ClusterError> {
    let grid = plan.grid();
    let boxes = grid.boxes();
    let [z, x, y] = std::array::from_fn(|axis| {
        let start = boxes[axis] / 2 * grid.core[axis];
        let size = grid.core[axis].min(RECORDED[axis]);
        start..(start + size).min(grid.images[axis])
    });
    let part = ImageBox {
        images: z,
        pixels: [x, y],
    };
    let voxels = part.voxels(&worker.setup().model);
    worker.take_blank();
    let cpu = CpuBackend::new(CPU_BYTES);
    let limits = Budgets::of(&worker.setup().config.compute).within(cpu.limits());
    worker.set_device(Device::of(DryBackend::new(limits, cpu.deepest_slab())));
    let mut log = RunLog::new(watcher);
    let scratch = Scratch::new(&plan.folder).map_err(ClusterError::io(&plan.folder.scratch()))?;
    worker.work(
        voxels,
        part,
        Options::default(),
        scratch.folder(),
        &mut log,
        |_, _, _, pipeline| Ok(pipeline.run(&mut NullSink).map(|_| ())?),
    )?;
    Ok(moved(&worker.kernel_times()) / voxels.voxels().max(1) as f64)
}

/// Counts shards, and keeps none.
#[derive(Default)]
struct Measured {
    bytes: AtomicU64,
}

impl ShardStore for Measured {
    fn put(&self, _: &str, content: &[u8]) -> Result<(), WriteError> {
        let bytes = content.len() as u64;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// A sink whose time is taken.
struct Timed<S> {
    inner: S,
    spent: Duration,
}

impl<S: Sink> Timed<S> {
    fn take<T>(&mut self, give: impl FnOnce(&mut S) -> T) -> T {
        let start = Instant::now();
        let given = give(&mut self.inner);
        self.spent += start.elapsed();
        given
    }
}

impl<S: Sink> Sink for Timed<S> {
    fn begin(&mut self, selection: &crate::model::cells::Selection) -> Result<(), SinkError> {
        self.inner.begin(selection)
    }

    fn truth(&mut self, slices: TruthSlices<'_>) -> Result<(), SinkError> {
        self.take(|sink| sink.truth(slices))
    }

    fn images(&mut self, first: usize, channels: &[&[u8]]) -> Result<(), SinkError> {
        self.take(|sink| sink.images(first, channels))
    }

    fn finish(
        &mut self,
        observer: &mut dyn crate::base::progress::Observer,
    ) -> Result<(), SinkError> {
        self.take(|sink| sink.finish(observer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::workload::{BenchTissue, Job, JobRunner, configurations};

    /// Commands that are only recorded move what they move on a device.
    #[test]
    fn what_is_not_run_is_accounted_for() {
        let tissue = BenchTissue::phantom([40, 48, 56]).unwrap();
        for (name, config) in configurations() {
            let job = Job::new(&tissue, &config).unwrap();
            let mut cpu = CpuBackend::new(CPU_BYTES);
            let mut dry = DryBackend::new(cpu.limits().clone(), cpu.deepest_slab());
            let counted = |backend: &mut dyn Backend| {
                let mut runner = JobRunner::new(&job, backend).unwrap();
                runner
                    .once(&mut NullSink, &mut crate::run::simulation::Silent)
                    .unwrap();
                let kernels = backend.kernel_times().into_iter();
                let kernels = kernels.map(|k| (k.kernel, k.calls, k.traffic));
                kernels.collect::<Vec<_>>()
            };
            let run = counted(&mut cpu);
            assert!(run.len() > 4, "{name}");
            assert_eq!(counted(&mut dry), run, "{name}");
        }
    }

    #[test]
    fn times_for_people() {
        let told = [0.04, 9.0, 61.0, 3000.0, 90_000.0, 1e7].map(words);
        let expected = ["0.0 s", "9.0 s", "61 s", "50 min", "25.0 h", "115.7 days"];
        assert_eq!(told, expected);
    }
}
