//! Results while they are written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::super::WriteError;
use super::Completion;
use super::checks::is_plain;

/// A result being written, under its temporary name.
#[derive(Debug)]
pub struct StagedFile {
    file: File,
    target: PathBuf,
    complete: Completion,
}

impl StagedFile {
    /// Opens the temporary file, which must not exist.
    pub(super) fn create(
        temporary: &Path,
        target: PathBuf,
        complete: Completion,
    ) -> Result<Self, WriteError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(temporary)
            .map_err(|error| WriteError::io(&target, error))?;
        Ok(Self {
            file,
            target,
            complete,
        })
    }

    #[cfg(test)]
    pub(in super::super) fn with_file(file: File, target: PathBuf) -> Self {
        let complete = Completion::default();
        Self {
            file,
            target,
            complete,
        }
    }

    /// Its final path, for messages.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Declares the file complete, after bringing it to the disk (fsync).
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn finish(self) -> Result<(), WriteError> {
        self.file
            .sync_all()
            .map_err(|error| WriteError::io(&self.target, error))?;
        let _ = self.complete.set(None);
        Ok(())
    }

    /// Writes a whole small file and finishes it.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write_whole(mut self, content: &[u8]) -> Result<(), WriteError> {
        self.file
            .write_all(content)
            .map_err(|error| WriteError::io(&self.target, error))?;
        self.finish()
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for StagedFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// A result of many files, written one after another; one file is open at a time.
#[derive(Debug)]
pub struct StagedTree {
    temporary: PathBuf,
    target: PathBuf,
    /// Files written so far, below the tree's folder.
    names: Vec<PathBuf>,
    complete: Completion,
}

impl StagedTree {
    /// Makes the temporary folder, which must not exist.
    pub(super) fn create(
        temporary: PathBuf,
        target: PathBuf,
        complete: Completion,
    ) -> Result<Self, WriteError> {
        fs::create_dir(&temporary).map_err(|error| WriteError::io(&target, error))?;
        Ok(Self {
            temporary,
            target,
            names: Vec::new(),
            complete,
        })
    }

    /// The final folder, for messages.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Writes a file of the tree and makes its folders.
    ///
    /// # Errors
    /// When the disk does not take it, it was written before, or `name` leads out of the tree.
    pub fn write(&mut self, name: &Path, content: &[u8]) -> Result<(), WriteError> {
        let target = self.target.join(name);
        if !is_plain(name) {
            return Err(WriteError::NotPlanned { path: target });
        }
        let path = self.temporary.join(name);
        let write = || {
            if name.components().count() > 1 {
                fs::create_dir_all(path.parent().unwrap_or(&self.temporary))?;
            }
            let mut file = File::create_new(&path)?;
            file.write_all(content)
        };
        write().map_err(|error| WriteError::io(&target, error))?;
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Declares the tree complete, after bringing its files to the disk (fsync).
    ///
    /// That is done at the end and on all threads: meanwhile the system has written most of them,
    /// and it joins requests that come together. One after the other, each would wait for the disk
    /// on its own.
    ///
    /// # Errors
    /// When the disk does not take a file.
    pub fn finish(self) -> Result<(), WriteError> {
        self.names.par_iter().try_for_each(|name| {
            // Some systems bring to the disk only what is open for writing.
            OpenOptions::new()
                .write(true)
                .open(self.temporary.join(name))
                .and_then(|file| file.sync_all())
                .map_err(|error| WriteError::io(&self.target.join(name), error))
        })?;
        let _ = self.complete.set(Some(self.names));
        Ok(())
    }
}
