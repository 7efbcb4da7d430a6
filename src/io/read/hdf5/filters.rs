//! Filters of chunks: those that hdf5-reader does not have, and deflate with a limit for whatever
//! other filters there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hdf5_reader::FilterRegistry;
use hdf5_reader::error::Error;

use crate::io::codec::{Codec, lzf};

/// The line that makes a file of what is not read.
pub(super) const WAY: &str = "to convert it: python -c \"import h5py, hdf5plugin, numpy; \
                              numpy.save('labels.npy', h5py.File('FILE')['DATASET'][:])\"";

/// Numbers of filters (github.com/HDFGroup/hdf5_plugins, RegisteredFilterPlugins.md).
const DEFLATE: u16 = 1;
const LZF: u16 = 32_000;
const BLOSC: u16 = 32_001;
const LZ4: u16 = 32_004;
const ZSTD: u16 = 32_015;

/// All filters; a chunk has at most so many bytes.
pub(super) fn registry(most: &Arc<AtomicUsize>) -> FilterRegistry {
    let mut registry = FilterRegistry::new();
    let mut add = |number: u16, decode: fn(&[u8], usize) -> Result<Vec<u8>, String>| {
        let most = Arc::clone(most);
        registry.register(
            number,
            Box::new(move |_, data, _| {
                // Another filter may have packed before, and have made a little more of it.
                let most = Codec::most_packed(most.load(Ordering::Relaxed));
                decode(data, most).map_err(Error::DecompressionError)
            }),
        );
    };
    add(DEFLATE, |data, most| Codec::Zlib.decode(data, most));
    add(BLOSC, |data, most| Codec::Blosc.decode(data, most));
    add(ZSTD, |data, most| Codec::Zstd.decode(data, most));
    add(LZ4, lz4);
    let limit = Arc::clone(most);
    registry.register(
        LZF,
        Box::new(move |filter, data, _| {
            // Its third number is the length of the chunk.
            let most = limit.load(Ordering::Relaxed);
            let bytes = filter
                .client_data
                .get(2)
                .map_or(most, |&bytes| bytes as usize);
            lzf(data, bytes.min(most)).map_err(Error::DecompressionError)
        }),
    );
    registry
}

/// Blocks of LZ4 behind the length of all, and of one, in big endian; what got no smaller is
/// stored.
fn lz4(data: &[u8], most: usize) -> Result<Vec<u8>, String> {
    let short = || "the compressed data are cut short".to_owned();
    let (bytes, rest) = data.split_first_chunk().ok_or_else(short)?;
    let (block, mut rest) = rest.split_first_chunk().ok_or_else(short)?;
    let (bytes, block) = (
        u64::from_be_bytes(*bytes),
        u32::from_be_bytes(*block) as usize,
    );
    let bytes = usize::try_from(bytes)
        .ok()
        .filter(|&bytes| bytes <= most && block > 0);
    let bytes = bytes.ok_or_else(|| format!("the compressed data hold more than {most} bytes"))?;
    let mut out = vec![0; bytes];
    for out in out.chunks_mut(block) {
        let (length, data) = rest.split_first_chunk().ok_or_else(short)?;
        let length = u32::from_be_bytes(*length) as usize;
        let data = data.get(..length).ok_or_else(short)?;
        rest = &rest[4 + length..];
        if length == out.len() {
            out.copy_from_slice(data);
            continue;
        }
        let found = lz4_flex::block::decompress_into(data, out);
        let found = found.map_err(|error| format!("the compressed data are damaged ({error})"))?;
        if found != out.len() {
            return Err(short());
        }
    }
    Ok(out)
}
