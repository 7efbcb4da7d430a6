//! `simexm-gpu check CONFIG`.

use super::progress::Progress;
use super::{exit, report, say};
use clap::Args;
use simexm_gpu::apps::check::{CheckOptions, CheckReport, check as look};
use simexm_gpu::config::{Config, Override};
use simexm_gpu::run::simulation::SimulationError;
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
    let config = match Config::from_file(&args.config, &args.set) {
        Ok(config) => config,
        Err(error) => {
            report(&error);
            return exit::USAGE;
        }
    };
    let threads = config.compute.threads.unwrap_or(0);
    let pool = match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool,
        Err(error) => {
            report(&error);
            return exit::FAILED;
        }
    };
    let options = CheckOptions {
        no_volumes: args.no_volumes,
    };
    // Ctrl-C may end this at any moment: there is nothing to clean up.
    let mut progress = Progress::new(args.json, Arc::new(AtomicBool::new(false)));
    match pool.install(|| look(&config, options, &mut progress)) {
        Ok(found) => print(&found, args.json),
        Err(error) => {
            report(&error);
            match error {
                error if error.is_configuration() => exit::USAGE,
                SimulationError::Interrupted => exit::INTERRUPTED,
                _ => exit::FAILED,
            }
        }
    }
}

fn print(found: &CheckReport, json: bool) -> u8 {
    if !json {
        say(found.to_string().trim_end());
        return exit::DONE;
    }
    match serde_json::to_string_pretty(found) {
        Ok(text) => {
            say(&text);
            exit::DONE
        }
        Err(error) => {
            report(&error);
            exit::FAILED
        }
    }
}
