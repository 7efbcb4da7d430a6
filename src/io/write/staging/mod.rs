//! Output that appears whole or not at all. Every file is written in a hidden folder beside the
//! results (`.simulation.part/`) and gets its name when all of the run's files are complete. A run
//! that fails leaves what lay there before untouched, and no trace of its own; what a killed run
//! leaves is that folder, which the next one removes as a whole.

mod checks;
mod publication;
mod staged;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub use self::staged::{StagedFile, StagedTree};

use self::checks::{files_below, is_plain, present, require_folders, require_reachable};
use self::publication::{Complete, Publication};
use super::inputs::stamp;
use super::manifest::slashed;
use super::{FolderLock, InputFiles, ManifestEntry, WriteError};
use crate::base::files::Stamp;

/// A result that a run announces before it writes it, by its path below the output folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file.
    File(PathBuf),
    /// A folder, all files of which are one result; what they are called shows when they are
    /// written.
    Tree(PathBuf),
}

impl Target {
    /// The path below the output folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Tree(path) => path,
        }
    }
}

impl From<&str> for Target {
    /// A file.
    fn from(path: &str) -> Self {
        Self::File(path.into())
    }
}

/// The output folder of one run.
///
/// [`prepare`](Self::prepare) before the run and [`claim`](Self::claim) what becomes known during
/// it, [`create`](Self::create) each file and tree, write and [`finish`](StagedFile::finish) it,
/// then [`commit`](Self::commit). Dropped without a commit, it removes its temporary files and the
/// folders it made.
#[derive(Debug)]
pub struct OutputFolder {
    root: PathBuf,
    force: bool,
    claims: BTreeMap<PathBuf, Claim>,
    /// What earlier runs wrote, by [`ManifestEntry::path`].
    previous: BTreeMap<String, Vec<ManifestEntry>>,
    stale: Vec<ManifestEntry>,
    /// Folders whose files are one result, in which nothing of an earlier run may stay.
    wholes: Vec<PathBuf>,
    pending: Vec<Pending>,
    made_folders: Vec<PathBuf>,
    /// The folder of temporary files; of a run the same for all that write here.
    temporary: PathBuf,
    /// Whether that is this run's, to be removed with it.
    is_open: bool,
    lock: Option<FolderLock>,
    /// Files that no result may replace.
    inputs: InputFiles,
}

/// A result that this run may write.
#[derive(Clone, Debug)]
struct Claim {
    is_tree: bool,
    /// Files there that may be replaced, below the output folder, as they were when they were
    /// looked at.
    replaceable: BTreeMap<PathBuf, Option<Stamp>>,
    created: bool,
}

/// A result that is not yet under its final name.
#[derive(Debug)]
struct Pending {
    relative: PathBuf,
    temporary: PathBuf,
    complete: Completion,
    /// Of its files, once it is sealed.
    entries: Vec<ManifestEntry>,
}

/// Set when a result is complete: to nothing for a file, to the names of its files for a tree.
type Completion = Arc<OnceLock<Option<Vec<PathBuf>>>>;

/// The folder of temporary files of a run.
const RUN: &str = "simulation";

/// In that folder: files on their way, by the paths of the results.
const NEW: &str = "new";

impl Pending {
    /// Its files: final paths below the output folder, and temporary ones. None before it is
    /// complete.
    fn files(&self) -> Option<Vec<(PathBuf, PathBuf)>> {
        Some(match self.complete.get()? {
            None => vec![(self.relative.clone(), self.temporary.clone())],
            Some(names) => (names.iter())
                .map(|name| (self.relative.join(name), self.temporary.join(name)))
                .collect(),
        })
    }

    fn is_tree(&self) -> bool {
        matches!(self.complete.get(), Some(Some(_)))
    }
}

impl OutputFolder {
    /// Plans a run whose results are the `targets` below `root`; nothing is created yet. `previous`
    /// is the manifest of the earlier run there, or of several: their files may be replaced if they
    /// are unchanged, everything else only with `force`.
    ///
    /// # Errors
    /// When something else lies in the place of a result, or a part of a path is a file.
    pub fn prepare(
        root: &Path,
        previous: &[ManifestEntry],
        targets: &[Target],
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
            claims: BTreeMap::new(),
            previous: by_path,
            stale: Vec::new(),
            wholes: Vec::new(),
            pending: Vec::new(),
            made_folders: Vec::new(),
            temporary: root.join(temporary_name(targets.first())),
            is_open: false,
            lock: None,
            inputs: InputFiles::default(),
        };
        folder.claim(targets)?;
        for entry in previous {
            let relative = Path::new(&entry.path);
            if is_plain(relative)
                && !folder.stale.iter().any(|known| known.path == entry.path)
                && !folder.claims.contains_key(relative)
                && entry.describes(&root.join(relative)).unwrap_or(false)
            {
                folder.stale.push(entry.clone());
            }
        }
        Ok(folder)
    }

    /// Holds the results against what the run reads: what is claimed later, too.
    ///
    /// # Errors
    /// When a result would replace or remove an input, whatever either is called.
    pub fn protect(&mut self, inputs: InputFiles) -> Result<(), WriteError> {
        self.inputs = inputs;
        self.temporary = run_folder(&self.root);
        // All that lies there is removed.
        if present(&self.temporary)?.is_some_and(|found| found.is_dir()) {
            let leftovers = files_below(&self.temporary, Path::new(""))?;
            let mut paths = leftovers.iter().map(|file| self.temporary.join(file));
            paths.try_for_each(|path| self.spare_input(&path))?;
        }
        let claims = self.claims.iter();
        claims
            .into_iter()
            .try_for_each(|(_, claim)| self.spare_inputs(claim))?;
        let superseded = self.stale.iter().filter(|entry| self.is_superseded(entry));
        superseded
            .map(|entry| self.root.join(&entry.path))
            .try_for_each(|path| self.spare_input(&path))
    }

    /// That no result is an input.
    fn spare_inputs(&self, claim: &Claim) -> Result<(), WriteError> {
        let mut files = claim.replaceable.keys();
        files.try_for_each(|file| self.spare_input(&self.root.join(file)))
    }

    fn spare_input(&self, path: &Path) -> Result<(), WriteError> {
        self.inputs.at(path).map_or(Ok(()), |input| {
            Err(WriteError::IsInput {
                path: path.to_owned(),
                input: input.to_owned(),
            })
        })
    }

    /// Adds results that were not known to [`prepare`](Self::prepare), with the same checks. A tree
    /// is [superseded](Self::supersede); what others have put into its folder, hidden files apart,
    /// is in the way.
    ///
    /// # Errors
    /// As for [`prepare`](Self::prepare); then nothing is added.
    pub fn claim(&mut self, targets: &[Target]) -> Result<(), WriteError> {
        let mut claimed = BTreeMap::new();
        let mut foreign = Vec::new();
        // Many results share a folder, which is looked at once.
        let mut folder: Option<(&Path, bool)> = None;
        for target in targets {
            let relative = target.path();
            if self.claims.contains_key(relative) || claimed.contains_key(relative) {
                continue;
            }
            let (Some(parent), true) = (relative.parent(), is_plain(relative)) else {
                let path = relative.to_owned();
                return Err(WriteError::NotPlanned { path });
            };
            let exists = match folder {
                Some((known, exists)) if known == parent => exists,
                _ => require_folders(&self.root.join(parent))?,
            };
            folder = Some((parent, exists));
            let is_tree = matches!(target, Target::Tree(_));
            let mut replaceable = BTreeMap::new();
            let present = if exists {
                self.files_of(target)?
            } else {
                Vec::new()
            };
            for file in present {
                let path = self.root.join(&file);
                if self.force || self.is_own(&file, &path)? {
                    replaceable.insert(file, stamp(&path));
                } else if !(is_tree && is_hidden(&file)) {
                    foreign.push(path);
                }
            }
            let claim = Claim {
                is_tree,
                replaceable,
                created: false,
            };
            self.spare_inputs(&claim)?;
            claimed.insert(relative.to_owned(), claim);
        }
        if let Some(path) = foreign.iter().min() {
            return Err(WriteError::Foreign {
                path: path.clone(),
                more: foreign.len() - 1,
            });
        }
        self.stale
            .retain(|entry| !claimed.contains_key(Path::new(&entry.path)));
        for (relative, _) in claimed.iter().filter(|(_, claim)| claim.is_tree) {
            self.supersede(relative);
        }
        self.claims.append(&mut claimed);
        Ok(())
    }

    /// The files that lie in the place of a result.
    fn files_of(&self, target: &Target) -> Result<Vec<PathBuf>, WriteError> {
        let relative = target.path();
        let path = self.root.join(relative);
        let Some(metadata) = present(&path)? else {
            return Ok(Vec::new());
        };
        match target {
            Target::File(_) if metadata.is_dir() => Err(WriteError::IsFolder { path }),
            Target::File(_) => Ok(vec![relative.to_owned()]),
            Target::Tree(_) if metadata.is_dir() => files_below(&self.root, relative),
            Target::Tree(_) => Err(WriteError::NotAFolder { path }),
        }
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

    /// Makes the folder of all results, so that one that cannot be written is known early, and
    /// keeps other runs out of it; `lock` is its lock, if it was there to be locked before. What a
    /// killed run has left of its temporary files is removed.
    ///
    /// # Errors
    /// When the system refuses, or another run is at work there.
    pub fn make_root(&mut self, lock: Option<FolderLock>) -> Result<(), WriteError> {
        self.temporary = run_folder(&self.root);
        let root = self.root.clone();
        self.make_folders(&root)?;
        self.lock = match lock {
            Some(lock) => Some(lock),
            None => FolderLock::take(&root)?,
        };
        self.open()
    }

    /// The folder of a run's temporary files, where it has stayed though nothing uses it any more.
    pub fn leftover(root: &Path) -> Option<PathBuf> {
        Some(run_folder(root)).filter(|folder| folder.exists())
    }

    /// Puts back what a run in this folder had replaced, where it was killed while its files got
    /// their names; `published` are these. To be called by whoever has the folder's lock, before
    /// anything there is looked at.
    ///
    /// # Errors
    /// When something else has come to lie there meanwhile, or the system refuses.
    pub fn recover(root: &Path, published: &[ManifestEntry]) -> Result<(), WriteError> {
        publication::recover(root, &run_folder(root), published)
    }

    /// Takes the folder of temporary files, without what lies there.
    fn open(&mut self) -> Result<(), WriteError> {
        if self.is_open {
            return Ok(());
        }
        publication::recover(&self.root, &self.temporary, &[])?;
        remove_leftover(&self.temporary)?;
        fs::create_dir(&self.temporary).map_err(|error| WriteError::io(&self.root, error))?;
        self.is_open = true;
        Ok(())
    }

    /// Removes what was written so far, so that the results can be created anew.
    pub fn discard(&mut self) {
        for result in self.pending.drain(..) {
            // What cannot be removed now is replaced when it is created again.
            let _ = remove_leftover(&result.temporary);
        }
        for claim in self.claims.values_mut() {
            claim.created = false;
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

    /// Declares the files of a folder one result: unchanged files that an earlier run left there
    /// and that this run does not replace would be taken for a part of it, and are removed with the
    /// commit.
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
    /// When it is not one of the files among the targets or was created before, or the system
    /// refuses.
    pub fn create(&mut self, relative: &Path) -> Result<StagedFile, WriteError> {
        let (temporary, complete) = self.start(relative, false)?;
        StagedFile::create(&temporary, self.root.join(relative), complete)
    }

    /// Starts the result `relative`, whose files appear while it is written. Until the commit they
    /// lie in a temporary folder beside their own.
    ///
    /// # Errors
    /// When it is not one of the trees among the targets or was created before, or the system
    /// refuses.
    pub fn create_tree(&mut self, relative: &Path) -> Result<StagedTree, WriteError> {
        let (temporary, complete) = self.start(relative, true)?;
        StagedTree::create(temporary, self.root.join(relative), complete)
    }

    /// Marks a result as created, and makes the folders of its temporary path.
    fn start(&mut self, relative: &Path, tree: bool) -> Result<(PathBuf, Completion), WriteError> {
        match self.claims.get_mut(relative) {
            Some(claim) if !claim.created && claim.is_tree == tree => claim.created = true,
            _ => {
                let path = relative.to_owned();
                return Err(WriteError::NotPlanned { path });
            }
        }
        let root = self.root.clone();
        self.make_folders(&root)?;
        self.open()?;
        let target = self.root.join(relative);
        // That it cannot get there is known before it is made.
        require_reachable(&self.root, target.parent().unwrap_or(&self.root))?;
        let temporary = self.temporary.join(NEW).join(relative);
        fs::create_dir_all(temporary.parent().unwrap_or(&self.temporary))
            .map_err(|error| WriteError::io(&target, error))?;
        let complete = Completion::default();
        self.pending.push(Pending {
            relative: relative.to_owned(),
            temporary: temporary.clone(),
            complete: Arc::clone(&complete),
            entries: Vec::new(),
        });
        Ok((temporary, complete))
    }

    /// Size and checksum of every file created so far, for a manifest that is itself a result:
    /// seal, write the manifest, commit.
    ///
    /// # Errors
    /// When a file is not finished or cannot be read back.
    pub fn seal(&mut self) -> Result<Vec<ManifestEntry>, WriteError> {
        let mut entries = Vec::new();
        for result in &mut self.pending {
            let path = self.root.join(&result.relative);
            let files = result.files().ok_or(WriteError::Incomplete { path })?;
            if result.entries.is_empty() {
                for (relative, temporary) in files {
                    let entry = ManifestEntry::of(&relative, &temporary)
                        .map_err(|error| WriteError::io(&self.root.join(&relative), error))?;
                    result.entries.push(entry);
                }
            }
            entries.extend_from_slice(&result.entries);
        }
        Ok(entries)
    }

    /// Gives every file its final name, in the order of their creation, the last one when the
    /// others are on the disk; returns the manifest of the run.
    ///
    /// # Errors
    /// When a file is not finished, when something else has come to lie in a result's place since
    /// [`prepare`](Self::prepare), or when the system refuses. What lay there before is put back.
    pub fn commit(mut self) -> Result<Vec<ManifestEntry>, WriteError> {
        let entries = self.seal()?;
        for result in &self.pending {
            let known = self.claims.get(&result.relative);
            for (relative, _) in result.files().unwrap_or_default() {
                let path = self.root.join(&relative);
                let was = known.and_then(|known| known.replaceable.get(&relative));
                if present(&path)?.is_some() && was != Some(&stamp(&path)) {
                    return Err(WriteError::Foreign { path, more: 0 });
                }
            }
        }
        let results = self.pending.drain(..).map(|result| Complete {
            files: result.files().unwrap_or_default(),
            is_tree: result.is_tree(),
            relative: result.relative,
            temporary: result.temporary,
        });
        let results: Vec<Complete> = results.collect();
        let written: BTreeSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        let superseded = self.stale.iter().filter(|entry| self.is_superseded(entry));
        let superseded: Vec<PathBuf> = superseded
            .filter(|entry| !written.contains(entry.path.as_str()))
            .map(|entry| PathBuf::from(&entry.path))
            .filter(|relative| self.inputs.at(&self.root.join(relative)).is_none())
            .collect();
        let mut publication = Publication::new(&self.root, &self.temporary);
        if let Err(error) = publication.publish(&results, &superseded) {
            return Err(match publication.put_back() {
                Ok(()) => error,
                Err((kept, reason)) => {
                    // Not to be removed.
                    self.is_open = false;
                    self.made_folders.clear();
                    let error = Box::new(error);
                    WriteError::NotPutBack {
                        error,
                        reason,
                        kept,
                    }
                }
            });
        }
        for relative in superseded {
            // Its folders, too, if it was the last in them.
            let path = self.root.join(relative);
            let below_root =
                |folder: &&Path| folder.starts_with(&self.root) && **folder != self.root;
            let mut folders = path.ancestors().skip(1).take_while(below_root);
            let _ = folders.try_for_each(fs::remove_dir);
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
        if self.is_open {
            let _ = steps::remove_folder(&self.temporary);
        }
        drop(self.lock.take());
        for folder in self.made_folders.iter().rev() {
            // Fails, as it should, when something else has been put there.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// The folder of temporary files of what writes these results.
fn temporary_name(first: Option<&Target>) -> OsString {
    let name = first.and_then(|target| target.path().file_name());
    hidden(name.unwrap_or(RUN.as_ref()))
}

/// That of runs.
fn run_folder(root: &Path) -> PathBuf {
    root.join(hidden(RUN.as_ref()))
}

/// `.NAME.part`.
fn hidden(name: &OsStr) -> OsString {
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(".part");
    hidden
}

/// Whether one of the names in a path is hidden.
fn is_hidden(path: &Path) -> bool {
    path.iter()
        .any(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Removes what lies under a temporary name, a file or the folder of a tree.
fn remove_leftover(temporary: &Path) -> Result<(), WriteError> {
    let removed = match present(temporary)? {
        None => return Ok(()),
        Some(metadata) if metadata.is_dir() => fs::remove_dir_all(temporary),
        Some(_) => fs::remove_file(temporary),
    };
    removed.map_err(|error| WriteError::io(temporary, error))
}
