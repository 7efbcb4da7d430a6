//! Runs that are cut in several ways.

use super::with_entries;
use ndarray::Array3;
use simexm_gpu::config::{BackendChoice, Config};
use simexm_gpu::internals::run::simulation::{Silent, Simulator};

/// Three layers, of which one asks for the largest cell, and two channels; with entries put in.
pub fn configuration(entries: &[String]) -> Config {
    let cut = [
        "groundtruth.voxel_dim=[60, 60, 50]",
        "labeling.bodies.labeling_density=0.7",
        "labeling.bodies.protein_density=1e-5",
        "labeling.membranes.labeling_density=0.7",
        "labeling.membranes.protein_density=1e-5",
        "labeling.largest.fluorophore=ATTO647N",
        "labeling.largest.region=cytosol",
        "labeling.largest.single_neuron=largest",
        "labeling.largest.protein_density=1e-5",
        "optics.focal_plane_depth=240",
        "optics.pixel_size=20000",
        "optics.baseline_noise=3",
    ];
    let entries = entries.iter().map(String::as_str);
    with_entries(&cut.into_iter().chain(entries).collect::<Vec<_>>())
}

/// Two dyes in one channel of the model `physical`, behind a detector with every kind of noise.
pub fn physical_configuration(entries: &[String]) -> Config {
    let cut = [
        "groundtruth.voxel_dim=[60, 60, 50]",
        "labeling.bodies.fluorophore=ATTO550",
        "labeling.bodies.labeling_density=0.7",
        "labeling.bodies.protein_density=1e-5",
        "labeling.membranes.fluorophore=ATTO647N",
        "labeling.membranes.region=membrane",
        "labeling.membranes.protein_density=1e-4",
        "labeling.membranes.protein_noise=0.3",
        "compute.seed=7",
        "detector.kind=emccd",
        "detector.gain=0.1",
        "detector.register_full_well=400000",
    ];
    let entries = entries.iter().map(String::as_str);
    super::physical(&cut.into_iter().chain(entries).collect::<Vec<_>>())
}

/// Blocks of cells that touch, and background.
pub fn tissue(shape: [usize; 3]) -> Array3<u32> {
    Array3::from_shape_fn(shape, |(z, x, y)| {
        let (z, x, y) = (z / 4, x / 9, y / 7);
        ((7 * z + 5 * x + 3 * y) % 11) as u32
    })
}

/// The CPU, and the GPU where there is one.
pub fn simulators() -> Vec<Simulator> {
    let mut compute = Config::default().compute;
    compute.backend = BackendChoice::Cpu;
    let mut simulators = vec![Simulator::new(&compute, &mut Silent).unwrap()];
    if super::gpu().is_some() {
        compute.backend = BackendChoice::Gpu;
        simulators.push(Simulator::new(&compute, &mut Silent).unwrap());
    }
    simulators
}
