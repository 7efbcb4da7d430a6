//! What can go wrong when results are written.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::base::error::cause;

/// Why an output could not be written. Paths are those of the results, not of the temporary files.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The operating system refused.
    #[error("{path}: cannot be written: {}", cause(error))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// Something that this project did not write lies where a result belongs.
    #[error(
        "{path}{}: exists, and is not the unchanged output of an earlier run; move it away, choose another output folder, or replace it with --force",
        others(*more)
    )]
    Foreign {
        /// The first such file.
        path: PathBuf,
        /// How many further results meet the same obstacle.
        more: usize,
    },
    /// A file that the run reads lies where a result belongs.
    #[error(
        "{path}: is read by this run ({}) and would be replaced by it; choose another output folder (--output) or \
         another name for the output",
        input.display()
    )]
    IsInput {
        /// The place of the result.
        path: PathBuf,
        /// The file, as the configuration names it.
        input: PathBuf,
    },
    /// Another run writes there at this moment.
    #[error(
        "{path}: another run is writing to this folder; wait for it or choose another output folder"
    )]
    Busy {
        /// The output folder.
        path: PathBuf,
    },
    /// A folder of results lies on another disk than the others.
    #[error(
        "{path}: lies on another disk than the output folder, from where complete files are moved into place; choose one \
         that holds all of the output"
    )]
    OtherDisk {
        /// The folder.
        path: PathBuf,
    },
    /// A run was ended while its files got their names, and a file has changed since.
    #[error(
        "{path}: was changed after a run was ended here that was replacing it; what lay there before is {}: move one of \
         them away",
        kept.display()
    )]
    Torn {
        /// The path of the result.
        path: PathBuf,
        /// Where the earlier result is.
        kept: PathBuf,
    },
    /// What a failed run had replaced cannot be put back.
    #[error(
        "{error}. The results that lay there before could not be put back ({reason}) and are in {}: the next run puts them \
         back",
        kept.display()
    )]
    NotPutBack {
        /// Why the run failed.
        error: Box<WriteError>,
        /// The system's reason.
        reason: io::Error,
        /// Where they are.
        kept: PathBuf,
    },
    /// A folder lies where a file belongs.
    #[error("{path}: is a folder, but a file is to be written there; move it away")]
    IsFolder {
        /// The path of the result.
        path: PathBuf,
    },
    /// A file lies where a folder belongs.
    #[error(
        "{path}: is a file, but a folder is needed there; move it away or choose another output folder"
    )]
    NotAFolder {
        /// The part of the path that is a file.
        path: PathBuf,
    },
    /// A name that is empty, absolute, leads upwards, or was not announced to
    /// [`super::OutputFolder::prepare`]: a mistake of the caller.
    #[error("{path}: is no planned result of this output folder")]
    NotPlanned {
        /// The name as given.
        path: PathBuf,
    },
    /// A result was to be published before it was complete: a mistake of the caller.
    #[error("{path}: is not complete")]
    Incomplete {
        /// The path of the result.
        path: PathBuf,
    },
    /// A page of the wrong length: a mistake of the caller.
    #[error("a page has {expected} bytes, but {found} were given")]
    PageSize {
        /// Bytes of a page.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// Too many pages, or too few: a mistake of the caller.
    #[error("{path}: {found} pages were given, but the volume has {expected}")]
    PageCount {
        /// The path of the result.
        path: PathBuf,
        /// Slices of the volume.
        expected: usize,
        /// Pages given.
        found: usize,
    },
    /// The format cannot hold the volume.
    #[error("{path}: cannot be written as {format}: {reason}")]
    Format {
        /// The path of the result.
        path: PathBuf,
        /// The name of the format.
        format: &'static str,
        /// The limit that is passed.
        reason: String,
    },
    /// A PNG holds 16 bits.
    #[error(
        "{path}: the id {id} does not fit into the 16 bits of a PNG, which holds ids up to 65535; choose [output] format = \"tiff\", which keeps any id"
    )]
    IdTooLarge {
        /// The path of the result.
        path: PathBuf,
        /// The id.
        id: u64,
    },
}

impl WriteError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            error,
        }
    }
}

fn others(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(" and {more} other result(s)"),
    }
}
