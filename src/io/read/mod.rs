//! Reading label volumes: integer ids on a grid (z, x, y), from TIFF stacks, folders of images,
//! NumPy arrays and arrays in memory; and cells that have a volume each.
//!
//! [`open`] looks at headers and tags only; pixels are decoded by [`SliceReader`]s, one per
//! thread, slice by slice and no more of a slice than is asked for. Ids come as `u64` whatever
//! type the file stores, never rescaled and never inverted.
//!
//! A further format is one more file here, one more [`Format`] and one more arm in [`open`].

mod array;
mod cells;
mod description;
mod error;
mod folder;
mod natural_order;
mod npy;
mod png;
mod raw;
mod samples;
mod tiff_page;
mod tiff_stack;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

pub use array::ArraySource;
pub use cells::{CellSource, CellStack, SplittedCells, open_cells};
pub use error::ReadError;
pub use folder::ImageFolder;
pub use natural_order::natural_order;
pub use npy::NpyVolume;
pub use tiff_stack::TiffStack;

/// A label volume that can be read slice by slice.
pub trait VolumeSource: Send + Sync {
    /// Size in voxels, (z, x, y).
    fn shape(&self) -> [usize; 3];

    /// A new reader with its own file handles and decoder state. Take one per thread to decode
    /// slices in parallel.
    ///
    /// # Errors
    /// When the file cannot be opened any more.
    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError>;

    /// What is read, for people: path, format, size and sample type.
    fn describe(&self) -> String;

    /// Bits of the widest id that the samples can hold.
    fn bits(&self) -> u8 {
        64
    }

    /// The file of slice `z`, where each slice has its own.
    fn slice_path(&self, _z: usize) -> Option<&Path> {
        None
    }
}

impl<T: VolumeSource + ?Sized> VolumeSource for &T {
    fn shape(&self) -> [usize; 3] {
        (**self).shape()
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        (**self).slices()
    }

    fn describe(&self) -> String {
        (**self).describe()
    }

    fn bits(&self) -> u8 {
        (**self).bits()
    }

    fn slice_path(&self, z: usize) -> Option<&Path> {
        (**self).slice_path(z)
    }
}

/// Decodes slices of one [`VolumeSource`]; any order is allowed, increasing z is the fastest.
pub trait SliceReader: Send {
    /// Reads the voxels (x, y) of slice `z` into `out`, row after row: voxel (x, y) goes to
    /// `out[(x - x.start) * y.len() + (y - y.start)]`.
    ///
    /// # Errors
    /// When the data are damaged, cut short or hold a negative id; when the request leaves the
    /// volume or `out` has another length than the crop ([`ReadError::Request`]). `out` is then
    /// unspecified.
    fn read(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ReadError>;
}

/// The file formats a label volume is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// One TIFF file with a page per slice.
    TiffStack,
    /// A folder with one PNG or single-page TIFF file per slice.
    ImageSequence,
    /// One NumPy file with an array (z, x, y).
    Npy,
}

impl Format {
    /// The name that stands for the format in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TiffStack => "tiff",
            Self::ImageSequence => "image sequence",
            Self::Npy => "npy",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Opens a label volume. Without a `format` it is recognised: a folder is an image sequence, a
/// file that starts as TIFF or NumPy files do is one. Headers and tags are checked, no pixel is decoded.
///
/// # Errors
/// When the path is missing, unreadable, of another format than stated, or holds something else
/// than integer ids of one size and type.
pub fn open(path: &Path, format: Option<Format>) -> Result<Box<dyn VolumeSource>, ReadError> {
    let metadata = fs::metadata(path).map_err(|error| ReadError::io(path, None, error))?;
    let mismatch = |expected, found| ReadError::FormatMismatch {
        path: path.to_owned(),
        expected,
        found,
    };
    if metadata.is_dir() {
        return match format {
            None | Some(Format::ImageSequence) => Ok(Box::new(ImageFolder::open(path)?)),
            Some(expected) => Err(mismatch(expected, "a folder")),
        };
    }
    if !metadata.is_file() {
        return Err(ReadError::NotAFile {
            path: path.to_owned(),
        });
    }
    let path_buf = || path.to_owned();
    match (format, signature(path)?) {
        (Some(Format::ImageSequence), _) => Err(mismatch(Format::ImageSequence, "a file")),
        (Some(Format::Npy), Signature::Tiff) => Err(mismatch(Format::Npy, "a TIFF file")),
        (Some(Format::TiffStack), Signature::Npy) => {
            Err(mismatch(Format::TiffStack, "a NumPy array"))
        }
        (_, Signature::Tiff) => Ok(Box::new(TiffStack::open(path)?)),
        (_, Signature::Npy) => Ok(Box::new(NpyVolume::open(path)?)),
        (_, Signature::Png) => Err(ReadError::SinglePng { path: path_buf() }),
        (_, Signature::Zip) => Err(ReadError::Archive { path: path_buf() }),
        (_, Signature::Empty) => Err(ReadError::EmptyFile { path: path_buf() }),
        (_, Signature::Other) => Err(ReadError::UnknownFormat { path: path_buf() }),
    }
}

enum Signature {
    Tiff,
    Npy,
    Png,
    Zip,
    Empty,
    Other,
}

/// Recognises a file by its first bytes, since names lie.
fn signature(path: &Path) -> Result<Signature, ReadError> {
    let io_error = |error: io::Error| ReadError::io(path, None, error);
    let mut head = Vec::with_capacity(npy::MAGIC.len());
    let file = File::open(path).map_err(io_error)?;
    file.take(npy::MAGIC.len() as u64)
        .read_to_end(&mut head)
        .map_err(io_error)?;
    Ok(match head.as_slice() {
        [] => Signature::Empty,
        head if head == npy::MAGIC => Signature::Npy,
        head => match head.get(..4) {
            Some(b"II*\0" | b"MM\0*" | b"II+\0" | b"MM\0+") => Signature::Tiff,
            Some(b"\x89PNG") => Signature::Png,
            Some(b"PK\x03\x04") => Signature::Zip,
            _ => Signature::Other,
        },
    })
}

/// The errors that depend on the caller alone.
fn check_request(
    shape: [usize; 3],
    z: usize,
    x: &Range<usize>,
    y: &Range<usize>,
    out: &[u64],
) -> Result<(), ReadError> {
    let inside = z < shape[0]
        && x.start <= x.end
        && x.end <= shape[1]
        && y.start <= y.end
        && y.end <= shape[2];
    if inside && x.len().checked_mul(y.len()) == Some(out.len()) {
        return Ok(());
    }
    Err(ReadError::Request {
        shape,
        z,
        x: x.clone(),
        y: y.clone(),
        room: out.len(),
    })
}
