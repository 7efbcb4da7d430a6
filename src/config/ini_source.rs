//! Front end of SimExm's .ini files: text to [`Table`], with the line of every key and value.
//!
//! The language is that of Python's ConfigObj: sections nest by repeated brackets, values are text
//! or comma-separated lists of it, quoted or not, in triple quotes over several lines, and
//! `%(key)s` stands for another value. It has no types, so that all values are [`Value::Raw`] and
//! the keys decide. Lists may stand in brackets, as Python writes them, which ConfigObj takes for a
//! part of the first and the last item.
//!
//! The crate `configobj` would not do: it does not tell in which line a key stands, takes no value
//! for another (`%(key)s`), and refuses a header whose comment holds a bracket, such as
//! `[[channels]] # see [1]`.

use std::collections::btree_map::Entry as Slot;

use super::error::Problem;
use super::ini_error::LineError;
use super::ini_interpolation::interpolate;
use super::output::ChannelFiles;
use super::tree::{Entry, Position, Table, Value};

/// Most sections within sections; more than any configuration has, and few enough for tables within
/// tables.
const MAX_DEPTH: usize = 16;

/// Reads an .ini document; `name` is its name in messages.
///
/// # Errors
/// The first line that breaks the rules.
pub(super) fn parse(text: &str, name: &str) -> Result<Table, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    let mut root = read(&lines)
        .and_then(interpolate)
        .map_err(|error| Problem {
            file: name.to_owned(),
            position: at_line(error.line),
            message: format!(
                "not a valid .ini file (ConfigObj's rules): {}",
                error.message
            ),
        })?;
    number_channels(&mut root);
    Ok(root)
}

/// Whoever has an .ini file looks for the files that SimExm would write.
fn number_channels(root: &mut Table) {
    let output = root.get_mut("output").map(|entry| &mut entry.value);
    if let Some(Value::Table(output)) = output {
        let numbers = Entry {
            value: Value::Raw(ChannelFiles::Numbers.to_string()),
            key_position: Position::Document,
            value_position: Position::Document,
        };
        output.entry("channel_files".to_owned()).or_insert(numbers);
    }
}

fn fault<T>(line: usize, message: impl Into<String>) -> Result<T, LineError> {
    Err(LineError {
        line,
        message: message.into(),
    })
}

fn at_line(line: usize) -> Position {
    Position::File { line, column: None }
}

fn entry(value: Value, line: usize) -> Entry {
    Entry {
        value,
        key_position: at_line(line),
        value_position: at_line(line),
    }
}

/// Section whose end has not been seen yet.
struct OpenSection {
    name: String,
    line: usize,
    table: Table,
}

fn read(lines: &[&str]) -> Result<Table, LineError> {
    // The top of the file, then the sections around the current line.
    let mut open = vec![OpenSection {
        name: String::new(),
        line: 0,
        table: Table::new(),
    }];
    let mut index = 0;
    while let Some(text) = lines.get(index) {
        let line = index + 1;
        index += 1;
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if text.starts_with('[') {
            let (depth, name) = header(text, line)?;
            if depth > MAX_DEPTH {
                return fault(line, format!("sections nest at most {MAX_DEPTH} deep"));
            }
            if depth > open.len() {
                let above = open.len();
                return fault(
                    line,
                    format!(
                        "the section {} has {depth} brackets, but no section with {above} is above it",
                        Value::String(name)
                    ),
                );
            }
            close(&mut open, depth);
            if let Some(parent) = open.last()
                && let Some(twin) = parent.table.get(&name)
            {
                return fault(line, again("section", &name, twin));
            }
            open.push(OpenSection {
                name,
                line,
                table: Table::new(),
            });
            continue;
        }
        let (key, rest) = key(text, line)?;
        let value = match triple_quote(rest) {
            Some(quote) => multiline(lines, &mut index, rest, quote)?,
            None => value(rest, line)?,
        };
        if let Some(section) = open.last_mut() {
            match section.table.entry(key) {
                Slot::Occupied(twin) => {
                    return fault(line, again("key", twin.key(), twin.get()));
                }
                Slot::Vacant(slot) => slot.insert(entry(value, line)),
            };
        }
    }
    close(&mut open, 1);
    Ok(open.pop().map(|root| root.table).unwrap_or_default())
}

/// Ends the innermost sections until `depth` are open, the top of the file counted.
fn close(open: &mut Vec<OpenSection>, depth: usize) {
    while open.len() > depth {
        if let Some(done) = open.pop()
            && let Some(parent) = open.last_mut()
        {
            let table = Value::Table(done.table);
            parent.table.insert(done.name, entry(table, done.line));
        }
    }
}

fn again(what: &str, name: &str, twin: &Entry) -> String {
    let name = Value::String(name.to_owned());
    match twin.key_position {
        Position::File { line, .. } => {
            format!("the {what} {name} is there already, in line {line}")
        }
        _ => format!("the {what} {name} is there already"),
    }
}

/// Reads `[name]`, `[[name]]` and so on, perhaps with a comment: the number of brackets, and the
/// name.
fn header(text: &str, line: usize) -> Result<(usize, String), LineError> {
    let is_bracket = |bracket: char| move |c: char| c == bracket || c.is_whitespace();
    let body = text.trim_start_matches(is_bracket('['));
    let opened = text[..text.len() - body.len()].matches('[').count();
    let (name, rest) = match quote_at_start(body) {
        Some(quote) => match body[1..].split_once(quote) {
            Some(parts) => parts,
            None => return fault(line, format!("the quote {quote} is not closed")),
        },
        None => body.split_at(body.find(']').unwrap_or(body.len())),
    };
    let after = rest.trim_start_matches(is_bracket(']'));
    let closed = rest[..rest.len() - after.len()].matches(']').count();
    if closed == 0 {
        return fault(line, "the section's closing bracket ] is missing");
    }
    if closed != opened {
        return fault(
            line,
            format!("{opened} opening brackets [ and {closed} closing brackets ] do not match"),
        );
    }
    only_comment(after, line, "after the section's brackets")?;
    let name = name.trim();
    if name.is_empty() {
        return fault(line, "the section has no name");
    }
    Ok((opened, name.to_owned()))
}

/// Splits `key = rest`; a quoted key may hold an equals sign.
fn key(text: &str, line: usize) -> Result<(String, &str), LineError> {
    let (key, rest) = match quote_at_start(text) {
        Some(quote) => match text[1..].split_once(quote) {
            Some(parts) => parts,
            None => return fault(line, format!("the quote {quote} is not closed")),
        },
        None => text.split_at(text.find('=').unwrap_or(text.len())),
    };
    let Some(rest) = rest.trim_start().strip_prefix('=') else {
        let shown = Value::Raw(text.to_owned());
        return fault(
            line,
            format!("{shown} is neither [section] nor key = value; a comment begins with #"),
        );
    };
    match key.trim() {
        "" => fault(line, "there is no key before the equals sign"),
        key => Ok((key.to_owned(), rest.trim_start())),
    }
}

/// Reads the value of one line: text, or a list of it where there is a comma.
fn value(text: &str, line: usize) -> Result<Value, LineError> {
    let mut items = Vec::new();
    let mut rest = text;
    let mut is_list = false;
    loop {
        let (item, after) = match quote_at_start(rest) {
            Some(quote) => match rest[1..].split_once(quote) {
                Some(parts) => parts,
                None => return fault(line, format!("the quote {quote} is not closed")),
            },
            None => {
                let end = rest.find([',', '#']).unwrap_or(rest.len());
                let (item, after) = rest.split_at(end);
                let item = item.trim_end();
                if item.is_empty() {
                    return nothing(items, is_list, after, line);
                }
                (item, after)
            }
        };
        items.push(Value::Raw(item.to_owned()));
        match after.trim_start().strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None => {
                only_comment(after, line, "after the value")?;
                return Ok(match items.pop() {
                    Some(only) if !is_list => only,
                    last => Value::Array(unbracketed(items.into_iter().chain(last).collect())),
                });
            }
        }
        is_list = true;
    }
}

/// Takes the brackets off the items of a list that is written as Python writes one, `[1, 2]` or
/// `(1, 2)`.
fn unbracketed(mut items: Vec<Value>) -> Vec<Value> {
    if let [Value::Raw(first), .., Value::Raw(last)] = items.as_mut_slice()
        && [('[', ']'), ('(', ')')]
            .iter()
            .any(|&(open, close)| first.starts_with(open) && last.ends_with(close))
    {
        *first = first[1..].trim_start().to_owned();
        last.pop();
        last.truncate(last.trim_end().len());
    }
    items
}

/// Returns the value where no item is: an empty text, a list that ends in a comma, or a comma
/// alone.
fn nothing(items: Vec<Value>, is_list: bool, after: &str, line: usize) -> Result<Value, LineError> {
    let Some(after) = after.strip_prefix(',') else {
        only_comment(after, line, "after the value")?;
        return Ok(if is_list {
            Value::Array(items)
        } else {
            Value::Raw(String::new())
        });
    };
    if is_list || !matches!(after.trim_start().chars().next(), None | Some('#')) {
        return fault(line, "an item of the list is missing before a comma");
    }
    Ok(Value::Array(items))
}

/// Reads a value in triple quotes, on from the line of its key; `next` is the index of the line
/// that follows.
fn multiline(
    lines: &[&str],
    next: &mut usize,
    rest: &str,
    quote: &'static str,
) -> Result<Value, LineError> {
    let first = *next;
    let mut text = String::new();
    let mut rest = &rest[quote.len()..];
    loop {
        if let Some((last, after)) = rest.split_once(quote) {
            text.push_str(last);
            only_comment(after, *next, "after the closing quotes")?;
            return Ok(Value::Raw(text));
        }
        text.push_str(rest);
        text.push('\n');
        match lines.get(*next) {
            Some(line) => rest = line,
            None => return fault(first, format!("the quotes {quote} are not closed")),
        }
        *next += 1;
    }
}

fn triple_quote(text: &str) -> Option<&'static str> {
    ["\"\"\"", "'''"]
        .into_iter()
        .find(|quote| text.starts_with(quote))
}

fn quote_at_start(text: &str) -> Option<char> {
    text.chars().next().filter(|c| matches!(c, '"' | '\''))
}

fn only_comment(text: &str, line: usize, place: &str) -> Result<(), LineError> {
    match text.trim_start() {
        rest if rest.is_empty() || rest.starts_with('#') => Ok(()),
        rest => {
            let shown = Value::Raw(rest.to_owned());
            fault(
                line,
                format!("{shown} {place} is no comment, which begins with #"),
            )
        }
    }
}
