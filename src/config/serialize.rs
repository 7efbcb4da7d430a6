//! How fields are written that TOML cannot hold as they are.

use std::path::Path;

use serde::Serializer;

/// Writes a path as absolute, so that the file may lie anywhere. TOML holds Unicode only: what of the
/// path is not is replaced.
pub(super) fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    match std::path::absolute(path) {
        Ok(absolute) => serializer.serialize_str(&absolute.to_string_lossy()),
        Err(_) => serializer.serialize_str(&path.to_string_lossy()),
    }
}

/// Writes a seed as an integer, or beyond TOML's 63 bits as a string of digits.
pub(super) fn seed<S: Serializer>(seed: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match *seed {
        Some(seed) => match i64::try_from(seed) {
            Ok(seed) => serializer.serialize_i64(seed),
            Err(_) => serializer.serialize_str(&seed.to_string()),
        },
        None => serializer.serialize_none(),
    }
}
