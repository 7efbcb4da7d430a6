//! `--set` and its like.

use std::path::Path;

use super::{FULL, read, read_with};
use crate::config::{
    AdapterChoice, CellPart, Config, Factor, Override, OverrideError, SingleNeuron,
};

fn set(text: &str) -> Override {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn with(texts: &[&str]) -> Config {
    let overrides: Vec<_> = texts.iter().map(|text| set(text)).collect();
    read_with(FULL, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn error(texts: &[&str]) -> String {
    let overrides: Vec<_> = texts.iter().map(|text| set(text)).collect();
    read_with(FULL, &overrides).unwrap_err().to_string()
}

#[test]
fn overrides_replace_and_add() {
    let config = with(&[
        "optics.channels.channel_1.laser_power=20",
        "groundtruth.bounds = [10, 50, 50]",
        "groundtruth.offset=1,1,1",
        "groundtruth.isotropic=False",
        "labeling.layer1.region=membrane",
        "labeling.layer1.single_neuron=true",
        "labeling.layer2.fluorophore='ATTO700'",
        "labeling.\"la.y=er\".antibody_amp=7",
        "optics.channels.'c 2'={laser_wavelength=700,laser_power=1,laser_percentage=1,laser_filter=[690,800]}",
        "output.name=2024",
        "compute.adapter=1",
        "compute.seed=18446744073709551615",
        "compute.threads=0x10",
        "expansion.factor=2",
        "expansion.factor=3",
    ]);
    assert_eq!(
        config.optics.channels["channel_1"].laser_power_w,
        Some(20.0)
    );
    assert_eq!(config.groundtruth.bounds_voxels, Some([10, 50, 50]));
    assert_eq!(config.groundtruth.offset_voxels, [1, 1, 1]);
    assert!(!config.groundtruth.isotropic);
    assert_eq!(config.labeling.layers["layer1"].region, CellPart::Membrane);
    assert_eq!(
        config.labeling.layers["layer1"].single_neuron,
        SingleNeuron::Random
    );
    assert_eq!(config.labeling.layers["layer2"].fluorophore, "ATTO700");
    assert_eq!(config.labeling.layers["la.y=er"].antibody_amp, 7.0);
    assert_eq!(
        config.optics.channels["c 2"].laser_filter_nm,
        [690.0, 800.0]
    );
    assert_eq!(config.output.name, "2024");
    assert_eq!(config.compute.adapter, Some(AdapterChoice::Index(1)));
    assert_eq!(config.compute.seed, Some(u64::MAX));
    assert_eq!(config.compute.threads, Some(16));
    assert_eq!(
        config.expansion.factor,
        Factor::Uniform(3.0),
        "the last one wins"
    );
}

#[test]
fn an_override_heals_what_the_file_has_wrong_or_lacks() {
    let broken = FULL
        .replace("factor = 4\n", "factor = 0\n")
        .replace("path = \"out\"\n", "");
    assert!(read(&broken).is_err());
    let overrides = [
        set("expansion.factor=4"),
        Override::output_path(Path::new("/out")).unwrap(),
    ];
    assert_eq!(
        read_with(&broken, &overrides).unwrap().output.path,
        Path::new("/out")
    );
}

#[test]
fn paths_of_overrides_start_at_the_working_directory() {
    let here = std::env::current_dir().unwrap();
    let config = with(&[
        "groundtruth.image_path=cells",
        "groundtruth.regions.synapse.region_path='/s'",
    ]);
    assert_eq!(config.groundtruth.image_path, here.join("cells"));
    assert_eq!(
        config.groundtruth.regions["synapse"].region_path,
        Path::new("/s")
    );
    assert_eq!(
        config.output.path,
        Path::new("/base/out"),
        "those of the file do not"
    );
    let overrides = [Override::output_path(Path::new("somewhere")).unwrap()];
    let config = read_with(FULL, &overrides).unwrap();
    assert_eq!(config.output.path, here.join("somewhere"));
}

#[test]
fn errors_name_the_override() {
    assert_eq!(
        error(&["optics.pixelsize=1"]),
        "--set optics.pixelsize=1: unknown key [optics] pixelsize: did you mean pixel_size?"
    );
    assert_eq!(
        error(&["optics.pixel_size=0"]),
        "--set optics.pixel_size=0: [optics] pixel_size = 0 must be a number of at least 1 nm"
    );
    assert_eq!(
        error(&["optics.refractory_index=1.1"]),
        "--set optics.refractory_index=1.1: [optics] numerical_aperture = 1.15 must be below refractory_index (1.1)"
    );
    assert_eq!(
        error(&["camera.gain=1"]),
        "--set camera.gain=1: unknown table [camera]: the tables are model, groundtruth, labeling, expansion, tissue, optics, rounds, output, compute, sweep, fluorophores, run"
    );
    let missing = error(&["optics.channels.c2.laser_power=1"]);
    assert_eq!(missing.lines().count(), 3, "{missing}");
    for line in missing.lines() {
        assert!(
            line.starts_with("--set optics.channels.c2.laser_power=1: [optics.channels.c2] laser_")
        );
        assert!(line.contains(" is missing: it must be "));
    }
    assert!(error(&["optics.type.x=1"]).contains("[optics] type = {...} must be \"confocal\""));
    let flag = Override::new("--seed -1", &["compute", "seed"], "-1");
    let message = read_with(FULL, &[flag]).unwrap_err().to_string();
    assert!(
        message.starts_with("--seed -1: [compute] seed = -1 must be "),
        "{message}"
    );
}

#[test]
fn text_that_is_no_override_is_refused() {
    let deep = format!("{}=1", "a.".repeat(100_000));
    let bad = [
        "",
        "=",
        "optics",
        "optics=1",
        "optics.=1",
        ".pixel_size=1",
        "optics..a=1",
        "optics.'a=1",
        "optics.'a'b=1",
        &deep,
    ];
    for text in bad {
        let error = text.parse::<Override>().unwrap_err();
        assert!(matches!(error, OverrideError::Form { .. }), "{text}");
        assert!(
            error
                .to_string()
                .ends_with("must be SECTION.KEY=VALUE, such as optics.pixel_size=100")
        );
    }
}

#[test]
fn overrides_leave_the_rest_of_the_file_alone() {
    let mut expected = read(FULL).unwrap();
    expected.optics.pixel_size_nm = 1e4;
    assert_eq!(with(&["optics.pixel_size=1e4"]), expected);
}
