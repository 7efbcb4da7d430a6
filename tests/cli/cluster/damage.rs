//! What the end of a run finds.

use super::{assert_alike, output, plan, survey, task, whole, workplace};
use crate::support::{Workplace, files};
use std::fs;
use std::path::PathBuf;

/// A run whose tasks are done, and one of its shards.
fn done() -> (Workplace, PathBuf) {
    let workplace = workplace([32, 70, 66], &[]);
    let [of_survey, tasks] = plan(&workplace, "run", "16");
    assert_eq!(tasks, 2);
    survey(&workplace, "run", of_survey, "cpu");
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
    let of_images = files(&workplace.path("run/receipts"));
    let of_images: Vec<_> = of_images
        .iter()
        .filter(|name| name.contains("/image/"))
        .collect();
    let path = |task: usize| workplace.path("run/receipts").join(of_images[task]);
    let good = fs::read_to_string(path(1)).unwrap();
    let id: String = good.split('"').nth(3).unwrap().to_owned();
    let other = id.replace(&id[..4], "0000");
    fs::write(path(1), good.replace(&id, &other)).unwrap();
    let words = ["1.json", "another plan", "--again"];
    workplace.refuses(1, &["finish", "run", "-q"], &words);
    fs::write(path(1), fs::read(path(0)).unwrap()).unwrap();
    workplace.refuses(1, &["finish", "run", "-q"], &["1.json", "another task"]);
    fs::write(path(1), &good[..good.len() / 2]).unwrap();
    workplace.refuses(1, &["finish", "run", "-q"], &["1.json", "is no receipt"]);
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
    let receipt = files(&workplace.path("run/receipts"));
    let receipt = receipt
        .iter()
        .find(|name| name.contains("/image/") && name.ends_with("/1.json"));
    let receipt = workplace.path("run/receipts").join(receipt.unwrap());
    let text = fs::read_to_string(&receipt).unwrap();
    let now = format!("\"crc32c\":{}", crc32c(&bytes));
    fs::write(&receipt, text.replace(&format!("\"crc32c\":{was}"), &now)).unwrap();
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
    let receipt = files(&workplace.path("run/receipts"));
    let receipt = receipt
        .iter()
        .find(|name| name.ends_with("/image/000000/1.json"));
    let receipt = workplace.path("run/receipts").join(receipt.unwrap());
    let text = fs::read_to_string(&receipt).unwrap();
    let other = text.replace("\"the CPU\",\"gpu\":false", "\"a GPU\",\"gpu\":true");
    assert_ne!(text, other);
    fs::write(&receipt, other).unwrap();
    let words = ["the CPU and a GPU", "--mixed"];
    workplace.refuses(1, &["finish", "run", "-q"], &words);
    workplace
        .run(["finish", "run", "-q", "--mixed"])
        .succeeded();
    let record = fs::read_to_string(workplace.path("run/out/simulation.toml")).unwrap();
    assert!(record.contains("the CPU; a GPU"), "{record}");
}
