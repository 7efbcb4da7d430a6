//! One page of a TIFF file: what its tags say, and its pixels as ids. This checks that the page
//! holds ids, and decodes no more strips or tiles than a crop touches.

use std::fmt;
use std::fs::File;
use std::ops::Range;

use super::super::error::ImageError;
use super::super::folder::{ImageKind, Look};
use super::super::ids::IdsMut;
use super::super::options::Background;
use super::super::samples::{SampleKind, SampleType};
use super::super::unchanged::Opened;
use super::chunks::{ChunkPlace, ChunkPlaces, Chunks};
use super::codec::Compression;
use super::description::Place;
use super::directory::{Directories, damaged, tag};
use super::layout::{self, PALETTE};
use super::rows::{PixelFile, PixelForm, Predictor, Rows};
use crate::base::formats::StoredIds;

/// TIFF files of one page.
pub(in super::super) static IMAGE: ImageKind = ImageKind {
    name: "TIFF",
    extensions: &["tif", "tiff"],
    recognises: is_tiff,
    look: |path, stored| {
        let (_, file, file_bytes) = Opened::open(path)?;
        let mut directories = Directories::read(file, file_bytes)?;
        let (place, page) = the_image(&mut directories, stored)?;
        Ok(Look {
            size: [page.rows, page.columns],
            is_palette: layout::is_palette(&mut directories, place.page),
            is_float: page.samples().kind == SampleKind::Float,
            bits: page.id_bits(),
            working_bytes: page.working_bytes(),
        })
    },
    read: |path, crop, out, scratch| {
        let (_, file, file_bytes) = Opened::open(path)?;
        let mut directories = Directories::read(file, file_bytes)?;
        let (place, page) = the_image(&mut directories, crop.stored)?;
        crop.check([page.rows, page.columns])?;
        let part = Part {
            x: crop.x,
            y: crop.y,
            background: crop.background,
        };
        // A reader of its own: readers of one file share their place in it.
        let (_, file, _) = Opened::open(path)?;
        let mut pixels = Pixels::new(file);
        pixels.read(&mut directories, (place, &page), part, out, scratch)
    },
};

/// The page of a file that is one image of a folder.
fn the_image(
    directories: &mut Directories,
    stored: StoredIds,
) -> Result<(Place, Page), ImageError> {
    let place = layout::of_image(directories)?;
    Ok((place, Page::inspect(directories, place, stored)?))
}

/// Whether a file that starts so is a TIFF: classic or big, in either byte order.
pub(super) fn is_tiff(head: &[u8]) -> bool {
    matches!(
        head,
        [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..]
    )
}

/// Size, type and storage of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub rows: usize,
    pub columns: usize,
    form: PixelForm,
    compression: Compression,
    /// How colours are stored that are ids, where a pixel is one.
    colours: Option<StoredIds>,
    chunks: Chunks,
}

impl Page {
    /// Reads the tags of a plane.
    ///
    /// # Errors
    /// When they are damaged, or the pixels are no ids.
    pub fn inspect(
        directories: &mut Directories,
        place: Place,
        stored: StoredIds,
    ) -> Result<Self, ImageError> {
        let page = place.page;
        let mut size = |tag, name| match directories.scalar(page, tag)? {
            Some(size @ 1..=0xffff_ffff) => Ok(size as usize),
            Some(size) => Err(damaged(format_args!("its tag {name} is {size}"))),
            None => Err(damaged(format_args!("its tag {name} is missing"))),
        };
        let columns = size(tag::WIDTH, "ImageWidth")?;
        let rows = size(tag::LENGTH, "ImageLength")?;
        let mut scalar = |tag, default: u64| {
            let value = directories.scalar(page, tag)?;
            Ok::<u64, ImageError>(value.unwrap_or(default))
        };
        let per_pixel = scalar(tag::SAMPLES, 1)?;
        let plain = if per_pixel >= 3 { RGB } else { BLACK_IS_ZERO };
        let photometric = scalar(tag::PHOTOMETRIC, plain)?;
        let compression = scalar(tag::COMPRESSION, 1)?;
        let planar = scalar(tag::PLANAR, 1)? == 2;
        let fill_order = scalar(tag::FILL_ORDER, 1)?;
        let predictor = scalar(tag::PREDICTOR, 1)?;
        let bits = alike(directories, page, tag::BITS, per_pixel, "width")?;
        let format = alike(directories, page, tag::SAMPLE_FORMAT, per_pixel, "type")?;

        let mut colours = None;
        match photometric {
            // White is zero inverts what is shown, and a palette paints it; ids count as they are
            // stored.
            WHITE_IS_ZERO | BLACK_IS_ZERO | PALETTE => {}
            RGB if stored != StoredIds::Number && bits == 8 => {
                if planar {
                    return Err(ImageError::Unsupported(
                        "its colours lie in planes of their own, which is not read; save red, green and blue next to one another"
                            .to_owned(),
                    ));
                }
                colours = Some(stored);
            }
            other => return Err(ImageError::NotIds(colour_name(other))),
        }
        if stored != StoredIds::Number && colours.is_none() {
            return Err(ImageError::NoColours(stored));
        }
        let right = match colours {
            Some(_) => matches!(per_pixel, 3 | 4),
            None => per_pixel == 1,
        };
        if !right {
            let found = format!("{per_pixel} samples per pixel");
            return Err(ImageError::NotIds(found));
        }
        let kind = match format {
            1 => SampleKind::Unsigned,
            2 => SampleKind::Signed,
            3 => SampleKind::Float,
            5 | 6 => return Err(ImageError::NotIds("complex numbers".to_owned())),
            _ => return Err(ImageError::NotIds("samples of undefined type".to_owned())),
        };
        if fill_order != 1 {
            return Err(ImageError::Unsupported(
                "its bits are stored in reverse order (FillOrder 2), which is not read; save it again"
                    .to_owned(),
            ));
        }
        let samples = SampleType::new(bits, kind)
            .filter(|samples| colours.is_none() || samples.kind == SampleKind::Unsigned);
        let samples = samples.ok_or_else(|| {
            let kind = match kind {
                SampleKind::Unsigned => "unsigned",
                SampleKind::Signed => "signed",
                SampleKind::Float => "floating point",
            };
            ImageError::NotIds(format!("{bits}-bit {kind} samples"))
        })?;
        let code = compression;
        let compression = Compression::new(code).ok_or_else(|| {
            ImageError::Unsupported(format!(
                "the compression {} is not read; save with LZW, Deflate, PackBits, ZSTD or none",
                compression_name(code)
            ))
        })?;
        let predictor = match (predictor, samples.kind) {
            (1, _) => Predictor::None,
            (2, _) if samples.bits >= 8 => Predictor::Differences,
            (3, SampleKind::Float) => Predictor::Bytes,
            (2 | 3, _) => {
                return Err(ImageError::Unsupported(format!(
                    "a predictor ({predictor}) of {samples} samples is not read; save it without"
                )));
            }
            _ => {
                return Err(damaged(format_args!(
                    "its predictor {predictor} is unknown"
                )));
            }
        };
        Ok(Self {
            rows,
            columns,
            form: PixelForm {
                samples,
                per_pixel: per_pixel as usize,
                predictor,
                swapped: directories.chain().little_endian != cfg!(target_endian = "little"),
            },
            compression,
            colours,
            chunks: Chunks::of(directories, place)?,
        })
    }

    /// What its samples are.
    pub fn samples(&self) -> SampleType {
        self.form.samples
    }

    /// Whether `other` can be another slice of the same volume.
    pub fn matches(&self, other: &Self) -> bool {
        let look = |page: &Self| {
            let per_pixel = page.form.per_pixel;
            (
                page.rows,
                page.columns,
                page.samples(),
                page.colours,
                per_pixel,
            )
        };
        look(self) == look(other)
    }

    /// Bits of the widest id that it can hold.
    pub fn id_bits(&self) -> u8 {
        match self.colours {
            Some(_) => 24,
            None => self.samples().id_bits(),
        }
    }

    /// Whether a pixel is one sample of whole bytes, and lies as it is.
    pub fn is_raw(&self) -> bool {
        self.colours.is_none()
            && self.samples().bits >= 8
            && self.form.predictor == Predictor::None
            && self.compression == Compression::None
    }

    /// What a pixel is, for people.
    pub fn kind(&self) -> String {
        match self.colours {
            Some(stored) => format!("colours, read as ids = \"{stored}\""),
            None => self.samples().to_string(),
        }
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}, {}", self.rows, self.columns, self.kind())
    }
}

/// A tag that says the same of each sample of a pixel, once or for each of them; 1 where it is
/// absent.
fn alike(
    directories: &mut Directories,
    page: usize,
    tag: u16,
    samples: u64,
    what: &str,
) -> Result<u64, ImageError> {
    let Some(entry) = directories.entry(page, tag) else {
        return Ok(1);
    };
    if entry.count != 1 && (entry.count != samples || samples > u64::from(u16::MAX)) {
        let count = entry.count;
        let what = format_args!("its tag {tag} has {count} values for {samples} samples");
        return Err(damaged(what));
    }
    let values = directories.values(&entry, 0..entry.count)?;
    match values[..] {
        [first, ref rest @ ..] if rest.iter().all(|&other| other == first) => Ok(first),
        _ => Err(ImageError::NotIds(format!("samples of unequal {what}"))),
    }
}

/// What is read of a page.
pub(super) struct Part<'a> {
    pub x: Range<usize>,
    pub y: Range<usize>,
    pub background: &'a Background,
}

/// The pixels of a file.
pub(super) struct Pixels {
    file: PixelFile,
    /// Where the chunks of a page are, of the one that was read last.
    places: (Place, ChunkPlaces),
}

impl Pixels {
    pub fn new(file: File) -> Self {
        Self {
            file: PixelFile::new(file),
            places: (Place::page(0), ChunkPlaces::default()),
        }
    }

    /// Reads a part of a plane into `out`. `scratch` is kept between calls.
    pub fn read(
        &mut self,
        directories: &mut Directories,
        (place, page): (Place, &Page),
        Part { x, y, background }: Part<'_>,
        mut out: IdsMut<'_>,
        scratch: &mut Vec<u8>,
    ) -> Result<(), ImageError> {
        if out.is_empty() {
            return Ok(());
        }
        if self.places.0 != place {
            self.places = (place, ChunkPlaces::default());
        }
        let Chunks {
            rows: height,
            columns: width,
            shared: [_, own],
            is_tiled,
            ..
        } = page.chunks;
        let across = page.columns.div_ceil(width);
        for chunk_row in x.start / height..=(x.end - 1) / height {
            for chunk_column in y.start / width..=(y.end - 1) / width {
                let number = chunk_row * across + chunk_column;
                let (top, left) = (chunk_row * height, chunk_column * width);
                let in_x = x.start.max(top)..x.end.min(top + height);
                let in_y = y.start.max(left)..y.end.min(left + width);
                let place = self
                    .places
                    .1
                    .get(directories, place.page, &page.chunks, number)?;
                // A tile of zeros may be left out of the file.
                let is_absent = is_tiled && (place.start, place.bytes) == (0, Some(0));
                let mut rows = match is_absent {
                    true => None,
                    false => {
                        let file_bytes = directories.chain().file_bytes;
                        let columns = width.min(page.columns - left);
                        let rows = height.min(page.rows - top);
                        let bytes = page.stored_bytes(place, file_bytes, [rows, columns])?;
                        let (form, compression) = (page.form, page.compression);
                        let file = &mut self.file;
                        Some(Rows::new(
                            form,
                            compression,
                            file,
                            place.start,
                            bytes,
                            width,
                        )?)
                    }
                };
                for row in in_x {
                    let to = (row - x.start) * y.len() + (in_y.start - y.start);
                    let mut out = out.part(to..to + in_y.len());
                    let Some(rows) = &mut rows else {
                        // What is left out is stored as 0.
                        out.put(&vec![background.zero; in_y.len()]);
                        continue;
                    };
                    // Slices that share a tile lie in it one after the other.
                    let in_chunk = own as u64 * height as u64 + (row - top) as u64;
                    let wanted = in_y.start - left..in_y.end - left;
                    let first = wanted.start;
                    rows.read(in_chunk, wanted, scratch, |bytes, before, shown| {
                        let out = out.part(shown.start - first..shown.end - first);
                        let Some(stored) = page.colours else {
                            let (at, columns) = ((row, left + shown.start), shown.len());
                            let samples = page.samples();
                            return samples.ids(bytes, before, out, at, columns, background);
                        };
                        let pixels = bytes.chunks_exact(page.form.per_pixel).skip(before);
                        background.colours(stored, pixels, out);
                        Ok(())
                    })?;
                }
            }
        }
        Ok(())
    }
}

impl Page {
    /// Bytes that the file holds of a chunk with this many rows and columns of the page.
    ///
    /// # Errors
    /// When its pixels cannot come from so few.
    fn stored_bytes(
        &self,
        place: ChunkPlace,
        file_bytes: u64,
        [rows, columns]: [usize; 2],
    ) -> Result<u64, ImageError> {
        let held = file_bytes.saturating_sub(place.start);
        let present = match place.bytes {
            Some(bytes) if self.compression != Compression::None => bytes.min(held),
            _ => held,
        };
        let [shared, _] = self.chunks.shared;
        // Of slices that share a chunk all are there.
        let rows = if shared > 1 {
            self.chunks.rows.saturating_mul(shared)
        } else {
            rows
        };
        let needed = self
            .form
            .row_bytes(columns)
            .and_then(|row| row.checked_mul(rows));
        let most = present.saturating_mul(self.compression.expansion());
        match needed {
            Some(needed) if needed as u64 <= most => Ok(present),
            _ => Err(ImageError::Corrupt(format!(
                "{rows} x {columns} pixels cannot come from the {present} bytes that the file holds for them; it is cut short or damaged"
            ))),
        }
    }

    /// Most bytes that reading it holds, beside ids.
    pub fn working_bytes(&self) -> u64 {
        let [shared, _] = self.chunks.shared;
        let rows = self.chunks.rows.saturating_mul(shared);
        let row_bytes = self.form.row_bytes(self.chunks.columns);
        let chunk = row_bytes.unwrap_or(usize::MAX).saturating_mul(rows);
        let decoding = self.compression.working_bytes(chunk as u64);
        decoding.saturating_add(self.form.working_bytes(self.chunks.columns))
    }
}

/// TIFF's numbers of what pixels mean.
const WHITE_IS_ZERO: u64 = 0;
const BLACK_IS_ZERO: u64 = 1;
const RGB: u64 = 2;

fn compression_name(code: u64) -> String {
    match code {
        2..=4 => "of fax machines (CCITT)".to_owned(),
        6 | 7 | 33007 | 34892 => "JPEG".to_owned(),
        33003 | 33004 | 33005 | 34712 => "JPEG 2000".to_owned(),
        34887 => "LERC".to_owned(),
        34925 => "LZMA".to_owned(),
        34926 => "ZSTD in its old form (34926)".to_owned(),
        34933 => "PNG".to_owned(),
        22610 | 34934 => "JPEG XR".to_owned(),
        50001 | 34927 => "WebP".to_owned(),
        50002 | 52546 => "JPEG XL".to_owned(),
        code => format!("number {code}"),
    }
}

fn colour_name(photometric: u64) -> String {
    let name = match photometric {
        RGB => "RGB colours",
        PALETTE => "palette colours",
        4 => "a transparency mask",
        5 => "CMYK colours",
        6 => "YCbCr colours",
        8..=10 => "Lab colours",
        code => return format!("pixels of photometric interpretation {code}"),
    };
    name.to_owned()
}
