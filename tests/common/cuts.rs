//! Runs that are cut in several ways, and what they must have in common.

use ndarray::Array3;
use proptest::prelude::*;
use simexm_gpu::config::{BackendChoice, Config, Override};
use simexm_gpu::run::simulation::{Images, Silent, Simulator};
use std::path::Path;

/// A configuration of two layers, of which one asks for the largest cell, and two channels.
const CONFIGURATION: &str = r#"
[groundtruth]
image_path = "none.tif"
isotropic = true
voxel_dim = [60, 60, 50]
[labeling.a]
fluorophore = "ATTO390"
region = "cytosol"
labeling_density = 0.7
protein_density = 1e-5
protein_noise = 0.3
[labeling.b]
fluorophore = "ATTO647N"
region = "membrane"
labeling_density = 0.7
protein_density = 1e-5
[labeling.c]
fluorophore = "ATTO647N"
region = "cytosol"
single_neuron = "largest"
protein_density = 1e-5
[expansion]
factor = 4
[optics]
type = "confocal"
numerical_aperture = 1.15
refractory_index = 1.33
focal_plane_depth = 240
objective_back_aperture = 1.0
exposure_time = 0.1
objective_efficiency = 0.8
detector_efficiency = 0.6
objective_factor = 40
pixel_size = 20000
pinhole_radius = 50
baseline_noise = 3
[optics.channels.blue]
laser_wavelength = 390
laser_power = 50
laser_percentage = 0.25
laser_filter = [440, 500]
[optics.channels.red]
laser_wavelength = 640
laser_power = 50
laser_percentage = 0.25
laser_filter = [650, 720]
[output]
name = "test"
path = "."
[compute]
seed = 7
"#;

/// [`CONFIGURATION`] with keys replaced.
pub fn configuration(entries: &[String]) -> Config {
    let overrides: Vec<Override> = entries.iter().map(|e| e.parse().unwrap()).collect();
    Config::from_toml_str(CONFIGURATION, "test", Path::new("."), &overrides)
        .unwrap_or_else(|error| panic!("{error}"))
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
