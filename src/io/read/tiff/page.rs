//! One page of a TIFF file: what its tags say, and its pixels as ids. The `tiff` crate decodes;
//! this file checks that the page holds ids, asks for no more strips or tiles than the crop
//! touches, and keeps hostile sizes from becoming allocations.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tiff::decoder::{ChunkType, Decoder, DecodingResult};
use tiff::tags::{CompressionMethod, PhotometricInterpretation, Tag};
use tiff::{TiffError, TiffResult, TiffUnsupportedError};

use super::super::error::ImageError;
use super::super::folder::{ImageKind, Look};
use super::super::options::Background;
use super::super::samples::{SampleKind, SampleType};
use super::directory::{Directories, tag};
use super::layout;
use super::overlay::{Amended, Overlay, SLICE_OF_TILE, SLICE_ROWS, SLICES_PER_TILE};
use crate::base::files::open_regular;
use crate::base::formats::StoredIds;

pub(super) type TiffDecoder = Decoder<Overlay>;

/// Bytes of the largest tile that may be left out: nothing in the file vouches for its size.
const SPARSE_TILE_BYTES: u64 = 64 << 20;

/// TIFF files of one page.
pub(in super::super) static IMAGE: ImageKind = ImageKind {
    name: "TIFF",
    extensions: &["tif", "tiff"],
    recognises: is_tiff,
    bits: 64,
    look: |path, stored| {
        let (_, page, _, is_palette) = open_image(path, stored)?;
        Ok(Look {
            size: [page.rows, page.columns],
            is_palette,
            is_float: page.samples.kind == SampleKind::Float,
        })
    },
    read: |path, crop, out, scratch| {
        let (mut decoder, page, file_bytes, _) = open_image(path, crop.stored)?;
        crop.check([page.rows, page.columns])?;
        let (x, y) = (crop.x.clone(), crop.y.clone());
        let part = Part {
            x,
            y,
            background: crop.background,
        };
        read_ids(&mut decoder, &page, file_bytes, part, out, scratch)
    },
};

/// Opens a file that is one image of a folder, and reads its tags; tells its length, and whether
/// its samples are indices of a palette.
fn open_image(
    path: &Path,
    stored: StoredIds,
) -> Result<(TiffDecoder, Page, u64, bool), ImageError> {
    let (file, file_bytes) = open_file(path)?;
    let (mut amended, mut is_palette) = (None, false);
    // A reader of its own: readers of one file share their place in it.
    let directories = Directories::read(open_file(path)?.0, file_bytes);
    let is_known = directories.is_some();
    if let Some(mut directories) = directories {
        let place = layout::of_image(&mut directories)?;
        is_palette = layout::is_palette(&mut directories, place.page);
        amended = Amended::new(&mut directories, &[place])?;
    }
    let mut decoder = decoder(file, file_bytes, amended)?;
    let page = inspect(&mut decoder, stored)?;
    if !is_known && decoder.more_images() {
        return Err(ImageError::MultiPage);
    }
    Ok((decoder, page, file_bytes, is_palette))
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
    pub samples: SampleType,
    pub compression: CompressionMethod,
    /// The samples of a pixel that are its id, where it is stored as a colour.
    colours: Option<Colours>,
    /// Where tiles hold several slices: how many, and which of them this one is.
    deep: Option<[usize; 2]>,
}

/// How colours are stored that are ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colours {
    stored: StoredIds,
    /// 3, or 4 with an alpha channel, which is left aside.
    per_pixel: usize,
}

impl Page {
    /// Whether `other` can be another slice of the same volume.
    pub fn matches(&self, other: &Self) -> bool {
        let look = |page: &Self| (page.rows, page.columns, page.samples, page.colours);
        look(self) == look(other)
    }

    /// Bits of the widest id that it can hold.
    pub fn id_bits(&self) -> u8 {
        match self.colours {
            Some(_) => 24,
            None => self.samples.id_bits(),
        }
    }

    /// Whether a pixel is one sample of whole bytes.
    pub fn is_whole_samples(&self) -> bool {
        self.colours.is_none() && self.samples.bits >= 8
    }

    fn row_bytes(&self, columns: usize) -> Option<usize> {
        let per_pixel = self.colours.map_or(1, |colours| colours.per_pixel);
        self.samples.row_bytes(columns.checked_mul(per_pixel)?)
    }

    /// What a pixel is, for people.
    pub fn kind(&self) -> String {
        match self.colours {
            Some(Colours { stored, .. }) => format!("colours, read as ids = \"{stored}\""),
            None => self.samples.to_string(),
        }
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}, {}", self.rows, self.columns, self.kind())
    }
}

/// Opens a file; returns its length in bytes, too.
pub(super) fn open_file(path: &Path) -> Result<(File, u64), ImageError> {
    let file = open_regular(path).map_err(ImageError::Io)?;
    let file_bytes = file.metadata().map_err(ImageError::Io)?.len();
    Ok((file, file_bytes))
}

/// Opens a file at its first page, with directories in place of its own where these are odd.
pub(super) fn decoder(
    file: File,
    file_bytes: u64,
    amended: Option<Amended>,
) -> Result<TiffDecoder, ImageError> {
    let overlay = Overlay::new(file, file_bytes, amended);
    let mut decoder = guarded(|| Decoder::new(overlay))?;
    decoder.inner().leave_header();
    // The decoder compares the stored size of a strip with a fixed limit that a large
    // uncompressed page exceeds; here the length of the file is the limit.
    let mut limits = tiff::decoder::Limits::default();
    limits.intermediate_buffer_size = usize::try_from(file_bytes).unwrap_or(usize::MAX);
    Ok(decoder.with_limits(limits))
}

/// Reads the tags of the decoder's current page.
pub(super) fn inspect(decoder: &mut TiffDecoder, stored: StoredIds) -> Result<Page, ImageError> {
    let (columns, mut rows) = decoder.dimensions().map_err(from_tiff)?;
    let photometric: u16 = tag(decoder, Tag::PhotometricInterpretation)?.unwrap_or(1);
    let per_pixel: u16 = tag(decoder, Tag::SamplesPerPixel)?.unwrap_or(1);
    let bits = first(decoder, Tag::BitsPerSample)?.unwrap_or(1);
    let format = first(decoder, Tag::SampleFormat)?.unwrap_or(1);
    let compression: u16 = tag(decoder, Tag::Compression)?.unwrap_or(1);
    let planar = tag(decoder, Tag::PlanarConfiguration)?.unwrap_or(1) == 2;

    let interpretation = PhotometricInterpretation::from_u16(photometric);
    let mut colours = None;
    match interpretation {
        // White is zero and palettes concern the display: they are amended to this.
        Some(PhotometricInterpretation::BlackIsZero) => {}
        Some(PhotometricInterpretation::RGB) if stored != StoredIds::Number && bits == 8 => {
            if planar {
                return Err(ImageError::Unsupported(
                    "its colours lie in planes of their own, which is not read; save red, green and blue next to one another"
                        .to_owned(),
                ));
            }
            let per_pixel = usize::from(per_pixel);
            colours = Some(Colours { stored, per_pixel });
        }
        other => return Err(ImageError::NotIds(colour_name(other, photometric))),
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
    // Both change where the samples lie, and the decoder knows of neither.
    if tag(decoder, Tag::FillOrder)?.unwrap_or(1) != 1 {
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
    let compression = CompressionMethod::from_u16_exhaustive(compression);
    if expansion(compression).is_none() {
        return Err(ImageError::Unsupported(format!(
            "the compression {} is not read; save with LZW, Deflate, PackBits, ZSTD or none",
            compression_name(compression)
        )));
    }
    let mut deep = None;
    if decoder.inner().is_amended()
        && let Some(slices) = first(decoder, Tag::Unknown(SLICES_PER_TILE))?
    {
        let own = first(decoder, Tag::Unknown(SLICE_OF_TILE))?.unwrap_or(0);
        let slice_rows = first(decoder, Tag::Unknown(SLICE_ROWS))?.unwrap_or(0);
        rows = u32::try_from(slice_rows).unwrap_or(rows);
        deep = Some([slices as usize, own as usize]);
    } else if let Some(depth) =
        first(decoder, Tag::Unknown(tag::IMAGE_DEPTH))?.filter(|&depth| depth != 1)
    {
        return Err(ImageError::Unsupported(format!(
            "one page holds {depth} slices (ImageDepth), which is not read here; save a page per slice"
        )));
    }
    Ok(Page {
        rows: rows as usize,
        columns: columns as usize,
        samples,
        compression,
        colours,
        deep,
    })
}

/// What is read of a page.
pub(super) struct Part<'a> {
    pub x: Range<usize>,
    pub y: Range<usize>,
    pub background: &'a Background,
}

/// Reads a part of the decoder's current page, which is `page`, into `out`.
/// `scratch` holds one strip or tile and is kept between calls.
pub(super) fn read_ids(
    decoder: &mut TiffDecoder,
    page: &Page,
    file_bytes: u64,
    Part { x, y, background }: Part<'_>,
    out: &mut [u64],
    scratch: &mut Vec<u8>,
) -> Result<(), ImageError> {
    if out.is_empty() {
        return Ok(());
    }
    let storage = chunk_storage(decoder)?;
    let (width, height) = decoder.chunk_dimensions();
    let (width, stored_height) = (width as usize, height as usize);
    // A tile of several slices holds them one after the other.
    let [deep, own] = page.deep.unwrap_or([1, 0]);
    let height = stored_height / deep.max(1);
    // Padding is decoded and thrown away, so its size must be sane too.
    if width == 0 || height == 0 || width > page.columns.saturating_add(1 << 16) {
        let reason = format!("tiles of {height} x {width} pixels cannot be right");
        return Err(ImageError::Corrupt(reason));
    }
    let across = page.columns.div_ceil(width);
    for chunk_row in x.start / height..=(x.end - 1) / height {
        for chunk_column in y.start / width..=(y.end - 1) / width {
            let index = chunk_row * across + chunk_column;
            let (top, left) = (chunk_row * height, chunk_column * width);
            let rows = height.min(page.rows - top);
            let columns = width.min(page.columns - left);
            // tiff 0.11.3 leaves the padding of a tile out, reading piece by piece; of LZW data it
            // then misses the last pieces. Such tiles are read with their padding, in one piece.
            let padded = page.compression == CompressionMethod::LZW && columns < width;
            let stored_rows = if deep > 1 { stored_height } else { rows };
            let chunk = Chunk {
                index,
                rows: stored_rows,
                columns: if padded { width } else { columns },
                padded,
            };
            let bytes = decode_chunk(decoder, page, &storage, file_bytes, &chunk, scratch)?;
            let row_bytes = bytes.len() / stored_rows;
            let above = own * height;
            let in_x = x.start.max(top)..x.end.min(top + rows);
            let in_y = y.start.max(left)..y.end.min(left + columns);
            for row in in_x {
                let to = (row - x.start) * y.len() + (in_y.start - y.start);
                let from = &bytes[(above + row - top) * row_bytes..][..row_bytes];
                let out = &mut out[to..][..in_y.len()];
                let (skipped, at) = (in_y.start - left, (row, in_y.start));
                match page.colours {
                    None => page
                        .samples
                        .ids(from, skipped, out, at, in_y.len(), background)?,
                    Some(Colours { stored, per_pixel }) => {
                        let pixels = from.chunks_exact(per_pixel).skip(skipped);
                        background.colours(stored, pixels, out);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Where the strips or tiles of a page lie in the file: offsets and sizes in bytes.
struct ChunkStorage {
    offsets: Vec<u64>,
    bytes: Vec<u64>,
}

fn chunk_storage(decoder: &mut TiffDecoder) -> Result<ChunkStorage, ImageError> {
    let (offsets, bytes) = match decoder.get_chunk_type() {
        ChunkType::Strip => (Tag::StripOffsets, Tag::StripByteCounts),
        ChunkType::Tile => (Tag::TileOffsets, Tag::TileByteCounts),
    };
    let mut list = |tag| {
        decoder
            .find_tag_unsigned_vec(tag)
            .map_err(from_tiff)
            .map(Option::unwrap_or_default)
    };
    Ok(ChunkStorage {
        offsets: list(offsets)?,
        bytes: list(bytes)?,
    })
}

/// A strip or tile as it is to be decoded.
struct Chunk {
    index: usize,
    rows: usize,
    columns: usize,
    /// Whether the columns go beyond those of the page.
    padded: bool,
}

fn decode_chunk<'s>(
    decoder: &mut TiffDecoder,
    page: &Page,
    storage: &ChunkStorage,
    file_bytes: u64,
    &Chunk {
        index,
        rows,
        columns,
        padded,
    }: &Chunk,
    scratch: &'s mut Vec<u8>,
) -> Result<&'s [u8], ImageError> {
    let row_bytes = page.row_bytes(columns);
    let needed = row_bytes.and_then(|row| row.checked_mul(rows));
    let (Some(&offset), Some(&stored), Some(needed), Ok(chunk)) = (
        storage.offsets.get(index),
        storage.bytes.get(index),
        needed,
        u32::try_from(index),
    ) else {
        let reason = "the tags name fewer strips or tiles than the page needs".to_owned();
        return Err(ImageError::Corrupt(reason));
    };
    // A tile of zeros may be left out of the file.
    if decoder.get_chunk_type() == ChunkType::Tile && (offset, stored) == (0, 0) {
        if needed as u64 > SPARSE_TILE_BYTES {
            let reason = format!("tiles of {needed} bytes cannot be right");
            return Err(ImageError::Corrupt(reason));
        }
        scratch.clear();
        scratch.resize(needed, 0);
        return Ok(scratch);
    }
    // Nothing is allocated that the bytes in the file could not fill.
    let present = match page.compression {
        CompressionMethod::None => file_bytes.saturating_sub(offset),
        _ => stored.min(file_bytes.saturating_sub(offset)),
    };
    let most = present.saturating_mul(expansion(page.compression).unwrap_or(1));
    if (needed as u64) > most {
        return Err(ImageError::Corrupt(format!(
            "{rows} x {columns} pixels ({needed} bytes) cannot come from the {present} bytes that the file holds for them; it is cut short or damaged"
        )));
    }
    scratch.resize(needed, 0);
    if padded {
        // Only the typed method of the decoder takes the length of rows.
        let mut typed = DecodingResult::U8(Vec::new());
        guarded(|| decoder.read_chunk_to_buffer(&mut typed, chunk, needed / rows))?;
        let buffer = typed.as_buffer(0);
        let Some(bytes) = buffer.as_bytes().get(..needed) else {
            let reason = "the tags of its tiles do not agree".to_owned();
            return Err(ImageError::Corrupt(reason));
        };
        scratch.copy_from_slice(bytes);
    } else {
        guarded(|| decoder.read_chunk_bytes(chunk, scratch))?;
    }
    Ok(scratch)
}

/// An upper bound of decoded bytes per stored byte; `None` for what is not read: JPEG and WebP
/// may change ids, the fax codes hold one bit per pixel.
fn expansion(compression: CompressionMethod) -> Option<u64> {
    match compression {
        CompressionMethod::None => Some(1),
        CompressionMethod::PackBits => Some(64),
        CompressionMethod::Deflate | CompressionMethod::OldDeflate => Some(1 << 11),
        CompressionMethod::LZW => Some(1 << 12),
        CompressionMethod::ZSTD => Some(1 << 16),
        _ => None,
    }
}

fn tag(decoder: &mut TiffDecoder, tag: Tag) -> Result<Option<u16>, ImageError> {
    decoder.find_tag_unsigned(tag).map_err(from_tiff)
}

fn first(decoder: &mut TiffDecoder, tag: Tag) -> Result<Option<u64>, ImageError> {
    let values: Option<Vec<u64>> = decoder.find_tag_unsigned_vec(tag).map_err(from_tiff)?;
    Ok(values.and_then(|values| values.first().copied()))
}

fn compression_name(compression: CompressionMethod) -> String {
    match compression.to_u16() {
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

fn colour_name(known: Option<PhotometricInterpretation>, code: u16) -> String {
    use PhotometricInterpretation as P;
    match known {
        Some(P::RGB) => "RGB colours".to_owned(),
        Some(P::RGBPalette) => "palette colours".to_owned(),
        Some(P::TransparencyMask) => "a transparency mask".to_owned(),
        Some(P::CMYK) => "CMYK colours".to_owned(),
        Some(P::YCbCr) => "YCbCr colours".to_owned(),
        Some(other) => format!("{other:?} colours"),
        None => format!("pixels of photometric interpretation {code}"),
    }
}

/// Runs a step of the decoder. Its arithmetic can overflow on hostile tags (tiff 0.11.3 multiplies
/// the strips of a planar image unchecked), which panics in builds that check it.
pub(super) fn guarded<T>(step: impl FnOnce() -> TiffResult<T>) -> Result<T, ImageError> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result.map_err(from_tiff),
        Err(_) => Err(ImageError::Corrupt(
            "the TIFF decoder gave up on its tags; the file is damaged".to_owned(),
        )),
    }
}

/// Sorts the decoder's errors into what they mean to the user.
pub(super) fn from_tiff(error: TiffError) -> ImageError {
    match error {
        TiffError::IoError(error) => ImageError::from_decoder_io(error),
        TiffError::UnsupportedError(TiffUnsupportedError::UnknownInterpretation) => {
            ImageError::NotIds("pixels of unknown photometric interpretation".to_owned())
        }
        TiffError::UnsupportedError(TiffUnsupportedError::InconsistentBitsPerSample(bits)) => {
            ImageError::NotIds(format!("samples of unequal width ({bits:?} bits)"))
        }
        TiffError::UnsupportedError(error) => {
            ImageError::Unsupported(format!("a TIFF feature that is not read: {error}"))
        }
        TiffError::LimitsExceeded | TiffError::IntSizeError => ImageError::Corrupt(
            "its tags state sizes that cannot be right; the file is damaged".to_owned(),
        ),
        TiffError::FormatError(error) => {
            ImageError::Corrupt(format!("damaged, or no valid TIFF: {error}"))
        }
        TiffError::UsageError(error) => ImageError::Corrupt(format!("damaged: {error}")),
    }
}
