//! What a run takes of the host's memory: no more for a deeper volume, what was planned, and within
//! its budget.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

use support::{Workplace, blocks};

/// Peak of the resident memory of a run, in MB, which it prints.
fn peak_mb(workplace: &Workplace, args: &[&str]) -> f64 {
    let outcome = workplace.simulate(&[&["--force", "--threads", "2"], args].concat());
    let line = outcome
        .stdout
        .lines()
        .find(|line| line.starts_with("memory"));
    let words: Vec<&str> = line
        .expect("a run tells its peak")
        .split_whitespace()
        .collect();
    words[1].parse().unwrap()
}

/// The peak that is planned for the CPU, in MB.
fn planned_mb(workplace: &Workplace, args: &[&str]) -> f64 {
    let all = [
        &[
            "plan",
            "config.toml",
            "--json",
            "--set",
            "compute.threads=2",
        ],
        args,
    ]
    .concat();
    let outcome = workplace.run(all).succeeded();
    let plan: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    plan["devices"][0]["cut"]["host_peak_bytes"]
        .as_f64()
        .unwrap()
        / 1e6
}

fn workplace(shape: [usize; 3]) -> Workplace {
    let workplace = Workplace::new();
    workplace.volume(shape, &blocks(shape));
    workplace
}

/// What the process holds apart from the run: that of a volume of a few voxels.
fn before_mb() -> f64 {
    peak_mb(&workplace([1, 8, 8]), &[])
}

#[test]
fn a_deeper_volume_takes_no_more() {
    let [shallow, deep] = [100, 500].map(|depth| peak_mb(&workplace([depth, 300, 280]), &[]));
    assert!(deep <= 1.15 * shallow, "{deep} MB against {shallow} MB");
}

#[test]
fn the_peak_is_the_planned_one() {
    let workplace = workplace([90, 400, 380]);
    let before = before_mb();
    for budget in ["8GB", "120M"] {
        let args = ["--memory", budget];
        let (planned, peak) = (planned_mb(&workplace, &args), peak_mb(&workplace, &args));
        let taken = peak - before;
        assert!(
            (taken - planned).abs() <= 0.15 * planned,
            "within {budget}: {planned} MB were planned, {taken} MB taken ({before} MB before)"
        );
    }
}
