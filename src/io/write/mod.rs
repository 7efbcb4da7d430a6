//! Writing volumes. A [`WriteFormat`] is one module here and one row of [`WRITE_FORMATS`].
//!
//! Slices are joined to the pieces that the format stores as one, see [`SliceWriter`]; a
//! [`PieceEncoder`], which any number of threads may share, encodes them, and they are appended in
//! order to a [`VolumeSink`]. So compression runs in parallel, files grow piece by piece, and their
//! bytes do not depend on the number of threads.
//!
//! Files are written beside their final place and renamed when a run has succeeded: see
//! [`OutputFolder`].

mod error;
mod gif;
mod inputs;
mod lock;
mod manifest;
mod metadata;
mod ome_zarr;
mod png;
mod slices;
mod staging;
#[cfg(test)]
mod tests;
mod tiff;
mod volume;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use crate::base::formats::{Compression, OutputFormat};
pub use error::WriteError;
pub use inputs::InputFiles;
pub use lock::FolderLock;
pub use manifest::ManifestEntry;
pub use metadata::{ChannelInfo, VolumeMetadata};
pub use ome_zarr::{Container, PartSinks, ShardStore, Stored};
pub use slices::{SliceWriter, pieces};
pub use staging::{OutputFolder, StagedFile, StagedTree, Target};
pub use tiff::TiffStackWriter;
pub use volume::{About, Chunks, Content, VolumeLayout};

use crate::base::choice::Choice;

/// The formats that volumes are written in, in the order in which messages list them; the first is
/// the default.
pub static WRITE_FORMATS: &[&dyn WriteFormat] = &[
    &tiff::TIFF,
    &gif::GIF,
    &png::PNG_SEQUENCE,
    &ome_zarr::OME_ZARR,
];

/// The format that holds 32-bit floating-point numbers.
pub static FLOAT_FORMAT: &dyn WriteFormat = &tiff::TIFF;

impl Choice for OutputFormat {
    fn all() -> Vec<Self> {
        WRITE_FORMATS.iter().map(|row| row.format()).collect()
    }

    fn as_str(self) -> &'static str {
        self.name
    }
}

/// The row of a format.
///
/// # Panics
/// Never: every [`OutputFormat`] is one of a row.
#[must_use]
pub fn writer(format: OutputFormat) -> &'static dyn WriteFormat {
    let row = WRITE_FORMATS.iter().find(|row| row.format() == format);
    *row.expect("every output format is one of a row")
}

/// A format that volumes are written in.
pub trait WriteFormat: Sync {
    /// What others know it by.
    fn format(&self) -> OutputFormat;

    /// The file or folder that a volume becomes; `stem` is its path without an extension.
    fn target(&self, stem: &Path) -> Target;

    /// What volumes become that are written together.
    fn targets(&self, stems: &[(PathBuf, Content)]) -> Vec<Target> {
        stems.iter().map(|(stem, _)| self.target(stem)).collect()
    }

    /// How it stores ids.
    fn ids(&self) -> IdStorage;

    /// True where it holds channels of 32-bit floating-point numbers.
    fn holds_floats(&self) -> bool {
        false
    }

    /// Upper bound of a volume's bytes on the disk, whatever its pixels.
    fn most_bytes(&self, layout: &VolumeLayout) -> u64;

    /// Starts a volume below `output`; its [`target`](Self::target) must have been announced there.
    ///
    /// # Errors
    /// When the format cannot hold the volume, it was not announced, or the system refuses.
    fn create(
        &self,
        output: &mut OutputFolder,
        stem: &Path,
        layout: VolumeLayout,
    ) -> Result<Box<dyn VolumeSink>, WriteError>;

    /// Starts all volumes of a run, in this order.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    fn create_all(
        &self,
        output: &mut OutputFolder,
        volumes: Vec<(PathBuf, VolumeLayout)>,
        _about: &About,
    ) -> Result<Vec<Box<dyn VolumeSink>>, WriteError> {
        let volumes = volumes.into_iter();
        volumes
            .map(|(stem, layout)| self.create(output, &stem, layout))
            .collect()
    }
}

/// How a format stores ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdStorage {
    /// As numbers, up to this one.
    Numbers(u64),
    /// As one of 256 colours: it takes the numbers of the cells in the order of their ids, of 32
    /// bits, so that neighbours in that order differ.
    Colours,
}

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

/// A piece of a volume, ready to be appended to the sink whose encoder made it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedPiece {
    /// What the sink keeps apart: the strips of a TIFF page, or the pixels of a GIF frame and its
    /// own colours.
    parts: Vec<Vec<u8>>,
}

impl EncodedPiece {
    /// Size in memory, in bytes: what a queue of pieces has to account for.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }
}

/// Turns pixels into the bytes of a piece: the costly half of writing. It keeps no state, so
/// threads share it, and equal pixels give equal bytes.
pub trait PieceEncoder: Send + Sync {
    /// Encodes the slices of a piece: rows x from top to bottom, within them columns y, samples of
    /// more than one byte in the machine's byte order.
    ///
    /// # Errors
    /// When `pixels` is not one piece long, or holds an id that the format cannot.
    fn encode(&self, pixels: &[u8]) -> Result<EncodedPiece, WriteError>;
}

/// A volume on its way to the disk.
pub trait VolumeSink: Send {
    /// The encoder for this sink's pieces.
    fn encoder(&self) -> Arc<dyn PieceEncoder>;

    /// Appends the next piece, that of z = 0 first.
    ///
    /// # Errors
    /// When the files cannot be written, or are complete already.
    fn append(&mut self, piece: EncodedPiece) -> Result<(), WriteError>;

    /// Completes the volume and brings it to the disk (fsync).
    ///
    /// # Errors
    /// When pieces are missing or the files cannot be written.
    fn finish(self: Box<Self>) -> Result<(), WriteError>;
}
