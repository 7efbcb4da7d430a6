//! Output that appears whole or not at all. Every file is written under a temporary name beside
//! its final place (`.channel_0.tiff.part`; the files of a sequence in `.channel_0.part/`) and renamed when
//! all of the run's files are complete. A run that fails leaves what lay there before untouched, and no
//! trace of its own.

mod checks;
mod staged;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use self::staged::{StagedFile, StagedSequence};

use self::checks::{is_plain, present, require_folders, sync_folder};
use super::manifest::slashed;
use super::{FolderLock, ManifestEntry, WriteError};

/// The output folder of one run.
///
/// [`prepare`](Self::prepare) before the run and [`claim`](Self::claim) what becomes known during it,
/// [`create`](Self::create) each file, write and [`finish`](StagedFile::finish) it, then
/// [`commit`](Self::commit). Dropped without a commit, it removes its temporary files and the folders it
/// made.
#[derive(Debug)]
pub struct OutputFolder {
    root: PathBuf,
    force: bool,
    targets: BTreeMap<PathBuf, Target>,
    /// What earlier runs wrote, by [`ManifestEntry::path`].
    previous: BTreeMap<String, Vec<ManifestEntry>>,
    stale: Vec<ManifestEntry>,
    /// Folders whose files are one result, in which nothing of an earlier run may stay.
    wholes: Vec<PathBuf>,
    files: VecDeque<Pending>,
    made_folders: Vec<PathBuf>,
    /// Folders that hold the files of a sequence until the commit.
    temporary_folders: Vec<PathBuf>,
    lock: Option<FolderLock>,
}

/// A result that this run may write.
#[derive(Clone, Copy, Debug, Default)]
struct Target {
    /// A file lies there that may be replaced.
    replaceable: bool,
    created: bool,
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
    /// `previous` is the manifest of the earlier run there, or of several: their files may be replaced if
    /// they are unchanged, everything else only with `force`.
    ///
    /// # Errors
    /// When something else lies in the place of a result, or a part of a path is a file.
    pub fn prepare(
        root: &Path,
        previous: &[ManifestEntry],
        targets: &[PathBuf],
        force: bool,
    ) -> Result<Self, WriteError> {
        let mut by_path: BTreeMap<String, Vec<ManifestEntry>> = BTreeMap::new();
        for entry in previous {
            by_path
                .entry(entry.path.clone())
                .or_default()
                .push(entry.clone());
        }
        let mut folder = Self {
            root: root.to_owned(),
            force,
            targets: BTreeMap::new(),
            previous: by_path,
            stale: Vec::new(),
            wholes: Vec::new(),
            files: VecDeque::new(),
            made_folders: Vec::new(),
            temporary_folders: Vec::new(),
            lock: None,
        };
        folder.claim(targets)?;
        for entry in previous {
            let relative = Path::new(&entry.path);
            if is_plain(relative)
                && !folder.stale.iter().any(|known| known.path == entry.path)
                && !folder.targets.contains_key(relative)
                && entry.describes(&root.join(relative)).unwrap_or(false)
            {
                folder.stale.push(entry.clone());
            }
        }
        Ok(folder)
    }

    /// Adds results that were not known to [`prepare`](Self::prepare), with the same checks.
    ///
    /// # Errors
    /// As for [`prepare`](Self::prepare); then nothing is added.
    pub fn claim(&mut self, targets: &[PathBuf]) -> Result<(), WriteError> {
        let mut claimed = BTreeMap::new();
        let mut foreign = Vec::new();
        // Results of a sequence share a folder, which is looked at once.
        let mut folder: Option<(&Path, bool)> = None;
        for relative in targets {
            if self.targets.contains_key(relative) || claimed.contains_key(relative) {
                continue;
            }
            let (Some(parent), true) = (relative.parent(), is_plain(relative)) else {
                let path = relative.clone();
                return Err(WriteError::NotPlanned { path });
            };
            let exists = match folder {
                Some((known, exists)) if known == parent => exists,
                _ => require_folders(&self.root.join(parent))?,
            };
            folder = Some((parent, exists));
            let mut target = Target::default();
            let path = self.root.join(relative);
            if exists && let Some(metadata) = present(&path)? {
                if metadata.is_dir() {
                    return Err(WriteError::IsFolder { path });
                }
                if self.force || self.is_own(relative, &path)? {
                    target.replaceable = true;
                } else {
                    foreign.push(path);
                }
            }
            claimed.insert(relative.clone(), target);
        }
        if let Some(path) = foreign.iter().min() {
            return Err(WriteError::Foreign {
                path: path.clone(),
                more: foreign.len() - 1,
            });
        }
        self.stale
            .retain(|entry| !claimed.contains_key(Path::new(&entry.path)));
        self.targets.append(&mut claimed);
        Ok(())
    }

    /// Whether the file `relative` is the unchanged output of the earlier run.
    fn is_own(&self, relative: &Path, path: &Path) -> Result<bool, WriteError> {
        let entries = self.previous.get(&slashed(relative));
        for entry in entries.into_iter().flatten() {
            let own = entry.describes(path);
            if own.map_err(|error| WriteError::io(path, error))? {
                return Ok(true);
            }
        }
        Ok(false)
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

    /// Removes what a killed run has left under the temporary names of these results.
    pub fn remove_leftovers(&self, results: &[PathBuf]) {
        let mut names = BTreeSet::new();
        for relative in results.iter().filter(|relative| is_plain(relative)) {
            names.insert(temporary_name(&self.root.join(relative)));
            // The files of a sequence lie in a folder with such a name.
            let folder = relative.parent().filter(|folder| is_plain(folder));
            names.extend(folder.map(|folder| temporary_name(&self.root.join(folder))));
        }
        for name in names {
            // What cannot be removed is in nobody's way.
            let _ = remove_leftover(&name);
        }
    }

    /// Removes what was written so far, so that the results can be created anew.
    pub fn discard(&mut self) {
        for file in self.files.drain(..) {
            // What cannot be removed now is replaced when it is created again.
            let _ = fs::remove_file(&file.temporary);
        }
        for folder in self.temporary_folders.drain(..) {
            let _ = fs::remove_dir(folder);
        }
        for target in self.targets.values_mut() {
            target.created = false;
        }
    }

    /// The folder of all results.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Unchanged files of the earlier run that this run does not replace. They stay; put them
    /// into the new manifest too, so that a later run still knows them.
    pub fn stale(&self) -> impl Iterator<Item = &ManifestEntry> {
        self.stale.iter().filter(|entry| !self.is_superseded(entry))
    }

    /// Declares the files of a folder one result: unchanged files that an earlier run left there and that
    /// this run does not replace would be taken for a part of it, and are removed with the commit.
    pub fn supersede(&mut self, folder: &Path) {
        if !self.wholes.iter().any(|known| known == folder) {
            self.wholes.push(folder.to_owned());
        }
    }

    fn is_superseded(&self, entry: &ManifestEntry) -> bool {
        let path = Path::new(&entry.path);
        self.wholes.iter().any(|folder| path.starts_with(folder))
    }

    /// Opens the result `relative` for writing, under its temporary name, and makes its folders.
    ///
    /// # Errors
    /// When it is not one of the targets or was created before, or the system refuses.
    pub fn create(&mut self, relative: &Path) -> Result<StagedFile, WriteError> {
        self.take(relative)?;
        let target = self.root.join(relative);
        let temporary = temporary_name(&target);
        self.make_folders(target.parent().unwrap_or(&self.root).to_owned().as_path())?;
        // What a killed run has left under this name is no one's result.
        remove_leftover(&temporary)?;
        let complete = Arc::new(AtomicBool::new(false));
        let file = StagedFile::create(&temporary, target, Arc::clone(&complete))?;
        self.files.push_back(Pending {
            relative: relative.to_owned(),
            temporary,
            complete,
            entry: None,
        });
        Ok(file)
    }

    /// Starts the results `files`, which are all to lie in the folder `folder` and are written one after
    /// another. Until the commit they lie in a temporary folder beside it; the folder is
    /// [superseded](Self::supersede).
    ///
    /// # Errors
    /// When one is not among the targets, lies in another folder or was created before, or the system
    /// refuses.
    pub fn create_sequence(
        &mut self,
        folder: &Path,
        files: &[PathBuf],
    ) -> Result<StagedSequence, WriteError> {
        self.supersede(folder);
        let target = self.root.join(folder);
        let temporary = temporary_name(&target);
        self.make_folders(target.parent().unwrap_or(&self.root).to_owned().as_path())?;
        remove_leftover(&temporary)?;
        let complete = Arc::new(AtomicBool::new(false));
        let mut names = Vec::with_capacity(files.len());
        for relative in files {
            let (Some(name), true) = (relative.file_name(), relative.parent() == Some(folder))
            else {
                let path = relative.clone();
                return Err(WriteError::NotPlanned { path });
            };
            self.take(relative)?;
            self.files.push_back(Pending {
                relative: relative.clone(),
                temporary: temporary.join(name),
                complete: Arc::clone(&complete),
                entry: None,
            });
            names.push(name.to_owned());
        }
        fs::create_dir(&temporary).map_err(|error| WriteError::io(&target, error))?;
        self.temporary_folders.push(temporary.clone());
        Ok(StagedSequence::new(temporary, target, names, complete))
    }

    /// Marks a target as created.
    fn take(&mut self, relative: &Path) -> Result<(), WriteError> {
        match self.targets.get_mut(relative) {
            Some(target) if !target.created => {
                target.created = true;
                Ok(())
            }
            _ => Err(WriteError::NotPlanned {
                path: relative.to_owned(),
            }),
        }
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
            let known = self.targets.get(&file.relative);
            if !known.is_some_and(|known| known.replaceable) && present(&target)?.is_some() {
                return Err(WriteError::Foreign {
                    path: target,
                    more: 0,
                });
            }
        }
        let mut folders = BTreeSet::new();
        while let Some(file) = self.files.front() {
            let target = self.root.join(&file.relative);
            let temporary = file.temporary.clone();
            if let Some(folder) = target.parent()
                && !folders.contains(folder)
            {
                // That of a sequence is not there yet.
                self.make_folders(folder)?;
                folders.insert(folder.to_owned());
            }
            fs::rename(&temporary, &target).map_err(|error| WriteError::io(&target, error))?;
            self.files.pop_front();
        }
        for entry in self.stale.iter().filter(|entry| self.is_superseded(entry)) {
            let path = self.root.join(&entry.path);
            // What cannot be removed is left over, as an earlier run's files elsewhere are.
            let _ = fs::remove_file(&path);
            // Its folder, too, if it was the last.
            let _ = path.parent().map(fs::remove_dir);
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

/// `.NAME.part` beside `NAME`.
fn temporary_name(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".part");
    target.with_file_name(name)
}

/// Removes what a killed run has left under a temporary name, a file or the folder of a sequence.
fn remove_leftover(temporary: &Path) -> Result<(), WriteError> {
    let removed = match present(temporary)? {
        None => return Ok(()),
        Some(metadata) if metadata.is_dir() => fs::remove_dir_all(temporary),
        Some(_) => fs::remove_file(temporary),
    };
    removed.map_err(|error| WriteError::io(temporary, error))
}
