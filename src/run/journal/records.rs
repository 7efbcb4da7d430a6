//! The form of a journal's file: how its records are told from what a killed run left half written.

use super::{Checkpoint, Inner, Item};
use std::fs::File;
use std::io::{self, BufReader, Read};

/// The first bytes of the file. The number changes with the form of the records.
pub(super) const MAGIC: &[u8] = b"simexm-gpu journal 1\n";

/// What a record holds.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    Header = 1,
    Image,
    Truth,
    Checkpoint,
    Published,
    Tiles,
}

/// What precedes the bytes of a record: checksum (of all that follows it), kind, two numbers,
/// length.
pub(super) type RecordHead = [u8; 24];

/// Where a record's bytes lie, and their checksum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub at: u64,
    pub bytes: usize,
    pub head: RecordHead,
}

impl Inner {
    /// Reads all records up to the last mark; what follows is to be overwritten. Returns the
    /// header.
    pub(super) fn scan(&mut self, file: &File) -> io::Result<Option<Vec<u8>>> {
        let length = file.metadata()?.len();
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let mut magic = vec![0; MAGIC.len()];
        if length < MAGIC.len() as u64 || reader.read_exact(&mut magic).is_err() || magic != MAGIC {
            return Ok(None);
        }
        self.end = MAGIC.len() as u64;
        let mut header = None;
        let (mut places, mut tiles) = (Vec::new(), None);
        while let Some((place, bytes)) = next_record(&mut reader, self.end, length)? {
            self.end = place.at + place.bytes as u64;
            let word = |at: usize| {
                u32::from_le_bytes(place.head[at..at + 4].try_into().unwrap_or_default())
            };
            let (kind, first, second) = (word(4), word(8), word(12));
            if header.is_none() {
                // It is the first record, and there is one.
                if kind != Kind::Header as u32 {
                    return Ok(None);
                }
                header = Some(bytes);
            } else if kind == Kind::Image as u32 {
                let (channel, slice) = (first, second);
                places.push((Item::Image { channel, slice }, place));
            } else if kind == Kind::Truth as u32 {
                let (volume, slice) = (first, second);
                places.push((Item::Truth { volume, slice }, place));
            } else if kind == Kind::Tiles as u32 {
                tiles = Some(first as usize);
                places.clear();
            } else if kind == Kind::Checkpoint as u32 {
                if let Some(tiles) = tiles.take() {
                    self.tiles = tiles;
                    self.places.clear();
                }
                let maxima = bytes.as_chunks().0.iter();
                self.mark = Checkpoint {
                    truths: first as usize,
                    images: second as usize,
                    maxima: maxima.map(|&word| u32::from_le_bytes(word)).collect(),
                };
                self.places.extend(places.drain(..));
                self.marked_end = self.end;
            } else if kind == Kind::Published as u32 {
                self.published = bytes;
                self.marked_end = self.end;
            }
        }
        self.end = self.marked_end.max(MAGIC.len() as u64);
        Ok(header)
    }
}

/// The next record of a file of this length; none at its end, and where a record is damaged.
fn next_record(
    reader: &mut impl Read,
    at: u64,
    length: u64,
) -> io::Result<Option<(Place, Vec<u8>)>> {
    let mut head: RecordHead = [0; 24];
    let start = at + head.len() as u64;
    if start > length {
        return Ok(None);
    }
    reader.read_exact(&mut head)?;
    let bytes = u64::from_le_bytes(head[16..].try_into().unwrap_or_default());
    if bytes > length - start {
        return Ok(None);
    }
    // Slices are looked at, all else is small and kept.
    let kind = &head[4..8];
    let keep = [Kind::Image, Kind::Truth]
        .into_iter()
        .all(|slice| kind != (slice as u32).to_le_bytes());
    let (mut hasher, mut kept) = (hasher(&head), Vec::new());
    let mut rest = bytes as usize;
    let mut piece = vec![0; rest.min(1 << 18)];
    while rest > 0 {
        let piece = &mut piece[..rest.min(1 << 18)];
        reader.read_exact(piece)?;
        hasher.update(piece);
        if keep {
            kept.extend_from_slice(piece);
        }
        rest -= piece.len();
    }
    let place = Place {
        at: start,
        bytes: bytes as usize,
        head,
    };
    let whole = hasher.finalize().to_le_bytes() == head[..4];
    Ok(whole.then_some((place, kept)))
}

/// Of a record's head but for the place of the checksum itself.
fn hasher(head: &RecordHead) -> crc32fast::Hasher {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&head[4..]);
    hasher
}

/// CRC-32 of a record.
pub(super) fn checksum(head: &RecordHead, bytes: &[u8]) -> [u8; 4] {
    let mut hasher = hasher(head);
    hasher.update(bytes);
    hasher.finalize().to_le_bytes()
}
