//! What can be wrong with a label volume on disk.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::folder;
use crate::base::choice::{Choice, any_of};
use crate::base::formats::{InputFormat, StoredIds};
use crate::base::volume::triple;

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
        "{path}: is not {}; volumes are read from these",
        InputFormat::any_volume()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// A file of a format that is not read.
    #[error("{path}: is {name}, which is not read; to convert it: {}", way.replace("FILE", &file_name(path)))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        name: &'static str,
        /// What makes a volume of it; FILE stands for its name.
        way: &'static str,
    },
    /// A pattern that no file matches.
    #[error("{pattern}: no file matches this pattern")]
    NoMatch {
        /// The pattern as given.
        pattern: PathBuf,
    },
    /// A pattern of files that are no images.
    #[error(
        "{pattern}: matches {count} files, among them {file}, which is no {}; a pattern stands for images, one per slice",
        any_of(&folder::extensions())
    )]
    NoImages {
        /// The pattern as given.
        pattern: PathBuf,
        /// How many files match.
        count: usize,
        /// One that is no image.
        file: PathBuf,
    },
    /// Images of two kinds of names in one folder.
    #[error(
        "{path}: {} of its images have names like {first}, and {} like {second}; a folder is one sequence: choose one by a \
         pattern, such as image_path = {:?}",
        counts[0], counts[1], path.join(likely([first, second])).display().to_string()
    )]
    TwoKinds {
        /// The folder.
        path: PathBuf,
        /// Pattern of the names of one kind.
        first: String,
        /// Pattern of those of another.
        second: String,
        /// How many there are of each.
        counts: [usize; 2],
    },
    /// A ZIP file, as `numpy.savez` writes them.
    #[error(
        "{path}: is an archive (.npz or .zip); unpack it, or save the one array with numpy.save as .npy"
    )]
    Archive {
        /// The file.
        path: PathBuf,
    },
    /// One image where a volume belongs.
    #[error("{path}: is a single {kind} image; give the folder that holds one image per slice")]
    SingleImage {
        /// The file.
        path: PathBuf,
        /// The format of the image.
        kind: &'static str,
    },
    /// The stated format is not that of the path.
    #[error(
        "{path}: is a {found}, but format = \"{expected}\" was given; {}",
        nouns()
    )]
    FormatMismatch {
        /// The path as given.
        path: PathBuf,
        /// The format as given.
        expected: InputFormat,
        /// What lies there.
        found: &'static str,
    },
    /// A folder without slices.
    #[error(
        "{path}: the folder holds no {} image; a volume in a folder is one image per slice, and gt_cells = \"splitted\" reads a folder with one stack or sub-folder per cell",
        any_of(&folder::extensions())
    )]
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
        "{path}: is a TIFF stack of several pages, but each image of a folder is one slice; give the path of the stack itself, or gt_cells = \"splitted\" where the folder holds one stack per cell"
    )]
    MultiPage {
        /// The file.
        path: PathBuf,
    },
    /// The pixels are no ids.
    #[error(
        "{}: holds {found}, but cell ids are needed: one gray sample per pixel, whole numbers of 8, 16, 32 or 64 bits{}",
        place(path, *slice), colour_keys(found)
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
    /// Several volumes in one container, or none of the name or number that was given.
    #[error("{path}: {problem}; {}", choosing(key, choices))]
    Choice {
        /// The container, or what of it.
        path: PathBuf,
        /// What is the matter, a clause.
        problem: String,
        /// The key that chooses.
        key: &'static str,
        /// What it may be.
        choices: Vec<String>,
    },
    /// A format whose reader was left out when this program was built.
    #[error(
        "{path}: is {name}, which this build does not read; build it with the cargo feature \"{feature}\", which is among \
         the default ones"
    )]
    LeftOut {
        /// The file.
        path: PathBuf,
        /// What it is, with an article.
        name: &'static str,
        /// The feature.
        feature: &'static str,
    },
    /// Two pages of a stack disagree.
    #[error(
        "{path}: page {page} is {found}, but page 0 is {first}; all slices must have one size and type: series = 0 reads the \
         pages before it alone"
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
    /// A file where the folder of splitted cells belongs.
    #[error(
        "{path}: is a file, but gt_cells = \"splitted\" needs a folder with one stack or sub-folder per cell; one volume of all cells is gt_cells = \"merged\""
    )]
    SplittedFile {
        /// The path as given.
        path: PathBuf,
    },
    /// A folder of splitted cells without cells.
    #[error(
        "{path}: the folder holds no cells; for gt_cells = \"splitted\" one {} is expected per cell",
        per_cell(*format)
    )]
    NoCells {
        /// The folder.
        path: PathBuf,
        /// The format as given.
        format: Option<InputFormat>,
    },
    /// An image sequence where splitted cells belong.
    #[error(
        "{path}: holds {images} single images, which look like the slices of one volume; read it with gt_cells = \"merged\". For gt_cells = \"splitted\" put the slices of each cell into a sub-folder of its own, or save a stack per cell"
    )]
    ImagesNotCells {
        /// The folder.
        path: PathBuf,
        /// How many there are.
        images: usize,
    },
    /// The volumes of two cells disagree.
    #[error(
        "{second} has {} voxels (z, x, y), but {first} has {}; the volumes of all cells must have one size",
        triple(*second_shape, " x "), triple(*first_shape, " x ")
    )]
    CellsDiffer {
        /// The first cell's volume.
        first: PathBuf,
        /// Its size, (z, x, y).
        first_shape: [usize; 3],
        /// The volume that differs from it.
        second: PathBuf,
        /// Its size, (z, x, y).
        second_shape: [usize; 3],
    },
    /// Cells of another format than the stated one.
    #[error(
        "{path}: {others} of its volumes are not \"{format}\", for example {first}; leave out format, and volumes of all \
         formats are read"
    )]
    OtherFormats {
        /// The folder.
        path: PathBuf,
        /// The format as given.
        format: InputFormat,
        /// The first volume of another format.
        first: PathBuf,
        /// How many there are.
        others: usize,
    },
    /// Two ids in the volume of one cell.
    #[error(
        "{}: holds the id {second} beside {first}, but for gt_cells = \"splitted\" each volume holds one cell, the id of which is the value of its voxels; a volume of several cells is gt_cells = \"merged\"",
        place(path, *slice)
    )]
    TwoIds {
        /// The stack, or the image of a sub-folder.
        path: PathBuf,
        /// The slice of a stack.
        slice: Option<usize>,
        /// The first id that was found in the volume.
        first: u64,
        /// The other one.
        second: u64,
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
    /// The file is not the one that was opened.
    #[error(
        "{path}: was written to or replaced while it was read: what was read is of both; start again when nothing writes to it"
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Pickled objects, as Cellpose saves them beside its masks.
    #[error(
        "{path}: holds pickled Python objects, which are not opened: they may run any program. Save the masks of a \
         Cellpose _seg.npy as an array: python -c \"import numpy; numpy.save('{}', numpy.load('{}', \
         allow_pickle=True).item()['masks'])\"",
        masks_name(path),
        file_name(path)
    )]
    PythonObjects {
        /// The file.
        path: PathBuf,
    },
    /// Ids that are to be colours where there are none.
    #[error(
        "{}: holds no red, green and blue of 8 bits, but ids = \"{stored}\" reads ids from colours; leave out ids",
        place(path, *slice)
    )]
    NoColours {
        /// The file.
        path: PathBuf,
        /// The page of a stack.
        slice: Option<usize>,
        /// How ids are stored, as given.
        stored: StoredIds,
    },
    /// A floating point number that is no id.
    #[error(
        "{}: the pixel in row {x}, column {y} is {value}; cell ids are whole numbers, which floating point of this width \
         tells apart up to {largest}: save ids as integers",
        place(path, *slice)
    )]
    NotWhole {
        /// The file.
        path: PathBuf,
        /// The slice of a stack.
        slice: Option<usize>,
        /// Row of the pixel.
        x: usize,
        /// Column of the pixel.
        y: usize,
        /// Its value.
        value: f64,
        /// The largest number that is read.
        largest: u64,
    },
    /// A signed image with a value below 0.
    #[error(
        "{}: the pixel in row {x}, column {y} is {value}; cell ids cannot be negative: if it is background, say \
         [groundtruth] background = [0, {value}], or {value} alone where 0 is a cell",
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
    /// The system's error; a missing path and what is no file are told apart.
    pub(super) fn io(path: &Path, slice: Option<usize>, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            // Not the system's word, but that of `open_regular`.
            io::ErrorKind::InvalidInput if error.raw_os_error().is_none() => {
                Self::NotAFile { path }
            }
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
    PythonObjects,
    NoColours(StoredIds),
    NotWhole {
        x: usize,
        y: usize,
        value: f64,
        largest: u64,
    },
    Negative {
        x: usize,
        y: usize,
        value: i64,
    },
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
            Self::PythonObjects => ReadError::PythonObjects { path: path_buf },
            Self::NoColours(stored) => ReadError::NoColours {
                path: path_buf,
                slice,
                stored,
            },
            Self::NotWhole {
                x,
                y,
                value,
                largest,
            } => ReadError::NotWhole {
                path: path_buf,
                slice,
                x,
                y,
                value,
                largest,
            },
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

/// Which of two kinds of names, the more frequent one first, is likely that of labels.
fn likely([first, second]: [&String; 2]) -> &String {
    const OF_LABELS: [&str; 4] = ["mask", "seg", "label", "ids"];
    let tells = |name: &str| OF_LABELS.iter().any(|word| name.contains(word));
    match tells(&second.to_lowercase()) && !tells(&first.to_lowercase()) {
        true => second,
        false => first,
    }
}

/// The choices of a key that messages list.
const LISTED: usize = 12;

fn choosing(key: &str, choices: &[String]) -> String {
    let listed = choices
        .iter()
        .take(LISTED)
        .map(|choice| match choice.parse::<usize>() {
            Ok(_) if key == "level" => choice.clone(),
            _ => format!("{:?}", if choice.is_empty() { "." } else { choice }),
        });
    let listed = listed.collect::<Vec<_>>().join(", ");
    match choices.len() {
        0 => format!("there is none that {key} could choose"),
        more if more > LISTED => {
            format!("{key} chooses one: {listed} and {} more", more - LISTED)
        }
        _ => format!("{key} chooses one: {listed}"),
    }
}

/// How ids are read from colours, where these are what was found.
fn colour_keys(found: &str) -> &'static str {
    match found.starts_with("RGB") {
        true => {
            "; if its colours are ids, ids = \"rgb\" reads red + 256 green + 65536 blue, and ids = \"bgr\" \
             blue + 256 green + 65536 red"
        }
        false => "",
    }
}

fn file_name(path: &Path) -> String {
    path.display().to_string().replace('\'', "\\'")
}

/// A name for the masks of a file that Cellpose has written.
fn masks_name(path: &Path) -> String {
    let name = file_name(path);
    let stem = name.strip_suffix(".npy").unwrap_or(&name);
    format!("{}_masks.npy", stem.strip_suffix("_seg").unwrap_or(stem))
}

/// What the word for each format stands for.
fn nouns() -> String {
    let all = InputFormat::all().into_iter();
    let nouns = all.map(|format| format!("\"{format}\" is a {}", format.noun));
    nouns.collect::<Vec<_>>().join(", ")
}

/// What each cell may be.
fn per_cell(format: Option<InputFormat>) -> String {
    let formats = format.map_or_else(InputFormat::all, |format| vec![format]);
    let volume = |format: &InputFormat| match format.is_folder {
        true => format!("sub-{}", format.volume()),
        false => format.volume(),
    };
    any_of(&formats.iter().map(volume).collect::<Vec<_>>())
}
