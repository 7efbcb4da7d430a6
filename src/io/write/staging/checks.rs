//! What lies where results are to go.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::super::WriteError;
use crate::base::host::is_writable;

/// Relative, not empty, and without `.` and `..`.
pub(super) fn is_plain(relative: &Path) -> bool {
    let mut parts = relative.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// What lies at a path, links not followed.
pub(super) fn present(path: &Path) -> Result<Option<fs::Metadata>, WriteError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(WriteError::io(path, error)),
    }
}

/// All files below the folder `relative` of `root`, links among them, by their paths below `root`.
pub(super) fn files_below(root: &Path, relative: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let folder = root.join(relative);
    let io_error = |error| WriteError::io(&folder, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(io_error)? {
        let entry = entry.map_err(io_error)?;
        let path = relative.join(entry.file_name());
        if entry.file_type().map_err(io_error)?.is_dir() {
            files.extend(files_below(root, &path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// Checks that no part of the path `folder` is a file, and says whether all of it is there.
pub(super) fn require_folders(folder: &Path) -> Result<bool, WriteError> {
    // Without the slash at its end, which would hide a file.
    let folder = &folder.components().collect::<PathBuf>();
    for part in folder.ancestors() {
        if let Ok(metadata) = fs::metadata(part) {
            return if metadata.is_dir() {
                Ok(part == folder)
            } else {
                let path = part.to_owned();
                Err(WriteError::NotAFolder { path })
            };
        }
    }
    Ok(false)
}

/// Checks that results can be moved to a folder from the folder of all results, where it is there:
/// it can be written to, and lies on the same disk.
pub(super) fn require_reachable(root: &Path, folder: &Path) -> Result<(), WriteError> {
    let Ok(metadata) = fs::metadata(folder) else {
        return Ok(());
    };
    if !is_writable(folder) {
        return Err(WriteError::io(
            folder,
            io::ErrorKind::PermissionDenied.into(),
        ));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let root = fs::metadata(root).map_err(|error| WriteError::io(root, error))?;
        if root.dev() != metadata.dev() {
            let path = folder.to_owned();
            return Err(WriteError::OtherDisk { path });
        }
    }
    #[cfg(not(unix))]
    let _ = (root, metadata);
    Ok(())
}
