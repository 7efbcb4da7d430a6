//! Runs that are stopped, and go on with `--resume`: killed at any moment, interrupted, out of
//! disk.

use crate::support::{Outcome, Workplace, blocks, files, images};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Numbers of threads whose slabs are 16 slices deep, and 24.
const THREADS: [&[&str]; 2] = [&["--threads", "2"], &["--threads", "12"]];
const GPU: &str = "compute.backend=gpu";
/// Several slabs deep; every second slice is imaged.
const SHAPE: [usize; 3] = [120, 90, 80];
/// Where a run keeps what is finished.
const JOURNAL: &str = "out/tissue/.simulation.journal";

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.volume(SHAPE, &blocks(SHAPE));
    workplace
}

/// Starts `config.toml`.
fn start(workplace: &Workplace, args: &[&str]) -> Child {
    let mut command = workplace.command([&["config.toml"], args].concat());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until a run has finished some slices.
fn wait_for_journal(workplace: &Workplace, run: &mut Child) {
    let journal = workplace.path(JOURNAL);
    while !journal.exists() {
        assert!(run.try_wait().unwrap().is_none(), "the run ended early");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// How a run ended that was started.
fn end(run: Child) -> Outcome {
    let output = run.wait_with_output().unwrap();
    // A pipe that was taken is empty here.
    Outcome {
        code: output.status.code(),
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Kills a run when it has finished some slices.
fn leave_unfinished(workplace: &Workplace, args: &[&str]) {
    let mut run = start(workplace, args);
    wait_for_journal(workplace, &mut run);
    run.kill().unwrap();
    assert_eq!(end(run).code, None, "the run ended early");
    assert!(workplace.path(JOURNAL).exists());
}

/// Kills runs at random moments until ten were, and lets the last one end; asserts that the output
/// is that of a run that nobody disturbed. Every third run is run the other way.
fn killed_and_resumed(workplace: &Workplace, ways: [&[&str]; 2]) {
    let whole = [&["--output", "whole"], ways[0]].concat();
    workplace.simulate(&whole);
    let begin = Instant::now();
    workplace.simulate(&whole);
    let whole_run = begin.elapsed();
    let (mut kills, mut resumed, mut draw) = (0, 0, 12345u64);
    while kills < 10 {
        let way = ways[usize::from(kills % 3 == 2)];
        let mut run = start(workplace, &[&["--resume"], way].concat());
        draw = draw
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let share = f64::from((draw >> 33) as u32) / f64::from(1u32 << 31);
        std::thread::sleep(whole_run.mul_f64(0.1 + share));
        run.kill().unwrap();
        let outcome = end(run);
        kills += usize::from(outcome.code.is_none());
        resumed += usize::from(outcome.tells(&["going on: "]));
        assert!(matches!(outcome.code, None | Some(0)), "{outcome:?}");
    }
    assert!(resumed > 0, "no run went on");
    workplace.simulate(&[&["--resume"], ways[0]].concat());
    same_output(workplace);
}

/// The output is that of the run in `whole`, and nothing else is left.
fn same_output(workplace: &Workplace) {
    assert_eq!(
        files(&workplace.path("out")),
        files(&workplace.path("whole"))
    );
    let same = images(&workplace.path("out")) == images(&workplace.path("whole"));
    assert!(same, "the output is another");
}

#[test]
fn a_run_that_is_killed_at_any_moment_goes_on() {
    killed_and_resumed(&workplace(), THREADS);
}

#[test]
fn so_does_one_with_a_volume_for_each_cell() {
    let workplace = Workplace::new();
    let [depth, rows, columns] = SHAPE;
    let id = |voxel: usize| {
        let (z, x, y) = (
            voxel / columns / rows,
            voxel / columns % rows,
            voxel % columns,
        );
        1 + 4 * (z / 50) + 2 * (x / 45) + y / 40
    };
    let ids: Vec<u16> = (0..depth * rows * columns)
        .map(|voxel| id(voxel) as u16)
        .collect();
    workplace.volume(SHAPE, &ids);
    let keys = "path = \"out\"\nformat = \"image sequence\"\ngt_cells = \"splitted\"\nsim_channels = \"merged\"";
    workplace.configure(&[("path = \"out\"", keys)]);
    killed_and_resumed(&workplace, THREADS);
}

/// Exposures are finished slab by slab, and their light comes from slices before and behind.
#[test]
fn so_does_one_of_the_physical_model() {
    let workplace = workplace();
    workplace.configure(&[
        (
            "[groundtruth]",
            "[model]\nkind = \"physical\"\n\n[groundtruth]",
        ),
        ("objective_back_aperture = 1.0\n", ""),
        ("baseline_noise = 0\n", "psf_depth_truncation = 0.2\n"),
        ("exposure_time = 0.1", "exposure_time = 1e-5"),
        ("path = \"out\"", "path = \"out\"\nexpected = true"),
        ("390\nlaser_power = 50", "390\nlaser_power = 2e-5"),
        ("640\nlaser_power = 50", "640\nlaser_power = 2e-5"),
    ]);
    killed_and_resumed(&workplace, THREADS);
    let expected = workplace.path("out").join("tissue/expected");
    assert!(expected.is_dir(), "{:?}", files(&workplace.path("out")));
}

/// How a device would cut the run with these arguments: slabs and tiles.
fn cut(workplace: &Workplace, args: &[&str]) -> (u64, u64) {
    let outcome = workplace.run([&["plan", "config.toml", "--json"], args].concat());
    let plan: serde_json::Value = serde_json::from_str(&outcome.succeeded().stdout).unwrap();
    let cut = &plan["devices"][0]["cut"];
    (
        cut["slabs"].as_u64().unwrap(),
        cut["tiles"][0].as_u64().unwrap() * cut["tiles"][1].as_u64().unwrap(),
    )
}

#[test]
fn a_run_on_a_gpu_goes_on() {
    if crate::support::gpu().is_none() {
        return;
    }
    let workplace = workplace();
    let ways = ["18M", "22M"].map(|memory| ["--gpu-memory", memory, "--set", GPU]);
    for way in &ways {
        let (slabs, tiles) = cut(&workplace, way);
        assert!(slabs > 4 && tiles == 1, "{slabs} slabs, {tiles} tiles");
    }
    killed_and_resumed(&workplace, [&ways[0], &ways[1]]);
}

#[test]
fn so_does_one_in_tiles() {
    if crate::support::gpu().is_none() {
        return;
    }
    let workplace = Workplace::new();
    let shape = [60, 1300, 12];
    workplace.volume(shape, &blocks(shape));
    workplace.configure(&[("protein_noise = 0.3", "")]);
    let ways = ["15M", "100M"].map(|memory| ["--gpu-memory", memory, "--set", GPU]);
    let (slabs, tiles) = cut(&workplace, &ways[0]);
    assert!(slabs > 4 && tiles > 1, "{slabs} slabs, {tiles} tiles");
    // What was begun in tiles goes on in tiles, whatever the memory is then.
    assert_eq!(cut(&workplace, &ways[1]).1, 1);
    killed_and_resumed(&workplace, [&ways[0], &ways[1]]);
}

/// Files that have no name yet are removed by the next run, even by one that writes others.
#[test]
fn a_run_killed_before_its_first_slab_leaves_nothing_behind() {
    let workplace = workplace();
    let begun = workplace.path("out/tissue/.simulation.part/new/simulation/channel_0.tiff");
    let mut left = 0;
    while left == 0 {
        let mut run = start(&workplace, &["--threads", "1"]);
        // Its files are there, and nothing is finished.
        while !begun.exists() {
            assert!(run.try_wait().unwrap().is_none(), "the run ended early");
        }
        run.kill().unwrap();
        end(run);
        left = usize::from(!workplace.path(JOURNAL).exists());
        if left == 0 {
            std::fs::remove_dir_all(workplace.path("out")).unwrap();
        }
    }
    workplace.configure(&[("ATTO647N", "ATTO700")]);
    workplace.simulate(&["--output", "whole"]);
    workplace.simulate(&[]);
    same_output(&workplace);
}

#[test]
fn an_interrupted_run_says_that_it_can_go_on() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use std::io::{BufRead, BufReader, Read};
    let workplace = workplace();
    workplace.simulate(&["--output", "whole"]);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut run = start(&workplace, &["--resume"]);
        // From the first line on it knows what to do with signals.
        let mut stderr = BufReader::new(run.stderr.take().unwrap());
        let mut told = String::new();
        stderr.read_line(&mut told).unwrap();
        wait_for_journal(&workplace, &mut run);
        kill(Pid::from_raw(run.id() as i32), signal).unwrap();
        stderr.read_to_string(&mut told).unwrap();
        let outcome = Outcome {
            stderr: told,
            ..end(run)
        };
        assert_eq!(outcome.code, Some(130), "{outcome:?}");
        let words = ["interrupted; ", "of 60 slices are done", "--resume"];
        assert!(outcome.tells(&words), "{outcome:?}");
        assert_eq!(
            files(&workplace.folder().join("out")),
            ["tissue/.simulation.journal"]
        );
    }
    let outcome = workplace.simulate(&["--resume"]);
    assert!(
        outcome.tells(&["going on: ", "of 60 slices"]),
        "{outcome:?}"
    );
    same_output(&workplace);
    // There is nothing left to go on with.
    let outcome = workplace.simulate(&["--resume"]);
    assert!(outcome.tells(&["no unfinished run", "from the beginning"]));
    same_output(&workplace);
}

#[test]
fn without_the_flag_a_run_starts_anew_and_says_what_it_replaces() {
    let workplace = workplace();
    workplace.simulate(&["--output", "whole"]);
    leave_unfinished(&workplace, &["--seed", "8"]);
    let journal = std::fs::read(workplace.path(JOURNAL)).unwrap();
    // Until the new run has finished something, the other can go on.
    let mut run = start(&workplace, &[]);
    std::thread::sleep(Duration::from_millis(30));
    run.kill().unwrap();
    end(run);
    if std::fs::read(workplace.path(JOURNAL)).unwrap() == journal {
        let words = ["cannot go on", "the seed was 8 and is 7"];
        workplace.refuses(1, &["config.toml", "--resume"], &words);
    }
    let outcome = workplace.simulate(&[]);
    let words = ["warning: ", "unfinished run", "of 60 slices", "--resume"];
    assert!(outcome.tells(&words), "{outcome:?}");
    same_output(&workplace);
}

#[test]
fn another_run_cannot_go_on_and_is_told_why() {
    let workplace = workplace();
    leave_unfinished(&workplace, &[]);
    let refused = |args: &[&str], words: &[&str]| {
        let args = [&["config.toml", "--resume"], args].concat();
        let words = [&["cannot go on", "start anew without --resume"], words].concat();
        workplace.refuses(1, &args, &words);
    };
    refused(
        &["--set", "optics.exposure_time=0.2"],
        &["optics.exposure_time was 0.1 and is 0.2"],
    );
    refused(&["--seed", "9"], &["the seed was 7 and is 9"]);
    refused(
        &["--set", "labeling.bodies.region=full"],
        &["labeling.bodies.region was \"cytosol\" and is \"full\""],
    );
    // What it is computed on, and where from, is no matter.
    let volume = workplace.path("cells.tif");
    let file = std::fs::File::options().write(true).open(&volume).unwrap();
    let before = file.metadata().unwrap().modified().unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    refused(&[], &["cells.tif was written to since"]);
    file.set_modified(before).unwrap();
    let outcome = workplace.simulate(&["--resume", "--threads", "1"]);
    assert!(outcome.tells(&["going on: "]), "{outcome:?}");
}

#[test]
fn a_seed_that_was_drawn_is_kept() {
    let workplace = workplace();
    workplace.configure(&[("seed = 7\n", "")]);
    leave_unfinished(&workplace, &[]);
    let outcome = workplace.simulate(&["--resume"]);
    assert!(outcome.tells(&["going on: "]), "{outcome:?}");
    let record = workplace.record("out");
    let seed = match &record["compute"]["seed"] {
        toml::Value::String(digits) => digits.clone(),
        number => number.to_string(),
    };
    workplace.simulate(&["--output", "whole", "--seed", &seed]);
    same_output(&workplace);
}

/// A limit on the size of files stops the run as a full disk does, wherever it is reached.
#[test]
fn a_run_out_of_disk_keeps_what_is_finished() {
    let workplace = workplace();
    workplace.simulate(&["--output", "whole"]);
    let binary = crate::support::BINARY;
    let mut kept = 0;
    // In units of 512 bytes.
    for limit in [1, 8, 64, 128, 256, 512, 1024] {
        let mut command = Command::new("sh");
        let script = format!("ulimit -f {limit}; exec {binary} config.toml --resume");
        command.args(["-c", &script]);
        workplace.prepare(&mut command);
        let outcome = Outcome::of(&mut command);
        if outcome.code == Some(0) {
            break;
        }
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        assert!(outcome.tells(&["error: "]), "{outcome:?}");
        let left = match workplace.path("out").exists() {
            true => files(&workplace.path("out")),
            false => Vec::new(),
        };
        if workplace.path(JOURNAL).exists() {
            kept += 1;
            assert!(
                outcome.tells(&["of 60 slices are done", "--resume"]),
                "{outcome:?}"
            );
            assert_eq!(left, ["tissue/.simulation.journal"]);
        } else {
            assert_eq!(left, Vec::<String>::new());
        }
    }
    assert!(kept > 0, "no limit was reached in the midst of a run");
    workplace.simulate(&["--resume"]);
    same_output(&workplace);
}

/// Files under their final names, but no record of them yet.
#[test]
fn a_run_killed_while_it_names_its_files_is_known_by_the_next() {
    let workplace = Workplace::new();
    workplace.simulate(&[]);
    let record = workplace.record("out");
    let listed = record["run"]["files"].as_array().unwrap();
    let listed: Vec<serde_json::Value> = listed.iter().map(json).collect();
    let root: PathBuf = workplace.path("out/tissue");
    std::fs::remove_file(root.join("simulation.toml")).unwrap();
    workplace.refuses(1, &["config.toml"], &["--force"]);
    let journal = journal_at(&root);
    journal
        .publish(serde_json::Value::from(listed).to_string().as_bytes())
        .unwrap();
    drop(journal);
    workplace.simulate(&["--set", "optics.exposure_time=0.2"]);
    assert!(!workplace.path(JOURNAL).exists());
}

fn json(value: &toml::Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap()
}

fn journal_at(root: &Path) -> simexm_gpu::internals::run::journal::Journal {
    let path = root.join(".simulation.journal");
    simexm_gpu::internals::run::journal::Journal::new(&path, b"of a killed run".to_vec())
}

#[test]
fn a_run_of_one_slab_leaves_no_journal() {
    let workplace = Workplace::new();
    workplace.simulate(&["--resume"]);
    assert_eq!(files(&workplace.path("out")).len(), 6);
}
