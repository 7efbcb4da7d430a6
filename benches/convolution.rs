//! The convolution with 31 x 31 x 31 values, reflection included, from the host's memory and back:
//! the three sizes that SimExm published and a cube.

mod support;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use simexm_gpu::internals::engine::compute::Stage;
use simexm_gpu::internals::engine::convolution::Convolution;
use simexm_gpu::internals::engine::stages::KERNELS;
use support::{Blur, backends, measure, photons, psf};

const SHAPES: [[usize; 3]; 4] = [
    [8, 100, 100],
    [20, 200, 200],
    [256, 256, 256],
    [150, 773, 739],
];

fn convolution(criterion: &mut Criterion) {
    let psf = psf();
    // As a whole, and its passes alone.
    let of_blur = KERNELS.iter().filter(|kernel| kernel.stage == Stage::Blur);
    let passes: Vec<&str> = of_blur.map(|kernel| kernel.name).collect();
    for (what, kernels) in [("convolution", &[][..]), ("convolution, passes", &passes)] {
        let mut group = criterion.benchmark_group(what);
        for (device, mut backend) in backends() {
            for shape in SHAPES {
                let voxels = shape.iter().product();
                let convolution = Convolution::new(backend.as_mut(), &psf, shape);
                let convolution = convolution.expect("the volume fits the device");
                let mut blur = Blur(convolution, photons(voxels));
                let [z, x, y] = shape;
                let id = BenchmarkId::new(device, format!("{z}x{x}x{y}"));
                measure(&mut group, id, voxels, kernels, &mut blur);
            }
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = convolution
}
criterion_main!(benches);
