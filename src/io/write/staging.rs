//! Output that appears whole or not at all. Every file is written under a temporary name beside
//! its final place (`.channel_0.tiff.part`) and renamed when all of the run's files are complete.
//! A run that fails leaves what lay there before untouched, and no trace of its own.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::manifest::slashed;
use super::{FolderLock, ManifestEntry, WriteError};

/// The output folder of one run.
///
/// [`prepare`](Self::prepare) before the run, [`create`](Self::create) each file, write and
/// [`finish`](StagedFile::finish) it, then [`commit`](Self::commit). Dropped without a commit, it
/// removes its temporary files and the folders it made.
#[derive(Debug)]
pub struct OutputFolder {
    root: PathBuf,
    targets: BTreeSet<PathBuf>,
    /// Targets whose present file may be replaced.
    replaceable: BTreeSet<PathBuf>,
    stale: Vec<ManifestEntry>,
    files: Vec<Pending>,
    made_folders: Vec<PathBuf>,
    lock: Option<FolderLock>,
}

/// A file that is not yet under its final name.
#[derive(Debug)]
struct Pending {
    relative: PathBuf,
    temporary: PathBuf,
    complete: Arc<AtomicBool>,
    entry: Option<ManifestEntry>,
}

impl OutputFolder {
    /// Plans a run whose results are the files `targets` below `root`; nothing is created yet.
    /// `previous` is the manifest of the earlier run there: its files may be replaced if they are
    /// unchanged, everything else only with `force`.
    ///
    /// # Errors
    /// When something else lies in the place of a result, or a part of a path is a file.
    pub fn prepare(
        root: &Path,
        previous: &[ManifestEntry],
        targets: &[PathBuf],
        force: bool,
    ) -> Result<Self, WriteError> {
        let mut folder = Self {
            root: root.to_owned(),
            targets: targets.iter().cloned().collect(),
            replaceable: BTreeSet::new(),
            stale: Vec::new(),
            files: Vec::new(),
            made_folders: Vec::new(),
            lock: None,
        };
        let mut foreign = Vec::new();
        for relative in &folder.targets {
            if !is_plain(relative) {
                let path = relative.clone();
                return Err(WriteError::NotPlanned { path });
            }
            let target = root.join(relative);
            folders_or_nothing(&target)?;
            let Some(metadata) = present(&target)? else {
                continue;
            };
            if metadata.is_dir() {
                return Err(WriteError::IsFolder { path: target });
            }
            if force || own(previous, relative, &target)? {
                folder.replaceable.insert(relative.clone());
            } else {
                foreign.push(target);
            }
        }
        if let Some(path) = foreign.first() {
            return Err(WriteError::Foreign {
                path: path.clone(),
                more: foreign.len() - 1,
            });
        }
        for entry in previous {
            let relative = Path::new(&entry.path);
            if is_plain(relative)
                && !folder.targets.contains(relative)
                && entry.describes(&root.join(relative)).unwrap_or(false)
            {
                folder.stale.push(entry.clone());
            }
        }
        Ok(folder)
    }

    /// Makes the folder of all results, so that one that cannot be written is known early, and keeps other
    /// runs out of it; `lock` is its lock, if it was there to be locked before.
    ///
    /// # Errors
    /// When the system refuses, or another run is at work there.
    pub fn make_root(&mut self, lock: Option<FolderLock>) -> Result<(), WriteError> {
        let root = self.root.clone();
        self.make_folders(&root)?;
        self.lock = match lock {
            Some(lock) => Some(lock),
            None => FolderLock::take(&root)?,
        };
        Ok(())
    }

    /// Removes what was written so far, so that the results can be created anew.
    pub fn discard(&mut self) {
        for file in self.files.drain(..) {
            // What cannot be removed now is replaced when it is created again.
            let _ = fs::remove_file(&file.temporary);
        }
    }

    /// The folder of all results.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Unchanged files of the earlier run that this run does not replace. They stay; put them
    /// into the new manifest too, so that a later run still knows them.
    #[must_use]
    pub fn stale(&self) -> &[ManifestEntry] {
        &self.stale
    }

    /// Opens the result `relative` for writing, under its temporary name, and makes its folders.
    ///
    /// # Errors
    /// When it is not one of the targets or was created before, or the system refuses.
    pub fn create(&mut self, relative: &Path) -> Result<StagedFile, WriteError> {
        let known = self.files.iter().any(|file| file.relative == relative);
        let (Some(name), true) = (
            relative.file_name(),
            self.targets.contains(relative) && !known,
        ) else {
            let path = relative.to_owned();
            return Err(WriteError::NotPlanned { path });
        };
        let target = self.root.join(relative);
        let parent = target.parent().unwrap_or(&self.root).to_owned();
        self.make_folders(&parent)?;
        let mut temporary_name = std::ffi::OsString::from(".");
        temporary_name.push(name);
        temporary_name.push(".part");
        let temporary = parent.join(temporary_name);
        // What a killed run has left under this name is no one's result.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(WriteError::io(&temporary, error));
            }
            _ => {}
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&temporary)
            .map_err(|error| WriteError::io(&target, error))?;
        let complete = Arc::new(AtomicBool::new(false));
        self.files.push(Pending {
            relative: relative.to_owned(),
            temporary,
            complete: Arc::clone(&complete),
            entry: None,
        });
        Ok(StagedFile {
            file,
            target,
            complete,
        })
    }

    /// Size and checksum of every file created so far, for a manifest that is itself a result:
    /// seal, write the manifest, commit.
    ///
    /// # Errors
    /// When a file is not finished or cannot be read back.
    pub fn seal(&mut self) -> Result<Vec<ManifestEntry>, WriteError> {
        let mut entries = Vec::with_capacity(self.files.len());
        for file in &mut self.files {
            let target = self.root.join(&file.relative);
            if !file.complete.load(Ordering::Acquire) {
                return Err(WriteError::Incomplete { path: target });
            }
            let entry = match file.entry.take() {
                Some(entry) => entry,
                None => ManifestEntry::of(&file.relative, &file.temporary)
                    .map_err(|error| WriteError::io(&target, error))?,
            };
            file.entry = Some(entry.clone());
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Renames every file to its final name, in the order of their creation, and returns the
    /// manifest of the run.
    ///
    /// # Errors
    /// When a file is not finished, when something new has come to lie in a result's place since
    /// [`prepare`](Self::prepare), or when the system refuses. What is not renamed is removed.
    pub fn commit(mut self) -> Result<Vec<ManifestEntry>, WriteError> {
        let entries = self.seal()?;
        for file in &self.files {
            let target = self.root.join(&file.relative);
            if !self.replaceable.contains(&file.relative) && present(&target)?.is_some() {
                return Err(WriteError::Foreign {
                    path: target,
                    more: 0,
                });
            }
        }
        let mut folders = BTreeSet::new();
        while !self.files.is_empty() {
            let target = self.root.join(&self.files[0].relative);
            fs::rename(&self.files[0].temporary, &target)
                .map_err(|error| WriteError::io(&target, error))?;
            self.files.remove(0);
            folders.extend(target.parent().map(Path::to_owned));
        }
        let parents = self.made_folders.iter().filter_map(|made| made.parent());
        folders.extend(parents.map(Path::to_owned));
        for folder in folders {
            // The results are in place: that some file systems refuse this is no failure.
            let _ = sync_folder(&folder);
        }
        self.made_folders.clear();
        Ok(entries)
    }

    fn make_folders(&mut self, folder: &Path) -> Result<(), WriteError> {
        let missing: Vec<_> = folder
            .ancestors()
            .take_while(|part| !part.as_os_str().is_empty() && !part.exists())
            .collect();
        for part in missing.into_iter().rev() {
            match fs::create_dir(part) {
                Ok(()) => self.made_folders.push(part.to_owned()),
                // Another process was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(WriteError::io(part, error)),
            }
        }
        Ok(())
    }
}

impl Drop for OutputFolder {
    /// Nothing can be reported from here, and nothing worse than a leftover can happen.
    fn drop(&mut self) {
        self.discard();
        drop(self.lock.take());
        for folder in self.made_folders.iter().rev() {
            // Fails, as it should, when something else has been put there.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// A result being written, under its temporary name.
#[derive(Debug)]
pub struct StagedFile {
    file: File,
    target: PathBuf,
    complete: Arc<AtomicBool>,
}

impl StagedFile {
    #[cfg(test)]
    pub(super) fn with_file(file: File, target: PathBuf, complete: Arc<AtomicBool>) -> Self {
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

/// Relative, not empty, and without `.` and `..`.
fn is_plain(relative: &Path) -> bool {
    let mut parts = relative.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn present(path: &Path) -> Result<Option<fs::Metadata>, WriteError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(WriteError::io(path, error)),
    }
}

/// Checks that no folder on the way to `target` is a file.
fn folders_or_nothing(target: &Path) -> Result<(), WriteError> {
    for part in target.ancestors().skip(1) {
        if let Ok(metadata) = fs::metadata(part) {
            return if metadata.is_dir() {
                Ok(())
            } else {
                let path = part.to_owned();
                Err(WriteError::NotAFolder { path })
            };
        }
    }
    Ok(())
}

fn own(previous: &[ManifestEntry], relative: &Path, target: &Path) -> Result<bool, WriteError> {
    let name = slashed(relative);
    for entry in previous.iter().filter(|entry| entry.path == name) {
        if entry
            .describes(target)
            .map_err(|error| WriteError::io(target, error))?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes the renames in a folder durable.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems do not open folders; renames there are durable by journal.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
