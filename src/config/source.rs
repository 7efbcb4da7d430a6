//! Configuration files: their language, and the start of their relative paths.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::{ConfigError, Problem};
use super::tree::{Position, Table};
use super::{Config, Override, ini_source, text, toml_source};
use crate::base::files::MOST_TEXT_BYTES;

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
        let (tree, language) = parse(text, path, &name).map_err(ConfigError::Syntax)?;
        let folder = match language {
            Language::Toml => path.parent().unwrap_or(Path::new("")),
            Language::Ini => Path::new(""),
        };
        Self::from_tree(tree, &name, folder, overrides)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Toml,
    Ini,
}

/// Reads a file that is no longer than a configuration.
fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MOST_TEXT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MOST_TEXT_BYTES {
        return Err(ConfigError::TooLong {
            path: path.to_owned(),
            limit_bytes: MOST_TEXT_BYTES,
        });
    }
    Ok(bytes)
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
