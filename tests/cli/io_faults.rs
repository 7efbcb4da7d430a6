//! Calls on files that fail, and processes that end, at any moment: either the earlier results or
//! the new ones stand, whole, or the next run tells them apart; nothing of the user's is lost.
//!
//! `SIMEXM_FAULTS=all` tries every call of each kind, in place of a share.

use crate::support::{Outcome, Workplace, faults};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

/// Kinds of calls, as `tests/data/faults/io.c` names them.
const KINDS: [&str; 12] = [
    "write", "sync", "rename", "link", "unlink", "rmdir", "mkdir", "truncate", "create", "open",
    "seek", "read",
];

/// A failure: its name, the kinds of calls that may end so, and what the library is told.
type Failure = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// What may happen at a call.
const FAILURES: [Failure; 5] = [
    ("EIO", &KINDS, &[("ERRNO", "5")]),
    // From here on.
    (
        "ENOSPC",
        &["write"],
        &[("ERRNO", "28"), ("ON", "1"), ("SHORT", "1")],
    ),
    (
        "EMFILE",
        &["open", "create"],
        &[("ERRNO", "24"), ("ON", "1")],
    ),
    ("EINTR", &["write", "read"], &[("ERRNO", "4")]),
    ("short", &["write"], &[("ERRNO", "28"), ("SHORT", "1")]),
];

/// Points of failure that are tried unless all are, for each form of output.
const SHARE: usize = 10;
/// Points at which the process is killed: of a share, and of all, for each form of output.
const KILLS: [usize; 2] = [4, 100];

/// Forms of output, each of which has steps of its own; in memory for slabs of a few slices, so
/// that there is a journal.
const FORMS: [&[&str]; 3] = [
    &["--memory", "1900kB", "--report"],
    &[
        "--memory",
        "1MB",
        "--set",
        "groundtruth.bounds=[14, 18, 16]",
        "--set",
        "output.gt_cells=splitted",
        "--set",
        "output.sim_channels=splitted",
    ],
    &[
        "--memory",
        "1900kB",
        "--set",
        "groundtruth.bounds=[4, 48, 36]",
        "--set",
        "output.format=image sequence",
    ],
];

/// A file of the user's among the results.
const NOTES: &str = "tissue/notes.txt";

/// The folder that a run's files wait in.
const HIDDEN: &str = "tissue/.simulation.part";

struct Harness {
    workplace: Workplace,
    library: PathBuf,
    form: &'static [&'static str],
    /// Contents of the files of the two runs, by seed.
    results: [Tree; 2],
}

/// Contents of files by their paths; what depends on the time is cut out.
type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// Everything below a folder.
fn tree(root: &Path) -> Tree {
    let mut found = Tree::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut content = fs::read(&path).unwrap();
            let name = path.file_name().unwrap();
            if name == "simulation.toml" {
                let text = String::from_utf8(content).unwrap();
                let seed = text.lines().find(|line| line.starts_with("seed"));
                content = seed.unwrap_or("no seed").into();
            } else if name == "report.html" {
                content.clear();
            }
            found.insert(path.strip_prefix(root).unwrap().to_owned(), content);
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let mut folders = vec![from.to_owned()];
    while let Some(folder) = folders.pop() {
        let into = to.join(folder.strip_prefix(from).unwrap());
        fs::create_dir_all(&into).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    fs::copy(&path, into.join(path.file_name().unwrap())).unwrap();
                }
            }
        }
    }
}

/// What lies in the output folder after a run.
#[derive(Debug, PartialEq)]
enum State {
    Earlier,
    New,
    Mixed,
}

impl Harness {
    fn new(form: &'static [&'static str], library: &Path) -> Self {
        let mut harness = Self {
            workplace: Workplace::new(),
            library: library.to_owned(),
            form,
            results: Default::default(),
        };
        for (seed, result) in [0, 1].into_iter().zip(["new", "earlier"]) {
            assert_eq!(harness.run(seed, result, &[], &[]).code, Some(0));
            let folder = harness.workplace.path(result);
            fs::write(folder.join(NOTES), "mine").unwrap();
            harness.results[seed] = tree(&folder);
        }
        harness
    }

    /// Runs a seed to a folder.
    fn run(&self, seed: usize, out: &str, more: &[&str], faults: &[(&str, &str)]) -> Outcome {
        let seed = seed.to_string();
        let args = ["config.toml", "--seed", &seed, "--output", out, "-q"];
        // One thread, so that calls come in order.
        let device = ["--backend", "cpu", "--threads", "1"];
        let mut command = self
            .workplace
            .command([&args, &device[..], self.form, more].concat());
        if !faults.is_empty() {
            command.env("LD_PRELOAD", &self.library);
            command.env("FAULT_UNDER", "/out");
        }
        for (name, value) in faults {
            command.env(format!("FAULT_{name}"), value);
        }
        // By its own name, not by `Outcome::of`: a signal may end it.
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let signal = output.status.signal();
        assert!(
            matches!(signal, None | Some(9)),
            "{signal:?} {faults:?}: {stderr}"
        );
        for sign in ["a defect of", "panicked", "stack backtrace"] {
            assert!(!stderr.contains(sign), "{faults:?}: {stderr}");
        }
        Outcome {
            code: output.status.code(),
            stdout: String::new(),
            stderr,
        }
    }

    /// Number of calls of some kinds that a run makes over earlier results.
    fn calls(&self, kinds: &str) -> usize {
        copy(&self.workplace.path("earlier"), &self.workplace.path("out"));
        let log = self.workplace.path("calls");
        let log = log.to_str().unwrap();
        let outcome = self.run(0, "out", &[], &[("CALLS", kinds), ("LOG", log)]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        fs::read_to_string(log).unwrap().trim().parse().unwrap()
    }

    /// Which results stand, and whatever else is there.
    fn state(&self, found: &Tree) -> (State, Vec<PathBuf>) {
        let [new, earlier] = &self.results;
        let hidden = |path: &&PathBuf| path.iter().any(|part| part.as_encoded_bytes()[0] == b'.');
        let beside: Vec<_> = found.keys().filter(hidden).cloned().collect();
        let shown: Tree = (found.iter())
            .filter(|(path, _)| !hidden(path))
            .map(|(path, content)| (path.clone(), content.clone()))
            .collect();
        let state = match shown {
            shown if shown == *new => State::New,
            shown if shown == *earlier => State::Earlier,
            _ => State::Mixed,
        };
        (state, beside)
    }

    /// Lets a run fail over earlier results, looks at what is there, and mends it by `--resume`,
    /// and by a run that knows of nothing.
    fn at(&self, point: &str, faults: &[(&str, &str)]) -> Option<i32> {
        let out = self.workplace.path("out");
        copy(&self.workplace.path("earlier"), &out);
        let outcome = self.run(0, "out", &[], faults);
        let found = tree(&out);
        let (state, beside) = self.state(&found);
        let told = &outcome.stderr;
        assert_eq!(
            found.get(Path::new(NOTES)),
            Some(&b"mine".to_vec()),
            "{point}: {told}"
        );
        match outcome.code {
            Some(0) => {
                assert_eq!(state, State::New, "{point}: {told}");
                if beside.is_empty() {
                    return outcome.code;
                }
                assert!(told.contains("warning: "), "{point}: {beside:?}");
            }
            Some(1 | 2) => {
                assert!(told.contains("error: "), "{point}: {told}");
                assert_ne!(state, State::Mixed, "{point}: {told}\n{:?}", found.keys());
                let journal = |path: &PathBuf| path.to_string_lossy().contains(".journal");
                let left: Vec<_> = beside.into_iter().filter(|path| !journal(path)).collect();
                // What cannot be opened or removed stays until the next run.
                let kept = ["unlink", "rmdir", "open", "create"];
                let kept = kept.iter().any(|kind| point.starts_with(kind));
                assert!(left.is_empty() || kept, "{point}: {left:?} {told}");
            }
            None => {
                // Each earlier file is there, in its place or under its second name.
                let [new, earlier] = &self.results;
                for (path, content) in earlier {
                    let second = PathBuf::from(HIDDEN).join("old");
                    let second = second.join(path.strip_prefix("tissue").unwrap());
                    let is_there = [path, &second].map(|path| found.get(path) == Some(content));
                    let is_new = state == State::New || content == new.get(path).unwrap_or(content);
                    assert!(
                        is_there.contains(&true) || is_new,
                        "{point}: {path:?} is lost"
                    );
                }
                let is_told = beside.iter().any(|path| path.starts_with(HIDDEN));
                assert!(
                    state != State::Mixed || is_told,
                    "{point}: a mix, and nothing tells"
                );
            }
            code => panic!("{point}: {code:?} {told}"),
        }
        copy(&out, &self.workplace.path("kept"));
        for (seed, more, wanted) in [(0, &["--resume"][..], State::New), (1, &[], State::Earlier)] {
            copy(&self.workplace.path("kept"), &out);
            let mended = self.run(seed, "out", more, &[]);
            assert_eq!(
                mended.code,
                Some(0),
                "{point}, then {more:?}: {}",
                mended.stderr
            );
            let state = self.state(&tree(&out));
            assert_eq!(state, (wanted, vec![]), "{point}, then {more:?}");
        }
        outcome.code
    }
}

/// The name of a point, and what the library is told.
type Point = (String, Vec<(&'static str, String)>);

/// Tries points of all forms; tells how many ended in an error.
fn sweep(points: impl Fn(&Harness) -> Vec<Point>) -> [usize; 2] {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = faults::library("io.c", folder.path()) else {
        return [1, 1];
    };
    let (mut tried, mut failed) = (0, 0);
    for form in FORMS {
        let harness = Harness::new(form, &library);
        for (point, faults) in points(&harness) {
            let faults: Vec<_> = faults
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            failed += usize::from(harness.at(&point, &faults) != Some(0));
            tried += 1;
        }
    }
    println!("{tried} points, {failed} of which ended the run");
    [tried, failed]
}

#[test]
fn a_call_on_a_file_may_fail() {
    let [tried, failed] = sweep(|harness| {
        let mut points = Vec::new();
        for (name, kinds, what) in FAILURES {
            for kind in kinds {
                for at in 1..=harness.calls(kind) {
                    let mut faults = vec![("CALLS", (*kind).to_owned()), ("AT", at.to_string())];
                    faults.extend(
                        what.iter()
                            .map(|(name, value)| (*name, (*value).to_owned())),
                    );
                    points.push((format!("{kind} {at} {name}"), faults));
                }
            }
        }
        faults::share(points, SHARE)
    });
    assert!(
        failed * 3 >= tried,
        "hardly a failure was noticed: {failed} of {tried}"
    );
}

#[test]
fn the_process_may_be_killed_at_any_call() {
    sweep(|harness| {
        let all = KINDS.join(",");
        let calls = harness.calls(&all);
        let most = KILLS[1].min(calls);
        let points = (0..most).map(|number| {
            let at = 1 + number * calls / most;
            let faults = [
                ("CALLS", all.clone()),
                ("AT", at.to_string()),
                ("SIGNAL", "9".into()),
            ];
            (format!("killed at call {at} of {calls}"), faults.into())
        });
        faults::share(points.collect(), KILLS[0])
    });
}
