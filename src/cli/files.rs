//! Single files that a subcommand writes: whole or not at all, and never over another one unasked.

use simexm_gpu::io::write::{OutputFolder, WriteError};
use std::error::Error;
use std::path::{Path, PathBuf};

/// A file to be written.
pub(super) struct NewFile {
    folder: OutputFolder,
    name: PathBuf,
}

impl NewFile {
    /// Checks that a file may be written at `path`; nothing is created yet.
    ///
    /// # Errors
    /// The path names no file, or something lies there and `force` is not given.
    pub(super) fn prepare(path: &Path, force: bool) -> Result<Self, Box<dyn Error>> {
        let Some(name) = path.file_name() else {
            return Err(format!(
                "{}: names a folder, but a file is to be written",
                path.display()
            )
            .into());
        };
        let name = PathBuf::from(name);
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = std::path::absolute(folder.join("."))?;
        let folder = OutputFolder::prepare(&folder, &[], std::slice::from_ref(&name), force)?;
        Ok(Self { folder, name })
    }

    /// Writes the whole file and puts it in its place.
    pub(super) fn write(mut self, content: &[u8]) -> Result<(), WriteError> {
        self.folder.create(&self.name)?.write_whole(content)?;
        self.folder.commit()?;
        Ok(())
    }
}
