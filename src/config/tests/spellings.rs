//! SimExm's misspellings and the right spellings: both are read, SimExm's are written.

use std::path::Path;

use super::{FULL, problems, read, read_with, with_line, with_value};
use crate::config::{Arrangement, Config, Override};

/// Returns [`FULL`] with the right spellings.
fn respelt() -> String {
    FULL.replace("refractory_index", "refractive_index")
        .replace("splitted", "split")
}

fn index_with(text: &str, overrides: &[&str]) -> f64 {
    let overrides: Vec<Override> = overrides.iter().map(|o| o.parse().unwrap()).collect();
    read_with(text, &overrides).unwrap().optics.refractive_index
}

#[test]
fn right_spellings_give_the_same_configuration_and_record() {
    let (simexm, right) = (read(FULL).unwrap(), read(&respelt()).unwrap());
    assert_eq!(right, simexm);
    assert_eq!(right.output.gt_cells, Arrangement::Split);
    let written = right.to_toml();
    assert_eq!(written, simexm.to_toml());
    assert!(written.contains("refractory_index = 1.33\n"), "{written}");
    assert!(written.contains("gt_cells = \"splitted\"\n"), "{written}");
    assert!(!written.contains("refractive") && !written.contains("\"split\""));
}

#[test]
fn ini_files_may_have_either_spelling() {
    let ini = include_str!("../../../examples/simexm/splitted.ini");
    let read = |text: &str| Config::from_ini_str(text, "c.ini", Path::new("/base"), &[]);
    let right = ini
        .replace("refractory_index", "refractive_index")
        .replace("= \"splitted\"", "= \"split\"")
        .replace("= 'splitted'", "= 'split'");
    assert!(right.contains("refractive_index") && right.contains("'split'"));
    let named = right.replace("name = \"split\"", "name = \"splitted\"");
    assert_eq!(read(&named).unwrap(), read(ini).unwrap());
}

#[test]
fn both_spellings_of_a_key_are_refused() {
    let both = "refractory_index = 1.33\nrefractive_index = 1.33";
    let (text, line) = with_line("optics", "refractory_index", both);
    assert_eq!(
        problems(&text),
        [format!(
            "c.toml:{}:1: [optics] refractive_index and refractory_index are spellings of one key: give one",
            line + 1
        )]
    );
}

#[test]
fn an_override_replaces_the_key_in_either_spelling() {
    for text in [FULL, &respelt()] {
        assert_eq!(index_with(text, &["optics.refractive_index=1.4"]), 1.4);
        assert_eq!(index_with(text, &["optics.refractory_index=1.5"]), 1.5);
        let two = ["optics.refractory_index=1.5", "optics.refractive_index=1.4"];
        assert_eq!(index_with(text, &two), 1.4);
    }
}

#[test]
fn messages_have_the_spelling_of_the_file() {
    let one = |(text, _): (String, usize)| {
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    };
    let index = |value: &str| format!("refractive_index = {value}");
    let found = one(with_line("optics", "refractory_index", &index("0.5")));
    assert!(found.ends_with("[optics] refractive_index = 0.5 must be a number of at least 1"));
    let found = one(with_line("optics", "refractory_index", &index("1.1")));
    assert!(found.ends_with("must be below refractive_index (1.1)"));
    let found = one(with_value("groundtruth", "gt_cells", "\"splitt\""));
    let words = "must be \"merged\", \"splitted\" or \"split\"; did you mean \"split\"?";
    assert!(found.ends_with(words), "{found}");
}

#[test]
fn a_slip_is_held_against_both_spellings_and_reported_once() {
    for (slip, meant) in [
        ("refractive_indx", "refractive_index"),
        ("refractory_indx", "refractory_index"),
    ] {
        let (text, _) = with_line("optics", "refractory_index", &format!("{slip} = 1.33"));
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].ends_with(&format!("did you mean {meant}?")),
            "{found:?}"
        );
    }
}

/// Every key whose unit has relatives takes them, in lists too.
#[test]
fn numbers_may_have_a_unit() {
    for (section, key, plain, with_unit) in [
        (
            "groundtruth",
            "voxel_dim",
            "[40, 24, 24]",
            "['40 nm', '0.024 um', 24]",
        ),
        ("optics", "focal_plane_depth", "500", "'0.5 um'"),
        ("optics", "objective_back_aperture", "0.009", "'9 mm'"),
        ("optics", "exposure_time", "1e-5", "'10 us'"),
        ("optics", "pixel_size", "6500", "'6.5 um'"),
        ("optics", "pinhole_radius", "25", "'25000 nm'"),
        ("optics", "baseline_noise", "2", "'2 photons'"),
        (
            "optics.channels.channel_1",
            "laser_wavelength",
            "488",
            "'488 nm'",
        ),
        (
            "optics.channels.channel_1",
            "laser_power",
            "0.005",
            "'5 mW'",
        ),
        (
            "optics.channels.channel_1",
            "laser_filter",
            "[500, 550]",
            "['0.5 um', 550]",
        ),
        (
            "optics.channels.channel_1",
            "laser_percentage",
            "0.25",
            "'25 %'",
        ),
        ("optics", "detector_efficiency", "0.625", "'62.5%'"),
        ("labeling", "global_density", "1", "'100 %'"),
    ] {
        let read = |value| read(&super::with_value(section, key, value).0).unwrap();
        assert_eq!(read(plain), read(with_unit), "{key}");
    }
    // Airy units count in the mean of the bands: here 1.22 x 0.495 um / 1.15 are the diameter.
    let (text, _) = super::with_value("optics", "pinhole_radius", "'2 AU'");
    let radius = read(&text).unwrap().optics.pinhole_radius_um.unwrap();
    assert!(
        (radius - 40.0 * 1.22 * 0.495 / 1.15).abs() < 1e-9,
        "{radius}"
    );
    let (text, line) = super::with_value("optics.channels.channel_1", "laser_power", "'5 nm'");
    assert_eq!(
        problems(&text),
        [format!(
            "c.toml:{line}:15: [optics.channels.channel_1] laser_power = \"5 nm\" must be a number above 0 W; a value \
             with a unit has nW, uW, mW, W or kW"
        )]
    );
    // A density has no relatives.
    let (text, _) = super::with_value("labeling.layer1", "protein_density", "'1 um'");
    assert!(problems(&text)[0].ends_with("; a value with a unit has per nm^3"));
}
