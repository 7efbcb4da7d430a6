//! What a sweep varies: keys of the configuration, and their values.

use crate::config::{Config, ConfigError, Override};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::str::FromStr;

/// Sections that all runs of a sweep share.
const SHARED: [&str; 3] = ["groundtruth", "output", "compute"];

/// Most runs of a grid, seeds counted.
pub const MOST_RUNS: usize = 10_000;

/// A key of the configuration, and the values that it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The key, like `expansion.factor`.
    pub key: String,
    /// Its values, as they are written in a configuration.
    pub values: Vec<String>,
}

impl FromStr for Axis {
    type Err = String;

    /// Reads `KEY=VALUE,VALUE,...`: commas within quotes, brackets and braces are parts of a value.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = || {
            format!("{text:?} must be SECTION.KEY=VALUE,VALUE,..., such as expansion.factor=4,10")
        };
        let (key, values) = text.split_once('=').ok_or_else(form)?;
        let (key, values) = (key.trim().to_owned(), split(values));
        if values.iter().any(String::is_empty) {
            return Err(format!("{text:?}: a value is missing between commas"));
        }
        let section = key.split('.').next().unwrap_or("");
        if SHARED.contains(&section) {
            return Err(format!(
                "{key}: all runs of a sweep share [{section}]; vary keys of other sections (--seeds varies the seed)"
            ));
        }
        for (number, value) in values.iter().enumerate() {
            if values[..number].contains(value) {
                return Err(format!("{text:?}: {value} is there twice"));
            }
            entry(&key, value).map_err(|_| form())?;
        }
        Ok(Self { key, values })
    }
}

/// Splits at the commas that stand in no quotes, brackets or braces.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut quote, mut open) = (None, 0usize);
    for character in text.chars() {
        match (quote, character) {
            (Some(end), _) if end == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '[' | '{') => open += 1,
            (None, ']' | '}') => open = open.saturating_sub(1),
            (None, ',') if open == 0 => {
                parts.push(std::mem::take(&mut part).trim().to_owned());
                continue;
            }
            (None, _) => {}
        }
        part.push(character);
    }
    parts.push(part.trim().to_owned());
    parts
}

/// The entry of a configuration that sets a key.
fn entry(key: &str, value: &str) -> Result<Override, crate::config::OverrideError> {
    format!("{key}={value}").parse()
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
    let own =
        std::iter::zip(axes, settings).filter_map(|(axis, value)| entry(&axis.key, value).ok());
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
    fn commas_part_values_but_within_brackets_and_quotes() {
        let axis: Axis = "expansion.factor = 4, [1, 2, 2],10"
            .parse()
            .expect("an axis");
        assert_eq!(axis.key, "expansion.factor");
        assert_eq!(axis.values, ["4", "[1, 2, 2]", "10"]);
        let axis: Axis = "labeling.a.fluorophore=\"A,B\",C".parse().expect("an axis");
        assert_eq!(axis.values, ["\"A,B\"", "C"]);
        for wrong in [
            "factor=4",
            "expansion.factor",
            "expansion.factor=4,,5",
            "expansion.factor=4,4",
        ] {
            wrong.parse::<Axis>().expect_err(wrong);
        }
        let shared = "output.format=\"tiff\""
            .parse::<Axis>()
            .expect_err("shared");
        assert!(shared.contains("[output]"), "{shared}");
    }

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
}
