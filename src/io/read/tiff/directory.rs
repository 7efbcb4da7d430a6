//! The directories of a TIFF file as they lie there, whatever they say, one for each page or for
//! several slices. Of a file only the places of its directories are kept: each is read when it is
//! asked for, so that a stack of a million pages costs no more than their places.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::ops::Range;
use std::sync::Arc;

use super::super::error::ImageError;

/// Tags that are looked at.
pub(super) mod tag {
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    pub const SUBFILE_TYPE: u16 = 255;
    pub const WIDTH: u16 = 256;
    pub const LENGTH: u16 = 257;
    pub const BITS: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const DESCRIPTION: u16 = 270;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const SAMPLES: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTES: u16 = 279;
    pub const X_RESOLUTION: u16 = 282;
    pub const Y_RESOLUTION: u16 = 283;
    pub const PLANAR: u16 = 284;
    pub const PREDICTOR: u16 = 317;
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

/// A tag of a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub tag: u16,
    pub kind: u16,
    pub count: u64,
    /// The value, or where it lies, as the file has it; 4 bytes of it in classic files.
    field: [u8; 8],
}

impl Entry {
    /// Bytes of one value; `None` for an unknown type.
    fn value_bytes(&self) -> Option<u64> {
        Some(match self.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 | 17 | 18 => 8,
            _ => return None,
        })
    }

    /// Bytes of one value, where values are whole numbers from 0 on.
    fn number_bytes(&self) -> Option<u64> {
        let is_number = matches!(self.kind, 1 | 3 | 4 | 13 | 16 | 18);
        self.value_bytes().filter(|_| is_number)
    }

    /// Bytes of all values.
    fn bytes(&self) -> Option<u64> {
        self.value_bytes()?.checked_mul(self.count)
    }
}

/// How a file writes numbers, and where its directories are.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// Length of the file.
    pub file_bytes: u64,
    /// Whether the first byte of a number is its lowest.
    pub little_endian: bool,
    big: bool,
    places: Arc<[u64]>,
}

/// A file whose directories are read.
#[derive(Debug)]
pub(super) struct Directories {
    file: BufReader<File>,
    /// Where the file's reader stands.
    at: u64,
    chain: Chain,
    /// The directory that was read last, and its number.
    last: Option<(usize, Vec<Entry>)>,
    /// Bytes that may still be read: tags that share their values could ask for any number of them.
    left: u64,
}

/// How many times the bytes of a file may be read to find out what is in it.
const MOST_TIMES: u64 = 64;

/// The error of a file that is no TIFF, or none any more.
pub(super) fn damaged(what: impl std::fmt::Display) -> ImageError {
    ImageError::Corrupt(format!("damaged, or no valid TIFF: {what}"))
}

fn cut_short() -> ImageError {
    ImageError::from_decoder_io(std::io::ErrorKind::UnexpectedEof.into())
}

impl Directories {
    /// Goes through the directories of a file of this length.
    ///
    /// # Errors
    /// When it is no TIFF, ends before a directory does, or one leads back to another.
    pub fn read(file: File, file_bytes: u64) -> Result<Self, ImageError> {
        let chain = Chain {
            file_bytes,
            little_endian: true,
            big: false,
            places: Arc::default(),
        };
        let mut found = Self::of(file, chain);
        found.left = MOST_TIMES.saturating_mul(file_bytes.saturating_add(1 << 16));
        let mut next = found.header()?;
        let (mut places, mut bytes) = (Vec::new(), 0u64);
        while next != 0 {
            let (entries, length) = found.extent(next)?;
            // Those of a sound file do not overlap; a circle comes to more than the file, too.
            bytes = bytes
                .checked_add(length)
                .filter(|&bytes| bytes <= file_bytes)
                .ok_or_else(|| damaged("its directories overlap, or lead in a circle"))?;
            places.push(next);
            next = found.number_at(entries.end, found.next_bytes())?;
        }
        if places.is_empty() {
            return Err(damaged("it has no page"));
        }
        found.chain.places = places.into();
        Ok(found)
    }

    /// The directories of a file that were gone through before.
    pub fn of(file: File, chain: Chain) -> Self {
        Self {
            file: BufReader::new(file),
            at: 0,
            chain,
            last: None,
            left: u64::MAX,
        }
    }

    /// What another reader of the file needs to know.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Number of directories.
    pub fn count(&self) -> usize {
        self.chain.places.len()
    }

    /// Reads how the file writes numbers; returns where its first directory is.
    fn header(&mut self) -> Result<u64, ImageError> {
        let mut head = [0; 4];
        self.fill(0, &mut head)?;
        self.chain.little_endian = head.starts_with(b"II");
        let is_known = self.chain.little_endian || head.starts_with(b"MM");
        match (is_known, self.number(&head[2..])) {
            (true, 42) => self.number_at(4, 4),
            // Places of 8 bytes, and nothing else.
            (true, 43) if self.number_at(4, 2)? == 8 && self.number_at(6, 2)? == 0 => {
                self.chain.big = true;
                self.number_at(8, 8)
            }
            _ => Err(damaged("it does not start as one")),
        }
    }

    fn entry_bytes(&self) -> u64 {
        if self.chain.big { 20 } else { 12 }
    }

    fn next_bytes(&self) -> u64 {
        if self.chain.big { 8 } else { 4 }
    }

    /// Where the entries of a directory are, and its length in bytes.
    fn extent(&mut self, at: u64) -> Result<(Range<u64>, u64), ImageError> {
        let count_bytes = if self.chain.big { 8 } else { 2 };
        let count = self.number_at(at, count_bytes)?;
        let start = at + count_bytes;
        let length = count.checked_mul(self.entry_bytes());
        let end = length.and_then(|length| start.checked_add(length));
        let whole = end.and_then(|end| end.checked_add(self.next_bytes()));
        match (end, whole) {
            (Some(end), Some(whole)) if whole <= self.chain.file_bytes => {
                Ok((start..end, whole - at))
            }
            _ => Err(cut_short()),
        }
    }

    /// The entries of a page.
    fn entries(&mut self, page: usize) -> Result<&[Entry], ImageError> {
        if self.last.as_ref().is_none_or(|(last, _)| *last != page) {
            self.last = None;
            let place = self.chain.places.get(page).copied();
            let place = place.ok_or_else(|| damaged(format_args!("it has no page {page}")))?;
            let (extent, _) = self.extent(place)?;
            let bytes = self.bytes_at(extent.start, extent.end - extent.start)?;
            let (count, value) = match self.chain.big {
                true => (4..12, 12..20),
                false => (4..8, 8..12),
            };
            let entries = bytes
                .chunks_exact(self.entry_bytes() as usize)
                .map(|bytes| {
                    let mut field = [0; 8];
                    field[..value.len()].copy_from_slice(&bytes[value.clone()]);
                    Entry {
                        tag: self.number(&bytes[0..2]) as u16,
                        kind: self.number(&bytes[2..4]) as u16,
                        count: self.number(&bytes[count.clone()]),
                        field,
                    }
                });
            self.last = Some((page, entries.collect()));
        }
        Ok(self.last.as_ref().map_or(&[], |(_, entries)| entries))
    }

    /// A tag of a page.
    pub fn entry(&mut self, page: usize, tag: u16) -> Option<Entry> {
        let entries = self.entries(page).ok()?;
        entries.iter().find(|entry| entry.tag == tag).copied()
    }

    /// The number that some bytes are in the file's order.
    fn number(&self, bytes: &[u8]) -> u64 {
        let add = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        match self.chain.little_endian {
            true => bytes.iter().rev().fold(0, add),
            false => bytes.iter().fold(0, add),
        }
    }

    /// The number of up to 8 bytes that lies somewhere.
    fn number_at(&mut self, at: u64, length: u64) -> Result<u64, ImageError> {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..length as usize];
        self.fill(at, bytes)?;
        Ok(self.number(bytes))
    }

    /// Bytes of the file. Nothing is allocated for what it does not hold.
    fn bytes_at(&mut self, at: u64, length: u64) -> Result<Vec<u8>, ImageError> {
        let end = at.checked_add(length);
        let is_there = end.is_some_and(|end| end <= self.chain.file_bytes);
        let length = usize::try_from(length).ok().filter(|_| is_there);
        let mut bytes = vec![0; length.ok_or_else(cut_short)?];
        self.fill(at, &mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, at: u64, bytes: &mut [u8]) -> Result<(), ImageError> {
        let end = at.checked_add(bytes.len() as u64);
        let Some(end) = end.filter(|&end| end <= self.chain.file_bytes) else {
            return Err(cut_short());
        };
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| damaged("its tags share their values"))?;
        // Both lie in the file, whose length is a signed number.
        let step = at.wrapping_sub(self.at).cast_signed();
        let read = self
            .file
            .seek_relative(step)
            .and_then(|()| self.file.read_exact(bytes));
        self.at = end;
        read.map_err(|error| {
            self.at = self.file.stream_position().unwrap_or_default();
            ImageError::from_decoder_io(error)
        })
    }

    /// Where the values of an entry lie, unless in the entry itself.
    fn place(&self, entry: &Entry) -> Option<u64> {
        let own = if self.chain.big { 8 } else { 4 };
        let outside = entry.bytes()? > own;
        outside.then(|| self.number(&entry.field[..own as usize]))
    }

    /// The first bytes of an entry's values, `most` of them.
    fn raw(&mut self, entry: &Entry, most: u64) -> Option<Vec<u8>> {
        let length = entry.bytes()?.min(most);
        match self.place(entry) {
            Some(at) => self.bytes_at(at, length).ok(),
            None => Some(entry.field[..length as usize].to_vec()),
        }
    }

    /// Some of the whole numbers of an entry.
    ///
    /// # Errors
    /// When it has others, or fewer, or the file ends before them.
    pub fn values(&mut self, entry: &Entry, which: Range<u64>) -> Result<Vec<u64>, ImageError> {
        let size = entry.number_bytes();
        let size =
            size.ok_or_else(|| damaged(format_args!("its tag {} is no number", entry.tag)))?;
        if which.end > entry.count || which.start > which.end {
            let (tag, count) = (entry.tag, entry.count);
            return Err(damaged(format_args!(
                "its tag {tag} has {count} values only"
            )));
        }
        let bytes = match (self.place(entry), entry.bytes()) {
            (_, None) => return Err(cut_short()),
            (Some(at), _) => {
                let first = at.checked_add(which.start * size).ok_or_else(cut_short)?;
                self.bytes_at(first, (which.end - which.start) * size)?
            }
            (None, _) => {
                let inside = (which.start * size) as usize..(which.end * size) as usize;
                entry.field[inside].to_vec()
            }
        };
        let values = bytes.chunks_exact(size as usize);
        Ok(values.map(|bytes| self.number(bytes)).collect())
    }

    /// The only whole number of a tag; `None` where it is absent.
    ///
    /// # Errors
    /// When it has several, or is no number.
    pub fn scalar(&mut self, page: usize, tag: u16) -> Result<Option<u64>, ImageError> {
        let Some(entry) = self.entry(page, tag) else {
            return Ok(None);
        };
        if entry.count != 1 {
            let count = entry.count;
            let what = format_args!("its tag {tag} has {count} values, where one is meant");
            return Err(damaged(what));
        }
        Ok(self.values(&entry, 0..1)?.first().copied())
    }

    /// The whole numbers of a tag; none where it is absent, of another type or damaged.
    pub fn numbers(&mut self, page: usize, tag: u16) -> Vec<u64> {
        let entry = self.entry(page, tag);
        let values = entry.map(|entry| self.values(&entry, 0..entry.count));
        values.and_then(Result::ok).unwrap_or_default()
    }

    /// The first whole number of a tag.
    pub fn first(&mut self, page: usize, tag: u16) -> Option<u64> {
        let entry = self.entry(page, tag)?;
        self.values(&entry, 0..1).ok()?.first().copied()
    }

    /// The ratio of a tag, where it is above 0.
    pub fn ratio(&mut self, page: usize, tag: u16) -> Option<f64> {
        let entry = self.entry(page, tag)?;
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
        let entry = self.entry(page, tag::DESCRIPTION);
        let Some(entry) = entry.filter(|entry| matches!(entry.kind, 1 | 2 | 7)) else {
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
