//! Configuration before it is typed: keys, values and their positions, whatever the file format.
//!
//! A front end, one per format, builds a [`Table`]; the section readers turn it into a
//! [`super::Config`]. A format without types of its own hands over [`Value::Raw`] text, which the
//! `as_*` methods read as whatever the key asks for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Position of a key or value, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// In the configuration file; line and column count from 1, the column in characters.
    File {
        /// Line of the file.
        line: usize,
        /// Column in the line, where the front end knows it.
        column: Option<usize>,
    },
    /// In an override such as `--set optics.pixel_size=100`; holds the text by which the user knows
    /// it.
    Override(Arc<str>),
    /// The file as a whole, or a place the front end does not know.
    Document,
}

/// Keys and their entries, in the order of the code points of the keys.
pub type Table = BTreeMap<String, Entry>;

/// Value with the positions of its key and of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Value, perhaps a table.
    pub value: Value,
    /// Position of the key; for a table of its name in the header.
    pub key_position: Position,
    /// Position of the value; for a table of its header.
    pub value_position: Position,
}

/// Value of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text of unknown type, from a format without types or from a command line: the key decides.
    Raw(String),
    /// A string.
    String(String),
    /// An integer.
    Integer(i128),
    /// A floating point number, perhaps infinite or not a number.
    Float(f64),
    /// A truth value.
    Boolean(bool),
    /// A date or a time, which no key takes, as written.
    Datetime(String),
    /// A list.
    Array(Vec<Value>),
    /// A nested table.
    Table(Table),
}

impl Value {
    /// Returns the value as text, if it is any.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Raw(text) | Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns true where the value, or an item of it, is text that is no number.
    pub fn has_text(&self) -> bool {
        match self {
            Self::Array(items) => items.iter().any(Self::has_text),
            _ => self.as_text().is_some() && self.as_number().is_none(),
        }
    }

    /// Returns the value as a finite number, if it is one; raw text is parsed.
    pub fn as_number(&self) -> Option<f64> {
        let number = match self {
            Self::Integer(number) => *number as f64,
            Self::Float(number) => *number,
            Self::Raw(text) => digits(text).parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// Returns the value as a whole number, if it is one (5.0 is); raw text is parsed.
    pub fn as_whole(&self) -> Option<i128> {
        match self {
            Self::Integer(number) => return Some(*number),
            Self::Raw(text) => {
                if let Ok(number) = digits(text).parse() {
                    return Some(number);
                }
            }
            _ => {}
        }
        // The cast saturates, so that huge floats stay out of every range.
        self.as_number()
            .filter(|number| number.fract() == 0.0)
            .map(|number| number as i128)
    }

    /// Returns the value as a truth value, if it is one; raw text takes ConfigObj's spellings.
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            Self::Raw(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the value as a list, if it is one; raw text is split at commas.
    pub fn as_list(&self) -> Option<Cow<'_, [Value]>> {
        match self {
            Self::Array(items) => Some(Cow::Borrowed(items)),
            Self::Raw(text) if text.contains(',') => {
                let items = text
                    .split(',')
                    .map(|item| Self::Raw(item.trim().to_owned()));
                Some(Cow::Owned(items.collect()))
            }
            _ => None,
        }
    }
}

/// Prepares a number, as Python and TOML let it be written, for Rust's parser.
fn digits(text: &str) -> String {
    text.trim().replace('_', "")
}

/// Longest value that a message quotes, in characters.
const QUOTED_CHARACTERS: usize = 60;

impl fmt::Display for Value {
    /// Writes the value on one line as a message quotes it, cut short when long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write_value(self, &mut text);
        match text.char_indices().nth(QUOTED_CHARACTERS) {
            Some((end, _)) => write!(f, "{}...", &text[..end]),
            None => f.write_str(&text),
        }
    }
}

fn write_value(value: &Value, out: &mut String) {
    if out.len() > 4 * QUOTED_CHARACTERS {
        return; // already longer than what is shown
    }
    match value {
        Value::Raw(text) | Value::Datetime(text) => out.extend(text.escape_debug()),
        Value::String(text) => out.push_str(&format!("{text:?}")),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&format!("{number:?}")),
        Value::Boolean(value) => out.push_str(&value.to_string()),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Value::Table(_) => out.push_str("{...}"),
    }
}

/// Writes a section or key name as TOML does: quoted unless it is plain.
pub(super) fn quoted_key(key: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(plain) {
        Cow::Borrowed(key)
    } else {
        Cow::Owned(format!("{key:?}"))
    }
}
