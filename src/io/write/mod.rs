//! Writing volumes. Pages are encoded by a [`PageEncoder`], which any number of threads may share,
//! and appended in order to a [`VolumeSink`]; so compression runs in parallel, the file grows page
//! by page, and its bytes do not depend on the number of threads.
//!
//! Files are written beside their final place and renamed when a run has succeeded: see
//! [`OutputFolder`]. [`create_volume`] starts a volume in any [`VolumeFormat`]; a further format is one more
//! module here that implements the two traits.

mod error;
mod gif;
mod lock;
mod manifest;
mod metadata;
mod png;
mod staging;
#[cfg(test)]
mod tests;
mod tiff;
mod volume;

use std::sync::Arc;

pub use error::WriteError;
pub use lock::FolderLock;
pub use manifest::ManifestEntry;
pub use metadata::{ChannelInfo, VolumeMetadata};
pub use staging::{OutputFolder, StagedFile, StagedSequence};
pub use tiff::TiffStackWriter;
pub use volume::{Compression, Content, VolumeFormat, VolumeLayout, create_volume, volume_files};

/// What a pixel of a volume is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelType {
    /// One unsigned byte.
    Gray8,
    /// One unsigned 16-bit number.
    Gray16,
    /// One unsigned 32-bit number.
    Gray32,
    /// One unsigned 64-bit number.
    Gray64,
    /// One 32-bit floating point number (IEEE 754).
    Float32,
    /// Red, green and blue, a byte each, next to one another.
    Rgb8,
    /// Red, green and blue, unsigned 16-bit numbers, next to one another.
    Rgb16,
}

impl PixelType {
    /// The narrowest gray type that holds `largest`.
    #[must_use]
    pub const fn for_ids(largest: u64) -> Self {
        match largest {
            0..=0xff => Self::Gray8,
            0x100..=0xffff => Self::Gray16,
            0x1_0000..=0xffff_ffff => Self::Gray32,
            _ => Self::Gray64,
        }
    }

    /// Samples per pixel.
    #[must_use]
    pub const fn samples(self) -> usize {
        match self {
            Self::Rgb8 | Self::Rgb16 => 3,
            _ => 1,
        }
    }

    /// Bytes per sample.
    #[must_use]
    pub const fn sample_bytes(self) -> usize {
        match self {
            Self::Gray8 | Self::Rgb8 => 1,
            Self::Gray16 | Self::Rgb16 => 2,
            Self::Gray32 | Self::Float32 => 4,
            Self::Gray64 => 8,
        }
    }

    /// Bytes per pixel.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.samples() * self.sample_bytes()
    }
}

/// A page ready to be appended to the sink whose encoder made it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedPage {
    /// The strips of a TIFF page, a PNG file, or the pixels of a GIF frame and its own colours.
    pieces: Vec<Vec<u8>>,
}

impl EncodedPage {
    /// Size in memory, in bytes: what a queue of pages has to account for.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }
}

/// Turns pixels into the bytes of a page: the costly half of writing. It keeps no state, so
/// threads share it, and equal pixels give equal bytes.
pub trait PageEncoder: Send + Sync {
    /// Encodes a page: rows x from top to bottom, within them columns y, samples of more than
    /// one byte in the machine's byte order.
    ///
    /// # Errors
    /// When `pixels` is not one page long, or holds an id that the format cannot.
    fn encode(&self, pixels: &[u8]) -> Result<EncodedPage, WriteError>;
}

/// A volume on its way to the disk.
pub trait VolumeSink: Send {
    /// The encoder for this sink's pages.
    fn encoder(&self) -> Arc<dyn PageEncoder>;

    /// Appends the next page, z = 0 first.
    ///
    /// # Errors
    /// When the file cannot be written, or is complete already.
    fn append(&mut self, page: EncodedPage) -> Result<(), WriteError>;

    /// Completes the volume and brings it to the disk (fsync).
    ///
    /// # Errors
    /// When pages are missing or the file cannot be written.
    fn finish(self: Box<Self>) -> Result<(), WriteError>;
}
