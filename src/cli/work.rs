//! What the subcommands that work on a configuration have in common.

use super::{exit, report, say, slips, tell};
use serde::Serialize;
use simexm_gpu::config::{Config, Override};
use simexm_gpu::internals::base::host;
use simexm_gpu::internals::run::simulation::SimulationError;
use std::fmt::Display;
use std::path::Path;

/// Reads a configuration; an error is told, with what to type where it is something else, and
/// becomes the exit code.
pub(super) fn configuration(path: &Path, overrides: &[Override]) -> Result<Config, u8> {
    Config::from_file(path, overrides).map_err(|error| {
        match slips::no_configuration(path, &error) {
            Some(slip) => tell(&format!("error: {slip}")),
            None => report(&error),
        }
        exit::USAGE
    })
}

/// Does the work on as many threads as the configuration says; an error is told, and becomes the
/// exit code.
pub(super) fn on_threads<T: Send>(
    config: &Config,
    work: impl FnOnce() -> Result<T, SimulationError> + Send,
) -> Result<T, u8> {
    in_pool(host::threads(config.compute.threads), work)?.map_err(|error| {
        report(&error);
        match error {
            SimulationError::Interrupted | SimulationError::Stopped { .. } => exit::INTERRUPTED,
            error if error.is_configuration() => exit::USAGE,
            _ => exit::FAILED,
        }
    })
}

/// Does the work on so many threads; that they cannot be had is told, and becomes the exit code.
pub(super) fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T, u8> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| {
            report(&error);
            exit::FAILED
        })?;
    Ok(pool.install(work))
}

/// Prints what was found, for people or as JSON.
pub(super) fn print<T: Display + Serialize>(found: &T, json: bool) -> u8 {
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
