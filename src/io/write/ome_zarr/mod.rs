//! OME-Zarr 0.5 (ngff.openmicroscopy.org/0.5): one folder with an image of axes (c, z, y, x), which
//! are our channels, z, x and y, and the ground truths as labels, each with a pyramid.
//!
//! Arrays are Zarr v3 in shards of [`SLICES`] slices, each of which is one file, written whole by
//! the piece that it comes from. Shards of the levels above are made of what the pieces below have
//! left, as soon as there are enough slices for one.

mod describe;
mod levels;
mod part;
mod pyramid;
mod shard;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use self::describe::Description;
use self::levels::{Level, Slices};
use self::part::Extent;
use self::pyramid::Pyramid;
use super::volume::with_extension;
use super::{
    About, Content, EncodedPiece, IdStorage, OutputFolder, OutputFormat, PieceEncoder, PixelType,
    StagedTree, Target, VolumeLayout, VolumeSink, WriteError, WriteFormat,
};
use crate::base::formats::ChunkCodec;
pub use part::{Container, PartSinks, ShardStore, Stored};

/// Slices of a shard, and of its chunks; even, so that the halves of pieces are whole slices.
pub(super) const SLICES: usize = 16;

/// An OME-Zarr folder for all volumes of a run.
pub(super) struct OmeZarr;

pub(super) static OME_ZARR: OmeZarr = OmeZarr;

/// End of the folder's name.
const EXTENSION: &str = ".ome.zarr";

impl WriteFormat for OmeZarr {
    fn format(&self) -> OutputFormat {
        OutputFormat {
            name: "ome-zarr",
            noun: "OME-Zarr folder",
            grey_bits: 16,
            holds_channels: true,
            holds_all: true,
            piece_slices: SLICES,
        }
    }

    fn target(&self, stem: &Path) -> Target {
        Target::Tree(with_extension(stem, EXTENSION))
    }

    fn targets(&self, stems: &[(PathBuf, Content)]) -> Vec<Target> {
        let image = stems
            .iter()
            .find(|(_, content)| *content == Content::Intensity);
        let first = image.or(stems.first());
        first
            .map(|(stem, _)| self.target(stem))
            .into_iter()
            .collect()
    }

    fn holds_floats(&self) -> bool {
        true
    }

    fn ids(&self) -> IdStorage {
        IdStorage::Numbers(u64::MAX)
    }

    fn most_bytes(&self, layout: &VolumeLayout) -> u64 {
        let levels = levels::plan(layout);
        let bytes = levels.iter().map(|level| {
            let of_level = shard::most_bytes(level, layout.pixel.bytes());
            of_level.saturating_mul(layout.planes() as u64)
        });
        // Descriptions, and a row for each of some cells.
        bytes.fold(1 << 24, u64::saturating_add)
    }

    fn create(
        &self,
        output: &mut OutputFolder,
        stem: &Path,
        layout: VolumeLayout,
    ) -> Result<Box<dyn VolumeSink>, WriteError> {
        let about = About::default();
        let mut sinks = self.create_all(output, vec![(stem.to_owned(), layout)], &about)?;
        sinks.pop().ok_or_else(|| WriteError::NotPlanned {
            path: stem.to_owned(),
        })
    }

    fn create_all(
        &self,
        output: &mut OutputFolder,
        volumes: Vec<(PathBuf, VolumeLayout)>,
        about: &About,
    ) -> Result<Vec<Box<dyn VolumeSink>>, WriteError> {
        let container = Container::new(volumes, about);
        let Some(container) = container else {
            return Ok(Vec::new());
        };
        container.check(output.root())?;
        let files = output.create_tree(container.folder())?;
        let store = Arc::new(Store {
            target: files.target().to_owned(),
            state: Mutex::new(State {
                files: Some(files),
                waiting: container.volumes.len(),
            }),
        });
        if let Some(labels) = container.labels() {
            store.write("labels/zarr.json", &labels)?;
        }
        let sinks = container.volumes.into_iter().enumerate();
        let sinks = sinks.map(|(number, description)| {
            let store = Arc::clone(&store) as Arc<dyn Place>;
            OmeZarrWriter::new(store, number, description, None).boxed()
        });
        Ok(sinks.collect())
    }
}

/// What labels are called: of `groundtruth/DYE/all_cells` the dye.
fn label_name(stem: &Path) -> String {
    let folder = stem.parent().and_then(Path::file_name);
    let name = folder.or(stem.file_name()).unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn check(folder: &Path, layout: &VolumeLayout) -> Result<(), WriteError> {
    let [slices, rows, columns] = layout.shape;
    let reason = match layout.pixel {
        _ if layout.shape.contains(&0) => {
            format!("{slices} slices of {rows} x {columns} pixels: there is nothing in it")
        }
        PixelType::Rgb8 | PixelType::Rgb16 => {
            "its channels lie apart; choose [output] sim_channels = \"composite\"".to_owned()
        }
        _ => return Ok(()),
    };
    Err(WriteError::Format {
        path: folder.to_owned(),
        format: "OME-Zarr",
        reason,
    })
}

/// Where shards and texts of several volumes go.
trait Place: Send + Sync {
    /// The folder, for messages.
    fn target(&self) -> &Path;

    fn write(&self, name: &str, content: &[u8]) -> Result<(), WriteError>;

    /// Notes that all shards of a volume are there, and what they hold.
    fn complete(
        &self,
        number: usize,
        volume: &Description,
        found: Stored,
    ) -> Result<(), WriteError>;
}

/// The folder, which several volumes write to; the last of them completes it.
struct Store {
    target: PathBuf,
    state: Mutex<State>,
}

struct State {
    files: Option<StagedTree>,
    /// Volumes that are not complete.
    waiting: usize,
}

impl Place for Store {
    fn target(&self) -> &Path {
        &self.target
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut state.files {
            Some(files) => files.write(Path::new(name), content),
            None => Err(WriteError::NotPlanned {
                path: self.target.join(name),
            }),
        }
    }

    fn complete(&self, _: usize, volume: &Description, found: Stored) -> Result<(), WriteError> {
        for (name, content) in volume.texts(&found) {
            self.write(&name, &content)?;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting = state.waiting.saturating_sub(1);
        match state.files.take() {
            Some(files) if state.waiting == 0 => files.finish(),
            files => {
                state.files = files;
                Ok(())
            }
        }
    }
}

/// Encodes pieces of one volume.
struct PyramidEncoder {
    levels: Vec<Level>,
    codec: ChunkCodec,
    layout: VolumeLayout,
}

/// Parts of a piece before its shards: the largest value of each plane, and the number of voxels of
/// each id, as pairs of numbers.
const LARGEST: usize = 0;
const VOXELS: usize = 1;
const BEFORE: usize = 2;

impl PieceEncoder for PyramidEncoder {
    fn encode(&self, pixels: &[u8]) -> Result<EncodedPiece, WriteError> {
        let layout = &self.layout;
        let (page, planes) = (layout.page_bytes(), layout.planes());
        let slices = pixels.len() / (page * planes).max(1);
        let level = &self.levels[0];
        if !(1..=SLICES).contains(&slices) || pixels.len() != slices * page * planes {
            return Err(WriteError::PageSize {
                expected: page * planes * SLICES,
                found: pixels.len(),
            });
        }
        let mut parts = vec![Vec::new(); BEFORE];
        let mut halves = Vec::new();
        for plane in 0..planes {
            // Slices of a composite's channels take turns.
            let all = Slices::new(pixels, page, plane, planes);
            let largest = levels::largest(all, layout.pixel);
            parts[LARGEST].extend(largest.to_le_bytes());
            if layout.content == Content::Labels {
                let voxels = levels::count(all, layout.pixel);
                let pairs = voxels.into_iter().flat_map(|(id, voxels)| [id, voxels]);
                parts[VOXELS].extend(pairs.flat_map(u64::to_le_bytes));
            }
            let shape = [slices, level.shape[1], level.shape[2]];
            parts.extend(shard::encode(
                all,
                shape,
                level,
                layout.pixel.bytes(),
                self.codec,
            ));
            if let Some(next) = self.levels.get(1) {
                halves.push(levels::halve(
                    all,
                    shape,
                    next.step,
                    layout.pixel,
                    layout.content,
                ));
            }
        }
        parts.append(&mut halves);
        Ok(EncodedPiece { parts })
    }
}

/// Writes one volume, or a part of it.
struct OmeZarrWriter {
    store: Arc<dyn Place>,
    /// Which of the volumes that are written together.
    number: usize,
    encoder: Arc<PyramidEncoder>,
    pyramid: Pyramid,
    description: Description,
    /// For each level the first shard along (z, x, y).
    first: Vec<[usize; 3]>,
    slices: usize,
    pieces: usize,
    found: Stored,
}

impl OmeZarrWriter {
    /// Writes the whole of a volume, or so many levels of a part of it.
    fn new(
        store: Arc<dyn Place>,
        number: usize,
        description: Description,
        part: Option<(&Extent, usize)>,
    ) -> Self {
        let mut layout = description.layout.clone();
        let mut levels = description.levels.clone();
        let mut first = vec![[0; 3]; levels.len()];
        if let Some((extent, count)) = part {
            layout.shape = extent.shape;
            levels.truncate(count.max(1));
            first = levels.iter().map(|level| extent.shard(level)).collect();
            for level in &mut levels {
                level.shape = extent.at(level);
            }
        }
        let planes = layout.planes();
        Self {
            store,
            number,
            pyramid: Pyramid::new(levels.clone(), planes),
            encoder: Arc::new(PyramidEncoder {
                codec: description.codec,
                levels,
                layout,
            }),
            first,
            slices: 0,
            pieces: 0,
            found: Stored {
                largest: vec![0; planes],
                voxels: BTreeMap::new(),
            },
            description,
        }
    }

    fn boxed(self) -> Box<dyn VolumeSink> {
        Box::new(self)
    }

    /// Writes a shard by its number along z and that in its slices.
    fn put(
        &self,
        level: usize,
        plane: usize,
        at: [usize; 2],
        bytes: &[u8],
    ) -> Result<(), WriteError> {
        let [_, wide] = self.encoder.levels[level].grid();
        let [z, x, y] = self.first[level];
        let place = [z + at[0], x + at[1] / wide, y + at[1] % wide];
        let name = self.description.shard(level, plane, place);
        self.store.write(&name, bytes)
    }

    fn count_error(&self, found: usize) -> WriteError {
        WriteError::PageCount {
            path: self.store.target().join(&self.description.name),
            expected: self.encoder.layout.shape[0],
            found,
        }
    }
}

impl VolumeSink for OmeZarrWriter {
    fn encoder(&self) -> Arc<dyn PieceEncoder> {
        Arc::clone(&self.encoder) as Arc<dyn PieceEncoder>
    }

    fn append(&mut self, piece: EncodedPiece) -> Result<(), WriteError> {
        let depth = self.encoder.layout.shape[0];
        if self.slices >= depth {
            return Err(self.count_error(self.slices + 1));
        }
        self.slices = (self.slices + SLICES).min(depth);
        let mut parts = piece.parts.into_iter();
        let mut numbers = || {
            let bytes = parts.next().unwrap_or_default();
            let numbers = bytes
                .as_chunks()
                .0
                .iter()
                .map(|&number| u64::from_le_bytes(number));
            numbers.collect::<Vec<u64>>()
        };
        let (largest, voxels) = (numbers(), numbers());
        for (known, found) in self.found.largest.iter_mut().zip(largest) {
            *known = (*known).max(found);
        }
        for pair in voxels.chunks_exact(2) {
            *self.found.voxels.entry(pair[0]).or_default() += pair[1];
        }
        let planes = self.encoder.layout.planes();
        let shards = self.encoder.levels[0].shards();
        for plane in 0..planes {
            for shard in 0..shards {
                let content = parts.next().unwrap_or_default();
                if !content.is_empty() {
                    self.put(0, plane, [self.pieces, shard], &content)?;
                }
            }
        }
        self.pieces += 1;
        let is_last = self.slices == depth;
        let encoder = &self.encoder;
        for (level, plane, piece, shard, content) in
            self.pyramid
                .add(parts.collect(), is_last, &encoder.layout, encoder.codec)
        {
            self.put(level, plane, [piece, shard], &content)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        if self.slices != self.encoder.layout.shape[0] {
            return Err(self.count_error(self.slices));
        }
        let Self {
            store,
            number,
            description,
            found,
            ..
        } = *self;
        store.complete(number, &description, found)
    }
}
