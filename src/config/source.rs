//! Configuration files: their language, and the start of their relative paths.

use std::io::ErrorKind;
use std::path::Path;

use super::error::{ConfigError, Problem};
use super::tree::{Position, Table, Value};
use super::{Config, Override, ini_source, text, toml_source};
use crate::base::files;

impl Config {
    /// Reads a file, TOML or SimExm's .ini, and applies `overrides`, the later over the earlier.
    ///
    /// The end of the name, .toml or .ini, tells the language; for other names the content does.
    /// Relative paths of TOML start at the file's folder; those of an .ini file, as SimExm has it,
    /// and of overrides at the working directory.
    ///
    /// # Errors
    /// The file cannot be read, is in neither language, or keys or values are wrong: then all of
    /// them.
    pub fn from_file(path: &Path, overrides: &[Override]) -> Result<Self, ConfigError> {
        let bytes = read(path)?;
        let name = path.display().to_string();
        let text = text::utf8(&bytes, &name).map_err(ConfigError::Syntax)?;
        let (mut tree, language) = parse(text, path, &name).map_err(ConfigError::Syntax)?;
        let folder = match language {
            Language::Toml => path.parent().unwrap_or(Path::new("")),
            Language::Ini => Path::new(""),
        };
        find_moved(&mut tree, folder);
        Self::from_tree(tree, &name, folder, overrides)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Toml,
    Ini,
}

/// Of the record of a run: where a file that it read is not there any more, takes the one that lies
/// beside the record as that did then. The record notes such places in `run.inputs`.
fn find_moved(tree: &mut Table, folder: &Path) {
    let Some(Value::Table(run)) = tree.get("run").map(|entry| &entry.value) else {
        return;
    };
    let Some(Value::Array(inputs)) = run.get("inputs").map(|entry| &entry.value) else {
        return;
    };
    let mut moved = Vec::new();
    for input in inputs {
        let Value::Table(input) = input else { continue };
        let of = |key: &str| input.get(key).map(|entry| &entry.value);
        if let (Some(Value::Array(key)), Some(relative)) =
            (of("key"), of("relative").and_then(Value::as_text))
        {
            let key: Vec<String> = key
                .iter()
                .filter_map(Value::as_text)
                .map(str::to_owned)
                .collect();
            moved.push((key, folder.join(relative)));
        }
    }
    // Of a pattern, its folder.
    let is_there = |path: &Path| {
        let is_pattern = path.to_string_lossy().contains(['*', '?', '[']);
        path.exists() || (is_pattern && path.parent().is_some_and(Path::exists))
    };
    for (key, place) in moved {
        let Some((last, above)) = key.split_last() else {
            continue;
        };
        let table = above.iter().try_fold(&mut *tree, |table, key| {
            match &mut table.get_mut(key)?.value {
                Value::Table(table) => Some(table),
                _ => None,
            }
        });
        let Some(entry) = table.and_then(|table| table.get_mut(last)) else {
            continue;
        };
        let noted = entry.value.as_text().map(Path::new);
        if noted.is_some_and(|noted| !is_there(noted)) && is_there(&place) {
            let place = std::path::absolute(&place).unwrap_or(place);
            entry.value = Value::String(place.to_string_lossy().into_owned());
        }
    }
}

/// Reads a file that is no longer than a configuration.
fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    // It may come through a pipe.
    files::open_piped(path)
        .and_then(files::limited)
        .map_err(|source| match source.kind() {
            ErrorKind::FileTooLarge => ConfigError::TooLong {
                path: path.to_owned(),
                limit_bytes: files::MOST_TEXT_BYTES,
            },
            _ => ConfigError::Unreadable {
                path: path.to_owned(),
                source,
            },
        })
}

fn parse(text: &str, path: &Path, name: &str) -> Result<(Table, Language), Problem> {
    let toml = || Ok((toml_source::parse(text, name)?, Language::Toml));
    let ini = || Ok((ini_source::parse(text, name)?, Language::Ini));
    match path.extension() {
        Some(end) if end.eq_ignore_ascii_case("toml") => toml(),
        Some(end) if end.eq_ignore_ascii_case("ini") => ini(),
        _ => {
            let toml_problem = match toml() {
                Ok(parsed) => return Ok(parsed),
                Err(problem) => problem,
            };
            let ini_problem = match ini() {
                Ok(parsed) => return Ok(parsed),
                Err(problem) => problem,
            };
            // Choose the language in which more of the file makes sense.
            let (mut problem, other) = if line(&ini_problem) > line(&toml_problem) {
                (ini_problem, toml_problem)
            } else {
                (toml_problem, ini_problem)
            };
            problem.message.push_str(&format!(
                " (the name ends in neither .toml nor .ini; the other language fails in line {})",
                line(&other)
            ));
            Err(problem)
        }
    }
}

fn line(problem: &Problem) -> usize {
    match problem.position {
        Position::File { line, .. } => line,
        _ => 0,
    }
}
