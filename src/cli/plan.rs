//! `simexm-gpu plan CONFIG`.

use super::progress::Progress;
use super::{exit, report, say};
use clap::Args;
use simexm_gpu::apps::check::planning::{PlanReport, plan as look};
use simexm_gpu::config::{Config, Override};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Tell how a run will be cut into slabs and tiles, and what it takes of device, host and disk.
///
/// Only headers are read, nothing is written and no device is opened; the volume may be missing
/// where bounds tell its size. Example: simexm-gpu plan examples/brainbow.toml --gpu-memory 8GB
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Configuration of the run
    config: PathBuf,
    /// Memory of the GPU that the run may take, like 300M, 2GB or 1.5GiB
    #[arg(long, value_name = "SIZE")]
    gpu_memory: Option<String>,
    /// Memory of the host that the run may take
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Print one JSON object (see docs/plan.md) and nothing else
    #[arg(long)]
    json: bool,
    /// Set a key of the configuration; may be given several times
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<Override>,
}

/// Plans a run; returns the exit code.
pub(super) fn plan(args: &PlanArgs) -> u8 {
    let mut overrides = args.set.clone();
    let budgets = [
        ("--gpu-memory", "gpu_memory", &args.gpu_memory),
        ("--memory", "memory", &args.memory),
    ];
    for (flag, key, value) in budgets {
        if let Some(value) = value {
            let label = format!("{flag} {value}");
            overrides.push(Override::new(label, &["compute", key], value));
        }
    }
    let config = match Config::from_file(&args.config, &overrides) {
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
    let mut progress = Progress::new(args.json, Arc::new(AtomicBool::new(false)));
    match pool.install(|| look(&config, &mut progress)) {
        Ok(found) => print(&found, args.json),
        Err(error) => {
            report(&error);
            if error.is_configuration() {
                exit::USAGE
            } else {
                exit::FAILED
            }
        }
    }
}

fn print(found: &PlanReport, json: bool) -> u8 {
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
