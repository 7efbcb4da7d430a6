//! What cannot be done in tasks is refused before any is, and says what can.

use super::{IN_SHARDS, ONE_TO_ONE, configure, facts, plan, task, workplace};
use std::fs;

#[test]
fn plans_refuse_what_tasks_cannot_do() {
    let workplace = workplace([32, 70, 66], &[]);
    let refused = |entries: &[&str], words: &[&str]| {
        configure(&workplace, &[&IN_SHARDS[..], entries].concat());
        workplace.refuses(2, &["plan", "config.toml", "--write", "run"], words);
    };
    refused(
        &["output.format=tiff"],
        &["[output] format = \"tiff\"", "\"ome-zarr\""],
    );
    refused(
        &["output.ids=compact"],
        &["[output] ids", "set ids = \"kept\""],
    );
    refused(
        &["groundtruth.label=components"],
        &["label = \"components\"", "leave the key out"],
    );
    refused(
        &["groundtruth.background=[65535]"],
        &["[groundtruth] background", "0"],
    );
    configure(&workplace, &[&IN_SHARDS[..], &ONE_TO_ONE[..]].concat());
    for (core, words) in [
        ("17", &["--core", "17 slices", "16"][..]),
        ("16,30,66", &["30 rows", "64"]),
        ("16,64,65", &["65 columns", "64"]),
        ("0", &["0 slices"]),
    ] {
        let args = ["plan", "config.toml", "--write", "run", "--core", core];
        workplace.refuses(2, &args, words);
    }
    workplace.refuses(2, &["plan", "config.toml", "--core", "16"], &["--write"]);
}

#[test]
fn a_folder_has_one_plan() {
    let workplace = workplace([32, 70, 66], &[]);
    workplace.refuses(
        2,
        &["status", "run"],
        &["run/plan.json", "there is no plan", "--write"],
    );
    plan(&workplace, "run", "16");
    // The same again changes nothing.
    let before = fs::read(workplace.path("run/plan.json")).unwrap();
    plan(&workplace, "run", "16");
    assert_eq!(before, fs::read(workplace.path("run/plan.json")).unwrap());
    let other = ["plan", "config.toml", "--write", "run", "--core", "32"];
    workplace.refuses(
        2,
        &other,
        &[
            "run/plan.json",
            "another plan",
            "16 x 70 x 66",
            "another folder",
        ],
    );
    let other = [
        "plan",
        "config.toml",
        "--write",
        "run",
        "--core",
        "16",
        "--set",
        "compute.seed=8",
    ];
    workplace.refuses(2, &other, &["its seed is 7, not 8"]);
    // Where and with what it is computed does not belong to it.
    let args = [
        "plan",
        "config.toml",
        "--write",
        "run",
        "--core",
        "16",
        "--memory",
        "900MB",
    ];
    workplace.run(args).succeeded();

    // Who edits a plan, or what it reads, is told.
    let text = fs::read_to_string(workplace.path("run/plan.json")).unwrap();
    workplace.write(
        "run/plan.json",
        text.replace("\"seed\": \"7\"", "\"seed\": \"8\""),
    );
    workplace.refuses(
        2,
        &["task", "run", "survey", "0"],
        &["run/plan.json", "was edited"],
    );
    workplace.write("run/plan.json", &text);
    let volume = fs::read(workplace.path("cells.tif")).unwrap();
    workplace.write("cells.tif", &volume[..volume.len() - 1]);
    workplace.refuses(
        2,
        &["task", "run", "survey", "0"],
        &["cells.tif", "has changed"],
    );
    fs::remove_file(workplace.path("cells.tif")).unwrap();
    workplace.refuses(2, &["task", "run", "survey", "0"], &["cells.tif"]);
}

#[test]
fn a_run_keeps_to_a_folder_of_its_own() {
    let workplace = workplace([32, 70, 66], &[]);
    workplace.write("papers/thesis.txt", "mine");
    let args = ["plan", "config.toml", "--write", "papers"];
    workplace.refuses(2, &args, &["papers", "is not empty", "empty or not there"]);
    assert_eq!(fs::read_dir(workplace.path("papers")).unwrap().count(), 1);
    plan(&workplace, "run", "16");
    fs::copy(workplace.path("cells.tif"), workplace.path("run/cells.tif")).unwrap();
    let own = format!(
        "groundtruth.image_path={}",
        workplace.path("run/cells.tif").display()
    );
    configure(
        &workplace,
        &[&IN_SHARDS[..], &ONE_TO_ONE[..], &[&own]].concat(),
    );
    let args = ["plan", "config.toml", "--write", "run"];
    workplace.refuses(
        2,
        &args,
        &["run/cells.tif", "is read by the run", "another folder"],
    );
}

/// One of two that draw a seed at the same time is first, and both go on with its plan.
#[test]
fn two_plans_at_once_are_one() {
    let workplace = workplace([32, 70, 66], &["labeling.bodies.region=full"]);
    let text = fs::read_to_string(workplace.path("config.toml")).unwrap();
    let seedless = text.replace("seed = 7\n", "");
    assert_ne!(text, seedless);
    workplace.write("config.toml", seedless);
    let args = [
        "plan",
        "config.toml",
        "--write",
        "run",
        "--core",
        "16",
        "--json",
    ];
    let run = || workplace.run(args).succeeded().stdout;
    let told = std::thread::scope(|scope| {
        [scope.spawn(run), scope.spawn(run)].map(|plan| plan.join().unwrap())
    });
    let ids = told.map(|told| {
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        told["id"].clone()
    });
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn tasks_come_in_their_order_of_phases_and_exist() {
    let workplace = workplace([32, 70, 66], &[]);
    let [of_survey, _] = plan(&workplace, "run", "16");
    assert_eq!(of_survey, 1);
    // What is worth another attempt ends with 75.
    let words = ["not merged yet", "merge run survey"];
    workplace.refuses(75, &["task", "run", "image", "0"], &words);
    workplace.refuses(75, &["merge", "run", "survey"], &["missing: 0"]);
    workplace.refuses(2, &["task", "run", "image", "2"], &["no task 2", "0 to 1"]);
    workplace.refuses(
        2,
        &["task", "run", "images", "2"],
        &["survey, scale or image"],
    );
    workplace.refuses(2, &["task", "run", "image", "2..1"], &["N..M"]);
    workplace.refuses(2, &["merge", "run", "image"], &["nothing is to be merged"]);
    facts(&workplace, "run", "cpu");
    // The last job of an array may reach beyond the last task.
    task(&workplace, "run", "image", "1..100", "cpu").succeeded();
    let told = workplace.run(["status", "run"]).succeeded().stdout;
    assert!(
        told.contains("1 of 2 tasks") && told.contains("--missing image"),
        "{told}"
    );
    let told = workplace
        .run(["status", "run", "--json"])
        .succeeded()
        .stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["phases"][1]["done"], 1);
    let missing = ["status", "run", "--missing", "image", "--each", "2"];
    assert_eq!(workplace.run(missing).succeeded().stdout, "0\n");
    let args = ["task", "run", "image", "0", "--adapter", "no such GPU"];
    workplace.refuses(75, &args, &["no such GPU"]);
    // What follows a range beyond the end is done.
    task(&workplace, "run", "image", "2..3", "cpu").succeeded();
    task(&workplace, "run", "image", "1..9,0", "cpu").succeeded();
    let told = workplace.run(["status", "run"]).succeeded().stdout;
    assert!(told.contains("2 of 2 tasks"), "{told}");
    let bright = ["output.bit_depth=16", "labeling.bodies.region=full"];
    let full = super::workplace(
        [32, 70, 66],
        &[&bright[..], &["labeling.membranes.region=full"]].concat(),
    );
    plan(&full, "run", "16");
    full.refuses(
        2,
        &["task", "run", "survey", "0"],
        &["no tasks of the phase survey"],
    );
    full.refuses(2, &["merge", "run", "survey"], &["nothing is to be merged"]);
}

/// Numbers that overflow do so again: no other attempt is worth it.
#[test]
fn an_overflow_ends_with_3() {
    let entries = [
        "labeling.bodies.region=full",
        "labeling.membranes.region=full",
    ];
    let workplace = workplace(
        [32, 70, 66],
        &[&entries[..], &["optics.exposure_time=1e6"]].concat(),
    );
    plan(&workplace, "run", "16");
    let args = ["task", "run", "image", "0", "--backend", "cpu", "-q"];
    workplace.refuses(3, &args, &["2^32"]);
    let missing = workplace
        .run(["status", "run", "--missing", "image"])
        .succeeded();
    assert_eq!(missing.stdout, "0-1\n");
}
