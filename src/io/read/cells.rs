//! Where the cells of a ground truth come from: one volume of all, or a volume for each.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Format, ReadError, VolumeSource, natural_order, open};
use crate::base::volume::{Arrangement, triple};

/// The cells of a ground truth.
pub enum CellSource<'a> {
    /// One volume holds all cells: each voxel the id of its cell, or 0.
    Merged(Box<dyn VolumeSource + 'a>),
    /// Each cell has a volume of its own; cells may overlap.
    Splitted(SplittedCells<'a>),
}

impl CellSource<'_> {
    /// Size in voxels, (z, x, y).
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        match self {
            Self::Merged(volume) => volume.shape(),
            Self::Splitted(cells) => cells.shape,
        }
    }

    /// What is read, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Merged(volume) => volume.describe(),
            Self::Splitted(cells) => cells.describe(),
        }
    }
}

impl<'a> From<Box<dyn VolumeSource + 'a>> for CellSource<'a> {
    fn from(volume: Box<dyn VolumeSource + 'a>) -> Self {
        Self::Merged(volume)
    }
}

impl<'a> From<SplittedCells<'a>> for CellSource<'a> {
    fn from(cells: SplittedCells<'a>) -> Self {
        Self::Splitted(cells)
    }
}

/// The volume of one cell: its voxels carry its id, all others are 0.
pub struct CellStack<'a> {
    /// Names the volume in messages; the id of the cell is not taken from it.
    pub path: PathBuf,
    /// The volume.
    pub volume: Box<dyn VolumeSource + 'a>,
}

/// Cells that have a volume each, all of one size. A cell that has several is their union.
pub struct SplittedCells<'a> {
    name: String,
    stacks: Vec<CellStack<'a>>,
    shape: [usize; 3],
}

impl<'a> SplittedCells<'a> {
    /// Takes the volumes of the cells; `name` stands for all of them in messages.
    ///
    /// # Errors
    /// [`ReadError::CellsDiffer`] when their sizes differ, [`ReadError::NoCells`] when there is none.
    pub fn new(name: impl Into<String>, stacks: Vec<CellStack<'a>>) -> Result<Self, ReadError> {
        let name = name.into();
        let Some(first) = stacks.first() else {
            return Err(ReadError::NoCells {
                path: name.into(),
                format: None,
            });
        };
        let shape = first.volume.shape();
        if let Some(other) = stacks.iter().find(|stack| stack.volume.shape() != shape) {
            return Err(ReadError::CellsDiffer {
                first: first.path.clone(),
                first_shape: shape,
                second: other.path.clone(),
                second_shape: other.volume.shape(),
            });
        }
        Ok(Self {
            name,
            stacks,
            shape,
        })
    }

    /// The volumes, in the order in which they were given.
    #[must_use]
    pub fn stacks(&self) -> &[CellStack<'a>] {
        &self.stacks
    }

    fn describe(&self) -> String {
        let size = triple(self.shape, " x ");
        match self.stacks.as_slice() {
            [_] => format!("{} (one cell in {size} voxels)", self.name),
            more => format!("{} ({} cells, {size} voxels each)", self.name, more.len()),
        }
    }
}

/// Opens the cells of a ground truth: one volume, see [`open`], or a folder with a stack or a
/// sub-folder for each cell, taken in the natural order of their names. Of such a folder hidden files
/// and whatever is no volume are skipped; all volumes must have the `format`, if one is given.
///
/// # Errors
/// As [`open`]; and when the folder holds no cells, single images where stacks belong, or volumes of
/// unequal size.
pub fn open_cells(
    path: &Path,
    format: Option<Format>,
    arrangement: Arrangement,
) -> Result<CellSource<'static>, ReadError> {
    Ok(match arrangement {
        Arrangement::Merged => CellSource::Merged(open(path, format)?),
        Arrangement::Splitted => CellSource::Splitted(open_splitted(path, format)?),
    })
}

/// What an entry of the folder seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Volume(Format),
    /// Too little for a volume, but a hint at a mistake where there is nothing else.
    Png,
}

fn entry_kind(path: &Path) -> Option<Entry> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        return Some(Entry::Volume(Format::ImageSequence));
    }
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "tif" | "tiff" => Some(Entry::Volume(Format::TiffStack)),
        "npy" => Some(Entry::Volume(Format::Npy)),
        "png" => Some(Entry::Png),
        _ => None,
    }
}

/// The entries of a folder that may be volumes, in natural order.
fn list(folder: &Path) -> Result<Vec<(PathBuf, Entry)>, ReadError> {
    let io_error = |error| ReadError::io(folder, None, error);
    let mut named = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error)? {
        let entry = entry.map_err(io_error)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if let Some(kind) = entry_kind(&path).filter(|_| !name.starts_with('.')) {
            named.push((name, path, kind));
        }
    }
    named.sort_by(|a, b| natural_order(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
    let entries = named.into_iter().map(|(_, path, kind)| (path, kind));
    Ok(entries.collect())
}

fn open_splitted(
    folder: &Path,
    format: Option<Format>,
) -> Result<SplittedCells<'static>, ReadError> {
    let metadata = fs::metadata(folder).map_err(|error| ReadError::io(folder, None, error))?;
    let path = folder.to_owned();
    if !metadata.is_dir() {
        return Err(ReadError::SplittedFile { path });
    }
    let entries = list(folder)?;
    let wanted = |kind: Format| format.is_none_or(|format| format == kind);
    let opened: Vec<_> = entries
        .par_iter()
        .filter_map(|(path, entry)| match entry {
            Entry::Volume(kind) if wanted(*kind) => Some((path, *kind, open(path, Some(*kind)))),
            _ => None,
        })
        .collect();
    // Cells that are left out in silence would be missing without a trace.
    let others: Vec<&PathBuf> = entries
        .par_iter()
        .filter_map(|(path, entry)| match entry {
            Entry::Volume(kind) if !wanted(*kind) => Some((path, *kind, open(path, Some(*kind)))),
            _ => None,
        })
        .filter(|(_, kind, volume)| {
            // A page by itself is an image; see below.
            volume
                .as_ref()
                .is_ok_and(|volume| *kind != Format::TiffStack || volume.shape()[0] > 1)
        })
        .map(|(path, ..)| path)
        .collect();
    if let (Some(first), Some(format)) = (others.first(), format) {
        return Err(ReadError::OtherFormats {
            path,
            format,
            first: (*first).clone(),
            others: others.len(),
        });
    }
    let mut stacks = Vec::new();
    let mut single_pages = 0;
    for (path, kind, volume) in opened {
        let volume = match volume {
            // A folder of something else.
            Err(ReadError::EmptyFolder { .. }) => continue,
            other => other?,
        };
        single_pages += usize::from(kind == Format::TiffStack && volume.shape()[0] == 1);
        stacks.push(CellStack {
            path: path.clone(),
            volume,
        });
    }
    // The mistake of giving an image sequence. One page may be all that a cell has, but not the same
    // in a folder full of them: who means that says so with sub-folders.
    if stacks.len() == single_pages {
        let is_image =
            |entry: &Entry| matches!(entry, Entry::Png | Entry::Volume(Format::TiffStack));
        let images = entries.iter().filter(|(_, entry)| is_image(entry)).count();
        if images > 1 || (images > 0 && stacks.is_empty()) {
            return Err(ReadError::ImagesNotCells { path, images });
        }
    }
    if stacks.is_empty() {
        return Err(ReadError::NoCells { path, format });
    }
    SplittedCells::new(folder.display().to_string(), stacks)
}
