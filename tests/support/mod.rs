//! What the tests share. Each of their programs uses a part of it.
#![allow(dead_code, unused_imports)]

mod check;
mod configuration;
pub mod cuts;
pub mod faults;
mod run;
mod scatter;
mod snapshot;
mod stacks;
mod workplace;

pub use check::{assert_distribution, assert_mean, poisson};
pub use configuration::{CONFIG, bare, config, in_the_dark, physical, whole, with_entries};
pub use run::{Run, simulate, simulate_source};
pub use scatter::scatter;
pub use snapshot::{assert_same, files, images, snapshot};
pub use stacks::{Stack, data, read_counts, read_stack, read_tiff, write_stack};
pub use workplace::{BINARY, IMAGE_SHAPE, Outcome, SHAPE, Workplace, blocks};

use simexm_gpu::internals::engine::compute::cpu::CpuBackend;
use simexm_gpu::internals::engine::compute::gpu::GpuBackend;
use simexm_gpu::internals::engine::compute::{Backend, Buffer, BufferSpec, Recording};
use std::sync::Once;

/// Any adapter, a software one too. Without one the caller has nothing to test, which one line
/// says; where `SIMEXM_GPU=require` promises an adapter, its absence fails the test.
pub fn gpu() -> Option<GpuBackend> {
    match GpuBackend::open(None, true) {
        Ok(backend) => Some(backend),
        Err(error) if std::env::var("SIMEXM_GPU").is_ok_and(|value| value == "require") => {
            panic!("SIMEXM_GPU=require, but: {error}")
        }
        Err(error) => {
            static TOLD: Once = Once::new();
            TOLD.call_once(|| eprintln!("skipped: no GPU adapter ({error})"));
            None
        }
    }
}

/// The CPU, with memory for any test.
pub fn cpu() -> CpuBackend {
    CpuBackend::new(4 << 30)
}

/// The CPU, and the GPU where there is one.
pub fn backends() -> Vec<Box<dyn Backend>> {
    let mut backends: Vec<Box<dyn Backend>> = vec![Box::new(cpu())];
    if let Some(gpu) = gpu() {
        backends.push(Box::new(gpu));
    }
    backends
}

/// Buffers of these sizes in words, filled with a pattern that no kernel may rely on.
pub fn allocate<const N: usize>(backend: &mut dyn Backend, words: [usize; N]) -> [Buffer; N] {
    allocate_words(backend, &words);
    std::array::from_fn(Buffer)
}

/// As [`allocate`], for any number of buffers.
pub fn allocate_words(backend: &mut dyn Backend, words: &[usize]) -> Vec<Buffer> {
    let spec = |(number, &words): (usize, &usize)| BufferSpec {
        name: format!("buffer {number}"),
        words: words.max(1),
    };
    let specs: Vec<BufferSpec> = words.iter().enumerate().map(spec).collect();
    backend.allocate(&specs, true).unwrap();
    (0..words.len()).map(Buffer).collect()
}

/// Runs a recording and returns what it reads.
pub fn execute(backend: &mut dyn Backend, recording: Recording) -> Vec<Vec<u32>> {
    let ticket = backend.submit(recording).unwrap();
    backend.wait(ticket).unwrap()
}
