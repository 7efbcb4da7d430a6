//! Proteins: how many, where they end up, and which cells carry them.

use super::{LIGHT, configured, layer, real_labels, sum};
use crate::support::{
    assert_distribution, assert_mean, backends, cpu, in_the_dark, poisson, scatter, simulate, whole,
};
use ndarray::Array3;
use simexm_gpu::internals::model::Model;

#[test]
fn a_site_holds_amplified_poisson_proteins() {
    // 1.7 proteins per voxel, 2.5 antibodies each: round(2.5 k), half to even, is 0, 2, 5, 8, 10,
    // 12, ...
    let shape = [20, 30, 40];
    let entries: &[&str] = &[
        "labeling.a.labeling_density=1",
        "labeling.a.protein_density=2.65625e-5",
        "labeling.a.antibody_amp=2.5",
    ];
    let model = Model::new(&in_the_dark(entries), whole(shape), 5).unwrap();
    let labels = vec![7; shape.iter().product()];
    for mut backend in backends() {
        let (_, runs) = scatter(backend.as_mut(), &labels, std::slice::from_ref(&model));
        let mut counted = vec![0; 100];
        for &count in &runs[0] {
            counted[count as usize] += 1;
        }
        let mut probabilities = vec![0.0; 100];
        for (k, weight) in poisson(1.7).into_iter().enumerate() {
            probabilities[(2.5 * k as f64).round_ties_even() as usize] += weight;
        }
        assert_distribution(&counted, &probabilities, "proteins of a site");
    }
}

/// Where the protein of a lone voxel is found, for many seeds.
fn displacements(noise: f64, site: [usize; 3], shape: [usize; 3]) -> Vec<Option<[f64; 3]>> {
    const RUNS: u64 = 3000;
    let noise = format!("labeling.a.protein_noise={noise}");
    let entries: &[&str] = &[
        "groundtruth.voxel_dim=[100, 50, 25]",
        "labeling.a.labeling_density=1",
        "labeling.a.protein_density=1e-2",
        "labeling.a.antibody_amp=1",
        &noise,
    ];
    let config = in_the_dark(entries);
    let models: Vec<Model> = (0..RUNS)
        .map(|seed| Model::new(&config, whole(shape), seed).unwrap())
        .collect();
    let mut labels = Array3::zeros(shape);
    labels[site] = 3;
    let (_, runs) = scatter(&mut cpu(), labels.as_slice().unwrap(), &models);
    let place = |counts: Vec<u32>| {
        let mut lit = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let (at, &count) = lit.next()?;
        assert!(lit.next().is_none(), "one site, two places");
        assert!(
            count.abs_diff(1250) < 250,
            "{count} proteins where 1250 are expected"
        );
        let place = [
            at / shape[2] / shape[1],
            at / shape[2] % shape[1],
            at % shape[2],
        ];
        Some(std::array::from_fn(|axis| {
            place[axis] as f64 - site[axis] as f64
        }))
    };
    runs.into_iter().map(place).collect()
}

#[test]
fn displacements_are_normal_along_each_axis() {
    // 100 nm are 1, 2 and 4 voxels; the volume holds 5 standard deviations to either side.
    let found = displacements(1.0, [5, 10, 20], [11, 21, 41]);
    let runs = found.len() as f64;
    let found: Vec<[f64; 3]> = found.into_iter().flatten().collect();
    assert_eq!(
        found.len() as f64,
        runs,
        "none leaves a volume of this size"
    );
    let mean = |value: &dyn Fn(&[f64; 3]) -> f64| found.iter().map(value).sum::<f64>() / runs;
    for (axis, deviation) in [1.0f64, 2.0, 4.0].into_iter().enumerate() {
        // Rounding to whole voxels adds 1/12 to the variance.
        let variance = deviation * deviation + 1.0 / 12.0;
        let error = (variance / runs).sqrt();
        assert_mean(mean(&|d| d[axis]), 0.0, error, "mean displacement");
        let error = variance * (2.0 / runs).sqrt();
        assert_mean(
            mean(&|d| d[axis] * d[axis]),
            variance,
            error,
            "its variance",
        );
        let other = (axis + 1) % 3;
        let both = |d: &[f64; 3]| d[axis] * d[other];
        let others = [1.0f64, 2.0, 4.0][other].powi(2) + 1.0 / 12.0;
        let error = (variance * others / runs).sqrt();
        assert_mean(mean(&both), 0.0, error, "covariance of two axes");
    }
}

#[test]
fn the_share_of_displaced_sites_is_the_noise() {
    let found = displacements(0.3, [5, 10, 20], [11, 21, 41]);
    let runs = found.len() as f64;
    let stayed = found.iter().flatten().filter(|d| **d == [0.0; 3]).count() as f64 / runs;
    // Of the displaced ones a few are drawn back to their place.
    let half_voxel = |deviation: f64| libm::erf(0.5 / deviation / std::f64::consts::SQRT_2);
    let back: f64 = [1.0, 2.0, 4.0].into_iter().map(half_voxel).product();
    let expected = 0.7 + 0.3 * back;
    let error = (expected * (1.0 - expected) / runs).sqrt();
    assert_mean(stayed, expected, error, "share of sites that stay");
}

#[test]
fn sites_that_leave_the_volume_are_dropped() {
    let found = displacements(1.0, [0, 0, 0], [6, 11, 21]);
    let runs = found.len() as f64;
    let kept = found.iter().flatten().count() as f64 / runs;
    // In a corner: not backwards along any axis.
    let inside = |deviation: f64| 0.5 + 0.5 * libm::erf(0.5 / deviation / std::f64::consts::SQRT_2);
    let expected: f64 = [1.0, 2.0, 4.0].into_iter().map(inside).product();
    let error = (expected * (1.0 - expected) / runs).sqrt();
    assert_mean(kept, expected, error, "share of sites that are kept");
}

#[test]
fn cells_are_eligible_for_all_layers_and_labelled_by_each() {
    const SEEDS: u64 = 60;
    let labels = Array3::from_shape_fn([8, 8, 8], |(z, x, y)| (1 + z + 8 * x + 64 * y) as u32);
    let layers = [layer("a", "ATTO425", "full"), layer("b", "ATTO550", "full")];
    let densities: &[&str] = &[
        "labeling.global_density=0.6",
        "labeling.a.labeling_density=0.5",
        "labeling.b.labeling_density=0.3",
    ];
    let config = configured(&[densities], &layers);
    let (mut in_a, mut in_b, mut in_both, mut eligible) = (0, 0, 0, 0);
    let mut last = Vec::new();
    for seed in 0..SEEDS {
        let run = simulate(&config, &labels, whole([8; 3]), seed, &mut cpu());
        let (a, b) = (run.labelled(0), run.labelled(1));
        in_a += a.len();
        in_b += b.len();
        in_both += a.iter().filter(|id| b.contains(id)).count();
        for outcome in &run.selection.outcomes {
            assert_eq!(outcome.in_region, 512);
            assert_eq!(outcome.eligible, run.selection.outcomes[0].eligible);
        }
        eligible += run.selection.outcomes[0].eligible;
        assert_ne!(a, last, "seed {seed} draws what the one before it drew");
        last = a;
    }
    let draws = (SEEDS * 512) as f64;
    let check = |found: usize, expected: f64, what: &str| {
        let error = (expected * (1.0 - expected) / draws).sqrt();
        assert_mean(found as f64 / draws, expected, error, what);
    };
    check(eligible, 0.6, "eligible");
    check(in_a, 0.6 * 0.5, "labelled by a");
    check(in_b, 0.6 * 0.3, "labelled by b");
    // Drawn for each layer anew, eligibility would make it 0.054.
    check(in_both, 0.6 * 0.5 * 0.3, "labelled by both");
}

#[test]
fn layers_that_share_a_dye_add_up() {
    let labels = real_labels();
    let layers = [
        layer("a", "ATTO425", "membrane"),
        layer("b", "ATTO425", "cytosol"),
    ];
    let density: &[&str] = &["labeling.global_density=0.9", "output.gt_region=membrane"];
    let noise = |name: &str| format!("labeling.{name}.protein_noise=0.3");
    let half = |name: &str| format!("labeling.{name}.labeling_density=0.5");
    let run = |names: &[usize]| {
        let mut chosen = Vec::new();
        for &number in names {
            let name = ["a", "b"][number];
            chosen.push([layers[number].clone(), vec![noise(name), half(name)]].concat());
        }
        let config = configured(&[&LIGHT, density], &chosen);
        simulate(&config, &labels, whole([12, 40, 44]), 11, &mut cpu())
    };
    let (a, b, both) = (run(&[0]), run(&[1]), run(&[0, 1]));
    assert_eq!(both.counts.len(), 1, "one dye, one volume");
    assert!(sum(&a.counts[0]) > 0 && sum(&b.counts[0]) > 0);
    let added =
        |a: &[u32], b: &[u32]| -> Vec<u32> { std::iter::zip(a, b).map(|(a, b)| a + b).collect() };
    assert!(both.counts[0] == added(&a.counts[0], &b.counts[0]));
    // Photons per protein are drawn for the dye, not the layer.
    let emitted: Vec<f32> = std::iter::zip(&a.emission, &b.emission)
        .map(|(a, b)| a + b)
        .collect();
    assert!(both.emission == emitted && emitted.iter().any(|&photons| photons > 0.0));

    let mut union = [a.labelled(0), b.labelled(0)].concat();
    union.sort_unstable();
    union.dedup();
    assert_eq!(both.labelled(0), union);
    assert!(union.len() > a.labelled(0).len() && union.len() > b.labelled(0).len());
    // The ground truth shows them in one region, whichever regions the layers label.
    let shown = std::iter::zip(&a.truth[0], &b.truth[0]).map(|(a, b)| *a.max(b));
    assert!(both.truth[0] == shown.collect::<Vec<_>>());
}
