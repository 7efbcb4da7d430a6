//! Tasks that are killed at any moment, and done again.

use super::{assert_alike, facts, output, plan, whole, workplace};
use crate::support::{Outcome, files};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[test]
fn what_is_killed_is_done_again() {
    let workplace = workplace([64, 70, 66], &[]);
    let [_, tasks] = plan(&workplace, "run", "16");
    facts(&workplace, "run", "cpu");
    let command = |args: &[&str]| workplace.command(args);
    let all = [
        "task",
        "run",
        "image",
        "0..4",
        "--again",
        "-q",
        "--backend",
        "cpu",
    ];
    let start = Instant::now();
    Outcome::of(&mut command(&all)).succeeded();
    let whole_time = start.elapsed();
    std::fs::remove_dir_all(workplace.path("run/receipts")).unwrap();
    facts(&workplace, "run", "cpu");
    for kill in 0..20u32 {
        // Every second one begins anew, so that shards that are there are replaced too.
        let args = if kill % 2 == 0 {
            &all[..]
        } else {
            &["task", "run", "image", "0..4", "-q", "--backend", "cpu"]
        };
        let mut child = command(args).spawn().unwrap();
        sleep(whole_time * (1 + kill * 7 % 20) / 21);
        let _ = child.kill();
        child.wait().unwrap();
        // A receipt is there whole, or not at all.
        for file in files(&workplace.path("run/receipts")) {
            let text = std::fs::read(workplace.path("run/receipts").join(&file)).unwrap();
            let receipt: Result<serde_json::Value, _> = serde_json::from_slice(&text);
            assert!(receipt.is_ok(), "{file}");
        }
    }
    sleep(Duration::from_millis(10));
    let rest = ["task", "run", "image", "0..4", "-q", "--backend", "cpu"];
    Outcome::of(&mut command(&rest)).succeeded();
    workplace.run(["finish", "run", "-q"]).succeeded();
    assert_alike(
        &whole(&workplace, "cpu"),
        &output(&workplace, "run"),
        "after kills",
    );
    // Nothing is left that does not belong there.
    let known = |file: &String| {
        ["out/", "receipts/", "plan.json"]
            .iter()
            .any(|name| file.starts_with(name))
    };
    let files = files(&workplace.path("run"));
    let unknown: Vec<&String> = files.iter().filter(|file| !known(file)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let receipts = files.iter().filter(|file| file.contains("/image/"));
    assert_eq!(receipts.count() as u64, tasks);
}
