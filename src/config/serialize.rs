//! Serialisation of fields that TOML cannot hold as they are.

pub(super) use crate::base::path::absolute_path as path;
use serde::{Serialize, Serializer};

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

/// Limits a number to TOML's largest integer. No key takes as much: larger numbers are refused all
/// the same.
fn toml_integer(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Writes a number of voxels per axis.
pub(super) fn voxels<S: Serializer>(voxels: &[usize; 3], serializer: S) -> Result<S::Ok, S::Error> {
    voxels.map(toml_integer).serialize(serializer)
}

/// Writes a number of voxels per axis, if there is one.
pub(super) fn voxels_if_any<S: Serializer>(
    voxels: &Option<[usize; 3]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    voxels
        .map(|voxels| voxels.map(toml_integer))
        .serialize(serializer)
}

/// Writes a number of threads, if there is one.
pub(super) fn threads<S: Serializer>(
    threads: &Option<usize>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    threads.map(toml_integer).serialize(serializer)
}
