//! Interpolation of `%(key)s` in values of .ini files: the value of that key in the same section,
//! in its section `[DEFAULT]`, or in those of the sections around it. Any other per cent sign is
//! one.

use super::ini_error::LineError;
use super::tree::{Entry, Position, Table, Value};

/// Most names that a value leads to: more is a circle.
const MAX_NAMES: usize = 100;
/// Longest value that results, in bytes.
const MAX_BYTES: usize = 1 << 16;

/// Replaces names in values by the values that they name. `[DEFAULT]` at the top of the file serves
/// that only, and goes.
///
/// # Errors
/// A key does not exist, values name one another in a circle, or they grow beyond measure.
pub(super) fn interpolate(mut root: Table) -> Result<Table, LineError> {
    let mut done = section(&[&root])?;
    if let Some(Value::Table(_)) = root.remove("DEFAULT").map(|entry| entry.value) {
        done.remove("DEFAULT");
    }
    Ok(done)
}

/// Interpolates the innermost of nested sections.
fn section(scopes: &[&Table]) -> Result<Table, LineError> {
    let Some(table) = scopes.last() else {
        return Ok(Table::new());
    };
    let put_in = |(name, entry): (&String, &Entry)| {
        let line = match entry.value_position {
            Position::File { line, .. } => line,
            _ => 0,
        };
        let value = match &entry.value {
            Value::Table(inner) => Value::Table(section(&[scopes, &[inner]].concat())?),
            value => self::value(value, scopes).map_err(|message| LineError { line, message })?,
        };
        let entry = Entry {
            value,
            ..entry.clone()
        };
        Ok((name.clone(), entry))
    };
    table.iter().map(put_in).collect()
}

fn value(value: &Value, scopes: &[&Table]) -> Result<Value, String> {
    Ok(match value {
        Value::Raw(text) => {
            let mut whole = String::new();
            expand(text, scopes, &mut { MAX_NAMES }, &mut whole)?;
            Value::Raw(whole)
        }
        Value::Array(items) => {
            let items: Result<_, _> = items.iter().map(|item| self::value(item, scopes)).collect();
            Value::Array(items?)
        }
        other => other.clone(),
    })
}

/// Appends text to `whole` with its names replaced, `names_left` of them at most.
fn expand(
    text: &str,
    scopes: &[&Table],
    names_left: &mut usize,
    whole: &mut String,
) -> Result<(), String> {
    let mut rest = text;
    while let Some((before, key, after)) = next_name(rest) {
        let shown = Value::Raw(format!("%({key})s"));
        let Some((found, scopes_there)) = find(key, scopes) else {
            return Err(format!(
                "{shown} stands for the value of a key that is neither in this section nor in one around it"
            ));
        };
        // Every step into a value or on to the next takes one, so that circles end.
        *names_left = names_left.checked_sub(1).ok_or_else(|| {
            format!(
                "{shown} names itself in a circle, or there are more than {MAX_NAMES} such names"
            )
        })?;
        whole.push_str(before);
        expand(found, scopes_there, names_left, whole)?;
        rest = after;
    }
    whole.push_str(rest);
    if whole.len() > MAX_BYTES {
        return Err(format!("the value is longer than {MAX_BYTES} bytes"));
    }
    Ok(())
}

/// Splits off the first `%(key)s`.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find("%(")?;
        let end = start + text[start..].find(')')?;
        if let Some(after) = text[end + 1..].strip_prefix('s') {
            return Some((&text[..start], &text[start + 2..end], after));
        }
        from = end + 1;
    }
}

/// Finds the text of a key in the innermost section that has it, and the sections around that.
fn find<'t, 's>(key: &str, scopes: &'s [&'t Table]) -> Option<(&'t str, &'s [&'t Table])> {
    let text = |table: &'t Table| match &table.get(key)?.value {
        Value::Raw(text) => Some(text.as_str()),
        _ => None,
    };
    (1..=scopes.len()).rev().find_map(|count| {
        let table: &'t Table = scopes[count - 1];
        let default = || match &table.get("DEFAULT")?.value {
            Value::Table(default) => text(default),
            _ => None,
        };
        Some((text(table).or_else(default)?, &scopes[..count]))
    })
}
