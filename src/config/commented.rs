//! Configurations as TOML with a comment for every key: its meaning, unit and range from the
//! catalogue.

use std::fmt::Write;
use std::path::Path;

use toml::Value;

use super::Config;
use super::keys::{DefaultInfo, KeyInfo, SECTIONS};
use crate::base::text::is_unseen;

/// Longest line of a comment, in characters.
const WIDTH: usize = 100;

impl Config {
    /// Writes the configuration as [`Config::to_toml`] does, with a comment for every key: its
    /// meaning, unit and range. Keys that are left out appear as comments.
    ///
    /// ```
    /// let text = simexm_gpu::config::Config::default().to_commented_toml();
    /// let size = "# Size of a pixel on the camera. (number, nm, at least 1)\npixel_size = ";
    /// assert!(text.contains(size));
    /// ```
    pub fn to_commented_toml(&self) -> String {
        self.write_commented(None)
    }

    /// Writes the configuration as [`Config::to_commented_toml`] does, for a file in `folder`,
    /// which must be absolute: paths beneath it are relative, so that the file and they can be
    /// moved together.
    pub fn to_commented_toml_in(&self, folder: &Path) -> String {
        self.write_commented(Some(folder))
    }

    fn write_commented(&self, folder: Option<&Path>) -> String {
        let root = toml::Table::try_from(self).expect("every field has a form in TOML");
        let paths = match folder {
            Some(_) => "Relative paths start at this file's folder.",
            None => "Paths are absolute, so that this file may lie anywhere.",
        };
        let mut text = String::new();
        comment(
            &mut text,
            &format!(
                "Configuration of simexm-gpu. Axes are (z, x, y): x is the row of an image, y its column. {paths}"
            ),
        );
        for section in SECTIONS.iter() {
            if section.keys_of(self.model).next().is_none() {
                continue;
            }
            let (named, tables) = tables(&root, section.name);
            text.push('\n');
            comment(&mut text, section.meaning);
            if tables.is_empty() {
                match section.example {
                    Some(example) => example
                        .lines()
                        .for_each(|line| comment_out(&mut text, line)),
                    None => comment_out(&mut text, &format!("[{}]", section.name)),
                }
            }
            for (index, (header, table)) in tables.iter().enumerate() {
                if index > 0 {
                    text.push('\n');
                }
                let _ = writeln!(text, "[{header}]");
                // The first of several sections of a kind explains its keys.
                let keys = section.keys_of(self.model);
                write_keys(&mut text, keys, table, !named || index == 0, folder);
            }
        }
        text
    }
}

/// Finds the tables that a section's name stands for, with their headers. Also tells whether the
/// user names them.
fn tables<'t>(root: &'t toml::Table, name: &str) -> (bool, Vec<(String, &'t toml::Table)>) {
    let (path, named) = match name.strip_suffix(".NAME") {
        Some(path) => (path, true),
        None => (name, false),
    };
    let found = path
        .split('.')
        .try_fold(root, |table, key| table.get(key)?.as_table());
    let tables = match found {
        Some(table) if named => table
            .iter()
            .filter_map(|(key, value)| {
                Some((format!("{path}.{}", self::key(key)), value.as_table()?))
            })
            .collect(),
        Some(table) => vec![(path.to_owned(), table)],
        None => Vec::new(),
    };
    (named, tables)
}

fn write_keys<'k>(
    text: &mut String,
    keys: impl Iterator<Item = &'k KeyInfo>,
    table: &toml::Table,
    explain: bool,
    folder: Option<&Path>,
) {
    for key in keys {
        if explain {
            comment(text, &format!("{} ({})", key.meaning, key.terms()));
        }
        match (table.get(key.name), key.default) {
            (Some(value), _) => {
                let _ = writeln!(text, "{} = {}", key.name, written(value, key, folder));
            }
            (None, DefaultInfo::Otherwise { example, .. }) if explain => {
                comment_out(text, &format!("{} = {example}", key.name));
            }
            (None, _) => {}
        }
    }
}

fn written(value: &Value, key: &KeyInfo, folder: Option<&Path>) -> String {
    match (value, folder) {
        (Value::String(path), Some(folder)) if key.takes == "path" => {
            string(&relative(path, folder).unwrap_or_else(|| path.clone()))
        }
        _ => toml_value(value),
    }
}

fn toml_value(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(entries) => {
            let entries = entries.iter();
            let entries =
                entries.map(|(name, value)| format!("{} = {}", key(name), toml_value(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

/// Writes a key as TOML takes it: in quotes unless it is plain.
fn key(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        string(text)
    }
}

/// Writes a string on one line, in quotes.
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_unseen(c) => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns an absolute path relative to a folder, where it lies beneath it. A path beside it would
/// take a `..`, which leads elsewhere when the folder is a link.
fn relative(path: &str, folder: &Path) -> Option<String> {
    let seen = Path::new(path).strip_prefix(folder).ok()?.to_str()?;
    Some(match seen {
        "" => ".".to_owned(),
        // At the start of a path it would be the home folder.
        _ if seen.starts_with('~') => format!("./{seen}"),
        _ => seen.to_owned(),
    })
}

/// Appends a comment, broken into lines between words.
fn comment(text: &mut String, words: &str) {
    let mut line = String::from("#");
    for word in words.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH && line != "#" {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

/// Appends a line of TOML as a comment.
fn comment_out(text: &mut String, line: &str) {
    let _ = writeln!(text, "#{line}");
}
