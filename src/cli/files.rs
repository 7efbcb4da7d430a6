//! Single files that a subcommand writes: whole or not at all, and never over another one unasked.

use simexm_gpu::internals::io::write::{OutputFolder, StagedFile, Target, WriteError};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Splits the path of a file to be written into its folder (absolute) and its name there.
///
/// # Errors
/// The path names no file.
pub(super) fn place(path: &Path) -> Result<(PathBuf, PathBuf), Box<dyn Error>> {
    let Some(name) = path.file_name().filter(|name| !name.is_empty()) else {
        let path = path.display();
        return Err(format!("{path}: names a folder, but a file is to be written").into());
    };
    // The folder of a plain name is the working directory, and not the empty path.
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::path::absolute(folder)?,
        _ => std::env::current_dir()?,
    };
    Ok((folder, PathBuf::from(name)))
}

/// File to be written.
pub(super) struct NewFile {
    output: OutputFolder,
    name: PathBuf,
}

impl NewFile {
    /// Checks that a file may be written at `path`; nothing is created yet.
    ///
    /// # Errors
    /// The path names no file, or something exists there and `force` is not given.
    pub(super) fn prepare(path: &Path, force: bool) -> Result<Self, Box<dyn Error>> {
        let (folder, name) = place(path)?;
        let output = OutputFolder::prepare(&folder, &[], &[Target::File(name.clone())], force)?;
        Ok(Self { output, name })
    }

    /// Returns the folder of the file.
    pub(super) fn folder(&self) -> &Path {
        self.output.root()
    }

    /// Writes the whole file and puts it in its place.
    pub(super) fn write(self, content: &[u8]) -> Result<(), WriteError> {
        self.write_with(|file| file.write_whole(content))
    }

    /// Writes the whole file like [`NewFile::write`], through a function.
    pub(super) fn write_with(
        mut self,
        write: impl FnOnce(StagedFile) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        write(self.output.create(&self.name)?)?;
        self.output.commit()?;
        Ok(())
    }
}

/// Quotes a path as one word of a command line.
pub(super) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-\\:".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("{text:?}")
    }
}
