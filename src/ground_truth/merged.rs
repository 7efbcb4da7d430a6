//! Cells that share one volume.

use super::{Annotations, Labels, LoadError, LoadedVolume, MEMORY_BYTES, STAGE, in_waves, shares};
use crate::cells::CellIndex;
use crate::io::read::VolumeSource;
use crate::observer::Observer;
use crate::store::{SliceStore, StoreError};
use std::collections::BTreeSet;
use std::path::Path;

pub(super) fn load(
    source: &dyn VolumeSource,
    annotations: Annotations<'_>,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<LoadedVolume, LoadError> {
    let region = annotations.region;
    let depth = region.shape[0];
    let labels = SliceStore::new(depth, MEMORY_BYTES, folder);
    let (mut all_ids, mut annotated) = (BTreeSet::new(), Vec::new());
    observer.begin(STAGE, depth);
    // A reader holds a decoder: a few slices for each, so that threads stay busy and opening
    // does not count.
    let share = depth
        .div_ceil(4 * rayon::current_num_threads())
        .clamp(1, 16);
    in_waves(
        shares(depth, share).collect(),
        ExactSizeIterator::len,
        observer,
        |slices| {
            let mut reader = source.slices()?;
            let mut notes = annotations.readers()?;
            let mut ids = vec![0u64; region.slice_voxels()];
            let mut found = BTreeSet::new();
            for slice in slices {
                let (z, rows, columns) = region.slice(slice);
                reader.read(z, rows, columns, &mut ids)?;
                let mut last = 0;
                for &id in &ids {
                    if id != last {
                        last = id;
                        found.insert(id);
                    }
                }
                labels.put(slice, &ids)?;
                notes.read(&annotations, slice, |voxel| ids[voxel] != 0)?;
            }
            Ok((found, notes.found))
        },
        |(ids, found)| {
            all_ids.extend(ids);
            annotations.add(&mut annotated, found);
        },
    )?;
    observer.end();
    Ok(LoadedVolume {
        cells: CellIndex::new(all_ids),
        annotated_voxels: annotated,
        blank_stacks: Vec::new(),
        stacks: 0,
        region,
        labels: Labels::Merged(labels),
        annotations: annotations.bits,
    })
}

/// Indices of the cells in a slice.
pub(super) fn labels(
    store: &SliceStore,
    z: usize,
    voxels: usize,
    cells: &CellIndex,
) -> Result<Vec<u32>, StoreError> {
    let mut ids = vec![0u64; voxels];
    store.get(z, &mut ids)?;
    // Ids come in runs: look each run up once.
    let (mut id, mut index) = (0, 0);
    let indices = ids.iter().map(|&next| {
        if next != id {
            (id, index) = (next, cells.index(next));
        }
        index
    });
    Ok(indices.collect())
}
