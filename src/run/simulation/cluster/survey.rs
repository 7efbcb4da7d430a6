//! The survey: facts about cells that no task sees whole, merged from all of them.

use super::plan_file::PlanFile;
use super::receipt::{Flaw, Receipt, told};
use super::sealed;
use super::status::{missing, ranges};
use super::store::write_whole;
use super::{ClusterError, Folder, Phase};
use crate::model::cells::CellIndex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
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
    /// The first digits of the text's SHA-256.
    pub digest: String,
}

impl Survey {
    fn text(plan: &PlanFile) -> Result<Vec<u8>, ClusterError> {
        let path = plan.folder.survey();
        fs::read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => ClusterError::TooEarly(format!(
                "{}: the tasks of the survey are not merged yet: `simexm-gpu merge {} survey` does it when they are done",
                path.display(),
                plan.folder.root.display()
            )),
            _ => ClusterError::io(&path)(error),
        })
    }

    /// The digest of the merged survey that images of a plan are made with; empty where it has
    /// none.
    pub(super) fn digest(plan: &PlanFile) -> Result<String, ClusterError> {
        match plan.tasks(Phase::Survey) {
            0 => Ok(String::new()),
            _ => Self::text(plan).map(|text| digest(&text)),
        }
    }

    /// Reads what was merged.
    pub(super) fn open(plan: &PlanFile) -> Result<Self, ClusterError> {
        let path = plan.folder.survey();
        let merge = || {
            let root = plan.folder.root.display();
            format!("`simexm-gpu merge {root} survey`")
        };
        let text = Self::text(plan)?;
        let wrong = |what: &str| {
            ClusterError::Refused(format!(
                "{}: {what}: {} makes it anew",
                path.display(),
                merge()
            ))
        };
        let merged = sealed::open(&text).and_then(|content| {
            serde_json::from_slice::<Merged>(content).map_err(|error| error.to_string())
        });
        let merged = merged.map_err(|error| wrong(&format!("is no merged survey ({error})")))?;
        if merged.plan != plan.id {
            return Err(wrong("is of another plan"));
        }
        let cells = CellIndex::new(merged.cells.iter().map(|&(id, _)| id));
        let regions = merged.cells.first().map_or(0, |(_, voxels)| voxels.len());
        let ids = merged.cells.iter().map(|(id, _)| id);
        let of_all = |(_, voxels): &(u64, Vec<u64>)| voxels.len() == regions;
        if !ids.is_sorted_by(|a, b| a < b) || !merged.cells.iter().all(of_all) {
            return Err(wrong(
                "does not tell of each cell once, and of all in all regions",
            ));
        }
        let mut voxels = vec![vec![0; cells.len()]; regions];
        for (id, counts) in merged.cells {
            let index = cells.index(id) as usize;
            for (region, count) in voxels.iter_mut().zip(counts) {
                region[index] = count;
            }
        }
        Ok(Self {
            cells,
            voxels,
            digest: digest(&text),
        })
    }
}

fn digest(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
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
                    let sums = cells.entry(id).or_insert_with(|| vec![0; counts.len()]);
                    let added = sums.iter().zip(&counts);
                    let added: Option<Vec<u64>> =
                        added.map(|(sum, &count)| sum.checked_add(count)).collect();
                    match added.filter(|_| sums.len() == counts.len()) {
                        Some(added) => *sums = added,
                        None => {
                            let path = folder.receipt(phase, task);
                            let what = format!("the counts of cell {id} fit no other task's");
                            wrong.push(told(&path, &what, phase, task, folder));
                            break;
                        }
                    }
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
    write_whole(folder, &folder.survey(), &sealed::seal(&merged))?;
    Ok(count)
}
