//! Volumes that lie in chunks: boxes of voxels that are packed each by itself.
//!
//! A container is a [`ChunkStore`], which finds and unpacks a chunk; [`ChunkedVolume`] makes slices
//! of them. Whoever reads many slices [gathers](VolumeSource::gather) them first: all chunks that
//! they touch are then unpacked once, on all threads, and readers copy from there. A reader that
//! finds its slice not gathered gathers some for itself.

mod axes;
mod folder;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use ndarray::{Array3, s};
use rayon::prelude::*;
use serde_json::Value;

use super::options::{Background, ReadOptions};
use super::samples::{SampleKind, SampleType};
use super::units::nanometres;
use super::{Facts, ReadError, SliceReader, VolumeSource, check_request};
use crate::base::volume::{VoxelBox, triple};

pub(super) use axes::Axes;
pub(super) use folder::{Found, Root, below, plain};

/// Sizes in nm that an attribute gives, as a list of numbers in one unit or in a list of these; nm
/// unless it is told.
pub(super) fn sizes_nm(sizes: &Value, units: &Value) -> Option<Vec<Option<f64>>> {
    let unit = |axis: usize| match units {
        Value::Null => Some("nm"),
        Value::String(unit) => Some(unit.as_str()),
        units => units[axis].as_str(),
    };
    let size = |(axis, size): (usize, &Value)| {
        let nm = size.as_f64()? * nanometres(unit(axis)?)?;
        (nm.is_finite() && nm > 0.0).then_some(nm)
    };
    Some(
        sizes
            .as_array()?
            .iter()
            .take(16)
            .enumerate()
            .map(size)
            .collect(),
    )
}

/// Bytes of voxels that a reader gathers for itself, if several slices fit.
const OWN_BYTES: u64 = 64 << 20;

/// Most bytes of an unpacked chunk.
pub(super) const MOST_CHUNK_BYTES: u64 = 1 << 32;

/// A chunk, unpacked.
pub(super) struct Chunk {
    /// Samples in the machine's byte order.
    pub samples: Vec<u8>,
    /// Voxels that it has, (z, x, y); at the end of a volume there may be more or fewer than the
    /// volume has.
    pub shape: [usize; 3],
    /// The sample of its first voxel, and the steps in samples along z, x and y.
    pub first: usize,
    pub strides: [usize; 3],
}

/// What finds and unpacks chunks.
pub(super) trait ChunkStore: Send + Sync {
    /// The chunk at this place of the grid, (z, x, y); `None` where none is stored.
    ///
    /// # Errors
    /// When it is damaged.
    fn chunk(&self, place: [usize; 3]) -> Result<Option<Chunk>, ReadError>;

    /// Most bytes that unpacking a chunk holds, the chunk among them.
    fn chunk_bytes(&self) -> u64;

    /// As [`VolumeSource::unchanged`].
    fn unchanged(&self) -> Result<(), ReadError>;
}

/// What a container says of a volume.
#[derive(Clone, Debug)]
pub(super) struct ChunkedLayout {
    /// The container, and what is read of it, for messages.
    pub path: PathBuf,
    /// What it is, such as "Zarr v3 array labels/0".
    pub noun: String,
    /// Size in voxels, (z, x, y).
    pub shape: [usize; 3],
    /// Voxels of a chunk, (z, x, y), of which the first one starts at voxel 0.
    pub chunk: [usize; 3],
    pub samples: SampleType,
    /// What a voxel is whose chunk is missing, as its samples are stored in memory.
    pub fill: [u8; 8],
    pub facts: Facts,
}

impl ChunkedLayout {
    /// Bytes of a sample.
    fn sample_bytes(&self) -> usize {
        usize::from(self.samples.bits / 8)
    }

    /// Checks that sizes are no nonsense.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`] or [`ReadError::Unsupported`].
    pub fn check(&self) -> Result<(), ReadError> {
        let product = |sizes: [usize; 3]| {
            (sizes.iter()).try_fold(self.sample_bytes(), |bytes, &size| bytes.checked_mul(size))
        };
        let reason = match (product(self.shape), product(self.chunk)) {
            _ if self.shape.contains(&0) => format!(
                "has {} voxels (z, x, y): there is nothing in it",
                triple(self.shape, " x ")
            ),
            (None, _) => format!(
                "announces {} voxels (z, x, y), more than can be counted",
                triple(self.shape, " x ")
            ),
            (_, Some(bytes)) if self.chunk.contains(&0) || bytes as u64 > MOST_CHUNK_BYTES => {
                format!(
                    "has chunks of {} voxels (z, x, y); a chunk has 1 voxel to {} bytes",
                    triple(self.chunk, " x "),
                    MOST_CHUNK_BYTES
                )
            }
            (_, None) => format!("has chunks of {} voxels", triple(self.chunk, " x ")),
            _ => return Ok(()),
        };
        let path = self.path.clone();
        let reason = format!("{} {reason}", self.noun);
        Err(ReadError::Corrupt {
            path,
            slice: None,
            reason,
        })
    }
}

/// A volume in chunks.
pub(super) struct ChunkedVolume<S> {
    layout: ChunkedLayout,
    store: S,
    background: Background,
    gathered: RwLock<Option<Arc<Gathered>>>,
}

/// The chunks of a part, in the order of the grid.
struct Gathered {
    part: VoxelBox,
    /// Numbers of the chunks along (z, x, y).
    places: [Range<usize>; 3],
    tiles: Vec<Option<Tile>>,
}

/// What of a chunk lies in a part: samples row after row.
struct Tile {
    samples: Vec<u8>,
    /// Where it lies in the volume.
    part: VoxelBox,
}

impl Gathered {
    /// The place of one of the chunks.
    fn place(&self, index: usize) -> [usize; 3] {
        let [z, x, y] = &self.places;
        [
            z.start + index / (x.len() * y.len()),
            x.start + index / y.len() % x.len(),
            y.start + index % y.len(),
        ]
    }

    fn holds(&self, z: usize, x: &Range<usize>, y: &Range<usize>) -> bool {
        let [slices, rows, columns] = self.part.ranges();
        let within = |part: &Range<usize>, all: Range<usize>| {
            part.is_empty() || (all.start <= part.start && part.end <= all.end)
        };
        slices.contains(&z) && within(x, rows) && within(y, columns)
    }
}

/// What two ranges share.
fn overlap(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}

impl<S: ChunkStore> ChunkedVolume<S> {
    /// # Errors
    /// As [`ChunkedLayout::check`].
    pub fn new(layout: ChunkedLayout, store: S, options: &ReadOptions) -> Result<Self, ReadError> {
        layout.check()?;
        Ok(Self {
            layout,
            store,
            background: Background::new(options),
            gathered: RwLock::new(None),
        })
    }

    /// Unpacks the chunks of a part, by all threads or one after the other.
    fn gather_part(&self, part: &VoxelBox, parallel: bool) -> Result<Gathered, ReadError> {
        let places = std::array::from_fn(|axis| {
            let (range, chunk) = (&part.ranges()[axis], self.layout.chunk[axis]);
            range.start / chunk..range.end.div_ceil(chunk)
        });
        let chunks = places.iter().map(Range::len).product::<usize>();
        let mut gathered = Gathered {
            part: *part,
            places,
            tiles: Vec::new(),
        };
        let tile = |index: usize| {
            let place = gathered.place(index);
            let chunk = self.store.chunk(place)?;
            chunk.map(|chunk| self.tile(chunk, place, part)).transpose()
        };
        gathered.tiles = match parallel {
            false => (0..chunks).map(tile).collect::<Result<_, _>>()?,
            true => {
                // Of several errors the first one is told, whichever thread comes first.
                let tiles: Vec<_> = (0..chunks).into_par_iter().map(tile).collect();
                tiles.into_iter().collect::<Result<_, _>>()?
            }
        };
        Ok(gathered)
    }

    /// Cuts out of a chunk what lies in a part.
    fn tile(&self, chunk: Chunk, place: [usize; 3], part: &VoxelBox) -> Result<Tile, ReadError> {
        let bytes = self.layout.sample_bytes();
        let ranges = part.ranges();
        let start: [usize; 3] = std::array::from_fn(|axis| place[axis] * self.layout.chunk[axis]);
        let wanted: [Range<usize>; 3] = std::array::from_fn(|axis| {
            let end = start[axis].saturating_add(self.layout.chunk[axis]);
            overlap(&(start[axis]..end), &ranges[axis])
        });
        let covered = (0..3).all(|axis| wanted[axis].end <= start[axis] + chunk.shape[axis]);
        let last = (0..3).map(|axis| chunk.shape[axis].saturating_sub(1) * chunk.strides[axis]);
        let is_whole = chunk.first + last.sum::<usize>() < chunk.samples.len() / bytes;
        if !covered || !is_whole {
            let path = self.layout.path.clone();
            let reason = format!(
                "{}: the chunk at voxel {} (z, x, y) has only {} voxels",
                self.layout.noun,
                triple(start, ", "),
                triple(chunk.shape, " x ")
            );
            let slice = None;
            return Err(ReadError::Corrupt {
                path,
                slice,
                reason,
            });
        }
        let cut = VoxelBox {
            offset: std::array::from_fn(|axis| wanted[axis].start),
            shape: std::array::from_fn(|axis| wanted[axis].len()),
        };
        let [_, rows, columns] = chunk.shape;
        let is_plain = chunk.first == 0 && chunk.strides == [rows * columns, columns, 1];
        if is_plain && cut.shape == chunk.shape && chunk.samples.len() == cut.voxels() * bytes {
            return Ok(Tile {
                samples: chunk.samples,
                part: cut,
            });
        }
        let mut samples = Vec::with_capacity(cut.voxels() * bytes);
        let [z_step, x_step, y_step] = chunk.strides;
        let [first_z, first_x, first_y]: [usize; 3] =
            std::array::from_fn(|axis| wanted[axis].start - start[axis]);
        for z in 0..cut.shape[0] {
            for x in 0..cut.shape[1] {
                let row = chunk.first
                    + (first_z + z) * z_step
                    + (first_x + x) * x_step
                    + first_y * y_step;
                if y_step == 1 {
                    samples
                        .extend_from_slice(&chunk.samples[row * bytes..][..cut.shape[2] * bytes]);
                    continue;
                }
                let voxels = (0..cut.shape[2]).map(|y| (row + y * y_step) * bytes);
                match bytes {
                    8 => {
                        voxels.for_each(|at| samples.extend_from_slice(&chunk.samples[at..at + 8]))
                    }
                    4 => {
                        voxels.for_each(|at| samples.extend_from_slice(&chunk.samples[at..at + 4]))
                    }
                    2 => {
                        voxels.for_each(|at| samples.extend_from_slice(&chunk.samples[at..at + 2]))
                    }
                    _ => voxels.for_each(|at| samples.push(chunk.samples[at])),
                }
            }
        }
        Ok(Tile { samples, part: cut })
    }

    /// Slices that a reader gathers for itself: those of a row of chunks, if they are not too
    /// large.
    fn own_slices(&self, slice_voxels: usize) -> usize {
        let slice = (slice_voxels * self.layout.sample_bytes()).max(1) as u64;
        let fitting = usize::try_from(OWN_BYTES / slice).unwrap_or(usize::MAX);
        fitting.clamp(1, self.layout.chunk[0])
    }

    /// Chunks that a part touches, counted.
    fn chunks_of(&self, part: &VoxelBox) -> u64 {
        let along = |axis: usize| {
            let chunk = self.layout.chunk[axis];
            (part.offset[axis] + part.shape[axis]).div_ceil(chunk) - part.offset[axis] / chunk
        };
        (0..3).fold(1, |product: u64, axis| {
            product.saturating_mul(along(axis) as u64)
        })
    }

    /// Bytes of the gathered voxels of so many slices, and of chunks on their way there.
    fn bytes_of(&self, part: &VoxelBox, slices: usize, threads: usize) -> u64 {
        let kept = (part.slice_voxels() as u64)
            .saturating_mul(self.layout.sample_bytes() as u64)
            .saturating_mul(slices.min(part.shape[0]) as u64);
        let at_work = self.chunks_of(part).min(threads as u64);
        kept.saturating_add(at_work.saturating_mul(self.store.chunk_bytes()))
    }
}

impl<S: ChunkStore> ChunkedVolume<S> {
    /// All voxels, of at most so many floating-point numbers of 32 bits.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`] for others or more, and as [`VolumeSource::gather`].
    pub fn floats(&self, most_voxels: usize) -> Result<Array3<f32>, ReadError> {
        let layout = &self.layout;
        let corrupt = |reason: String| ReadError::Corrupt {
            path: layout.path.clone(),
            slice: None,
            reason: format!("{} {reason}", layout.noun),
        };
        if layout.samples
            != (SampleType {
                bits: 32,
                kind: SampleKind::Float,
            })
        {
            return Err(corrupt(format!(
                "holds {}, and not floating-point numbers of 32 bits",
                layout.samples
            )));
        }
        let voxels = layout
            .shape
            .iter()
            .try_fold(1usize, |all, &size| all.checked_mul(size));
        if voxels.is_none_or(|voxels| voxels > most_voxels) {
            return Err(corrupt(format!(
                "has {} voxels (z, x, y); at most {most_voxels} are taken",
                triple(layout.shape, " x ")
            )));
        }
        let whole = VoxelBox {
            offset: [0; 3],
            shape: layout.shape,
        };
        let number = |bytes: &[u8]| {
            bytes
                .first_chunk()
                .map_or(0.0, |bytes| f32::from_ne_bytes(*bytes))
        };
        let mut all = Array3::from_elem(layout.shape, number(&layout.fill));
        for tile in self.gather_part(&whole, true)?.tiles.into_iter().flatten() {
            let [z, x, y] = tile.part.ranges();
            let mut part = all.slice_mut(s![z, x, y]);
            for (to, bytes) in part.iter_mut().zip(tile.samples.chunks_exact(4)) {
                *to = number(bytes);
            }
        }
        Ok(all)
    }
}

impl<S: ChunkStore> VolumeSource for ChunkedVolume<S> {
    fn shape(&self) -> [usize; 3] {
        self.layout.shape
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        Ok(Box::new(ChunkedReader {
            volume: self,
            gathered: None,
        }))
    }

    fn slices_together(&self) -> usize {
        self.layout.chunk[0].min(self.layout.shape[0])
    }

    fn gather(&self, part: &VoxelBox) -> Result<(), ReadError> {
        let mut gathered = self
            .gathered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Before there is something new: both may be too much.
        *gathered = None;
        *gathered = Some(Arc::new(self.gather_part(part, true)?));
        Ok(())
    }

    fn gathered_bytes(&self, part: &VoxelBox, slices: usize) -> u64 {
        self.bytes_of(part, slices, rayon::current_num_threads())
    }

    fn working_bytes(&self, part: &VoxelBox) -> u64 {
        self.bytes_of(part, self.own_slices(part.slice_voxels()), 1)
    }

    fn describe(&self) -> String {
        format!(
            "{} ({} of {} voxels, {})",
            self.layout.path.display(),
            self.layout.noun,
            triple(self.layout.shape, " x "),
            self.layout.samples
        )
    }

    fn bits(&self) -> u8 {
        self.background.id_bits(self.layout.samples.id_bits())
    }

    fn facts(&self) -> Facts {
        Facts {
            is_float: self.layout.samples.kind == SampleKind::Float,
            ..self.layout.facts.clone()
        }
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        self.store.unchanged()
    }
}

/// Copies slices out of what is gathered.
struct ChunkedReader<'a, S> {
    volume: &'a ChunkedVolume<S>,
    gathered: Option<Arc<Gathered>>,
}

impl<S: ChunkStore> ChunkedReader<'_, S> {
    /// What holds the rows and columns of a slice.
    fn find(
        &mut self,
        z: usize,
        x: &Range<usize>,
        y: &Range<usize>,
    ) -> Result<Arc<Gathered>, ReadError> {
        let holds = |gathered: &&Arc<Gathered>| gathered.holds(z, x, y);
        if let Some(own) = self.gathered.as_ref().filter(holds) {
            return Ok(Arc::clone(own));
        }
        let volume = self.volume;
        let shared = volume.gathered.read();
        let shared = shared.unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = shared.as_ref().filter(holds) {
            return Ok(Arc::clone(shared));
        }
        drop(shared);
        self.gathered = None;
        let slices = volume.own_slices(x.len() * y.len());
        // So that each slice is in one of them, whichever is asked for first.
        let chunk = volume.layout.chunk[0];
        let row = z / chunk * chunk;
        let start = row + (z - row) / slices * slices;
        let end = (start + slices)
            .min(row + chunk)
            .min(volume.layout.shape[0]);
        let part = VoxelBox {
            offset: [start, x.start, y.start],
            shape: [end - start, x.len(), y.len()],
        };
        let own = Arc::new(volume.gather_part(&part, false)?);
        self.gathered = Some(Arc::clone(&own));
        Ok(own)
    }
}

impl<S: ChunkStore> SliceReader for ChunkedReader<'_, S> {
    fn read(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ReadError> {
        let layout = &self.volume.layout;
        check_request(layout.shape, z, &x, &y, out.len())?;
        if out.is_empty() {
            return Ok(());
        }
        let gathered = self.find(z, &x, &y)?;
        let bytes = layout.sample_bytes();
        let ids = |samples: &[u8], first, to: &mut [u64], at| {
            let columns = to.len();
            let background = &self.volume.background;
            let read = layout
                .samples
                .ids(samples, first, to, at, columns, background);
            read.map_err(|error| error.at(&layout.path, Some(z)))
        };
        let mut fill = [0; 1];
        ids(&layout.fill[..bytes], 0, &mut fill, (x.start, y.start))?;
        let [planes, rows, columns] = &gathered.places;
        let plane = z / layout.chunk[0] - planes.start;
        for row in x.clone() {
            let to = &mut out[(row - x.start) * y.len()..][..y.len()];
            let first = plane * rows.len() + row / layout.chunk[1] - rows.start;
            for column in y.start / layout.chunk[2]..y.end.div_ceil(layout.chunk[2]) {
                let start = column * layout.chunk[2];
                let wanted = overlap(&(start..start.saturating_add(layout.chunk[2])), &y);
                let to = &mut to[wanted.start - y.start..wanted.end - y.start];
                let index = first * columns.len() + column - columns.start;
                let Some(tile) = &gathered.tiles[index] else {
                    to.fill(fill[0]);
                    continue;
                };
                let [z0, x0, y0] = tile.part.offset;
                let [_, rows, columns] = tile.part.shape;
                let at = ((z - z0) * rows + row - x0) * columns + wanted.start - y0;
                ids(&tile.samples, at, to, (row, wanted.start))?;
            }
        }
        Ok(())
    }
}
