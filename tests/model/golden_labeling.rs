//! The statistics of one layer against those of 400 runs of SimExm with exactly the share of sites
//! displaced that its configuration asks for.

use crate::support::{cpu, gpu, in_the_dark, read_counts, scatter, whole};
use simexm_gpu::internals::base::region_bits::{CYTOSOL, MEMBRANE};
use simexm_gpu::internals::engine::compute::Backend;
use simexm_gpu::internals::model::Model;

/// Runs of which the means are compared.
const RUNS: u64 = 400;

/// Runs of the reference.
const REFERENCE_RUNS: f64 = 400.0;

/// The layer of the reference, but for its `protein_noise`.
fn model(protein_noise: f64, shape: [usize; 3], seed: u64) -> Model {
    let noise = format!("labeling.a.protein_noise={protein_noise}");
    let entries = [
        "groundtruth.isotropic=true",
        "groundtruth.voxel_dim=[40, 40, 40]",
        "labeling.a.region=membrane",
        "labeling.a.labeling_density=1",
        "labeling.a.protein_density=1e-4",
        "labeling.a.antibody_amp=5",
        &noise,
    ];
    Model::new(&in_the_dark(&entries), whole(shape), seed).unwrap()
}

/// Total, share outside the region, sum of squares, and totals of slices.
fn statistics(counts: &[u32], regions: &[u32], depth: usize) -> Vec<f64> {
    let sum = |counts: &[u32]| counts.iter().map(|&c| f64::from(c)).sum::<f64>();
    let total = sum(counts);
    let outside = std::iter::zip(counts, regions).filter(|(_, bits)| **bits & MEMBRANE == 0);
    let outside: f64 = outside.map(|(&count, _)| f64::from(count)).sum();
    let squares = counts.iter().map(|&c| f64::from(c).powi(2)).sum();
    let slices = counts.chunks_exact(counts.len() / depth).map(sum);
    [total, outside / total, squares]
        .into_iter()
        .chain(slices)
        .collect()
}

/// A statistic of the reference: its name, and mean and standard deviation over the runs, first
/// with the share of displaced sites exact, then with D2.
struct Reference {
    name: String,
    exact: [f64; 2],
    with_replacement: [f64; 2],
}

fn reference() -> Vec<Reference> {
    let text = std::fs::read_to_string(crate::support::data("labeling/statistics.csv")).unwrap();
    let row = |line: &str| {
        let (name, figures) = line.split_once(',').unwrap();
        let figures: Vec<f64> = figures.split(',').map(|f| f.parse().unwrap()).collect();
        Reference {
            name: name.to_owned(),
            exact: [figures[0], figures[1]],
            with_replacement: [figures[2], figures[3]],
        }
    };
    text.lines().skip(1).map(row).collect()
}

/// How far the means are from a reference, in units of what is allowed: 5 standard deviations of
/// the difference of two means.
fn distances(means: &[f64], reference: impl Iterator<Item = [f64; 2]>) -> Vec<f64> {
    let allowed = 5.0 * (1.0 / RUNS as f64 + 1.0 / REFERENCE_RUNS).sqrt();
    means
        .iter()
        .zip(reference)
        .map(|(mean, [expected, deviation])| (mean - expected).abs() / (allowed * deviation))
        .collect()
}

fn means(runs: &[Vec<u32>], regions: &[u32], depth: usize) -> Vec<f64> {
    let mut means = Vec::new();
    for counts in runs {
        let found = statistics(counts, regions, depth);
        means.resize(found.len(), 0.0);
        for (mean, value) in means.iter_mut().zip(found) {
            *mean += value / runs.len() as f64;
        }
    }
    means
}

#[test]
fn one_layer_has_the_statistics_of_simexm() {
    let (shape, labels) = read_counts("labeling/labels.tif");
    let reference = reference();
    assert_eq!((shape, reference.len()), ([20, 48, 52], 3 + 20));
    let exact = || reference.iter().map(|r| r.exact);
    let with_replacement = || reference.iter().map(|r| r.with_replacement);

    let label = |noise: f64| {
        let models: Vec<Model> = (0..RUNS).map(|seed| model(noise, shape, seed)).collect();
        scatter(&mut cpu(), &labels, &models)
    };
    let (regions, runs) = label(0.3);
    let voxels = |bit: u32| regions.iter().filter(|&&bits| bits & bit != 0).count();
    assert_eq!((voxels(MEMBRANE), voxels(CYTOSOL)), (2630, 3245));

    let found = means(&runs, &regions, shape[0]);
    let off = distances(&found, exact());
    for ((row, mean), off) in reference.iter().zip(&found).zip(&off) {
        let [expected, _] = row.exact;
        println!(
            "{}: {mean:.5}, reference {expected:.5}, {off:.2} of what is allowed",
            row.name
        );
        assert!(*off <= 1.0, "{}: {mean}, not {expected}", row.name);
    }

    // docs/model.md D2: SimExm draws the sites that stay with replacement, so that exp(-(1 - p)) =
    // 0.497 of them are displaced where p = 0.3 is asked for. That makes a total of 79 493 in place
    // of 81 373 and a share of 0.347 outside the region in place of 0.206: far beyond the bounds,
    // so that a layer with D2 fails the test above. With D2's share in place of p the layer meets
    // D2's figures and misses the right ones.
    let wrong = distances(&found, with_replacement());
    assert!(wrong[0] > 3.0 && wrong[1] > 30.0, "{wrong:?}");
    let (_, runs) = label(D2_SHARE);
    let displaced = means(&runs, &regions, shape[0]);
    let off = distances(&displaced, exact());
    assert!(off[0] > 3.0 && off[1] > 30.0, "{off:?}");
    let off = distances(&displaced, with_replacement());
    println!("D2: {off:.2?} of what is allowed");
    assert!(off.iter().all(|&off| off <= 1.0), "{off:?}");
}

/// The share of sites that D2 displaces where 0.3 is asked for.
const D2_SHARE: f64 = 0.496_585;

#[test]
fn devices_scatter_the_same_proteins() {
    let Some(mut gpu) = gpu() else { return };
    let (shape, labels) = read_counts("labeling/labels.tif");
    let models: Vec<Model> = (1..6).map(|seed| model(0.3, shape, seed)).collect();
    let runs = |backend: &mut dyn Backend| scatter(backend, &labels, &models);
    let (here, there) = (runs(&mut cpu()), runs(&mut gpu));
    assert!(here.0 == there.0, "regions");
    for (seed, (a, b)) in (1..).zip(std::iter::zip(&here.1, &there.1)) {
        assert!(a == b, "counts of seed {seed}");
    }
    assert!(here.1[0] != here.1[1], "two seeds, one result");
}
