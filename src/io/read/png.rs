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
    bits: 16,
    look: |path, stored| {
        let image = Image::open(path, stored)?;
        // The decoder holds two rows, and gives out a third.
        let rows = image.row_bytes().unwrap_or(usize::MAX).saturating_mul(4);
        let frame = match image.is_interlaced() {
            true => image.reader.output_buffer_size().unwrap_or(usize::MAX),
            false => 0,
        };
        Ok(Look {
            is_palette: image.is_palette,
            working_bytes: DECODER_BYTES.saturating_add(rows.saturating_add(frame) as u64),
            ..Look::plain([image.rows, image.columns])
        })
    },
    read,
};

fn read(
    path: &Path,
    crop: Crop<'_>,
    out: &mut [u64],
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
    let is_interlaced = image.is_interlaced();
    if is_interlaced {
        scratch.resize(needed, 0);
        image.reader.next_frame(scratch).map_err(from_png)?;
    } else {
        for _ in 0..x.start {
            image.reader.next_row().map_err(from_png)?;
        }
    }
    let end = x.end;
    for (row, to) in x.zip(out.chunks_exact_mut(y.len().max(1))) {
        let bytes = if is_interlaced {
            &mut scratch[row * row_bytes..][..row_bytes]
        } else {
            let next = image.reader.next_row().map_err(from_png)?;
            let next = next.as_ref().and_then(|next| next.data().get(..row_bytes));
            scratch.clear();
            scratch.extend_from_slice(next.ok_or_else(missing_rows)?);
            &mut scratch[..]
        };
        if stored != StoredIds::Number {
            let pixels = bytes.chunks_exact(image.per_pixel).skip(y.start);
            background.colours(stored, pixels, to);
            continue;
        }
        // PNG is big endian.
        if cfg!(target_endian = "little") {
            swap_bytes(bytes, usize::from(image.samples.bits / 8));
        }
        let at = (row, y.start);
        image
            .samples
            .ids(bytes, y.start, to, at, y.len(), background)?;
    }
    if !is_interlaced && end == size[0] {
        // What is behind the last row shows whether the file is whole.
        image.reader.next_row().map_err(from_png)?;
    }
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
