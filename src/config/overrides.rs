//! Entries given beside the file, such as `--set SECTION.KEY=VALUE`. They go into the tree before
//! it is read, so that they obey the same rules.

use std::collections::btree_map;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use toml::de::DeValue;

use super::keys::other_spelling;
use super::toml_source;
use super::tree::{Entry, Position, Table, Value};

/// Entry that replaces one of the file or adds to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Section, sub-sections and key; at least two.
    path: Vec<String>,
    value: Value,
    /// Position for messages, a [`Position::Override`].
    position: Position,
    /// Whether it also counts where the file has an entry.
    replaces: bool,
}

/// Error of text that is no override.
#[derive(Debug, thiserror::Error)]
pub enum OverrideError {
    /// The text is not of the form SECTION.KEY=VALUE.
    #[error("{text:?} must be SECTION.KEY=VALUE, such as optics.pixel_size=100")]
    Form {
        /// Text as given.
        text: String,
    },
    /// A folder cannot be made absolute.
    #[error("the folder {} cannot be made absolute: {source}", path.display())]
    NotAbsolute {
        /// Folder as given.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
    /// The name of a folder is not Unicode, as configurations are.
    #[error("the name of the folder {} is not Unicode", path.display())]
    NotUnicode {
        /// Folder, absolute.
        path: PathBuf,
    },
}

impl Override {
    /// Replaces the entry at `path` (section, sub-sections, key), as the command line's flags do.
    ///
    /// `label` is its name in messages, such as `--seed 7`; `text` is read as the key asks for.
    pub fn new(label: impl Into<Arc<str>>, path: &[&str], text: &str) -> Self {
        Self::with_value(
            label.into(),
            path.iter().map(|&key| key.to_owned()).collect(),
            text,
        )
    }

    /// An entry that counts where there is none, in place of the key's default.
    #[doc(hidden)]
    pub fn where_unset(label: impl Into<Arc<str>>, path: &[&str], text: &str) -> Self {
        Self {
            replaces: false,
            ..Self::new(label, path, text)
        }
    }

    /// Replaces `[output] path` by a folder, which starts at the working directory if it is
    /// relative.
    ///
    /// # Errors
    /// The folder cannot be made absolute, or its name is not Unicode.
    pub fn output_path(folder: &Path) -> Result<Self, OverrideError> {
        let absolute =
            std::path::absolute(folder).map_err(|source| OverrideError::NotAbsolute {
                path: folder.to_owned(),
                source,
            })?;
        let Some(text) = absolute.to_str() else {
            return Err(OverrideError::NotUnicode { path: absolute });
        };
        let position = Position::Override(format!("--output {}", folder.display()).into());
        let path = vec!["output".to_owned(), "path".to_owned()];
        Ok(Self {
            path,
            value: Value::String(text.to_owned()),
            position,
            replaces: true,
        })
    }

    /// Section, sub-sections and key.
    pub(crate) fn path(&self) -> &[String] {
        &self.path
    }

    fn with_value(label: Arc<str>, path: Vec<String>, text: &str) -> Self {
        let position = Position::Override(label);
        let text = text.trim();
        let raw = || Value::Raw(text.to_owned());
        let value = match DeValue::parse(text) {
            Ok(value) => match value.get_ref() {
                // The key decides whether 5 is a number or a name. Only hexadecimal and its like,
                // which raw text does not have, are certainly numbers.
                DeValue::Integer(number) if number.radix() == 10 => raw(),
                DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => raw(),
                value => toml_source::value(value, &|_| position.clone()),
            },
            Err(_) => raw(),
        };
        Self {
            path,
            value,
            position,
            replaces: true,
        }
    }

    /// Puts the entry into the tree, with the tables around it.
    pub(super) fn apply(&self, root: &mut Table) {
        let Some((key, sections)) = self.path.split_last() else {
            return;
        };
        let mut table = root;
        for section in sections {
            let entry = table
                .entry(section.clone())
                .or_insert_with(|| self.entry(Value::Table(Table::new())));
            if !matches!(entry.value, Value::Table(_)) {
                *entry = self.entry(Value::Table(Table::new()));
            }
            let Value::Table(inner) = &mut entry.value else {
                return;
            };
            table = inner;
        }
        let other = other_spelling(key);
        let is_there = |key: &str| table.contains_key(key);
        if !self.replaces && (is_there(key) || other.is_some_and(is_there)) {
            return;
        }
        if let Some(other) = other {
            table.remove(other);
        }
        match table.entry(key.clone()) {
            btree_map::Entry::Vacant(vacant) => {
                vacant.insert(self.entry(self.value.clone()));
            }
            btree_map::Entry::Occupied(mut occupied) => {
                occupied.insert(self.entry(self.value.clone()));
            }
        }
    }

    fn entry(&self, value: Value) -> Entry {
        let position = self.position.clone();
        Entry {
            value,
            key_position: position.clone(),
            value_position: position,
        }
    }
}

impl FromStr for Override {
    type Err = OverrideError;

    /// Reads `SECTION.KEY=VALUE` as after `--set`: the parts of the key may be quoted. VALUE is
    /// TOML or, when it is not, a string without its quotes.
    fn from_str(text: &str) -> Result<Self, OverrideError> {
        match split_key(text) {
            Some((path, value)) if (2..=MAX_DEPTH).contains(&path.len()) => Ok(Self::with_value(
                format!("--set {text}").into(),
                path,
                value,
            )),
            _ => Err(OverrideError::Form {
                text: text.to_owned(),
            }),
        }
    }
}

/// Most parts of a key; more than any key has, and few enough for tables within tables.
const MAX_DEPTH: usize = 16;

/// Splits `a."b.c".d=value` into the parts of the key and the value; `None` when it is not that.
fn split_key(text: &str) -> Option<(Vec<String>, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let part = match quote {
            Some(quote) => {
                let (part, after) = rest[1..].split_once(quote)?;
                rest = after.trim_start();
                part
            }
            None => {
                let end = rest.find(['.', '='])?;
                let part = rest[..end].trim_end();
                rest = &rest[end..];
                if part.is_empty() {
                    return None;
                }
                part
            }
        };
        parts.push(part.to_owned());
        if let Some(value) = rest.strip_prefix('=') {
            return Some((parts, value));
        }
        rest = rest.strip_prefix('.')?;
    }
}
