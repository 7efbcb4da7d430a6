//! Measurement of an adapter, made once: two short runs and a transfer.

use super::{Measured, Work};
use crate::config::Config;
use crate::engine::compute::{Backend, Buffer, BufferSpec, ComputeError, Recording};
use crate::run::simulation::{Silent, SimulationError};
use crate::run::workload::{BenchTissue, Job, JobRunner, NullSink};
use ndarray::Array3;
use std::time::{Duration, Instant};

/// Shape of tissue whose run is nothing but start: shaders are compiled for it.
const TINY: [usize; 3] = [4, 32, 32];

/// Shape of tissue that shows a GPU's speed without taking a CPU long.
const SMALL: [usize; 3] = [32, 192, 192];

/// Words of a transfer: 32 MiB, or what the device can bind.
const TRANSFER: u64 = 8 << 20;

/// Measures a GPU that took `opened` to open, and the CPU beside it. Takes a second or two.
///
/// # Errors
/// A device refuses: then nothing is known.
pub(in crate::run::simulation) fn measure(
    adapter: &str,
    gpu: &mut dyn Backend,
    opened: Duration,
    cpu: &mut dyn Backend,
) -> Result<Measured, SimulationError> {
    measure_on(adapter, gpu, opened, cpu, SMALL)
}

/// Measures like [`measure`], with runs over tissue of this shape.
pub(super) fn measure_on(
    adapter: &str,
    gpu: &mut dyn Backend,
    opened: Duration,
    cpu: &mut dyn Backend,
    shape: [usize; 3],
) -> Result<Measured, SimulationError> {
    let started = opened + run(gpu, TINY)?.0;
    // Lines of other lengths are other shaders: they are compiled before the clock runs.
    run(gpu, shape)?;
    let (gpu_time, work) = run(gpu, shape)?;
    run(cpu, TINY)?;
    let (cpu_time, _) = run(cpu, shape)?;
    let words = TRANSFER.min(gpu.limits().binding_bytes / 4) as usize;
    let (up, down) = transfer(gpu, words)?;
    let per_second = |amount: f64, time: Duration| amount / time.as_secs_f64().max(1e-9);
    Ok(Measured {
        adapter: adapter.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        threads: rayon::current_num_threads(),
        start_seconds: started.as_secs_f64(),
        upload_bytes_per_second: per_second(4.0 * words as f64, up),
        download_bytes_per_second: per_second(4.0 * words as f64, down),
        gpu_per_second: per_second(work.voxel_passes(), gpu_time),
        cpu_per_second: per_second(work.voxel_passes(), cpu_time),
    })
}

/// Times a transfer to the device and back, the second of two.
fn transfer(device: &mut dyn Backend, words: usize) -> Result<(Duration, Duration), ComputeError> {
    let spec = BufferSpec {
        name: "transfer".into(),
        words,
    };
    device.allocate(&[spec], false)?;
    let mut timed = |recording: Recording| -> Result<Duration, ComputeError> {
        let start = Instant::now();
        let ticket = device.submit(recording)?;
        device.wait(ticket)?;
        Ok(start.elapsed())
    };
    let mut times = (Duration::ZERO, Duration::ZERO);
    for _ in 0..2 {
        let mut up = Recording::default();
        up.write(Buffer(0), 0, vec![1; words]);
        // A read to wait for, which comes after the write.
        up.read(Buffer(0), 0..1);
        let mut down = Recording::default();
        down.read(Buffer(0), 0..words);
        times = (timed(up)?, timed(down)?);
    }
    Ok(times)
}

/// Runs the default configuration over cells of 8 x 8 x 8 voxels; returns the time from labels to
/// grey values.
fn run(device: &mut dyn Backend, shape: [usize; 3]) -> Result<(Duration, Work), SimulationError> {
    let id = |(z, x, y): (usize, usize, usize)| (z / 8 * 4096 + x / 8 * 64 + y / 8) as u32;
    let tissue = BenchTissue::new(&Array3::from_shape_fn(shape, id))?;
    let job = Job::new(&tissue, &Config::default())?;
    let mut run = JobRunner::new(&job, device)?;
    let start = Instant::now();
    run.once(&mut NullSink, &mut Silent)?;
    let time = start.elapsed();
    Ok((time, Work::new(job.model(), job.contents())))
}
