//! What a run prints and where, which setting wins, and how a run ends that is interrupted or that
//! nobody reads.

use crate::support::{Outcome, Workplace, blocks, files, images};
use std::process::Command;

/// Lets a command find no GPU.
fn without_adapters(command: &mut Command) -> &mut Command {
    command
        .env("WGPU_BACKEND", "vulkan")
        .env("VK_DRIVER_FILES", "/dev/null")
        .env("VK_ICD_FILENAMES", "/dev/null")
}

/// Runs without a GPU to be found.
fn run_without_adapters(workplace: &Workplace, args: &[&str]) -> Outcome {
    Outcome::of(without_adapters(&mut workplace.command(args)))
}

#[test]
fn a_flag_wins_over_the_environment_over_the_configuration() {
    let workplace = Workplace::new();
    // Where there is no adapter, the warning shows that the GPU was asked for.
    let asks_for_gpu = |configured: &str, environment: Option<&str>, args: &[&str]| {
        workplace.configure(&[("backend = \"cpu\"\n", configured)]);
        let mut command = workplace.command([&["config.toml"], args].concat());
        if let Some(value) = environment {
            command.env("SIMEXM_BACKEND", value);
        }
        let outcome = Outcome::of(without_adapters(&mut command)).succeeded();
        let warned = outcome.tells(&["warning: ", "no GPU is used"]);
        assert_eq!(outcome.warnings().len(), usize::from(warned), "{outcome:?}");
        warned
    };
    let (cpu, gpu) = ("backend = \"cpu\"\n", "backend = \"gpu\"\n");
    assert!(!asks_for_gpu("", None, &[]));
    assert!(!asks_for_gpu(cpu, None, &[]));
    assert!(asks_for_gpu(gpu, None, &[]));
    assert!(asks_for_gpu(cpu, Some("gpu"), &[]));
    assert!(!asks_for_gpu(gpu, Some("cpu"), &[]));
    assert!(!asks_for_gpu(gpu, Some("auto"), &[]));
    assert!(asks_for_gpu(gpu, Some(""), &[]));
    assert!(!asks_for_gpu(gpu, Some("gpu"), &["--backend", "cpu"]));
    assert!(asks_for_gpu(cpu, Some("cpu"), &["--backend", "gpu"]));
    assert!(asks_for_gpu(
        cpu,
        Some("cpu"),
        &["--set", "compute.backend=gpu"]
    ));
    assert!(!asks_for_gpu(
        cpu,
        None,
        &["--set", "compute.backend=gpu", "--backend", "cpu"]
    ));
    assert!(!asks_for_gpu(
        "",
        None,
        &["--adapter", "0", "--backend", "cpu"]
    ));
}

#[test]
fn without_an_adapter_the_cpu_does_the_same_and_says_why() {
    let workplace = Workplace::new();
    workplace.simulate(&["--output", "cpu"]);
    let args = ["config.toml", "--backend", "gpu", "--output", "gpu"];
    let outcome = run_without_adapters(&workplace, &args).succeeded();
    assert!(outcome.tells(&[
        "warning: ",
        "the CPU does the work",
        "no GPU adapter was found"
    ]));
    assert_eq!(outcome.warnings().len(), 1, "{outcome:?}");
    assert!(outcome.stdout.contains("device  CPU"));
    assert_eq!(
        images(&workplace.path("cpu")),
        images(&workplace.path("gpu"))
    );
    assert_eq!(
        workplace.record("gpu")["run"]["backend"].as_str(),
        Some("cpu")
    );
    let args = ["config.toml", "--backend", "auto", "--output", "auto"];
    let outcome = run_without_adapters(&workplace, &args).succeeded();
    assert_eq!(outcome.warnings(), Vec::<&str>::new());
    assert!(
        outcome.tells(&["using the CPU", "less time than a GPU needs to start"]),
        "{outcome:?}"
    );
    assert_eq!(
        images(&workplace.path("cpu")),
        images(&workplace.path("auto"))
    );
}

#[test]
fn timings_tell_bytes_and_rates_of_every_pass() {
    let workplace = Workplace::new();
    let outcome = workplace.simulate(&["-q", "--timings"]);
    let lines: Vec<Vec<&str>> = outcome
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["pass", "calls", "ms", "MB", "GB/s"]);
    let record = workplace.record("out");
    let passes = record["run"]["passes"].as_array().unwrap();
    // The header, the passes, and their sum.
    assert_eq!(lines.len(), passes.len() + 2, "{outcome:?}");
    for (line, pass) in lines[1..].iter().zip(passes) {
        assert_eq!(pass["pass"].as_str(), Some(line[0]));
        let number = |key: &str| pass[key].as_integer().unwrap();
        assert_eq!(number("calls").to_string(), line[1], "{pass}");
        assert_eq!(format!("{:.3}", number("bytes") as f64 / 1e6), line[3]);
        assert!(pass["seconds"].as_float().unwrap() >= 0.0);
    }
    let names: Vec<&str> = lines[1..].iter().map(|line| line[0]).collect();
    for pass in ["scatter", "emit", "filter", "bin", "normalise", "all"] {
        assert!(names.contains(&pass), "{names:?}");
    }
}

#[test]
fn quiet_prints_nothing() {
    let workplace = Workplace::new();
    for backend in ["cpu", "auto"] {
        let args = ["config.toml", "-q", "--backend", backend];
        let outcome = run_without_adapters(&workplace, &args).succeeded();
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    }
    assert_eq!(files(&workplace.path("out")).len(), 6);
    // Warnings are no chatter.
    let outcome = workplace.simulate(&["-q", "--set", "optics.exposure_time=0"]);
    assert!(!outcome.warnings().is_empty());
    assert_eq!(
        outcome.warnings().len(),
        outcome.stderr.lines().count(),
        "{outcome:?}"
    );
}

#[test]
fn devices_with_and_without_adapters() {
    let workplace = Workplace::new();
    let outcome = run_without_adapters(&workplace, &["devices"]).succeeded();
    assert!(
        outcome.stdout.contains("No GPU adapter was found"),
        "{outcome:?}"
    );
    assert_eq!(outcome.stderr, "");
    let outcome = workplace.run(["devices"]).succeeded();
    let listed = outcome.stdout.starts_with("0: ") && outcome.stdout.contains("driver");
    assert!(
        listed || outcome.stdout.contains("No GPU adapter was found"),
        "{outcome:?}"
    );
}

#[test]
fn the_help_tells_flags_and_exit_codes() {
    let workplace = Workplace::new();
    for flag in ["--help", "-h"] {
        let help = workplace.run([flag]).succeeded().stdout;
        let options = [
            "--backend",
            "--adapter",
            "--seed",
            "--output",
            "--threads",
            "--set",
            "--force",
            "--resume",
            "--quiet",
        ];
        let rest = [
            "<CONFIG>",
            "devices",
            "phantom",
            "SIMEXM_BACKEND",
            "auto|gpu|cpu",
        ];
        let codes = [
            "Exit codes:",
            "0 done",
            "1 failed",
            "2 bad usage or configuration",
            "130 interrupted",
        ];
        for word in options.iter().chain(&rest).chain(&codes) {
            assert!(help.contains(word), "{word} in {help}");
        }
    }
    let version = workplace.run(["--version"]).succeeded().stdout;
    assert_eq!(
        version.trim(),
        concat!("simexm-gpu ", env!("CARGO_PKG_VERSION"))
    );
}

/// Whoever reads may stop reading.
#[cfg(unix)]
#[test]
fn closed_pipes_do_not_matter() {
    use std::process::Stdio;
    let workplace = Workplace::new();
    workplace.simulate(&["--output", "whole"]);
    let nobody = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let ends = |args: &[&str], stdout: Stdio, stderr: Stdio| {
        let mut command = workplace.command(args);
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        command.status().unwrap().code()
    };
    assert_eq!(ends(&["--help"], nobody(), Stdio::null()), Some(0));
    assert_eq!(ends(&["devices"], nobody(), Stdio::null()), Some(0));
    assert_eq!(ends(&["config.toml"], nobody(), Stdio::null()), Some(0));
    assert_eq!(ends(&["nothing.toml"], Stdio::null(), nobody()), Some(2));
    let dark = [
        "config.toml",
        "--set",
        "optics.exposure_time=0",
        "--output",
        "dark",
    ];
    assert_eq!(ends(&dark, nobody(), nobody()), Some(0));
    assert_eq!(ends(&["config.toml"], nobody(), nobody()), Some(0));
    assert_eq!(
        images(&workplace.path("out")),
        images(&workplace.path("whole"))
    );
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing_behind() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;
    let workplace = Workplace::new();
    workplace.simulate(&["--output", "earlier"]);
    let shape = [60, 270, 240];
    workplace.volume(shape, &blocks(shape));
    let before = crate::support::snapshot(workplace.folder());
    for (signal, output) in [
        (Signal::SIGINT, "new"),
        (Signal::SIGTERM, "new"),
        (Signal::SIGINT, "earlier"),
    ] {
        let args = ["config.toml", "--threads", "1", "--output", output];
        let mut command = workplace.command(args);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut run = command.spawn().unwrap();
        let mut stderr = BufReader::new(run.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("reading the ground truth:") {
            line.clear();
            assert_ne!(
                stderr.read_line(&mut line).unwrap(),
                0,
                "the run ended early"
            );
        }
        kill(Pid::from_raw(run.id() as i32), signal).unwrap();
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        assert_eq!(run.wait().unwrap().code(), Some(130), "{signal}: {rest}");
        assert!(rest.contains("interrupted"), "{rest}");
        crate::support::assert_same(&before, &crate::support::snapshot(workplace.folder()));
    }
}

#[cfg(unix)]
#[test]
fn a_ground_truth_of_many_cells_stops_when_asked() {
    let workplace = Workplace::new();
    let shape = [40, 180, 180];
    let ids: Vec<u16> = (0..shape[0] * shape[1] * shape[2])
        .map(|i| (1 + (i / 180 % 180) / 3 * 60 + (i % 180) / 3) as u16)
        .collect();
    workplace.volume(shape, &ids);
    let keys = "path = \"out\"\nformat = \"image sequence\"\ngt_cells = \"splitted\"";
    workplace.configure(&[
        ("path = \"out\"", keys),
        ("focal_plane_depth = 320", "focal_plane_depth = 160"),
    ]);
    let mut command = workplace.command(["config.toml"]);
    command
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut told = std::io::BufReader::new(child.stderr.take().unwrap());
    // Everything before has ended when its last stage is told.
    let mut line = String::new();
    while !line.starts_with("normalising and writing") {
        line.clear();
        assert_ne!(
            std::io::BufRead::read_line(&mut told, &mut line).unwrap(),
            0
        );
    }
    let process = nix::unistd::Pid::from_raw(child.id() as i32);
    nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGINT).unwrap();
    let asked = std::time::Instant::now();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    // No speed is claimed: thousands of files would take minutes.
    assert!(asked.elapsed().as_secs() < 30);
    // What went before is kept, and no cell that is not complete.
    assert_eq!(
        files(&workplace.path("out")),
        ["tissue/.simulation.journal"]
    );
}

/// A run whose messages nobody takes waits for that; a second signal ends it all the same.
#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_a_run_that_waits() {
    use nix::sys::signal::{Signal, kill};
    use std::io::Write;
    use std::time::{Duration, Instant};
    let workplace = Workplace::new();
    let (_reader, mut writer) = std::io::pipe().unwrap();
    // As much as the pipe takes.
    writer.write_all(&[b'.'; 1 << 16]).unwrap();
    let mut command = workplace.command(["config.toml"]);
    let mut run = command.stderr(writer).spawn().unwrap();
    let process = nix::unistd::Pid::from_raw(run.id() as i32);
    let listens = || {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        u64::from_str_radix(caught.unwrap().trim(), 16).unwrap() >> (Signal::SIGINT as u32 - 1) & 1
            == 1
    };
    let started = Instant::now();
    while !listens() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "it does not listen"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        kill(process, signal).unwrap();
        std::thread::sleep(Duration::from_millis(200));
    }
    let asked = Instant::now();
    while run.try_wait().unwrap().is_none() {
        if asked.elapsed() > Duration::from_secs(10) {
            kill(process, Signal::SIGKILL).unwrap();
            panic!("two signals did not end it");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
