//! Lines of the Fourier transform, by size and axis. A size is that of a square slice; the length
//! of its lines is a little more (reflection by the kernel's radius on both sides).

mod support;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use simexm_gpu::internals::engine::convolution::Convolution;
use support::{Blur, backends, measure, photons, psf};

const SIZES: [usize; 6] = [64, 128, 256, 512, 1024, 2000];

fn lines(criterion: &mut Criterion) {
    let psf = psf();
    for (device, mut backend) in backends() {
        for (kernel, axis) in [
            ("rows_forward", "y, real to complex"),
            ("columns_forward", "x"),
            ("columns_inverse", "x, back"),
            ("rows_to_photons", "y, back"),
        ] {
            let mut group = criterion.benchmark_group(format!("fft along {axis}"));
            for size in SIZES {
                let shape = [4, size, size];
                let voxels = shape.iter().product();
                let convolution = Convolution::new(backend.as_mut(), &psf, shape);
                let Ok(convolution) = convolution else {
                    continue;
                };
                let mut blur = Blur(convolution, photons(voxels));
                let id = BenchmarkId::new(device, size);
                measure(&mut group, id, voxels, &[kernel], &mut blur);
            }
            group.finish();
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = lines
}
criterion_main!(benches);
