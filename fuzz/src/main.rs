//! Gives what libFuzzer makes up to one target, which the environment names: see `README.md`.
#![no_main]

mod allocator;
mod targets;

use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;
use std::sync::OnceLock;
use targets::{TARGETS, Target};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

/// The target, and a folder for its files.
static CHOSEN: OnceLock<(&'static Target, PathBuf)> = OnceLock::new();

/// Writes where to start from into the folder of the corpus that the environment names, and looks
/// for the target.
fn start() -> (&'static Target, PathBuf) {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("FUZZ_TARGET is one of: {}", names.join(" "));
        std::process::exit(2);
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.use_current_thread().build_global().expect("the first");
    if let Some(folder) = std::env::var_os("FUZZ_SEEDS").map(PathBuf::from) {
        for (number, seed) in target.seeds().into_iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed).expect("room");
        }
    }
    let folder = tempfile::tempdir().expect("room for files").keep();
    (target, folder)
}

fuzz_target!(
    init: {
        CHOSEN.get_or_init(start);
    },
    |data: &[u8]| {
        let (target, folder) = CHOSEN.get().expect("libFuzzer starts with it");
        target.bounded(data, folder);
    }
);
