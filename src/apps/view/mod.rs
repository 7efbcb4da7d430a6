//! What a window shows of volumes: slices, sections, projections, channels in colours, ids.
//!
//! [`open()`] makes a [`Scene`] of files or of the output of a run, or several where sizes differ;
//! a [`Loader`] fetches the slices that are looked at from the disk, on threads of its own, and
//! keeps the latest; [`ViewState`] is what the user has chosen, and [`images`] makes pictures of
//! it. None of these knows of the window, which is a program of its own (`crates/viewer`): only who
//! builds that one builds a window toolkit.

mod args;
pub mod images;
mod loader;
mod metadata;
mod open;
mod planes;
mod scene;
mod state;
#[cfg(test)]
mod tests;

pub use args::ViewArgs;
pub use loader::{Loader, Section, Wanted};
pub use open::open;
pub(crate) use open::run_folder;
pub use scene::{Layer, Scene, ViewVolume};
pub use state::{LayerView, ViewState};

use crate::config::ConfigError;
use crate::io::read::ReadError;
use std::path::PathBuf;

/// Why something cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// Nothing was named.
    #[error("name volumes, or the output folder of a run (with its simulation.toml)")]
    Nothing,
    /// A volume cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file of pixels in colours cannot be read.
    #[error("{path}: {reason}")]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The record of a run is not what it should be.
    #[error(transparent)]
    Record(#[from] ConfigError),
    /// A run's folder without its volumes.
    #[error(
        "{folder}: simulation.toml names no volume of the run that is still there; run it again, or name the volumes themselves"
    )]
    NoVolumes {
        /// The folder.
        folder: PathBuf,
    },
    /// No window can be opened.
    #[error(
        "no window can be opened: {0}; every run writes quicklook.png beside its output, which needs none"
    )]
    NoWindow(String),
}

/// Whether there is a display to open a window on, as far as the environment tells.
///
/// # Errors
/// Where there is none.
pub fn display() -> Result<(), ViewError> {
    if cfg!(all(unix, not(target_os = "macos"))) {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if !set("DISPLAY") && !set("WAYLAND_DISPLAY") {
            return Err(ViewError::NoWindow(
                "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)".to_owned(),
            ));
        }
    }
    Ok(())
}
