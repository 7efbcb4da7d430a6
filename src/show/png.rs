//! PNG files of pictures and plots.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageResult};

/// The bytes of a PNG file of red, green and blue, of so many rows and columns.
pub(super) fn png_file(
    rgb: &[u8],
    [rows, columns]: [usize; 2],
    compression: CompressionType,
) -> ImageResult<Vec<u8>> {
    let size = |n: usize| u32::try_from(n).unwrap_or(0);
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, compression, FilterType::Adaptive).write_image(
        rgb,
        size(columns),
        size(rows),
        ExtendedColorType::Rgb8,
    )?;
    Ok(bytes)
}
