//! Chunks of an array, in files of their own or in shards.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::super::ReadError;
use super::super::chunked::{Axes, Chunk, ChunkStore, Root};
use super::super::samples::swap_bytes;
use super::array::{Array, Shards};
use crate::io::codec::{Codec, checked};

/// Bytes of the indices of shards that are kept, and of the largest one.
const INDEX_BYTES: usize = 64 << 20;

/// Stands for a chunk that a shard does not have.
const NONE: u64 = u64::MAX;

pub(super) struct ZarrStore {
    pub root: Root,
    /// The folder of the array below the root.
    pub node: String,
    pub array: Array,
    pub axes: Axes,
    /// Indices of the shards that were used last, by their names.
    pub indices: Mutex<VecDeque<(String, Arc<Vec<u8>>)>>,
}

impl ZarrStore {
    /// Bytes of a chunk.
    fn bytes(&self) -> usize {
        let sample = usize::from(self.array.samples.bits / 8);
        // Checked when it was opened.
        self.array.chunks.iter().product::<usize>() * sample
    }

    /// Most bytes that a chunk is packed into.
    fn most_packed(&self) -> usize {
        let codecs = self.array.codecs.iter();
        codecs.fold(self.bytes(), |bytes, _| Codec::most_packed(bytes))
    }

    fn name(&self, numbers: &[usize]) -> String {
        let name = self.array.keys.name(numbers);
        super::super::chunked::below(&self.node, &name)
    }

    fn damaged(&self, file: &str, reason: String) -> ReadError {
        ReadError::Corrupt {
            path: self.root.join(file),
            slice: None,
            reason,
        }
    }

    /// The index of a shard; `None` where there is no shard.
    fn index(&self, shards: &Shards, name: &str) -> Result<Option<Arc<Vec<u8>>>, ReadError> {
        if let Ok(known) = self.indices.lock()
            && let Some((_, index)) = known.iter().find(|(known, _)| known == name)
        {
            return Ok(Some(Arc::clone(index)));
        }
        let chunks = shards
            .chunks
            .iter()
            .try_fold(16, |all: usize, &n| all.checked_mul(n));
        let bytes = chunks
            .filter(|&bytes| bytes <= INDEX_BYTES)
            .ok_or_else(|| {
                let reason = format!(
                    "has shards of {:?} chunks, more than are read",
                    shards.chunks
                );
                self.damaged(&self.node, reason)
            })?;
        let stored = bytes as u64 + if shards.has_checksum { 4 } else { 0 };
        let start = if shards.at_end { stored } else { 0 };
        let Some(mut index) = self.root.part(name, start, stored, shards.at_end)? else {
            return Ok(None);
        };
        if shards.has_checksum {
            checked(&index)
                .map_err(|why| self.damaged(name, format!("its index is damaged: {why}")))?;
            index.truncate(bytes);
        }
        let index = Arc::new(index);
        if let Ok(mut known) = self.indices.lock() {
            while known.len() * bytes > INDEX_BYTES - bytes || known.len() > 4096 {
                known.pop_front();
            }
            known.push_back((name.to_owned(), Arc::clone(&index)));
        }
        Ok(Some(index))
    }

    /// A chunk as it is packed, and the file that holds it.
    fn packed(&self, numbers: &[usize]) -> Result<Option<(Vec<u8>, String)>, ReadError> {
        let most = self.most_packed() as u64;
        let Some(shards) = &self.array.shards else {
            let name = self.name(numbers);
            let packed = self.root.chunk(&name, most)?;
            return Ok(packed.map(|packed| (packed, name)));
        };
        let pairs = || numbers.iter().zip(&shards.chunks);
        let shard: Vec<usize> = pairs().map(|(number, chunks)| number / chunks).collect();
        let inside = pairs().fold(0, |at, (number, chunks)| at * chunks + number % chunks);
        let name = self.name(&shard);
        let Some(index) = self.index(shards, &name)? else {
            return Ok(None);
        };
        let entry = |at: usize| {
            let bytes = index.get(16 * inside + at..).and_then(<[u8]>::first_chunk);
            bytes.map_or(NONE, |bytes| u64::from_le_bytes(*bytes))
        };
        let (start, length) = (entry(0), entry(8));
        if start == NONE && length == NONE {
            return Ok(None);
        }
        if length > most {
            let reason = format!(
                "its index places a chunk of {length} bytes in it, which no chunk of this size has"
            );
            return Err(self.damaged(&name, reason));
        }
        let packed = self.root.part(&name, start, length, false)?;
        Ok(packed.map(|packed| (packed, name)))
    }
}

/// Unpacks what has so many bytes in the end.
pub(in super::super) fn unpack(
    mut packed: Vec<u8>,
    codecs: &[Codec],
    bytes: usize,
) -> Result<Vec<u8>, String> {
    for (done, codec) in codecs.iter().enumerate() {
        // What others still have to unpack may be a little longer.
        let rest = codecs.len() - 1 - done;
        let most = (0..rest).fold(bytes, |bytes, _| Codec::most_packed(bytes));
        packed = codec.decode(&packed, most)?;
    }
    match packed.len() == bytes {
        true => Ok(packed),
        false => Err(format!(
            "the chunk has {} bytes, where {bytes} belong; it is cut short or damaged",
            packed.len()
        )),
    }
}

impl ChunkStore for ZarrStore {
    fn chunk(&self, place: [usize; 3]) -> Result<Option<Chunk>, ReadError> {
        let array = &self.array;
        let numbers = self.axes.chunk(place, &array.chunks);
        let Some((packed, name)) = self.packed(&numbers)? else {
            return Ok(None);
        };
        let unpacked = unpack(packed, &array.codecs, self.bytes());
        let mut samples = unpacked.map_err(|reason| self.damaged(&name, reason))?;
        if array.swapped {
            swap_bytes(&mut samples, usize::from(array.samples.bits / 8));
        }
        let mut strides = vec![0; array.chunks.len()];
        let mut step = 1;
        for &axis in array.order.iter().rev() {
            strides[axis] = step;
            step *= array.chunks[axis];
        }
        Ok(Some(Chunk {
            samples,
            shape: self.axes.pick(&array.chunks, 1),
            first: self.axes.first(&array.chunks, &strides),
            strides: self.axes.pick(&strides, 0),
        }))
    }

    fn chunk_bytes(&self) -> u64 {
        // What is packed, on its way, and unpacked.
        3 * self.most_packed() as u64
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        self.root.unchanged()
    }
}
