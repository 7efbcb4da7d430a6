//! What a run has finished, in a file beside its output, so that a run that was killed can go on.
//!
//! The file is a line that names the format, then records: a checksum of what follows, what it is,
//! its length, and its bytes. Slices come in any order; a *mark* after them says how far the run
//! is. What follows the last mark that is whole is no one's, and is cut off when the file is opened
//! again. So a process, or a machine, may end at any moment, and nothing needs to be brought to the
//! disk in between.

mod records;

#[cfg(test)]
mod tests;

use crate::base::error::cause;
use crate::base::files;
use records::{Kind, MAGIC, Place, RecordHead, checksum};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why a journal, which keeps the finished slabs of a run, cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{}: what is done cannot be kept: {}", path.display(), cause(source))]
pub struct JournalError {
    /// File of the journal.
    pub path: PathBuf,
    /// Error of the system.
    pub source: io::Error,
}

/// A slice that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// Photons on the camera's pixels.
    Image {
        /// Index of the channel.
        channel: u32,
        /// Number of the slice.
        slice: u32,
    },
    /// Indices of the cells that are shown.
    Truth {
        /// Index of the volume of ground truth.
        volume: u32,
        /// Number of the slice.
        slice: u32,
    },
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Slices of ground truth, from the first on, that are there for each volume.
    pub truths: usize,
    /// Images, from the first on, that are there for each channel.
    pub images: usize,
    /// The brightest pixel of each channel in them.
    pub maxima: Vec<u32>,
}

/// The finished slices of a run.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    header: Vec<u8>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Absent until something is kept.
    file: Option<File>,
    /// Whether the file has its own name yet.
    named: bool,
    places: HashMap<Item, Place>,
    mark: Checkpoint,
    /// Parts of the volume whose slices follow one another; 0 stands for one.
    tiles: usize,
    published: Vec<u8>,
    end: u64,
    /// End of the last mark.
    marked_end: u64,
}

impl Journal {
    /// A journal that starts with `header`. The file is made when something is kept, under a
    /// temporary name; an earlier one is replaced by the first mark.
    pub fn new(path: &Path, header: Vec<u8>) -> Self {
        Self {
            path: path.to_owned(),
            header,
            inner: Mutex::default(),
        }
    }

    /// What an earlier run has left; none where there is no such file, or where it has no header.
    /// Damaged records, and what follows them, are left out.
    ///
    /// # Errors
    /// When the system refuses to read it.
    pub fn open(path: &Path) -> Result<Option<Self>, JournalError> {
        let failed = |source| JournalError {
            path: path.to_owned(),
            source,
        };
        let file = match files::regular(OpenOptions::new().read(true).write(true), path) {
            Ok(file) => file,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        let mut journal = Self::new(path, Vec::new());
        let inner = journal
            .inner
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let header = inner.scan(&file).map_err(failed)?;
        // Records of an interrupted step that happen to start where a later one ends would count.
        file.set_len(inner.end).map_err(failed)?;
        inner.file = Some(file);
        inner.named = true;
        // Without a mark nothing is finished.
        let header = header.filter(|_| inner.marked_end > 0);
        journal.header = header.unwrap_or_default();
        Ok(Some(journal).filter(|journal| !journal.header.is_empty()))
    }

    /// Removes what a run that was killed before it had finished anything has left of its journal.
    pub fn forget_abandoned(path: &Path) {
        // What cannot be removed is replaced by the next run.
        let _ = fs::remove_file(temporary(path));
    }

    /// Removes the file of a run that failed before it had finished anything.
    pub fn abandon(&self) {
        let mut inner = self.lock();
        if !inner.named && inner.file.take().is_some() {
            Self::forget_abandoned(&self.path);
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the journal starts with.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// How far the run is.
    pub fn mark(&self) -> Checkpoint {
        self.lock().mark.clone()
    }

    /// Tiles of the volume: slice z of tile t is kept as slice t * slices + z.
    pub fn tiles(&self) -> usize {
        self.lock().tiles.max(1)
    }

    /// Images of a channel that are there, those of tiles as their share of one.
    pub fn finished(&self) -> usize {
        let inner = self.lock();
        inner.mark.images.div_ceil(inner.tiles.max(1))
    }

    /// The volume is worked on in so many tiles. What is there of another number of them is
    /// forgotten.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn cut_into(&self, tiles: usize) -> Result<(), JournalError> {
        let mut inner = self.lock();
        if inner.tiles.max(1) == tiles {
            return Ok(());
        }
        inner.tiles = tiles;
        inner.mark = Checkpoint::default();
        inner.places.clear();
        if inner.file.is_some() {
            self.append(&mut inner, Kind::Tiles, [tiles as u32, 0], &[])?;
        }
        Ok(())
    }

    /// What [`Journal::publish`] kept; empty where nothing was.
    pub fn published(&self) -> Vec<u8> {
        self.lock().published.clone()
    }

    /// Keeps the bytes of a slice, from any thread.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put(&self, item: Item, bytes: &[u8]) -> Result<(), JournalError> {
        let (kind, numbers) = match item {
            Item::Image { channel, slice } => (Kind::Image, [channel, slice]),
            Item::Truth { volume, slice } => (Kind::Truth, [volume, slice]),
        };
        let mut inner = self.lock();
        let place = self.append(&mut inner, kind, numbers, bytes)?;
        inner.places.insert(item, place);
        Ok(())
    }

    /// The bytes of a slice that was kept.
    ///
    /// # Errors
    /// When it was not, or cannot be read back as it was written.
    pub fn get(&self, item: Item) -> Result<Vec<u8>, JournalError> {
        let mut inner = self.lock();
        let absent = || self.error(io::ErrorKind::UnexpectedEof.into());
        let place = inner.places.get(&item).copied().ok_or_else(absent)?;
        let file = inner.file.as_mut().ok_or_else(absent)?;
        let mut bytes = vec![0; place.bytes];
        file.seek(SeekFrom::Start(place.at))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|source| self.error(source))?;
        drop(inner);
        if checksum(&place.head, &bytes) == place.head[..4] {
            Ok(bytes)
        } else {
            Err(self.error(io::Error::other("a slice has changed on the disk")))
        }
    }

    /// Notes how far the run is: from here it can go on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_mark(&self, mark: Checkpoint) -> Result<(), JournalError> {
        let numbers = [mark.truths as u32, mark.images as u32];
        let mut inner = self.lock();
        let maxima: Vec<u8> = mark.maxima.iter().flat_map(|m| m.to_le_bytes()).collect();
        self.append(&mut inner, Kind::Checkpoint, numbers, &maxima)?;
        self.settle(&mut inner)?;
        inner.mark = mark;
        Ok(())
    }

    /// Keeps a description of the files that are about to get their names, so that a later run
    /// knows them as a part of this one, and brings it and the file's own name to the disk. That
    /// there is no room for it is no error.
    ///
    /// # Errors
    /// When it cannot be written for another reason.
    pub fn publish(&self, files: &[u8]) -> Result<(), JournalError> {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        match self.keep_published(files) {
            Err(error) if matches!(error.source.kind(), StorageFull | QuotaExceeded) => Ok(()),
            kept => kept,
        }
    }

    fn keep_published(&self, files: &[u8]) -> Result<(), JournalError> {
        let mut inner = self.lock();
        self.append(&mut inner, Kind::Published, [0; 2], files)?;
        self.settle(&mut inner)?;
        if let Some(file) = &inner.file {
            file.sync_data().map_err(|source| self.error(source))?;
        }
        if let Some(folder) = self.path.parent() {
            files::sync_folder(folder).map_err(|source| self.error(source))?;
        }
        inner.published = files.to_vec();
        Ok(())
    }

    /// Removes the file, or an earlier one in its place: nothing is left to go on with.
    ///
    /// # Errors
    /// When it stays.
    pub fn remove(&self) -> io::Result<()> {
        let mut inner = self.lock();
        inner.file = None;
        inner.named = true;
        [&temporary(&self.path), &self.path]
            .into_iter()
            .map(fs::remove_file)
            .find(|removed| {
                let kind = removed.as_ref().map_err(io::Error::kind);
                !matches!(kind, Ok(()) | Err(io::ErrorKind::NotFound))
            })
            .unwrap_or(Ok(()))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, source: io::Error) -> JournalError {
        JournalError {
            path: self.path.clone(),
            source,
        }
    }

    /// Makes the file, with its header.
    fn begin(&self, inner: &mut Inner) -> Result<(), JournalError> {
        if inner.file.is_some() {
            return Ok(());
        }
        let create = || {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(temporary(&self.path))?;
            file.write_all(MAGIC)?;
            Ok(file)
        };
        inner.file = Some(create().map_err(|source| self.error(source))?);
        inner.end = MAGIC.len() as u64;
        inner.marked_end = inner.end;
        let tiles = inner.tiles.max(1) as u32;
        let made = self
            .append(inner, Kind::Header, [0; 2], &self.header)
            .and_then(|_| self.append(inner, Kind::Tiles, [tiles, 0], &[]));
        if let Err(error) = made {
            inner.file = None;
            Self::forget_abandoned(&self.path);
            return Err(error);
        }
        Ok(())
    }

    /// Appends a record. What does not fit is cut off again, so that the room is free for others.
    fn append(
        &self,
        inner: &mut Inner,
        kind: Kind,
        numbers: [u32; 2],
        bytes: &[u8],
    ) -> Result<Place, JournalError> {
        self.begin(inner)?;
        let mut head: RecordHead = [0; 24];
        head[4..8].copy_from_slice(&(kind as u32).to_le_bytes());
        head[8..12].copy_from_slice(&numbers[0].to_le_bytes());
        head[12..16].copy_from_slice(&numbers[1].to_le_bytes());
        head[16..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        let sum = checksum(&head, bytes);
        head[..4].copy_from_slice(&sum);
        let (at, marked_end) = (inner.end, inner.marked_end);
        let Some(file) = &mut inner.file else {
            return Err(self.error(io::ErrorKind::NotFound.into()));
        };
        let written = file
            .seek(SeekFrom::Start(at))
            .and_then(|_| file.write_all(&head))
            .and_then(|()| file.write_all(bytes));
        if let Err(source) = written {
            let _ = file.set_len(marked_end);
            inner.end = marked_end;
            return Err(self.error(source));
        }
        inner.end = at + (head.len() + bytes.len()) as u64;
        Ok(Place {
            at: at + head.len() as u64,
            bytes: bytes.len(),
            head,
        })
    }

    /// What was appended is whole: it stays, under its own name.
    fn settle(&self, inner: &mut Inner) -> Result<(), JournalError> {
        if !inner.named {
            fs::rename(temporary(&self.path), &self.path).map_err(|source| self.error(source))?;
            inner.named = true;
        }
        inner.marked_end = inner.end;
        Ok(())
    }
}

impl Drop for Journal {
    /// A file without a mark is of no use.
    fn drop(&mut self) {
        self.abandon();
    }
}

/// The name of a journal before its first mark.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}
