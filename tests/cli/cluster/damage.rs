//! What the end of a run finds.

use super::{assert_alike, edit, facts, output, plan, receipt, task, whole, workplace};
use crate::support::{Workplace, files};
use std::fs;
use std::path::PathBuf;

/// A run whose tasks are done, and one of its shards.
fn done() -> (Workplace, PathBuf) {
    let workplace = workplace([32, 70, 66], &[]);
    let [_, tasks] = plan(&workplace, "run", "16");
    assert_eq!(tasks, 2);
    facts(&workplace, "run", "cpu");
    task(&workplace, "run", "image", "0..2", "cpu").succeeded();
    let store = workplace.path("run/out/simulation/channels.ome.zarr");
    let shard = files(&store)
        .into_iter()
        .find(|name| name.starts_with("0/c/1/1/"));
    let shard = store.join(shard.unwrap());
    (workplace, shard)
}

/// What is done to a file.
type Damage = fn(&mut Vec<u8>);

#[test]
fn shards_that_are_not_whole_are_named() {
    let (workplace, shard) = done();
    let good = fs::read(&shard).unwrap();
    let damages: [(Damage, &str); 3] = [
        (|bytes| bytes.truncate(bytes.len() / 2), "bytes, not"),
        (|bytes| bytes[40] ^= 4, "has changed"),
        (Vec::clear, "has 0 bytes"),
    ];
    let path = super::shown(&shard);
    let named = path.rsplit_once("run/").unwrap().1.to_owned();
    for (damage, told) in damages {
        let mut bytes = good.clone();
        damage(&mut bytes);
        fs::write(&shard, &bytes).unwrap();
        let words = [named.as_str(), told, "task run image 1 --again"];
        workplace.refuses(1, &["finish", "run", "-q"], &words);
    }
    fs::remove_file(&shard).unwrap();
    workplace.refuses(1, &["finish", "run", "-q"], &[&named, "is missing"]);
    // The receipt stands: without --again nothing is done.
    task(&workplace, "run", "image", "1", "cpu").succeeded();
    assert!(!shard.exists());
    workplace
        .run([
            "task",
            "run",
            "image",
            "1",
            "--again",
            "-q",
            "--backend",
            "cpu",
        ])
        .succeeded();
    workplace.run(["finish", "run", "-q"]).succeeded();
    assert_alike(
        &whole(&workplace, "cpu"),
        &output(&workplace, "run"),
        "mended",
    );
}

#[test]
fn receipts_of_others_are_named() {
    let (workplace, _) = done();
    let paths = [0, 1].map(|task| receipt(&workplace, task));
    let path = |task: usize| &paths[task];
    let good = fs::read_to_string(path(1)).unwrap();
    edit(path(1), |text| {
        text.replacen("\"plan\":\"", "\"plan\":\"00", 1)
    });
    let words = ["1.json", "another plan", "--again"];
    workplace.refuses(1, &["finish", "run", "-q"], &words);
    fs::write(path(1), fs::read(path(0)).unwrap()).unwrap();
    workplace.refuses(1, &["finish", "run", "-q"], &["1.json", "another task"]);
    fs::write(path(1), &good[..good.len() / 2]).unwrap();
    workplace.refuses(1, &["finish", "run", "-q"], &["1.json", "is no receipt"]);
    // One digit, which JSON would take.
    let digit = good.replacen("\"bytes\":1", "\"bytes\":2", 1);
    fs::write(
        path(1),
        if digit == good {
            good.replacen("\"bytes\":", "\"bytes\":1", 1)
        } else {
            digit
        },
    )
    .unwrap();
    workplace.refuses(1, &["finish", "run", "-q"], &["1.json", "has changed"]);
    let refused = |change: fn(&mut serde_json::Value), word: &str| {
        fs::write(path(1), &good).unwrap();
        edit(path(1), |text| {
            let mut receipt = serde_json::from_str(text).unwrap();
            change(&mut receipt);
            receipt.to_string()
        });
        workplace.refuses(1, &["finish", "run", "-q"], &["1.json", word, "--again"]);
    };
    refused(
        |receipt| receipt["volumes"] = serde_json::json!([]),
        "number of volumes",
    );
    refused(
        |receipt| receipt["volumes"][0]["largest"] = serde_json::json!([1]),
        "number of channels",
    );
    refused(
        |receipt| {
            receipt["volumes"][1]["voxels"] = serde_json::json!([[1, u64::MAX], [2, u64::MAX]])
        },
        "more voxels",
    );
    refused(
        |receipt| receipt["shards"][0]["name"] = "../../plan.json".into(),
        "not the task's",
    );
    refused(
        |receipt| receipt["facts"] = "0123456789abcdef".into(),
        "other merged facts",
    );
    // Such a one is done again without being asked for.
    let told = workplace.run(["task", "run", "image", "0..2", "--backend", "cpu"]);
    assert!(told.succeeded().stdout.contains("1 tasks; 1 were before"));
    workplace.run(["finish", "run", "-q"]).succeeded();
    let merged = files(&workplace.path("run/receipts"));
    let merged = merged.iter().find(|name| name.ends_with("survey.json"));
    let merged = workplace.path("run/receipts").join(merged.unwrap());
    let survey = fs::read(&merged).unwrap();
    for (cells, word) in [("[[0,[]]]", "regions"), ("[[3,[1]],[3,[1]]]", "once")] {
        edit(&merged, |text| {
            format!(
                "{}\"facts\":{cells}}}",
                text.split_once("\"facts\":").unwrap().0
            )
        });
        let args = [
            "task",
            "run",
            "image",
            "0",
            "--again",
            "-q",
            "--backend",
            "cpu",
        ];
        workplace.refuses(2, &args, &["survey.json", word, "merge run survey"]);
    }
    fs::write(&merged, survey).unwrap();
    fs::remove_file(path(1)).unwrap();
    workplace.refuses(
        1,
        &["finish", "run", "-q"],
        &["not done: 1", "--missing image"],
    );
    let missing = workplace
        .run(["status", "run", "--missing", "image"])
        .succeeded();
    assert_eq!(missing.stdout, "1\n");
    fs::write(path(1), &good).unwrap();
    workplace
        .run(["finish", "run", "-q", "--verify", "1"])
        .succeeded();
}

/// A shard that was wrong from the start, and whose receipt says so too, shows when it is made
/// again.
#[test]
fn wrong_computations_show_when_they_are_repeated() {
    let (workplace, shard) = done();
    let mut bytes = fs::read(&shard).unwrap();
    let was = crc32c(&bytes);
    bytes[40] ^= 4;
    fs::write(&shard, &bytes).unwrap();
    let now = format!("\"crc32c\":{}", crc32c(&bytes));
    edit(&receipt(&workplace, 1), |text| {
        text.replace(&format!("\"crc32c\":{was}"), &now)
    });
    let words = ["task 1", "0/c/1/1/", "otherwise"];
    let args = ["finish", "run", "-q", "--verify", "1", "--backend", "cpu"];
    workplace.refuses(1, &args, &words);
}

fn crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

#[test]
fn devices_are_not_mixed_unawares() {
    let (workplace, _) = done();
    let by_a_gpu = |task: u64| {
        edit(&receipt(&workplace, task), |text| {
            let other = text.replace("\"the CPU\",\"gpu\":false", "\"a GPU\",\"gpu\":true");
            assert_ne!(text, other);
            other
        });
    };
    by_a_gpu(1);
    let words = ["the CPU and a GPU", "the tasks 0:", "--mixed"];
    workplace.refuses(1, &["finish", "run", "-q"], &words);
    // What another device made is not held against this one.
    let args = [
        "finish",
        "run",
        "-q",
        "--mixed",
        "--verify",
        "1",
        "--backend",
        "cpu",
    ];
    let told = workplace.run(args).succeeded().stderr;
    assert!(
        told.contains("1 tasks were done once more, not 2"),
        "{told}"
    );
    let record = fs::read_to_string(workplace.path("run/out/simulation.toml")).unwrap();
    assert!(record.contains("the CPU; a GPU"), "{record}");
    by_a_gpu(0);
    let args = ["finish", "run", "-q", "--verify", "1", "--backend", "cpu"];
    workplace.refuses(2, &args, &["done by a GPU", "--backend"]);
}

/// What an attempt before wrote where nothing is does not stay.
#[test]
fn what_is_empty_has_no_shard() {
    let shape = [32, 70, 66];
    let workplace = workplace(shape, &[]);
    let mut cells = super::cells(shape);
    cells[16 * 70 * 66..].fill(0);
    workplace.volume(shape, &cells);
    let [_, tasks] = plan(&workplace, "run", "16");
    assert_eq!(tasks, 2);
    facts(&workplace, "run", "cpu");
    task(&workplace, "run", "image", "0", "cpu").succeeded();
    let store = workplace.path("run/out/simulation/channels.ome.zarr");
    let names = files(&store);
    let label = names.iter().find(|name| name.ends_with("/0/c/0/0/0"));
    let label = label.filter(|name| name.starts_with("labels/")).unwrap();
    let empty = store.join(label.replace("/0/c/0/0/0", "/0/c/1/0/0"));
    std::fs::create_dir_all(empty.parent().unwrap()).unwrap();
    fs::copy(store.join(label), &empty).unwrap();
    // What is not the run's is nobody's to remove.
    workplace.write("run/tmp/mine.txt", "mine");
    task(&workplace, "run", "image", "1", "cpu").succeeded();
    assert!(!empty.exists());
    workplace.run(["finish", "run", "-q"]).succeeded();
    assert!(workplace.path("run/tmp/mine.txt").exists());
    assert_alike(
        &whole(&workplace, "cpu"),
        &output(&workplace, "run"),
        "half empty",
    );
}
