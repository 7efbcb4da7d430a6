//! Neuroglancer's precomputed volumes in a folder, axes x first
//! (github.com/google/neuroglancer, src/datasource/precomputed/volume.md).

mod segmentation;
mod sharded;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use self::segmentation::Segmentation;
use self::sharded::{Sharding, Shards};
use super::chunked::{Axes, Chunk, ChunkStore, ChunkedLayout, ChunkedVolume, Root, below, plain};
use super::options::ReadOptions;
use super::samples::{SampleKind, SampleType, swap_bytes};
use super::{Facts, Found, InputFormat, ReadError, ReadFormat, VolumeSource};
use crate::io::codec::Codec;

/// A folder with a volume of several scales.
pub(super) struct PrecomputedFormat;

pub(super) static FORMAT: PrecomputedFormat = PrecomputedFormat;

/// What describes the volume.
const INFO: &str = "info";

/// Bytes of it that are looked at when it is to be recognised.
const LOOKED_AT: u64 = 1 << 16;

/// The line that makes an array of what is not read; its axes become (z, y, x).
const WAY: &str = "python -c \"import cloudvolume, numpy; \
                   numpy.save('labels.npy', cloudvolume.CloudVolume('file://FILE')[:][..., 0].T)\"";

impl ReadFormat for PrecomputedFormat {
    fn format(&self) -> InputFormat {
        InputFormat {
            name: "precomputed",
            noun: "neuroglancer precomputed folder",
            extensions: &[],
            is_folder: true,
        }
    }

    fn recognises(&self, found: &Found<'_>) -> bool {
        let Found::Folder(path) = found else {
            return false;
        };
        let mut text = Vec::new();
        let path = path.join(INFO);
        let read = path.is_file()
            && File::open(path)
                .is_ok_and(|file| file.take(LOOKED_AT).read_to_end(&mut text).is_ok());
        read && String::from_utf8_lossy(&text).contains("\"scales\"")
    }

    fn open(&self, path: &Path, options: &ReadOptions) -> Result<Box<dyn VolumeSource>, ReadError> {
        let root = Root::new(path)?;
        let unsupported = |feature: String| ReadError::Unsupported {
            path: path.to_owned(),
            slice: None,
            feature: feature.replace("FILE", &path.display().to_string()),
        };
        let info = root.json::<Info>(INFO)?;
        let info = info.ok_or_else(|| unsupported("has no info".to_owned()))?;
        let number = scale_number(&root, &info, options)?;
        let scale = &info.scales[number];
        let store = PrecomputedStore::new(&info, scale, options).map_err(unsupported)?;
        let layout = ChunkedLayout {
            path: path.to_owned(),
            noun: format!("precomputed {} {}", scale.encoding, scale.key),
            shape: store.size,
            chunk: store.chunk,
            samples: store.samples,
            fill: [0; 8],
            facts: Facts {
                voxel_nm: reversed(scale.resolution)
                    .map(|nm| (nm.is_finite() && nm > 0.0).then_some(nm)),
                ..Facts::default()
            },
        };
        // Chunks hold all channels.
        let whole = ChunkedLayout {
            chunk: [
                store
                    .chunk
                    .iter()
                    .copied()
                    .fold(store.channels, usize::saturating_mul),
                1,
                1,
            ],
            ..layout.clone()
        };
        whole.check()?;
        let store = PrecomputedStore {
            root: Some(root),
            ..store
        };
        Ok(Box::new(ChunkedVolume::new(layout, store, options)?))
    }
}

/// `info`.
#[derive(Deserialize)]
struct Info {
    data_type: String,
    num_channels: u64,
    scales: Vec<Scale>,
}

#[derive(Deserialize)]
struct Scale {
    key: String,
    size: [u64; 3],
    #[serde(default)]
    resolution: [f64; 3],
    #[serde(default)]
    voxel_offset: Option<[i64; 3]>,
    chunk_sizes: Vec<[u64; 3]>,
    encoding: String,
    #[serde(default)]
    compressed_segmentation_block_size: Option<[u64; 3]>,
    #[serde(default)]
    sharding: Option<Sharding>,
}

fn reversed<T: Copy>([x, y, z]: [T; 3]) -> [T; 3] {
    [z, y, x]
}

/// The scale that the options choose by its number or its key, or the finest one.
fn scale_number(root: &Root, info: &Info, options: &ReadOptions) -> Result<usize, ReadError> {
    let choice = |problem: String, key, choices| ReadError::Choice {
        path: root.path().to_owned(),
        problem,
        key,
        choices,
    };
    if let Some(dataset) = &options.dataset {
        let place = info.scales.iter().position(|scale| scale.key == *dataset);
        return place.ok_or_else(|| {
            let keys = info.scales.iter().map(|scale| scale.key.clone());
            choice(
                format!("holds no dataset {dataset:?}"),
                "dataset",
                keys.collect(),
            )
        });
    }
    let (level, count) = (options.level.unwrap_or(0), info.scales.len());
    match level < count {
        true => Ok(level),
        false => {
            let problem = format!("has {count} levels, but level = {level} was given");
            let choices = (0..count).map(|level| level.to_string()).collect();
            Err(choice(problem, "level", choices))
        }
    }
}

/// How chunks are packed.
enum Encoding {
    Raw,
    Segmentation(Segmentation),
}

struct PrecomputedStore {
    /// There as soon as anything is read.
    root: Option<Root>,
    key: String,
    samples: SampleType,
    encoding: Encoding,
    shards: Option<Shards>,
    channels: usize,
    /// The one that is read.
    channel: usize,
    /// Size in voxels, (z, x, y) as we call them, and of a chunk.
    size: [usize; 3],
    chunk: [usize; 3],
    /// What the numbers in names start from.
    offset: [i64; 3],
}

impl PrecomputedStore {
    fn new(info: &Info, scale: &Scale, options: &ReadOptions) -> Result<Self, String> {
        let lengths = |sizes: [u64; 3], what: &str| {
            let small = |size: u64| usize::try_from(size).ok().filter(|&size| size < 1 << 48);
            match reversed(sizes).map(small) {
                [Some(z), Some(y), Some(x)] => Ok([z, y, x]),
                _ => Err(format!("has {what} of {sizes:?}, more than can be")),
            }
        };
        let name = info.data_type.as_str();
        let samples = SampleType::named(name);
        let samples = samples.ok_or_else(|| format!("has elements of type {name:?}"))?;
        let size = lengths(scale.size, "a size")?;
        let chunk = match &scale.chunk_sizes[..] {
            [] => return Err("has no chunk_sizes".to_owned()),
            [first, ..] => lengths(*first, "chunks")?,
        };
        if chunk.contains(&0) {
            return Err(format!("has chunks of {chunk:?}"));
        }
        let channels = usize::try_from(info.num_channels)
            .ok()
            .filter(|n| (1..4096).contains(n));
        let channels = channels.ok_or_else(|| format!("has {} channels", info.num_channels))?;
        // One axis more, whose number is the user's to choose.
        let names = ["c", "z", "y", "x"].map(str::to_owned);
        let [z, y, x] = size;
        let axes = Axes::choose(&names, &[channels, z, y, x], options)?;
        let channel = axes.first(&[channels, 1, 1, 1], &[1, 0, 0, 0]);
        let encoding = match scale.encoding.as_str() {
            "raw" => Encoding::Raw,
            "compressed_segmentation" => {
                let blocks = scale.compressed_segmentation_block_size.unwrap_or([8; 3]);
                let wide = match (samples.kind, samples.bits) {
                    (SampleKind::Unsigned, 32) => false,
                    (SampleKind::Unsigned, 64) => true,
                    _ => return Err(format!("is a compressed_segmentation of type {name:?}")),
                };
                let blocks = lengths(blocks, "blocks")?;
                Encoding::Segmentation(Segmentation::new(blocks, wide)?)
            }
            other => {
                return Err(format!(
                    "is packed as {other:?}, which is not read; to convert it: {WAY}"
                ));
            }
        };
        let grid = std::array::from_fn(|axis| size[axis].div_ceil(chunk[axis]));
        let shards = scale.sharding.as_ref();
        let shards = shards
            .map(|sharding| Shards::new(sharding, grid))
            .transpose()?;
        let offset = reversed(scale.voxel_offset.unwrap_or([0; 3]));
        let offset_fits = |&offset: &i64| offset.unsigned_abs() < 1 << 48;
        if !offset.iter().all(offset_fits) {
            return Err(format!("starts at voxel {offset:?}"));
        }
        Ok(Self {
            root: None,
            key: plain(&scale.key).ok_or_else(|| format!("has a scale at {:?}", scale.key))?,
            samples,
            encoding,
            shards,
            channels,
            channel,
            size,
            chunk,
            offset,
        })
    }

    fn sample_bytes(&self) -> usize {
        usize::from(self.samples.bits / 8)
    }

    /// Most bytes of a chunk before it is gzip'ed.
    fn most_encoded(&self) -> usize {
        let voxels = self.chunk.iter().product::<usize>();
        match &self.encoding {
            Encoding::Raw => voxels * self.channels * self.sample_bytes(),
            Encoding::Segmentation(segmentation) => segmentation
                .most_bytes(self.chunk)
                .saturating_mul(self.channels),
        }
    }

    /// A chunk as it is encoded, and the name of the file that it lies in.
    fn encoded(
        &self,
        root: &Root,
        place: [usize; 3],
        shape: [usize; 3],
    ) -> Result<Option<(Vec<u8>, String)>, ReadError> {
        let most = self.most_encoded();
        let packed = Codec::most_packed(most) as u64;
        if let Some(shards) = &self.shards {
            return shards.chunk(root, &self.key, place, most);
        }
        let range = |axis: usize| {
            let start = self.offset[axis] + (place[axis] * self.chunk[axis]) as i64;
            format!("{start}-{}", start + shape[axis] as i64)
        };
        let name = below(
            &self.key,
            &format!("{}_{}_{}", range(2), range(1), range(0)),
        );
        if let Some(chunk) = root.chunk(&name, packed)? {
            // What a server was to announce as gzip'ed lies there so under its own name.
            let is_raw =
                matches!(self.encoding, Encoding::Raw) && chunk.len() == self.raw_bytes(shape);
            return match chunk.starts_with(b"\x1f\x8b") && !is_raw {
                true => gunzip(root, chunk, most, name).map(Some),
                false => Ok(Some((chunk, name))),
            };
        }
        for end in ["br", "zstd"] {
            let name = format!("{name}.{end}");
            if root.has(&name) {
                let slice = None;
                let feature = format!(
                    "is packed as .{end}, which is not read; to convert it: {}",
                    WAY.replace("FILE", &root.path().display().to_string())
                );
                let path = root.join(&name);
                return Err(ReadError::Unsupported {
                    path,
                    slice,
                    feature,
                });
            }
        }
        let name = format!("{name}.gz");
        match root.chunk(&name, packed)? {
            Some(chunk) => gunzip(root, chunk, most, name).map(Some),
            None => Ok(None),
        }
    }

    fn raw_bytes(&self, shape: [usize; 3]) -> usize {
        shape.iter().product::<usize>() * self.channels * self.sample_bytes()
    }
}

fn damaged(root: &Root, name: &str, reason: String) -> ReadError {
    ReadError::Corrupt {
        path: root.join(name),
        slice: None,
        reason,
    }
}

fn gunzip(
    root: &Root,
    packed: Vec<u8>,
    most: usize,
    name: String,
) -> Result<(Vec<u8>, String), ReadError> {
    let unpacked = Codec::Gzip.decode(&packed, most);
    let unpacked = unpacked.map_err(|reason| damaged(root, &name, reason))?;
    Ok((unpacked, name))
}

impl ChunkStore for PrecomputedStore {
    fn chunk(&self, place: [usize; 3]) -> Result<Option<Chunk>, ReadError> {
        let Some(root) = &self.root else {
            return Ok(None);
        };
        let shape = std::array::from_fn(|axis| {
            let start = place[axis] * self.chunk[axis];
            self.chunk[axis].min(self.size[axis] - start)
        });
        let Some((encoded, name)) = self.encoded(root, place, shape)? else {
            return Ok(None);
        };
        let voxels = shape.iter().product::<usize>();
        let (mut samples, first) = match &self.encoding {
            Encoding::Raw => {
                let wanted = self.raw_bytes(shape);
                if encoded.len() != wanted {
                    let found = encoded.len();
                    let reason = format!(
                        "the chunk has {found} bytes, where {wanted} belong; it is cut short or damaged"
                    );
                    return Err(damaged(root, &name, reason));
                }
                (encoded, self.channel * voxels)
            }
            Encoding::Segmentation(segmentation) => {
                let decoded = segmentation.decode(&encoded, shape, self.channel);
                (decoded.map_err(|reason| damaged(root, &name, reason))?, 0)
            }
        };
        if cfg!(target_endian = "big") {
            swap_bytes(&mut samples, self.sample_bytes());
        }
        let [_, rows, columns] = shape;
        Ok(Some(Chunk {
            samples,
            shape,
            first,
            strides: [rows * columns, columns, 1],
        }))
    }

    fn chunk_bytes(&self) -> u64 {
        (3 * Codec::most_packed(self.most_encoded()) + self.raw_bytes(self.chunk)) as u64
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        self.root.as_ref().map_or(Ok(()), Root::unchanged)
    }
}
