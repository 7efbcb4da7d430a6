//! The survey: facts about cells that no task sees whole, merged from all of them.

use super::plan_file::PlanFile;
use super::receipt::{Flaw, Receipt};
use super::status::{missing, ranges};
use super::store::write_whole;
use super::{ClusterError, Folder, Phase};
use crate::model::cells::CellIndex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

/// The cells of the tissue, and their voxels in each of the layers' regions.
#[derive(Serialize, Deserialize)]
struct Merged {
    plan: String,
    cells: Vec<(u64, Vec<u64>)>,
}

/// As a selection of cells takes it.
pub(super) struct Survey {
    pub cells: CellIndex,
    /// By region and index of the cell.
    pub voxels: Vec<Vec<u64>>,
}

impl Survey {
    /// Reads what was merged.
    pub(super) fn open(plan: &PlanFile) -> Result<Self, ClusterError> {
        let path = plan.folder.survey();
        let merge = || {
            let root = plan.folder.root.display();
            format!("`simexm-gpu merge {root} survey`")
        };
        let text = fs::read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => ClusterError::TooEarly(format!(
                "{}: the tasks of the survey are not merged yet: {} does it when they are done",
                path.display(),
                merge()
            )),
            _ => ClusterError::io(&path)(error),
        })?;
        let wrong = |what: &str| {
            ClusterError::Refused(format!(
                "{}: {what}: {} makes it anew",
                path.display(),
                merge()
            ))
        };
        let merged: Merged = serde_json::from_slice(&text)
            .map_err(|error| wrong(&format!("is no merged survey ({error})")))?;
        if merged.plan != plan.id {
            return Err(wrong("is of another plan"));
        }
        let cells = CellIndex::new(merged.cells.iter().map(|&(id, _)| id));
        let regions = merged.cells.first().map_or(0, |(_, voxels)| voxels.len());
        let mut voxels = vec![vec![0; cells.len()]; regions];
        for (id, counts) in merged.cells {
            let index = cells.index(id) as usize;
            for (region, count) in voxels.iter_mut().zip(counts) {
                region[index] = count;
            }
        }
        Ok(Self { cells, voxels })
    }
}

/// Merges the receipts of a phase: sums and unions, so that their order does not matter. Returns
/// how many cells there are.
///
/// # Errors
/// A task is missing, or something cannot be read or written.
pub fn merge(plan: &PlanFile, phase: Phase) -> Result<usize, ClusterError> {
    if phase != Phase::Survey || plan.tasks(Phase::Survey) == 0 {
        return Err(ClusterError::Refused(format!(
            "{}: nothing is to be merged of the phase {phase}: all of it is in the receipts",
            plan.folder.root.display()
        )));
    }
    let folder: &Folder = &plan.folder;
    let mut cells: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for task in 0..plan.tasks(phase) {
        match Receipt::read(folder, (phase, task), &plan.id)? {
            Ok(receipt) => {
                for (id, counts) in receipt.cells {
                    let sums = cells.entry(id).or_default();
                    sums.resize(sums.len().max(counts.len()), 0);
                    sums.iter_mut()
                        .zip(counts)
                        .for_each(|(sum, count)| *sum += count);
                }
            }
            Err(Flaw::Wrong(what)) => wrong.push(what),
            Err(Flaw::Missing) => {}
        }
    }
    if !wrong.is_empty() {
        return Err(ClusterError::Damaged(wrong));
    }
    let left = missing(plan, phase)?;
    if !left.is_empty() {
        return Err(ClusterError::TooEarly(format!(
            "{}: tasks of the survey are missing: {}",
            folder.root.display(),
            ranges(&left)
        )));
    }
    let count = cells.len();
    let merged = Merged {
        plan: plan.id.clone(),
        cells: cells.into_iter().collect(),
    };
    let mut text = serde_json::to_vec(&merged).unwrap_or_default();
    text.push(b'\n');
    write_whole(folder, &folder.survey(), &text)?;
    Ok(count)
}
