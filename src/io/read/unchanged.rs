//! Files that must not change while they are read: what was read before a change, and what is read
//! after it, is no volume.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::ReadError;
use super::error::ImageError;
use crate::base::files::{Stamp, open_regular};

/// A file as it was when it was opened.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    path: PathBuf,
    stamp: Stamp,
}

impl Opened {
    /// Opens a file, and notes what it is; tells its length in bytes, too.
    pub fn open(path: &Path) -> Result<(Self, File, u64), ImageError> {
        let file = open_regular(path).map_err(ImageError::Io)?;
        let metadata = file.metadata().map_err(ImageError::Io)?;
        let opened = Self {
            path: path.to_owned(),
            stamp: Stamp::new(path, &metadata),
        };
        Ok((opened, file, metadata.len()))
    }

    /// Checks that it is still that file, and was not written to.
    ///
    /// # Errors
    /// [`ReadError::Changed`].
    pub fn check(&self) -> Result<(), ReadError> {
        let path = &self.path;
        let metadata = fs::metadata(path).map_err(|error| ReadError::io(path, None, error))?;
        if Stamp::new(path, &metadata) == self.stamp {
            return Ok(());
        }
        Err(ReadError::Changed { path: path.clone() })
    }
}
