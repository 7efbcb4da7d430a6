//! Cells that may overlap, kept as the runs of voxels they fill, and painted into sheets: label
//! volumes in which no two cells overlap.

use super::Part;
use crate::run::store::{SliceStore, StoreError};
use std::collections::BTreeSet;
use std::ops::BitOr;

/// Voxels `start..end` of a slice, row after row. (Slices of 2^32 voxels and more fit no plan.)
pub(super) type Run = [u32; 2];

/// Cells by slice, each on one of a few sheets.
#[derive(Debug)]
pub(super) struct Sheets {
    runs: SliceStore,
    /// By slice, what lies in it: index of a cell, and number of the list of its runs.
    slices: Vec<Vec<(u32, usize)>>,
    /// By index of the cell.
    sheet_of: Vec<u32>,
}

/// A slice's runs of all cells, in the order of their starts.
pub(super) type SliceRuns = Vec<(Run, u32)>;

impl Sheets {
    /// Cells whose runs are in the store, all on one sheet for the time being.
    pub fn new(runs: SliceStore, slices: Vec<Vec<(u32, usize)>>, cells: usize) -> Self {
        Self {
            runs,
            slices,
            sheet_of: vec![0; cells],
        }
    }

    /// Number of sheets, at least one.
    pub fn count(&self) -> usize {
        self.sheet_of
            .iter()
            .max()
            .map_or(1, |&sheet| sheet as usize + 1)
    }

    /// Gives cells other indices, of which there are so many.
    pub fn renumber(&mut self, indices: &[u32], cells: usize) {
        for (cell, _) in self.slices.iter_mut().flatten() {
            *cell = indices[*cell as usize];
        }
        let before = std::mem::replace(&mut self.sheet_of, vec![0; cells]);
        for (&cell, sheet) in indices.iter().zip(before) {
            self.sheet_of[cell as usize] = sheet;
        }
    }

    /// All runs of a slice.
    pub fn slice_runs(&self, z: usize) -> Result<SliceRuns, StoreError> {
        let mut all = SliceRuns::new();
        for &(cell, list) in &self.slices[z] {
            let runs = self.runs.get_list(list)?;
            all.extend(runs.into_iter().map(|run| (run, cell)));
        }
        all.sort_unstable();
        Ok(all)
    }

    /// Puts cells that overlap on different sheets: in ascending order each takes the first sheet
    /// that none of those it overlaps has taken.
    pub fn colour(&mut self, overlaps: &BTreeSet<(u32, u32)>) {
        let mut neighbours = vec![Vec::new(); self.sheet_of.len()];
        for &(lower, upper) in overlaps {
            neighbours[upper as usize].push(lower);
        }
        for (cell, neighbours) in neighbours.iter().enumerate() {
            let taken: BTreeSet<u32> = (neighbours.iter())
                .map(|&lower| self.sheet_of[lower as usize])
                .collect();
            self.sheet_of[cell] = (0..).find(|sheet| !taken.contains(sheet)).unwrap_or(0);
        }
    }

    /// Indices of the cells in a part of a slice of a sheet.
    pub fn labels(&self, sheet: usize, z: usize, part: &Part) -> Result<Vec<u32>, StoreError> {
        let mut labels = vec![0; part.voxels()];
        for &(cell, list) in &self.slices[z] {
            if self.sheet_of[cell as usize] as usize == sheet {
                for [start, end] in self.runs.get_list::<Run>(list)? {
                    part.fill(&mut labels, start as usize..end as usize, cell);
                }
            }
        }
        Ok(labels)
    }
}

/// The pairs of cells, the lower index first, that have voxels in common in a slice.
pub(super) fn overlaps(runs: &SliceRuns) -> BTreeSet<(u32, u32)> {
    let mut pairs = BTreeSet::new();
    // Runs that may reach beyond the start of the next one.
    let mut open: SliceRuns = Vec::new();
    for &(run, cell) in runs {
        open.retain(|(other, _)| other[1] > run[0]);
        for &(_, other) in &open {
            if other != cell {
                pairs.insert((other.min(cell), other.max(cell)));
            }
        }
        open.push((run, cell));
    }
    pairs
}

/// The runs of voxels that are not 0.
pub(super) fn runs<T>(ids: &[T]) -> Vec<Run>
where
    T: Copy + Eq + Default + BitOr<Output = T>,
{
    let zero = T::default();
    let mut runs = Vec::new();
    let mut at = 0;
    loop {
        // Most of a cell's volume is 0: pass over it many voxels at a time.
        let (blocks, _) = ids[at..].as_chunks::<64>();
        let blank = |block: &&[T; 64]| block.iter().fold(zero, |any, &id| any | id) == zero;
        at += 64 * blocks.iter().take_while(blank).count();
        let Some(skipped) = ids[at..].iter().position(|&id| id != zero) else {
            return runs;
        };
        let start = at + skipped;
        let length = ids[start..].iter().position(|&id| id == zero);
        at = length.map_or(ids.len(), |length| start + length);
        runs.push([start as u32, at as u32]);
    }
}
