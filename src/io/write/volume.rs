//! What is known of a volume before its first pixel, in whatever format it is written.

use std::path::{Path, PathBuf};

use super::{Compression, PixelType, VolumeMetadata, WriteError};
use crate::base::formats::ChunkCodec;

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
    /// Size of the volume in pixels, (z, x, y): slices, rows, columns.
    pub shape: [usize; 3],
    /// Type of a pixel as it is given to the encoder.
    pub pixel: PixelType,
    /// What the pixels mean.
    pub content: Content,
    /// How they are stored where the format leaves the choice.
    pub compression: Compression,
    /// How they are cut and packed where the format has chunks.
    pub chunks: Chunks,
    /// Physical size, text and channels.
    pub metadata: VolumeMetadata,
}

/// How a format with chunks cuts and packs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunks {
    /// The codec; `None` takes the format's own, which depends on the content.
    pub codec: Option<ChunkCodec>,
    /// Most rows and columns of a file.
    pub shard: usize,
}

impl Default for Chunks {
    fn default() -> Self {
        Self {
            codec: None,
            shard: 1024,
        }
    }
}

/// What a run is, for formats that hold all of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// Place of the first voxel in the gel, (z, x, y) in nm.
    pub offset_nm: [f64; 3],
    /// Size of a pixel in the tissue, (z, x, y) in nm.
    pub tissue_nm: Option<[f64; 3]>,
    /// Factors of the expansion along (z, x, y).
    pub factors: Option<[f64; 3]>,
    /// The seed of all random numbers.
    pub seed: Option<u64>,
    /// The configuration, as TOML.
    pub configuration: Option<String>,
}

impl VolumeLayout {
    /// Images that make a slice: in a composite one for each channel, else one.
    pub(super) fn planes(&self) -> usize {
        match self.pixel.samples() {
            1 => self.metadata.channels.len().max(1),
            _ => 1,
        }
    }

    /// Bytes of a page as it is given to the encoder.
    pub(super) fn page_bytes(&self) -> usize {
        self.shape[1] * self.shape[2] * self.pixel.bytes()
    }

    /// Fails where these are not the pixels of all planes of a slice.
    pub(super) fn check_slice(&self, pixels: &[u8]) -> Result<(), WriteError> {
        let expected = self.page_bytes() * self.planes();
        if pixels.len() == expected {
            return Ok(());
        }
        Err(WriteError::PageSize {
            expected,
            found: pixels.len(),
        })
    }
}

/// A path with something behind its name, whatever dots that has.
pub(super) fn with_extension(stem: &Path, extension: &str) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(extension);
    PathBuf::from(path)
}

/// Counts the slices of a volume that is written one slice at a time.
pub(super) struct SliceCount {
    /// The volume, for messages.
    pub path: PathBuf,
    slices: usize,
    appended: usize,
}

impl SliceCount {
    pub(super) fn new(path: PathBuf, layout: &VolumeLayout) -> Self {
        Self {
            path,
            slices: layout.shape[0],
            appended: 0,
        }
    }

    /// The number of the next slice.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn next(&mut self) -> Result<usize, WriteError> {
        if self.appended == self.slices {
            return Err(self.wrong(self.appended + 1));
        }
        self.appended += 1;
        Ok(self.appended - 1)
    }

    /// Whether all are there.
    ///
    /// # Errors
    /// When one is missing.
    pub(super) fn finish(&self) -> Result<(), WriteError> {
        if self.appended != self.slices {
            return Err(self.wrong(self.appended));
        }
        Ok(())
    }

    fn wrong(&self, found: usize) -> WriteError {
        WriteError::PageCount {
            path: self.path.clone(),
            expected: self.slices,
            found,
        }
    }
}
