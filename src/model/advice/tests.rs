//! Advice; its figures were taken by hand from the files of the dyes' spectra, with the trapezoid
//! rule.

use crate::base::volume::VoxelBox;
use crate::config::Config;
use crate::model::Model;
use std::path::Path;

const REST: &str = r#"
[groundtruth]
image_path = "cells.tif"
isotropic = true
voxel_dim = [40, 40, 40]
[expansion]
factor = 4
[optics]
type = "confocal"
numerical_aperture = 1.15
refractory_index = 1.33
focal_plane_depth = 160
objective_back_aperture = 1
exposure_time = 0.1
objective_efficiency = 0.8
detector_efficiency = 0.6
objective_factor = 40
pixel_size = 6400
pinhole_radius = 50
baseline_noise = 0
[output]
name = "test"
path = "."
"#;

/// Returns the warnings of a model of these dyes, in channels with a laser and a filter each, all
/// in nm.
fn warnings(dyes: &[&str], channels: &[(f64, [f64; 2])]) -> Vec<String> {
    let mut text = REST.to_owned();
    for dye in dyes {
        text += &format!("[labeling.{dye}]\nfluorophore = \"{dye}\"\n");
    }
    for (number, (laser, filter)) in channels.iter().enumerate() {
        text += &format!(
            "[optics.channels.c{number:02}]\nlaser_wavelength = {laser}\nlaser_power = 50\n\
             laser_percentage = 0.25\nlaser_filter = {filter:?}\n"
        );
    }
    let config = Config::from_toml_str(&text, "test", Path::new("."), &[]).expect("valid");
    let region = VoxelBox {
        offset: [0; 3],
        shape: [4, 8, 8],
    };
    Model::new(&config, region, 1).expect("a model").warnings
}

#[test]
fn a_filter_short_of_the_peak() {
    let expected = "channel c00: ATTO425 peaks at 484 nm; the filter 380-480 passes 23 per cent of its emission; \
                    450-550 would pass 89 per cent";
    let wrong = (425.0, [380.0, 480.0]);
    assert_eq!(warnings(&["ATTO425"], &[wrong]), [expected]);
    // Beside a dye with a channel of its own as well.
    let warned = warnings(&["ATTO390", "ATTO425"], &[(390.0, [440.0, 500.0]), wrong]);
    assert_eq!(warned, [expected.replace("c00", "c01")]);
    assert_eq!(warnings(&["ATTO425"], &[(425.0, [440.0, 550.0])]), [""; 0]);
}

#[test]
fn a_filter_that_misses_everything_is_told_of_once() {
    let warned = warnings(&["ATTO390"], &[(390.0, [200.0, 300.0])]);
    assert_eq!(warned.len(), 1);
    let words = [
        "c00 will be dark",
        "peak at 479 nm; 440-540 would pass 91 per cent",
    ];
    assert!(
        words.iter().all(|word| warned[0].contains(word)),
        "{warned:?}"
    );
}

#[test]
fn a_laser_beside_the_excitation() {
    let warned = warnings(&["ATTO390"], &[(430.0, [450.0, 550.0])]);
    let expected = "channel c00: the laser at 430 nm excites ATTO390 to 6 per cent of its maximum, which lies at 389 nm";
    assert_eq!(warned, [expected]);
}

#[test]
fn a_dye_without_a_channel_and_a_channel_without_a_dye() {
    let warned = warnings(&["ATTO425", "ATTO647N"], &[(425.0, [440.0, 550.0])]);
    let expected =
        "no channel shows ATTO647N: it is excited best at 646 nm and its emission peaks at 669 nm";
    assert_eq!(warned, [expected]);
    let channels = [(488.0, [500.0, 550.0]), (405.0, [430.0, 490.0])];
    let warned = warnings(&["ATTO488"], &channels);
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains("channel c01 suits no dye"), "{warned:?}");
    assert!(
        warned[0].contains("ATTO488, is excited to 3 per cent"),
        "{warned:?}"
    );
}

/// Dyes, and lasers with their filters.
type Setup = (&'static [&'static str], &'static [(f64, [f64; 2])]);

#[test]
fn sensible_setups_are_left_alone() {
    let setups: &[Setup] = &[
        // A laser and a filter for each dye.
        (
            &["ATTO425", "ATTO550", "ATTO700"],
            &[
                (425.0, [440.0, 550.0]),
                (550.0, [560.0, 650.0]),
                (700.0, [705.0, 800.0]),
            ],
        ),
        // One laser for two dyes, told apart by their Stokes shifts.
        (
            &["ATTO488", "ATTO490LS"],
            &[(490.0, [500.0, 560.0]), (490.0, [620.0, 720.0])],
        ),
        // A filter that keeps off the laser at the price of the peak.
        (&["ATTO550"], &[(561.0, [580.0, 640.0])]),
        // A narrow line on the peak.
        (&["ATTO425"], &[(425.0, [482.0, 487.0])]),
    ];
    for (dyes, channels) in setups {
        assert_eq!(warnings(dyes, channels), [""; 0], "{dyes:?}");
    }
    // One dye's emission split between many channels.
    let bands: Vec<_> = (45..60)
        .map(|tens| (425.0, [f64::from(10 * tens), f64::from(10 * tens + 10)]))
        .collect();
    assert_eq!(warnings(&["ATTO425"], &bands), [""; 0]);
}
