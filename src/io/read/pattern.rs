//! Patterns like `img*_masks.tif` in place of a path.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::natural_order;

/// What a path stands for: itself, or where nothing has this path and it is a pattern the files
/// that match, in natural order.
#[must_use]
pub fn files(path: &Path) -> Vec<PathBuf> {
    matches(path).unwrap_or_else(|| vec![path.to_owned()])
}

/// The files that match a pattern; `None` where something has this path, or it is no pattern.
pub(super) fn matches(path: &Path) -> Option<Vec<PathBuf>> {
    if path.exists() {
        return None;
    }
    // What is there is no pattern, whatever its name holds.
    let there = path
        .ancestors()
        .skip(1)
        .find(|folder| folder.exists())
        .unwrap_or(Path::new(""));
    let rest = path.strip_prefix(there).ok()?.to_str()?;
    if !rest.contains(['*', '?', '[']) {
        return None;
    }
    let whole = Path::new(&Pattern::escape(there.to_str()?)).join(rest);
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let found = glob::glob_with(whole.to_str()?, options).ok()?;
    let mut found: Vec<PathBuf> = found.filter_map(Result::ok).collect();
    found.sort_by(|a, b| natural_order(&a.to_string_lossy(), &b.to_string_lossy()));
    Some(found)
}
