//! Cells that share one volume.

use super::{
    Annotations, Labels, LoadError, LoadedVolume, Looks, Part, STAGE, by_slices, components,
};
use crate::base::progress::Observer;
use crate::config::CellsFrom;
use crate::io::read::{Ids, VolumeSource, of_any_width};
use crate::model::cells::CellIndex;
use crate::run::store::{SliceStore, SpillPolicy, StoreError};
use std::collections::BTreeSet;
use std::ops::{BitOr, BitXor};

pub(super) fn load(
    source: &dyn VolumeSource,
    annotations: Annotations<'_>,
    cells_from: CellsFrom,
    aside: SpillPolicy<'_>,
    observer: &mut dyn Observer,
) -> Result<LoadedVolume, LoadError> {
    let region = annotations.region;
    let depth = region.shape[0];
    let labels = SliceStore::new(depth, aside);
    let (mut all_ids, mut annotated) = (BTreeSet::new(), Vec::new());
    let mut looks = Looks::default();
    observer.begin(STAGE, depth);
    // A reader holds a decoder: a few slices for each, so that threads stay busy and opening
    // does not count.
    let share = depth
        .div_ceil(4 * rayon::current_num_threads())
        .clamp(1, 16);
    by_slices(
        &annotations,
        source,
        share,
        observer,
        |slices| {
            let mut reader = source.slices()?;
            let mut notes = annotations.readers()?;
            let mut ids = Ids::new(source.bits(), region.slice_voxels());
            let mut found = BTreeSet::new();
            let mut looks = Looks::default();
            for slice in slices {
                let (z, rows, columns) = region.slice(slice);
                reader.read_ids(z, rows, columns, ids.room())?;
                let runs = of_any_width!(&ids, ids => runs(ids));
                found.extend(runs.iter().map(Run::id));
                looks.see(runs.iter().map(|run| (run.id(), run.voxels)));
                labels.put_list(slice, &runs)?;
                notes.read(&annotations, slice, |voxel| ids.get(voxel) != 0)?;
            }
            Ok((found, notes.found, looks))
        },
        |(ids, found, some)| {
            all_ids.extend(ids);
            looks.add(some);
            annotations.add(&mut annotated, found);
        },
    )?;
    observer.end();
    let (cells, labels) = match cells_from {
        CellsFrom::Ids => (CellIndex::new(all_ids), Labels::Merged(labels)),
        CellsFrom::Components => {
            let (store, numbers) = components::find(&labels, region, aside)?;
            looks = looks.of_components();
            let count = numbers.iter().copied().max().unwrap_or(0);
            let cells = CellIndex::new((0..=count).map(u64::from));
            (cells, Labels::Components(store, numbers))
        }
    };
    Ok(LoadedVolume {
        cells,
        annotated_voxels: annotated,
        looks,
        blank_stacks: Vec::new(),
        stacks: 0,
        region,
        bits: 0,
        origin: [0; 3],
        labels,
        annotations: annotations.bits,
    })
}

/// Voxels next to one another with the same id, row after row. (Slices of 2^32 voxels and more fit
/// no plan.)
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Run {
    id: [u32; 2],
    pub voxels: u32,
}

impl Run {
    pub fn new(id: u64, voxels: usize) -> Self {
        Self {
            id: [id as u32, (id >> 32) as u32],
            voxels: voxels as u32,
        }
    }

    pub fn id(&self) -> u64 {
        u64::from(self.id[1]) << 32 | u64::from(self.id[0])
    }
}

/// A slice as runs of ids.
fn runs<T>(ids: &[T]) -> Vec<Run>
where
    T: Copy + Eq + Default + BitOr<Output = T> + BitXor<Output = T> + Into<u64>,
{
    let mut runs = Vec::new();
    let mut rest = ids;
    while let Some(&id) = rest.first() {
        // Many voxels at a time, then one by one.
        let (blocks, _) = rest.as_chunks::<16>();
        let alike = |block: &&[T; 16]| {
            let other = block
                .iter()
                .fold(T::default(), |other, &next| other | (next ^ id));
            other == T::default()
        };
        let whole = 16 * blocks.iter().take_while(alike).count();
        let end = rest[whole..].iter().position(|&next| next != id);
        let length = end.map_or(rest.len(), |more| whole + more);
        runs.push(Run::new(id.into(), length));
        rest = &rest[length..];
    }
    runs
}

/// Indices of the cells in a part of a slice, which has this many voxels.
pub(super) fn labels(
    store: &SliceStore,
    z: usize,
    voxels: usize,
    index: impl Fn(u64) -> u32,
    part: &Part,
) -> Result<Vec<u32>, StoreError> {
    let mut labels = vec![0; part.voxels()];
    let mut end = 0;
    for run in store.get_list::<Run>(z)? {
        let start = end;
        end += run.voxels as usize;
        part.fill(&mut labels, start..end, index(run.id()));
    }
    if end == voxels {
        Ok(labels)
    } else {
        Err(StoreError::Damaged { slice: z })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_are_the_slice(
            pieces in prop::collection::vec((prop_oneof![0u64..4, Just(u64::MAX)], 1usize..40), 0..40),
        ) {
            let ids: Vec<u64> = (pieces.iter())
                .flat_map(|&(id, length)| std::iter::repeat_n(id, length))
                .collect();
            let folder = tempfile::tempdir().expect("a folder");
            let store = SliceStore::new(1, SpillPolicy::new(folder.path()));
            let runs = runs(&ids);
            prop_assert!(runs.windows(2).all(|pair| pair[0].id() != pair[1].id()));
            store.put_list(0, &runs).expect("kept");
            let cells = CellIndex::new(ids.iter().copied());
            let whole = Part::new(0..1, 0..ids.len(), [1, ids.len()]);
            let index = |id| cells.index(id);
            let indices = labels(&store, 0, ids.len(), index, &whole).expect("fetched");
            let back: Vec<u64> = indices.iter().map(|&index| cells.ids()[index as usize]).collect();
            prop_assert_eq!(back, ids);
        }
    }
}
