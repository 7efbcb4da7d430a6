//! What a run reads, so that nothing of it is replaced by what the run writes.

use crate::base::files::{self, Identity, Stamp, identity};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

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

/// What shows that a file is still the one that was looked at, links not followed; `None` where
/// there is none.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some(Stamp::new(path, &metadata))
}
