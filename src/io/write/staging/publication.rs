//! How complete files get their final names, all of them or none.
//!
//! What is replaced or removed is kept under a second name until everything is in place, so that it
//! can be put back: by this process where a step fails, by the next run where the process was ended
//! in between. ARCHITECTURE.md argues for the order of the steps.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::WriteError;
use super::super::manifest::{ManifestEntry, slashed};
use super::checks::{files_below, present};
use super::steps;
use crate::base::files::identity;

/// In the folder of temporary files: what a publication has replaced, by the paths of the results.
const OLD: &str = "old";
/// The same, once everything is in place and nothing is to be put back.
const DONE: &str = "done";

/// A complete result.
#[derive(Debug)]
pub(super) struct Complete {
    /// Its path below the output folder.
    pub relative: PathBuf,
    /// Where it lies until it gets that.
    pub temporary: PathBuf,
    /// Its files, below the output folder and where they lie; of a tree those in it.
    pub files: Vec<(PathBuf, PathBuf)>,
    pub is_tree: bool,
}

/// Files on their way to their final names.
#[derive(Debug)]
pub(super) struct Publication<'f> {
    root: &'f Path,
    temporary: &'f Path,
    /// Files that lie under a second name, below the output folder.
    kept: BTreeSet<PathBuf>,
    placed: Vec<Placed>,
    /// Folders in which names have changed.
    changed: BTreeSet<PathBuf>,
    made_folders: Vec<PathBuf>,
}

#[derive(Debug)]
enum Placed {
    /// In the place of another file, perhaps.
    File {
        place: PathBuf,
        replaced: bool,
    },
    Tree {
        place: PathBuf,
        temporary: PathBuf,
    },
}

impl<'f> Publication<'f> {
    /// Starts one in the folder of temporary files of an output folder.
    pub fn new(root: &'f Path, temporary: &'f Path) -> Self {
        Self {
            root,
            temporary,
            kept: BTreeSet::new(),
            placed: Vec::new(),
            changed: BTreeSet::new(),
            made_folders: Vec::new(),
        }
    }

    /// Gives all results their names, the last of them when the others are on the disk, and removes
    /// the files that they supersede.
    ///
    /// # Errors
    /// When a step fails: then everything is to be [put back](Self::put_back).
    pub fn publish(
        &mut self,
        results: &[Complete],
        superseded: &[PathBuf],
    ) -> Result<(), WriteError> {
        let files = results.iter().flat_map(|result| &result.files);
        let files: Vec<&Path> = files.map(|(relative, _)| relative.as_path()).collect();
        // One file is replaced in one step.
        if files.len() + superseded.len() > 1 {
            for relative in files
                .into_iter()
                .chain(superseded.iter().map(PathBuf::as_path))
            {
                self.keep(relative)?;
            }
            self.sync()?;
        }
        let Some((last, others)) = results.split_last() else {
            return Ok(());
        };
        others.iter().try_for_each(|result| self.place(result))?;
        for relative in superseded {
            let path = self.root.join(relative);
            // What cannot be removed is left over, as an earlier run's files elsewhere are.
            if steps::remove(&path).is_ok() {
                self.changed.extend(path.parent().map(Path::to_owned));
            }
        }
        self.sync()?;
        self.place(last)?;
        self.sync()?;
        if !self.kept.is_empty() {
            // From here on the new files stand.
            let (old, done) = (self.temporary.join(OLD), self.temporary.join(DONE));
            steps::rename(&old, &done).map_err(|error| WriteError::io(self.root, error))?;
        }
        Ok(())
    }

    /// Keeps what lies at the place of a result under a second name.
    fn keep(&mut self, relative: &Path) -> Result<(), WriteError> {
        let path = self.root.join(relative);
        if present(&path)?.is_none() {
            return Ok(());
        }
        let kept = self.temporary.join(OLD).join(relative);
        let folder = kept.parent().unwrap_or(self.temporary).to_owned();
        let error = |error| WriteError::io(&path, error);
        if !self.changed.contains(&folder) {
            steps::make_folder(&folder).map_err(error)?;
            let inside = folder
                .ancestors()
                .take_while(|part| part.starts_with(self.temporary));
            self.changed.extend(inside.map(Path::to_owned));
            self.changed.insert(self.root.to_owned());
        }
        steps::keep(&path, &kept).map_err(error)?;
        self.kept.insert(relative.to_owned());
        Ok(())
    }

    fn place(&mut self, result: &Complete) -> Result<(), WriteError> {
        let place = self.root.join(&result.relative);
        // A tree where there is none yet appears in one step.
        let is_new_tree = result.is_tree && present(&place)?.is_none();
        if is_new_tree {
            self.make_folder(place.parent().unwrap_or(self.root))?;
            let renamed = steps::rename(&result.temporary, &place);
            renamed.map_err(|error| WriteError::io(&place, error))?;
            self.placed.push(Placed::Tree {
                place: place.clone(),
                temporary: result.temporary.clone(),
            });
        }
        for (relative, temporary) in &result.files {
            let path = self.root.join(relative);
            let folder = path.parent().unwrap_or(self.root).to_owned();
            if !self.changed.contains(&folder) {
                self.make_folder(&folder)?;
                self.changed.insert(folder);
            }
            if !is_new_tree {
                let replaced = self.kept.contains(relative) || present(&path)?.is_some();
                let renamed = steps::rename(temporary, &path);
                renamed.map_err(|error| WriteError::io(&path, error))?;
                self.placed.push(Placed::File {
                    place: path,
                    replaced,
                });
            }
        }
        self.changed.extend(place.parent().map(Path::to_owned));
        Ok(())
    }

    fn make_folder(&mut self, folder: &Path) -> Result<(), WriteError> {
        let missing = folder.ancestors().take_while(|part| !part.exists());
        let missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let parents = missing.iter().filter_map(|part| part.parent());
        self.changed.extend(parents.map(Path::to_owned));
        self.made_folders.extend(missing.into_iter().rev());
        steps::make_folder(folder).map_err(|error| WriteError::io(folder, error))
    }

    /// Brings names to the disk.
    fn sync(&mut self) -> Result<(), WriteError> {
        for folder in std::mem::take(&mut self.changed) {
            // One that was emptied by what it held is gone.
            if folder.exists() {
                steps::sync(&folder).map_err(|error| WriteError::io(&folder, error))?;
            }
        }
        Ok(())
    }

    /// Puts everything back as it was.
    ///
    /// # Errors
    /// When that fails, too. What was there is then kept for the next run, under the path that the
    /// error names.
    pub fn put_back(&mut self) -> Result<(), (PathBuf, io::Error)> {
        let old = self.temporary.join(OLD);
        let mut failure = None;
        let mut note = |done: io::Result<()>| {
            if let Err(error) = done {
                failure.get_or_insert(error);
            }
        };
        for placed in self.placed.drain(..).rev() {
            match placed {
                // What was kept of it comes back below; a file by itself is not, and stays.
                Placed::File { replaced: true, .. } => {}
                Placed::File { place, .. } => note(steps::remove(&place)),
                Placed::Tree { place, temporary } => note(steps::rename(&place, &temporary)),
            }
        }
        for relative in &self.kept {
            note(restore(&old.join(relative), &self.root.join(relative)));
        }
        for folder in self.made_folders.drain(..).rev() {
            // Fails, as it should, where something else has been put there.
            let _ = fs::remove_dir(folder);
        }
        match failure {
            Some(error) if !self.kept.is_empty() => Err((old, error)),
            _ => Ok(()),
        }
    }
}

/// Gives a kept file its name back. Where it has not lost that, this does nothing.
fn restore(kept: &Path, place: &Path) -> io::Result<()> {
    if let Some(folder) = place.parent().filter(|folder| !folder.exists()) {
        steps::make_folder(folder)?;
    }
    steps::rename(kept, place)
}

/// Puts back what a process that was ended within a publication had replaced; `published` are the
/// files that it was about to give their names. The folder of temporary files is left without
/// anything that is worth keeping.
///
/// # Errors
/// When something else has come to lie there meanwhile, or the system refuses.
pub(super) fn recover(
    root: &Path,
    temporary: &Path,
    published: &[ManifestEntry],
) -> Result<(), WriteError> {
    let old = temporary.join(OLD);
    if !fs::symlink_metadata(&old).is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    let mut changed = BTreeSet::new();
    for relative in files_below(&old, Path::new(""))? {
        let (kept, place) = (old.join(&relative), root.join(&relative));
        let error = |error| WriteError::io(&place, error);
        let lies_there = present(&place)?;
        if let Some(found) = lies_there {
            let own = present(&kept)?.and_then(|kept_as| identity(&kept, &kept_as));
            let is = |entry: &ManifestEntry| entry.describes(&place).unwrap_or(false);
            let old = || ManifestEntry::of(&relative, &kept).is_ok_and(|entry| is(&entry));
            if (own.is_some() && identity(&place, &found) == own) || old() {
                continue;
            }
            let path = slashed(&relative);
            let mut same_path = published.iter().filter(|entry| entry.path == path);
            if !same_path.any(is) {
                return Err(WriteError::Torn { path: place, kept });
            }
        }
        restore(&kept, &place).map_err(error)?;
        changed.extend(place.parent().map(Path::to_owned));
    }
    for folder in changed {
        steps::sync(&folder).map_err(|error| WriteError::io(&folder, error))?;
    }
    let done = temporary.join(DONE);
    if done.exists() {
        // A disk may have kept both names.
        steps::remove_folder(&done).map_err(|error| WriteError::io(&done, error))?;
    }
    steps::rename(&old, &done).map_err(|error| WriteError::io(root, error))
}
