//! Cache file of measurements. It is optional: a run goes on whatever is wrong with it.

use super::Measured;
use crate::base::files;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Version that changes with the meaning of the numbers; files of another version are replaced.
const FORMAT: u32 = 1;

/// Most measurements that are kept.
const MOST: usize = 16;

const HEADER: &str =
    "# Written by simexm-gpu: what --backend auto has measured. It may be deleted at any time.\n";

#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    device: Vec<Measured>,
}

/// Measurements of earlier runs, the latest last.
#[derive(Debug, Default)]
pub(in crate::run::simulation) struct Cache {
    path: Option<PathBuf>,
    measured: Vec<Measured>,
}

impl Cache {
    /// Reads the file in the user's cache folder (`$XDG_CACHE_HOME` or its like on other systems);
    /// empty where there is none that can be read.
    pub(in crate::run::simulation) fn of_user() -> Self {
        let path = dirs::cache_dir().map(|folder| folder.join("simexm-gpu").join("devices.toml"));
        path.map_or_else(Self::default, |path| Self::read(&path))
    }

    pub(super) fn read(path: &Path) -> Self {
        let text = files::read_text(path).unwrap_or_default();
        let file = toml::from_slice(&text).ok();
        let file = file.filter(|file: &File| file.format == FORMAT);
        let mut measured = file.map(|file| file.device).unwrap_or_default();
        measured.retain(Measured::is_sound);
        Self {
            path: Some(path.to_owned()),
            measured,
        }
    }

    /// Returns the last measurement that is about the current program and number of threads.
    pub(in crate::run::simulation) fn latest(&self) -> Option<&Measured> {
        self.measured.iter().rev().find(|m| m.is_current())
    }

    /// Returns the measurement of this adapter.
    pub(in crate::run::simulation) fn of(&self, adapter: &str) -> Option<&Measured> {
        let known = |m: &&Measured| m.adapter == adapter && m.is_current();
        self.measured.iter().rev().find(known)
    }

    /// Keeps a measurement, in place of an older one of the same kind. Where the file cannot be
    /// written, the next run measures again.
    pub(in crate::run::simulation) fn keep(&mut self, measured: Measured) {
        self.measured.retain(|m| {
            m.version == measured.version
                && (&m.adapter, m.threads) != (&measured.adapter, measured.threads)
        });
        self.measured.push(measured);
        let surplus = self.measured.len().saturating_sub(MOST);
        self.measured.drain(..surplus);
        let _ = self.write();
    }

    /// Writes the file as a whole, so that another run never reads half of it.
    fn write(&self) -> std::io::Result<()> {
        let Some((path, folder)) = self.path.as_ref().and_then(|p| Some((p, p.parent()?))) else {
            return Ok(());
        };
        let file = File {
            format: FORMAT,
            device: self.measured.clone(),
        };
        let text = toml::to_string(&file).map_err(std::io::Error::other)?;
        std::fs::create_dir_all(folder)?;
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(HEADER.as_bytes())?;
        new.write_all(text.as_bytes())?;
        new.persist(path)?;
        Ok(())
    }
}
