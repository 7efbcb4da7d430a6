//! `simexm-gpu check`: what it tells of a configuration before a run, and that it touches nothing.

use crate::support::{
    IMAGE_SHAPE, Outcome, SHAPE, Workplace, assert_same, blocks, files, snapshot, write_stack,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tiff::encoder::{Compression, DeflateLevel, colortype};

/// Runs `check config.toml` with more arguments; everything in the folder must stay as it is.
fn check(workplace: &Workplace, args: &[&str]) -> Outcome {
    let before = snapshot(workplace.folder());
    let outcome = workplace.run([&["check", "config.toml"], args].concat());
    assert_same(&before, &snapshot(workplace.folder()));
    outcome
}

/// The object that `check --json` prints: it alone.
fn object(workplace: &Workplace, args: &[&str]) -> Value {
    let outcome = check(workplace, &[&["--json"], args].concat()).succeeded();
    assert_eq!(outcome.stderr, "");
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// The warnings of an object.
fn warnings(object: &Value) -> Vec<&str> {
    let warnings = object["warnings"].as_array().unwrap();
    warnings
        .iter()
        .map(|warning| warning.as_str().unwrap())
        .collect()
}

/// Asserts that one warning holds all these words.
fn warns(object: &Value, words: &[&str]) {
    let holds = |warning: &&str| words.iter().all(|word| warning.contains(word));
    assert!(
        warnings(object).iter().any(holds),
        "{words:?} in {:?}",
        warnings(object)
    );
}

/// A workplace whose layer `bodies` labels a region, not 0 where `inside` says so of the id of a
/// voxel.
fn with_a_region(inside: impl Fn(u16) -> bool) -> Workplace {
    let workplace = Workplace::new();
    let table = "[groundtruth.regions.axons]\nregion_path = \"axons.tif\"\n\n[expansion]";
    workplace.configure(&[("[expansion]", table), ("\"cytosol\"", "\"axons\"")]);
    let ids = blocks(SHAPE).into_iter();
    let pixels: Vec<u8> = ids.map(|id| inside(id).into()).collect();
    let path = workplace.path("axons.tif");
    write_stack::<colortype::Gray8>(&path, SHAPE, &pixels, Compression::Uncompressed);
    workplace
}

#[test]
fn the_report_for_people() {
    let workplace = Workplace::new();
    let outcome = check(&workplace, &[]).succeeded();
    for line in [
        "[labeling.bodies] fluorophore = \"ATTO390\", region = \"cytosol\", labeling_density = 0.6",
        "loaded  14 x 48 x 36 voxels from (0, 0, 0): 0.560 x 0.768 x 0.576 um of tissue",
        "asked   2 x 2.539 x 2.539 voxels per pixel = 80 x 40.62 x 40.62 nm in tissue",
        "taken   2 x 3 x 3 voxels per pixel = 80 x 48 x 48 nm in tissue = 320 x 192 x 192 nm in the gel",
        "labelling: 60 cells, of which 60 eligible on average",
        "7 slices of 16 x 12 pixels",
        "simulation/channel_1.tiff",
        "seed = 7",
        "pixel_size 6500 asks for 2.54 voxels per pixel, taken as 3: pixels are 18 per cent larger than asked; \
         pixel_size = 7680 is exact",
    ] {
        assert!(
            outcome.stdout.contains(line),
            "{line} in {}",
            outcome.stdout
        );
    }
    assert!(!outcome.stdout.contains("no warnings"));
    let exact = check(&workplace, &["--set", "optics.pixel_size=7680"]).succeeded();
    assert!(exact.stdout.contains("no warnings"), "{}", exact.stdout);
}

#[test]
fn the_object_foretells_the_run() {
    let workplace = Workplace::new();
    let found = object(&workplace, &[]);
    assert_eq!(
        found["configuration"]["labeling"]["bodies"]["antibody_amp"],
        5.0
    );
    assert_eq!(found["configuration"]["compute"]["seed"], 7);
    assert_eq!(
        found["output"]["image_shape_pixels"],
        serde_json::json!(IMAGE_SHAPE)
    );
    assert_eq!(found["output"]["obstacle"], Value::Null);
    let labelling = &found["labelling"];
    assert_eq!(labelling["cells"], 60);
    let regions = labelling["regions"].as_array().unwrap();
    let voxels = |name: &str| {
        let region = regions
            .iter()
            .find(|region| region["name"] == name)
            .unwrap();
        region["voxels_in_cells"].as_u64().unwrap()
    };
    let inside = blocks(SHAPE).into_iter().filter(|&id| id != 0).count();
    assert_eq!(voxels("full"), inside as u64);
    assert_eq!(voxels("membrane") + voxels("cytosol"), voxels("full"));
    assert!(voxels("membrane") > 0 && voxels("cytosol") > 0);

    workplace.simulate(&[]);
    // The same light.
    let record = &workplace.record("out")["run"]["photons"];
    let record: Vec<_> = record.as_array().unwrap().iter().collect();
    let photons = found["photons"].as_array().unwrap();
    assert_eq!(photons.len(), record.len());
    for (photons, record) in photons.iter().zip(record) {
        for key in ["channel", "fluorophore"] {
            assert_eq!(photons[key].as_str(), record[key].as_str());
        }
        for key in ["excitation", "emission", "mean_photons"] {
            let [told, used] = [photons[key].as_f64(), record[key].as_float()].map(Option::unwrap);
            // Reading a number from JSON may lose its last bit.
            assert!(
                (told - used).abs() <= 1e-14 * used,
                "{key}: {told} and {used}"
            );
        }
    }
    // The same files, and none larger than foretold.
    let root = workplace.path("out/tissue");
    let mut foretold = BTreeSet::from(["quicklook.png", "simulation.toml"].map(str::to_owned));
    for volume in found["output"]["volumes"].as_array().unwrap() {
        let path = volume["path"].as_str().unwrap();
        let bytes = fs::metadata(root.join(path)).unwrap().len();
        assert!(bytes <= volume["bytes_at_most"].as_u64().unwrap(), "{path}");
        foretold.insert(path.to_owned());
    }
    let picture = fs::metadata(root.join("quicklook.png")).unwrap().len();
    let most = |key: &str| found["output"][key].as_u64().unwrap();
    assert!(picture <= most("quicklook_bytes_at_most"));
    assert!(most("quicklook_bytes_at_most") < most("bytes_at_most"));
    assert_eq!(BTreeSet::from_iter(files(&root)), foretold);
    // The same cells.
    for (number, dye) in ["ATTO390", "ATTO647N"].iter().enumerate() {
        let stack =
            crate::support::read_stack(&root.join(format!("groundtruth/{dye}/all_cells.tiff")));
        let shown: BTreeSet<u64> = stack.values.into_iter().filter(|&id| id != 0).collect();
        let labelled = labelling["layers"][number]["labelled_cells"]
            .as_u64()
            .unwrap();
        assert_eq!(shown.len() as u64, labelled, "{dye}");
        assert_eq!(labelling["layers"][number]["expected_labelled_cells"], 36.0);
    }
    // What the run wrote itself is in nobody's way.
    let again = object(&workplace, &[]);
    assert_eq!(
        (&again["output"]["obstacle"], &again["output"]["exists"]),
        (&Value::Null, &true.into())
    );
}

#[test]
fn the_trap_of_the_filter() {
    let workplace = Workplace::new();
    workplace.configure(&[
        ("\"ATTO390\"", "\"ATTO425\""),
        ("laser_wavelength = 390", "laser_wavelength = 425"),
        ("[440, 500]", "[380, 480]"),
    ]);
    let advice = "channel blue: ATTO425 peaks at 484 nm; the filter 380-480 passes 23 per cent of its emission; \
                  450-550 would pass 89 per cent";
    for args in [&[][..], &["--no-volumes"]] {
        warns(&object(&workplace, args), &[advice]);
        let outcome = check(&workplace, args).succeeded();
        assert!(outcome.stdout.contains(advice), "{}", outcome.stdout);
    }
    // The run says so too, and as little of anything else.
    let outcome = workplace.simulate(&[]);
    assert_eq!(outcome.warnings(), [format!("warning: {advice}")]);
    let right = ["--set", "optics.channels.blue.laser_filter=[440, 550]"];
    assert!(!check(&workplace, &right).stdout.contains("would pass"));
}

#[test]
fn the_trap_of_the_region_beside_the_cells() {
    let beside = [
        "the region axons touches no cell",
        "voxels all lie in the background",
    ];
    let nothing = [
        "layer bodies labels nothing",
        "no cell has a voxel in its region, axons",
    ];
    let workplace = with_a_region(|id| id == 0);
    let found = object(&workplace, &[]);
    warns(&found, &beside);
    warns(&found, &nothing);
    let axons = &found["labelling"]["regions"][3];
    let background = blocks(SHAPE).into_iter().filter(|&id| id == 0).count();
    assert_eq!(axons["name"], "axons");
    assert_eq!(
        (axons["voxels"].as_u64(), axons["voxels_in_cells"].as_u64()),
        (Some(background as u64), Some(0))
    );
    let outcome = workplace.simulate(&[]);
    assert!(
        outcome.tells(&beside) && outcome.tells(&nothing),
        "{outcome:?}"
    );
    // The ground truth of such a region.
    let found = object(&workplace, &["--set", "output.gt_region=axons"]);
    warns(
        &found,
        &["the ground truth will be empty", "gt_region, axons"],
    );

    let found = object(
        &with_a_region(|id| id == 23 || id == 0),
        &[
            "--set",
            "optics.pixel_size=7680",
            "--set",
            "labeling.bodies.labeling_density=1",
        ],
    );
    assert_eq!(warnings(&found), [""; 0]);
    assert_eq!(found["labelling"]["regions"][3]["cells"], 1);
}

#[test]
fn an_empty_crop_and_layers_that_label_nothing() {
    let workplace = Workplace::new();
    let found = object(&workplace, &["--set", "groundtruth.bounds=[14, 1, 36]"]);
    warns(&found, &["the ground truth is empty", "offset and bounds"]);
    assert_eq!(found["labelling"]["cells"], 0);
    let found = object(&workplace, &["--set", "groundtruth.bounds=[2, 48, 36]"]);
    warns(
        &found,
        &[
            "layer membranes labels nothing",
            "no cell has a voxel in its region, membrane",
        ],
    );
    let found = object(&workplace, &["--set", "labeling.bodies.labeling_density=0"]);
    warns(
        &found,
        &["layer bodies labels nothing", "labeling_density (0)"],
    );
    // Without a seed only what is likely can be told.
    workplace.configure(&[("seed = 7\n", "")]);
    let found = object(
        &workplace,
        &["--set", "labeling.bodies.labeling_density=0.01"],
    );
    warns(
        &found,
        &[
            "layer bodies labels 0.600 cells on average",
            "without a seed",
        ],
    );
    assert_eq!(
        found["labelling"]["layers"][0]["labelled_cells"],
        Value::Null
    );
}

#[test]
fn without_volumes() {
    let workplace = Workplace::new();
    let found = object(&workplace, &["--no-volumes"]);
    assert_eq!(found["labelling"], Value::Null);
    assert_eq!(found["volumes"]["shape_voxels"], serde_json::json!(SHAPE));
    assert_eq!(
        found["output"]["image_shape_pixels"],
        serde_json::json!(IMAGE_SHAPE)
    );
    assert!(found["memory"]["cpu"]["bytes"].as_u64().unwrap() > 0);

    fs::remove_file(workplace.path("cells.tif")).unwrap();
    let found = object(&workplace, &["--no-volumes"]);
    warns(&found, &["cells.tif", "there is no such file"]);
    assert_eq!(found["volumes"]["cells"]["found"], false);
    for absent in [
        "/output/image_shape_pixels",
        "/output/bytes_at_most",
        "/output/quicklook_bytes_at_most",
        "/memory",
        "/volumes/loaded_shape_voxels",
    ] {
        assert_eq!(found.pointer(absent), Some(&Value::Null), "{absent}");
    }
    assert!(found["photons"][0]["mean_photons"].as_f64().unwrap() > 0.0);
    let outcome = check(&workplace, &["--no-volumes"]).succeeded();
    assert!(
        outcome.stdout.contains("its size is not known"),
        "{}",
        outcome.stdout
    );
    // Bounds tell the size.
    let found = object(
        &workplace,
        &["--no-volumes", "--set", "groundtruth.bounds=[14, 48, 36]"],
    );
    assert_eq!(
        found["output"]["image_shape_pixels"],
        serde_json::json!(IMAGE_SHAPE)
    );
    // A region may be missing alone.
    let workplace = with_a_region(|_| true);
    fs::remove_file(workplace.path("axons.tif")).unwrap();
    let found = object(&workplace, &["--no-volumes"]);
    warns(&found, &["axons.tif", "the region axons"]);
    assert_eq!(found["volumes"]["shape_voxels"], serde_json::json!(SHAPE));
    assert_eq!(check(&workplace, &[]).code, Some(1));
}

#[test]
fn without_volumes_no_voxel_is_read() {
    let workplace = Workplace::new();
    let path = workplace.path("cells.tif");
    let deflate = Compression::Deflate(DeflateLevel::Fast);
    write_stack::<colortype::Gray16>(&path, SHAPE, &blocks(SHAPE), deflate);
    let mut bytes = fs::read(&path).unwrap();
    // The first strip follows the header.
    bytes[8..40].fill(0xff);
    fs::write(&path, bytes).unwrap();
    object(&workplace, &["--no-volumes"]);
    let outcome = check(&workplace, &[]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""));
    assert!(outcome.tells(&["error: ", "cells.tif"]), "{outcome:?}");
}

#[test]
fn exit_codes() {
    let workplace = Workplace::new();
    for (set, words) in [
        ("optics.pixel_sise=3", "pixel_sise"),
        ("groundtruth.offset=[0, 0, 36]", "36"),
        ("labeling.bodies.antibody_amp=1e30", "protein_density"),
    ] {
        for json in [&[][..], &["--json"]] {
            let outcome = check(&workplace, &[&["--set", set], json].concat());
            assert_eq!(
                (outcome.code, outcome.stdout.as_str()),
                (Some(2), ""),
                "{outcome:?}"
            );
            assert!(outcome.tells(&[words]), "{outcome:?}");
        }
    }
    workplace.write("cells.tif", "no volume");
    for args in [&[][..], &["--no-volumes"]] {
        assert_eq!(check(&workplace, args).code, Some(1));
    }
}

#[test]
fn what_lies_in_the_way_of_the_output() {
    let workplace = Workplace::new();
    workplace.write("out/tissue/simulation/channel_1.tiff", "mine");
    let found = object(&workplace, &["--no-volumes"]);
    let words = [
        "the run would not start",
        "channel_1.tiff",
        "exists",
        "--force",
    ];
    warns(&found, &words);
    assert!(
        found["output"]["obstacle"]
            .as_str()
            .unwrap()
            .contains("channel_1.tiff")
    );
    assert!(
        check(&workplace, &[])
            .succeeded()
            .stdout
            .contains("in the way")
    );
    let workplace = Workplace::new();
    workplace.write("out", "mine");
    warns(
        &object(&workplace, &[]),
        &["is a file, but a folder is needed"],
    );
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_enough() {
    use std::os::unix::fs::PermissionsExt;
    let workplace = with_a_region(|id| id > 3);
    let allow = |mode| {
        fs::set_permissions(workplace.folder(), fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(0o555);
    let outcome = check(&workplace, &["--json"]);
    allow(0o755);
    let found: Value = serde_json::from_str(&outcome.succeeded().stdout).unwrap();
    assert_eq!(found["labelling"]["cells"], 60);
}

/// The paths of all keys; the elements of a list share theirs.
fn keys(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let at = format!("{at}.{key}");
                found.insert(at.clone());
                keys(value, &at, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, at, found)),
        _ => {}
    }
}

#[test]
fn the_documentation_shows_the_object() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/check.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, example) = page.split_once("```json\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    let found = object(&with_a_region(|id| id == 23 || id == 0), &[]);
    let [mut documented, mut printed] = [BTreeSet::new(), BTreeSet::new()];
    keys(&example, "", &mut documented);
    keys(&found, "", &mut printed);
    assert_eq!(documented, printed);
    // And the table names every field outside the configuration.
    for key in printed
        .iter()
        .filter(|key| !key.starts_with(".configuration."))
    {
        let name = format!("`{}`", key.rsplit('.').next().unwrap());
        assert!(page.contains(&name), "{key}");
    }
}
