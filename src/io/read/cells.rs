//! Where the cells of a ground truth come from: one volume of all, or a volume for each.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::folder::is_image;
use super::{
    Facts, Found, InputFormat, READ_FORMATS, ReadError, ReadFormat, ReadOptions, Upsampled,
    VolumeSource, natural_order, open_as,
};
use crate::base::volume::{Arrangement, VoxelBox, triple};

/// The cells of a ground truth.
pub enum CellSource<'a> {
    /// One volume holds all cells: each voxel the id of its cell, or 0.
    Merged(Box<dyn VolumeSource + 'a>),
    /// Each cell has a volume of its own; cells may overlap.
    Splitted(SplittedCells<'a>),
}

impl CellSource<'_> {
    /// The cells in a finer grid, of so many voxels along (z, x, y) for each of their own.
    #[must_use]
    pub fn upsampled(self, parts: [usize; 3]) -> Self {
        match self {
            Self::Merged(volume) => Self::Merged(Upsampled::of(volume, parts)),
            Self::Splitted(cells) => {
                let SplittedCells {
                    name,
                    stacks,
                    shape,
                } = cells;
                let finer = stacks.into_iter().map(|stack| CellStack {
                    volume: Upsampled::of(stack.volume, parts),
                    ..stack
                });
                Self::Splitted(SplittedCells {
                    name,
                    stacks: finer.collect(),
                    shape: std::array::from_fn(|axis| shape[axis].saturating_mul(parts[axis])),
                })
            }
        }
    }

    /// The same cells, for a while.
    pub(crate) fn borrowed(&self) -> CellSource<'_> {
        match self {
            Self::Merged(volume) => CellSource::Merged(Box::new(volume.as_ref())),
            Self::Splitted(cells) => {
                let stacks = cells.stacks.iter().map(|stack| CellStack {
                    path: stack.path.clone(),
                    volume: Box::new(stack.volume.as_ref()) as Box<dyn VolumeSource>,
                });
                CellSource::Splitted(SplittedCells {
                    name: cells.name.clone(),
                    stacks: stacks.collect(),
                    shape: cells.shape,
                })
            }
        }
    }

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

    /// Checks that its files were not written to; see [`VolumeSource::unchanged`].
    ///
    /// # Errors
    /// [`ReadError::Changed`].
    pub fn unchanged(&self) -> Result<(), ReadError> {
        match self {
            Self::Merged(volume) => volume.unchanged(),
            Self::Splitted(cells) => {
                let mut volumes = cells.stacks.iter().map(|stack| &stack.volume);
                volumes.try_for_each(|volume| volume.unchanged())
            }
        }
    }

    /// Most bytes that a reader of slices holds, beside what it reads into, while it reads a part.
    #[must_use]
    pub fn working_bytes(&self, part: &VoxelBox) -> u64 {
        match self {
            Self::Merged(volume) => volume.working_bytes(part),
            Self::Splitted(cells) => {
                let volumes = cells
                    .stacks
                    .iter()
                    .map(|stack| stack.volume.working_bytes(part));
                volumes.max().unwrap_or(0)
            }
        }
    }

    /// Bits of the widest id that the samples can hold.
    pub(crate) fn bits(&self) -> u8 {
        match self {
            Self::Merged(volume) => volume.bits(),
            Self::Splitted(cells) => {
                let bits = cells.stacks.iter().map(|stack| stack.volume.bits());
                bits.max().unwrap_or(1)
            }
        }
    }

    /// What the headers tell beside size and type; what all cells' volumes tell alike is told once.
    #[must_use]
    pub fn facts(&self) -> Facts {
        match self {
            Self::Merged(volume) => volume.facts(),
            Self::Splitted(cells) => cells.facts(),
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
    /// [`ReadError::CellsDiffer`] when their sizes differ, [`ReadError::NoCells`] when there is
    /// none.
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

    fn facts(&self) -> Facts {
        let mut all = Facts::default();
        for (number, stack) in self.stacks.iter().enumerate() {
            let facts = stack.volume.facts();
            if number == 0 {
                all.voxel_nm = facts.voxel_nm;
            }
            all.is_palette |= facts.is_palette;
            all.is_float |= facts.is_float;
            for note in facts.notes {
                if !all.notes.contains(&note) {
                    all.notes.push(note);
                }
            }
        }
        all
    }

    fn describe(&self) -> String {
        let size = triple(self.shape, " x ");
        match self.stacks.as_slice() {
            [_] => format!("{} (one cell in {size} voxels)", self.name),
            more => format!("{} ({} cells, {size} voxels each)", self.name, more.len()),
        }
    }
}

/// Opens the cells of a ground truth: one volume, see [`open_as`], or a folder with a stack or a
/// sub-folder for each cell, taken in the natural order of their names. Of such a folder hidden
/// files and whatever is no volume are skipped; all volumes must have the format of the options, if
/// they have one.
///
/// # Errors
/// As [`open_as`]; and when the folder holds no cells, single images where stacks belong, or
/// volumes of unequal size.
pub fn open_cells(
    path: &Path,
    options: &ReadOptions,
    arrangement: Arrangement,
) -> Result<CellSource<'static>, ReadError> {
    Ok(match arrangement {
        Arrangement::Merged => CellSource::Merged(open_as(path, options)?),
        Arrangement::Split => CellSource::Splitted(open_splitted(path, options)?),
    })
}

/// An entry of a folder of cells.
struct Entry {
    path: PathBuf,
    /// The format that it seems to have, if it may be a volume.
    format: Option<InputFormat>,
    /// Whether it is an image by its name: perhaps too little for a volume, but a hint at a mistake
    /// where there is nothing else.
    is_image: bool,
}

impl Entry {
    fn new(path: PathBuf) -> Self {
        let is_folder = fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        let extension = path.extension().map(|end| end.to_string_lossy());
        let has_name = |row: &&&dyn ReadFormat| {
            let format = row.format();
            let is = |known: &&str| {
                extension
                    .as_ref()
                    .is_some_and(|e| e.eq_ignore_ascii_case(known))
            };
            !format.is_folder && format.extensions.iter().any(is)
        };
        let format = match is_folder {
            true => Found::Folder(&path).format(),
            false => READ_FORMATS.iter().find(has_name).copied(),
        };
        Self {
            format: format.map(ReadFormat::format),
            is_image: !is_folder && is_image(&path),
            path,
        }
    }
}

/// The entries of a folder that may be volumes or images, in natural order.
fn list(folder: &Path) -> Result<Vec<Entry>, ReadError> {
    let io_error = |error| ReadError::io(folder, None, error);
    let mut named = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error)? {
        let entry = entry.map_err(io_error)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let entry = Entry::new(entry.path());
        if entry.format.is_some() || entry.is_image {
            named.push((name, entry));
        }
    }
    named.sort_by(|a, b| natural_order(&a.0, &b.0).then_with(|| a.1.path.cmp(&b.1.path)));
    Ok(named.into_iter().map(|(_, entry)| entry).collect())
}

fn open_splitted(
    folder: &Path,
    options: &ReadOptions,
) -> Result<SplittedCells<'static>, ReadError> {
    // In the volume of a cell 0 is what lies outside it, whatever else is background.
    let mut options = options.clone();
    if !options.background.is_empty() {
        options.background.push(0);
    }
    let format = options.format;
    let metadata = fs::metadata(folder).map_err(|error| ReadError::io(folder, None, error))?;
    let path = folder.to_owned();
    if !metadata.is_dir() {
        return Err(ReadError::SplittedFile { path });
    }
    let entries = list(folder)?;
    let wanted = |found: InputFormat| format.is_none_or(|format| format == found);
    let open_those = |wanted: &(dyn Fn(InputFormat) -> bool + Sync)| -> Vec<_> {
        let chosen = entries.par_iter().filter_map(|entry| {
            let found = entry.format.filter(|&found| wanted(found))?;
            let options = ReadOptions {
                format: Some(found),
                ..options.clone()
            };
            Some((entry, open_as(&entry.path, &options)))
        });
        chosen.collect()
    };
    // A page by itself is an image; see below.
    let is_page =
        |entry: &Entry, volume: &dyn VolumeSource| entry.is_image && volume.shape()[0] == 1;
    let opened = open_those(&wanted);
    // Cells that are left out in silence would be missing without a trace.
    let others: Vec<PathBuf> = open_those(&|found| !wanted(found))
        .into_iter()
        .filter(|(entry, volume)| {
            let volume = volume.as_deref();
            volume.is_ok_and(|volume| !is_page(entry, volume))
        })
        .map(|(entry, _)| entry.path.clone())
        .collect();
    if let (Some(first), Some(format)) = (others.first(), format) {
        return Err(ReadError::OtherFormats {
            path,
            format,
            first: first.clone(),
            others: others.len(),
        });
    }
    let mut stacks = Vec::new();
    let mut single_pages = 0;
    for (entry, volume) in opened {
        let volume = match volume {
            // A folder of something else.
            Err(ReadError::EmptyFolder { .. }) => continue,
            other => other?,
        };
        single_pages += usize::from(is_page(entry, &*volume));
        stacks.push(CellStack {
            path: entry.path.clone(),
            volume,
        });
    }
    // The mistake of giving an image sequence. One page may be all that a cell has, but not the
    // same in a folder full of them: who means that says so with sub-folders.
    if stacks.len() == single_pages {
        let images = entries.iter().filter(|entry| entry.is_image).count();
        if images > 1 || (images > 0 && stacks.is_empty()) {
            return Err(ReadError::ImagesNotCells { path, images });
        }
    }
    if stacks.is_empty() {
        return Err(ReadError::NoCells { path, format });
    }
    SplittedCells::new(folder.display().to_string(), stacks)
}
