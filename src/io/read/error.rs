//! What can be wrong with a label volume on disk.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Format;

/// Why a volume could not be opened or read. Slices, pages and pixels are counted from 0.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing has this path.
    #[error("{path}: there is no such file or folder")]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{}: cannot be read: {error}", place(path, *slice))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The slice that was being read.
        slice: Option<usize>,
        /// The system's reason.
        error: io::Error,
    },
    /// A device, socket or pipe.
    #[error("{path}: is neither a regular file nor a folder")]
    NotAFile {
        /// The path as given.
        path: PathBuf,
    },
    /// A file of length 0.
    #[error("{path}: the file is empty")]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// A file of an unknown kind.
    #[error(
        "{path}: is not a TIFF file; a volume is a TIFF stack, or a folder with one PNG or TIFF image per slice"
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// One PNG where a volume belongs.
    #[error("{path}: is a single PNG image; give the folder that holds one image per slice")]
    SinglePng {
        /// The file.
        path: PathBuf,
    },
    /// The stated format is not that of the path.
    #[error(
        "{path}: is {found}, but format = \"{expected}\" was given{}",
        remedy(*expected)
    )]
    FormatMismatch {
        /// The path as given.
        path: PathBuf,
        /// The format as given.
        expected: Format,
        /// What lies there.
        found: &'static str,
    },
    /// A folder without slices.
    #[error("{path}: the folder holds no .tif, .tiff or .png image")]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Two files of a folder seem to be the same slice.
    #[error(
        "{first} and {second} differ only in their extension: two images of one slice; remove one of them"
    )]
    Twins {
        /// The first of the two.
        first: PathBuf,
        /// The second.
        second: PathBuf,
    },
    /// A stack where a single image belongs.
    #[error(
        "{path}: is a TIFF stack of several pages, but each image of a folder is one slice; give the path of the stack itself"
    )]
    MultiPage {
        /// The file.
        path: PathBuf,
    },
    /// The pixels are no ids.
    #[error(
        "{}: holds {found}, but cell ids are needed: one gray sample per pixel, whole numbers of 8, 16, 32 or 64 bits",
        place(path, *slice)
    )]
    NotIds {
        /// The file.
        path: PathBuf,
        /// The page of a stack.
        slice: Option<usize>,
        /// What the pixels are.
        found: String,
    },
    /// A feature of the file format that is not read.
    #[error("{}: {feature}", place(path, *slice))]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The page of a stack.
        slice: Option<usize>,
        /// The feature, and what would be read instead.
        feature: String,
    },
    /// Two pages of a stack disagree.
    #[error(
        "{path}: page {page} is {found}, but page 0 is {first}; all slices must have one size and type"
    )]
    PagesDiffer {
        /// The file.
        path: PathBuf,
        /// The page that differs from page 0.
        page: usize,
        /// Its size and type.
        found: String,
        /// Those of page 0.
        first: String,
    },
    /// Two images of a folder disagree.
    #[error(
        "{second} is {} x {} pixels (rows x columns), but {first} is {} x {}; all slices must have one size",
        second_size[0], second_size[1], first_size[0], first_size[1]
    )]
    FilesDiffer {
        /// The first image of the folder.
        first: PathBuf,
        /// Its rows and columns.
        first_size: [usize; 2],
        /// The image that differs from it.
        second: PathBuf,
        /// Its rows and columns.
        second_size: [usize; 2],
    },
    /// The file is cut short or damaged.
    #[error("{}: {reason}", place(path, *slice))]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The slice that was being read.
        slice: Option<usize>,
        /// What was found.
        reason: String,
    },
    /// A signed image with a value below 0.
    #[error(
        "{}: the pixel in row {x}, column {y} is {value}; cell ids cannot be negative",
        place(path, *slice)
    )]
    Negative {
        /// The file.
        path: PathBuf,
        /// The slice of a stack.
        slice: Option<usize>,
        /// Row of the pixel.
        x: usize,
        /// Column of the pixel.
        y: usize,
        /// Its value.
        value: i64,
    },
    /// The part asked for leaves the volume.
    #[error(
        "{volume}: has {} voxels (z, x, y), but offset {} with bounds {} goes beyond them; {}",
        triple(*shape, " x "), triple(*offset, ", "), triple(*bounds, ", "), largest_crop(*shape, *offset)
    )]
    OutOfBounds {
        /// What was opened.
        volume: String,
        /// Its size, (z, x, y).
        shape: [usize; 3],
        /// The corner asked for.
        offset: [usize; 3],
        /// The size asked for.
        bounds: [usize; 3],
    },
    /// A call of [`super::SliceReader::read`] that cannot be met: a mistake of the caller.
    #[error(
        "slice {z}, rows {x:?}, columns {y:?} were asked for with room for {room} voxels, of a volume of {} voxels (z, x, y)",
        triple(*shape, " x ")
    )]
    Request {
        /// Size of the volume, (z, x, y).
        shape: [usize; 3],
        /// The slice asked for.
        z: usize,
        /// The rows asked for.
        x: Range<usize>,
        /// The columns asked for.
        y: Range<usize>,
        /// Length of the buffer given.
        room: usize,
    },
}

impl ReadError {
    /// The system's error, a missing path told apart.
    pub(super) fn io(path: &Path, slice: Option<usize>, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            _ => Self::Io { path, slice, error },
        }
    }
}

/// What is wrong with the image at hand; the caller knows its file and slice.
#[derive(Debug)]
pub(super) enum ImageError {
    Io(io::Error),
    NotIds(String),
    Unsupported(String),
    Corrupt(String),
    MultiPage,
    Negative { x: usize, y: usize, value: i64 },
}

impl ImageError {
    pub(super) fn at(self, path: &Path, slice: Option<usize>) -> ReadError {
        let path_buf = path.to_owned();
        match self {
            Self::Io(error) => ReadError::io(path, slice, error),
            Self::NotIds(found) => ReadError::NotIds {
                path: path_buf,
                slice,
                found,
            },
            Self::Unsupported(feature) => ReadError::Unsupported {
                path: path_buf,
                slice,
                feature,
            },
            Self::Corrupt(reason) => ReadError::Corrupt {
                path: path_buf,
                slice,
                reason,
            },
            Self::MultiPage => ReadError::MultiPage { path: path_buf },
            Self::Negative { x, y, value } => ReadError::Negative {
                path: path_buf,
                slice,
                x,
                y,
                value,
            },
        }
    }

    /// Tells damaged data from a failing disk: decoders report both as I/O errors.
    pub(super) fn from_decoder_io(error: io::Error) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof, WriteZero};
        if error.raw_os_error().is_some() {
            return Self::Io(error);
        }
        match error.kind() {
            UnexpectedEof => Self::Corrupt(
                "the data end before the image is complete; the file is cut short or damaged"
                    .to_owned(),
            ),
            InvalidData | InvalidInput | Other | WriteZero => {
                Self::Corrupt(format!("the compressed data are damaged ({error})"))
            }
            _ => Self::Io(error),
        }
    }
}

fn place(path: &Path, slice: Option<usize>) -> String {
    match slice {
        Some(slice) => format!("{}, slice {slice}", path.display()),
        None => path.display().to_string(),
    }
}

fn remedy(expected: Format) -> &'static str {
    match expected {
        Format::TiffStack => "; \"tiff\" is one file, a folder of images is \"image sequence\"",
        Format::ImageSequence => "; \"image sequence\" is a folder, a TIFF stack is \"tiff\"",
    }
}

pub(super) fn triple(v: [usize; 3], separator: &str) -> String {
    format!("{}{separator}{}{separator}{}", v[0], v[1], v[2])
}

fn largest_crop(shape: [usize; 3], offset: [usize; 3]) -> String {
    let rest = std::array::from_fn(|i| shape[i].saturating_sub(offset[i]));
    if rest.contains(&0) {
        "the offset must be below the size on every axis".to_owned()
    } else {
        format!(
            "the largest bounds from this offset are {}",
            triple(rest, ", ")
        )
    }
}
