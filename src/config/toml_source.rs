//! TOML front end: text to [`Table`], with the line and column of every key and value.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::error::Problem;
use super::text::Lines;
use super::tree::{Entry, Position, Table, Value};

/// Reads a TOML document; `name` is its name in messages.
///
/// # Errors
/// The first syntax error, with its position.
pub(super) fn parse(text: &str, name: &str) -> Result<Table, Problem> {
    let lines = Lines::new(text);
    match DeTable::parse(text) {
        Ok(document) => Ok(table(document.get_ref(), &|span| {
            lines.position(span.start)
        })),
        Err(error) => Err(Problem {
            file: name.to_owned(),
            position: error
                .span()
                .map_or(Position::Document, |span| lines.position(span.start)),
            message: format!(
                "not valid TOML: {}{}",
                error.message().replace('\n', ", "),
                backslash(text, error.span())
            ),
        }),
    }
}

/// Advice where the error lies behind a backslash between double quotes, as in a path of Windows.
fn backslash(text: &str, span: Option<Range<usize>>) -> &'static str {
    let start = span.map_or(0, |span| span.start.min(text.len()));
    let lines = text.split_inclusive('\n').scan(0, |at, line| {
        *at += line.len();
        Some((*at, line))
    });
    let line = lines
        .skip_while(|(end, _)| *end <= start)
        .map(|(_, line)| line)
        .next();
    let quoted = line
        .and_then(|line| line.split_once('"'))
        .is_some_and(|(_, rest)| rest.contains('\\'));
    match quoted {
        true => {
            "; between double quotes a backslash starts an escape: in a path write / or use single quotes"
        }
        false => "",
    }
}

/// Converts a table of the parser; `position` turns a span of bytes into a position.
pub(super) fn table(source: &DeTable<'_>, position: &dyn Fn(Range<usize>) -> Position) -> Table {
    source
        .iter()
        .map(|(key, value)| {
            let entry = Entry {
                value: self::value(value.get_ref(), position),
                key_position: position(key.span()),
                value_position: position(value.span()),
            };
            (key.get_ref().to_string(), entry)
        })
        .collect()
}

/// Converts a value of the parser; `position` turns a span of bytes into a position.
pub(super) fn value(source: &DeValue<'_>, position: &dyn Fn(Range<usize>) -> Position) -> Value {
    match source {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            // More digits than any key takes: its magnitude is enough for the message.
            Err(_) => Value::Float(number.as_str().parse().unwrap_or(f64::INFINITY)),
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(datetime) => Value::Datetime(datetime.to_string()),
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| self::value(item.get_ref(), position))
                .collect(),
        ),
        DeValue::Table(entries) => Value::Table(table(entries, position)),
    }
}
