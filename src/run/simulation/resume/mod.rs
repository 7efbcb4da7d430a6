//! Resumption of a run that was stopped: compares it with the present one, and reports the
//! differences.

#[cfg(test)]
mod tests;

use super::{SimulationError, Watcher};
use crate::base::files;
use crate::config::Config;
use crate::io::read::files;
use crate::io::write::ManifestEntry;
use crate::run::journal::Journal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Name of the journal in the output folder.
pub(super) const JOURNAL_NAME: &str = ".simulation.journal";

/// Everything that the result depends on, and further facts of a run that was stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    version: String,
    pub seed: u64,
    /// Number of a channel's images.
    pub slices: usize,
    /// Name of the device. Backends agree within the bounds of rounding only.
    pub device: String,
    /// Configuration without the output's folder and the device.
    configuration: toml::Table,
    /// Files that are read, by path.
    inputs: BTreeMap<PathBuf, InputFile>,
    /// CRC-32 of the ids of the cells.
    pub ids_crc32: u32,
}

/// Size and time of a file, by which a change shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct InputFile {
    bytes: u64,
    modified_ns: u64,
}

impl Identity {
    /// Describes a run whose cells and device are not known yet.
    pub(super) fn new(config: &Config, seed: u64, slices: usize) -> Self {
        // A configuration has a form in TOML.
        let mut configuration: toml::Table = config.to_toml().parse().unwrap_or_default();
        configuration.remove("compute");
        if let Some(output) = configuration
            .get_mut("output")
            .and_then(|o| o.as_table_mut())
        {
            output.remove("path");
        }
        let mut inputs = BTreeMap::new();
        for path in input_paths(config) {
            look_at(&path, &mut inputs);
        }
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed,
            slices,
            device: String::new(),
            configuration,
            inputs,
            ids_crc32: 0,
        }
    }

    /// Computes the checksum of a volume's ids.
    pub(super) fn checksum(ids: &[u64]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        ids.iter().for_each(|id| hasher.update(&id.to_le_bytes()));
        hasher.finalize()
    }

    /// Lists the differences that are known before the cells are.
    fn changes(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let mut differ = |what: &str, was: String, is: String| {
            if was != is {
                changes.push(format!("{what} was {was} and is {is}"));
            }
        };
        differ(
            "the version of simexm-gpu",
            self.version.clone(),
            now.version.clone(),
        );
        differ("the seed", self.seed.to_string(), now.seed.to_string());
        let (was, is) = (leaves(&self.configuration), leaves(&now.configuration));
        let absent = || "absent".to_owned();
        for key in was
            .keys()
            .chain(is.keys().filter(|key| !was.contains_key(*key)))
        {
            let of = |leaves: &BTreeMap<String, String>| leaves.get(key).cloned();
            differ(
                key,
                of(&was).unwrap_or_else(absent),
                of(&is).unwrap_or_else(absent),
            );
        }
        for (path, file) in &self.inputs {
            match now.inputs.get(path) {
                None => changes.push(format!("{} is not read any more", path.display())),
                Some(other) if other.bytes != file.bytes => changes.push(format!(
                    "{} had {} bytes and has {}",
                    path.display(),
                    file.bytes,
                    other.bytes
                )),
                Some(other) if other != file => {
                    changes.push(format!("{} was written to since", path.display()));
                }
                Some(_) => {}
            }
        }
        let new = now.inputs.keys();
        for path in new.filter(|path| !self.inputs.contains_key(*path)) {
            changes.push(format!("{} is new", path.display()));
        }
        changes
    }
}

/// Flattens a table to its values, by dotted key.
fn leaves(table: &toml::Table) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => {
                let inner = self::leaves(inner).into_iter();
                leaves.extend(inner.map(|(below, value)| (format!("{key}.{below}"), value)));
            }
            value => {
                leaves.insert(key.clone(), value.to_string());
            }
        }
    }
    leaves
}

/// The files and folders that a run reads.
pub(crate) fn input_paths(config: &Config) -> Vec<PathBuf> {
    let inputs = config.inputs().into_iter();
    inputs.flat_map(|(_, path)| files(path)).collect()
}

/// Notes a file, or all files of a folder. A file that cannot be looked at is missed when it is
/// read.
fn look_at(path: &Path, inputs: &mut BTreeMap<PathBuf, InputFile>) {
    files::for_each_file(path, &mut |file, metadata| {
        let modified = metadata.modified().ok();
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified_ns = since.map_or(0, |since| since.as_nanos() as u64);
        let bytes = metadata.len();
        inputs.insert(file.to_owned(), InputFile { bytes, modified_ns });
    });
}

/// Run that was stopped in the output folder.
pub(super) struct PreviousRun {
    journal: Journal,
    /// Identity of the run; absent where another version wrote something else.
    identity: Option<Identity>,
}

impl PreviousRun {
    /// Looks for a run that was stopped.
    ///
    /// # Errors
    /// The system refuses to read its journal.
    pub(super) fn find(root: &Path) -> Result<Option<Self>, SimulationError> {
        let journal = Journal::open(&root.join(JOURNAL_NAME))?;
        Ok(journal.map(|journal| Self {
            identity: serde_json::from_slice(journal.header()).ok(),
            journal,
        }))
    }

    /// Returns the seed that it was given or that it drew.
    pub(super) fn seed(&self) -> Option<u64> {
        self.identity.as_ref().map(|identity| identity.seed)
    }

    /// Returns the files that it was about to give their names.
    pub(super) fn published(&self) -> Vec<ManifestEntry> {
        serde_json::from_slice(&self.journal.published()).unwrap_or_default()
    }

    /// Returns the number of a channel's finished images, and of all of them.
    fn progress(&self) -> (usize, usize) {
        let finished = self.journal.finished();
        let slices = self.identity.as_ref().map(|identity| identity.slices);
        (finished, slices.unwrap_or(finished))
    }

    /// Returns its journal and identity, where the present run is the same.
    ///
    /// # Errors
    /// [`SimulationError::Changed`].
    pub(super) fn resume(
        self,
        root: &Path,
        now: &Identity,
    ) -> Result<(Journal, Identity), SimulationError> {
        let changes = match &self.identity {
            Some(identity) => identity.changes(now),
            None => vec!["it was written by another version of simexm-gpu".to_owned()],
        };
        match self.identity {
            Some(identity) if changes.is_empty() => Ok((self.journal, identity)),
            _ => Err(changed(root, &changes)),
        }
    }

    /// Returns true where anything is finished.
    pub(super) fn is_worth_it(&self) -> bool {
        self.progress().0 > 0
    }

    /// Tells the user that it could go on.
    pub(super) fn warn(&self, root: &Path, watcher: &mut dyn Watcher) {
        let (finished, slices) = self.progress();
        watcher.warn(&format!(
            "{} holds an unfinished run with {finished} of {slices} slices done. This run starts anew, and takes \
             its place when its first slices are done; to go on with the other, stop this one and use --resume",
            root.display()
        ));
    }
}

/// Makes the error of a run that cannot go on.
pub(super) fn changed(root: &Path, changes: &[String]) -> SimulationError {
    /// Most differences that are shown; more help no reader.
    const MOST: usize = 8;
    let mut told = changes[..changes.len().min(MOST)].join("; ");
    if changes.len() > MOST {
        told += &format!("; and {} more", changes.len() - MOST);
    }
    SimulationError::Changed {
        folder: root.to_owned(),
        changes: told,
    }
}

/// Turns an error into one that says how to go on, where slabs are finished.
pub(super) fn stopped(error: SimulationError, journal: &Journal, slices: usize) -> SimulationError {
    use crate::run::pipeline::RunError;
    let finished = journal.finished();
    if finished == 0 {
        return error;
    }
    match error {
        SimulationError::Interrupted => SimulationError::Stopped { finished, slices },
        // It would happen again.
        SimulationError::Run(RunError::Overflow(_)) => {
            // The next run replaces what cannot be removed.
            let _ = journal.remove();
            error
        }
        cause => SimulationError::Unfinished {
            cause: Box::new(cause),
            finished,
            slices,
        },
    }
}
