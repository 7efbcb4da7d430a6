//! Shards: chunks one after the other, in the order of the grid, and an index of where each lies
//! (zarr-specs.readthedocs.io, sharding_indexed 1.0). Equal pixels give equal bytes.

use rayon::prelude::*;

use super::levels::{Level, Slices};
use crate::base::formats::ChunkCodec;
use crate::io::codec::blosc;

/// Levels of the codecs: faster ones pack noise as well.
const ZSTD_LEVEL: i32 = 1;
const GZIP_LEVEL: u32 = 1;

/// Stands for a chunk that is all zero and is not stored.
const ABSENT: [u64; 2] = [u64::MAX; 2];

impl ChunkCodec {
    /// What `zarr.json` says of it, for pixels of so many bytes.
    pub(super) fn json(self, pixel_bytes: usize) -> Vec<serde_json::Value> {
        use serde_json::json;
        let mut codecs = vec![json!({"name": "bytes", "configuration": {"endian": "little"}})];
        codecs.extend(match self {
            Self::Blosc => Some(json!({"name": "blosc", "configuration": {
                "cname": "lz4", "clevel": 5, "shuffle": "bitshuffle", "typesize": pixel_bytes, "blocksize": 0,
            }})),
            Self::Zstd => Some(json!({"name": "zstd", "configuration": {
                "level": ZSTD_LEVEL, "checksum": false,
            }})),
            Self::Gzip => Some(json!({"name": "gzip", "configuration": {"level": GZIP_LEVEL}})),
            Self::None => None,
        });
        codecs
    }

    fn pack(self, chunk: Vec<u8>, pixel_bytes: usize) -> Vec<u8> {
        match self {
            Self::Blosc => blosc::encode(&chunk, pixel_bytes),
            // Neither fails in memory.
            Self::Zstd => zstd::bulk::compress(&chunk, ZSTD_LEVEL).unwrap_or_default(),
            Self::Gzip => {
                use std::io::Write;
                let level = flate2::Compression::new(GZIP_LEVEL);
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
                let packed = gzip.write_all(&chunk).and_then(|()| gzip.finish());
                packed.unwrap_or_default()
            }
            Self::None => chunk,
        }
    }
}

/// Most bytes of a level with pixels of so many bytes: all chunks, packed in vain.
pub(super) fn most_bytes(level: &Level, pixel_bytes: usize) -> u64 {
    let chunk = level.chunk.iter().product::<usize>() * pixel_bytes;
    let packed = (chunk + chunk / 64 + 256) as u64;
    let along = |axis: usize| level.shape[axis].div_ceil(level.chunk[axis]) as u64;
    let chunks = (0..3).fold(1, |all: u64, axis| all.saturating_mul(along(axis)));
    let inner: u64 = (0..3)
        .map(|axis| (level.shard[axis] / level.chunk[axis]) as u64)
        .product();
    let files = (level.shards() as u64).saturating_mul(along(0));
    let indices = files.saturating_mul(16 * inner + 4);
    chunks.saturating_mul(packed).saturating_add(indices)
}

/// The shards that hold some slices, row after row; empty where all is zero. `shape` is the number
/// of slices, at most those of a shard, and the rows and columns of the level.
pub(super) fn encode(
    pixels: Slices<'_>,
    shape: [usize; 3],
    level: &Level,
    pixel_bytes: usize,
    codec: ChunkCodec,
) -> Vec<Vec<u8>> {
    let [high, wide] = level.grid();
    let [rows, columns] = [1, 2].map(|axis| level.shard[axis] / level.chunk[axis]);
    let shard = |index: usize| {
        let (first_row, first_column) = (index / wide * rows, index % wide * columns);
        let chunks = (0..rows * columns).into_par_iter().map(|chunk| {
            let place = [first_row + chunk / columns, first_column + chunk % columns];
            let chunk = cut(pixels, shape, level, pixel_bytes, place)?;
            Some(codec.pack(chunk, pixel_bytes))
        });
        let chunks: Vec<Option<Vec<u8>>> = chunks.collect();
        if chunks.iter().all(Option::is_none) {
            return Vec::new();
        }
        let bytes = chunks.iter().flatten().map(Vec::len).sum::<usize>();
        let mut file = Vec::with_capacity(bytes + 16 * chunks.len() + 4);
        let mut index = Vec::with_capacity(16 * chunks.len());
        for chunk in chunks {
            let entry = match &chunk {
                Some(chunk) => [file.len() as u64, chunk.len() as u64],
                None => ABSENT,
            };
            index.extend(entry.into_iter().flat_map(u64::to_le_bytes));
            file.extend(chunk.unwrap_or_default());
        }
        let sum = crc32c::crc32c(&index);
        file.append(&mut index);
        file.extend(sum.to_le_bytes());
        file
    };
    (0..high * wide).into_par_iter().map(shard).collect()
}

/// A chunk's pixels in little endian, zeros beyond the volume; `None` where all are zero.
fn cut(
    pixels: Slices<'_>,
    [slices, rows, columns]: [usize; 3],
    level: &Level,
    pixel_bytes: usize,
    place: [usize; 2],
) -> Option<Vec<u8>> {
    let [depth, high, wide] = level.chunk;
    let (row, column) = (place[0] * high, place[1] * wide);
    if row >= rows || column >= columns {
        return None;
    }
    let width = wide.min(columns - column);
    let mut chunk = vec![0; depth * high * wide * pixel_bytes];
    let mut any = 0;
    for z in 0..slices.min(depth) {
        let slice = pixels.slice(z);
        for x in 0..high.min(rows - row) {
            let from = ((row + x) * columns + column) * pixel_bytes;
            let to = (z * high + x) * wide * pixel_bytes;
            let from = &slice[from..][..width * pixel_bytes];
            any |= from.iter().fold(0, |any, &byte| any | byte);
            chunk[to..][..from.len()].copy_from_slice(from);
        }
    }
    if cfg!(target_endian = "big") {
        chunk
            .chunks_exact_mut(pixel_bytes)
            .for_each(<[u8]>::reverse);
    }
    (any != 0).then_some(chunk)
}
