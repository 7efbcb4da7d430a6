//! The configuration of a run.
//!
//! A front end reads a file into a format-neutral [`tree`], in which every key knows its position;
//! overrides are put into the tree; one reader per section turns it into a typed [`Config`] and collects
//! all that is wrong. Sections and keys are those of SimExm, with `[compute]` added; a table `[run]`, in
//! which a run notes how it went, is ignored.

mod choice;
mod compute;
mod error;
mod expansion;
mod fluorophores;
mod groundtruth;
mod kind;
mod labeling;
mod optics;
mod output;
mod overrides;
mod section;
mod serialize;
mod toml_source;
pub mod tree;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;

use crate::fluorophore;

pub use choice::{Choice, UnknownChoice};
pub use compute::{AdapterChoice, BackendChoice, Compute};
pub use error::{ConfigError, Problem};
pub use expansion::Expansion;
pub use fluorophores::OwnFluorophore;
pub use groundtruth::{Arrangement, GroundTruth, Region, RegionVolume, VolumeFormat};
pub use labeling::{Labeling, Layer, SingleNeuron};
pub use optics::{Channel, MicroscopeType, Optics};
pub use output::{BitDepth, Compression, Normalization, Output, OutputFormat};
pub use overrides::{Override, OverrideError};

use section::{Context, Section};
use tree::Table;

/// Everything that says what a run does, with defaults filled in and paths absolute.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// The cells.
    pub groundtruth: GroundTruth,
    /// Which proteins carry which fluorophore.
    pub labeling: Labeling,
    /// How far the gel swells.
    pub expansion: Expansion,
    /// The microscope.
    pub optics: Optics,
    /// Where the images go.
    pub output: Output,
    /// Seed and device.
    pub compute: Compute,
    /// The user's own dyes by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fluorophores: BTreeMap<String, OwnFluorophore>,
}

/// Longest configuration file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 16 << 20;

impl Config {
    /// Reads a TOML file and applies `overrides`, the later over the earlier.
    ///
    /// Relative paths start at the file's folder, those of overrides at the working directory.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or keys or values are wrong: then all of them.
    pub fn from_file(path: &Path, overrides: &[Override]) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            let limit_bytes = MAX_FILE_BYTES;
            return Err(ConfigError::TooLong {
                path: path.to_owned(),
                limit_bytes,
            });
        }
        let name = path.display().to_string();
        let text = toml_source::utf8(&bytes, &name).map_err(ConfigError::Syntax)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::from_toml_str(text, &name, folder, overrides)
    }

    /// Reads TOML text; as [`Config::from_file`], with `name` for the file in messages and `base_folder`
    /// for where relative paths start.
    ///
    /// # Errors
    /// The text is not TOML, or keys or values are wrong.
    pub fn from_toml_str(
        text: &str,
        name: &str,
        base_folder: &Path,
        overrides: &[Override],
    ) -> Result<Self, ConfigError> {
        let tree = toml_source::parse(text, name).map_err(ConfigError::Syntax)?;
        Self::from_tree(tree, name, base_folder, overrides)
    }

    /// Reads what a front end made of a file; as [`Config::from_toml_str`].
    ///
    /// # Errors
    /// Keys or values are wrong.
    pub fn from_tree(
        mut tree: Table,
        name: &str,
        base_folder: &Path,
        overrides: &[Override],
    ) -> Result<Self, ConfigError> {
        for entry in overrides {
            entry.apply(&mut tree);
        }
        let regions = groundtruth::region_names(&tree);
        let built_in_fluorophores: Vec<&str> = fluorophore::names().collect();
        let own = fluorophores::names(&tree);
        let fluorophores = built_in_fluorophores
            .iter()
            .map(ToString::to_string)
            .chain(own)
            .collect();
        let problems = RefCell::default();
        let context = Context {
            file: name,
            base_folder,
            built_in_fluorophores: &built_in_fluorophores,
            fluorophores,
            regions,
            problems,
        };
        let config = Section::read_root(&context, &tree, read);
        let mut problems = context.problems.into_inner();
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => {
                problems.sort_by_key(Problem::sort_key);
                Err(ConfigError::Invalid(problems))
            }
        }
    }

    /// Writes the configuration as TOML that reads back equal, with absolute paths, so that the file may
    /// lie anywhere.
    ///
    /// TOML holds Unicode only: where a path is not, it is written with replacement characters.
    ///
    /// # Panics
    /// A number of voxels or threads beyond 2^63 - 1, which no configuration that was read has.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every field has a form in TOML")
    }
}

fn read(root: &mut Section<'_>) -> Option<Config> {
    let groundtruth = root.table("groundtruth", groundtruth::read);
    let labeling = root.table("labeling", labeling::read);
    let expansion = root.table("expansion", expansion::read);
    let optics = root.table("optics", optics::read);
    let output = root.table("output", output::read);
    let compute = root.optional_table("compute", compute::read);
    let fluorophores = root.optional_table("fluorophores", fluorophores::read);
    root.ignore("run");
    Some(Config {
        groundtruth: groundtruth?,
        labeling: labeling?,
        expansion: expansion?,
        optics: optics?,
        output: output?,
        compute: compute?,
        fluorophores: fluorophores?,
    })
}
