//! What a run reads, so that nothing of it is replaced by what the run writes.

use crate::base::files;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What tells a file from every other, by whatever name or link it is reached.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = PathBuf;

#[cfg(unix)]
fn identity(_: &Path, metadata: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// Other systems tell files apart by their paths, links resolved.
#[cfg(not(unix))]
fn identity(path: &Path, _: &Metadata) -> Option<Identity> {
    fs::canonicalize(path).ok()
}

/// The files that a run reads.
#[derive(Clone, Debug, Default)]
pub struct InputFiles {
    files: BTreeMap<Identity, PathBuf>,
}

impl InputFiles {
    /// These files, and all that lie below these folders. What cannot be looked at is left out: it
    /// cannot be read either.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut inputs = Self::default();
        for path in paths {
            files::for_each_file(path, &mut |path, metadata| {
                if let Some(identity) = identity(path, metadata) {
                    inputs.files.insert(identity, path.to_owned());
                }
            });
        }
        inputs
    }

    /// The input that lies at this path, by the name under which it is read.
    pub(super) fn at(&self, path: &Path) -> Option<&Path> {
        if self.files.is_empty() {
            return None;
        }
        let metadata = fs::metadata(path).ok()?;
        self.files
            .get(&identity(path, &metadata)?)
            .map(PathBuf::as_path)
    }
}

/// What shows that a file is still the one that was looked at: links are not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    identity: Option<Identity>,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// That of a file now; `None` where there is none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::symlink_metadata(path).ok()?;
        Some(Self {
            identity: identity(path, &metadata),
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}
