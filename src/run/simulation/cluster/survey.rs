//! The survey: the cells of the tissue, and how large they are, which no task sees whole.

use super::plan_file::PlanFile;
use super::{ClusterError, Phase, facts};
use crate::model::cells::CellIndex;
use std::collections::BTreeMap;

/// As a selection of cells takes it.
pub(super) struct Survey {
    pub cells: CellIndex,
    /// By region and index of the cell.
    pub voxels: Vec<Vec<u64>>,
}

impl Survey {
    /// Takes the cells of a task: each, and its voxels in each of the layers' regions.
    ///
    /// # Errors
    /// They fit no other task's.
    pub(super) fn add(
        all: &mut BTreeMap<u64, Vec<u64>>,
        own: Vec<(u64, Vec<u64>)>,
    ) -> Result<(), String> {
        for (id, counts) in own {
            let sums = all.entry(id).or_insert_with(|| vec![0; counts.len()]);
            let added = sums.iter().zip(&counts);
            let added: Option<Vec<u64>> =
                added.map(|(sum, &count)| sum.checked_add(count)).collect();
            match added.filter(|_| sums.len() == counts.len()) {
                Some(added) => *sums = added,
                None => return Err(format!("the counts of cell {id} fit no other task's")),
            }
        }
        Ok(())
    }

    /// Reads what was merged.
    pub(super) fn read(plan: &PlanFile, text: &[u8]) -> Result<Self, ClusterError> {
        let merged: Vec<(u64, Vec<u64>)> = facts::read(plan, Phase::Survey, text)?;
        let cells = CellIndex::new(merged.iter().map(|&(id, _)| id));
        let regions = merged.first().map_or(0, |(_, voxels)| voxels.len());
        let ids = merged.iter().map(|(id, _)| id);
        let of_all = |(_, voxels): &(u64, Vec<u64>)| voxels.len() == regions;
        if !ids.is_sorted_by(|a, b| a < b) || !merged.iter().all(of_all) {
            let what = "does not tell of each cell once, and of all in all regions";
            return Err(facts::wrong(plan, Phase::Survey, what));
        }
        let mut voxels = vec![vec![0; cells.len()]; regions];
        for (id, counts) in merged {
            let index = cells.index(id) as usize;
            for (region, count) in voxels.iter_mut().zip(counts) {
                region[index] = count;
            }
        }
        Ok(Self { cells, voxels })
    }
}
