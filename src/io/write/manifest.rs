//! The list of files that a run wrote, by which a later run knows its own.

use crate::base::files::open_regular;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A file of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// Path below the output folder, with `/` between its parts.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// CRC-32 (that of zlib and PNG) of the content.
    pub crc32: u32,
}

impl ManifestEntry {
    /// Describes the file at `file` as the result `relative`.
    pub(crate) fn of(relative: &Path, file: &Path) -> io::Result<Self> {
        let (bytes, crc32) = checksum(file)?;
        Ok(Self {
            path: slashed(relative),
            bytes,
            crc32,
        })
    }

    /// Whether the file at `file` is the one that this entry describes: a plain file, of the same
    /// length and content.
    pub(super) fn describes(&self, file: &Path) -> io::Result<bool> {
        let metadata = fs::symlink_metadata(file)?;
        if !metadata.is_file() || metadata.len() != self.bytes {
            return Ok(false);
        }
        Ok(checksum(file)? == (self.bytes, self.crc32))
    }
}

/// A relative path in the form of [`ManifestEntry::path`].
pub(super) fn slashed(relative: &Path) -> String {
    let parts: Vec<_> = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

fn checksum(path: &Path) -> io::Result<(u64, u32)> {
    let mut file = open_regular(path)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hasher.finalize())),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
