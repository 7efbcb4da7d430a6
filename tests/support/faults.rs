//! Libraries that make system calls fail, and how many of their points are tried.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether every point is to be tried, in place of a share: `SIMEXM_FAULTS=all`.
pub fn all() -> bool {
    std::env::var("SIMEXM_FAULTS").as_deref() == Ok("all")
}

/// Some of the points, the same ones for the same `SIMEXM_FAULTS_SEED`; or all of them, if all are
/// asked for.
pub fn share<P>(points: Vec<P>, most: usize) -> Vec<P> {
    if all() {
        return points;
    }
    let seed = std::env::var("SIMEXM_FAULTS_SEED");
    let seed: u64 = seed.map_or(1, |seed| seed.parse().expect("a whole number"));
    let mut keyed: Vec<(u64, P)> = points.into_iter().enumerate().map(key(seed)).collect();
    keyed.sort_by_key(|&(key, _)| key);
    keyed.truncate(most);
    keyed.into_iter().map(|(_, point)| point).collect()
}

/// Gives a point a number that looks random (the finaliser of SplitMix64).
fn key<P>(seed: u64) -> impl FnMut((usize, P)) -> (u64, P) {
    move |(index, point)| {
        let mut key = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed << 32;
        key = (key ^ key >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        key = (key ^ key >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (key ^ key >> 31, point)
    }
}

/// Compiles a library of `tests/data/faults` into a folder. `None` where there is no compiler,
/// which is an error where a GPU is required: on such machines everything is there.
pub fn library(source: &str, folder: &Path) -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/faults");
    let library = folder.join(source).with_extension("so");
    let mut compiler = Command::new("cc");
    let built = compiler.args(["-shared", "-fPIC", "-O1", "-o"]);
    let built = built.args([&library, &data.join(source)]).arg("-ldl");
    let Ok(output) = built.output() else {
        let required = std::env::var("SIMEXM_GPU").as_deref() == Ok("require");
        assert!(!required, "no C compiler");
        eprintln!("skipped: no C compiler");
        return None;
    };
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    Some(library)
}
