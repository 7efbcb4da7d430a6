//! ImageJ's large stacks: one directory, `images=N` in its description, and the pixels of all N
//! slices one after the other behind the first. TIFF readers that go by directories see one page.

use tiff::decoder::ChunkType;
use tiff::tags::{CompressionMethod, Tag};

use super::error::ImageError;
use super::tiff_page::{Page, TiffDecoder, from_tiff};

/// ImageJ's description is far shorter; only its beginning matters.
const DESCRIPTION_BYTES: usize = 4096;

/// Where the slices of a contiguous stack lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contiguous {
    pub slices: usize,
    /// Position of the first pixel in the file.
    pub offset: u64,
}

/// Looks for a contiguous stack behind the only page of a file.
pub(super) fn contiguous(
    decoder: &mut TiffDecoder,
    page: &Page,
    file_bytes: u64,
) -> Result<Option<Contiguous>, ImageError> {
    let Some(slices) = images(&description(decoder)?).filter(|&n| n > 1) else {
        return Ok(None);
    };
    let whole_samples = page.samples.bits >= 8;
    if page.compression != CompressionMethod::None
        || decoder.get_chunk_type() != ChunkType::Strip
        || !whole_samples
    {
        return Ok(None);
    }
    let offsets = list(decoder, Tag::StripOffsets)?;
    let counts = list(decoder, Tag::StripByteCounts)?;
    let Some(&offset) = offsets.first() else {
        return Ok(None);
    };
    let adjoining = offsets
        .windows(2)
        .zip(&counts)
        .all(|(pair, &bytes)| pair[0].checked_add(bytes) == Some(pair[1]));
    if !adjoining {
        return Ok(None);
    }
    let needed = page
        .samples
        .row_bytes(page.columns)
        .and_then(|row| row.checked_mul(page.rows))
        .and_then(|bytes| bytes.checked_mul(slices));
    match needed {
        Some(needed) if needed as u64 <= file_bytes.saturating_sub(offset) => {
            Ok(Some(Contiguous { slices, offset }))
        }
        _ => Err(ImageError::Corrupt(format!(
            "its ImageJ description announces {slices} slices of {page}, but the file ends after {} bytes of pixels; it is cut short",
            file_bytes.saturating_sub(offset)
        ))),
    }
}

fn list(decoder: &mut TiffDecoder, tag: Tag) -> Result<Vec<u64>, ImageError> {
    let values = decoder.find_tag_unsigned_vec(tag).map_err(from_tiff)?;
    Ok(values.unwrap_or_default())
}

/// Read as bytes: ImageJ has written Latin-1, which the decoder's text type refuses.
fn description(decoder: &mut TiffDecoder) -> Result<String, ImageError> {
    let mut ifd = decoder.image_ifd();
    let Some(entry) = ifd.find_entry(Tag::ImageDescription) else {
        return Ok(String::new());
    };
    let length = usize::try_from(entry.count()).unwrap_or(DESCRIPTION_BYTES);
    let mut bytes = vec![0; length.min(DESCRIPTION_BYTES)];
    ifd.find_tag_bytes(Tag::ImageDescription, &mut bytes, 0)
        .map_err(from_tiff)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn images(description: &str) -> Option<usize> {
    description.strip_prefix("ImageJ=")?;
    description
        .lines()
        .find_map(|line| line.trim_end_matches('\0').strip_prefix("images="))?
        .trim()
        .parse()
        .ok()
}
