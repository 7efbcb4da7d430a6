//! One run at a time in an output folder.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::WriteError;

/// Keeps a second run out of a folder. The system releases it when the process ends, however it
/// ends.
#[derive(Debug)]
pub struct FolderLock {
    _folder: File,
}

impl FolderLock {
    /// Locks a folder; none where there is no such folder, or where the system cannot lock one
    /// (Windows, some network file systems): there, nobody is kept out.
    ///
    /// # Errors
    /// [`WriteError::Busy`] when another run holds it.
    pub fn take(folder: &Path) -> Result<Option<Self>, WriteError> {
        let Ok(file) = File::open(folder) else {
            return Ok(None);
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _folder: file })),
            Err(TryLockError::Error(_)) => Ok(None),
            Err(TryLockError::WouldBlock) => Err(WriteError::Busy {
                path: folder.to_owned(),
            }),
        }
    }
}
