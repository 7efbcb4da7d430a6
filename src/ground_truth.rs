//! The ground truth of a run: read once, slice by slice, and kept compressed for its sweeps.

use crate::cells::CellIndex;
use crate::io::read::{ReadError, VolumeSource};
use crate::observer::Observer;
use crate::stages::regions::FIRST_ANNOTATION;
use crate::store::{SliceStore, StoreError};
use crate::volume::Region;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

/// Compressed slices that are kept in memory before they go to a file.
const MEMORY_BYTES: usize = 128 << 20;

/// Name of the stage.
pub(crate) const STAGE: &str = "reading the ground truth";

/// Why the ground truth could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A source could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Slices could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Someone asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// A volume of cells, with its annotated regions.
#[derive(Debug)]
pub struct LoadedVolume {
    /// The cells.
    pub cells: CellIndex,
    /// For each annotated region its number of voxels, and of these the ones inside cells.
    pub annotated_voxels: Vec<(u64, u64)>,
    region: Region,
    sheets: Vec<SliceStore>,
    annotations: SliceStore,
}

/// What reading a slice told about it.
#[derive(Default)]
struct SliceFacts {
    ids: BTreeSet<u64>,
    annotated: Vec<(u64, u64)>,
}

impl LoadedVolume {
    /// Reads `region` of a volume of cells and of the volumes of annotated regions, on all threads.
    /// What memory cannot hold goes to an unnamed file in `folder`.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(
        source: &dyn VolumeSource,
        annotations: &[&dyn VolumeSource],
        region: Region,
        folder: &Path,
        observer: &mut dyn Observer,
    ) -> Result<Self, LoadError> {
        let depth = region.shape[0];
        let labels = SliceStore::new(depth, MEMORY_BYTES, folder);
        let bits = SliceStore::new(depth, MEMORY_BYTES, folder);
        let mut facts = SliceFacts {
            ids: BTreeSet::new(),
            annotated: vec![(0, 0); annotations.len()],
        };
        observer.begin(STAGE, depth);
        // A reader holds a decoder: a few slices for each, so that threads stay busy and opening
        // does not count.
        let share = depth
            .div_ceil(4 * rayon::current_num_threads())
            .clamp(1, 16);
        let wave = share * rayon::current_num_threads();
        for start in (0..depth).step_by(wave) {
            if observer.interrupted() {
                return Err(LoadError::Interrupted);
            }
            let end = (start + wave).min(depth);
            let shares: Vec<Range<usize>> = (start..end)
                .step_by(share)
                .map(|s| s..(s + share).min(end))
                .collect();
            let found = shares
                .into_par_iter()
                .map(|slices| read_slices(source, annotations, region, slices, &labels, &bits))
                .collect::<Result<Vec<_>, LoadError>>()?;
            for found in found {
                facts.ids.extend(found.ids);
                for (total, part) in facts.annotated.iter_mut().zip(found.annotated) {
                    *total = (total.0 + part.0, total.1 + part.1);
                }
            }
            observer.advance(end - start);
        }
        observer.end();
        Ok(Self {
            cells: CellIndex::new(facts.ids),
            annotated_voxels: facts.annotated,
            region,
            sheets: vec![labels],
            annotations: bits,
        })
    }

    /// Number of label volumes without overlap that hold the cells.
    pub fn sheets(&self) -> usize {
        self.sheets.len()
    }

    /// Indices of cells, slice by slice.
    ///
    /// # Errors
    /// When they cannot be read back.
    pub fn labels(&self, sheet: usize, slices: Range<usize>) -> Result<Vec<Vec<u32>>, StoreError> {
        let store = &self.sheets[sheet];
        let voxels = self.region.slice_voxels();
        let slice = |z: usize| {
            let mut ids = vec![0u64; voxels];
            store.get(z, &mut ids)?;
            // Ids come in runs: look each run up once.
            let (mut id, mut index) = (0, 0);
            let indices = ids.iter().map(|&next| {
                if next != id {
                    (id, index) = (next, self.cells.index(next));
                }
                index
            });
            Ok(indices.collect())
        };
        slices.into_par_iter().map(slice).collect()
    }

    /// Bits of the annotated regions, slice by slice.
    ///
    /// # Errors
    /// When they cannot be read back.
    pub fn annotations(&self, slices: Range<usize>) -> Result<Vec<Vec<u32>>, StoreError> {
        let slice = |z: usize| {
            let mut bits = vec![0; self.region.slice_voxels()];
            self.annotations.get(z, &mut bits).map(|()| bits)
        };
        slices.into_par_iter().map(slice).collect()
    }
}

/// Reads some slices with a reader of their own and keeps them.
fn read_slices(
    source: &dyn VolumeSource,
    annotations: &[&dyn VolumeSource],
    region: Region,
    slices: Range<usize>,
    labels: &SliceStore,
    bits: &SliceStore,
) -> Result<SliceFacts, LoadError> {
    let [z, x, y] = region.offset;
    let (rows, columns) = (x..x + region.shape[1], y..y + region.shape[2]);
    let mut reader = source.slices()?;
    let mut readers = annotations
        .iter()
        .map(|source| source.slices())
        .collect::<Result<Vec<_>, _>>()?;
    let voxels = region.slice_voxels();
    let mut facts = SliceFacts {
        ids: BTreeSet::new(),
        annotated: vec![(0, 0); annotations.len()],
    };
    let mut ids = vec![0u64; voxels];
    let mut note = vec![0u64; voxels];
    for slice in slices {
        reader.read(z + slice, rows.clone(), columns.clone(), &mut ids)?;
        let mut last = 0;
        for &id in &ids {
            if id != last {
                last = id;
                facts.ids.insert(id);
            }
        }
        labels.put(slice, &ids)?;
        if !readers.is_empty() {
            let mut mask = vec![0u32; voxels];
            for (number, reader) in readers.iter_mut().enumerate() {
                reader.read(z + slice, rows.clone(), columns.clone(), &mut note)?;
                let (total, inside) = &mut facts.annotated[number];
                for ((mask, &note), &id) in mask.iter_mut().zip(&note).zip(&ids) {
                    if note != 0 {
                        *mask |= FIRST_ANNOTATION << number;
                        *total += 1;
                        *inside += u64::from(id != 0);
                    }
                }
            }
            bits.put(slice, &mask)?;
        }
    }
    Ok(facts)
}
