//! PGM and lossless WebP images as ids, through the decoders of the `image` crate. What holds
//! colours is refused unless these are ids, and samples are never rescaled.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use image::codecs::pnm::{GraymapHeader, PnmDecoder, PnmSubtype, SampleEncoding};
use image::codecs::webp::WebPDecoder;
use image::{ColorType, ImageDecoder};

use super::error::ImageError;
use super::folder::{Crop, DECODER_BYTES, ImageKind, Look};
use super::ids::IdsMut;
use super::samples::{SampleKind, SampleType, swap_bytes};
use crate::base::files::open_regular;
use crate::base::formats::StoredIds;

/// PGMs of 8 or 16 bits, in bytes or digits.
pub(super) static PGM: ImageKind = ImageKind {
    name: "PGM",
    extensions: &["pgm"],
    recognises: |head| head.starts_with(b"P2") || head.starts_with(b"P5"),
    look: |path, stored| {
        if stored != StoredIds::Number {
            return Err(ImageError::NoColours(stored));
        }
        let (_, header, file_bytes) = open_pgm(path)?;
        let held = match header.encoding {
            SampleEncoding::Ascii => file_bytes,
            SampleEncoding::Binary => u64::from(header.width) * 2,
        };
        Ok(Look {
            working_bytes: held.saturating_add(DECODER_BYTES),
            ..Look::plain(
                [header.height as usize, header.width as usize],
                bits(&header),
            )
        })
    },
    read: read_pgm,
};

/// Lossless WebPs without colours, or of colours where these are ids.
pub(super) static WEBP: ImageKind = ImageKind {
    name: "WebP",
    extensions: &["webp"],
    recognises: |head| head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"),
    look: |path, stored| {
        let decoder = open_webp(path)?;
        let [rows, columns] = size(&decoder);
        // The decoder works on pixels of 4 bytes, and gives out their colours.
        let pixels = rows as u64 * columns as u64 * 4;
        Ok(Look {
            working_bytes: decoder.total_bytes() + pixels + DECODER_BYTES,
            ..Look::plain(
                [rows, columns],
                match stored {
                    StoredIds::Number => 8,
                    StoredIds::Rgb | StoredIds::Bgr => 24,
                },
            )
        })
    },
    read: read_webp,
};

/// A file, and its length in bytes.
pub(super) fn open(path: &Path) -> Result<(BufReader<File>, u64), ImageError> {
    let file = open_regular(path).map_err(ImageError::Io)?;
    let file_bytes = file.metadata().map_err(ImageError::Io)?.len();
    Ok((BufReader::new(file), file_bytes))
}

fn from_image(kind: &str, error: image::ImageError) -> ImageError {
    match error {
        image::ImageError::IoError(error) => ImageError::from_decoder_io(error),
        image::ImageError::Unsupported(error) => {
            ImageError::Unsupported(format!("a {kind} feature that is not read: {error}"))
        }
        error => damaged(kind, error),
    }
}

pub(super) fn damaged(kind: &str, what: impl std::fmt::Display) -> ImageError {
    ImageError::Corrupt(format!("damaged, or no valid {kind}: {what}"))
}

/// Rows and columns.
fn size(decoder: &impl ImageDecoder) -> [usize; 2] {
    let (columns, rows) = decoder.dimensions();
    [rows as usize, columns as usize]
}

/// Bits of the samples of a PGM; those in digits may go beyond what its header says.
fn bits(header: &GraymapHeader) -> u8 {
    match header.encoding {
        SampleEncoding::Binary if header.maxwhite < 256 => 8,
        _ => 16,
    }
}

/// Reads an image that decodes to red, green and blue: all of them the id, or the colour that is.
fn read_webp(
    path: &Path,
    crop: Crop<'_>,
    mut out: IdsMut<'_>,
    scratch: &mut Vec<u8>,
) -> Result<(), ImageError> {
    let decoder = open_webp(path)?;
    crop.check(size(&decoder))?;
    let [_, columns] = crop.size;
    let bytes = usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX);
    if scratch.len() != bytes {
        // Fresh memory is not touched before the file has pixels for it.
        *scratch = vec![0; bytes];
    }
    decoder
        .read_image(scratch)
        .map_err(|error| from_image("WebP", error))?;
    let lines = scratch.chunks_exact(3 * columns.max(1));
    let lines = lines.skip(crop.x.start).take(crop.x.len());
    let mut ids = Vec::new();
    for (row, line) in lines.enumerate() {
        let pixels = line.chunks_exact(3);
        let pixels = pixels.skip(crop.y.start).take(crop.y.len());
        let mut out = out.part(row * crop.y.len()..(row + 1) * crop.y.len());
        if crop.stored != StoredIds::Number {
            crop.background.colours(crop.stored, pixels, out);
            continue;
        }
        ids.clear();
        for pixel in pixels {
            if pixel.iter().any(|&sample| sample != pixel[0]) {
                return Err(ImageError::NotIds("RGB colours".to_owned()));
            }
            let known = &crop.background.unsigned;
            ids.push(crop.background.id(pixel[0].into(), known));
        }
        out.put(&ids);
    }
    Ok(())
}

/// A file at its first sample, its header, and its length in bytes. `image` would stretch the
/// samples to 8 or 16 bits: only the header is its business.
fn open_pgm(path: &Path) -> Result<(BufReader<File>, GraymapHeader, u64), ImageError> {
    let (file, file_bytes) = open(path)?;
    let decoder = PnmDecoder::new(file).map_err(|error| from_image("PGM", error))?;
    let subtype = decoder.subtype();
    let (file, header) = decoder.into_inner();
    match header.as_graymap() {
        Some(&header) => Ok((file, header, file_bytes)),
        None => Err(ImageError::NotIds(match subtype {
            PnmSubtype::Bitmap(_) => "black and white pixels".to_owned(),
            PnmSubtype::Pixmap(_) => "RGB colours".to_owned(),
            _ => "an image of another Netpbm format than PGM".to_owned(),
        })),
    }
}

fn read_pgm(
    path: &Path,
    crop: Crop<'_>,
    mut out: IdsMut<'_>,
    scratch: &mut Vec<u8>,
) -> Result<(), ImageError> {
    let (mut file, header, file_bytes) = open_pgm(path)?;
    crop.check([header.height as usize, header.width as usize])?;
    let Crop {
        size,
        x,
        y,
        background,
        ..
    } = crop;
    let [rows, columns] = size;
    if out.is_empty() {
        return Ok(());
    }
    // A sample takes at least a byte, whichever way it is written.
    if rows as u64 * columns as u64 > file_bytes {
        return Err(ImageError::Corrupt(format!(
            "{rows} x {columns} pixels cannot come from a file of {file_bytes} bytes; it is cut short or damaged"
        )));
    }
    let pgm = |what: &str| damaged("PGM", what);
    if header.encoding == SampleEncoding::Ascii {
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(ImageError::from_decoder_io)?;
        let mut samples = text.split_ascii_whitespace();
        for row in 0..x.end {
            for column in 0..columns {
                let sample = samples.next().ok_or_else(|| pgm("samples are missing"))?;
                let id: u16 = sample.parse().map_err(|_| pgm("a sample is no number"))?;
                if row >= x.start && y.contains(&column) {
                    let to = (row - x.start) * y.len() + (column - y.start);
                    let id = background.id(id.into(), &background.unsigned);
                    out.part(to..to + 1).put(&[id]);
                }
            }
        }
        return Ok(());
    }
    let samples = SampleType {
        bits: bits(&header),
        kind: SampleKind::Unsigned,
    };
    let sample_bytes = usize::from(samples.bits / 8);
    let row_bytes = columns * sample_bytes;
    let skipped = (x.start * row_bytes) as i64;
    file.seek_relative(skipped).map_err(ImageError::Io)?;
    scratch.resize(row_bytes, 0);
    for (number, row) in x.enumerate() {
        let to = out.part(number * y.len()..(number + 1) * y.len());
        file.read_exact(scratch)
            .map_err(ImageError::from_decoder_io)?;
        // PGM is big endian.
        if cfg!(target_endian = "little") {
            swap_bytes(scratch, sample_bytes);
        }
        samples.ids(scratch, y.start, to, (row, y.start), y.len(), background)?;
    }
    Ok(())
}

fn open_webp(path: &Path) -> Result<WebPDecoder<BufReader<File>>, ImageError> {
    let (mut file, _) = open(path)?;
    if !is_lossless(&mut file).map_err(ImageError::from_decoder_io)? {
        return Err(ImageError::NotIds(
            "WebP's lossy compression, which changes ids".to_owned(),
        ));
    }
    file.rewind().map_err(ImageError::Io)?;
    let decoder = WebPDecoder::new(file).map_err(|error| from_image("WebP", error))?;
    match decoder.color_type() {
        ColorType::Rgb8 => Ok(decoder),
        _ => Err(ImageError::NotIds(
            "pixels with an alpha channel".to_owned(),
        )),
    }
}

/// Whether the first image of a WebP file is a lossless one, by its chunk `VP8L`.
fn is_lossless(file: &mut (impl BufRead + Seek)) -> std::io::Result<bool> {
    file.seek(SeekFrom::Start(12))?;
    loop {
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        match &head[..4] {
            b"VP8L" => return Ok(true),
            b"VP8 " | b"ANMF" => return Ok(false),
            _ => {}
        }
        let [.., a, b, c, d] = head;
        let bytes = u32::from_le_bytes([a, b, c, d]);
        file.seek_relative((i64::from(bytes) + 1) & !1)?;
    }
}
