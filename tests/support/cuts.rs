//! Runs that are cut in several ways, and what they must have in common.

use super::with_entries;
use ndarray::Array3;
use proptest::prelude::*;
use simexm_gpu::config::{BackendChoice, Config};
use simexm_gpu::run::simulation::{Images, Silent, Simulator};

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
    let mut simulators = vec![Simulator::new(&compute, &mut Silent)];
    if super::gpu().is_some() {
        compute.backend = BackendChoice::Gpu;
        simulators.push(Simulator::new(&compute, &mut Silent));
    }
    simulators
}

/// The grey values may differ by 1, in a thousandth of the pixels. Where the brightest pixel, by which all are divided, is
/// off by a photon or more, each value moves by as large a share of a grey level, and as many more are rounded
/// otherwise.
pub fn agree(whole: &Images, tiled: &Images) -> Result<(), TestCaseError> {
    prop_assert_eq!(&whole.ground_truth, &tiled.ground_truth);
    for (one, other) in whole.channels.iter().zip(&tiled.channels) {
        let (a, b) = (one.brightest_pixel_photons, other.brightest_pixel_photons);
        let most = 1.max((5e-7 * f64::from(a)).ceil() as u32);
        // A pixel sums voxels, each of which may be off.
        prop_assert!(a.abs_diff(b) <= 100 * most, "{a} and {b} photons");
        let pixels = one.grey.len();
        let mut different = 0;
        for (a, b) in one.grey.iter().zip(&other.grey) {
            prop_assert!(a.abs_diff(*b) <= 1, "{a} and {b}");
            different += usize::from(a != b);
        }
        let moved = 255.0 * f64::from(a.abs_diff(b)) / f64::from(a.max(1));
        let most = 1.0 + pixels as f64 * (1e-3 + moved);
        prop_assert!(different as f64 <= most, "{different} of {pixels}");
    }
    Ok(())
}
