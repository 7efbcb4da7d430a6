//! What no golden figure covers, against the text of the model: distributions, and on what draws
//! depend.

mod draws;
mod labelling;
mod magnification;
mod photons;
mod single_neuron;
mod voxels;

use crate::support::{in_the_dark, read_counts};
use ndarray::Array3;
use simexm_gpu::config::Config;

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

fn configured(parts: &[&[&str]], layers: &[Vec<String>]) -> Config {
    let layers = layers.iter().flatten().map(String::as_str);
    let entries: Vec<&str> = layers.chain(parts.concat()).collect();
    in_the_dark(&entries)
}

/// Some cells of a real volume, 12 x 40 x 44.
fn real_labels() -> Array3<u32> {
    let (shape, labels) = read_counts("edges/labels.tif");
    Array3::from_shape_vec(shape, labels).unwrap()
}

fn sum(values: &[u32]) -> u64 {
    values.iter().map(|&value| u64::from(value)).sum()
}
