//! `simexm-gpu bench`: what it measures, writes and refuses, and what `bench compare` makes of it.

use super::schema::mismatches;
use crate::support::{Outcome, Workplace};
use serde_json::Value;
use simexm_gpu::internals::apps::bench::compare::{Verdict, compare};
use simexm_gpu::internals::apps::bench::file::{BenchFile, Equality};
use simexm_gpu::internals::apps::bench::{self, BenchDevice, BenchOptions, Size};
use simexm_gpu::internals::engine::compute::gpu::{GpuBackend, adapters, pick};
use simexm_gpu::internals::engine::compute::{Agreement, Kernel};
use simexm_gpu::internals::engine::stages::blur::rows_to_photons::ROWS_TO_PHOTONS;
use simexm_gpu::internals::engine::stages::{KERNELS, truth::TRUTH};
use simexm_gpu::internals::run::simulation::Silent;
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

const QUICK: [&str; 5] = ["bench", "--size", "tiny", "--repeat", "1"];

fn quick<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&QUICK, args].concat()
}

/// Whether there is an adapter; `SIMEXM_GPU=require` promises one.
fn has_adapter() -> bool {
    let any = !adapters().is_empty();
    if !any {
        let required = std::env::var("SIMEXM_GPU").is_ok_and(|value| value == "require");
        assert!(!required, "SIMEXM_GPU=require, but there is no adapter");
        eprintln!("skipped: no GPU adapter");
    }
    any
}

/// Lets the binary find no adapter.
fn without_adapters(workplace: &Workplace, args: &[&str]) -> Outcome {
    let mut command = workplace.command(args);
    let command = command.env("WGPU_BACKEND", "vulkan");
    let command = command.env("VK_DRIVER_FILES", "/dev/null");
    Outcome::of(command.env("VK_ICD_FILENAMES", "/dev/null"))
}

fn read(workplace: &Workplace, name: &str) -> BenchFile {
    BenchFile::read(&workplace.path(name)).unwrap()
}

#[test]
fn all_devices_are_measured_and_agree() {
    let workplace = Workplace::new();
    let args = ["--all", "--json", "a.json", "--html", "a.html"];
    let outcome = workplace.run(quick(&args)).succeeded();
    let file = read(&workplace, "a.json");
    let text = fs::read_to_string(workplace.path("a.json")).unwrap();
    let schema = fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bench.schema.json"),
    );
    let schema: Value = serde_json::from_str(&schema.unwrap()).unwrap();
    let instance: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(mismatches(&schema, &instance), Vec::<String>::new());
    // The schema does not take just anything.
    for (pointer, wrong) in [
        ("/devices/0/runs/0/seconds/median", Value::from(-1.0)),
        (
            "/devices/0/runs/0/checksums/0/equality",
            Value::from("nearly"),
        ),
        ("/machine/surplus", Value::from(1)),
    ] {
        let mut other = instance.clone();
        match other.pointer_mut(pointer) {
            Some(place) => *place = wrong,
            None => other["machine"]["surplus"] = wrong,
        }
        assert_eq!(mismatches(&schema, &other).len(), 1, "{pointer}");
    }

    assert_eq!(file.devices.len(), 1 + adapters().len());
    for device in &file.devices {
        assert_eq!(device.error, None, "{}", device.name);
        assert!(outcome.stdout.contains(&device.name), "{}", outcome.stdout);
        let passes = device.runs.iter().flat_map(|run| &run.passes);
        let passes: BTreeSet<&str> = passes.map(|pass| pass.pass.as_str()).collect();
        let names: BTreeSet<&str> = KERNELS.iter().map(|kernel| kernel.name).collect();
        assert_eq!(passes, names, "{}", device.name);
        // Every kernel with integer results is looked at.
        let checksums = || device.runs.iter().flat_map(|run| &run.checksums);
        for kernel in KERNELS {
            let is_looked_at =
                checksums().any(|c| c.result.starts_with(&format!("{}: ", kernel.name)));
            let expected = kernel.agreement != Agreement::Rounding;
            assert_eq!(is_looked_at, expected, "{}", kernel.name);
        }
        for c in checksums() {
            let rounding = c.equality == Equality::Rounding;
            assert_eq!(
                (c.sum.is_some(), c.sum_bound.is_some()),
                (rounding, rounding)
            );
            assert!(c.values > 0, "{c:?}");
        }
        for run in &device.runs {
            let spread = run.seconds;
            assert!(0.0 < spread.min && spread.min <= spread.median && spread.median <= spread.max);
        }
        assert!(device.copy_bytes_per_second > Some(1e6), "{device:?}");
    }
    assert_eq!(file.crossovers.len(), 4 * adapters().len());
    assert_eq!(file.devices[0].adapter, None);

    let page = fs::read_to_string(workplace.path("a.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    for word in [
        "Content-Security-Policy",
        "viewport",
        "<svg",
        "scatter",
        "fine pixels",
    ] {
        assert!(page.contains(word), "{word}");
    }
    for request in [
        "http:", "https:", "src=", "url(", "@import", "<link", "<script",
    ] {
        assert!(!page.contains(request), "{request}");
    }

    // A second time, and both side by side.
    workplace.refuses(2, &quick(&["--json", "a.json"]), &["a.json", "force"]);
    workplace
        .run(quick(&["--json", "a.json", "--force", "-q"]))
        .succeeded();
    workplace
        .run(quick(&["--all", "--json", "b.json"]))
        .succeeded();
    let compared = workplace
        .run(["bench", "compare", "a.json", "b.json"])
        .succeeded();
    for word in [
        "[1] CPU",
        "[2] CPU",
        "brainbow",
        "whole run",
        "equal to the bit",
    ] {
        assert!(
            compared.stdout.contains(word),
            "{word}: {}",
            compared.stdout
        );
    }
    assert!(!compared.stdout.contains("DIFFER"), "{}", compared.stdout);
}

/// Measures with another line in a kernel's shader.
fn measured_with(kernel: &'static Kernel, from: &str, to: &str) -> BenchFile {
    assert!(kernel.source.contains(from), "{from} in {}", kernel.name);
    let source: &'static str = Box::leak(kernel.source.replace(from, to).into_boxed_str());
    let index = pick(&adapters(), None, true).unwrap();
    let summary = adapters().swap_remove(index);
    let device = BenchDevice {
        open: Box::new(move || {
            let mut gpu = GpuBackend::open(Some(&index.to_string()), true)?;
            gpu.alter_shader(kernel, source);
            Ok(Box::new(gpu))
        }),
        ..BenchDevice::adapter(index, summary)
    };
    let options = BenchOptions {
        size: Some(Size::Tiny),
        repeat: 1,
        time: Duration::from_secs(600),
        size_time: Duration::from_secs(30),
        memory_bytes: u64::MAX,
    };
    let file = bench::measure(
        vec![BenchDevice::cpu(), device],
        options,
        &mut Silent,
        &mut |_| Ok(()),
    )
    .unwrap();
    assert!(!file.is_sound());
    file
}

#[test]
fn a_wrong_shader_is_seen() {
    if !has_adapter() {
        return;
    }
    let workplace = Workplace::new();
    workplace.run(quick(&["--json", "right.json"])).succeeded();
    let right = read(&workplace, "right.json");

    // Each ground truth shows the cell after the one it should.
    let wrong = measured_with(&TRUTH, "seen = cell;", "seen = cell + 1u;");
    workplace.write("wrong.json", serde_json::to_string(&wrong).unwrap());
    let outcome = workplace.run(["bench", "compare", "right.json", "wrong.json"]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.tells(&["error: ", "differ"]), "{outcome:?}");
    assert!(outcome.stdout.contains("DIFFER"), "{}", outcome.stdout);
    let named = |words: &[&str]| {
        let mut lines = outcome.stdout.lines();
        lines.any(|line| words.iter().all(|word| line.contains(word)))
    };
    assert!(named(&["brainbow", "tiny", "truth: ground truth", "equal"]));
    let both = [("a".to_owned(), right), ("b".to_owned(), wrong)];
    let rows = compare(&both).unwrap().rows;
    // Nothing else is accused, and where no cell carries a dye the result is right after all.
    let accused = rows.iter().filter(|row| row.verdict != Verdict::Equal);
    let accused: BTreeSet<&str> = accused
        .filter(|row| row.verdict != Verdict::Within)
        .map(|row| row.result.as_str())
        .collect();
    let of_truth = |result: &&str| result.contains("ground truth");
    assert!(
        accused.len() > 1 && accused.iter().all(of_truth),
        "{accused:?}"
    );
    assert!(bench::page(&both[1].1).contains("Results that differ"));

    // A blur that is too bright: further off than rounding goes, while the stages behind it are
    // right.
    let wrong = measured_with(
        &ROWS_TO_PHOTONS,
        "value, 0.0, MOST",
        "1.01 * value, 0.0, MOST",
    );
    let devices: Vec<_> = wrong.devices.iter().collect();
    let rows = bench::verdicts::results(&devices);
    let beyond = rows.iter().filter(|row| row.verdict == Verdict::Beyond);
    let beyond: BTreeSet<&str> = beyond.map(|row| row.result.as_str()).collect();
    assert!(
        beyond.contains("rows_to_photons: blurred slices"),
        "{beyond:?}"
    );
    assert!(
        rows.iter().all(|row| row.verdict != Verdict::Unequal),
        "{rows:?}"
    );
}

#[test]
fn without_an_adapter_the_cpu_is_measured() {
    let workplace = Workplace::new();
    let outcome = without_adapters(&workplace, &quick(&["--json", "a.json"])).succeeded();
    assert!(
        outcome.tells(&["CPU alone", "no GPU adapter"]),
        "{outcome:?}"
    );
    let file = read(&workplace, "a.json");
    assert_eq!((file.devices.len(), file.crossovers.len()), (1, 0));
    without_adapters(&workplace, &quick(&["--all", "-q"])).succeeded();
    let named = without_adapters(&workplace, &quick(&["--adapter", "0"]));
    assert_eq!(named.code, Some(2), "{named:?}");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let workplace = Workplace::new();
    if has_adapter() {
        let name = adapters().swap_remove(0).name;
        let args = quick(&["--adapter", "Voodoo"]);
        workplace.refuses(2, &args, &["error: ", "Voodoo", "of these", &name]);
    }
    for args in [
        &["bench", "--adapter", "0", "--all"][..],
        &["bench", "--repeat", "0"],
        &["bench", "--size", "huge"],
        &["bench", "compare", "one.json"],
    ] {
        let outcome = workplace.run(args);
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
    }
    let same = ["--json", "a.json", "--html", "a.json"];
    workplace.refuses(2, &quick(&same), &["--json", "--html", "same"]);
    let mut command = workplace.command(QUICK);
    workplace.fails(2, command.env("SIMEXM_BACKEND", "abacus"), &["abacus"]);
}

#[test]
fn files_that_cannot_be_compared_are_named() {
    let workplace = Workplace::new();
    without_adapters(&workplace, &quick(&["--json", "good.json"])).succeeded();
    let good = fs::read_to_string(workplace.path("good.json")).unwrap();
    let broken = [
        ("half.json", good[..good.len() / 2].to_owned(), "no JSON"),
        ("other.json", "{\"a\": 1}".to_owned(), "\"schema\""),
        (
            "old.json",
            good.replace("\"schema\": 1", "\"schema\": 0"),
            "version 0",
        ),
        (
            "odd.json",
            good.replace("\"devices\"", "\"machines\""),
            "devices",
        ),
        (
            "text.json",
            good.replace("\"voxels\": 32768", "\"voxels\": \"x\""),
            "line",
        ),
    ];
    for (name, text, word) in broken {
        assert_ne!(text, good);
        workplace.write(name, text);
        let args = ["bench", "compare", "good.json", name];
        workplace.refuses(2, &args, &["error: ", name, word]);
    }
    let args = ["bench", "compare", "good.json", "none.json"];
    workplace.refuses(2, &args, &["error: ", "none.json"]);
    workplace.write("small.json", good.replace("\"tiny\"", "\"small\""));
    let args = ["bench", "compare", "good.json", "small.json"];
    workplace.refuses(
        2,
        &args,
        &["nothing to compare", "good.json: tiny", "small.json: small"],
    );
}

#[cfg(unix)]
#[test]
fn a_bench_that_is_interrupted_writes_nothing() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let workplace = Workplace::new();
    let args = [
        "bench", "--size", "tiny", "--repeat", "1000", "--json", "a.json",
    ];
    let mut command = workplace.command(args);
    let command = command.env("SIMEXM_BACKEND", "cpu");
    let command = command.stderr(Stdio::piped()).stdout(Stdio::null());
    let mut bench = command.spawn().unwrap();
    let mut lines = BufReader::new(bench.stderr.take().unwrap()).lines();
    let begins = |line: std::io::Result<String>| line.unwrap().starts_with("measuring");
    assert!(lines.any(begins));
    kill(Pid::from_raw(bench.id() as i32), Signal::SIGINT).unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(bench.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(!workplace.path("a.json").exists());
}
