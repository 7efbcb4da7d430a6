//! Blosc's container, version 1 (github.com/Blosc/c-blosc, README_CHUNK_FORMAT.rst): 16 bytes of
//! header, the places of the blocks, and blocks that are shuffled, perhaps split by the bytes of
//! their elements, and packed.

use super::{blosclz, damaged, room, too_long, too_short, wrong_length};

/// Bytes of the header.
const HEADER: usize = 16;

/// Bits of the flags: bytes of elements were transposed, the data lie there as they are, bits were
/// transposed, blocks are not split.
const BYTES_SHUFFLED: u8 = 1;
const STORED: u8 = 2;
const BITS_SHUFFLED: u8 = 4;
const NOT_SPLIT: u8 = 16;

/// A block is split only up to so many bytes an element, and if the parts have so many bytes.
const MOST_PARTS: usize = 16;
const LEAST_PART: usize = 128;

/// How parts of blocks are packed, by the upper three bits of the flags.
const BLOSCLZ: u8 = 0;
const LZ4: u8 = 1;
const ZLIB: u8 = 3;
const ZSTD: u8 = 4;

/// Bytes of the blocks that [`encode`] makes: what the caches of processors hold.
const BLOCK_BYTES: usize = 1 << 18;

/// A whole number at a place.
fn number(data: &[u8], at: usize) -> Result<usize, String> {
    let bytes = data.get(at..).and_then(<[u8]>::first_chunk);
    Ok(u32::from_le_bytes(*bytes.ok_or_else(too_short)?) as usize)
}

/// Unpacks a container.
///
/// # Errors
/// What is wrong with it; and when it holds more than `most` bytes.
pub fn decode(data: &[u8], most: usize) -> Result<Vec<u8>, String> {
    let header: &[u8; HEADER] = data.first_chunk().ok_or_else(too_short)?;
    let [version, _, flags, element, ..] = *header;
    if !(1..=2).contains(&version) {
        return Err(damaged(format_args!("version {version} of Blosc")));
    }
    let (bytes, block_bytes) = (number(header, 4)?, number(header, 8)?);
    if bytes > most {
        return Err(too_long(most));
    }
    let element = usize::from(element).max(1);
    let mut out = room(bytes, most)?;
    if flags & STORED != 0 {
        let stored = data.get(HEADER..HEADER + bytes).ok_or_else(too_short)?;
        out.copy_from_slice(stored);
        return Ok(out);
    }
    if bytes == 0 {
        return Ok(out);
    }
    if block_bytes == 0 || block_bytes > bytes.saturating_add(BLOCK_BYTES) {
        return Err(damaged(format_args!("blocks of {block_bytes} bytes")));
    }
    let mut shuffled = vec![0; block_bytes.min(bytes)];
    for (index, block) in out.chunks_mut(block_bytes).enumerate() {
        let start = number(data, HEADER + 4 * index)?;
        let packed = data.get(start..).ok_or_else(too_short)?;
        let whole = block.len() == block_bytes;
        let split = flags & NOT_SPLIT == 0
            && whole
            && element <= MOST_PARTS
            && block_bytes / element >= LEAST_PART;
        let parts = if split { element } else { 1 };
        let unpacked = &mut shuffled[..block.len()];
        unpack(packed, flags >> 5, unpacked, parts)?;
        if flags & BITS_SHUFFLED != 0 {
            unshuffle_bits(unpacked, block, element);
        } else if flags & BYTES_SHUFFLED != 0 {
            unshuffle(unpacked, block, element);
        } else {
            block.copy_from_slice(unpacked);
        }
    }
    Ok(out)
}

/// Unpacks a block, which is so many parts, each behind its length.
fn unpack(mut packed: &[u8], codec: u8, block: &mut [u8], parts: usize) -> Result<(), String> {
    let part_bytes = block.len() / parts;
    // What does not divide is no part of any.
    if part_bytes * parts != block.len() {
        return Err(damaged("blocks that their elements do not divide"));
    }
    for part in block.chunks_exact_mut(part_bytes) {
        let length = number(packed, 0)?;
        let data = packed.get(4..4 + length).ok_or_else(too_short)?;
        packed = &packed[4 + length..];
        if length == part.len() {
            part.copy_from_slice(data);
            continue;
        }
        let found = match codec {
            BLOSCLZ => blosclz::decode(data, part)?,
            LZ4 => lz4_flex::block::decompress_into(data, part).map_err(damaged)?,
            ZLIB => {
                use std::io::Read;
                let mut decoder = flate2::read::ZlibDecoder::new(data);
                decoder.read_exact(part).map_err(damaged)?;
                part.len()
            }
            ZSTD => zstd::bulk::decompress_to_buffer(data, part).map_err(damaged)?,
            2 => return Err("Blosc with Snappy, which is not read".to_owned()),
            other => return Err(damaged(format_args!("codec {other} of Blosc"))),
        };
        if found != part.len() {
            return Err(wrong_length(found, part.len()));
        }
    }
    Ok(())
}

/// Puts the bytes of elements together that lie apart, the first ones of all elements first. Bytes
/// behind the last whole element lie where they are.
pub fn unshuffle(from: &[u8], to: &mut [u8], element: usize) {
    let count = from.len() / element.max(1);
    if element < 2 || count == 0 {
        to.copy_from_slice(from);
        return;
    }
    match element {
        2 => unshuffle_each::<2>(from, to, count),
        4 => unshuffle_each::<4>(from, to, count),
        8 => unshuffle_each::<8>(from, to, count),
        _ => {
            for (byte, plane) in from.chunks_exact(count).take(element).enumerate() {
                let places = to[byte..].iter_mut().step_by(element);
                places.zip(plane).for_each(|(to, &from)| *to = from);
            }
        }
    }
    to[count * element..].copy_from_slice(&from[count * element..]);
}

fn unshuffle_each<const N: usize>(from: &[u8], to: &mut [u8], count: usize) {
    let planes: [&[u8]; N] = std::array::from_fn(|byte| &from[byte * count..][..count]);
    let (elements, _) = to.as_chunks_mut::<N>();
    for (index, element) in elements.iter_mut().enumerate().take(count) {
        *element = std::array::from_fn(|byte| planes[byte][index]);
    }
}

/// Of 8 x 8 bits, a byte a row, the columns as rows (Hacker's Delight, 7-3).
fn transpose_bits(mut x: u64) -> u64 {
    for (shift, mask) in [
        (7, 0x00aa_00aa_00aa_00aa),
        (14, 0x0000_cccc_0000_cccc),
        (28, 0x0000_0000_f0f0_f0f0),
    ] {
        let swap = (x ^ (x >> shift)) & mask;
        x ^= swap ^ (swap << shift);
    }
    x
}

/// Elements of a block whose bits are transposed: all, or none where 8 do not divide them.
fn transposed(bytes: usize, element: usize) -> usize {
    let count = bytes / element;
    if count.is_multiple_of(8) { count } else { 0 }
}

/// Undoes [`shuffle_bits`].
fn unshuffle_bits(from: &[u8], to: &mut [u8], element: usize) {
    let count = transposed(from.len(), element);
    let groups = count / 8;
    for byte in 0..element {
        let rows: [&[u8]; 8] =
            std::array::from_fn(|bit| &from[(8 * byte + bit) * groups..][..groups]);
        for group in 0..groups {
            let bits = u64::from_le_bytes(std::array::from_fn(|bit| rows[bit][group]));
            let places = to[8 * group * element + byte..].iter_mut().step_by(element);
            for (to, from) in places.zip(transpose_bits(bits).to_le_bytes()) {
                *to = from;
            }
        }
    }
    to[count * element..].copy_from_slice(&from[count * element..]);
}

/// Puts the lowest bits of the first bytes of all elements side by side, then the next ones, and so
/// on. Elements that are not a multiple of 8 stay as they are.
fn shuffle_bits(from: &[u8], to: &mut [u8], element: usize) {
    let count = transposed(from.len(), element);
    let groups = count / 8;
    for byte in 0..element {
        for group in 0..groups {
            let start = 8 * group * element + byte;
            let bits = u64::from_le_bytes(std::array::from_fn(|i| from[start + i * element]));
            let columns = transpose_bits(bits).to_le_bytes();
            for (bit, column) in columns.into_iter().enumerate() {
                to[(8 * byte + bit) * groups + group] = column;
            }
        }
    }
    to[count * element..].copy_from_slice(&from[count * element..]);
}

/// Packs elements of so many bytes with transposed bits and LZ4. Equal data give equal bytes.
pub fn encode(data: &[u8], element: usize) -> Vec<u8> {
    let block_bytes = data.len().clamp(1, BLOCK_BYTES);
    let blocks = data.len().div_ceil(block_bytes);
    let flags = BITS_SHUFFLED | NOT_SPLIT | LZ4 << 5;
    let mut out = vec![2, 1, flags, element as u8];
    for number in [data.len(), block_bytes, 0] {
        out.extend((number as u32).to_le_bytes());
    }
    out.resize(HEADER + 4 * blocks, 0);
    let mut shuffled = vec![0; block_bytes];
    for (index, block) in data.chunks(block_bytes).enumerate() {
        let shuffled = &mut shuffled[..block.len()];
        shuffle_bits(block, shuffled, element);
        let start = out.len();
        out[HEADER + 4 * index..][..4].copy_from_slice(&(start as u32).to_le_bytes());
        out.extend([0; 4]);
        let most = lz4_flex::block::get_maximum_output_size(shuffled.len());
        out.resize(start + 4 + most, 0);
        let packed =
            lz4_flex::block::compress_into(shuffled, &mut out[start + 4..]).unwrap_or(most);
        // What gets no smaller is stored, which its length tells.
        let length = match packed < block.len() {
            true => packed,
            false => {
                out[start + 4..][..block.len()].copy_from_slice(shuffled);
                block.len()
            }
        };
        out[start..][..4].copy_from_slice(&(length as u32).to_le_bytes());
        out.truncate(start + 4 + length);
    }
    if out.len() >= HEADER + data.len() {
        out.truncate(HEADER);
        out[2] |= STORED;
        out.extend_from_slice(data);
    }
    let length = out.len() as u32;
    out[12..HEADER].copy_from_slice(&length.to_le_bytes());
    out
}
