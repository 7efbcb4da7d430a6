//! Neuroglancer's `neuroglancer_uint64_sharded_v1` (src/datasource/precomputed/sharded.md): chunks
//! have numbers, whose hashes say which shard and which minishard of it they lie in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde::Deserialize;

use super::super::ReadError;
use super::super::chunked::{Root, below};
use super::damaged;
use crate::io::codec::Codec;

/// Most bytes of the index of a minishard, unpacked, and of all that are kept.
const INDEX_BYTES: usize = 64 << 20;

/// As `info` has it.
#[derive(Clone, Deserialize)]
pub(super) struct Sharding {
    #[serde(rename = "@type")]
    kind: String,
    preshift_bits: u32,
    hash: String,
    minishard_bits: u32,
    shard_bits: u32,
    #[serde(default)]
    minishard_index_encoding: Option<String>,
    #[serde(default)]
    data_encoding: Option<String>,
}

/// Where chunks lie in shards.
pub(super) struct Shards {
    sharding: Sharding,
    /// Chunks along (z, x, y).
    grid: [usize; 3],
    is_hashed: bool,
    packed_index: bool,
    packed_data: bool,
    /// Indices of the minishards that were used last, by file and number.
    indices: Mutex<VecDeque<Known>>,
}

type Known = ((String, u64), Arc<Vec<Entry>>);

/// A chunk in a shard: its number, its place behind the shard's index, and its length.
type Entry = (u64, u64, u64);

impl Shards {
    pub fn new(sharding: &Sharding, grid: [usize; 3]) -> Result<Self, String> {
        let packed = |encoding: &Option<String>| match encoding.as_deref() {
            None | Some("raw") => Ok(false),
            Some("gzip") => Ok(true),
            Some(other) => Err(format!("has shards with {other:?}, which is not read")),
        };
        if sharding.kind != "neuroglancer_uint64_sharded_v1" {
            return Err(format!(
                "has shards {:?}, which are not read",
                sharding.kind
            ));
        }
        let Sharding {
            preshift_bits,
            minishard_bits,
            shard_bits,
            ..
        } = *sharding;
        if preshift_bits > 63 || minishard_bits > 32 || shard_bits > 64 - minishard_bits {
            return Err(format!(
                "has shards of {preshift_bits}, {minishard_bits} and {shard_bits} bits"
            ));
        }
        let is_hashed = match sharding.hash.as_str() {
            "identity" => false,
            "murmurhash3_x86_128" => true,
            other => {
                return Err(format!(
                    "has shards by the hash {other:?}, which is not read"
                ));
            }
        };
        Ok(Self {
            grid,
            is_hashed,
            packed_index: packed(&sharding.minishard_index_encoding)?,
            packed_data: packed(&sharding.data_encoding)?,
            sharding: sharding.clone(),
            indices: Mutex::default(),
        })
    }

    /// The number of a chunk: the bits of its place, lowest first, x, y and z in turn, as far as
    /// the grid has them.
    fn number(&self, [z, y, x]: [usize; 3]) -> u64 {
        let [deep, high, wide] = self.grid;
        let (mut number, mut bit) = (0u64, 0);
        for level in 0..usize::BITS - 1 {
            for (place, size) in [(x, wide), (y, high), (z, deep)] {
                if 1usize << level < size {
                    number |= (place as u64 >> level & 1).checked_shl(bit).unwrap_or(0);
                    bit += 1;
                }
            }
        }
        number
    }

    /// The shard of a number, and the minishard in it.
    fn place(&self, number: u64) -> (u64, u64) {
        let shifted = number >> self.sharding.preshift_bits;
        let hash = if self.is_hashed {
            murmur(shifted)
        } else {
            shifted
        };
        let low = |bits: u32| 1u64.checked_shl(bits).map_or(u64::MAX, |end| end - 1);
        let minishard = hash & low(self.sharding.minishard_bits);
        let rest = hash.checked_shr(self.sharding.minishard_bits).unwrap_or(0);
        (rest & low(self.sharding.shard_bits), minishard)
    }

    /// The chunk at a place as it is encoded, of at most so many bytes, and the file that it lies
    /// in.
    pub fn chunk(
        &self,
        root: &Root,
        key: &str,
        place: [usize; 3],
        most: usize,
    ) -> Result<Option<(Vec<u8>, String)>, ReadError> {
        let number = self.number(place);
        let (shard, minishard) = self.place(number);
        let digits = self.sharding.shard_bits.div_ceil(4) as usize;
        let name = below(key, &format!("{shard:0digits$x}.shard"));
        let Some(index) = self.index(root, &name, minishard)? else {
            return Ok(None);
        };
        let Some(&(_, start, length)) = index.iter().find(|entry| entry.0 == number) else {
            return Ok(None);
        };
        if length > Codec::most_packed(most) as u64 {
            let reason = format!("its index places a chunk of {length} bytes, which no chunk has");
            return Err(damaged(root, &name, reason));
        }
        let Some(data) = root.part(&name, self.behind_index(start), length, false)? else {
            return Ok(None);
        };
        let data = match self.packed_data {
            false => data,
            true => (Codec::Gzip.decode(&data, most)).map_err(|why| damaged(root, &name, why))?,
        };
        Ok(Some((data, name)))
    }

    /// A place in the file of one that is counted from the end of the shard's index.
    fn behind_index(&self, place: u64) -> u64 {
        place.saturating_add(16 << self.sharding.minishard_bits)
    }

    /// The chunks of a minishard; `None` where there is no shard.
    fn index(
        &self,
        root: &Root,
        name: &str,
        minishard: u64,
    ) -> Result<Option<Arc<Vec<Entry>>>, ReadError> {
        let key = (name.to_owned(), minishard);
        if let Ok(known) = self.indices.lock()
            && let Some((_, index)) = known.iter().find(|(known, _)| *known == key)
        {
            return Ok(Some(Arc::clone(index)));
        }
        let Some(place) = root.part(name, 16 * minishard, 16, false)? else {
            return Ok(None);
        };
        let number = |at: usize, data: &[u8]| {
            let bytes = data.get(8 * at..).and_then(<[u8]>::first_chunk);
            bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
        };
        let (start, end) = (number(0, &place), number(1, &place));
        let length = end
            .checked_sub(start)
            .filter(|&length| length <= INDEX_BYTES as u64);
        let Some(length) = length else {
            let reason = format!("its index places a minishard from {start} to {end}");
            return Err(damaged(root, name, reason));
        };
        let mut data = Vec::new();
        if length > 0 {
            let stored = root.part(name, self.behind_index(start), length, false)?;
            data = stored.unwrap_or_default();
            if self.packed_index {
                let unpacked = Codec::Gzip.decode(&data, INDEX_BYTES);
                data = unpacked.map_err(|why| damaged(root, name, why))?;
            }
        }
        let count = data.len() / 24;
        let (mut chunk, mut at) = (0u64, 0u64);
        let entries = (0..count).map(|entry| {
            chunk = chunk.wrapping_add(number(entry, &data));
            let start = at.wrapping_add(number(count + entry, &data));
            let length = number(2 * count + entry, &data);
            at = start.wrapping_add(length);
            (chunk, start, length)
        });
        let index = Arc::new(entries.collect::<Vec<_>>());
        if let Ok(mut known) = self.indices.lock() {
            let bytes = |known: &VecDeque<Known>| -> usize {
                known.iter().map(|(_, index)| 24 * index.len()).sum()
            };
            while !known.is_empty() && (known.len() > 1024 || bytes(&known) > INDEX_BYTES) {
                known.pop_front();
            }
            known.push_back((key, Arc::clone(&index)));
        }
        Ok(Some(index))
    }
}

/// The lower 64 bits of MurmurHash3_x86_128 (Austin Appleby, public domain) of a number, seed 0.
fn murmur(number: u64) -> u64 {
    let [low, high] = [number as u32, (number >> 32) as u32];
    let mut h = [0u32; 4];
    h[1] ^= high
        .wrapping_mul(0xab0e_9789)
        .rotate_left(16)
        .wrapping_mul(0x38b3_4ae5);
    h[0] ^= low
        .wrapping_mul(0x239b_961b)
        .rotate_left(15)
        .wrapping_mul(0xab0e_9789);
    let mix = |h: &mut [u32; 4]| {
        h[0] = h.iter().fold(0, |sum: u32, part| sum.wrapping_add(*part));
        for other in 1..4 {
            h[other] = h[other].wrapping_add(h[0]);
        }
    };
    h.iter_mut().for_each(|part| *part ^= 8);
    mix(&mut h);
    for part in &mut h {
        *part ^= *part >> 16;
        *part = part.wrapping_mul(0x85eb_ca6b);
        *part ^= *part >> 13;
        *part = part.wrapping_mul(0xc2b2_ae35);
        *part ^= *part >> 16;
    }
    mix(&mut h);
    u64::from(h[1]) << 32 | u64::from(h[0])
}
