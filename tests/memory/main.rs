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

/// Puts an input of the fuzzer into the folder, as `input`: a file, or one that was split into the
/// files of a folder, each behind its length and a byte that says whether it is there.
fn place(workplace: &Workplace, name: &str, bytes: &[u8]) {
    let names = match name.split('-').next() {
        Some("volume") => return workplace.write("input", bytes),
        Some("cells") => ["a.tif", "b.npy", "c/0.png", "c/1.png"],
        _ => ["0.png", "1.png", "2.tif", "3.tif"],
    };
    let mut rest = bytes;
    for (number, name) in names.iter().enumerate() {
        let &[low, high, flags, ref content @ ..] = rest else {
            return;
        };
        let length = usize::from(u16::from_le_bytes([low, high])).min(content.len());
        if flags & 1 == 0 || number == 0 {
            workplace.write(&format!("input/{name}"), &content[..length]);
        }
        rest = &content[length..];
    }
}

/// What damaged tags announce is not set aside before the file has it.
#[test]
fn reading_sets_aside_no_more_than_a_file_is_worth() {
    let check = |workplace: &Workplace, kilobytes: u64| {
        let line = format!(
            "ulimit -v {kilobytes}; exec {} check config.toml",
            support::BINARY
        );
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &line]);
        workplace.prepare(&mut command);
        command.env("RAYON_NUM_THREADS", "1");
        let nothing = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];
        command.envs(nothing.map(|name| (name, "/dev/null")));
        command.output().unwrap()
    };
    let workplace = Workplace::new();
    let plain = (1..64).map(|step| step << 15).find(|&kilobytes| {
        let outcome = check(&workplace, kilobytes);
        outcome.status.code() == Some(0)
    });
    let most = plain.expect("a small volume can be checked") + (64 << 10);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz");
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let workplace = Workplace::new();
        place(&workplace, name, &std::fs::read(&path).unwrap());
        let form = match name.starts_with("cells") {
            true => "\"input\"\ngt_cells = \"splitted\"",
            false => "\"input\"",
        };
        workplace.configure(&[("\"cells.tif\"", form)]);
        let outcome = check(&workplace, most);
        let message = String::from_utf8_lossy(&outcome.stderr);
        assert!(outcome.status.code().is_some(), "{name}: {message}");
        assert!(
            message.is_empty() || message.contains("input"),
            "{name}: {message}"
        );
        inputs += 1;
    }
    assert!(inputs >= 9);
}
