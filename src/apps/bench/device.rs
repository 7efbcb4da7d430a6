//! Measurements of one device.

use super::checksum_sink::ChecksumSink;
use super::file::{AdapterFacts, DeviceFacts, LimitFacts, PassFacts, RunFacts, Spread, Startup};
use super::{Size, checksum_backend, copy};
use crate::base::progress::Observer;
use crate::engine::compute::cpu::CpuBackend;
use crate::engine::compute::gpu::{AdapterSummary, GpuBackend};
use crate::engine::compute::{Backend, ComputeError, Kernel, KernelTime, Limits};
use crate::engine::stages::KERNELS;
use crate::run::simulation::{CPU_BYTES, SimulationError};
use crate::run::workload::{BenchTissue, Job, JobRunner, NullSink, configurations};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

/// Function that opens a device.
pub(super) type OpenDevice = Box<dyn FnOnce() -> Result<Box<dyn Backend>, ComputeError> + Send>;

/// Bytes of the buffers between which a device copies: more than caches hold.
const COPY_BYTES: u64 = 128 << 20;

/// Device to be measured, not yet open.
pub struct BenchDevice {
    /// Name to show.
    pub name: String,
    /// Adapter; `None` for the CPU.
    pub adapter: Option<AdapterSummary>,
    /// Function that opens the device.
    pub open: OpenDevice,
}

impl BenchDevice {
    /// Takes the CPU, with the threads of the current pool.
    pub fn cpu() -> Self {
        let threads = rayon::current_num_threads();
        Self {
            name: format!(
                "CPU, {threads} thread{}",
                if threads == 1 { "" } else { "s" }
            ),
            adapter: None,
            open: Box::new(|| Ok(Box::new(CpuBackend::new(CPU_BYTES)))),
        }
    }

    /// Takes the adapter with this index in [`crate::engine::compute::gpu::adapters`].
    pub fn adapter(index: usize, summary: AdapterSummary) -> Self {
        Self {
            name: summary.to_string(),
            adapter: Some(summary),
            open: Box::new(move || {
                let backend = GpuBackend::open(Some(&index.to_string()), true)?;
                Ok(Box::new(backend))
            }),
        }
    }

    /// The device before anything is measured.
    pub(super) fn facts(&self) -> DeviceFacts {
        DeviceFacts {
            name: self.name.clone(),
            adapter: self.adapter.as_ref().map(|adapter| AdapterFacts {
                name: adapter.name.clone(),
                backend: adapter.backend.clone(),
                driver: adapter.driver.clone(),
                kind: adapter.kind.to_owned(),
            }),
            limits: None,
            startup: None,
            copy_bytes_per_second: None,
            runs: Vec::new(),
            error: None,
        }
    }
}

/// Tissue of a size.
pub(super) type SizedTissue = Arc<(Size, BenchTissue)>;

/// What a device has done.
pub(super) enum Event {
    /// It is open.
    Opened(LimitFacts),
    /// Its first runs are done.
    Started(Startup),
    /// Its copies are.
    Copied(f64),
    /// A job is.
    Measured(RunFacts),
    /// All jobs of a size are.
    SizeDone,
}

/// Opens a device, and measures it over one tissue after the other, from small to large, until no
/// more come. What it finds goes to `events`.
pub(super) fn work(
    (open, is_gpu): (OpenDevice, bool),
    repeat: usize,
    memory_bytes: u64,
    tissues: &Receiver<SizedTissue>,
    events: &Sender<Event>,
    stop: &AtomicBool,
) -> Result<(), SimulationError> {
    let start = Instant::now();
    // Nobody listens any more where the measurement has gone on without this device.
    let tell = |event: Event| events.send(event).map_err(|_| SimulationError::Interrupted);
    let mut backend = open()?;
    let open_seconds = start.elapsed().as_secs_f64();
    let backend = backend.as_mut();
    tell(Event::Opened(limits(backend.limits(), is_gpu)))?;
    let jobs = configurations();
    let mut bandwidth = None;
    for tissue in tissues {
        let (size, tissue) = &*tissue;
        let bandwidth = match bandwidth {
            Some(bandwidth) => bandwidth,
            None => {
                let job = Job::new(tissue, &jobs[0].1)?;
                let pipelines_seconds = first_run(&job, backend, memory_bytes, stop)?;
                tell(Event::Started(Startup {
                    open_seconds,
                    pipelines_seconds,
                }))?;
                let bytes = COPY_BYTES.min(memory_bytes / 2);
                let measured = copy::bandwidth(backend, bytes)?;
                tell(Event::Copied(measured))?;
                *bandwidth.insert(measured)
            }
        };
        for (name, config) in &jobs {
            let job = Job::new(tissue, config)?;
            let run = measure(
                &job,
                name,
                size.name(),
                backend,
                (repeat, memory_bytes),
                stop,
            )?;
            tell(Event::Measured(with_rates(run, bandwidth)))?;
        }
        tell(Event::SizeDone)?;
    }
    Ok(())
}

fn limits(limits: &Limits, gpu: bool) -> LimitFacts {
    LimitFacts {
        binding_bytes: limits.binding_bytes,
        buffer_bytes: limits.buffer_bytes,
        wanted_bytes: limits.wanted_bytes,
        workgroup_bytes: gpu.then_some(limits.workgroup_bytes),
    }
}

/// Measures by how much the first run takes longer than the next ones.
fn first_run(
    job: &Job<'_>,
    backend: &mut dyn Backend,
    memory_bytes: u64,
    stop: &AtomicBool,
) -> Result<f64, SimulationError> {
    let mut run = JobRunner::within(job, backend, memory_bytes)?;
    let mut timed = || -> Result<f64, SimulationError> {
        let start = Instant::now();
        run.once(&mut NullSink, &mut Unseen(stop))?;
        Ok(start.elapsed().as_secs_f64())
    };
    let first = timed()?;
    let later = [timed()?, timed()?, timed()?];
    let later = Spread::of(&later).map_or(0.0, |later| later.median);
    Ok((first - later).max(0.0))
}

/// Measures times and checksums of a job; rates are left to [`with_rates`].
fn measure(
    job: &Job<'_>,
    name: &str,
    size: &str,
    backend: &mut dyn Backend,
    (repeat, memory_bytes): (usize, u64),
    stop: &AtomicBool,
) -> Result<RunFacts, SimulationError> {
    let mut run = JobRunner::within(job, backend, memory_bytes)?;
    // The warm-up run supplies the checksums.
    let mut checksum_sink = ChecksumSink::new(job.model());
    let outcome = run.once(&mut checksum_sink, &mut Unseen(stop))?;
    let mut checksums = checksum_sink.checksums(&outcome);
    let (mut seconds, mut kernels) = (Vec::new(), Vec::new());
    for _ in 0..repeat.max(1) {
        run.backend().reset_times();
        let start = Instant::now();
        run.once(&mut NullSink, &mut Unseen(stop))?;
        seconds.push(start.elapsed().as_secs_f64());
        kernels.push(run.backend().kernel_times());
    }
    checksums.splice(
        0..0,
        checksum_backend::checksums(job, backend, memory_bytes, &mut Unseen(stop))?,
    );
    let seconds = Spread::of(&seconds).unwrap_or(Spread {
        median: 0.0,
        min: 0.0,
        max: 0.0,
    });
    Ok(RunFacts {
        job: name.to_owned(),
        size: size.to_owned(),
        voxels: job.tissue().voxels() as u64,
        seconds,
        voxels_per_second: 0.0,
        passes: pass_facts(&kernels),
        checksums,
    })
}

/// Sums up the passes of runs that were timed one by one.
fn pass_facts(runs: &[Vec<KernelTime>]) -> Vec<PassFacts> {
    let facts = |kernel: &&Kernel| {
        let of_kernel = |time: &&KernelTime| time.kernel == kernel.name;
        let times: Vec<&KernelTime> = runs.iter().flatten().filter(of_kernel).collect();
        let first = times.first()?;
        let seconds: Option<Vec<f64>> = times
            .iter()
            .map(|time| Some(time.time?.as_secs_f64()))
            .collect();
        Some(PassFacts {
            pass: kernel.name.to_owned(),
            stage: kernel.stage.name().to_owned(),
            calls: first.calls,
            read_bytes: first.traffic.read,
            written_bytes: first.traffic.written,
            seconds: seconds.and_then(|seconds| Spread::of(&seconds)),
            voxels_per_second: None,
            bytes_per_second: None,
            share_of_copy: None,
        })
    };
    KERNELS.iter().filter_map(facts).collect()
}

fn with_rates(mut run: RunFacts, copy_bytes_per_second: f64) -> RunFacts {
    let voxels = run.voxels as f64;
    let rate = |amount: f64, seconds: f64| amount / seconds.max(1e-12);
    run.voxels_per_second = rate(voxels, run.seconds.median);
    for pass in &mut run.passes {
        // The pass is too short for the clock: it has no rate.
        let Some(seconds) = pass.seconds.map(|s| s.median).filter(|s| *s > 0.0) else {
            continue;
        };
        let bytes = rate((pass.read_bytes + pass.written_bytes) as f64, seconds);
        pass.voxels_per_second = Some(rate(voxels, seconds));
        pass.bytes_per_second = Some(bytes);
        pass.share_of_copy = Some(bytes / copy_bytes_per_second);
    }
    run
}

/// Observer that shows nothing of a run, but lets it be stopped.
struct Unseen<'a>(&'a AtomicBool);

impl Observer for Unseen<'_> {
    fn begin(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, _: usize) {}
    fn end(&mut self) {}
    fn interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
