//! What the benchmarks share.
#![allow(dead_code)]

pub mod run;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use simexm_gpu::internals::engine::compute::Backend;
use simexm_gpu::internals::engine::compute::cpu::CpuBackend;
use simexm_gpu::internals::engine::compute::gpu::GpuBackend;
use simexm_gpu::internals::engine::convolution::Convolution;
use simexm_gpu::internals::engine::psf::Psf;
use simexm_gpu::internals::optics::psf::{Microscope, PointSpreadFunction, PsfParameters};
use std::time::{Duration, Instant};

/// "cpu" with the CPU backend, and "gpu" with the first hardware adapter if there is one, or with
/// any where `SIMEXM_BENCH_SOFTWARE` is set.
pub fn backends() -> Vec<(&'static str, Box<dyn Backend>)> {
    let mut backends: Vec<(&str, Box<dyn Backend>)> =
        vec![("cpu", Box::new(CpuBackend::new(384 << 20)))];
    let software = std::env::var_os("SIMEXM_BENCH_SOFTWARE").is_some();
    match GpuBackend::open(None, software) {
        Ok(gpu) => backends.push(("gpu", Box::new(gpu))),
        Err(error) => eprintln!("without a GPU: {error}"),
    }
    backends
}

/// A confocal point spread function.
pub fn psf() -> Psf {
    let parameters = PsfParameters {
        microscope: Microscope::Confocal,
        excitation_nm: 488.0,
        emission_nm: 520.0,
        numerical_aperture: 1.15,
        refractive_index: 1.33,
        pinhole_radius_um: 1.0,
        voxel_nm: [40.0, 20.0, 20.0],
        expansion_factors: [4.0; 3],
    };
    PointSpreadFunction::new(&parameters)
        .expect("the parameters of a common microscope")
        .on_voxels()
}

/// Sparse photons, the same in every run.
pub fn photons(voxels: usize) -> Vec<f32> {
    let word = |i: usize| (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    (0..voxels)
        .map(|i| {
            if word(i) & 3 == 0 {
                (word(i) >> 8) as f32
            } else {
                0.0
            }
        })
        .collect()
}

/// Something to measure on a backend.
pub trait Subject {
    /// Does it once.
    fn run(&mut self);
    /// Its device.
    fn backend(&mut self) -> &mut dyn Backend;
}

/// A convolution of these photons.
pub struct Blur<'a>(pub Convolution<'a>, pub Vec<f32>);

impl Subject for Blur<'_> {
    fn run(&mut self) {
        self.0.run(&self.1).expect("the device works");
    }

    fn backend(&mut self) -> &mut dyn Backend {
        self.0.backend()
    }
}

/// Time of these kernels so far; `None` where the device cannot measure it.
pub fn kernel_time(backend: &mut dyn Backend, kernels: &[&str]) -> Option<Duration> {
    let times = backend.kernel_times().into_iter();
    times
        .filter(|time| kernels.contains(&time.kernel))
        .map(|time| time.time)
        .sum()
}

/// Voxels per second of a subject: by the time that these kernels take in it where the device can
/// tell, else, and without kernels, by the wall clock.
pub fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    voxels: usize,
    kernels: &[&str],
    subject: &mut impl Subject,
) {
    group.throughput(Throughput::Elements(voxels as u64));
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|rounds| {
            let on_device = |subject: &mut _| {
                if kernels.is_empty() {
                    return None;
                }
                kernel_time(Subject::backend(subject), kernels)
            };
            let (before, start) = (on_device(subject), Instant::now());
            (0..rounds).for_each(|_| subject.run());
            let wall = start.elapsed();
            on_device(subject).map_or(wall, |after| after - before.unwrap_or_default())
        });
    });
}
