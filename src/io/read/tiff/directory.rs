//! The directories of a TIFF file as they lie there, whatever they say: the decoder refuses files
//! of which a single page is odd, and tells nothing of pages that hold several slices.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

/// Tags that are looked at.
pub(super) mod tag {
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    pub const SUBFILE_TYPE: u16 = 255;
    pub const WIDTH: u16 = 256;
    pub const LENGTH: u16 = 257;
    pub const BITS: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const DESCRIPTION: u16 = 270;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const SAMPLES: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTES: u16 = 279;
    pub const X_RESOLUTION: u16 = 282;
    pub const Y_RESOLUTION: u16 = 283;
    pub const PLANAR: u16 = 284;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_LENGTH: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_BYTES: u16 = 325;
    pub const SAMPLE_FORMAT: u16 = 339;
    /// Slices in a page, from SGI's volumes.
    pub const IMAGE_DEPTH: u16 = 32997;
    /// Slices in a tile, from SGI's volumes.
    pub const TILE_DEPTH: u16 = 32998;
    /// MetaMorph's table of planes: its count is their number.
    pub const UIC2: u16 = 33629;
}

/// Most entries of all directories together; more are not looked at.
const MOST_ENTRIES: usize = 1 << 26;

/// A tag of a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub tag: u16,
    pub kind: u16,
    pub count: u64,
    /// The value, or where it lies, as the file has it; 4 bytes of it in classic files.
    pub field: [u8; 8],
}

impl Entry {
    /// Bytes of one value; `None` for an unknown type.
    pub fn value_bytes(&self) -> Option<u64> {
        Some(match self.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 | 17 | 18 => 8,
            _ => return None,
        })
    }

    /// Bytes of all values.
    pub fn bytes(&self) -> Option<u64> {
        self.value_bytes()?.checked_mul(self.count)
    }
}

/// One page of a file, or several slices.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub entries: Vec<Entry>,
}

impl Directory {
    pub fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}

/// All directories of a file, and how it writes numbers.
#[derive(Debug)]
pub(super) struct Directories {
    file: BufReader<File>,
    pub file_bytes: u64,
    big: bool,
    pub little_endian: bool,
    pub list: Vec<Directory>,
}

impl Directories {
    /// Reads them; `None` where the file is damaged, of which the decoder tells more.
    pub fn read(file: File, file_bytes: u64) -> Option<Self> {
        let mut found = Self {
            file: BufReader::new(file),
            file_bytes,
            big: false,
            little_endian: true,
            list: Vec::new(),
        };
        let head: [u8; 8] = found.take(0)?;
        found.little_endian = head.starts_with(b"II");
        found.big = found.number(&head[2..4]) == 43;
        let mut next = match found.big {
            true => {
                let at: [u8; 8] = found.take(8)?;
                found.number(&at)
            }
            false => found.number(&head[4..8]),
        };
        let (mut seen, mut entries) = (std::collections::HashSet::new(), 0);
        while next != 0 {
            if !seen.insert(next) {
                return None;
            }
            let (directory, following) = found.directory(next)?;
            entries += directory.entries.len();
            if entries > MOST_ENTRIES {
                return None;
            }
            found.list.push(directory);
            next = following;
        }
        (!found.list.is_empty()).then_some(found)
    }

    fn directory(&mut self, at: u64) -> Option<(Directory, u64)> {
        let count_bytes = if self.big { 8 } else { 2 };
        let entry_bytes = if self.big { 20 } else { 12 };
        let next_bytes = if self.big { 8 } else { 4 };
        let count = self.bytes_at(at, count_bytes)?;
        let count = self.number(&count);
        let start = at.checked_add(count_bytes)?;
        let length = count.checked_mul(entry_bytes)?;
        let bytes = self.bytes_at(start, length)?;
        let entries = bytes.chunks_exact(entry_bytes as usize).map(|bytes| {
            let (count, value) = if self.big {
                (4..12, 12..20)
            } else {
                (4..8, 8..12)
            };
            let mut field = [0; 8];
            field[..value.len()].copy_from_slice(&bytes[value]);
            Entry {
                tag: self.number(&bytes[0..2]) as u16,
                kind: self.number(&bytes[2..4]) as u16,
                count: self.number(&bytes[count]),
                field,
            }
        });
        let entries = entries.collect();
        let next = self.bytes_at(start.checked_add(length)?, next_bytes)?;
        Some((Directory { entries }, self.number(&next)))
    }

    /// The number that some bytes are in the file's order.
    fn number(&self, bytes: &[u8]) -> u64 {
        let add = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        match self.little_endian {
            true => bytes.iter().rev().fold(0, add),
            false => bytes.iter().fold(0, add),
        }
    }

    fn take<const N: usize>(&mut self, at: u64) -> Option<[u8; N]> {
        self.bytes_at(at, N as u64)?.try_into().ok()
    }

    /// Bytes of the file; `None` where it ends before.
    fn bytes_at(&mut self, at: u64, length: u64) -> Option<Vec<u8>> {
        if at.checked_add(length)? > self.file_bytes {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        let now = self.file.stream_position().ok()?;
        match i64::try_from(i128::from(at) - i128::from(now)) {
            Ok(step) => self.file.seek_relative(step).ok()?,
            Err(_) => self.file.seek(SeekFrom::Start(at)).map(|_| ()).ok()?,
        }
        self.file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Where the values of an entry lie, unless in the entry itself.
    pub fn place(&self, entry: &Entry) -> Option<u64> {
        let own = if self.big { 8 } else { 4 };
        let outside = entry.bytes()? > own;
        outside.then(|| self.number(&entry.field[..own as usize]))
    }

    /// The first bytes of an entry's values, `most` of them.
    pub fn raw(&mut self, entry: &Entry, most: u64) -> Option<Vec<u8>> {
        let length = entry.bytes()?.min(most);
        match self.place(entry) {
            Some(at) => self.bytes_at(at, length),
            None => Some(entry.field[..length as usize].to_vec()),
        }
    }

    /// The whole numbers of a tag; none where it is absent, of another type or damaged.
    pub fn numbers(&mut self, page: usize, tag: u16) -> Vec<u64> {
        let Some(entry) = self
            .list
            .get(page)
            .and_then(|page| page.entry(tag))
            .copied()
        else {
            return Vec::new();
        };
        let (true, Some(size)) = (
            matches!(entry.kind, 1 | 3 | 4 | 13 | 16 | 18),
            entry.value_bytes(),
        ) else {
            return Vec::new();
        };
        let bytes = self.raw(&entry, u64::MAX).unwrap_or_default();
        let values = bytes.chunks_exact(size as usize);
        values.map(|bytes| self.number(bytes)).collect()
    }

    /// The first whole number of a tag.
    pub fn first(&mut self, page: usize, tag: u16) -> Option<u64> {
        self.numbers(page, tag).first().copied()
    }

    /// The ratio of a tag, where it is above 0.
    pub fn ratio(&mut self, page: usize, tag: u16) -> Option<f64> {
        let entry = *self.list.get(page)?.entry(tag)?;
        let bytes = self.raw(&entry, 8).filter(|bytes| bytes.len() == 8)?;
        let (over, under) = (
            self.number(&bytes[..4]) as f64,
            self.number(&bytes[4..]) as f64,
        );
        let ratio = over / under;
        (entry.kind == 5 && ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }

    /// The description of a page; what is no Unicode in it is replaced, since ImageJ has written
    /// Latin-1.
    pub fn description(&mut self, page: usize, most: u64) -> String {
        let entry = self
            .list
            .get(page)
            .and_then(|page| page.entry(tag::DESCRIPTION));
        let Some(entry) = entry
            .copied()
            .filter(|entry| matches!(entry.kind, 1 | 2 | 7))
        else {
            return String::new();
        };
        let mut bytes = self.raw(&entry, most).unwrap_or_default();
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => error
                .into_bytes()
                .iter()
                .map(|&byte| char::from(byte))
                .collect(),
        }
    }
}
