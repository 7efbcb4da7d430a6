//! OME-Zarr 0.5 (ngff.openmicroscopy.org/0.5): one folder with an image of axes (c, z, y, x), which
//! are our channels, z, x and y, and the ground truths as labels, each with a pyramid.
//!
//! Arrays are Zarr v3 in shards of [`SLICES`] slices, each of which is one file, written whole by
//! the piece that it comes from. Shards of the levels above are made of what the pieces below have
//! left, as soon as there are enough slices for one.

mod describe;
mod levels;
mod pyramid;
mod shard;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use self::describe::Description;
use self::levels::{Level, Slices};
use self::pyramid::Pyramid;
use super::volume::with_extension;
use super::{
    About, Content, EncodedPiece, IdStorage, OutputFolder, OutputFormat, PieceEncoder, PixelType,
    StagedTree, Target, VolumeLayout, VolumeSink, WriteError, WriteFormat,
};
use crate::base::formats::ChunkCodec;

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
        let images = volumes
            .iter()
            .position(|(_, layout)| layout.content == Content::Intensity);
        let main = images.unwrap_or(0);
        let Some((stem, _)) = volumes.get(main) else {
            return Ok(Vec::new());
        };
        let folder = with_extension(stem, EXTENSION);
        for (_, layout) in &volumes {
            check(&output.root().join(&folder), layout)?;
        }
        let names: Vec<String> = volumes
            .iter()
            .enumerate()
            .map(|(number, (stem, _))| match number == main {
                true => String::new(),
                false => format!("labels/{}", label_name(stem)),
            })
            .collect();
        let labels = names.iter().filter_map(|name| name.strip_prefix("labels/"));
        let labels: Vec<String> = labels.map(str::to_owned).collect();
        let files = output.create_tree(&folder)?;
        let store = Arc::new(Store {
            target: files.target().to_owned(),
            state: Mutex::new(State {
                files: Some(files),
                waiting: volumes.len(),
            }),
        });
        if !labels.is_empty() {
            store.write("labels/zarr.json", &describe::labels(&labels))?;
        }
        let sinks = volumes.into_iter().zip(names).map(|((_, layout), name)| {
            let levels = levels::plan(&layout);
            let description = Description {
                name: name.clone(),
                levels: levels.clone(),
                codec: layout.chunks.codec.unwrap_or(match layout.content {
                    Content::Labels => ChunkCodec::Zstd,
                    Content::Intensity => ChunkCodec::Blosc,
                }),
                layout: layout.clone(),
                about: about.clone(),
            };
            let planes = layout.planes();
            let encoder = Arc::new(PyramidEncoder {
                codec: description.codec,
                levels: levels.clone(),
                layout,
            });
            Box::new(OmeZarrWriter {
                store: Arc::clone(&store),
                pyramid: Pyramid::new(levels, planes),
                encoder,
                description,
                slices: 0,
                pieces: 0,
                largest: vec![0; planes],
                voxels: BTreeMap::new(),
            }) as Box<dyn VolumeSink>
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

impl Store {
    fn write(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut state.files {
            Some(files) => files.write(Path::new(name), content),
            None => Err(WriteError::NotPlanned {
                path: self.target.join(name),
            }),
        }
    }

    /// Notes that a volume is complete.
    fn finish(&self) -> Result<(), WriteError> {
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

/// Cells of which an image of labels tells their colours and sizes itself.
const MOST_IN_JSON: usize = 10_000;

/// Writes one volume.
struct OmeZarrWriter {
    store: Arc<Store>,
    encoder: Arc<PyramidEncoder>,
    pyramid: Pyramid,
    description: Description,
    slices: usize,
    pieces: usize,
    /// Of each plane.
    largest: Vec<u64>,
    /// Of each id.
    voxels: BTreeMap<u64, u64>,
}

impl OmeZarrWriter {
    fn count_error(&self, found: usize) -> WriteError {
        WriteError::PageCount {
            path: self.store.target.join(&self.description.name),
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
        for (known, found) in self.largest.iter_mut().zip(largest) {
            *known = (*known).max(found);
        }
        for pair in voxels.chunks_exact(2) {
            *self.voxels.entry(pair[0]).or_default() += pair[1];
        }
        let planes = self.encoder.layout.planes();
        let shards = self.encoder.levels[0].shards();
        for plane in 0..planes {
            for shard in 0..shards {
                let content = parts.next().unwrap_or_default();
                if !content.is_empty() {
                    let name = self.description.shard(0, plane, self.pieces, shard);
                    self.store.write(&name, &content)?;
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
            let name = self.description.shard(level, plane, piece, shard);
            self.store.write(&name, &content)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        if self.slices != self.encoder.layout.shape[0] {
            return Err(self.count_error(self.slices));
        }
        let cells: Vec<(u64, u64)> = self.voxels.into_iter().filter(|&(id, _)| id != 0).collect();
        if cells.len() > MOST_IN_JSON {
            let name = self.description.below("cells.csv");
            self.store
                .write(&name, describe::table(&cells).as_bytes())?;
        }
        for (level, _) in self.description.levels.iter().enumerate() {
            let name = self.description.below(&format!("{level}/zarr.json"));
            self.store.write(&name, &self.description.array(level))?;
        }
        let told = if cells.len() > MOST_IN_JSON {
            &[][..]
        } else {
            &cells
        };
        let group = self.description.group(&self.largest, told);
        self.store
            .write(&self.description.below("zarr.json"), &group)?;
        self.store.finish()
    }
}
