//! The statistics of one layer against those of 400 runs of SimExm with exactly the share of sites displaced that its
//! configuration asks for.

mod common;

use common::{allocate, config, cpu, execute, gpu, read_counts, whole};
use simexm_gpu::cells::CellIndex;
use simexm_gpu::compute::{Backend, Recording};
use simexm_gpu::model::Model;
use simexm_gpu::stages::regions::{CYTOSOL, MEMBRANE, REGIONS, RegionsParams};
use simexm_gpu::stages::scatter::{SCATTER, ScatterParams};

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
    Model::new(&config(&entries), whole(shape), seed).unwrap()
}

/// A layer over a volume: its regions, and the counts of each seed.
fn label(
    backend: &mut dyn Backend,
    labels: &[u32],
    shape: [usize; 3],
    protein_noise: f64,
    seeds: impl Iterator<Item = u64>,
) -> (Vec<u32>, Vec<Vec<u32>>) {
    let [depth, size_x, size_y] = shape.map(|size| size as u32);
    let voxels = labels.len();
    let cells = CellIndex::new(labels.iter().map(|&id| id.into()));
    let indices = labels.iter().map(|&id| cells.index(id.into())).collect();
    let tables = model(protein_noise, shape, 0).tables.len();
    let words = [voxels, 1, voxels, cells.len(), 1, tables, voxels, 1];
    let buffers = allocate(backend, words);
    let [
        label_buffer,
        annotations,
        regions,
        keys,
        selection,
        table,
        counts,
        status,
    ] = buffers;
    let mut recording = Recording::default();
    recording.write(label_buffer, 0, indices);
    recording.write(keys, 0, cells.keys());
    recording.write(selection, 0, vec![u32::MAX]);
    let params = RegionsParams {
        size_x,
        size_y,
        depth,
        isotropic: 1,
        first_z: 0,
        slices: depth,
        ring: depth,
        annotated: 0,
    };
    let bound = [label_buffer, annotations, regions];
    recording.dispatch(&REGIONS, params, &bound, voxels);
    recording.read(regions, 0..voxels);
    let found = execute(backend, recording).concat();

    let runs = seeds.map(|seed| {
        let model = model(protein_noise, shape, seed);
        let (layer, [z, x, y]) = (&model.layers[0], model.displacements);
        let params = ScatterParams {
            size_x,
            size_y,
            depth,
            origin_z: 0,
            origin_x: 0,
            origin_y: 0,
            first_z: 0,
            slices: depth,
            labels_ring: depth,
            counts_ring: depth,
            region: layer.region_bit,
            selection_at: 0,
            proteins_key_0: layer.proteins.0[0],
            proteins_key_1: layer.proteins.0[1],
            displacement_key_0: layer.displacement.0[0],
            displacement_key_1: layer.displacement.0[1],
            count_at: layer.count.at,
            count_len: layer.count.len,
            displaced_at: layer.displaced.at,
            displaced_len: layer.displaced.len,
            z_at: z.at,
            z_len: z.len,
            x_at: x.at,
            x_len: x.len,
            y_at: y.at,
            y_len: y.len,
        };
        let mut recording = Recording::default();
        recording.write(table, 0, model.tables.clone());
        recording.clear(counts, 0..voxels);
        recording.clear(status, 0..1);
        let bound = [
            label_buffer,
            regions,
            keys,
            selection,
            table,
            counts,
            status,
        ];
        recording.dispatch(&SCATTER, params, &bound, voxels);
        recording.read(counts, 0..voxels);
        recording.read(status, 0..1);
        let mut found = execute(backend, recording);
        assert_eq!(found[1], [0], "status");
        found.swap_remove(0)
    });
    let runs = runs.collect();
    (found, runs)
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

/// A statistic of the reference: its name, and mean and standard deviation over the runs, first with the share of
/// displaced sites exact, then with D2.
struct Reference {
    name: String,
    exact: [f64; 2],
    with_replacement: [f64; 2],
}

fn reference() -> Vec<Reference> {
    let text = std::fs::read_to_string(common::data("labeling/statistics.csv")).unwrap();
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

/// How far the means are from a reference, in units of what is allowed: 5 standard deviations of the difference of two
/// means.
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

    let (regions, runs) = label(&mut cpu(), &labels, shape, 0.3, 0..RUNS);
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

    // MODEL.md D2: drawing the displaced sites with replacement, as SimExm does, displaces 1 - exp(-(1 - p)) = 0.503 of
    // them where p = 0.3 is asked for, and leaves exp(-(1 - p)) in place. That is a total of 79 493 in place of 81 373
    // and a share of 0.347 outside the region in place of 0.206: far beyond the bounds, so that these figures fail the
    // test above. With D2's share in place of p the layer meets them.
    let wrong = distances(&found, with_replacement());
    assert!(wrong[0] > 3.0 && wrong[1] > 30.0, "{wrong:?}");
    let (_, runs) = label(&mut cpu(), &labels, shape, D2_SHARE, 0..RUNS);
    let displaced = means(&runs, &regions, shape[0]);
    let off = distances(&displaced, exact());
    assert!(off[0] > 3.0 && off[1] > 30.0, "{off:?}");
    let off = distances(&displaced, with_replacement());
    println!("D2: {off:.2?} of what is allowed");
    assert!(off.iter().all(|&off| off <= 1.0), "{off:?}");
}

/// The share of sites that D2 displaces where 0.3 is asked for.
const D2_SHARE: f64 = 0.5034;

#[test]
fn devices_scatter_the_same_proteins() {
    let Some(mut gpu) = gpu() else { return };
    let (shape, labels) = read_counts("labeling/labels.tif");
    let mut runs = |backend: &mut dyn Backend| label(backend, &labels, shape, 0.3, 1..6);
    let (here, there) = (runs(&mut cpu()), runs(&mut gpu));
    assert!(here.0 == there.0, "regions");
    for (seed, (a, b)) in (1..).zip(std::iter::zip(&here.1, &there.1)) {
        assert!(a == b, "counts of seed {seed}");
    }
    assert!(here.1[0] != here.1[1], "two seeds, one result");
}
