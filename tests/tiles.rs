//! A run in tiles along x is the run as a whole: everything integer is equal, and images are but for the
//! rounding of transforms of other lengths (docs/model.md section 6).

use ndarray::Array3;
use proptest::prelude::*;
use simexm_gpu::config::{BackendChoice, Config, Override};
use simexm_gpu::simulation::{Images, Options, Silent, Simulator, Tissue};
use std::path::Path;

mod common;

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

fn configuration(entries: &[String]) -> Config {
    let overrides: Vec<Override> = entries.iter().map(|e| e.parse().unwrap()).collect();
    Config::from_toml_str(CONFIGURATION, "test", Path::new("."), &overrides)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn tissue(shape: [usize; 3]) -> Array3<u32> {
    Array3::from_shape_fn(shape, |(z, x, y)| {
        let (z, x, y) = (z / 4, x / 9, y / 7);
        ((7 * z + 5 * x + 3 * y) % 11) as u32
    })
}

fn simulators() -> Vec<Simulator> {
    let mut compute = Config::default().compute;
    compute.backend = BackendChoice::Cpu;
    let mut simulators = vec![Simulator::new(&compute, &mut Silent)];
    if common::gpu().is_some() {
        compute.backend = BackendChoice::Gpu;
        simulators.push(Simulator::new(&compute, &mut Silent));
    }
    simulators
}

/// The grey values may differ by 1, in a thousandth of the pixels.
fn agree(whole: &Images, tiled: &Images) -> Result<(), TestCaseError> {
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
        prop_assert!(different <= 1 + pixels / 1000, "{different} of {pixels}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn tiles_are_the_whole(
        depth in 1usize..24, size_x in 20usize..160, size_y in 4usize..40, tiles in 2usize..6,
        slab in prop::option::of(1usize..9), isotropic: bool,
        pixel_size in prop::sample::select(vec![3000, 9600, 20_000, 70_000]),
        noise in prop::sample::select(vec!["0", "0.3", "1"]), offset in 0usize..5,
    ) {
        let config = configuration(&[
            format!("groundtruth.isotropic={isotropic}"),
            format!("optics.pixel_size={pixel_size}"),
            format!("labeling.a.protein_noise={noise}"),
            format!("groundtruth.offset=[0, {offset}, 0]"),
        ]);
        let cells = tissue([depth, size_x, size_y]);
        for mut simulator in simulators() {
            let mut run = |tiles, deepest_slab| {
                let options = Options { tiles, deepest_slab, poison: true, ..Options::default() };
                let tissue = Tissue::new(cells.view());
                simulator.simulate(&config, &tissue, options, &mut Silent).unwrap()
            };
            let whole = run(None, None);
            agree(&whole, &run(Some(tiles), slab))?;
        }
    }
}

/// Were the comparison blind, the above would hold of different runs too.
#[test]
fn another_offset_is_another_run() {
    let cells = tissue([6, 60, 30]);
    let mut simulator = simulators().remove(0);
    let mut run = |seed: u64| {
        let config = configuration(&[format!("compute.seed={seed}")]);
        let tissue = Tissue::new(cells.view());
        let options = Options::default();
        simulator
            .simulate(&config, &tissue, options, &mut Silent)
            .unwrap()
    };
    assert!(agree(&run(1), &run(2)).is_err());
}
