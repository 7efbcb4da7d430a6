//! Receipts: what a task has left, written when all of it is on the disk.

use super::{ClusterError, Folder, Phase, sealed, store};
use crate::io::write::Stored;
use crate::model::cells::CellIndex;
use crate::run::pipeline::Punctum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
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
    /// The digest of the merged facts that it was done with; empty where it needs none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub facts: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<Shard>,
    /// What the volumes hold of it, in the order of the container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<VolumePart>,
    /// Of images the clusters of proteins in the voxels that are the task's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<Cluster>,
    /// Of the survey: each cell, and its voxels in each region.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<(u64, Vec<u64>)>,
    /// Of the scale: the brightest pixel of each channel, in the counts of images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brightest: Vec<u32>,
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

/// A cluster of proteins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Cluster {
    pub layer: usize,
    /// (z, x, y) in the tissue.
    pub voxel: [usize; 3],
    /// Of the cell.
    pub id: u64,
    pub number: u32,
    pub proteins: u32,
}

impl Cluster {
    pub(super) fn new(punctum: &Punctum, ids: &[u64]) -> Self {
        Self {
            layer: punctum.layer,
            voxel: punctum.voxel,
            id: ids[punctum.cell],
            number: punctum.number,
            proteins: punctum.proteins,
        }
    }

    pub(super) fn punctum(&self, cells: &CellIndex) -> Punctum {
        Punctum {
            layer: self.layer,
            voxel: self.voxel,
            cell: cells.index(self.id) as usize,
            number: self.number,
            proteins: self.proteins,
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
        store::write_whole(
            folder,
            &folder.receipt(phase, self.task),
            &sealed::seal(self),
        )
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
        let receipt = sealed::open(&text).and_then(|content| {
            serde_json::from_slice::<Self>(content).map_err(|error| error.to_string())
        });
        Ok(match receipt {
            Err(error) => Err(wrong(&format!("is no receipt ({error})"))),
            Ok(receipt) if receipt.plan != plan_id => Err(wrong("is a receipt of another plan")),
            Ok(receipt) if receipt.task != task || receipt.phase != phase.name() => {
                Err(wrong("is the receipt of another task"))
            }
            Ok(receipt) => Ok(receipt),
        })
    }
}

impl Receipt {
    /// What of a receipt of images cannot be: it must tell of as many volumes and channels as the
    /// container has, of these shards or fewer, and of no more voxels than the task has.
    pub(super) fn problem(
        &self,
        facts: &str,
        volumes: usize,
        [channels, layers]: [usize; 2],
        shards: &BTreeSet<String>,
        voxels: u64,
    ) -> Option<&'static str> {
        let sum = |volume: &VolumePart| {
            let counts = volume.voxels.iter().map(|&(_, count)| count);
            counts.fold(0, u64::saturating_add)
        };
        if self.facts != facts {
            return Some("is of images that were made with other merged facts");
        }
        if self.volumes.len() != volumes {
            return Some("tells of another number of volumes than the output has");
        }
        if channels > 0 && self.volumes[0].largest.len() != channels {
            return Some("tells of another number of channels than the output has");
        }
        if self.clusters.iter().any(|cluster| cluster.layer >= layers) {
            return Some("tells of clusters in more layers than there are");
        }
        if self.volumes.iter().any(|volume| sum(volume) > voxels) {
            return Some("counts more voxels than the task has");
        }
        let known = |shard: &Shard| shards.contains(&shard.name);
        if !self.shards.iter().all(known) {
            return Some("lists shards that are not the task's");
        }
        None
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
