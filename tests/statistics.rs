//! What no golden figure covers, against the text of the model: distributions, and on what draws depend.

mod common;

use common::{
    allocate, assert_distribution, assert_mean, backends, config, cpu, execute, gpu, poisson,
    read_counts, scatter, simulate, whole,
};
use ndarray::Array3;
use simexm_gpu::compute::{Backend, Recording};
use simexm_gpu::model::Model;
use simexm_gpu::stages::magnify::{MAGNIFY, MagnifyParams};
use simexm_gpu::volume::Region;

/// Entries for a layer named `layer` that labels all cells with a dye.
fn layer(layer: &str, dye: &str, region: &str) -> Vec<String> {
    let entries = [
        format!("fluorophore={dye}"),
        format!("region={region}"),
        "labeling_density=1".to_owned(),
        "protein_density=1e-4".to_owned(),
    ];
    let entry = |entry: String| format!("labeling.{layer}.{entry}");
    entries.into_iter().map(entry).collect()
}

/// A few photons per protein of ATTO425.
const LIGHT: [&str; 2] = [
    "optics.exposure_time=0.1",
    "optics.channels.c1.laser_power=1e5",
];

fn configured(parts: &[&[&str]], layers: &[Vec<String>]) -> simexm_gpu::config::Config {
    let layers = layers.iter().flatten().map(String::as_str);
    let entries: Vec<&str> = layers.chain(parts.concat()).collect();
    config(&entries)
}

/// Some cells of a real volume, 12 x 40 x 44.
fn real_labels() -> Array3<u32> {
    let (shape, labels) = read_counts("edges/labels.tif");
    Array3::from_shape_vec(shape, labels).unwrap()
}

fn sum(values: &[u32]) -> u64 {
    values.iter().map(|&value| u64::from(value)).sum()
}

// Labelling

#[test]
fn a_site_holds_amplified_poisson_proteins() {
    // 1.7 proteins per voxel, 2.5 antibodies each: round(2.5 k), half to even, is 0, 2, 5, 8, 10, 12, ...
    let shape = [20, 30, 40];
    let entries: &[&str] = &[
        "labeling.a.labeling_density=1",
        "labeling.a.protein_density=2.65625e-5",
        "labeling.a.antibody_amp=2.5",
    ];
    let model = Model::new(&config(entries), whole(shape), 5).unwrap();
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
    let config = config(entries);
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

/// Two cubes of 64 voxels (ids 20 and 40), one of 125 (10), and a plate of 121 voxels that is all membrane (30).
fn four_cells(cells: &[u32]) -> Array3<u32> {
    let mut labels = Array3::zeros([20, 15, 30]);
    let boxes = [
        (10, [1..6, 1..6, 1..6]),
        (20, [1..5, 1..5, 10..14]),
        (40, [1..5, 8..12, 10..14]),
        (30, [12..13, 2..13, 2..13]),
    ];
    for (id, [z, x, y]) in boxes {
        if cells.contains(&id) {
            labels.slice_mut(ndarray::s![z, x, y]).fill(id);
        }
    }
    labels
}

/// The cells that a layer with `single_neuron` keeps.
fn single(cells: &[u32], region: &str, entries: &[&str], seed: u64) -> Vec<u64> {
    let config = configured(&[entries], &[layer("a", "ATTO425", region)]);
    let labels = four_cells(cells);
    let run = simulate(&config, &labels, whole([20, 15, 30]), seed, &mut cpu());
    let kept = run.labelled(0);
    // Nothing is labelled and shown but what is kept.
    let shown = run.truth[0].iter().map(|&cell| run.ids[cell as usize]);
    let mut shown: Vec<u64> = shown.filter(|&id| id != 0).collect();
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown, kept);
    assert_eq!(sum(&run.counts[0]) > 0, !kept.is_empty());
    for (at, &count) in run.counts[0].iter().enumerate() {
        let id = labels.as_slice().unwrap()[at];
        assert!(count == 0 || kept == [u64::from(id)]);
    }
    kept
}

#[test]
fn a_single_neuron_is_any_of_those_in_the_region() {
    const SEEDS: u64 = 300;
    let all = [10, 20, 30, 40];
    for switch in ["true", "random"] {
        let entry = format!("labeling.a.single_neuron={switch}");
        let mut counted = [0; 3];
        for seed in 0..SEEDS {
            match single(&all, "cytosol", &[&entry], seed)[..] {
                [10] => counted[0] += 1,
                [20] => counted[1] += 1,
                [40] => counted[2] += 1,
                ref other => panic!("{other:?} is kept"),
            }
        }
        assert_distribution(&counted, &[1.0 / 3.0; 3], "single neuron");
    }
    // Of the labelled cells one is kept: with three candidates there is none in an eighth of the runs.
    let entries = [
        "labeling.a.single_neuron=true",
        "labeling.a.labeling_density=0.5",
    ];
    let none = (0..SEEDS).filter(|&seed| single(&all, "cytosol", &entries, seed).is_empty());
    let error = (0.125f64 * 0.875 / SEEDS as f64).sqrt();
    assert_mean(none.count() as f64 / SEEDS as f64, 0.125, error, "no cell");
}

#[test]
fn the_largest_neuron_is_that_in_the_region() {
    let largest = "labeling.a.single_neuron=largest";
    for seed in 0..5 {
        let of = |cells: &[u32], region| single(cells, region, &[largest], seed);
        let all = [10, 20, 30, 40];
        assert_eq!(of(&all, "full"), [10], "125 voxels");
        assert_eq!(of(&all, "membrane"), [30], "121 voxels of membrane");
        assert_eq!(of(&all, "cytosol"), [10], "27 voxels of cytosol");
        assert_eq!(of(&[20, 40], "full"), [20], "of equals the smaller id");
        assert!(of(&[30], "cytosol").is_empty());
        let nobody = ["labeling.global_density=0", largest];
        assert!(single(&all, "full", &nobody, seed).is_empty());
    }
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

// Photons

#[test]
fn a_voxel_emits_proteins_times_poisson_photons() {
    let labels = Array3::from_elem([20, 30, 40], 1);
    let config = configured(&[&LIGHT], &[layer("a", "ATTO425", "full")]);
    let run = simulate(&config, &labels, whole([20, 30, 40]), 3, &mut cpu());
    let mean = run.model.channels[0].photons[0].mean_photons;
    assert!((1.0..20.0).contains(&mean), "{mean} photons per protein");
    let mut counted = vec![0; 200];
    for (&photons, &proteins) in run.emission.iter().zip(&run.counts[0]) {
        if proteins == 0 {
            assert_eq!(photons, 0.0);
            continue;
        }
        let per_protein = photons / proteins as f32;
        assert_eq!(per_protein.fract(), 0.0);
        counted[per_protein as usize] += 1;
    }
    counted.truncate(counted.iter().rposition(|&n| n > 0).unwrap() + 1);
    assert_distribution(&counted, &poisson(mean), "photons per protein");
}

#[test]
fn the_baseline_is_poisson_under_a_gaussian() {
    const NOISE: f64 = 30.0;
    let shape = [400, 12, 17];
    let labels = Array3::zeros(shape);
    let layers = [layer("a", "ATTO425", "full")];
    let entries: &[&str] = &[
        "optics.baseline_noise=30",
        "optics.channels.c2.laser_wavelength=425",
        "optics.channels.c2.laser_power=50",
        "optics.channels.c2.laser_percentage=0.25",
        "optics.channels.c2.laser_filter=[440, 550]",
    ];
    let config = configured(&[entries], &layers);
    let weights = poisson(NOISE);
    for mut backend in backends() {
        let run = simulate(&config, &labels, whole(shape), 8, backend.as_mut());
        assert_ne!(run.images[0], run.images[1], "two channels, one baseline");
        let [w, h] = [12.0, 17.0];
        let (mut worst, mut squares) = (0.0f64, 0.0);
        for pixel in 0..12 * 17 {
            let (x, y) = ((pixel / 17) as f64, (pixel % 17) as f64);
            let exponent =
                (x - w / 2.0).powi(2) / (w * w / 2.0) + (y - h / 2.0).powi(2) / (h * h / 2.0);
            let gain = (-exponent).exp();
            // Mean and variance of round(b gain).
            let moment = |power: i32| -> f64 {
                let value = |b: usize| (b as f64 * gain).round_ties_even().powi(power);
                weights
                    .iter()
                    .enumerate()
                    .map(|(b, weight)| weight * value(b))
                    .sum()
            };
            let (expected, variance) = (moment(1), moment(2) - moment(1).powi(2));
            let slices = run.images[0].iter().skip(pixel).step_by(12 * 17);
            let mean = slices.map(|&v| f64::from(v)).sum::<f64>() / 400.0;
            let off = (mean - expected) / (variance / 400.0).sqrt();
            worst = worst.max(off.abs());
            squares += off * off / (12.0 * 17.0);
        }
        let name = backend.name();
        println!(
            "baseline: off by {worst:.2} standard errors at most, {squares:.3} mean square, {name}"
        );
        assert!(
            worst < 5.0,
            "a pixel is off by {worst} standard errors, {name}"
        );
        assert_mean(
            squares,
            1.0,
            (2.0f64 / 204.0).sqrt(),
            "mean square of the errors",
        );
    }
}

#[test]
fn the_baseline_is_added_to_the_blurred_volume() {
    let labels = real_labels();
    let layers = [layer("a", "ATTO425", "full")];
    let run = |parts: &[&[&str]]| {
        let config = configured(parts, &layers);
        simulate(&config, &labels, whole([12, 40, 44]), 2, &mut cpu())
    };
    let noise: &[&str] = &["optics.baseline_noise=30"];
    let (light, dark) = (run(&[&LIGHT]), run(&[noise]));
    let both = run(&[&LIGHT, noise]);
    let added: Vec<u32> = std::iter::zip(&light.images[0], &dark.images[0])
        .map(|(a, b)| a + b)
        .collect();
    assert!(both.images[0] == added && sum(&dark.images[0]) > 0);
    assert_eq!(both.counts, dark.counts, "light moves no protein");
}

// Voxels that are not cubes

#[test]
fn a_point_is_seen_as_the_point_spread_function() {
    let shape = [33; 3];
    let mut labels = Array3::zeros(shape);
    labels[[16, 16, 16]] = 5;
    let entries: &[&str] = &[
        "groundtruth.voxel_dim=[40, 20, 32]",
        "expansion.factor=4",
        "optics.pixel_size=96",
        "optics.focal_plane_depth=160",
        "labeling.a.protein_density=1e-2",
        "labeling.a.antibody_amp=20",
    ];
    let config = configured(&[&LIGHT, entries], &[layer("a", "ATTO425", "full")]);
    // Its last two entries replace those of the layer.
    let run = simulate(&config, &labels, whole(shape), 4, &mut cpu());
    assert_eq!(run.model.image_shape(), shape);
    let photons = f64::from(run.emission[(16 * 33 + 16) * 33 + 16]);
    assert!(photons > 5_000.0, "{photons}");
    let octant = &run.model.channels[0].sources[0].octant;
    let at = |z: usize, x: usize, y: usize| octant[(z * 16 + x) * 16 + y];
    for (voxel, &value) in run.images[0].iter().enumerate() {
        let away = [voxel / 33 / 33, voxel / 33 % 33, voxel % 33].map(|at| at.abs_diff(16));
        let share = if away.contains(&16) {
            0.0
        } else {
            at(away[0], away[1], away[2])
        };
        let off = (f64::from(value) - photons * share).abs();
        assert!(off <= 1.0, "{value} at {away:?}, not {}", photons * share);
    }
    // q = sqrt(x^2 + (y voxel_y / voxel_x)^2): 5 voxels along y are 8 along x, and (6, 5) is (10, 0).
    assert_eq!(at(0, 0, 5), at(0, 8, 0));
    assert_eq!(at(2, 6, 5), at(2, 10, 0));
    assert_ne!(at(0, 0, 5), at(0, 5, 0));
}

#[test]
fn pixels_have_their_own_step_along_each_axis() {
    let labels = real_labels();
    let (_, size_x, size_y) = labels.dim();
    let run = |pixel_nm: u32, depth_nm: u32| {
        let [pixel, depth] = [
            format!("optics.pixel_size={pixel_nm}"),
            format!("optics.focal_plane_depth={depth_nm}"),
        ];
        let entries: &[&str] = &["groundtruth.voxel_dim=[40, 20, 32]", &pixel, &depth];
        let config = configured(&[&LIGHT, entries], &[layer("a", "ATTO425", "membrane")]);
        simulate(&config, &labels, whole([12, 40, 44]), 6, &mut cpu())
    };
    // 24 / 20 and 24 / 32: one to one.
    let fine = run(24, 40);
    assert_eq!(fine.model.image_shape(), [12, size_x, size_y]);
    assert!(fine.model.warnings.is_empty(), "{:?}", fine.model.warnings);
    let voxels = fine.images[0].chunks_exact(size_y);

    // 100 / 20 = 5 voxels along x, 100 / 32 = 3.1 along y, every second slice.
    let coarse = run(100, 80);
    assert_eq!(coarse.model.image_shape(), [6, 8, 15]);
    let mut expected = vec![0; 6 * 8 * 15];
    for (row, values) in voxels.clone().enumerate() {
        let (z, x) = (row / size_x, row % size_x);
        for (y, value) in values.iter().enumerate().filter(|_| z % 2 == 0) {
            expected[(z / 2 * 8 + x / 5) * 15 + y / 3] += value;
        }
    }
    assert!(coarse.images[0] == expected && sum(&expected) > 0);

    // 15 / 20 is one to one along x, and 15 / 32 two pixels along y, where a row keeps its photons.
    let mixed = run(15, 40);
    assert_eq!(mixed.model.image_shape(), [12, size_x, 2 * size_y]);
    let pixels = mixed.images[0].chunks_exact(2 * size_y);
    assert!(
        voxels
            .zip(pixels)
            .all(|(voxels, pixels)| sum(voxels) == sum(pixels))
    );
    // Voxels that are too coarse for their pixels are told about.
    let warning = mixed.model.warnings.join("\n");
    assert!(
        warning.contains("too coarse") && warning.contains("along y"),
        "{warning}"
    );
    assert!(!warning.contains("along x"), "{warning}");
}

// Magnification

/// Spreads blurred voxels (z, x, y) over the camera of a model.
fn magnify(backend: &mut dyn Backend, blurred: &[u32], model: &Model, channel: usize) -> Vec<u32> {
    let [depth, size_x, size_y] = model.volume.shape.map(|size| size as u32);
    let [origin_z, origin_x, origin_y] = model.volume.offset.map(|offset| offset as u32);
    let [slices, image_x, image_y] = model.image_shape();
    assert_eq!(slices, depth as usize);
    let pixels = slices * image_x * image_y;
    let [jitter_x, jitter_y] = model.jitter;
    let key = model.channels[channel].jitter.0;
    let params = MagnifyParams {
        size_x,
        size_y,
        image_x: image_x as u32,
        image_y: image_y as u32,
        bin_x: model.camera.x.bin(),
        bin_y: model.camera.y.bin(),
        magnify_x: model.camera.x.magnification(),
        magnify_y: model.camera.y.magnification(),
        origin_z,
        origin_x,
        origin_y,
        first_z: 0,
        step_z: 1,
        slices: depth,
        key_0: key[0],
        key_1: key[1],
        jitter_x_at: jitter_x.at,
        jitter_x_len: jitter_x.len,
        jitter_y_at: jitter_y.at,
        jitter_y_len: jitter_y.len,
    };
    let words = [blurred.len(), model.tables.len(), pixels, 1];
    let buffers = allocate(backend, words);
    let [volume, tables, image, status] = buffers;
    let mut recording = Recording::default();
    recording.write(volume, 0, blurred.to_vec());
    recording.write(tables, 0, model.tables.clone());
    recording.clear(image, 0..pixels);
    recording.clear(status, 0..1);
    recording.dispatch(&MAGNIFY, params, &buffers, blurred.len());
    recording.read(image, 0..pixels);
    recording.read(status, 0..1);
    let mut found = execute(backend, recording);
    assert_eq!(found.pop().unwrap(), [0], "status");
    found.concat()
}

/// Three pixels per voxel along x, two along y.
fn magnifying(region: Region) -> Model {
    let entries: &[&str] = &[
        "groundtruth.voxel_dim=[40, 60, 40]",
        "optics.pixel_size=20",
        "optics.channels.c2.laser_wavelength=425",
        "optics.channels.c2.laser_power=50",
        "optics.channels.c2.laser_percentage=0.25",
        "optics.channels.c2.laser_filter=[440, 550]",
    ];
    let config = configured(&[entries], &[layer("a", "ATTO425", "full")]);
    Model::new(&config, region, 21).unwrap()
}

#[test]
fn magnified_voxels_jitter_by_a_poisson_number_of_pixels() {
    let shape = [4000, 7, 9];
    let model = magnifying(whole(shape));
    assert_eq!(model.image_shape(), [4000, 21, 18]);
    let distribution = |mean: f64, most: usize| -> Vec<f64> {
        let mut weights = poisson(mean);
        let beyond: f64 = weights.drain(most..).sum();
        weights.push(beyond);
        weights
    };
    for mut backend in backends() {
        // In the middle, at the first voxel, and at the last, where everything but no jitter meets the border.
        for [x, y] in [[2, 3], [0, 0], [6, 8]] {
            let mut blurred = vec![0; shape.iter().product()];
            blurred
                .chunks_exact_mut(63)
                .for_each(|slice| slice[x * 9 + y] = 7);
            let image = magnify(backend.as_mut(), &blurred, &model, 0);
            // One voxel in each slice: its pixel, with all its photons.
            let jitter: Vec<[usize; 2]> = image
                .chunks_exact(21 * 18)
                .map(|slice| {
                    let pixel = slice.iter().position(|&value| value > 0).unwrap();
                    assert_eq!((slice[pixel], sum(slice)), (7, 7), "photons get lost");
                    let place = [
                        (pixel / 18).checked_sub(3 * x),
                        (pixel % 18).checked_sub(2 * y),
                    ];
                    place.map(|jitter| jitter.expect("no voxel moves backwards"))
                })
                .collect();
            let borders = [20 - 3 * x, 17 - 2 * y];
            let mut means = [0.0; 2];
            for axis in 0..2 {
                let (magnification, border) = ([3.0, 2.0][axis], borders[axis]);
                let expected = distribution(magnification, border.min(15));
                let mut counted = vec![0; 30];
                jitter.iter().for_each(|jitter| counted[jitter[axis]] += 1);
                assert!(
                    counted[border + 1..].iter().all(|&n| n == 0),
                    "beyond the border"
                );
                counted.truncate(expected.len());
                let what = format!("jitter of ({x}, {y}) along axis {axis}");
                assert_distribution(&counted, &expected, &what);
                means[axis] = jitter.iter().map(|j| j[axis] as f64).sum::<f64>() / 4000.0;
            }
            if [x, y] == [2, 3] {
                // By one voxel on average, that is by as many pixels as a voxel has.
                assert_mean(means[0], 3.0, (3.0f64 / 4000.0).sqrt(), "shift along x");
                assert_mean(means[1], 2.0, (2.0f64 / 4000.0).sqrt(), "shift along y");
                let product = |j: &[usize; 2]| (j[0] as f64 - 3.0) * (j[1] as f64 - 2.0);
                let covariance = jitter.iter().map(product).sum::<f64>() / 4000.0;
                assert_mean(
                    covariance,
                    0.0,
                    (6.0f64 / 4000.0).sqrt(),
                    "covariance of the axes",
                );
                let other = magnify(backend.as_mut(), &blurred, &model, 1);
                assert_ne!(other, image, "two channels, one jitter");
            }
        }
    }
}

#[test]
fn magnified_slices_keep_their_photons() {
    let labels = real_labels();
    let entries: &[&str] = &["optics.pixel_size=15"];
    let layers = [layer("a", "ATTO425", "membrane")];
    let run = |entries: &[&str]| {
        let config = configured(&[&LIGHT, entries], &layers);
        simulate(&config, &labels, whole([12, 40, 44]), 9, &mut cpu())
    };
    let (plain, magnified) = (run(&[]), run(entries));
    assert_eq!(magnified.model.image_shape(), [12, 120, 132]);
    let slices =
        |images: &[u32]| -> Vec<u64> { images.chunks_exact(images.len() / 12).map(sum).collect() };
    assert_eq!(slices(&plain.images[0]), slices(&magnified.images[0]));
    assert!(sum(&plain.images[0]) > 0);
}

// On what draws depend

#[test]
fn a_seed_says_everything() {
    let labels = real_labels();
    let layers = [layer("a", "ATTO425", "membrane")];
    let entries: &[&str] = &[
        "labeling.a.protein_noise=0.3",
        "labeling.a.labeling_density=0.7",
        "optics.baseline_noise=3",
        "optics.pixel_size=25",
    ];
    let config = configured(&[&LIGHT, entries], &layers);
    let run = |seed: u64, backend: &mut dyn Backend| {
        simulate(&config, &labels, whole([12, 40, 44]), seed, backend)
    };
    let first = run(1, &mut cpu());
    let again = run(1, &mut cpu());
    assert_eq!(first.labelled(0), again.labelled(0));
    assert!(first.counts == again.counts && first.emission == again.emission);
    assert!(first.images == again.images && first.grey == again.grey && first.truth == again.truth);
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    for threads in [1, 3] {
        let alone = pool(threads).install(|| run(1, &mut cpu()));
        assert!(
            first.images == alone.images && first.grey == alone.grey,
            "{threads} threads"
        );
    }
    for seed in [2, 1 << 32 | 1] {
        let other = run(seed, &mut cpu());
        let differ = std::iter::zip(&first.counts[0], &other.counts[0]).filter(|(a, b)| a != b);
        let labelled = first.counts[0].iter().filter(|&&count| count > 0).count();
        assert!(differ.count() > labelled / 2, "seed {seed}");
        assert_ne!(first.grey, other.grey, "seed {seed}");
    }
    if let Some(mut gpu) = gpu() {
        let there = run(1, &mut gpu);
        assert_eq!(first.labelled(0), there.labelled(0));
        assert!(
            first.counts == there.counts,
            "counts differ between devices"
        );
        assert!(
            first.emission == there.emission,
            "emissions differ between devices"
        );
        assert!(
            first.truth == there.truth,
            "ground truths differ between devices"
        );
    }
}

#[test]
fn a_crop_draws_what_the_whole_draws_there() {
    let labels = real_labels();
    let whole_shape = [12, 40, 44];
    let crop = Region {
        offset: [2, 5, 7],
        shape: [8, 20, 24],
    };
    let densities: &[&str] = &["labeling.global_density=0.9", "output.gt_region=membrane"];
    for (region, border) in [("full", 0), ("membrane", 1), ("cytosol", 1)] {
        let layers = [layer("a", "ATTO425", region)];
        let config = configured(
            &[&LIGHT, densities, &["labeling.a.labeling_density=0.7"]],
            &layers,
        );
        for mut backend in backends() {
            let all = simulate(&config, &labels, whole(whole_shape), 12, backend.as_mut());
            let part = simulate(&config, &labels, crop, 12, backend.as_mut());
            let (mut compared, mut proteins) = (0, 0);
            for at in 0..crop.voxels() {
                let place = [at / 24 / 20, at / 24 % 20, at % 24];
                let inside =
                    |axis: usize| (border..crop.shape[axis] - border).contains(&place[axis]);
                if !(0..3).all(inside) {
                    continue;
                }
                let [z, x, y]: [usize; 3] = std::array::from_fn(|i| place[i] + crop.offset[i]);
                let there = (z * 40 + x) * 44 + y;
                assert_eq!(
                    part.counts[0][at], all.counts[0][there],
                    "{region} at {place:?}"
                );
                assert_eq!(
                    part.emission[at], all.emission[there],
                    "{region} at {place:?}"
                );
                compared += 1;
                proteins += part.counts[0][at];
            }
            assert!(
                compared > 2000 && proteins > 1000,
                "{compared} voxels, {proteins} proteins"
            );
        }
    }
}

#[test]
fn a_crop_jitters_as_the_whole_does_there() {
    let whole_shape = [3, 12, 14];
    let crop = Region {
        offset: [1, 2, 3],
        shape: [2, 9, 10],
    };
    // Lit voxels that no jitter takes to a border.
    let mut lit = Array3::zeros(whole_shape);
    lit.slice_mut(ndarray::s![1..3, 2..5, 3..6]).fill(1);
    let values = lit.as_slice().unwrap();
    let cropped = lit.slice(ndarray::s![1..3, 2..11, 3..13]).to_owned();
    for mut backend in backends() {
        let all = magnify(backend.as_mut(), values, &magnifying(whole(whole_shape)), 0);
        let cropped = cropped.as_slice().unwrap();
        let part = magnify(backend.as_mut(), cropped, &magnifying(crop), 0);
        let all = Array3::from_shape_vec([3, 36, 28], all).unwrap();
        let part = Array3::from_shape_vec([2, 27, 20], part).unwrap();
        assert_eq!(all.slice(ndarray::s![1..3, 6..33, 6..26]), part);
        assert_eq!(part.sum(), 18);
        // Draws at places counted from the crop's corner would give another picture.
        let moved = Region {
            offset: [0; 3],
            shape: crop.shape,
        };
        let moved = magnify(backend.as_mut(), cropped, &magnifying(moved), 0);
        assert_ne!(moved, part.into_raw_vec_and_offset().0);
    }
}
