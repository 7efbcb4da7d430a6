//! One cell of many.

use super::{configured, layer, sum};
use crate::support::{assert_distribution, assert_mean, cpu, simulate, whole};
use ndarray::Array3;

/// Two cubes of 64 voxels (ids 20 and 40), one of 125 (10), and a plate of 121 voxels that is all
/// membrane (30).
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
    // Of the labelled cells one is kept: with three candidates there is none in an eighth of the
    // runs.
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
