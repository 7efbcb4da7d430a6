//! What a sweep varies: keys of the configuration, and their values.

use crate::config::keys::other_spelling;
use crate::config::{Override, OverrideError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Sections that all runs of a sweep share.
const SHARED: [&str; 4] = ["groundtruth", "output", "compute", "sweep"];

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
        // As it is understood, and not as it is quoted.
        let path = match values.first().map(|value| entry(&key, value)) {
            Some(Ok(entry)) => entry.path().to_vec(),
            _ => return Err(form()),
        };
        let key = path
            .iter()
            .map(|part| spelled(part))
            .collect::<Vec<_>>()
            .join(".");
        let section = path[0].as_str();
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

/// Part of a key as it is written: in quotes where it needs them.
fn spelled(part: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match part {
        part if !part.is_empty() && part.chars().all(is_bare) => part.to_owned(),
        part if part.contains('"') => format!("'{part}'"),
        part => format!("\"{part}\""),
    }
}

/// The entry of a configuration that sets a key.
fn entry(key: &str, value: &str) -> Result<Override, OverrideError> {
    format!("{key}={value}").parse()
}

impl Axis {
    /// The entry of a configuration that gives the key one of its values.
    ///
    /// # Errors
    /// The axis was not read, and its key or value can be in no configuration.
    pub fn entry(&self, value: &str) -> Result<Override, OverrideError> {
        entry(&self.key, value)
    }

    /// Whether another axis varies the same key, in whatever spelling.
    pub(crate) fn varies_the_key_of(&self, other: &Self) -> bool {
        let parts = |axis: &Self| -> Option<Vec<String>> {
            let mut path = axis.entry(axis.values.first()?).ok()?.path().to_vec();
            let last = path.pop()?;
            let spelling = other_spelling(&last).map(str::to_owned);
            path.push(spelling.map_or(last.clone(), |other| last.min(other)));
            Some(path)
        };
        parts(self) == parts(other)
    }
}

impl fmt::Display for Axis {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.values.join(","))
    }
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
        assert_eq!(axis.to_string().parse(), Ok(axis));
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
        for quoted in ["\"output\".name=a,b", "'compute' . seed=1,2"] {
            let shared = quoted.parse::<Axis>().expect_err(quoted);
            assert!(shared.contains("all runs of a sweep share"), "{shared}");
        }
    }

    #[test]
    fn keys_are_the_same_in_all_spellings() {
        let axis = |text: &str| text.parse::<Axis>().expect(text);
        let quoted = axis("\"expansion\".\"factor\"=4,5");
        assert_eq!(quoted.key, "expansion.factor");
        assert!(quoted.varies_the_key_of(&axis("expansion.factor=6")));
        assert!(!quoted.varies_the_key_of(&axis("expansion.factors=6")));
        let spaced = axis("labeling.\"a b\".fluorophore=x");
        assert_eq!(spaced.key, "labeling.\"a b\".fluorophore");
        assert_eq!(spaced.to_string().parse(), Ok(spaced));
    }
}
