//! Reading label volumes: integer ids on a grid (z, x, y), from TIFF stacks, folders of images,
//! NumPy arrays and arrays in memory; and cells that have a volume each.
//!
//! [`open`] looks at headers and tags only; pixels are decoded by [`SliceReader`]s, one per
//! thread, slice by slice and no more of a slice than is asked for. Ids come as `u64` whatever
//! type the file stores, never rescaled and never inverted.
//!
//! A format is one module here and one row of [`READ_FORMATS`].

mod array;
mod bmp;
mod cells;
mod chunked;
mod error;
mod folder;
mod foreign;
mod grey;
mod hdf5;
mod ids;
mod n5;
mod names;
mod natural_order;
mod npy;
mod options;
mod pattern;
mod pickle;
mod png;
mod precomputed;
mod raster;
mod raw;
mod samples;
mod tiff;
mod unchanged;
mod units;
mod upsampled;
mod zarr;

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use crate::base::formats::InputFormat;
pub use array::ArraySource;
pub use cells::{CellSource, CellStack, SplittedCells, open_cells};
pub use error::ReadError;
pub use folder::ImageFolder;
pub use grey::{float_channels, grey_stack};
pub(crate) use ids::of_any_width;
pub use ids::{Ids, IdsMut, id_bytes};
pub use natural_order::natural_order;
pub use npy::NpyVolume;
pub use options::ReadOptions;
pub use pattern::files;
pub use tiff::TiffStack;
pub use upsampled::Upsampled;

use crate::base::choice::Choice;
use crate::base::files::open_regular;
use crate::base::volume::VoxelBox;

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

    /// Reads the ids of a box inside the volume: slice after slice, each as [`SliceReader::read`]
    /// gives it.
    ///
    /// # Errors
    /// As [`SliceReader::read`].
    fn block(&self, region: &VoxelBox) -> Result<Vec<u64>, ReadError> {
        let mut ids = vec![0; region.voxels()];
        let mut reader = self.slices()?;
        let slices = ids.chunks_exact_mut(region.slice_voxels().max(1));
        for (slice, out) in slices.enumerate() {
            let (z, x, y) = region.slice(slice);
            reader.read(z, x, y, out)?;
        }
        Ok(ids)
    }

    /// Most bytes that a reader holds, beside what it reads into, while it reads slices of a part
    /// of the volume.
    fn working_bytes(&self, _part: &VoxelBox) -> u64 {
        0
    }

    /// Slices that are best read together, from a multiple of their number on: those that are
    /// packed together.
    fn slices_together(&self) -> usize {
        1
    }

    /// Gets ready what many readers are going to read of a part, on all threads, in place of what
    /// was before. Where slices are packed together, each is then unpacked once.
    ///
    /// # Errors
    /// As [`SliceReader::read`].
    fn gather(&self, _part: &VoxelBox) -> Result<(), ReadError> {
        Ok(())
    }

    /// Most bytes that [`gather`](Self::gather) takes for so many slices of a part; 0 where it does
    /// nothing.
    fn gathered_bytes(&self, _part: &VoxelBox, _slices: usize) -> u64 {
        0
    }

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

    /// The page of slice `z` in the file, counted from 0, where each slice has its own.
    fn slice_page(&self, _z: usize) -> Option<usize> {
        None
    }

    /// What the headers tell beside size and type.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// Checks that its files are those that were opened, and were not written to. To be asked when
    /// everything is read.
    ///
    /// # Errors
    /// [`ReadError::Changed`].
    fn unchanged(&self) -> Result<(), ReadError> {
        Ok(())
    }
}

/// What the headers of a volume tell beside its size and type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// What the user should look into of how it was read, clauses.
    pub notes: Vec<String>,
    /// Size of a voxel along z, x and y in nm, as far as it is told.
    pub voxel_nm: [Option<f64>; 3],
    /// Whether ids are the indices of a palette.
    pub is_palette: bool,
    /// Whether ids are floating point numbers, of which only reading tells that they are whole.
    pub is_float: bool,
    /// Channels of which one or all are read, where the file tells; otherwise 0.
    pub channels: usize,
    /// Time points of which one or all are read, where the file tells; otherwise 0.
    pub times: usize,
}

impl<T: VolumeSource + ?Sized> VolumeSource for &T {
    fn shape(&self) -> [usize; 3] {
        (**self).shape()
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        (**self).slices()
    }

    fn block(&self, region: &VoxelBox) -> Result<Vec<u64>, ReadError> {
        (**self).block(region)
    }

    fn working_bytes(&self, part: &VoxelBox) -> u64 {
        (**self).working_bytes(part)
    }

    fn slices_together(&self) -> usize {
        (**self).slices_together()
    }

    fn gather(&self, part: &VoxelBox) -> Result<(), ReadError> {
        (**self).gather(part)
    }

    fn gathered_bytes(&self, part: &VoxelBox, slices: usize) -> u64 {
        (**self).gathered_bytes(part, slices)
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

    fn slice_page(&self, z: usize) -> Option<usize> {
        (**self).slice_page(z)
    }

    fn facts(&self) -> Facts {
        (**self).facts()
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        (**self).unchanged()
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

    /// Reads as [`SliceReader::read`] does, into room that may be narrower than `u64`, though not
    /// than [`VolumeSource::bits`].
    ///
    /// # Errors
    /// As [`SliceReader::read`].
    #[doc(hidden)]
    fn read_ids(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        mut out: IdsMut<'_>,
    ) -> Result<(), ReadError> {
        if let IdsMut::U64(out) = out {
            return self.read(z, x, y, out);
        }
        let mut wide = vec![0; out.len()];
        self.read(z, x, y, &mut wide)?;
        out.put(&wide);
        Ok(())
    }
}

/// The formats that label volumes are read from, in the order in which messages list them. What
/// lies at a path is of the first that recognises it.
pub static READ_FORMATS: &[&dyn ReadFormat] = &[
    &tiff::FORMAT,
    &zarr::FORMAT,
    &n5::FORMAT,
    &precomputed::FORMAT,
    &folder::FORMAT,
    &npy::FORMAT,
    &hdf5::FORMAT,
];

impl Choice for InputFormat {
    fn all() -> Vec<Self> {
        READ_FORMATS.iter().map(|row| row.format()).collect()
    }

    fn as_str(self) -> &'static str {
        self.name
    }
}

/// A format that label volumes are read from.
pub trait ReadFormat: Sync {
    /// What others know it by.
    fn format(&self) -> InputFormat;

    /// Whether what lies at a path is of the format; names lie, so files are known by how they
    /// start.
    fn recognises(&self, found: &Found<'_>) -> bool;

    /// Opens a volume: checks headers and tags, and decodes no pixel.
    ///
    /// # Errors
    /// When it is damaged, or holds something else than integer ids of one size and type.
    fn open(&self, path: &Path, options: &ReadOptions) -> Result<Box<dyn VolumeSource>, ReadError>;
}

/// What lies at a path.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// This folder.
    Folder(&'a Path),
    /// A file that starts with these bytes.
    File(&'a [u8]),
}

impl Found<'_> {
    fn format(&self) -> Option<&'static dyn ReadFormat> {
        let row = READ_FORMATS.iter().find(|row| row.recognises(self));
        row.copied()
    }
}

/// Bytes by which files are recognised.
const HEAD_BYTES: usize = 2056;

/// How a file starts; `None` for a folder.
fn head(path: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    let io_error = |error: io::Error| ReadError::io(path, None, error);
    let metadata = fs::metadata(path).map_err(io_error)?;
    if metadata.is_dir() {
        return Ok(None);
    }
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let file = open_regular(path).map_err(io_error)?;
    file.take(HEAD_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(io_error)?;
    Ok(Some(head))
}

/// Opens a label volume. Without a `format` it is recognised: see [`READ_FORMATS`]. Headers and
/// tags are checked, no pixel is decoded.
///
/// # Errors
/// When the path is missing, unreadable, of another format than stated, or holds something else
/// than integer ids of one size and type.
pub fn open(path: &Path, format: Option<InputFormat>) -> Result<Box<dyn VolumeSource>, ReadError> {
    open_as(path, &format.into())
}

/// Opens a label volume as [`open`] does, as the user says that it is to be read.
///
/// # Errors
/// As [`open`]; and when a series, a channel or a time is chosen that is not there.
pub fn open_as(path: &Path, options: &ReadOptions) -> Result<Box<dyn VolumeSource>, ReadError> {
    let format = options.format;
    if let Some(matches) = pattern::matches(path) {
        return match &matches[..] {
            [] => Err(ReadError::NoMatch {
                pattern: path.to_owned(),
            }),
            [only] => open_as(only, options),
            _ => Ok(Box::new(ImageFolder::of_matches(path, &matches, options)?)),
        };
    }
    if let Some((file, dataset)) = in_file(path).filter(|_| options.dataset.is_none()) {
        let dataset = Some(dataset);
        let options = options.clone();
        return open_as(&file, &ReadOptions { dataset, ..options });
    }
    let head = head(path)?;
    let found = match &head {
        None => Found::Folder(path),
        Some(head) => Found::File(head),
    };
    match (found.format(), format) {
        (Some(row), format) if format.is_none_or(|format| format == row.format()) => {
            row.open(path, options)
        }
        (row, Some(expected)) if row.is_some() || expected.is_folder => {
            Err(ReadError::FormatMismatch {
                path: path.to_owned(),
                expected,
                found: match (found, row) {
                    (Found::Folder(_), _) => "folder",
                    (_, Some(row)) if !expected.is_folder => row.format().noun,
                    _ => "file",
                },
            })
        }
        _ => Err(unknown(path, &head.unwrap_or_default())),
    }
}

/// The file that a path goes through, and the rest of the path, which names something in it:
/// `cells.h5/volumes/labels`.
fn in_file(path: &Path) -> Option<(PathBuf, String)> {
    let file = path.ancestors().skip(1).find(|part| part.exists())?;
    let rest = path.strip_prefix(file).ok()?.to_str()?;
    file.is_file().then(|| (file.to_owned(), rest.to_owned()))
}

/// Whether something lies at a path that seems to be a volume.
pub(crate) fn recognises(path: &Path) -> bool {
    match head(path) {
        Ok(None) => Found::Folder(path).format().is_some(),
        Ok(Some(head)) => Found::File(&head).format().is_some(),
        Err(_) => false,
    }
}

/// The error for a file of no known format, which may be a known mistake.
fn unknown(path: &Path, head: &[u8]) -> ReadError {
    let path = path.to_owned();
    if head.is_empty() {
        return ReadError::EmptyFile { path };
    }
    if head.starts_with(b"PK\x03\x04") {
        return ReadError::Archive { path };
    }
    match (folder::image_kind(head), foreign::recognise(head)) {
        (Some(kind), _) => ReadError::SingleImage { path, kind },
        (None, Some((name, way))) => ReadError::Foreign { path, name, way },
        (None, None) => ReadError::UnknownFormat { path },
    }
}

/// The errors that depend on the caller alone.
fn check_request(
    shape: [usize; 3],
    z: usize,
    x: &Range<usize>,
    y: &Range<usize>,
    room: usize,
) -> Result<(), ReadError> {
    let inside = z < shape[0]
        && x.start <= x.end
        && x.end <= shape[1]
        && y.start <= y.end
        && y.end <= shape[2];
    if inside && x.len().checked_mul(y.len()) == Some(room) {
        return Ok(());
    }
    Err(ReadError::Request {
        shape,
        z,
        x: x.clone(),
        y: y.clone(),
        room,
    })
}
