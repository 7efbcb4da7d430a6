//! `convert`, `init` and .ini files through the binary.

use crate::support::{Workplace, images};
use std::fs;

/// Exit code of a run that failed.
const FAILED: i32 = 1;
/// Exit code of bad usage or configuration.
const USAGE: i32 = 2;

/// The configuration of the workplace as one of SimExm's .ini files.
const INI: &str = r#"# tissue, as SimExm has it
[groundtruth]
image_path = 'cells.tif'
offset = 0, 0, 0
bounds = 14, 48, 36
format = "tiff"
isotropic = True
voxel_dim = 40, 16, 16
	[[regions]]
[labeling]
	[[bodies]]
	fluorophore = 'ATTO390' # the blue one
	region = cytosol
	labeling_density = 0.6
	protein_density = 1e-4
	protein_noise = 0.3
	single_neuron = False
	[[membranes]]
	fluorophore = ATTO647N
	region = "membrane"
	labeling_density = "0.6"
	protein_density = 1e-4
[expansion]
factor = 4.0
[optics]
type = 'confocal'
numerical_aperture = 1.15
refractory_index = 1.33
focal_plane_depth = 320
objective_back_aperture = 1.0
exposure_time = 0.1
objective_efficiency = 0.8
detector_efficiency = 0.6
objective_factor = 40.0
pixel_size = 6500
pinhole_radius = 50.0
baseline_noise = 0
	[[channels]]
		[[[blue]]]
		laser_wavelength = 390
		laser_power = 50.0
		laser_percentage = 0.25
		laser_filter = 440, 500
		[[[red]]]
		laser_wavelength = 640
		laser_power = 50.0
		laser_percentage = 0.25
		laser_filter = 650, 720
[output]
name = tissue
path = out
"#;

#[test]
fn an_ini_file_and_its_toml_give_the_same_bytes() {
    let workplace = Workplace::new();
    workplace.write("old/tissue.ini", INI);
    let run = |args: &[&str]| workplace.run(args).succeeded();
    let seeded = ["--seed", "7", "--backend", "cpu"];
    // Paths start at the working directory, though the file lies elsewhere.
    run(&[&["old/tissue.ini"], &seeded[..]].concat());
    let ini = images(&workplace.path("out/tissue"));
    assert_eq!(ini.len(), 5);

    let told = run(&["convert", "old/tissue.ini", "tissue.toml"]);
    assert!(told.stdout.contains("simexm-gpu tissue.toml"), "{told:?}");
    let toml = fs::read_to_string(workplace.path("tissue.toml")).unwrap();
    assert!(toml.contains("image_path = \"cells.tif\"\n"), "{toml}");
    assert!(toml.contains("path = \"out\"\n"), "{toml}");
    assert!(toml.contains("# Size of a pixel on the camera. (number, nm, at least 1)\n"));
    run(&[&["tissue.toml", "--output", "again"], &seeded[..]].concat());
    assert!(images(&workplace.path("again/tissue")) == ini);

    // To the standard output the paths are absolute: it is the same wherever it is put.
    let told = run(&["convert", "old/tissue.ini"]);
    workplace.write("elsewhere/printed.toml", &told.stdout);
    run(&[
        &["elsewhere/printed.toml", "--output", "third"],
        &seeded[..],
    ]
    .concat());
    assert!(images(&workplace.path("third/tissue")) == ini);

    // What is TOML already is commented, and comes out the same when it is converted again.
    run(&["convert", "config.toml", "commented.toml"]);
    run(&["convert", "commented.toml", "twice.toml"]);
    let read = |name: &str| fs::read_to_string(workplace.path(name)).unwrap();
    assert_eq!(read("commented.toml"), read("twice.toml"));
}

#[test]
fn convert_does_not_need_the_volumes() {
    let workplace = Workplace::new();
    workplace.write("old.ini", INI.replace("cells.tif", "/none/such.tif"));
    workplace
        .run(["convert", "old.ini", "new.toml"])
        .succeeded();
    let toml = fs::read_to_string(workplace.path("new.toml")).unwrap();
    assert!(toml.contains("image_path = \"/none/such.tif\"\n"), "{toml}");
}

#[test]
fn convert_overwrites_only_when_told() {
    let workplace = Workplace::new();
    workplace.write("old.ini", INI);
    workplace.write("new.toml", "mine");
    workplace.refuses(
        FAILED,
        &["convert", "old.ini", "new.toml"],
        &["new.toml", "--force"],
    );
    workplace
        .run(["convert", "old.ini", "new.toml", "--force"])
        .succeeded();
    let toml = fs::read_to_string(workplace.path("new.toml")).unwrap();
    assert!(toml.contains("[groundtruth]"), "{toml}");
    fs::create_dir(workplace.path("folder.toml")).unwrap();
    workplace.refuses(
        FAILED,
        &["convert", "old.ini", "folder.toml", "--force"],
        &["folder.toml"],
    );
}

#[test]
fn mistakes_in_ini_files_are_told_with_their_line() {
    let workplace = Workplace::new();
    for (from, to, words) in [
        (
            "bounds = 14, 48, 36",
            "bounds = 14, 48",
            "[groundtruth] bounds = [14, 48] must be three",
        ),
        (
            "0.6\n",
            "1.6\n",
            "[labeling.bodies] labeling_density = 1.6 must be a number from 0 to 1",
        ),
        (
            "factor = 4.0",
            "factor = 4 times",
            "[expansion] factor = 4 times must be a number",
        ),
        ("'confocal'", "'confocl'", "did you mean \"confocal\"?"),
        (
            "pixel_size",
            "pixelsize",
            "unknown key [optics] pixelsize: did you mean pixel_size?",
        ),
        (
            "name = tissue",
            "name = 'tissue",
            "the quote ' is not closed",
        ),
        (
            "[[channels]]",
            "[[[channels]]]",
            "no section with 2 is above it",
        ),
        (
            "pinhole_radius = 50.0",
            "pixel_size = 1",
            "\"pixel_size\" is there already",
        ),
    ] {
        assert!(INI.contains(from), "{from}");
        let text = INI.replacen(from, to, 1);
        let line = text
            .lines()
            .zip(INI.lines())
            .position(|(a, b)| a != b)
            .unwrap()
            + 1;
        workplace.write("bad.ini", text);
        let place = format!("bad.ini:{line}: ");
        workplace.refuses(USAGE, &["bad.ini"], &[&place, words]);
        workplace.refuses(USAGE, &["convert", "bad.ini"], &[&place, words]);
        workplace.refuses(USAGE, &["convert", "bad.ini", "new.toml"], &[&place, words]);
    }
    workplace.write("bad.ini", b"name = caf\xe9\n");
    workplace.refuses(USAGE, &["bad.ini"], &["bad.ini:1:11: not UTF-8 text"]);
    workplace.refuses(USAGE, &["convert", "none.ini"], &["none.ini"]);
}

#[test]
fn init_writes_what_runs() {
    let workplace = Workplace::new();
    let told = workplace.run(["init"]).succeeded();
    assert!(
        told.stdout.contains("simexm-gpu experiment.toml"),
        "{told:?}"
    );
    let toml = fs::read_to_string(workplace.path("experiment.toml")).unwrap();
    assert!(
        toml.contains("image_path = \"experiment_tissue.tif\"\n"),
        "{toml}"
    );
    workplace
        .run(["experiment.toml", "--backend", "cpu"])
        .succeeded();
    let made = images(&workplace.path("output/experiment"));
    // A composite, three ground truths, the table of their ids, the quick-look.
    assert_eq!(made.len(), 6, "{:?}", made.keys());

    workplace.refuses(FAILED, &["init"], &["experiment", "--force"]);
    fs::remove_file(workplace.path("experiment.toml")).unwrap();
    workplace.refuses(FAILED, &["init"], &["experiment_tissue.tif", "--force"]);
    workplace.run(["init", "--force"]).succeeded();

    workplace.run(["init", "new folder/a.toml"]).succeeded();
    assert!(workplace.path("new folder/a_tissue.tif").is_file());
}

#[test]
fn init_takes_a_volume_of_the_users() {
    let workplace = Workplace::new();
    let told = workplace
        .run(["init", "mine.toml", "--image", "cells.tif"])
        .succeeded();
    assert!(told.stdout.contains("voxel_dim"), "{told:?}");
    assert!(!workplace.path("mine_tissue.tif").exists());
    let toml = fs::read_to_string(workplace.path("mine.toml")).unwrap();
    assert!(toml.contains("image_path = \"cells.tif\"\n"), "{toml}");
    workplace.run(["mine.toml", "--backend", "cpu"]).succeeded();

    let told = workplace
        .run(["init", "later.toml", "--image", "none.tif"])
        .succeeded();
    assert!(told.tells(&["none.tif", "not there yet"]), "{told:?}");
    workplace.refuses(FAILED, &["init", "mine.ini"], &["mine.ini", ".toml"]);
}
