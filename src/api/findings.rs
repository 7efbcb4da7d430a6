//! What can be known of a run to files before it starts, in words and as JSON: that of
//! `simexm-gpu check` and `simexm-gpu plan`.

use crate::apps::check::planning;
use crate::apps::check::{self, CheckOptions};
use crate::base::progress::Observer;
use crate::config::Config;
use crate::run::error::SimulationError;
use serde::Serialize;
use std::fmt::Display;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// Text for people, of several lines.
    pub text: String,
    /// The same as a JSON object, with the fields of docs/check.md or docs/plan.md.
    pub json: String,
}

impl Findings {
    fn of(report: &(impl Display + Serialize)) -> Self {
        Self {
            text: report.to_string(),
            // Strings and numbers: everything has a form in JSON.
            json: serde_json::to_string(report).unwrap_or_default(),
        }
    }
}

/// Finds out what can be known before a run of this configuration: sizes, light, cells, memory,
/// disk, and what will go wrong. With `no_volumes` only headers are read, of the volumes that are
/// there.
///
/// # Errors
/// The run would fail for the configuration, or volumes cannot be read.
pub fn check(
    config: &Config,
    no_volumes: bool,
    observer: &mut dyn Observer,
) -> Result<Findings, SimulationError> {
    let report = check::check(config, CheckOptions { no_volumes }, observer)?;
    Ok(Findings::of(&report))
}

/// Plans the run of a configuration for the devices that it may use: slabs, tiles, memory, disk.
///
/// # Errors
/// The run would fail for the configuration, or the size of the volume is not known.
pub fn plan(config: &Config, observer: &mut dyn Observer) -> Result<Findings, SimulationError> {
    Ok(Findings::of(&planning::plan(config, observer)?))
}
