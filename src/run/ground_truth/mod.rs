//! The ground truth of a run: read once, slice by slice, and kept compressed for its sweeps.

mod components;
mod looks;
mod merged;
mod part;
mod sheets;
mod splitted;

#[cfg(test)]
mod tests;

use crate::base::host::amount;
use crate::base::progress::Observer;
use crate::base::region_bits::FIRST_ANNOTATION;
use crate::base::volume::VoxelBox;
use crate::config::CellsFrom;
use crate::io::read::{
    CellSource, Ids, ReadError, SliceReader, VolumeSource, id_bytes, of_any_width,
};
use crate::model::cells::CellIndex;
use crate::run::store::{SliceStore, SpillPolicy, StoreError};
pub use looks::Looks;
pub use part::Part;
use rayon::prelude::*;
use sheets::Sheets;
use std::ops::Range;
use std::path::PathBuf;

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
    /// A slice takes more memory than there is.
    #[error(
        "{volume}: reading a slice takes {}, where {} of memory are to be had: raise --memory ([compute] memory), or load \
         fewer rows and columns with [groundtruth] bounds; of images that are decoded as a whole, save TIFF or PNG",
        amount(*needed_bytes), amount(*budget_bytes)
    )]
    SliceTooLarge {
        /// What was to be read.
        volume: String,
        /// What one reader needs, in bytes.
        needed_bytes: u64,
        /// What all may take, in bytes.
        budget_bytes: u64,
    },
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
    /// What the ids look like, of cells that share a volume.
    pub looks: Looks,
    /// Of splitted cells, the volumes that are 0 everywhere in the part that was read.
    pub blank_stacks: Vec<PathBuf>,
    /// Of splitted cells, the number of volumes with a cell; where cells have several, more than
    /// cells.
    pub stacks: usize,
    /// Bits of the widest id that the volume can hold.
    pub bits: u8,
    region: VoxelBox,
    /// Where it lies in the tissue.
    origin: [usize; 3],
    labels: Labels,
    annotations: SliceStore,
}

/// Which cell a voxel belongs to.
#[derive(Debug)]
enum Labels {
    /// Ids, slice by slice.
    Merged(SliceStore),
    /// Preliminary numbers of components, slice by slice, and the ids in their place.
    Components(SliceStore, Vec<u32>),
    /// Cells that may overlap.
    Splitted(Sheets),
}

impl LoadedVolume {
    /// Reads `region` of the cells and of the volumes of annotated regions, on all threads.
    /// They are set aside, compressed.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(
        source: &CellSource<'_>,
        annotations: &[&dyn VolumeSource],
        region: VoxelBox,
        aside: SpillPolicy<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Self, LoadError> {
        Self::load_as(source, annotations, region, CellsFrom::Ids, aside, observer)
    }

    /// Reads as [`LoadedVolume::load`] does; of cells that share a volume, `cells_from` says what
    /// makes one.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load_as(
        source: &CellSource<'_>,
        annotations: &[&dyn VolumeSource],
        region: VoxelBox,
        cells_from: CellsFrom,
        aside: SpillPolicy<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Self, LoadError> {
        let waves = Waves::plan(source, annotations, &region, aside.reading_bytes)?;
        let stores = if annotations.is_empty() { 1 } else { 2 };
        let aside = aside.share(stores);
        let notes = Annotations {
            sources: annotations,
            region,
            bits: SliceStore::new(region.shape[0], aside),
            waves,
        };
        let bits = match cells_from {
            CellsFrom::Ids => source.bits(),
            CellsFrom::Components => u32::BITS as u8,
        };
        let loaded = match source {
            CellSource::Merged(volume) => {
                merged::load(&**volume, notes, cells_from, aside, observer)
            }
            CellSource::Splitted(cells) => splitted::load(cells, notes, aside, observer),
        }?;
        source.unchanged()?;
        annotations
            .iter()
            .try_for_each(|source| source.unchanged())?;
        Ok(Self { bits, ..loaded })
    }

    /// Says that it is the part of a tissue that begins at this voxel (z, x, y) of it, and which
    /// cells the tissue has, where they are known.
    #[must_use]
    pub fn in_tissue(mut self, origin: [usize; 3], cells: Option<CellIndex>) -> Self {
        self.origin = origin;
        if let Some(cells) = cells {
            if let Labels::Splitted(sheets) = &mut self.labels {
                let ids = self.cells.ids().iter();
                let numbers: Vec<u32> = ids.map(|&id| cells.index(id)).collect();
                sheets.renumber(&numbers, cells.len());
            }
            self.cells = cells;
        }
        self
    }

    /// Rows and columns of the tissue, as a part of what was loaded.
    pub fn part(&self, rows: Range<usize>, columns: Range<usize>) -> Part {
        let [_, x, y] = self.origin;
        let [_, height, width] = self.region.shape;
        let (rows, columns) = (
            rows.start - x..rows.end - x,
            columns.start - y..columns.end - y,
        );
        Part::new(rows, columns, [height, width])
    }

    /// Slices of the tissue, as slices of what was loaded.
    fn own(&self, slices: Range<usize>) -> Range<usize> {
        let [z, ..] = self.origin;
        slices.start.saturating_sub(z)..slices.end.saturating_sub(z)
    }

    /// Number of label volumes without overlap that hold the cells.
    pub fn sheets(&self) -> usize {
        match &self.labels {
            Labels::Merged(_) | Labels::Components(..) => 1,
            Labels::Splitted(sheets) => sheets.count(),
        }
    }

    /// Indices of cells in a part of each slice.
    ///
    /// # Errors
    /// When they cannot be read back.
    pub fn labels(
        &self,
        sheet: usize,
        slices: Range<usize>,
        part: &Part,
    ) -> Result<Vec<Vec<u32>>, StoreError> {
        let voxels = self.region.slice_voxels();
        let slice = |z: usize| match &self.labels {
            Labels::Merged(store) => {
                merged::labels(store, z, voxels, |id| self.cells.index(id), part)
            }
            Labels::Components(store, numbers) => {
                let index = |id| numbers.get(id as usize).copied().unwrap_or(0);
                merged::labels(store, z, voxels, index, part)
            }
            Labels::Splitted(sheets) => sheets.labels(sheet, z, part),
        };
        self.own(slices).into_par_iter().map(slice).collect()
    }

    /// Bits of the annotated regions in a part of each slice.
    ///
    /// # Errors
    /// When they cannot be read back.
    pub fn annotations(
        &self,
        slices: Range<usize>,
        part: &Part,
    ) -> Result<Vec<Vec<u32>>, StoreError> {
        let slice = |z: usize| {
            let mut bits = vec![0; self.region.slice_voxels()];
            self.annotations.get(z, &mut bits)?;
            Ok(part.cut(bits))
        };
        self.own(slices).into_par_iter().map(slice).collect()
    }
}

/// The volumes of annotated regions, and where their bits go.
struct Annotations<'a> {
    sources: &'a [&'a dyn VolumeSource],
    region: VoxelBox,
    bits: SliceStore,
    waves: Waves,
}

/// Bits of the widest id of several volumes.
fn widest(sources: &[&dyn VolumeSource]) -> u8 {
    let bits = sources.iter().map(|source| source.bits());
    bits.max().unwrap_or(1)
}

/// How much is read at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waves {
    /// Readers that work at the same time.
    readers: usize,
    /// Slices that are gathered together, from a multiple of their number in the volume on; 0 where
    /// nothing is to be gathered.
    gathered: usize,
}

impl Waves {
    /// As many readers of a part work at the same time as there are threads, unless they would take
    /// more memory than that. Where slices are packed together, all that are packed together are
    /// gathered, or as many as leave room for one reader.
    fn plan(
        cells: &CellSource<'_>,
        annotations: &[&dyn VolumeSource],
        part: &VoxelBox,
        budget_bytes: u64,
    ) -> Result<Self, LoadError> {
        // Ids and their runs; notes and bits of annotated regions.
        let per_voxel = match annotations {
            [] => id_bytes(cells.bits()) + 8,
            _ => id_bytes(cells.bits()) + 8 + id_bytes(widest(annotations)) + 4,
        };
        let voxels = (part.shape[1] as u64).saturating_mul(part.shape[2] as u64);
        // Volumes of slices that are gathered; those of single cells are read as a whole.
        let volumes: Vec<&dyn VolumeSource> = match cells {
            CellSource::Merged(volume) => std::iter::once(&**volume)
                .chain(annotations.iter().copied())
                .collect(),
            CellSource::Splitted(_) => Vec::new(),
        };
        let gathered_bytes = |slices: usize| {
            let own = volumes
                .iter()
                .map(|volume| volume.gathered_bytes(part, slices));
            own.fold(0, u64::saturating_add)
        };
        let own = match cells {
            CellSource::Merged(_) => {
                // What is gathered no reader holds.
                let own = volumes
                    .iter()
                    .filter(|volume| volume.gathered_bytes(part, 1) == 0);
                own.map(|volume| volume.working_bytes(part))
                    .fold(0, u64::saturating_add)
            }
            CellSource::Splitted(_) => {
                let own = annotations.iter().map(|source| source.working_bytes(part));
                own.fold(cells.working_bytes(part), u64::saturating_add)
            }
        };
        let reader_bytes = voxels.saturating_mul(per_voxel).saturating_add(own);
        let too_large = |needed_bytes| LoadError::SliceTooLarge {
            volume: cells.describe(),
            needed_bytes,
            budget_bytes,
        };
        let mut gathered = 0;
        if gathered_bytes(1) > 0 {
            let packed = volumes.iter().map(|volume| volume.slices_together());
            gathered = packed.fold(1, usize::max);
            let fits =
                |slices: usize| gathered_bytes(slices).saturating_add(reader_bytes) <= budget_bytes;
            while gathered > 1 && !fits(gathered) {
                gathered = gathered.div_ceil(2);
            }
            // Few are packed together: so many that all threads have some.
            let many = (gathered * SLICES_TOGETHER.div_ceil(gathered)).min(part.shape[0]);
            if many > gathered && fits(many) {
                gathered = many;
            }
            if !fits(gathered) {
                return Err(too_large(
                    gathered_bytes(gathered).saturating_add(reader_bytes),
                ));
            }
        }
        let rest = budget_bytes
            - if gathered > 0 {
                gathered_bytes(gathered)
            } else {
                0
            };
        let most = rest / reader_bytes.max(1);
        if most == 0 {
            return Err(too_large(reader_bytes));
        }
        let threads = rayon::current_num_threads();
        let readers = usize::try_from(most).map_or(threads, |most| most.min(threads));
        Ok(Self { readers, gathered })
    }

    /// Cuts the slices of a part into what is gathered together.
    fn cut(&self, part: &VoxelBox) -> Vec<VoxelBox> {
        let [start, end] = [part.offset[0], part.offset[0] + part.shape[0]];
        let step = if self.gathered > 0 {
            self.gathered
        } else {
            end
        };
        let first = start / step * step;
        let pieces = (first..end).step_by(step).map(|piece| {
            let (from, to) = (piece.max(start), (piece + step).min(end));
            let mut cut = *part;
            cut.offset[0] = from;
            cut.shape[0] = to - from;
            cut
        });
        pieces.collect()
    }
}

/// Slices that are gathered together where fewer are packed together.
const SLICES_TOGETHER: usize = 64;

/// For each annotated region its number of voxels, and of these the ones inside cells.
type AnnotatedVoxels = Vec<(u64, u64)>;

impl Annotations<'_> {
    fn readers(&self) -> Result<AnnotationReaders<'_>, ReadError> {
        let readers = (self.sources.iter()).map(|source| source.slices());
        Ok(AnnotationReaders {
            readers: readers.collect::<Result<_, _>>()?,
            note: match self.sources {
                [] => Ids::new(1, 0),
                sources => Ids::new(widest(sources), self.region.slice_voxels()),
            },
            found: vec![(0, 0); self.sources.len()],
        })
    }

    fn add(&self, totals: &mut AnnotatedVoxels, part: AnnotatedVoxels) {
        totals.resize(self.sources.len(), (0, 0));
        for (total, part) in totals.iter_mut().zip(part) {
            *total = (total.0 + part.0, total.1 + part.1);
        }
    }
}

/// Reads the annotations of some slices, for one thread.
struct AnnotationReaders<'a> {
    readers: Vec<Box<dyn SliceReader + 'a>>,
    note: Ids,
    found: AnnotatedVoxels,
}

impl AnnotationReaders<'_> {
    /// Reads a slice, and keeps it. `in_cell` tells whether a voxel of it lies in a cell.
    fn read(
        &mut self,
        annotations: &Annotations<'_>,
        slice: usize,
        in_cell: impl Fn(usize) -> bool,
    ) -> Result<(), LoadError> {
        if self.readers.is_empty() {
            return Ok(());
        }
        let (z, rows, columns) = annotations.region.slice(slice);
        let mut mask = vec![0u32; self.note.len()];
        for (number, reader) in self.readers.iter_mut().enumerate() {
            reader.read_ids(z, rows.clone(), columns.clone(), self.note.room())?;
            let (total, inside) = &mut self.found[number];
            of_any_width!(&self.note, note => {
                for (voxel, (mask, &note)) in mask.iter_mut().zip(note).enumerate() {
                    if note != 0 {
                        *mask |= FIRST_ANNOTATION << number;
                        *total += 1;
                        *inside += u64::from(in_cell(voxel));
                    }
                }
            });
        }
        Ok(annotations.bits.put(slice, &mask)?)
    }
}

/// Works through the slices of a part as [`in_waves`] does, in shares of at most so many, gathering
/// before what is packed together.
fn by_slices<R: Send>(
    annotations: &Annotations<'_>,
    cells: &dyn VolumeSource,
    share: usize,
    observer: &mut dyn Observer,
    each: impl Fn(Range<usize>) -> Result<R, LoadError> + Sync,
    mut done: impl FnMut(R),
) -> Result<(), LoadError> {
    let waves = annotations.waves;
    for part in waves.cut(&annotations.region) {
        if waves.gathered > 0 {
            if observer.interrupted() {
                return Err(LoadError::Interrupted);
            }
            cells.gather(&part)?;
            annotations
                .sources
                .iter()
                .try_for_each(|source| source.gather(&part))?;
        }
        let before = part.offset[0] - annotations.region.offset[0];
        let slices = shares(part.shape[0], share);
        let slices = slices.map(|share| share.start + before..share.end + before);
        in_waves(
            slices.collect(),
            waves.readers,
            ExactSizeIterator::len,
            observer,
            &each,
            &mut done,
        )?;
    }
    Ok(())
}

/// Works through pieces of work, so many at the same time, and hands the results over in order,
/// telling the observer after each wave how much is done.
fn in_waves<W: Send, R: Send>(
    work: Vec<W>,
    readers: usize,
    amount: impl Fn(&W) -> usize,
    observer: &mut dyn Observer,
    each: impl Fn(W) -> Result<R, LoadError> + Sync,
    mut done: impl FnMut(R),
) -> Result<(), LoadError> {
    let wave = 4 * readers;
    // A thread takes several pieces one after the other where there may be fewer readers than
    // threads.
    let together = match readers < rayon::current_num_threads() {
        true => wave.div_ceil(readers),
        false => 1,
    };
    let mut work = work.into_iter().peekable();
    while work.peek().is_some() {
        if observer.interrupted() {
            return Err(LoadError::Interrupted);
        }
        let pieces: Vec<W> = work.by_ref().take(wave).collect();
        let total = pieces.iter().map(&amount).sum();
        // Of several errors the first in order is told, whichever thread comes first.
        let pieces = pieces.into_par_iter().with_min_len(together);
        let found: Vec<Result<R, LoadError>> = pieces.map(&each).collect();
        for result in found {
            done(result?);
        }
        observer.advance(total);
    }
    Ok(())
}

/// Cuts `0..depth` into shares of at most `most` slices.
fn shares(depth: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    (0..depth)
        .step_by(most)
        .map(move |start| start..(start + most).min(depth))
}
