//! Reader of one table: finds keys, reports errors, and in the end the keys that are left over.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::Problem;
use super::keys::other_spelling;
use super::kind::{ValueKind, path};
use super::tree::{Entry, Position, Table, Value, quoted_key};
use crate::base::choice::any_of;
use crate::base::nearest::nearest;
use crate::base::text::is_unseen;

/// Context that the readers of all sections share.
pub(super) struct Context<'c> {
    /// Configuration file as messages name it.
    pub file: &'c str,
    /// Start of the file's relative paths.
    pub base_folder: &'c Path,
    /// Dyes that every configuration may use.
    pub built_in_fluorophores: &'c [&'c str],
    /// Dyes that layers may use: those and the file's own.
    pub fluorophores: Vec<String>,
    /// Names of `[groundtruth.regions]`.
    pub regions: Vec<String>,
    /// Problems found so far.
    pub problems: RefCell<Vec<Problem>>,
}

impl Context<'_> {
    fn report(&self, position: &Position, message: String) {
        let (file, position) = (self.file.to_owned(), position.clone());
        self.problems.borrow_mut().push(Problem {
            file,
            position,
            message,
        });
    }
}

/// Table that is being read.
///
/// Every key that a reader asks for is thereby known; [`Section::read`] reports the others.
pub(super) struct Section<'c> {
    pub context: &'c Context<'c>,
    /// Dotted name; empty at the top of the file.
    name: String,
    position: Position,
    table: &'c Table,
    /// Keys that readers asked for.
    keys: Vec<&'static str>,
    /// Required keys that do not exist, with what they must be; `None` for a table.
    missing: Vec<(&'static str, Option<String>)>,
    /// True where the user chooses the names of the sub-tables.
    has_named_tables: bool,
}

impl<'c> Section<'c> {
    /// Reads the table at the top of the file.
    pub fn read_root<T>(
        context: &'c Context<'c>,
        table: &'c Table,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        Self::read(context, String::new(), Position::Document, table, read)
    }

    fn read<T>(
        context: &'c Context<'c>,
        name: String,
        position: Position,
        table: &'c Table,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let (keys, missing, has_named_tables) = (Vec::new(), Vec::new(), false);
        let mut section = Self {
            context,
            name,
            position,
            table,
            keys,
            missing,
            has_named_tables,
        };
        let result = read(&mut section);
        section.report_unknown_and_missing();
        result
    }

    /// Returns the entry of a key, which is known from now on.
    fn entry(&mut self, key: &'static str) -> Option<&'c Entry> {
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        self.table.get(self.spelling(key))
    }

    /// Returns true where the table has the key.
    pub fn has(&self, key: &'static str) -> bool {
        self.table.contains_key(self.spelling(key))
    }

    /// Returns the spelling of a key that the table has; `key` itself where it has neither or both.
    pub fn spelling(&self, key: &'static str) -> &'static str {
        let is_there = |key: &str| self.table.contains_key(key);
        match other_spelling(key) {
            Some(other) if is_there(other) && !is_there(key) => other,
            _ => key,
        }
    }

    /// Reads a key that may be left out; `None` also when its value is wrong, which is reported.
    pub fn optional<T>(&mut self, key: &'static str, kind: ValueKind<'_, T>) -> Option<T> {
        let entry = self.entry(key)?;
        let parsed = (kind.parse)(&entry.value);
        if parsed.is_none() {
            let suggestion = entry
                .value
                .as_text()
                .and_then(|text| nearest(text, &kind.candidates));
            let mut expected = kind.expected;
            if !kind.units.is_empty() && entry.value.has_text() {
                expected += &format!("; a value with a unit has {}", any_of(&kind.units));
            }
            self.wrong_value(self.spelling(key), entry, &expected, suggestion);
        }
        parsed
    }

    /// Reads a key that has to be there; `None` when it is not or is wrong, which is reported.
    pub fn required<T>(&mut self, key: &'static str, kind: ValueKind<'_, T>) -> Option<T> {
        if self.entry(key).is_none() {
            self.missing.push((key, Some(kind.expected)));
            return None;
        }
        self.optional(key, kind)
    }

    /// Reads a path that has to be there and makes it absolute: one of the file starts at the
    /// file's folder, one of an override at the working directory.
    pub fn required_path(&mut self, key: &'static str) -> Option<PathBuf> {
        let found = self.required(key, path())?;
        self.absolute(key, found)
    }

    /// Reads a path like [`Section::required_path`], of a key that may be left out.
    pub fn optional_path(&mut self, key: &'static str) -> Option<PathBuf> {
        let found = self.optional(key, path())?;
        self.absolute(key, found)
    }

    /// Reports a key that means nothing here; `why` goes on after "means nothing".
    pub fn forbid(&mut self, key: &'static str, why: &str) {
        let spelling = self.spelling(key);
        if let Some(entry) = self.table.get(spelling) {
            self.keys.push(key);
            let title = match entry.value {
                Value::Table(_) => format!("[{}]", self.path_of(spelling)),
                _ => self.title_of(spelling),
            };
            let message = format!("{title} means nothing {why}: leave it out");
            self.context.report(&entry.key_position, message);
        }
    }

    fn absolute(&mut self, key: &'static str, found: PathBuf) -> Option<PathBuf> {
        let entry = self.entry(key)?;
        if found.to_string_lossy().contains(char::is_control) {
            let expected = "a path without control characters; between double quotes a backslash makes them (\\t is a \
                            tab): write / or use single quotes";
            self.wrong_value(key, entry, expected, None);
            return None;
        }
        let found = match found.strip_prefix("~") {
            Err(_) => found,
            Ok(below) => match dirs::home_dir() {
                Some(home) => home.join(below),
                None => {
                    let expected = "a path without ~: where the home folder lies is not known here";
                    self.wrong_value(key, entry, expected, None);
                    return None;
                }
            },
        };
        let start = match entry.value_position {
            Position::Override(_) => Path::new(""),
            _ => self.context.base_folder,
        };
        match std::path::absolute(start.join(found)) {
            Ok(path) => Some(path),
            Err(error) => {
                self.wrong_value(key, entry, &format!("a path ({error})"), None);
                None
            }
        }
    }

    /// Reads a sub-table that has to be there.
    pub fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'c>) -> Option<T>,
    ) -> Option<T> {
        match self.entry(key) {
            Some(entry) => self.subtable(key, entry, read),
            None => {
                self.missing.push((key, None));
                None
            }
        }
    }

    /// Reads a sub-table that may be left out and then counts as empty.
    pub fn optional_table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'c>) -> Option<T>,
    ) -> Option<T> {
        static EMPTY: Table = Table::new();
        match self.entry(key) {
            Some(entry) => self.subtable(key, entry, read),
            None => Self::read(
                self.context,
                self.path_of(key),
                self.position.clone(),
                &EMPTY,
                read,
            ),
        }
    }

    /// Reads every sub-table that no key was asked for: their names are the user's.
    pub fn named_tables<T>(
        &mut self,
        mut read: impl FnMut(&str, &mut Section<'c>) -> Option<T>,
    ) -> BTreeMap<String, T> {
        self.has_named_tables = true;
        let table = self.table;
        let mut named = BTreeMap::new();
        for (name, entry) in table
            .iter()
            .filter(|(name, _)| !self.keys.contains(&name.as_str()))
        {
            if let Some(unseen) = name.chars().find(|&c| is_unseen(c)) {
                let message = format!(
                    "the name {name:?} has a character that is not seen (U+{:04X}); leave it out",
                    u32::from(unseen)
                );
                self.context.report(&entry.key_position, message);
            } else if matches!(entry.value, Value::Table(_))
                && let Some(value) = self.subtable(name, entry, |section| read(name, section))
            {
                named.insert(name.clone(), value);
            }
        }
        named
    }

    /// Returns true where the table has a sub-table that no key was asked for.
    pub fn has_named_table(&self) -> bool {
        let is_named = |(name, entry): (&String, &Entry)| {
            matches!(entry.value, Value::Table(_)) && !self.keys.contains(&name.as_str())
        };
        self.table.iter().any(is_named)
    }

    /// Declares a sub-table as known without reading it.
    pub fn ignore(&mut self, key: &'static str) {
        self.entry(key);
    }

    fn subtable<T>(
        &self,
        key: &str,
        entry: &'c Entry,
        read: impl FnOnce(&mut Section<'c>) -> Option<T>,
    ) -> Option<T> {
        let name = self.path_of(key);
        let Value::Table(table) = &entry.value else {
            self.wrong_value(key, entry, &format!("a table [{name}]"), None);
            return None;
        };
        Section::read(self.context, name, entry.key_position.clone(), table, read)
    }

    /// Reports two keys that contradict each other: the value of `key` must be `expected`.
    ///
    /// An override among the two is to blame, whichever it is.
    pub fn contradiction(&mut self, key: &'static str, other: &'static str, expected: &str) {
        let Some(entry) = self.entry(key) else { return };
        let position = match self.entry(other) {
            Some(Entry {
                value_position: position @ Position::Override(_),
                ..
            }) => position,
            _ => &entry.value_position,
        };
        let message = format!(
            "{} = {} must be {expected}",
            self.title_of(self.spelling(key)),
            entry.value
        );
        self.context.report(position, message);
    }

    /// Reports something about the section as a whole.
    pub fn problem(&self, message: &str) {
        self.context
            .report(&self.position, format!("[{}] {message}", self.name));
    }

    fn wrong_value(&self, key: &str, entry: &Entry, expected: &str, suggestion: Option<&str>) {
        let mut message = format!(
            "{} = {} must be {expected}",
            self.title_of(key),
            entry.value
        );
        if let Some(word) = suggestion {
            message.push_str(&format!("; did you mean {word:?}?"));
        }
        self.context.report(&entry.value_position, message);
    }

    /// Reports keys that no reader asked for and required keys that do not exist, except those that
    /// a reported slip of spelling explains.
    fn report_unknown_and_missing(&mut self) {
        let mut misspelt = Vec::new();
        for (key, entry) in self.table {
            let is_table = matches!(entry.value, Value::Table(_));
            if self.keys.contains(&key.as_str()) || (is_table && self.has_named_tables) {
                continue;
            }
            if let Some(known) = other_spelling(key).filter(|other| self.keys.contains(other)) {
                if self.table.contains_key(known) {
                    let title = self.title_of(key);
                    let message = format!("{title} and {known} are spellings of one key: give one");
                    self.context.report(&entry.key_position, message);
                }
                continue;
            }
            let absent: Vec<_> = self
                .keys
                .iter()
                .filter(|key| !self.table.contains_key(self.spelling(key)))
                .flat_map(|key| std::iter::once(*key).chain(other_spelling(key)))
                .collect();
            // A key that does not exist yet is the likelier one to be meant.
            let suggestion = nearest(key, &absent).or_else(|| nearest(key, &self.keys));
            let hint = match suggestion {
                Some(word) => format!("did you mean {}?", self.bracketed(word, is_table)),
                None => self.right_keys(),
            };
            let what = if is_table {
                "unknown table"
            } else {
                "unknown key"
            };
            let title = if is_table {
                format!("[{}]", self.path_of(key))
            } else {
                self.title_of(key)
            };
            self.context
                .report(&entry.key_position, format!("{what} {title}: {hint}"));
            misspelt.extend(suggestion.map(str::to_owned));
        }
        for (key, expected) in &self.missing {
            let explains = |word: &String| word == key || other_spelling(key) == Some(word);
            if misspelt.iter().any(explains) {
                continue;
            }
            let message = match expected {
                None => format!("the table [{}] is missing", self.path_of(key)),
                Some(expected) => {
                    format!("{} is missing: it must be {expected}", self.title_of(key))
                }
            };
            self.context.report(&self.position, message);
        }
    }

    /// Writes a suggested key, as a table header if it stands for one.
    fn bracketed(&self, key: &str, is_table: bool) -> String {
        if is_table {
            format!("[{}]", self.path_of(key))
        } else {
            key.to_owned()
        }
    }

    fn right_keys(&self) -> String {
        let keys = self.keys.join(", ");
        match (self.name.is_empty(), self.has_named_tables, keys.is_empty()) {
            (true, ..) => format!("the tables are {keys}"),
            (_, true, true) => format!("[{}] holds tables [{}.NAME] only", self.name, self.name),
            (_, true, false) => {
                format!(
                    "the keys of [{}] are {keys} and tables [{}.NAME]",
                    self.name, self.name
                )
            }
            (_, false, _) => format!("the keys of [{}] are {keys}", self.name),
        }
    }

    /// Returns the dotted name of a key of this section.
    fn path_of(&self, key: &str) -> String {
        let key = quoted_key(key);
        if self.name.is_empty() {
            key.into_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    /// Writes a key with its section, as messages begin.
    fn title_of(&self, key: &str) -> String {
        let key = quoted_key(key);
        if self.name.is_empty() {
            key.into_owned()
        } else {
            format!("[{}] {key}", self.name)
        }
    }
}
