//! BMP images as ids, row by row: the indices of a palette, or colours where these are ids.
//! Sources: the structures BITMAPFILEHEADER and BITMAPV5HEADER, and "Bitmap Compression", of
//! Microsoft's documentation of Windows GDI.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::error::ImageError;
use super::folder::{DECODER_BYTES, ImageKind, Look};
use super::raster::{damaged, open};
use super::samples::{SampleKind, SampleType};
use crate::base::formats::StoredIds;

/// BMPs of a palette, of which the indices are the ids; of colours where these are.
pub(super) static IMAGE: ImageKind = ImageKind {
    name: "BMP",
    extensions: &["bmp"],
    recognises: |head| head.starts_with(b"BM"),
    look: |path, stored| {
        let bitmap = Bitmap::open(path, stored)?;
        let row = match bitmap.pixels {
            Pixels::Runs { .. } => bitmap.columns as u64,
            _ => bitmap.stride(),
        };
        let bits = match bitmap.pixels {
            Pixels::Indices { bits } => bits.max(8),
            _ => 24,
        };
        Ok(Look {
            is_palette: bitmap.is_palette,
            working_bytes: row.saturating_add(DECODER_BYTES),
            ..Look::plain([bitmap.rows, bitmap.columns], bits)
        })
    },
    read: |path, crop, mut out, scratch| {
        let mut bitmap = Bitmap::open(path, crop.stored)?;
        crop.check([bitmap.rows, bitmap.columns])?;
        let mut runs = Runs::default();
        // The lowest row comes first, unless the header says otherwise.
        let rows = 0..crop.x.len();
        let rows: Box<dyn Iterator<Item = usize>> = match bitmap.is_top_down {
            true => Box::new(rows),
            false => Box::new(rows.rev()),
        };
        for row in rows {
            let (x, to) = (crop.x.start + row, row * crop.y.len());
            let out = out.part(to..to + crop.y.len());
            let stored = match bitmap.is_top_down {
                true => x,
                false => bitmap.rows - 1 - x,
            };
            let (bits, first) = match bitmap.pixels {
                Pixels::Indices { bits } => {
                    bitmap.row(stored, scratch)?;
                    (bits, crop.y.start)
                }
                Pixels::Runs { bits } => {
                    runs.row(&mut bitmap, bits, stored, &crop.y, scratch)?;
                    (8, 0)
                }
                Pixels::Colours { bytes, order } => {
                    bitmap.row(stored, scratch)?;
                    let pixels = scratch.chunks_exact_mut(bytes).map(|pixel| {
                        let [red, green, blue] = order.map(|at| pixel[at]);
                        pixel[..3].copy_from_slice(&[red, green, blue]);
                        &*pixel
                    });
                    let pixels = pixels.skip(crop.y.start);
                    crop.background.colours(crop.stored, pixels, out);
                    continue;
                }
            };
            let samples = SampleType {
                bits,
                kind: SampleKind::Unsigned,
            };
            let at = (x, crop.y.start);
            samples.ids(scratch, first, out, at, crop.y.len(), crop.background)?;
        }
        Ok(())
    },
};

/// How pixels are stored.
#[derive(Clone, Copy)]
enum Pixels {
    /// Indices of so many bits, the first of a byte in its highest.
    Indices { bits: u8 },
    /// Runs of indices of so many bits.
    Runs { bits: u8 },
    /// So many bytes, among which red, green and blue are the ones at these places.
    Colours { bytes: usize, order: [usize; 3] },
}

/// An open BMP that holds ids.
struct Bitmap {
    file: BufReader<File>,
    rows: usize,
    columns: usize,
    is_top_down: bool,
    pixels: Pixels,
    /// Whether ids are the indices of a palette that is not black to white.
    is_palette: bool,
    /// Place of the first pixel.
    start: u64,
}

fn word(header: &[u8], at: usize) -> u32 {
    let bytes = header.get(at..at + 4).and_then(<[u8]>::first_chunk);
    u32::from_le_bytes(bytes.copied().unwrap_or_default())
}

/// Bytes before the bitmap's own header.
const FILE_HEADER: u64 = 14;

/// Longest header of a bitmap, version 5.
const LONGEST_HEADER: usize = 124;

impl Bitmap {
    fn open(path: &Path, stored: StoredIds) -> Result<Self, ImageError> {
        let bmp = |what: &str| damaged("BMP", what);
        let (mut file, file_bytes) = open(path)?;
        let decoder_io = ImageError::from_decoder_io;
        let mut head = [0; FILE_HEADER as usize + 4];
        file.read_exact(&mut head).map_err(decoder_io)?;
        if !head.starts_with(b"BM") {
            return Err(bmp("it does not start as one"));
        }
        let start = u64::from(word(&head, 10));
        let length = word(&head, 14) as usize;
        if !matches!(length, 12 | 40 | 52 | 56 | 64 | 108 | 124) {
            return Err(bmp(&format!("a header of {length} bytes")));
        }
        // The length is a part of it. What is not there counts as 0.
        let mut header = [0; LONGEST_HEADER];
        file.read_exact(&mut header[4..length])
            .map_err(decoder_io)?;
        let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let is_old = length == 12;
        let (columns, rows, bits) = match is_old {
            true => (i64::from(half(4)), i64::from(half(6)), half(10)),
            false => {
                let signed = |at| i64::from(word(&header, at).cast_signed());
                (signed(4), signed(8), half(14))
            }
        };
        if columns <= 0 || rows == 0 {
            return Err(bmp(&format!("{rows} x {columns} pixels cannot be right")));
        }
        let compression = word(&header, 16);
        let is_top_down = rows < 0;
        let number = stored == StoredIds::Number;
        let pixels = match (bits, compression) {
            (1 | 2 | 4 | 8, 0) => Pixels::Indices { bits: bits as u8 },
            (8, 1) | (4, 2) if is_top_down => return Err(bmp("runs from the top down")),
            (8, 1) | (4, 2) => Pixels::Runs { bits: bits as u8 },
            (16 | 24 | 32, 0 | 3 | 6) if number => {
                return Err(ImageError::NotIds("RGB colours".to_owned()));
            }
            (24, 0) => colours(3, [2, 1, 0]),
            (32, 0) => colours(4, [2, 1, 0]),
            (32, 3 | 6) => {
                // The masks of the three colours lie in the header, or behind a short one.
                if length == 40 {
                    file.read_exact(&mut header[40..52]).map_err(decoder_io)?;
                }
                let masks = [40, 44, 48].map(|at| word(&header, at));
                let place = |mask| (0..4).find(|byte| 0xff_u32 << (8 * byte) == mask);
                match masks.map(place) {
                    [Some(red), Some(green), Some(blue)] => colours(4, [red, green, blue]),
                    _ => return Err(unsupported("colours of other than 8 bits")),
                }
            }
            (16, 0 | 3 | 6) => return Err(unsupported("colours of other than 8 bits")),
            (_, 4 | 5) => return Err(unsupported("a JPEG or PNG inside")),
            _ => {
                let what = format!("{bits} bits per pixel in compression {compression}");
                return Err(unsupported(&what));
            }
        };
        let is_indexed = !matches!(pixels, Pixels::Colours { .. });
        if is_indexed && !number {
            return Err(ImageError::NoColours(stored));
        }
        let is_palette = is_indexed && {
            let listed = if is_old { 0 } else { word(&header, 32) };
            let most = 1 << bits;
            let entries = if listed == 0 { most } else { listed.min(most) };
            let palette = FILE_HEADER + length as u64;
            file.seek(SeekFrom::Start(palette))
                .map_err(ImageError::Io)?;
            !is_grey(&mut file, entries as usize, if is_old { 3 } else { 4 }).map_err(decoder_io)?
        };
        let bitmap = Self {
            file,
            rows: usize::try_from(rows.unsigned_abs()).unwrap_or(usize::MAX),
            columns: usize::try_from(columns).unwrap_or(usize::MAX),
            is_top_down,
            pixels,
            is_palette,
            start,
        };
        let needed = match bitmap.pixels {
            Pixels::Runs { .. } => 1,
            _ => u128::from(bitmap.stride()) * u128::from(rows.unsigned_abs()),
        };
        let held = file_bytes.saturating_sub(start);
        if needed > held.into() {
            return Err(ImageError::Corrupt(format!(
                "{} x {} pixels cannot come from the {held} bytes that the file holds for them; it is cut short or damaged",
                bitmap.rows, bitmap.columns
            )));
        }
        Ok(bitmap)
    }

    /// Bytes of a row as it is stored, with what fills it up.
    fn stride(&self) -> u64 {
        let bits = match self.pixels {
            Pixels::Indices { bits } | Pixels::Runs { bits } => bits.into(),
            Pixels::Colours { bytes, .. } => 8 * bytes as u64,
        };
        (self.columns as u64 * bits).div_ceil(32) * 4
    }

    /// Reads a stored row.
    fn row(&mut self, stored: usize, row: &mut Vec<u8>) -> Result<(), ImageError> {
        let stride = self.stride();
        let at = self.start + stride * stored as u64;
        row.resize(stride as usize, 0);
        self.file
            .seek(SeekFrom::Start(at))
            .and_then(|_| self.file.read_exact(row))
            .map_err(ImageError::from_decoder_io)
    }
}

fn colours(bytes: usize, order: [usize; 3]) -> Pixels {
    Pixels::Colours { bytes, order }
}

fn unsupported(what: &str) -> ImageError {
    ImageError::Unsupported(format!("a BMP feature that is not read: {what}"))
}

/// Whether a palette is black to white, in steps of 1.
fn is_grey(file: &mut impl Read, entries: usize, bytes: usize) -> std::io::Result<bool> {
    let mut colour = [0; 4];
    for grey in 0..entries {
        file.read_exact(&mut colour[..bytes])?;
        if colour[..3] != [grey as u8; 3] {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where a stream of runs stands.
#[derive(Default)]
struct Runs {
    is_started: bool,
    is_over: bool,
    /// Row, from the lowest on, and column of the next pixel.
    at: [usize; 2],
}

impl Runs {
    /// Decodes columns of a row, counted from the lowest, which comes behind those that were
    /// decoded before. Pixels that are passed over are 0.
    fn row(
        &mut self,
        bitmap: &mut Bitmap,
        bits: u8,
        wanted: usize,
        columns: &Range<usize>,
        row: &mut Vec<u8>,
    ) -> Result<(), ImageError> {
        if !self.is_started {
            let start = SeekFrom::Start(bitmap.start);
            bitmap.file.seek(start).map_err(ImageError::Io)?;
            self.is_started = true;
        }
        row.clear();
        row.resize(columns.len(), 0);
        while self.at[0] <= wanted && !self.is_over {
            let is_wanted = self.at[0] == wanted;
            let column = self.at[1];
            let mut pair = [0; 2];
            let file = &mut bitmap.file;
            file.read_exact(&mut pair)
                .map_err(ImageError::from_decoder_io)?;
            let is_high = |pixel: usize| bits == 8 || pixel.is_multiple_of(2);
            let index = |byte: u8, pixel| match (bits, is_high(pixel)) {
                (8, _) => byte,
                (_, true) => byte >> 4,
                (_, false) => byte & 15,
            };
            let count = match pair {
                [0, 0] => {
                    self.at = [self.at[0] + 1, 0];
                    continue;
                }
                [0, 1] => {
                    self.is_over = true;
                    continue;
                }
                [0, 2] => {
                    file.read_exact(&mut pair)
                        .map_err(ImageError::from_decoder_io)?;
                    let [right, up] = pair.map(usize::from);
                    self.at = [self.at[0] + up, column + right];
                    continue;
                }
                [0, count] | [count, _] => usize::from(count),
            };
            let end = column + count;
            if end > bitmap.columns || self.at[0] >= bitmap.rows {
                return Err(damaged("BMP", "a run leaves the image"));
            }
            // Pixels as they are, filled up to pairs of bytes, or one or two by turns.
            let mut literal = [0; 256];
            if pair[0] == 0 {
                let bytes = match bits {
                    8 => count,
                    _ => count.div_ceil(2),
                };
                file.read_exact(&mut literal[..bytes.next_multiple_of(2)])
                    .map_err(ImageError::from_decoder_io)?;
            }
            if is_wanted {
                for (pixel, at) in (column..end).enumerate() {
                    if !columns.contains(&at) {
                        continue;
                    }
                    let byte = match (pair[0], bits) {
                        (0, 8) => literal[pixel],
                        (0, _) => literal[pixel / 2],
                        _ => pair[1],
                    };
                    row[at - columns.start] = index(byte, pixel);
                }
            }
            self.at[1] = end;
        }
        Ok(())
    }
}
