//! The tags of a TIFF stack, through the `tiff` crate's encoder of directories.

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use tiff::TiffError;
use tiff::encoder::{DirectoryEncoder, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard};
use tiff::tags::{CompressionMethod, PhotometricInterpretation, ResolutionUnit, SampleFormat, Tag};

use super::super::metadata::Extremes;
use super::super::{Compression, PixelType, VolumeLayout};
use super::imagej::ramp;

/// ImageJ's private tags: a block of texts and colours, and the lengths of its parts.
const IMAGEJ_BYTE_COUNTS: Tag = Tag::Unknown(50_838);
const IMAGEJ_METADATA: Tag = Tag::Unknown(50_839);

/// Appends a page: its strips, then its directory.
pub(super) fn append_page<W: Write + Seek, K: TiffKind>(
    tiff: &mut TiffEncoder<W, K>,
    layout: &VolumeLayout,
    page: &[Vec<u8>],
    first: bool,
) -> Result<Option<Places>, TiffError> {
    let mut directory = tiff.image_directory()?;
    let mut strips = Vec::with_capacity(page.len());
    for strip in page {
        strips.push((directory.write_data(strip.as_slice())?, strip.len() as u64));
    }
    write_tags(directory, layout, &strips, first)
}

/// Where in a file its texts lie that are written once more, with the values that were seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    description: u64,
    block: u64,
}

/// Texts of the first page. Their lengths do not depend on the values that were seen.
struct Texts {
    description: String,
    lengths: Vec<u32>,
    block: Vec<u8>,
}

impl Texts {
    fn new(layout: &VolumeLayout, seen: Option<&[Extremes]>) -> Self {
        let (slices, planes, metadata) = (layout.shape[0], layout.planes(), &layout.metadata);
        let shown = seen.and_then(|channels| channels.first().copied());
        let mut description = metadata.imagej_description(slices, planes, shown);
        if layout.tells_extremes() {
            let widest = metadata.imagej_description(slices, planes, Some([-f64::MIN_POSITIVE; 2]));
            let missing = widest.len().saturating_sub(description.len());
            description.extend(std::iter::repeat_n('\n', missing));
        }
        let unseen = vec![[0.0; 2]; planes];
        let (lengths, block) = metadata.imagej_block(slices, planes, seen.unwrap_or(&unseen));
        Self {
            description,
            lengths,
            block,
        }
    }
}

/// Writes into a complete file what was seen of its channels.
pub(super) fn tell_extremes<W: Write + Seek>(
    file: &mut W,
    layout: &VolumeLayout,
    places: Places,
    seen: &[Extremes],
) -> io::Result<()> {
    let texts = Texts::new(layout, Some(seen));
    file.seek(SeekFrom::Start(places.description))?;
    file.write_all(texts.description.as_bytes())?;
    file.seek(SeekFrom::Start(places.block))?;
    file.write_all(&texts.block)
}

/// Everything before the pixels of an uncompressed stack: the header and all directories. The
/// pixels of all pages follow without a gap, which is how ImageJ and tifffile read
/// uncompressed files that carry ImageJ's description, whatever their directories say.
pub(super) fn uncompressed_head(
    layout: &VolumeLayout,
) -> Result<(Vec<u8>, Option<Places>), TiffError> {
    let head = |pixels_at| {
        if layout.is_big() {
            all_directories::<TiffKindBig>(layout, pixels_at)
        } else {
            all_directories::<TiffKindStandard>(layout, pixels_at)
        }
    };
    // Its length does not depend on the offsets in it.
    let pixels_at = head(0)?.0.len().next_multiple_of(8);
    let (mut bytes, places) = head(pixels_at as u64)?;
    bytes.resize(pixels_at, 0);
    Ok((bytes, places))
}

fn all_directories<K: TiffKind>(
    layout: &VolumeLayout,
    pixels_at: u64,
) -> Result<(Vec<u8>, Option<Places>), TiffError> {
    let strip_bytes = (layout.row_bytes() * layout.rows_per_strip()) as u64;
    let page_bytes = layout.row_bytes() as u64 * layout.shape[1] as u64;
    let mut bytes = Cursor::new(Vec::new());
    let mut tiff = TiffEncoder::<_, K>::new_generic(&mut bytes)?;
    let mut places = None;
    for page in 0..(layout.shape[0] * layout.planes()) as u64 {
        let strips: Vec<_> = (0..page_bytes.div_ceil(strip_bytes))
            .map(|strip| {
                let start = strip * strip_bytes;
                let length = strip_bytes.min(page_bytes - start);
                (pixels_at + page * page_bytes + start, length)
            })
            .collect();
        let written = write_tags(tiff.image_directory()?, layout, &strips, page == 0)?;
        places = places.or(written);
    }
    Ok((bytes.into_inner(), places))
}

/// Writes a page's directory. `strips` are offsets and lengths in bytes. Returns where the texts of
/// the first one lie.
fn write_tags<W: Write + Seek, K: TiffKind>(
    mut directory: DirectoryEncoder<'_, W, K>,
    layout: &VolumeLayout,
    strips: &[(u64, u64)],
    first: bool,
) -> Result<Option<Places>, TiffError> {
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
    let [along_y, along_x] = layout.metadata.resolution();
    directory.write_tag(Tag::XResolution, along_y)?;
    directory.write_tag(Tag::YResolution, along_x)?;
    // The unit, µm, is named in the description: TIFF itself knows inches and centimetres.
    directory.write_tag(Tag::ResolutionUnit, ResolutionUnit::None.to_u16())?;
    if let Some(channel) = layout.coloured() {
        // Beside a grey photometric interpretation it changes no value; ImageJ shows the stack in
        // its colours, and looks for those of one channel nowhere else. It is on every page, since
        // ImageJ takes pages with and without it for different types.
        let colours = ramp(channel.colour).into_iter();
        let colours: Vec<u16> = colours.map(|part| u16::from(part) * 257).collect();
        directory.write_tag(Tag::ColorMap, colours.as_slice())?;
    }
    let mut places = None;
    if first {
        let texts = Texts::new(layout, None);
        // A value of more than some bytes lies where the next data would.
        let description = directory.write_data::<&[u8]>(&[])?;
        directory.write_tag(Tag::ImageDescription, texts.description.as_str())?;
        directory.write_tag(Tag::Software, "simexm-gpu")?;
        directory.write_tag(IMAGEJ_BYTE_COUNTS, texts.lengths.as_slice())?;
        let block = directory.write_data::<&[u8]>(&[])?;
        directory.write_tag(IMAGEJ_METADATA, texts.block.as_slice())?;
        places = Some(Places { description, block });
    }
    directory.finish()?;
    Ok(places)
}
