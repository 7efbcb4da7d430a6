//! Cells that have a volume each and may overlap: every volume is read once, slice by slice, and
//! kept as runs of voxels; then the cells are spread over sheets.

use super::sheets::{Sheets, overlaps, runs};
use super::{Annotations, Labels, LoadError, LoadedVolume, Looks, STAGE, in_waves, shares};
use crate::base::progress::Observer;
use crate::base::volume::VoxelBox;
use crate::io::read::{CellStack, Ids, ReadError, SplittedCells, of_any_width};
use crate::model::cells::CellIndex;
use crate::run::store::{SliceStore, SpillPolicy};
use std::collections::BTreeSet;
use std::ops::Range;

/// Slices that a reader works on at most before the run may be interrupted.
const DEEPEST_SHARE: usize = 64;

/// What some slices of a stack hold.
#[derive(Default)]
struct Found {
    /// The id, and the first slice that has it.
    id: Option<(u64, usize)>,
    /// Slices with voxels of the cell, and the number of the list of their runs.
    lists: Vec<(usize, usize)>,
}

pub(super) fn load(
    cells: &SplittedCells<'_>,
    annotations: Annotations<'_>,
    aside: SpillPolicy<'_>,
    observer: &mut dyn Observer,
) -> Result<LoadedVolume, LoadError> {
    let region = annotations.region;
    let depth = region.shape[0];
    let stacks = cells.stacks();
    observer.begin(STAGE, depth * (stacks.len() + 1));

    // Few stacks are cut into pieces so that all threads have work; each piece has one file open.
    let store = SliceStore::new(0, aside);
    let pieces = (4 * rayon::current_num_threads()).div_ceil(stacks.len());
    let share = depth.div_ceil(pieces).clamp(1, DEEPEST_SHARE);
    let work: Vec<(usize, Range<usize>)> = (0..stacks.len())
        .flat_map(|stack| shares(depth, share).map(move |slices| (stack, slices)))
        .collect();
    let mut found: Vec<Vec<Found>> = stacks.iter().map(|_| Vec::new()).collect();
    in_waves(
        work,
        annotations.waves.readers,
        |(_, slices)| slices.len(),
        observer,
        |(stack, slices)| Ok((stack, read(&stacks[stack], region, slices, &store)?)),
        |(stack, part)| found[stack].push(part),
    )?;

    let mut ids = vec![None; stacks.len()];
    for ((stack, id), parts) in stacks.iter().zip(&mut ids).zip(&found) {
        for (other, slice) in parts.iter().filter_map(|part| part.id) {
            let first = *id.get_or_insert(other);
            check_id(stack, region, slice, first, other)?;
        }
    }
    let index = CellIndex::new(ids.iter().flatten().copied());
    let mut slices = vec![Vec::new(); depth];
    for (id, parts) in ids.iter().zip(found) {
        let cell = id.map_or(0, |id| index.index(id));
        for (slice, list) in parts.into_iter().flat_map(|part| part.lists) {
            slices[slice].push((cell, list));
        }
    }
    let blank = stacks.iter().zip(&ids).filter(|(_, id)| id.is_none());
    let blank_stacks = blank.map(|(stack, _)| stack.path.clone()).collect();

    let mut sheets = Sheets::new(store, slices, index.len());
    let (mut pairs, mut annotated) = (BTreeSet::new(), Vec::new());
    let share = depth
        .div_ceil(4 * rayon::current_num_threads())
        .clamp(1, 16);
    in_waves(
        shares(depth, share).collect(),
        annotations.waves.readers,
        ExactSizeIterator::len,
        observer,
        |slices| {
            let mut notes = annotations.readers()?;
            let mut pairs = BTreeSet::new();
            for slice in slices {
                let runs = sheets.slice_runs(slice)?;
                pairs.append(&mut overlaps(&runs));
                if !annotations.sources.is_empty() {
                    let mut in_cell = vec![false; region.slice_voxels()];
                    for ([start, end], _) in runs {
                        in_cell[start as usize..end as usize].fill(true);
                    }
                    notes.read(&annotations, slice, |voxel| in_cell[voxel])?;
                }
            }
            Ok((pairs, notes.found))
        },
        |(mut some, found)| {
            pairs.append(&mut some);
            annotations.add(&mut annotated, found);
        },
    )?;
    sheets.colour(&pairs);
    observer.end();
    Ok(LoadedVolume {
        cells: index,
        annotated_voxels: annotated,
        looks: Looks::default(),
        blank_stacks,
        stacks: ids.iter().flatten().count(),
        region,
        bits: 0,
        origin: [0; 3],
        labels: Labels::Splitted(sheets),
        annotations: annotations.bits,
    })
}

/// Reads some slices of a stack with a reader of their own and keeps their runs.
fn read(
    stack: &CellStack<'_>,
    region: VoxelBox,
    slices: Range<usize>,
    store: &SliceStore,
) -> Result<Found, LoadError> {
    let mut reader = stack.volume.slices()?;
    let mut ids = Ids::new(stack.volume.bits(), region.slice_voxels());
    let mut found = Found::default();
    for slice in slices {
        let (z, rows, columns) = region.slice(slice);
        reader.read_ids(z, rows, columns, ids.room())?;
        let runs = of_any_width!(&ids, ids => runs(ids));
        for &[start, end] in &runs {
            let mut run = (start as usize..end as usize).map(|voxel| ids.get(voxel));
            let (first, _) = *found.id.get_or_insert((ids.get(start as usize), slice));
            if let Some(other) = run.find(|&id| id != first) {
                check_id(stack, region, slice, first, other)?;
            }
        }
        if !runs.is_empty() {
            found.lists.push((slice, store.push_list(&runs)?));
        }
    }
    Ok(found)
}

fn check_id(
    stack: &CellStack<'_>,
    region: VoxelBox,
    slice: usize,
    first: u64,
    second: u64,
) -> Result<(), ReadError> {
    if first == second {
        return Ok(());
    }
    let (z, _, _) = region.slice(slice);
    let image = stack.volume.slice_path(z);
    Err(ReadError::TwoIds {
        path: image.unwrap_or(&stack.path).to_owned(),
        slice: image.is_none().then_some(z),
        first,
        second,
    })
}
