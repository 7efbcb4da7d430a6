//! Errors in the lines of an .ini file.

/// A broken rule, and the line where.
#[derive(Debug)]
pub(super) struct LineError {
    pub line: usize,
    pub message: String,
}
