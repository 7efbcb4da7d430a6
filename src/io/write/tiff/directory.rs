//! The tags of a TIFF stack, through the `tiff` crate's encoder of directories.

use std::io::{Cursor, Seek, Write};

use tiff::TiffError;
use tiff::encoder::{DirectoryEncoder, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard};
use tiff::tags::{
    CompressionMethod, PhotometricInterpretation, Predictor, ResolutionUnit, SampleFormat, Tag,
};

use super::super::{Compression, EncodedPiece, PixelType, VolumeLayout};

/// ImageJ's private tags: a block of texts and colours, and the lengths of its parts.
const IMAGEJ_BYTE_COUNTS: Tag = Tag::Unknown(50_838);
const IMAGEJ_METADATA: Tag = Tag::Unknown(50_839);

/// Appends a page: its strips, then its directory.
pub(super) fn append_page<W: Write + Seek, K: TiffKind>(
    tiff: &mut TiffEncoder<W, K>,
    layout: &VolumeLayout,
    page: &EncodedPiece,
    first: bool,
) -> Result<(), TiffError> {
    let mut directory = tiff.image_directory()?;
    let mut strips = Vec::with_capacity(page.parts.len());
    for strip in &page.parts {
        strips.push((directory.write_data(strip.as_slice())?, strip.len() as u64));
    }
    write_tags(directory, layout, &strips, first)
}

/// Everything before the pixels of an uncompressed stack: the header and all directories. The
/// pixels of all pages follow without a gap, which is how ImageJ and tifffile read
/// uncompressed files that carry ImageJ's description, whatever their directories say.
pub(super) fn uncompressed_head(layout: &VolumeLayout) -> Result<Vec<u8>, TiffError> {
    let head = |pixels_at| {
        if layout.is_big() {
            all_directories::<TiffKindBig>(layout, pixels_at)
        } else {
            all_directories::<TiffKindStandard>(layout, pixels_at)
        }
    };
    // Its length does not depend on the offsets in it.
    let pixels_at = head(0)?.len().next_multiple_of(8);
    let mut bytes = head(pixels_at as u64)?;
    bytes.resize(pixels_at, 0);
    Ok(bytes)
}

fn all_directories<K: TiffKind>(
    layout: &VolumeLayout,
    pixels_at: u64,
) -> Result<Vec<u8>, TiffError> {
    let strip_bytes = (layout.row_bytes() * layout.rows_per_strip()) as u64;
    let page_bytes = layout.row_bytes() as u64 * layout.shape[1] as u64;
    let mut bytes = Cursor::new(Vec::new());
    let mut tiff = TiffEncoder::<_, K>::new_generic(&mut bytes)?;
    for z in 0..layout.shape[0] as u64 {
        let strips: Vec<_> = (0..page_bytes.div_ceil(strip_bytes))
            .map(|strip| {
                let start = strip * strip_bytes;
                let length = strip_bytes.min(page_bytes - start);
                (pixels_at + z * page_bytes + start, length)
            })
            .collect();
        write_tags(tiff.image_directory()?, layout, &strips, z == 0)?;
    }
    Ok(bytes.into_inner())
}

/// Writes a page's directory. `strips` are offsets and lengths in bytes.
fn write_tags<W: Write + Seek, K: TiffKind>(
    mut directory: DirectoryEncoder<'_, W, K>,
    layout: &VolumeLayout,
    strips: &[(u64, u64)],
    first: bool,
) -> Result<(), TiffError> {
    let samples = layout.pixel.samples();
    let compression = match layout.compression {
        Compression::None => CompressionMethod::None,
        Compression::Deflate => CompressionMethod::Deflate,
    };
    let photometric = match layout.pixel {
        PixelType::Rgb8 | PixelType::Rgb16 => PhotometricInterpretation::RGB,
        _ => PhotometricInterpretation::BlackIsZero,
    };
    let offsets = strips.iter().map(|&(offset, _)| K::convert_offset(offset));
    let offsets: Vec<_> = offsets.collect::<Result<_, _>>()?;
    let lengths = strips.iter().map(|&(_, bytes)| K::convert_offset(bytes));
    let lengths: Vec<_> = lengths.collect::<Result<_, _>>()?;

    directory.write_tag(Tag::ImageWidth, layout.shape[2] as u32)?;
    directory.write_tag(Tag::ImageLength, layout.shape[1] as u32)?;
    let bits = (layout.pixel.sample_bytes() * 8) as u16;
    directory.write_tag(Tag::BitsPerSample, vec![bits; samples].as_slice())?;
    directory.write_tag(Tag::Compression, compression.to_u16())?;
    directory.write_tag(Tag::PhotometricInterpretation, photometric.to_u16())?;
    directory.write_tag(Tag::StripOffsets, K::convert_slice(&offsets))?;
    directory.write_tag(Tag::SamplesPerPixel, samples as u16)?;
    directory.write_tag(Tag::RowsPerStrip, layout.rows_per_strip() as u32)?;
    directory.write_tag(Tag::StripByteCounts, K::convert_slice(&lengths))?;
    directory.write_tag(Tag::PlanarConfiguration, 1u16)?;
    let format = match layout.pixel {
        PixelType::Float32 => SampleFormat::IEEEFP,
        _ => SampleFormat::Uint,
    };
    let formats = vec![format.to_u16(); samples];
    directory.write_tag(Tag::SampleFormat, formats.as_slice())?;
    if layout.predictor() != Predictor::None {
        directory.write_tag(Tag::Predictor, layout.predictor().to_u16())?;
    }
    let [along_y, along_x] = layout.metadata.resolution();
    directory.write_tag(Tag::XResolution, along_y)?;
    directory.write_tag(Tag::YResolution, along_x)?;
    // The unit, µm, is named in the description: TIFF itself knows inches and centimetres.
    directory.write_tag(Tag::ResolutionUnit, ResolutionUnit::None.to_u16())?;
    if first {
        let text = layout.metadata.imagej_description(layout.shape[0]);
        directory.write_tag(Tag::ImageDescription, text.as_str())?;
        directory.write_tag(Tag::Software, "simexm-gpu")?;
        let (counts, block) = layout.metadata.imagej_block(layout.shape[0]);
        directory.write_tag(IMAGEJ_BYTE_COUNTS, counts.as_slice())?;
        directory.write_tag(IMAGEJ_METADATA, block.as_slice())?;
    }
    directory.finish()
}
