//! The cells of a grid: what each of them sets.

use crate::config::{Axis, Config, ConfigError, Override};
use std::path::Path;

/// Most runs of a grid, seeds counted.
pub const MOST_RUNS: u64 = 2_000;

/// Number of cells of a grid; `None` where it is 2^64 or more.
pub(super) fn cells(axes: &[Axis]) -> Option<u64> {
    let lengths = axes.iter().map(|axis| axis.values.len() as u64);
    lengths
        .into_iter()
        .try_fold(1u64, |cells, length| cells.checked_mul(length))
}

/// A key that several axes vary.
pub(super) fn repeated(axes: &[Axis]) -> Option<&str> {
    let mut numbered = axes.iter().enumerate();
    let again = |(number, axis): &(usize, &Axis)| {
        let mut before = axes[..*number].iter();
        before.any(|other| other.varies_the_key_of(axis))
    };
    numbered.find(again).map(|(_, axis)| axis.key.as_str())
}

/// Settings of the cells of a grid: a value for each axis; those of the last axis change fastest.
#[must_use]
pub fn settings(axes: &[Axis]) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    for axis in axes {
        let longer = |before: Vec<String>| {
            let values = axis.values.iter();
            values.map(move |value| {
                let mut settings = before.clone();
                settings.push(value.clone());
                settings
            })
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

/// Reads the configuration of a cell: that of the file with these entries, and with a value for
/// each axis.
///
/// # Errors
/// Keys or values are wrong.
pub(super) fn configuration(
    path: &Path,
    entries: &[Override],
    axes: &[Axis],
    settings: &[String],
) -> Result<Config, ConfigError> {
    let own = std::iter::zip(axes, settings).filter_map(|(axis, value)| axis.entry(value).ok());
    let entries: Vec<Override> = entries.iter().cloned().chain(own).collect();
    Config::from_file(path, &entries)
}

/// Settings in words: `expansion.factor = 4, optics.numerical_aperture = 1.0`.
#[must_use]
pub fn in_words(axes: &[Axis], settings: &[String]) -> String {
    let words =
        std::iter::zip(axes, settings).map(|(axis, value)| format!("{} = {value}", axis.key));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_axis_changes_fastest() {
        let axis = |key: &str, values: [&str; 2]| Axis {
            key: key.to_owned(),
            values: values.map(str::to_owned).to_vec(),
        };
        let axes = [axis("a.a", ["1", "2"]), axis("b.b", ["x", "y"])];
        let found = settings(&axes);
        assert_eq!(found, [["1", "x"], ["1", "y"], ["2", "x"], ["2", "y"]]);
        assert_eq!(in_words(&axes, &found[1]), "a.a = 1, b.b = y");
        assert_eq!(settings(&[]), [Vec::<String>::new()]);
    }

    #[test]
    fn cells_are_counted_before_they_are_made() {
        let axis = Axis {
            key: "a.a".to_owned(),
            values: vec!["1".to_owned(); 1 << 16],
        };
        assert_eq!(cells(std::slice::from_ref(&axis)), Some(1 << 16));
        assert_eq!(cells(&vec![axis; 4]), None);
    }
}
