use super::Sampling;
use super::sampling::{digits, digits_of};
use super::{CheckOptions, check, planning::plan};
use crate::base::host::amount as bytes;
use crate::config::{Config, Override};
use crate::engine::compute::MemoryKind;
use crate::run::simulation::Silent;
use std::path::Path;

const CONFIG: &str = r#"
[groundtruth]
image_path = "/nowhere/at/all.tif"
isotropic = true
voxel_dim = [8, 8, 8]
bounds = [20, 30, 40]
[labeling.one]
[expansion]
factor = 16
[optics]
type = "confocal"
numerical_aperture = 1.15
refractory_index = 1.33
focal_plane_depth = 128
objective_back_aperture = 1
exposure_time = 0.1
objective_efficiency = 0.8
detector_efficiency = 0.6
objective_factor = 40
pixel_size = 5120
pinhole_radius = 50
baseline_noise = 0
[optics.channels.one]
laser_wavelength = 425
laser_power = 50
laser_percentage = 0.25
laser_filter = [440, 550]
[output]
name = "test"
path = "/nowhere/at/all"
"#;

/// What rounding is told of, and the sampling, with these keys set.
fn sampled(sets: &[&str]) -> (Vec<String>, Sampling) {
    let sets: Vec<Override> = sets.iter().map(|set| set.parse().expect("a key")).collect();
    let config = Config::from_toml_str(CONFIG, "test", Path::new("."), &sets).expect("valid");
    let options = CheckOptions { no_volumes: true };
    let report = check(&config, options, &mut Silent).expect("a report");
    let rounding = report
        .warnings
        .into_iter()
        .filter(|w| w.contains("is exact"));
    (rounding.collect(), report.sampling)
}

#[test]
fn pixels_are_rounded_to_whole_voxels() {
    let (told, sampling) = sampled(&[]);
    assert_eq!(told, [""; 0]);
    assert_eq!(sampling.taken_gel_nm, [128.0; 3]);
    assert_eq!(sampling.change_per_cent, [0.0; 3]);

    let (told, sampling) = sampled(&["optics.pixel_size=6500"]);
    let expected = "pixel_size 6500 asks for 1.27 voxels per pixel, taken as 1: pixels are 21 per cent smaller \
                    than asked; pixel_size = 5120 is exact";
    assert_eq!(told, [expected]);
    assert_eq!(sampling.taken_tissue_nm, [8.0; 3]);
    assert!((sampling.asked_gel_nm[1] - 162.5).abs() < 1e-9);

    // Up to one per cent nobody needs to know.
    assert_eq!(sampled(&["optics.pixel_size=5170"]).0, [""; 0]);
    assert_eq!(sampled(&["optics.pixel_size=5172"]).0.len(), 1);
}

#[test]
fn voxels_larger_than_pixels_are_rounded_to_whole_pixels() {
    let (told, sampling) = sampled(&["optics.pixel_size=1000"]);
    let expected = "pixel_size 1000 asks for 5.12 pixels per voxel, taken as 5: pixels are 2 per cent larger than \
                    asked; pixel_size = 1024 is exact";
    assert_eq!(told, [expected]);
    assert_eq!(sampling.taken_voxels, [1.0, 0.2, 0.2]);
}

#[test]
fn unequal_voxels_are_told_of_axis_by_axis() {
    let (told, _) = sampled(&["groundtruth.voxel_dim=[8, 8, 10]"]);
    let expected = "pixel_size 5120 asks for 1.25 pixels per voxel along y, taken as 1: pixels are 25 per cent \
                    larger than asked; pixel_size = 6400 is exact along y";
    assert_eq!(told, [expected]);
}

#[test]
fn half_a_slice_is_one() {
    let (told, sampling) = sampled(&["optics.focal_plane_depth=64"]);
    let expected = "focal_plane_depth 64 asks for 0.500 slices per image, taken as 1 (where SimExm steps by 0 \
                    slices and stops): images lie 100 per cent farther apart than asked; focal_plane_depth = 128 \
                    is exact";
    assert_eq!(told, [expected]);
    assert_eq!(sampling.asked_voxels[0], 0.5);
    let (told, _) = sampled(&["optics.focal_plane_depth=180"]);
    assert!(told[0].contains("1.41 slices per image, taken as 1: images lie 29 per cent closer"));
}

#[test]
fn numbers_for_people() {
    for (number, text) in [
        (1.269_53, "1.27"),
        (5120.0, "5120"),
        (0.012_34, "0.0123"),
        (108.33, "108"),
    ] {
        assert_eq!(digits(number), text);
    }
    assert_eq!(digits_of(1.003_1, 4), "1.003");
    for (number, text) in [
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (2_650_000, "2.6 MB"),
        (u64::MAX, "18.4 EB"),
    ] {
        assert_eq!(bytes(number), text);
    }
}

/// `check` and `plan` tell the same of memory and disk, whatever the device and the number of
/// slabs.
#[test]
fn memory_is_what_the_plan_says() {
    for sets in [
        &["compute.backend=cpu"][..],
        &["compute.backend=cpu", "groundtruth.bounds=[200, 300, 280]"],
        &[
            "compute.backend=cpu",
            "groundtruth.bounds=[200, 300, 280]",
            "output.normalize=none",
        ],
        &[
            "groundtruth.bounds=[90, 300, 280]",
            "compute.gpu_memory=700M",
        ],
    ] {
        let overrides = sets.iter().map(|set| set.parse().expect("a key"));
        let overrides: Vec<Override> = overrides.collect();
        let config = Config::from_toml_str(CONFIG, "test", Path::new("."), &overrides);
        let config = config.expect("valid");
        let options = CheckOptions { no_volumes: true };
        let memory = check(&config, options, &mut Silent)
            .expect("a report")
            .memory;
        let memory = memory.expect("the size is known");
        let planned = plan(&config, &mut Silent).expect("a plan");
        let mut stores = 0;
        for device in &planned.devices {
            let cut = device.cut.as_ref().expect("it fits");
            stores = stores.max(cut.host.stores);
            let told = match device.residence {
                MemoryKind::Host => memory.cpu.as_ref(),
                _ => memory.gpu.as_ref(),
            };
            let told = told.expect("it fits");
            assert_eq!(told.bytes, cut.device_peak_bytes, "{sets:?}");
            assert_eq!(told.slab_slices, cut.slab_slices, "{sets:?}");
            let tiles: usize = cut.tiles.iter().product();
            assert_eq!(told.steps, tiles * cut.steps, "{sets:?}");
        }
        assert_eq!(memory.kept_bytes_at_most, stores, "{sets:?}");
        assert_eq!(
            memory.spilled_bytes, planned.disk.meanwhile_bytes,
            "{sets:?}"
        );
    }
}
