//! Crossover: the size from which on a GPU is faster than the CPU.

use super::file::{Crossing, Crossover, DeviceFacts, RunFacts, Side};

/// Finds the crossover of each job for each GPU that has one to compare.
pub(super) fn crossovers(devices: &[DeviceFacts]) -> Vec<Crossover> {
    let Some(cpu) = devices.iter().find(|device| device.adapter.is_none()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for gpu in devices.iter().filter(|device| device.adapter.is_some()) {
        let mut jobs: Vec<&str> = Vec::new();
        for run in &gpu.runs {
            if !jobs.contains(&run.job.as_str()) {
                jobs.push(&run.job);
            }
        }
        for job in jobs {
            let start = gpu.startup.as_ref().map_or(0.0, |start| start.seconds());
            let with_start = |start: f64| crossing(&pairs(cpu, gpu, job, start));
            if let (Some(first_run), Some(further_runs)) = (with_start(start), with_start(0.0)) {
                found.push(Crossover {
                    device: gpu.name.clone(),
                    job: job.to_owned(),
                    first_run,
                    further_runs,
                });
            }
        }
    }
    found
}

/// Pairs times by size, from small to large: voxels, and the times of CPU and GPU.
fn pairs(cpu: &DeviceFacts, gpu: &DeviceFacts, job: &str, start: f64) -> Vec<[f64; 3]> {
    let of = |run: &RunFacts| run.job == job;
    let pair = |on_gpu: &RunFacts| {
        let on_cpu = cpu.runs.iter().find(|r| of(r) && r.size == on_gpu.size)?;
        let (cpu, gpu) = (on_cpu.seconds.median, start + on_gpu.seconds.median);
        Some([on_gpu.voxels as f64, cpu, gpu])
    };
    gpu.runs
        .iter()
        .filter(|run| of(run))
        .filter_map(pair)
        .collect()
}

/// Finds where the times are equal: the last of such places.
fn crossing(pairs: &[[f64; 3]]) -> Option<Crossing> {
    // Above 0 where the GPU takes longer.
    let lead = |[_, cpu, gpu]: &[f64; 3]| (gpu / cpu).ln();
    let last = lead(pairs.last()?);
    let voxels = pairs.windows(2).rev().find_map(|pair| {
        let (before, after) = (lead(&pair[0]), lead(&pair[1]));
        ((before < 0.0) != (after < 0.0)).then(|| {
            let share = before / (before - after);
            let [from, to] = [pair[0][0].ln(), pair[1][0].ln()];
            (from + share * (to - from)).exp()
        })
    });
    Some(Crossing {
        voxels,
        faster_when_large: if last < 0.0 { Side::Gpu } else { Side::Cpu },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_cross_where_they_are_equal() {
        // The GPU takes 1 s + 1 us per voxel, the CPU 10 us per voxel: equal at 111 111 voxels.
        let times = |voxels: f64| [voxels, 10e-6 * voxels, 1.0 + 1e-6 * voxels];
        let found = crossing(&[1e3, 1e4, 1e5, 1.3e5, 1e6].map(times)).unwrap();
        assert_eq!(found.faster_when_large, Side::Gpu);
        let voxels = found.voxels.unwrap();
        assert!((voxels - 111_111.0).abs() < 500.0, "{voxels}");
    }

    #[test]
    fn without_a_crossing_there_is_no_size() {
        for (gpu, side) in [(0.5, Side::Gpu), (2.0, Side::Cpu)] {
            let found = crossing(&[[1e3, 1.0, gpu], [1e6, 1.0, gpu]]).unwrap();
            assert_eq!((found.voxels, found.faster_when_large), (None, side));
        }
        assert_eq!(crossing(&[]), None);
    }
}
