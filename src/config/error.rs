//! Errors of a configuration.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::tree::Position;

/// Single error of a configuration, and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Configuration file as the user named it.
    pub file: String,
    /// Position in the file, or the override.
    pub position: Position,
    /// Section, key, the value found and what would be right, on one line.
    pub message: String,
}

impl Problem {
    /// Orders problems as a reader meets them: the file from its top, the file as a whole, the
    /// overrides.
    pub(super) fn sort_key(&self) -> (u8, usize, usize) {
        match &self.position {
            Position::File { line, column } => (0, *line, column.unwrap_or(0)),
            Position::Document => (1, 0, 0),
            Position::Override(_) => (2, 0, 0),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            position,
            message,
        } = self;
        match position {
            Position::File {
                line,
                column: Some(column),
            } => {
                write!(f, "{file}:{line}:{column}: {message}")
            }
            Position::File { line, column: None } => write!(f, "{file}:{line}: {message}"),
            Position::Override(label) => write!(f, "{label}: {message}"),
            Position::Document => write!(f, "{file}: {message}"),
        }
    }
}

/// Error of reading a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Unreadable {
        /// File as given.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The file is longer than any configuration, so it must be something else.
    #[error(
        "{} is longer than {limit_bytes} bytes: that is no configuration but perhaps the data",
        path.display()
    )]
    TooLong {
        /// File as given.
        path: PathBuf,
        /// Size of the longest file that is read, in bytes.
        limit_bytes: u64,
    },
    /// The text does not follow the rules of its format.
    #[error("{0}")]
    Syntax(Problem),
    /// Keys or values are wrong; lists all that were found, one per line.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}
