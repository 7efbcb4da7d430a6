//! Whole runs of the program against runs of SimExm with two configurations on a real volume.
//!
//! The volume is not part of the project: where ../shared is absent, the test is skipped.

use crate::support::{BINARY, bare, cpu, data, gpu, read_tiff, simulate_source};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;
use simexm_gpu::config::Config;
use simexm_gpu::internals::base::volume::VoxelBox;
use simexm_gpu::internals::io::read::open;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const SEEDS: [u64; 3] = [1, 2, 3];

/// What the two have in common.
const BOTH: &[&str] = &[
    "groundtruth.voxel_dim=[40, 32, 32]",
    "labeling.layer1.region=membrane",
    "labeling.layer1.labeling_density=1",
    "optics.channels.c1.laser_power=50",
    "optics.channels.c1.laser_percentage=0.25",
];

/// Two dyes, three layers, two channels; the camera's pixels are larger than the voxels.
const BINNED: &[&str] = &[
    "groundtruth.offset=[10, 4, 8]",
    "groundtruth.bounds=[60, 100, 120]",
    "groundtruth.isotropic=false",
    "labeling.layer1.fluorophore=ATTO425",
    "labeling.layer1.protein_density=1e-5",
    "labeling.layer1.protein_noise=0.3",
    "labeling.layer1.antibody_amp=10",
    "labeling.layer2.fluorophore=ATTO550",
    "labeling.layer2.region=cytosol",
    "labeling.layer2.labeling_density=1",
    "labeling.layer2.protein_density=2e-6",
    "labeling.layer2.protein_noise=0.1",
    "labeling.layer3.fluorophore=ATTO425",
    "labeling.layer3.region=cytosol",
    "labeling.layer3.labeling_density=1",
    "labeling.layer3.protein_density=1e-6",
    "optics.objective_factor=20",
    "optics.channels.c1.laser_wavelength=425",
    "optics.channels.c1.laser_filter=[440, 550]",
    "optics.channels.c2.laser_wavelength=550",
    "optics.channels.c2.laser_power=50",
    "optics.channels.c2.laser_percentage=0.25",
    "optics.channels.c2.laser_filter=[540, 650]",
    "output.name=binned",
];

/// Pixels smaller than the voxels, and a baseline.
const MAGNIFIED: &[&str] = &[
    "groundtruth.offset=[50, 20, 14]",
    "groundtruth.bounds=[20, 70, 90]",
    "labeling.layer1.fluorophore=ATTO488",
    "labeling.layer1.protein_density=2e-4",
    "labeling.layer1.protein_noise=0.2",
    "labeling.layer1.antibody_amp=4",
    "expansion.factor=10",
    "optics.type=widefield",
    "optics.focal_plane_depth=500",
    "optics.objective_factor=60",
    "optics.baseline_noise=5",
    "optics.channels.c1.laser_wavelength=488",
    "optics.channels.c1.laser_filter=[500, 560]",
    "output.name=magnified",
];

fn configurations() -> Option<[(&'static str, Config); 2]> {
    let volume =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/connectomics_128_uint32.tif");
    if !volume.exists() {
        eprintln!("skipped: {} is not here", volume.display());
        return None;
    }
    let volume = volume.canonicalize().unwrap();
    let made = [("binned", BINNED), ("magnified", MAGNIFIED)].map(|(name, entries)| {
        let mut config = bare(&[BOTH, entries].concat());
        config.groundtruth.image_path.clone_from(&volume);
        (name, config)
    });
    Some(made)
}

/// The four runs of SimExm: (channel, statistic) to figures. The channel of the labels' totals is
/// empty.
type Reference = BTreeMap<(String, String), Vec<f64>>;

fn reference(configuration: &str) -> Reference {
    let text = std::fs::read_to_string(data("end_to_end.csv")).unwrap();
    let mut reference = Reference::new();
    for line in text.lines().skip(1) {
        let words: Vec<&str> = line.split(',').collect();
        if words[0] == configuration {
            let runs = words[3..].iter().map(|word| word.parse().unwrap());
            let key = (words[1].to_owned(), words[2].to_owned());
            reference.insert(key, runs.collect());
        }
    }
    reference
}

/// Runs the program; returns the folder of its output.
fn run(name: &str, config: &Config, backend: &str, seed: u64, folder: &Path) -> PathBuf {
    let configuration = folder.join(format!("{name}.toml"));
    std::fs::write(&configuration, config.to_toml()).unwrap();
    let output = folder.join(format!("{backend}_{seed}"));
    let result = Command::new(BINARY)
        .arg(&configuration)
        .args(["--backend", backend, "--seed", &seed.to_string(), "-q"])
        .arg("--output")
        .arg(&output)
        .env_remove("SIMEXM_BACKEND")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&result.stderr);
    assert!(result.status.success(), "{name} on the {backend}: {errors}");
    let output = output.join(name);
    // The program takes the CPU where a GPU fails: that would be no test of the GPU.
    let record = std::fs::read_to_string(output.join("simulation.toml")).unwrap();
    let (_, record) = record.split_once("[run]").unwrap();
    let used = format!("backend = \"{backend}\"");
    assert!(record.contains(&used), "{name}: no {used}: {errors}");
    output
}

/// numpy's percentile: linear between the sorted values.
fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let place = percent / 100.0 * (sorted.len() - 1) as f64;
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

/// Mean power in ten rings of equal width from 0 to half a cycle per pixel, over all slices with
/// their means taken off; the ten add up to 1.
fn power_in_rings([slices, rows, columns]: [usize; 3], pixels: &[f64]) -> Vec<f64> {
    const RINGS: usize = 10;
    let mut planner = FftPlanner::new();
    let (along_rows, along_columns) = (
        planner.plan_fft_forward(columns),
        planner.plan_fft_forward(rows),
    );
    let (mut power, mut frequencies) = ([0.0; RINGS], [0.0; RINGS]);
    for slice in pixels.chunks_exact(rows * columns) {
        let mean = slice.iter().sum::<f64>() / slice.len() as f64;
        let mut lines: Vec<Complex64> = slice.iter().map(|v| (v - mean).into()).collect();
        along_rows.process(&mut lines);
        let mut turned: Vec<Complex64> = (0..lines.len())
            .map(|at| lines[at % rows * columns + at / rows])
            .collect();
        along_columns.process(&mut turned);
        let cycles = |k: usize, length: usize| k.min(length - k) as f64 / length as f64;
        for (at, value) in turned.iter().enumerate() {
            let radius = cycles(at % rows, rows).hypot(cycles(at / rows, columns));
            let ring = (radius / 0.5 * RINGS as f64) as usize;
            if ring < RINGS {
                power[ring] += value.norm_sqr();
                frequencies[ring] += 1.0;
            }
        }
    }
    assert_eq!(pixels.len(), slices * rows * columns);
    let means: Vec<f64> = std::iter::zip(power, frequencies)
        .map(|(p, n)| p / n)
        .collect();
    let total: f64 = means.iter().sum();
    means.into_iter().map(|mean| mean / total).collect()
}

/// The statistics of a channel by the names of the reference.
fn statistics(shape: [usize; 3], pixels: &[f64]) -> Vec<(String, f64)> {
    let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
    let above = pixels.iter().filter(|&&value| value > 0.0).count();
    let mut sorted = pixels.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut found = vec![
        ("mean".to_owned(), mean),
        ("nonzero".to_owned(), above as f64 / pixels.len() as f64),
    ];
    let mut add = |name: &str, values: Vec<f64>| {
        let named = values.into_iter().enumerate();
        found.extend(named.map(|(number, value)| (format!("{name}_{number}"), value)));
    };
    let percents = [25.0, 50.0, 75.0, 90.0, 99.0, 99.9];
    let percentiles = percents.map(|percent| percentile(&sorted, percent) / mean);
    add("percentile", percentiles.to_vec());
    let slices = pixels.chunks_exact(shape[1] * shape[2]);
    let slice_mean = |slice: &[f64]| slice.iter().sum::<f64>() / slice.len() as f64 / mean;
    add("slice", slices.map(slice_mean).collect());
    add("ring", power_in_rings(shape, pixels));
    found
}

/// How far a mean over our runs is from the reference, in units of what is allowed: 5 standard
/// deviations of its runs and a share of their mean.
fn distance(found: f64, runs: &[f64], share: f64) -> f64 {
    let mean = runs.iter().sum::<f64>() / runs.len() as f64;
    let squares: f64 = runs.iter().map(|run| (run - mean).powi(2)).sum();
    let deviation = (squares / (runs.len() - 1) as f64).sqrt();
    let allowed = 5.0 * deviation + share * mean.abs();
    if found == mean {
        0.0
    } else {
        (found - mean).abs() / allowed
    }
}

/// Compares the mean of some runs' statistics with the reference.
fn compare(name: &str, channel: &str, runs: &[Vec<(String, f64)>], reference: &Reference) {
    let expected = reference.keys().filter(|(c, _)| c == channel).count();
    assert_eq!(runs[0].len(), expected, "{name}, channel {channel}");
    let mut worst = (0.0, String::new());
    for (number, (statistic, _)) in runs[0].iter().enumerate() {
        let found = runs.iter().map(|run| run[number].1).sum::<f64>() / runs.len() as f64;
        let figures = &reference[&(channel.to_owned(), statistic.clone())];
        let share = if statistic == "mean" { 0.15 } else { 0.05 };
        let off = distance(found, figures, share);
        if off > worst.0 {
            worst = (
                off,
                format!("{statistic} {found:.5}, reference {figures:.5?}"),
            );
        }
    }
    let (off, what) = worst;
    println!("{name}, channel {channel}: farthest {what}, {off:.2} of what is allowed");
    assert!(off <= 1.0, "{name}, channel {channel}: {what}");
}

/// The channels and ground truths that a run wrote, by path within its folder.
fn volumes(folder: &Path) -> BTreeMap<PathBuf, ([usize; 3], Vec<f64>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "tiff") {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, read_tiff(&path));
            }
        }
    }
    found
}

#[test]
fn images_have_the_statistics_of_simexm() {
    let Some(configurations) = configurations() else {
        return;
    };
    let backends: &[&str] = if gpu().is_some() {
        &["cpu", "gpu"]
    } else {
        &["cpu"]
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, config) in configurations {
        let reference = reference(name);
        let (shape, channels) = match name {
            "binned" => ([30, 34, 40], 2),
            _ => ([20, 210, 270], 1),
        };
        let mut on_cpu = Vec::new();
        for &backend in backends {
            let runs = SEEDS.map(|seed| volumes(&run(name, &config, backend, seed, folder.path())));
            for channel in 0..channels {
                let file = PathBuf::from(format!("simulation/channel_{channel}.tiff"));
                let figures = |volumes: &BTreeMap<PathBuf, ([usize; 3], Vec<f64>)>| {
                    let (found, pixels) = &volumes[&file];
                    assert_eq!(*found, shape);
                    statistics(*found, pixels)
                };
                let what = format!("{name}, {backend}");
                let runs: Vec<_> = runs.iter().map(figures).collect();
                compare(&what, &channel.to_string(), &runs, &reference);
            }
            match backend {
                "cpu" => on_cpu = runs.to_vec(),
                _ => std::iter::zip(&on_cpu, &runs).for_each(|(a, b)| assert_alike(a, b)),
            }
        }
    }
}

/// Grey values of two devices differ by 1 at most, in at most a thousandth of the pixels; ids are
/// equal.
fn assert_alike(
    a: &BTreeMap<PathBuf, ([usize; 3], Vec<f64>)>,
    b: &BTreeMap<PathBuf, ([usize; 3], Vec<f64>)>,
) {
    assert!(a.keys().eq(b.keys()) && !a.is_empty());
    for ((path, (_, a)), (_, b)) in std::iter::zip(a, b) {
        let differ: Vec<f64> = std::iter::zip(&b.1, a)
            .map(|(b, a)| (a - b).abs())
            .filter(|&difference| difference > 0.0)
            .collect();
        println!("{}: {} of {} differ", path.display(), differ.len(), a.len());
        if path.starts_with("groundtruth") {
            assert!(differ.is_empty(), "{}", path.display());
        } else {
            assert!(differ.iter().all(|&difference| difference <= 1.0));
            assert!(differ.len() * 1000 <= a.len(), "{}", path.display());
        }
    }
}

#[test]
fn layers_add_up_to_the_proteins_of_simexm() {
    let Some(configurations) = configurations() else {
        return;
    };
    for (name, mut config) in configurations {
        let reference = reference(name);
        // Light changes nothing about proteins.
        config.optics.exposure_time_s = 0.0;
        let truth = &config.groundtruth;
        let source = open(&truth.image_path, None).unwrap();
        let (offset, bounds) = (truth.offset_voxels, truth.bounds_voxels);
        let region = VoxelBox::within(name, source.shape(), offset, bounds).unwrap();
        let totals = SEEDS.map(|seed| {
            let run = simulate_source(&config, source.as_ref(), region, seed, &mut cpu());
            let total = |counts: &Vec<u32>| counts.iter().map(|&c| f64::from(c)).sum();
            let dyes = run.model.fluorophores.iter().zip(&run.counts);
            dyes.map(|(dye, counts)| (format!("total_{}", dye.name), total(counts)))
                .collect()
        });
        compare(name, "", &totals, &reference);
    }
}
