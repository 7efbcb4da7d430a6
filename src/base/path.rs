//! Paths as they are written to files.

use serde::Serializer;
use std::path::Path;

/// Writes a path as absolute, so that the file may lie anywhere. TOML holds Unicode only: what of
/// the path is not is replaced.
pub(crate) fn absolute_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    match std::path::absolute(path) {
        Ok(absolute) => serializer.serialize_str(&absolute.to_string_lossy()),
        Err(_) => serializer.serialize_str(&path.to_string_lossy()),
    }
}
