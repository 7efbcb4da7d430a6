//! Tasks that several devices of a machine share.

use super::{assert_alike, configure, facts, output, plan, whole, workplace};
use crate::support::gpu;

/// Two workers of one type take turns, and give the bytes of one run.
#[test]
fn devices_of_one_type_share_the_tasks() {
    let workplace = workplace([112, 70, 66], &["labeling.bodies.region=full"]);
    let [_, tasks] = plan(&workplace, "run", "16");
    facts(&workplace, "run", "cpu");
    let told = workplace
        .run(["task", "run", "image", "0..99", "--adapter", "cpu,cpu"])
        .succeeded();
    assert!(
        told.stdout.contains(&format!("done    {tasks} tasks")),
        "{}",
        told.stdout
    );
    workplace.run(["finish", "run", "-q"]).succeeded();
    assert_alike(
        &whole(&workplace, "cpu"),
        &output(&workplace, "run"),
        "cpu,cpu",
    );
}

/// A GPU and the CPU: the record has both, and the end asks before it takes them.
#[test]
fn devices_of_two_types_are_told() {
    if gpu().is_none() {
        return;
    }
    let workplace = workplace([320, 40, 40], &["labeling.bodies.region=full"]);
    plan(&workplace, "run", "16");
    facts(&workplace, "run", "cpu");
    workplace
        .run(["task", "run", "image", "0..99", "-q", "--adapter", "0,cpu"])
        .succeeded();
    let missing = ["status", "run", "--missing", "image"];
    assert_eq!(workplace.run(missing).succeeded().stdout, "");
    workplace.refuses(1, &["finish", "run", "-q"], &["--mixed"]);
    workplace
        .run(["finish", "run", "-q", "--mixed"])
        .succeeded();
    let record = std::fs::read_to_string(workplace.path("run/out/simulation.toml")).unwrap();
    assert!(record.contains("the CPU; "), "{record}");
}

/// What of a list cannot be is told before anything is done.
#[test]
fn lists_of_devices_are_checked() {
    let workplace = workplace([32, 40, 40], &["labeling.bodies.region=full"]);
    plan(&workplace, "run", "16");
    facts(&workplace, "run", "cpu");
    let task = ["task", "run", "image", "0"];
    for (list, code, expected) in [
        (
            &["--adapter", "cpu,999"][..],
            75,
            "no adapter is called \"999\"",
        ),
        (&["--adapter", "cpu,"], 75, "no adapter is called"),
        (
            &["--adapter", "0,cpu", "--backend", "cpu"],
            2,
            "leave it out",
        ),
    ] {
        let args = [&task[..], list].concat();
        workplace.refuses(code, &args, &[expected]);
    }
}

/// Where a configuration does not say how images are written, a plan in tasks does.
#[test]
fn what_tasks_need_is_their_default() {
    let workplace = workplace([32, 40, 40], &[]);
    configure(&workplace, &["labeling.bodies.region=full"]);
    let text = std::fs::read_to_string(workplace.path("config.toml")).unwrap();
    let own = |line: &&str| {
        let keys = [
            "format = ",
            "normalize = ",
            "bit_depth = ",
            "codec = ",
            "shard = ",
            "sim_channels = ",
        ];
        !keys.iter().any(|key| line.starts_with(key))
    };
    let text: Vec<&str> = text.lines().filter(own).collect();
    workplace.write("config.toml", text.join("\n"));
    let plan = |run: &str, more: &[&str]| {
        let plan = ["plan", "config.toml", "--write", run, "--json"];
        let told = workplace.run([&plan[..], more].concat()).succeeded().stdout;
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        told["scale_tasks"].as_u64().unwrap()
    };
    assert_eq!(plan("alone", &[]), 0);
    assert_eq!(plan("asked", &["--set", "output.normalize=channel"]), 1);
}
