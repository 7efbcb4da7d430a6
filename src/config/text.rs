//! Text of a file: decodes bytes, and locates bytes by line and column.

use super::error::Problem;
use super::tree::Position;

/// Reads bytes as UTF-8 text.
///
/// # Errors
/// The position of the first byte that is not UTF-8.
pub(super) fn utf8<'b>(bytes: &'b [u8], name: &str) -> Result<&'b str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| {
        let end = error.valid_up_to();
        // The bytes before the error are valid.
        let valid = std::str::from_utf8(&bytes[..end]).unwrap_or_default();
        let byte = bytes.get(end).copied().unwrap_or_default();
        Problem {
            file: name.to_owned(),
            position: Lines::new(valid).position(valid.len()),
            message: format!(
                "not UTF-8 text (byte 0x{byte:02x}); a configuration is a text file, TOML or SimExm's .ini: \
                 if it is one, save it as UTF-8"
            ),
        }
    })
}

/// Finds the line and column of a byte.
pub(super) struct Lines<'t> {
    text: &'t str,
    /// Offset of the first byte of each line.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after_breaks).collect(),
        }
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|&start| start <= offset).max(1);
        let start = self.starts[line - 1];
        let before = self
            .text
            .get(start..offset.min(self.text.len()))
            .unwrap_or_default();
        let column = before.trim_start_matches('\u{feff}').chars().count() + 1;
        Position::File {
            line,
            column: Some(column),
        }
    }
}
