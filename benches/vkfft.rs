//! Complex lines by vkfft-rs, on any adapter: to be held against "fft along x" of `benches/fft.rs`,
//! whose passes also reflect or crop. (Cargo feature `vkfft`.)

#[path = "../tests/vkfft/lines.rs"]
mod lines;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lines::{Lines, device};

const LINES: usize = 1024;

fn complex_lines(criterion: &mut Criterion) {
    let Some((device, queue)) = device() else {
        return;
    };
    let mut group = criterion.benchmark_group("vkfft, complex lines");
    for length in [96, 162, 288, 576, 1080, 2048] {
        let lines = match Lines::new(&device, &queue, length, LINES) {
            Ok(lines) => lines,
            Err(error) => {
                eprintln!("{error}");
                continue;
            }
        };
        group.throughput(Throughput::Elements((length * LINES) as u64));
        group.bench_function(BenchmarkId::from_parameter(length), |bencher| {
            bencher.iter_custom(|rounds| lines.time(rounds));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = complex_lines
}
criterion_main!(benches);
