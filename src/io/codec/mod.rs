//! The codecs that containers pack their chunks with. What they make of hostile bytes is bounded:
//! whoever decodes says how many bytes may come out, and more is an error.

pub mod blosc;
mod blosclz;
#[cfg_attr(not(feature = "hdf5"), allow(dead_code))]
mod lzf;

#[cfg(test)]
mod tests;

use std::io::Read;

use super::codec::blosc::unshuffle;

#[cfg_attr(not(feature = "hdf5"), allow(unused_imports))]
pub use lzf::decode as lzf;

/// How a run of bytes was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
    /// RFC 8878.
    Zstd,
    /// bzip2, block-sorting.
    Bzip2,
    /// A block of LZ4 behind its length, as numcodecs writes it.
    Lz4,
    /// Blosc's container, version 1.
    Blosc,
    /// Four bytes behind the data: their CRC-32C.
    Crc32c,
    /// The first bytes of all elements of so many bytes, then the second ones.
    Shuffle(usize),
}

impl Codec {
    /// Unpacks `data`.
    ///
    /// # Errors
    /// What is wrong with the data, a clause; and when more than `most` bytes come out.
    pub fn decode(self, data: &[u8], most: usize) -> Result<Vec<u8>, String> {
        match self {
            Self::Gzip => read_all(flate2::read::MultiGzDecoder::new(data), data, most),
            Self::Zlib => read_all(flate2::read::ZlibDecoder::new(data), data, most),
            Self::Bzip2 => read_all(bzip2_rs::DecoderReader::new(data), data, most),
            Self::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(data).map_err(damaged)?;
                read_all(decoder, data, most)
            }
            Self::Lz4 => {
                let (length, block) = data.split_first_chunk().ok_or_else(too_short)?;
                let bytes = u32::from_le_bytes(*length) as usize;
                let mut out = room(bytes, most)?;
                match lz4_flex::block::decompress_into(block, &mut out) {
                    Ok(found) if found == bytes => Ok(out),
                    Ok(found) => Err(wrong_length(found, bytes)),
                    Err(error) => Err(damaged(error)),
                }
            }
            Self::Blosc => blosc::decode(data, most),
            Self::Crc32c => checked(data).map(<[u8]>::to_vec),
            Self::Shuffle(bytes) => {
                let mut out = room(data.len(), most)?;
                unshuffle(data, &mut out, bytes);
                Ok(out)
            }
        }
    }

    /// Most bytes that so many unpacked ones are packed into, by a writer in its right mind.
    pub fn most_packed(unpacked: usize) -> usize {
        unpacked
            .saturating_add(unpacked / 8)
            .saturating_add(1 << 16)
    }
}

/// The data before a checksum that is theirs.
pub fn checked(data: &[u8]) -> Result<&[u8], String> {
    let (data, sum) = data.split_last_chunk().ok_or_else(too_short)?;
    match crc32c::crc32c(data) == u32::from_le_bytes(*sum) {
        true => Ok(data),
        false => Err("their checksum (CRC-32C) is not that of the data".to_owned()),
    }
}

/// All that a decoder gives, unless that is more than `most` bytes.
fn read_all(decoder: impl Read, packed: &[u8], most: usize) -> Result<Vec<u8>, String> {
    // A few bytes may stand for very many, but those are allocated when they come.
    let mut out = Vec::with_capacity(most.min(packed.len().saturating_mul(16)));
    let limit = (most as u64).saturating_add(1);
    decoder.take(limit).read_to_end(&mut out).map_err(damaged)?;
    match out.len() <= most {
        true => Ok(out),
        false => Err(too_long(most)),
    }
}

/// Room for so many bytes, unless these are more than there may be.
fn room(bytes: usize, most: usize) -> Result<Vec<u8>, String> {
    if bytes > most {
        return Err(too_long(most));
    }
    Ok(vec![0; bytes])
}

fn damaged(error: impl std::fmt::Display) -> String {
    format!("the compressed data are damaged ({error})")
}

fn too_short() -> String {
    "the compressed data are cut short".to_owned()
}

fn too_long(most: usize) -> String {
    format!("the compressed data hold more than the {most} bytes that belong there")
}

fn wrong_length(found: usize, wanted: usize) -> String {
    format!("the compressed data hold {found} bytes, where {wanted} are announced")
}
