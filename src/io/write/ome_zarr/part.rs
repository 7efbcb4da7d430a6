//! An OME-Zarr that is made in parts: each writes whole shards, and one makes the levels that no
//! part holds whole, from the last that all hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::{About, Content, SliceWriter, VolumeLayout, WriteError, WriteFormat};
use super::describe::{self, Description};
use super::levels::{self, Level, Slices, halve};
use super::pyramid::Pyramid;
use super::{EXTENSION, OME_ZARR, OmeZarrWriter, Place, SLICES, check, label_name};
use crate::base::formats::ChunkCodec;
use crate::io::write::volume::with_extension;

/// What was written of a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The largest value of each channel.
    pub largest: Vec<u64>,
    /// Of labels how many voxels of the first level each id has.
    pub voxels: BTreeMap<u64, u64>,
}

impl Stored {
    /// Takes what was written of another part.
    pub fn add(&mut self, other: Self) {
        let len = self.largest.len().max(other.largest.len());
        self.largest.resize(len, 0);
        for (known, found) in self.largest.iter_mut().zip(other.largest) {
            *known = (*known).max(found);
        }
        for (id, voxels) in other.voxels {
            *self.voxels.entry(id).or_default() += voxels;
        }
    }
}

/// Takes the shards of a part, from any thread.
pub trait ShardStore: Send + Sync {
    /// Keeps a shard under its name below the store.
    ///
    /// # Errors
    /// When it cannot be written.
    fn put(&self, name: &str, content: &[u8]) -> Result<(), WriteError>;
}

/// A box of a volume in pixels of the first level, (z, x, y).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub first: [usize; 3],
    pub shape: [usize; 3],
}

impl Extent {
    /// Its size at a level.
    pub fn at(&self, level: &Level) -> [usize; 3] {
        std::array::from_fn(|axis| {
            let end = (self.first[axis] + self.shape[axis]).div_ceil(level.factor[axis]);
            end - self.first[axis] / level.factor[axis]
        })
    }

    /// Its first shard at a level.
    pub fn shard(&self, level: &Level) -> [usize; 3] {
        std::array::from_fn(|axis| self.first[axis] / (level.factor[axis] * level.shard[axis]))
    }
}

/// All volumes of an OME-Zarr.
pub struct Container {
    folder: PathBuf,
    pub(super) volumes: Vec<Description>,
}

impl Container {
    /// That of these volumes, each with its path without an extension; none where there are none.
    pub fn new(volumes: Vec<(PathBuf, VolumeLayout)>, about: &About) -> Option<Self> {
        let images = volumes
            .iter()
            .position(|(_, layout)| layout.content == Content::Intensity);
        let main = images.unwrap_or(0);
        let (stem, _) = volumes.get(main)?;
        let folder = with_extension(stem, EXTENSION);
        let volumes = volumes.into_iter().enumerate();
        let volumes = volumes.map(|(number, (stem, layout))| Description {
            name: match number == main {
                true => String::new(),
                false => format!("labels/{}", label_name(&stem)),
            },
            levels: levels::plan(&layout),
            codec: layout.chunks.codec.unwrap_or(match layout.content {
                Content::Labels => ChunkCodec::Zstd,
                Content::Intensity => ChunkCodec::Blosc,
            }),
            layout,
            about: about.clone(),
        });
        Some(Self {
            folder,
            volumes: volumes.collect(),
        })
    }

    /// Its path below the output folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fails where the format cannot hold a volume.
    ///
    /// # Errors
    /// [`WriteError::Format`].
    pub fn check(&self, root: &Path) -> Result<(), WriteError> {
        let folder = root.join(&self.folder);
        let mut volumes = self.volumes.iter();
        volumes.try_for_each(|volume| check(&folder, &volume.layout))
    }

    /// `zarr.json` of the group of labels, where there are some.
    pub(super) fn labels(&self) -> Option<Vec<u8>> {
        let names = self.volumes.iter();
        let names = names.filter_map(|volume| volume.name.strip_prefix("labels/"));
        let names: Vec<String> = names.map(str::to_owned).collect();
        (!names.is_empty()).then(|| describe::labels(&names))
    }

    /// Levels of the pyramids.
    pub fn levels(&self) -> usize {
        let levels = self.volumes.iter().map(|volume| volume.levels.len());
        levels.min().unwrap_or(1)
    }

    /// Names of the volumes below the folder, the images' own first.
    pub fn names(&self) -> Vec<String> {
        self.volumes
            .iter()
            .map(|volume| volume.name.clone())
            .collect()
    }

    /// Of each level its size, and how many pixels of the first one become one, along (z, x, y).
    pub fn shapes(&self) -> Vec<([usize; 3], [usize; 3])> {
        let levels = self
            .volumes
            .first()
            .map_or(&[][..], |volume| &volume.levels);
        levels
            .iter()
            .map(|level| (level.shape, level.factor))
            .collect()
    }

    /// Pixels of the first level along (z, x, y) that whole shards of so many levels span.
    pub fn unit(&self, levels: usize) -> [usize; 3] {
        let of = |level: &Level| -> [usize; 3] {
            // A volume of fewer slices has chunks of as many, and is one part.
            let deep = [SLICES, level.shard[1], level.shard[2]];
            std::array::from_fn(|axis| level.factor[axis] * deep[axis])
        };
        let all = self.volumes.iter();
        let all = all.flat_map(|volume| volume.levels.iter().take(levels).map(of));
        all.fold([1; 3], |most, unit| {
            std::array::from_fn(|axis| most[axis].max(unit[axis]))
        })
    }

    /// How many levels whole shards of parts of this size hold; an axis with a single part holds
    /// all of them.
    pub fn levels_of(&self, part: [usize; 3]) -> usize {
        let Some(volume) = self.volumes.first() else {
            return 1;
        };
        let whole = volume.layout.shape;
        let holds = |levels: &usize| {
            let unit = self.unit(*levels);
            (0..3).all(|axis| part[axis] >= whole[axis] || part[axis].is_multiple_of(unit[axis]))
        };
        let most = (1..=self.levels()).take_while(holds).last();
        most.unwrap_or(0)
    }

    /// Shards of so many levels, all volumes and channels together.
    pub fn shards(&self, levels: std::ops::Range<usize>) -> u64 {
        let of = |volume: &Description| -> u64 {
            let levels = levels.clone().filter_map(|level| volume.levels.get(level));
            let shards = levels.map(|level| {
                (level.shape[0].div_ceil(level.shard[0]) as u64)
                    .saturating_mul(level.shards() as u64)
            });
            shards
                .fold(0, u64::saturating_add)
                .saturating_mul(volume.layout.planes() as u64)
        };
        self.volumes.iter().map(of).fold(0, u64::saturating_add)
    }

    /// The texts that depend on no pixel, by name below the folder.
    pub fn arrays(&self) -> Vec<(String, Vec<u8>)> {
        let arrays = self.volumes.iter().flat_map(Description::arrays);
        let labels = self.labels();
        let labels = labels.map(|labels| ("labels/zarr.json".to_owned(), labels));
        arrays.chain(labels).collect()
    }

    /// All texts, of volumes with these contents.
    pub fn texts(&self, found: &[Stored]) -> Vec<(String, Vec<u8>)> {
        let volumes = self.volumes.iter().zip(found);
        let texts = volumes.flat_map(|(volume, found)| volume.texts(found));
        let labels = self.labels();
        let labels = labels.map(|labels| ("labels/zarr.json".to_owned(), labels));
        texts.chain(labels).collect()
    }

    /// Names of all shards of these levels of a box, as [`Container::part`] takes it.
    pub fn shard_names(
        &self,
        first: [usize; 3],
        shape: [usize; 3],
        levels: std::ops::Range<usize>,
    ) -> impl Iterator<Item = String> {
        let extent = Extent { first, shape };
        self.volumes.iter().flat_map(move |volume| {
            let levels = levels.clone();
            levels.flat_map(move |number| {
                let level = volume.levels.get(number).into_iter();
                level.flat_map(move |level| {
                    let (start, size) = (extent.shard(level), extent.at(level));
                    let [z, x, y] = std::array::from_fn(|axis| {
                        start[axis]..start[axis] + size[axis].div_ceil(level.shard[axis])
                    });
                    let planes = 0..volume.layout.planes();
                    let places = planes.flat_map(move |plane| {
                        let (x, y) = (x.clone(), y.clone());
                        z.clone().flat_map(move |z| {
                            let y = y.clone();
                            x.clone()
                                .flat_map(move |x| y.clone().map(move |y| (plane, [z, x, y])))
                        })
                    });
                    places.map(move |(plane, place)| volume.shard(number, plane, place))
                })
            })
        })
    }

    /// Writers of so many levels of a box of all volumes: from the pixel `first` (z, x, y) on,
    /// which begins a shard of each, of this shape.
    pub fn part(
        &self,
        first: [usize; 3],
        shape: [usize; 3],
        levels: usize,
        store: Arc<dyn ShardStore>,
    ) -> (Vec<SliceWriter>, PartSinks) {
        let sinks = PartSinks(Arc::new(PartPlace {
            folder: self.folder.clone(),
            store,
            found: Mutex::new(vec![Stored::default(); self.volumes.len()]),
        }));
        let extent = Extent { first, shape };
        let writers = self.volumes.iter().enumerate().map(|(number, volume)| {
            let place = Arc::clone(&sinks.0) as Arc<dyn Place>;
            let part = Some((&extent, levels));
            let sink = OmeZarrWriter::new(place, number, volume.clone(), part).boxed();
            let layout = VolumeLayout {
                shape,
                ..volume.layout.clone()
            };
            SliceWriter::new(sink, &OME_ZARR as &dyn WriteFormat, &layout)
        });
        (writers.collect(), sinks)
    }

    /// Makes the levels from `made` on, of which the last one before is there: `read` gives slices
    /// of it of a volume's plane, as (volume's name, level, plane, slices) ask for them.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub fn finish_levels<E: From<WriteError>>(
        &self,
        made: usize,
        mut read: impl FnMut(&str, usize, Option<usize>, std::ops::Range<usize>) -> Result<Vec<u64>, E>,
        store: &dyn ShardStore,
    ) -> Result<(), E> {
        for volume in &self.volumes {
            let Some(below) = made.checked_sub(1).filter(|_| made < volume.levels.len()) else {
                continue;
            };
            let levels = volume.levels[below..].to_vec();
            let (from, next) = (levels[0].clone(), levels[1].clone());
            let layout = &volume.layout;
            let planes = layout.planes();
            let has_channels = layout.content == Content::Intensity;
            let mut pyramid = Pyramid::new(levels, planes);
            let depth = from.shape[0];
            for first in (0..depth).step_by(SLICES) {
                let slices = first..(first + SLICES).min(depth);
                let mut halves = Vec::new();
                for plane in 0..planes {
                    let plane = has_channels.then_some(plane);
                    let numbers = read(&volume.name, below, plane, slices.clone())?;
                    let pixels = levels::pixels(&numbers, layout.pixel);
                    let shape = [slices.len(), from.shape[1], from.shape[2]];
                    let page = shape[1] * shape[2] * layout.pixel.bytes();
                    let pixels = Slices::new(&pixels, page, 0, 1);
                    let half = halve(pixels, shape, next.step, layout.pixel, layout.content);
                    halves.push(half);
                }
                let shards = pyramid.add(halves, slices.end == depth, layout, volume.codec);
                for (above, plane, along_z, shard, content) in shards {
                    let level = below + above;
                    let [_, wide] = volume.levels[level].grid();
                    let place = [along_z, shard / wide, shard % wide];
                    store.put(&volume.shard(level, plane, place), &content)?;
                }
            }
        }
        Ok(())
    }
}

/// What the writers of a part have in common.
pub struct PartSinks(Arc<PartPlace>);

impl PartSinks {
    /// What they have written, once they are finished, in the order of the volumes.
    pub fn stored(&self) -> Vec<Stored> {
        let found = self.0.found.lock();
        found.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct PartPlace {
    folder: PathBuf,
    store: Arc<dyn ShardStore>,
    found: Mutex<Vec<Stored>>,
}

impl Place for PartPlace {
    fn target(&self) -> &Path {
        &self.folder
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        self.store.put(name, content)
    }

    fn complete(&self, number: usize, _: &Description, found: Stored) -> Result<(), WriteError> {
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all[number] = found;
        Ok(())
    }
}
