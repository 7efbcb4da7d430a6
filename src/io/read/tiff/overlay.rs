//! A TIFF file as the decoder is to see it: the bytes of the file, and behind them directories that
//! are made here, one for each slice. So pages can be left out and put in another order, a page
//! that holds several slices becomes several, and tags that the decoder does not understand say the
//! same in other words. What lies in the file is not copied.

use super::super::error::ImageError;
use super::description::Place;
use super::directory::{Directories, Entry, tag};
use super::layout::{Geometry, PALETTE, adjoining};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

/// Tags of made directories, of slices that share a tile: rows of the slice, slices in a tile, and
/// the number of this one among them.
pub(super) const SLICE_ROWS: u16 = 65_001;
pub(super) const SLICES_PER_TILE: u16 = 65_002;
pub(super) const SLICE_OF_TILE: u16 = 65_003;

/// Tags that are copied as they are.
const COPIED: [u16; 11] = [
    tag::WIDTH,
    tag::BITS,
    tag::COMPRESSION,
    FILL_ORDER,
    tag::SAMPLES,
    tag::PLANAR,
    PREDICTOR,
    tag::TILE_WIDTH,
    tag::SAMPLE_FORMAT,
    EXTRA_SAMPLES,
    YCBCR_SUBSAMPLING,
];
const FILL_ORDER: u16 = 266;
const PREDICTOR: u16 = 317;
const EXTRA_SAMPLES: u16 = 338;
const YCBCR_SUBSAMPLING: u16 = 530;

/// Directories that stand in place of those of a file.
#[derive(Clone, Debug)]
pub(super) struct Amended {
    header: [u8; 16],
    tail: Arc<[u8]>,
}

impl Amended {
    /// Directories for these planes; `None` where the file has them already.
    ///
    /// # Errors
    /// When a plane cannot be told apart in its page.
    pub fn new(
        directories: &mut Directories,
        places: &[Place],
    ) -> Result<Option<Self>, ImageError> {
        let in_order = places.len() == directories.list.len()
            && places
                .iter()
                .enumerate()
                .all(|(slice, &place)| place == Place::page(slice));
        if in_order && !places.iter().any(|place| is_odd(directories, place.page)) {
            return Ok(None);
        }
        let mut tail = Tail {
            start: directories.file_bytes,
            little_endian: directories.little_endian,
            bytes: Vec::new(),
        };
        let mut next_at = None;
        let mut first = 0;
        for &place in places {
            let at = tail.directory(directories, place)?;
            match next_at {
                None => first = at,
                Some(next) => tail.set(next, at),
            }
            next_at = Some(tail.bytes.len() - 8);
        }
        let mut header = [0; 16];
        header[..2].copy_from_slice(if directories.little_endian {
            b"II"
        } else {
            b"MM"
        });
        header[2..4].copy_from_slice(&tail.short(43));
        header[4..6].copy_from_slice(&tail.short(8));
        header[8..].copy_from_slice(&tail.long(first));
        Ok(Some(Self {
            header,
            tail: tail.bytes.into(),
        }))
    }
}

/// Whether the decoder refuses a page, or takes it for something else than it is.
fn is_odd(directories: &mut Directories, page: usize) -> bool {
    let photometric = directories.first(page, tag::PHOTOMETRIC);
    let geometry = Geometry::of(directories, page);
    // White is zero inverts what is shown, and a palette paints it; ids count as they are stored.
    photometric.is_none_or(|photometric| matches!(photometric, 0 | PALETTE))
        || geometry.depth > 1
        || lacks_bytes(directories, page, &geometry)
}

/// Whether the sizes of strips are missing that follow from their rows.
fn lacks_bytes(directories: &mut Directories, page: usize, geometry: &Geometry) -> bool {
    if geometry.is_tiled || geometry.compression != 1 {
        return false;
    }
    let count = |tag| {
        directories
            .list
            .get(page)?
            .entry(tag)
            .map(|entry| entry.count)
    };
    let (offsets, bytes) = (count(tag::STRIP_OFFSETS), count(tag::STRIP_BYTES));
    offsets.is_some()
        && (offsets != bytes || directories.numbers(page, tag::STRIP_BYTES).contains(&0))
}

/// The made directories, on their way.
struct Tail {
    start: u64,
    little_endian: bool,
    bytes: Vec<u8>,
}

impl Tail {
    fn short(&self, number: u16) -> [u8; 2] {
        match self.little_endian {
            true => number.to_le_bytes(),
            false => number.to_be_bytes(),
        }
    }

    fn long(&self, number: u64) -> [u8; 8] {
        match self.little_endian {
            true => number.to_le_bytes(),
            false => number.to_be_bytes(),
        }
    }

    fn set(&mut self, at: usize, number: u64) {
        let bytes = self.long(number);
        self.bytes[at..at + 8].copy_from_slice(&bytes);
    }

    /// An entry of numbers; several are appended to the tail.
    fn numbers(&mut self, tag: u16, numbers: &[u64]) -> Entry {
        let field = match numbers {
            [only] => self.long(*only),
            _ => {
                let at = self.start + self.bytes.len() as u64;
                for &number in numbers {
                    let bytes = self.long(number);
                    self.bytes.extend(bytes);
                }
                self.long(at)
            }
        };
        Entry {
            tag,
            kind: 16,
            count: numbers.len() as u64,
            field,
        }
    }

    /// An entry as it is in a large file, where 8 bytes of values lie in it.
    fn copied(&mut self, directories: &mut Directories, entry: &Entry) -> Option<Entry> {
        let mut field = [0; 8];
        match directories.place(entry) {
            Some(at) if entry.bytes()? > 8 => field = self.long(at),
            _ => {
                let values = directories.raw(entry, 8)?;
                field[..values.len()].copy_from_slice(&values);
            }
        }
        Some(Entry { field, ..*entry })
    }

    /// Appends the directory of a plane; returns where it starts. Its last 8 bytes lead to the next
    /// one.
    fn directory(
        &mut self,
        directories: &mut Directories,
        place: Place,
    ) -> Result<u64, ImageError> {
        let page = place.page;
        let geometry = Geometry::of(directories, page);
        let damaged = || {
            ImageError::Corrupt(
                "the tags of its pages cannot be read; the file is damaged".to_owned(),
            )
        };
        let mut entries = Vec::new();
        for entry in directories
            .list
            .get(page)
            .ok_or_else(damaged)?
            .entries
            .clone()
        {
            if COPIED.contains(&entry.tag) {
                entries.push(self.copied(directories, &entry).ok_or_else(damaged)?);
            }
        }
        let photometric = match directories.first(page, tag::PHOTOMETRIC) {
            None if geometry.samples >= 3 => 2,
            None | Some(0 | PALETTE) => 1,
            Some(other) => other,
        };
        entries.push(self.numbers(tag::PHOTOMETRIC, &[photometric]));
        let chunks = match geometry.is_tiled {
            true => self.tiles(directories, place, &geometry),
            false => self.strips(directories, place, &geometry),
        };
        entries.extend(chunks?);
        entries.sort_by_key(|entry| entry.tag);
        entries.dedup_by_key(|entry| entry.tag);
        let at = self.start + self.bytes.len() as u64;
        let count = self.long(entries.len() as u64);
        self.bytes.extend(count);
        for entry in entries {
            let (tag, kind, count) = (
                self.short(entry.tag),
                self.short(entry.kind),
                self.long(entry.count),
            );
            self.bytes.extend(tag);
            self.bytes.extend(kind);
            self.bytes.extend(count);
            self.bytes.extend(entry.field);
        }
        self.bytes.extend([0; 8]);
        Ok(at)
    }

    fn strips(
        &mut self,
        directories: &mut Directories,
        place: Place,
        geometry: &Geometry,
    ) -> Result<Vec<Entry>, ImageError> {
        let page = place.page;
        let rows = geometry.rows;
        let length = self.numbers(tag::LENGTH, &[rows]);
        let one_piece = |tail: &mut Self, offset: u64, bytes: u64| {
            vec![
                length,
                tail.numbers(tag::ROWS_PER_STRIP, &[rows]),
                tail.numbers(tag::STRIP_OFFSETS, &[offset]),
                tail.numbers(tag::STRIP_BYTES, &[bytes]),
            ]
        };
        let offsets = directories.numbers(page, tag::STRIP_OFFSETS);
        let bytes = directories.numbers(page, tag::STRIP_BYTES);
        let per_strip = directories
            .first(page, tag::ROWS_PER_STRIP)
            .unwrap_or(rows)
            .clamp(1, rows.max(1));
        let planes = match directories.first(page, tag::PLANAR) {
            Some(2) => geometry.samples,
            _ => 1,
        };
        let strips = rows.div_ceil(per_strip).saturating_mul(planes);
        let has_own_strips = strips.checked_mul(geometry.depth) == Some(offsets.len() as u64);
        if place.plane > 0 && !(geometry.depth > 1 && has_own_strips) {
            let shift = adjoining(directories, page).and_then(|adjoining| {
                let shift = adjoining.bytes.checked_mul(place.plane as u64)?;
                Some((adjoining.start.checked_add(shift)?, adjoining.bytes))
            });
            return match shift {
                Some((offset, bytes)) => Ok(one_piece(self, offset, bytes)),
                None => Err(ImageError::Unsupported(format!(
                    "page {page} holds several slices, which are read as strips of their own or in one piece without \
                     compression only; save a page per slice"
                ))),
            };
        }
        // Of a page of several slices in strips that adjoin, the first one is such a piece, too.
        if geometry.depth > 1
            && !has_own_strips
            && let Some(adjoining) = adjoining(directories, page)
        {
            return Ok(one_piece(self, adjoining.start, adjoining.bytes));
        }
        let own = match geometry.depth > 1 {
            true => (place.plane * strips as usize)..((place.plane + 1) * strips as usize),
            false => 0..offsets.len(),
        };
        let missing =
            || ImageError::Corrupt("the tags name fewer strips than the page needs".to_owned());
        let own_offsets = offsets.get(own.clone()).ok_or_else(missing)?;
        let own_bytes: Vec<u64> = match lacks_bytes(directories, page, geometry) {
            false => bytes.get(own).ok_or_else(missing)?.to_vec(),
            true => (0..own_offsets.len() as u64)
                .map(|strip| {
                    let strip = strip % rows.div_ceil(per_strip).max(1);
                    let rows = per_strip.min(rows.saturating_sub(strip.saturating_mul(per_strip)));
                    // The planes of a pixel lie apart where there are several.
                    geometry.bytes(rows).unwrap_or(u64::MAX) / planes.max(1)
                })
                .collect(),
        };
        Ok(vec![
            length,
            self.numbers(tag::ROWS_PER_STRIP, &[per_strip]),
            self.numbers(tag::STRIP_OFFSETS, own_offsets),
            self.numbers(tag::STRIP_BYTES, &own_bytes),
        ])
    }

    fn tiles(
        &mut self,
        directories: &mut Directories,
        place: Place,
        geometry: &Geometry,
    ) -> Result<Vec<Entry>, ImageError> {
        let page = place.page;
        let width = directories.first(page, tag::TILE_WIDTH).unwrap_or(1).max(1);
        let height = directories
            .first(page, tag::TILE_LENGTH)
            .unwrap_or(1)
            .max(1);
        let deep = directories.first(page, tag::TILE_DEPTH).unwrap_or(1).max(1);
        let (down, across) = (
            geometry.rows.div_ceil(height),
            geometry.columns.div_ceil(width),
        );
        let offsets = directories.numbers(page, tag::TILE_OFFSETS);
        let bytes = directories.numbers(page, tag::TILE_BYTES);
        if geometry.depth == 1 {
            return Ok(vec![
                self.numbers(tag::LENGTH, &[geometry.rows]),
                self.numbers(tag::TILE_LENGTH, &[height]),
                self.numbers(tag::TILE_OFFSETS, &offsets),
                self.numbers(tag::TILE_BYTES, &bytes),
            ]);
        }
        let damaged =
            || ImageError::Corrupt("the tags name fewer tiles than the page needs".to_owned());
        let layer = place.plane as u64 / deep;
        let tiles = down.checked_mul(across).ok_or_else(damaged)?;
        let own = layer.checked_mul(tiles).and_then(|first| {
            let end = usize::try_from(first.checked_add(tiles)?).ok()?;
            Some(usize::try_from(first).ok()?..end)
        });
        let own = own.ok_or_else(damaged)?;
        let (Some(offsets), Some(bytes)) = (offsets.get(own.clone()), bytes.get(own)) else {
            return Err(damaged());
        };
        let tall = height
            .checked_mul(deep)
            .filter(|&tall| tall <= MOST_ROWS)
            .ok_or_else(damaged)?;
        let length = tall
            .checked_mul(down)
            .filter(|&rows| rows <= MOST_ROWS)
            .ok_or_else(damaged)?;
        Ok(vec![
            self.numbers(tag::LENGTH, &[length]),
            self.numbers(tag::TILE_LENGTH, &[tall]),
            self.numbers(tag::TILE_OFFSETS, offsets),
            self.numbers(tag::TILE_BYTES, bytes),
            self.numbers(SLICE_ROWS, &[geometry.rows]),
            self.numbers(SLICES_PER_TILE, &[deep]),
            self.numbers(SLICE_OF_TILE, &[place.plane as u64 % deep]),
        ])
    }
}

/// Most rows of tiles that hold several slices.
const MOST_ROWS: u64 = 1 << 31;

/// What the decoder reads.
#[derive(Debug)]
pub(super) struct Overlay {
    file: BufReader<File>,
    /// Where the file's reader stands.
    file_at: u64,
    file_bytes: u64,
    amended: Option<Amended>,
    /// Whether the header is still to be read; later its place is that of pixels.
    in_header: bool,
    at: u64,
}

impl Overlay {
    pub fn new(file: File, file_bytes: u64, amended: Option<Amended>) -> Self {
        Self {
            file: BufReader::new(file),
            file_at: 0,
            file_bytes,
            in_header: amended.is_some(),
            amended,
            at: 0,
        }
    }

    /// Shows the bytes of the file in place of the made header.
    pub fn leave_header(&mut self) {
        self.in_header = false;
    }

    /// Whether the directories are made ones.
    pub fn is_amended(&self) -> bool {
        self.amended.is_some()
    }
}

impl Read for Overlay {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let made = self.amended.as_ref().and_then(|amended| {
            let (bytes, start): (&[u8], u64) = match self.in_header && self.at < 16 {
                true => (&amended.header, 0),
                false if self.at >= self.file_bytes => (&amended.tail, self.file_bytes),
                false => return None,
            };
            bytes.get(usize::try_from(self.at - start).ok()?..)
        });
        if let Some(made) = made {
            let count = made.len().min(out.len());
            out[..count].copy_from_slice(&made[..count]);
            self.at += count as u64;
            return Ok(count);
        }
        if self.at != self.file_at {
            match i64::try_from(i128::from(self.at) - i128::from(self.file_at)) {
                Ok(step) => self.file.seek_relative(step)?,
                Err(_) => self.file.seek(SeekFrom::Start(self.at)).map(|_| ())?,
            }
            self.file_at = self.at;
        }
        let count = self.file.read(out)?;
        self.file_at += count as u64;
        self.at = self.file_at;
        Ok(count)
    }
}

impl Seek for Overlay {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length = self.file_bytes
            + self
                .amended
                .as_ref()
                .map_or(0, |amended| amended.tail.len() as u64);
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(step) => self.at.checked_add_signed(step),
            SeekFrom::End(step) => length.checked_add_signed(step),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
