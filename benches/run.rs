//! Whole runs of the default configuration over made-up tissue, from labels in memory to grey
//! values in memory.

mod support;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use simexm_gpu::config::Config;
use simexm_gpu::internals::run::workload::{BenchTissue, Job, JobRunner};
use support::{backends, measure};

const SHAPES: [[usize; 3]; 3] = [[8, 100, 100], [20, 200, 200], [64, 400, 400]];

fn runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    for shape in SHAPES {
        let tissue = BenchTissue::phantom(shape).expect("memory for the tissue");
        let job = Job::new(&tissue, &Config::default()).expect("the default configuration");
        for (device, mut backend) in backends() {
            let [z, x, y] = shape;
            let id = BenchmarkId::new(device, format!("{z}x{x}x{y}"));
            let voxels = shape.iter().product();
            let run = JobRunner::new(&job, backend.as_mut());
            let mut run = run.expect("the tissue fits the device");
            measure(&mut group, id, voxels, &[], &mut run);
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = runs
}
criterion_main!(benches);
