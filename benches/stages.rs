//! Each stage within a run of the default configuration over made-up tissue: voxels of the tissue
//! per second of the stage's kernels, as many times as the run has use for them.

mod support;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use simexm_gpu::config::Config;
use simexm_gpu::internals::engine::stages::KERNELS;
use simexm_gpu::internals::run::workload::{BenchTissue, Job, JobRunner};
use support::{Subject, backends, measure};

const SHAPE: [usize; 3] = [48, 192, 192];

fn stages(criterion: &mut Criterion) {
    let tissue = BenchTissue::phantom(SHAPE).expect("memory for the tissue");
    let job = Job::new(&tissue, &Config::default()).expect("the default configuration");
    let mut group = criterion.benchmark_group("stages");
    for (device, mut backend) in backends() {
        let run = JobRunner::new(&job, backend.as_mut());
        let mut run = run.expect("the tissue fits the device");
        run.run();
        let used = run.backend().kernel_times();
        for kernel in KERNELS {
            if used.iter().any(|used| used.kernel == kernel.name) {
                let id = BenchmarkId::new(kernel.name, device);
                measure(
                    &mut group,
                    id,
                    SHAPE.iter().product(),
                    &[kernel.name],
                    &mut run,
                );
            }
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = stages
}
criterion_main!(benches);
