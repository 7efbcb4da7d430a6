//! PNG images as ids: the stored numbers, never stretched to 8 bits; of indexed ones the indices.
//!
//! This uses the `png` crate itself, since `image` stretches packed samples and paints indexed
//! ones.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use png::{ColorType, Decoder, DecodingError, Reader, Transformations};

use super::error::ImageError;
use super::folder::{Crop, DECODER_BYTES, ImageKind, Look};
use super::ids::IdsMut;
use super::options::Background;
use super::samples::{SampleKind, SampleType, swap_bytes};
use crate::base::files::open_regular;
use crate::base::formats::StoredIds;

/// Upper bound of decoded bytes per stored byte in a Deflate stream.
const EXPANSION: u64 = 1 << 11;

/// An open PNG file that holds ids.
struct Image {
    reader: Reader<BufReader<File>>,
    samples: SampleType,
    /// Samples of a pixel; more than one where a colour is the id.
    per_pixel: usize,
    is_palette: bool,
    rows: usize,
    columns: usize,
    file_bytes: u64,
}

impl Image {
    fn open(path: &Path, stored: StoredIds) -> Result<Self, ImageError> {
        let file = open_regular(path).map_err(ImageError::Io)?;
        let file_bytes = file.metadata().map_err(ImageError::Io)?.len();
        let mut decoder = Decoder::new(BufReader::new(file));
        decoder.set_transformations(Transformations::IDENTITY);
        let reader = decoder.read_info().map_err(from_png)?;
        let info = reader.info();
        let bits = info.bit_depth as u8;
        let colour = info.color_type;
        let number = stored == StoredIds::Number;
        let found = match colour {
            ColorType::Grayscale | ColorType::Indexed if number => None,
            ColorType::Rgb | ColorType::Rgba if !number && bits == 8 => None,
            _ if !number => return Err(ImageError::NoColours(stored)),
            ColorType::GrayscaleAlpha => Some("gray with an alpha channel"),
            ColorType::Rgba => Some("RGB colours with an alpha channel"),
            _ => Some("RGB colours"),
        };
        if let Some(found) = found {
            return Err(ImageError::NotIds(found.to_owned()));
        }
        let samples = SampleType::new(bits.into(), SampleKind::Unsigned)
            .ok_or_else(|| ImageError::NotIds(format!("{bits}-bit samples")))?;
        let (rows, columns) = (info.height as usize, info.width as usize);
        Ok(Self {
            reader,
            samples,
            per_pixel: if number { 1 } else { colour.samples() },
            is_palette: colour == ColorType::Indexed,
            rows,
            columns,
            file_bytes,
        })
    }

    fn row_bytes(&self) -> Option<usize> {
        let samples = self.columns.checked_mul(self.per_pixel)?;
        self.samples.row_bytes(samples)
    }

    /// Bits of the widest id that it can hold.
    fn id_bits(&self) -> u8 {
        match self.per_pixel {
            1 => self.samples.bits,
            _ => 24,
        }
    }

    /// The ids of a row from its pixel `first` on; the first of them lies at `at` of the slice.
    fn ids(
        &self,
        row: &mut [u8],
        first: usize,
        out: IdsMut<'_>,
        at: (usize, usize),
        stored: StoredIds,
        background: &Background,
    ) -> Result<(), ImageError> {
        if stored != StoredIds::Number {
            let pixels = row.chunks_exact(self.per_pixel).skip(first);
            background.colours(stored, pixels, out);
            return Ok(());
        }
        // PNG is big endian.
        if cfg!(target_endian = "little") {
            swap_bytes(row, usize::from(self.samples.bits / 8));
        }
        let columns = out.len();
        self.samples.ids(row, first, out, at, columns, background)
    }

    /// Whether rows come in another order than that of the image.
    fn is_interlaced(&self) -> bool {
        self.reader.info().interlaced
    }
}

/// PNGs of numbers, indices of a palette or colours.
pub(super) static IMAGE: ImageKind = ImageKind {
    name: "PNG",
    extensions: &["png"],
    recognises: |head| head.starts_with(b"\x89PNG"),
    look: |path, stored| {
        let image = Image::open(path, stored)?;
        // The decoder holds two rows, and gives out a third; ids of a pass are wide.
        let rows = image.row_bytes().unwrap_or(usize::MAX).saturating_mul(4);
        let pass = match image.is_interlaced() {
            true => image.columns.saturating_mul(8),
            false => 0,
        };
        Ok(Look {
            is_palette: image.is_palette,
            working_bytes: DECODER_BYTES.saturating_add(rows.saturating_add(pass) as u64),
            ..Look::plain([image.rows, image.columns], image.id_bits())
        })
    },
    read,
};

fn read(
    path: &Path,
    crop: Crop<'_>,
    mut out: IdsMut<'_>,
    scratch: &mut Vec<u8>,
) -> Result<(), ImageError> {
    let mut image = Image::open(path, crop.stored)?;
    crop.check([image.rows, image.columns])?;
    let Crop {
        size,
        x,
        y,
        stored,
        background,
    } = crop;
    let needed = image.reader.output_buffer_size();
    let (Some(row_bytes), Some(needed)) = (image.row_bytes(), needed) else {
        let reason = format!("{} x {} pixels cannot be right", size[0], size[1]);
        return Err(ImageError::Corrupt(reason));
    };
    if needed as u64 > image.file_bytes.saturating_mul(EXPANSION) {
        return Err(ImageError::Corrupt(format!(
            "{} x {} pixels cannot come from a file of {} bytes; it is cut short or damaged",
            size[0], size[1], image.file_bytes
        )));
    }
    if image.is_interlaced() {
        let crop = Crop {
            size,
            x,
            y,
            stored,
            background,
        };
        return read_passes(image, crop, out, scratch);
    }
    for _ in 0..x.start {
        image.reader.next_row().map_err(from_png)?;
    }
    let end = x.end;
    for (number, row) in x.enumerate() {
        let to = out.part(number * y.len()..(number + 1) * y.len());
        let next = image.reader.next_row().map_err(from_png)?;
        let next = next.as_ref().and_then(|next| next.data().get(..row_bytes));
        scratch.clear();
        scratch.extend_from_slice(next.ok_or_else(missing_rows)?);
        let (first, at) = (y.start, (row, y.start));
        image.ids(scratch, first, to, at, stored, background)?;
    }
    if end == size[0] {
        // What is behind the last row shows whether the file is whole.
        image.reader.next_row().map_err(from_png)?;
    }
    Ok(())
}

/// The passes of an interlaced image: first row and column, and the steps between them. Source: PNG
/// specification, third edition, section 8.1.
const PASSES: [[usize; 4]; 7] = [
    [0, 0, 8, 8],
    [0, 4, 8, 8],
    [4, 0, 8, 4],
    [0, 2, 4, 4],
    [2, 0, 4, 2],
    [0, 1, 2, 2],
    [1, 0, 2, 1],
];

/// Reads the rows of each pass, and puts their pixels where they belong.
fn read_passes(
    mut image: Image,
    crop: Crop<'_>,
    mut out: IdsMut<'_>,
    scratch: &mut Vec<u8>,
) -> Result<(), ImageError> {
    let [rows, columns] = crop.size;
    let mut ids = Vec::new();
    for [top, left, down, across] in PASSES {
        let pixels = columns.saturating_sub(left).div_ceil(across);
        let lines = rows.saturating_sub(top).div_ceil(down);
        // A pass without pixels has no rows.
        for line in 0..if pixels > 0 { lines } else { 0 } {
            let row = top + line * down;
            let next = image.reader.next_row().map_err(from_png)?;
            let next = next.ok_or_else(missing_rows)?;
            if !crop.x.contains(&row) {
                continue;
            }
            scratch.clear();
            scratch.extend_from_slice(next.data());
            ids.resize(pixels, 0);
            let at = (row, 0);
            image.ids(
                scratch,
                0,
                (&mut ids[..]).into(),
                at,
                crop.stored,
                crop.background,
            )?;
            for (pixel, &id) in ids.iter().enumerate() {
                let column = left + pixel * across;
                if crop.y.contains(&column) {
                    let to = (row - crop.x.start) * crop.y.len() + (column - crop.y.start);
                    out.part(to..to + 1).put(&[id]);
                }
            }
        }
    }
    image.reader.next_row().map_err(from_png)?;
    Ok(())
}

fn missing_rows() -> ImageError {
    ImageError::Corrupt("damaged, or no valid PNG: rows are missing".to_owned())
}

fn from_png(error: DecodingError) -> ImageError {
    match error {
        DecodingError::IoError(error) => ImageError::from_decoder_io(error),
        other => ImageError::Corrupt(format!("damaged, or no valid PNG: {other}")),
    }
}
