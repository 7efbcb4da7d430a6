//! `simexm-gpu plan`: how a run will be cut, told without doing anything.

use crate::support::{Outcome, SHAPE, Workplace, assert_same, snapshot};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Runs `plan config.toml` with more arguments; everything in the folder must stay as it is.
fn plan(workplace: &Workplace, args: &[&str]) -> Outcome {
    let before = snapshot(workplace.folder());
    let outcome = workplace.run([&["plan", "config.toml"], args].concat());
    assert_same(&before, &snapshot(workplace.folder()));
    outcome
}

/// The object that `plan --json` prints: it alone.
fn object(workplace: &Workplace, args: &[&str]) -> Value {
    let outcome = plan(workplace, &[&["--json"], args].concat()).succeeded();
    assert_eq!(outcome.stderr, "");
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// How many tiles `[x, y]` tells of.
fn tiles(value: &Value) -> u64 {
    let along = value.as_array().expect("tiles along x and y");
    along.iter().map(number).product()
}

/// A volume that is not there, of this size.
fn planned_size(shape: &str) -> Workplace {
    let workplace = Workplace::new();
    std::fs::remove_file(workplace.path("cells.tif")).unwrap();
    let bounds = format!("voxel_dim = [40, 16, 16]\nbounds = {shape}");
    workplace.configure(&[("voxel_dim = [40, 16, 16]", &bounds)]);
    workplace
}

#[test]
fn tells_of_a_small_volume() {
    let workplace = Workplace::new();
    let object = object(&workplace, &[]);
    let shape: Vec<u64> = SHAPE.iter().map(|&size| size as u64).collect();
    assert_eq!(object["shape_voxels"], Value::from(shape));
    let devices = object["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 1, "the configuration asks for the CPU");
    let cut = &devices[0]["cut"];
    assert_eq!(devices[0]["residence"], "host");
    assert_eq!(devices[0]["refusal"], Value::Null);
    // 14 slices are one slab: nothing waits on the disk, and nothing would make fewer.
    assert_eq!(tiles(&cut["tiles"]), 1);
    for (field, expected) in [("slabs", 1), ("slab_slices", 14), ("steps", 1)] {
        assert_eq!(number(&cut[field]), expected, "{field}");
    }
    assert_eq!(number(&cut["meanwhile_bytes"]), 0);
    assert_eq!(cut["fewer"], Value::Array(Vec::new()));
    let buffers = cut["buffers"].as_array().unwrap();
    let bytes = |name: &str| {
        let named = buffers.iter().find(|buffer| buffer["name"] == name);
        number(&named.unwrap_or_else(|| panic!("{name} in {buffers:?}"))["bytes"])
    };
    let voxels = SHAPE.iter().product::<usize>() as u64;
    assert_eq!(bytes("labels 0"), 4 * voxels);
    assert_eq!(bytes("counts of ATTO390"), 4 * voxels);
    // Every second slice, in bins of 3 x 3.
    assert_eq!(bytes("images 0"), 4 * 7 * 16 * 12);
    let sum: u64 = buffers.iter().map(|buffer| number(&buffer["bytes"])).sum();
    assert_eq!(sum, number(&cut["buffer_bytes"]));
    let read = std::fs::metadata(workplace.path("cells.tif"))
        .unwrap()
        .len();
    assert_eq!(number(&object["disk"]["read_bytes"]), read);
    assert!(number(&object["disk"]["written_bytes_at_most"]) > 2 * 7 * 16 * 12);
}

#[test]
fn says_it_to_people_too() {
    let workplace = planned_size("[300, 500, 400]");
    let args = ["--set", "compute.backend=gpu", "--gpu-memory", "400M"];
    let outcome = plan(&workplace, &args).succeeded();
    let words = [
        "slabs",
        "rings",
        "halos",
        "lines",
        "device",
        "host",
        "moved",
        "buffers",
        "labels 0",
        "disk",
        "--gpu-memory",
    ];
    for word in words {
        assert!(
            outcome.stdout.contains(word),
            "{word} in {}",
            outcome.stdout
        );
    }
}

/// The radices make up the lengths, which are those of blocks where slices are large.
#[test]
fn tells_how_lines_are_transformed() {
    for (shape, blocks) in [("[30, 500, 400]", 1), ("[3, 20, 9000]", 18)] {
        let workplace = planned_size(shape);
        let args = ["--set", "compute.backend=gpu", "--gpu-memory", "2G"];
        let told = object(&workplace, &args);
        let cut = &told["devices"][0]["cut"];
        let transform = &cut["transform"];
        let product = |radices: &Value| -> u64 {
            let radices = radices.as_array().expect("radices");
            radices.iter().map(number).product()
        };
        let [x, y] = ["radices_x", "radices_y"].map(|radices| product(&transform[radices]));
        assert_eq!(x, number(&transform["length_x"]));
        // Pairs of samples are the complex numbers.
        assert_eq!(2 * y, number(&transform["length_y"]));
        assert_eq!(tiles(&cut["blocks"]), blocks, "{cut}");
    }
}

/// Less memory, more slabs, and then tiles; what would make them fewer is told, and does.
#[test]
fn budgets_decide_how_it_is_cut() {
    let workplace = planned_size("[300, 1500, 400]");
    let mut before = (0, 0);
    for memory in ["4GB", "1GB", "500M", "200M"] {
        let args = ["--set", "compute.backend=gpu", "--gpu-memory", memory];
        let object = object(&workplace, &args);
        let device = &object["devices"][0];
        let cut = &device["cut"];
        assert!(number(&cut["device_peak_bytes"]) <= number(&device["limits"]["device_bytes"]));
        let now = (tiles(&cut["tiles"]), number(&cut["slabs"]));
        assert!(now > before, "{now:?} with {memory}, {before:?} with more");
        before = now;
        for fewer in cut["fewer"].as_array().unwrap() {
            let needed = number(&fewer["device_bytes"]).to_string();
            let change = fewer["change"].as_str().unwrap();
            if !change.contains("--gpu-memory") || change.contains("binds") {
                continue;
            }
            let args = ["--set", "compute.backend=gpu", "--gpu-memory", &needed];
            let object = self::object(&workplace, &args);
            let cut = &object["devices"][0]["cut"];
            assert!(
                tiles(&cut["tiles"]) <= tiles(&fewer["tiles"]),
                "{needed}: {fewer}"
            );
            if cut["tiles"] == fewer["tiles"] {
                assert!(
                    number(&cut["slabs"]) <= number(&fewer["slabs"]),
                    "{needed}: {fewer}"
                );
            }
        }
    }
    assert!(before.0 > 1, "200 MB take tiles");
    let args = ["--set", "compute.backend=gpu", "--gpu-memory", "1M"];
    let object = object(&workplace, &args);
    let device = &object["devices"][0];
    assert_eq!(device["cut"], Value::Null);
    assert!(
        device["refusal"].as_str().unwrap().contains("1.0 MB"),
        "{device}"
    );
}

#[test]
fn a_huge_volume_is_planned_in_no_time() {
    let workplace = planned_size("[4096, 4096, 4096]");
    for memory in ["2GB", "8GB", "24GB", "80GB"] {
        let args = [
            "--set",
            "compute.backend=gpu",
            "--gpu-memory",
            memory,
            "--memory",
            "64GB",
        ];
        let start = Instant::now();
        let object = object(&workplace, &args);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(1), "{memory}: {took:?}");
        let cut = &object["devices"][0]["cut"];
        assert!(cut.is_object(), "{memory}: {object}");
    }
}

#[test]
fn what_is_wrong_is_told() {
    let workplace = Workplace::new();
    let refused = |args: &[&str], words: &[&str]| {
        let args = [&["plan", "config.toml"], args].concat();
        workplace.refuses(2, &args, words);
    };
    refused(&["--memory", "much"], &["--memory much", "300M"]);
    refused(&["--gpu-memory", "1k"], &["--gpu-memory 1k", "1 MB"]);
    std::fs::remove_file(workplace.path("cells.tif")).unwrap();
    refused(&[], &["bounds"]);
}
