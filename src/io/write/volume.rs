//! A volume of any format: what it is made of, which files it becomes, and its beginning.

use std::path::{Path, PathBuf};

use super::gif::GifWriter;
use super::png::{PngSequenceWriter, slice_name};
use super::{OutputFolder, PixelType, TiffStackWriter, VolumeMetadata, VolumeSink, WriteError};

/// The form of a volume on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VolumeFormat {
    /// A TIFF stack, a page per slice: any pixel, any id, all metadata.
    Tiff,
    /// An endless animation, half a second per slice: for looking. Ids are shown in colours.
    Gif,
    /// A folder with a PNG per slice; ids as 16-bit numbers.
    PngSequence,
}

/// How the pixels of a TIFF are stored. PNG and GIF are always compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// As they are.
    None,
    /// Deflate (zlib), lossless, read by every TIFF reader.
    #[default]
    Deflate,
}

/// What the numbers mean, which decides how they are best compressed, and shown in a GIF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// Ids: runs of equal numbers.
    Labels,
    /// Brightness: smooth and noisy.
    Intensity,
}

/// Everything that is known about a volume before its first pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumeLayout {
    /// Size of the volume in pixels, (z, x, y): pages, rows, columns.
    pub shape: [usize; 3],
    /// Type of a pixel as it is given to the encoder. A PNG sequence stores labels of any width as 16 bit.
    pub pixel: PixelType,
    /// What the pixels mean.
    pub content: Content,
    /// How a TIFF stores them.
    pub compression: Compression,
    /// Physical size, text and channels.
    pub metadata: VolumeMetadata,
}

impl VolumeLayout {
    /// Bytes of a page as it is given to the encoder.
    pub(super) fn page_bytes(&self) -> usize {
        self.shape[1] * self.shape[2] * self.pixel.bytes()
    }

    pub(super) fn check_page(&self, pixels: &[u8]) -> Result<(), WriteError> {
        let expected = self.page_bytes();
        if pixels.len() == expected {
            return Ok(());
        }
        Err(WriteError::PageSize {
            expected,
            found: pixels.len(),
        })
    }
}

/// The files that [`create_volume`] writes: `<stem>.tiff`, `<stem>.gif`, or `<stem>/image_<index>.png` with
/// indices from 0, as many digits as the last one has.
#[must_use]
pub fn volume_files(stem: &Path, format: VolumeFormat, slices: usize) -> Vec<PathBuf> {
    let with = |extension: &str| {
        let mut path = stem.as_os_str().to_owned();
        path.push(extension);
        vec![PathBuf::from(path)]
    };
    match format {
        VolumeFormat::Tiff => with(".tiff"),
        VolumeFormat::Gif => with(".gif"),
        VolumeFormat::PngSequence => (0..slices)
            .map(|slice| stem.join(slice_name(slice, slices)))
            .collect(),
    }
}

/// Starts a volume below `output`; its [`volume_files`] must be among the announced files.
///
/// # Errors
/// When the format cannot hold the volume, its files were not announced, or the system refuses.
pub fn create_volume(
    output: &mut OutputFolder,
    stem: &Path,
    format: VolumeFormat,
    layout: VolumeLayout,
) -> Result<Box<dyn VolumeSink>, WriteError> {
    let files = volume_files(stem, format, layout.shape[0]);
    Ok(match format {
        VolumeFormat::PngSequence => {
            let folder = output.root().join(stem);
            PngSequenceWriter::check(&folder, &layout)?;
            Box::new(PngSequenceWriter::create(
                output.create_sequence(stem, &files)?,
                layout,
            ))
        }
        VolumeFormat::Tiff => Box::new(TiffStackWriter::create(output.create(&files[0])?, layout)?),
        VolumeFormat::Gif => Box::new(GifWriter::create(output.create(&files[0])?, layout)?),
    })
}
