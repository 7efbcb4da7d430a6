//! `simexm-gpu check CONFIG`.

use super::progress::Progress;
use super::work::{configuration, on_threads, print};
use clap::Args;
use simexm_gpu::config::{Config, Override};
use simexm_gpu::internals::apps::check::{CheckOptions, check as look};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Tell what can be known before a run: sizes, light, cells, memory, disk, and what will go wrong.
///
/// Nothing is written. Example: simexm-gpu check examples/brainbow.toml --no-volumes
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Configuration of the run
    config: PathBuf,
    /// Print one JSON object (see docs/check.md) and nothing else
    #[arg(long)]
    json: bool,
    /// Read no voxels: an answer at once, also where the volumes are still missing
    #[arg(long)]
    no_volumes: bool,
    /// Set a key of the configuration; may be given several times
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<Override>,
}

/// Checks a configuration; returns the exit code.
pub(super) fn check(args: &CheckArgs) -> u8 {
    let options = CheckOptions {
        no_volumes: args.no_volumes,
    };
    match configuration(&args.config, &args.set) {
        Ok(config) => of(&config, options, args.json, args.json),
        Err(code) => code,
    }
}

/// Checks a configuration that is read already; returns the exit code.
pub(super) fn of(config: &Config, options: CheckOptions, json: bool, quiet: bool) -> u8 {
    // Ctrl-C may end this at any moment: there is nothing to clean up.
    let mut progress = Progress::new(quiet, Arc::new(AtomicBool::new(false)));
    let found = on_threads(config, || look(config, options, &mut progress));
    found.map_or_else(|code| code, |found| print(&found, json))
}
