//! Files that appear whole: written beside their place, brought to the disk, and renamed.

use super::receipt::Shard;
use super::{ClusterError, Folder};
use crate::base::files;
use crate::io::write::{ShardStore, WriteError};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A folder for what a process is writing. It is removed when it is dropped; what a killed process
/// leaves the end of the run removes.
pub(super) struct Scratch {
    folder: PathBuf,
    files: AtomicU64,
}

impl Scratch {
    /// One of its own below the run's folder.
    pub(super) fn new(folder: &Folder) -> io::Result<Self> {
        let name = format!("{}-{:016x}", std::process::id(), rand::random::<u64>());
        let folder = folder.scratch().join(name);
        // Once more where the end of the run removes the folder above at this moment.
        fs::create_dir_all(&folder).or_else(|_| fs::create_dir_all(&folder))?;
        Ok(Self {
            folder,
            files: AtomicU64::new(0),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file whose folder is brought to the disk by the caller.
    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        match self.try_put(path, content) {
            // The end of the run, or who cleans up, has removed what is on its way: once more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.folder)?;
                self.try_put(path, content)
            }
            put => put,
        }
    }

    fn try_put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let staged = self.stage(content)?;
        match fs::rename(&staged, path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::rename(&staged, path)
            }
            renamed => renamed,
        }
    }

    /// Writes a file that has no name yet.
    fn stage(&self, content: &[u8]) -> io::Result<PathBuf> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let staged = self.folder.join(number.to_string());
        let mut file = File::create(&staged)?;
        file.write_all(content)?;
        file.sync_data()?;
        Ok(staged)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The end of the run removes what stays, and the folder above, which others may be using.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Writes a file that appears whole, or not at all.
pub(super) fn write_whole(
    folder: &Folder,
    path: &Path,
    content: &[u8],
) -> Result<(), ClusterError> {
    let write = || {
        let scratch = Scratch::new(folder)?;
        scratch.put(path, content)?;
        match path.parent() {
            Some(folder) => files::sync_folder(folder),
            None => Ok(()),
        }
    };
    write().map_err(ClusterError::io(path))
}

/// Writes a file that appears whole where there is none. Returns whether this call made it.
pub(super) fn write_first(
    folder: &Folder,
    path: &Path,
    content: &[u8],
) -> Result<bool, ClusterError> {
    let write = || {
        let scratch = Scratch::new(folder)?;
        let staged = scratch.stage(content)?;
        let linked = fs::hard_link(&staged, path).or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Err(error),
            // Not all file systems have links.
            _ => File::create_new(path).and_then(|mut file| {
                file.write_all(content)?;
                file.sync_data()
            }),
        });
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            linked => linked?,
        }
        files::sync_folder(&folder.root)?;
        Ok(true)
    };
    write().map_err(ClusterError::io(path))
}

/// Takes the shards of a task.
pub(super) struct RunStore {
    root: PathBuf,
    scratch: Scratch,
    written: Written,
}

impl RunStore {
    /// Below a folder of the run.
    pub(super) fn new(folder: &Folder, root: PathBuf) -> Result<Self, ClusterError> {
        let scratch = Scratch::new(folder).map_err(ClusterError::io(&folder.scratch()))?;
        Ok(Self {
            root,
            scratch,
            written: Written::default(),
        })
    }

    pub(super) fn scratch(&self) -> &Path {
        self.scratch.folder()
    }

    /// Removes what lies under those of these names that were not written: an earlier attempt may
    /// have found something where nothing is.
    pub(super) fn remove_others(
        &self,
        names: impl Iterator<Item = String>,
    ) -> Result<(), ClusterError> {
        for name in names.filter(|name| !self.written.has(name)) {
            let path = self.root.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ClusterError::io(&path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Brings all names to the disk; returns what was written, in the order of the names.
    pub(super) fn seal(&self) -> Result<Vec<Shard>, ClusterError> {
        let shards = self.written.shards();
        let mut folders = BTreeSet::new();
        for shard in &shards {
            let path = self.root.join(&shard.name);
            // A folder's own name lies in the one above.
            let above = path.ancestors().skip(1);
            let above = above.take_while(|folder| folder.starts_with(&self.root));
            folders.extend(above.map(Path::to_owned));
        }
        for folder in &folders {
            files::sync_folder(folder).map_err(ClusterError::io(folder))?;
        }
        Ok(shards)
    }
}

impl ShardStore for RunStore {
    fn put(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        let path = self.root.join(name);
        let put = self.scratch.put(&path, content);
        put.map_err(|error| WriteError::Io { path, error })?;
        self.written.note(name, content);
        Ok(())
    }
}

/// Takes shards whose checksums alone are wanted.
#[derive(Default)]
pub(super) struct ChecksumStore {
    written: Written,
}

impl ChecksumStore {
    /// What was written, in the order of the names.
    pub(super) fn shards(&self) -> Vec<Shard> {
        self.written.shards()
    }
}

impl ShardStore for ChecksumStore {
    fn put(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        self.written.note(name, content);
        Ok(())
    }
}

/// Shards by their names: an attempt after one that failed writes some again.
#[derive(Default)]
struct Written(Mutex<BTreeMap<String, Shard>>);

impl Written {
    fn note(&self, name: &str, content: &[u8]) {
        let shard = Shard {
            name: name.to_owned(),
            bytes: content.len() as u64,
            crc32c: crc32c::crc32c(content),
        };
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(name.to_owned(), shard);
    }

    fn has(&self, name: &str) -> bool {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.contains_key(name)
    }

    fn shards(&self) -> Vec<Shard> {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.values().cloned().collect()
    }
}
