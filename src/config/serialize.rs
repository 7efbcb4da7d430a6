//! Serialisation of fields that TOML cannot hold as they are.

use super::physical::ModelKind;
pub(super) use crate::base::path::absolute_path as path;
use serde::{Serialize, Serializer};
use std::path::PathBuf;

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

/// Writes whole numbers: one as it is, several as a list, and those beyond TOML's 63 bits as
/// strings of digits.
pub(super) fn whole_numbers<S: Serializer>(
    numbers: &[i128],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let written = numbers.iter().map(|&number| match i64::try_from(number) {
        Ok(number) => toml::Value::Integer(number),
        Err(_) => toml::Value::String(number.to_string()),
    });
    let mut written: Vec<toml::Value> = written.collect();
    match written.len() {
        1 => written.remove(0).serialize(serializer),
        _ => written.serialize(serializer),
    }
}

/// Writes a path, if there is one.
pub(super) fn path_if_any<S: Serializer>(
    found: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match found {
        Some(found) => path(found, serializer),
        None => serializer.serialize_none(),
    }
}

/// Writes the table `[model]`.
pub(super) fn model<S: Serializer>(kind: &ModelKind, serializer: S) -> Result<S::Ok, S::Error> {
    std::collections::BTreeMap::from([("kind", kind)]).serialize(serializer)
}

/// Writes a number.
pub(super) fn number<S: Serializer>(number: &usize, serializer: S) -> Result<S::Ok, S::Error> {
    toml_integer(*number).serialize(serializer)
}

/// Writes a number, if there is one.
pub(super) fn number_if_any<S: Serializer>(
    number: &Option<usize>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    number.map(toml_integer).serialize(serializer)
}
