//! Results while they are written.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::super::WriteError;

/// A result being written, under its temporary name.
#[derive(Debug)]
pub struct StagedFile {
    file: File,
    target: PathBuf,
    complete: Arc<AtomicBool>,
}

impl StagedFile {
    /// Opens the temporary file, which must not exist.
    pub(super) fn create(
        temporary: &Path,
        target: PathBuf,
        complete: Arc<AtomicBool>,
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
    pub(in super::super) fn with_file(
        file: File,
        target: PathBuf,
        complete: Arc<AtomicBool>,
    ) -> Self {
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
        self.complete.store(true, Ordering::Release);
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

/// Results of one folder, written one after another; one file is open at a time.
#[derive(Debug)]
pub struct StagedSequence {
    temporary: PathBuf,
    target: PathBuf,
    /// Names of the files, those not yet written from `written` on.
    names: Vec<OsString>,
    written: usize,
    complete: Arc<AtomicBool>,
}

impl StagedSequence {
    pub(super) fn new(
        temporary: PathBuf,
        target: PathBuf,
        names: Vec<OsString>,
        complete: Arc<AtomicBool>,
    ) -> Self {
        Self {
            temporary,
            target,
            names,
            written: 0,
            complete,
        }
    }

    /// The final folder, for messages.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Writes the next file.
    ///
    /// # Errors
    /// When the disk does not take it, or all are written.
    pub fn append(&mut self, content: &[u8]) -> Result<(), WriteError> {
        let Some(name) = self.names.get(self.written) else {
            return Err(self.page_count(self.written + 1));
        };
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.temporary.join(name))
            .and_then(|mut file| file.write_all(content))
            .map_err(|error| WriteError::io(&self.target.join(name), error))?;
        self.written += 1;
        Ok(())
    }

    /// Declares the files complete, after bringing them to the disk (fsync).
    ///
    /// That is done at the end and on all threads: meanwhile the system has written most of them, and it
    /// joins requests that come together. One after the other, each would wait for the disk on its own.
    ///
    /// # Errors
    /// When files are missing, or the disk does not take one.
    pub fn finish(self) -> Result<(), WriteError> {
        if self.written != self.names.len() {
            return Err(self.page_count(self.written));
        }
        self.names.par_iter().try_for_each(|name| {
            // Some systems bring to the disk only what is open for writing.
            OpenOptions::new()
                .write(true)
                .open(self.temporary.join(name))
                .and_then(|file| file.sync_all())
                .map_err(|error| WriteError::io(&self.target.join(name), error))
        })?;
        self.complete.store(true, Ordering::Release);
        Ok(())
    }

    fn page_count(&self, found: usize) -> WriteError {
        WriteError::PageCount {
            path: self.target.clone(),
            expected: self.names.len(),
            found,
        }
    }
}
