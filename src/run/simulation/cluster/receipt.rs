//! Receipts: what a task has left, written when all of it is on the disk.

use super::{ClusterError, Folder, Phase, store};
use crate::io::write::Stored;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A shard that was written. One that would be all zero is not: a missing file says nothing, only
/// receipts do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shard {
    /// Its path below the OME-Zarr.
    pub name: String,
    pub bytes: u64,
    pub crc32c: u32,
}

/// What a task has left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Receipt {
    pub plan: String,
    pub phase: String,
    pub task: u64,
    /// Name of the device, and whether it is a GPU.
    pub device: String,
    pub gpu: bool,
    pub seconds: f64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<Shard>,
    /// What the volumes hold of it, in the order of the container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<VolumePart>,
    /// Of the survey: each cell, and its voxels in each region.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<(u64, Vec<u64>)>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct VolumePart {
    /// The largest value of each channel.
    pub largest: Vec<u64>,
    /// Of labels the voxels of each id.
    pub voxels: Vec<(u64, u64)>,
}

impl From<Stored> for VolumePart {
    fn from(stored: Stored) -> Self {
        Self {
            largest: stored.largest,
            voxels: stored.voxels.into_iter().collect(),
        }
    }
}

impl From<VolumePart> for Stored {
    fn from(part: VolumePart) -> Self {
        Self {
            largest: part.largest,
            voxels: part.voxels.into_iter().collect(),
        }
    }
}

/// Why a receipt does not count.
pub(super) enum Flaw {
    /// There is none.
    Missing,
    /// What is wrong with it.
    Wrong(String),
}

impl Receipt {
    /// Writes it; it appears whole.
    pub(super) fn write(&self, folder: &Folder, phase: Phase) -> Result<(), ClusterError> {
        // Strings and numbers: everything has a form in JSON.
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        store::write_whole(folder, &folder.receipt(phase, self.task), &text)
    }

    /// Reads the receipt of a task.
    pub(super) fn read(
        folder: &Folder,
        (phase, task): (Phase, u64),
        plan_id: &str,
    ) -> Result<Result<Self, Flaw>, ClusterError> {
        let path = folder.receipt(phase, task);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Err(Flaw::Missing)),
            Err(error) => return Err(ClusterError::io(&path)(error)),
        };
        let wrong = |what: &str| Flaw::Wrong(told(&path, what, phase, task, folder));
        Ok(match serde_json::from_slice::<Self>(&text) {
            Err(error) => Err(wrong(&format!("is no receipt ({error})"))),
            Ok(receipt) if receipt.plan != plan_id => Err(wrong("is a receipt of another plan")),
            Ok(receipt) if receipt.task != task || receipt.phase != phase.name() => {
                Err(wrong("is the receipt of another task"))
            }
            Ok(receipt) => Ok(receipt),
        })
    }
}

/// What is wrong with a file of a task, and what mends it.
pub(super) fn told(path: &Path, what: &str, phase: Phase, task: u64, folder: &Folder) -> String {
    format!(
        "{}: {what}: `simexm-gpu task {} {phase} {task} --again` makes it anew",
        path.display(),
        folder.root.display()
    )
}

/// The path of a shard.
pub(super) fn shard_path(store: &Path, shard: &Shard) -> PathBuf {
    store.join(&shard.name)
}
