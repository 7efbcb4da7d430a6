//! Mutated configurations: an error is fine, a panic is not.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{FULL, read_with};
use crate::config::{Config, ConfigError, Override};

/// Values that parsers and ranges trip over.
const VALUES: &[&str] = &[
    "0",
    "-0.0",
    "1",
    "-1",
    "nan",
    "-inf",
    "1e400",
    "1e-400",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999999999999999999",
    "0xffffffffffffffffffffffffffffffffff",
    "0b1",
    "true",
    "''",
    "\"\\u0000\"",
    "'\u{1f9e0}'",
    "'''a\nb'''",
    "[]",
    "[[]]",
    "[1]",
    "[1, 2, 3, 4]",
    "['a', 1, true]",
    "{}",
    "{a = 1}",
    "{a.b.c = {}}",
    "1979-05-27T07:32:00Z",
    "07:32:00",
    "\"full\"",
    "\"..\"",
    "[{}, {}]",
    "#",
    "=",
    "]",
];

/// Pieces of text that change the meaning of the text around them.
const PIECES: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\r",
    b"[",
    b"]",
    b"[[",
    b"]]",
    b"\"",
    b"'",
    b"\"\"\"",
    b"'''",
    b"=",
    b".",
    b",",
    b"#",
    b"{",
    b"}",
    b"\\u",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\0",
    b"\xf0\x9f\xa7\xa0",
    b"[run]\n",
    b"[labeling]\n",
    b"[optics.channels.x]\n",
    b"[labeling.global_density]\n",
    b"groundtruth = 1\n",
    b"[[output]]\n",
    b"[groundtruth.regions.full]\n",
    b"\"\" = 1\n",
    b"[[[",
    b"\t[[regions]]\n",
    b"[[[x]]]\n",
    b"%(name)s",
    b"%(",
    b"a = %(a)s\n",
    b"[DEFAULT]\n",
    b"; \n",
];

#[derive(Clone, Debug)]
enum Mutation {
    Byte(Index, u8),
    Remove(Index, usize),
    Insert(Index, &'static [u8]),
    RemoveLine(Index),
    DuplicateLine(Index, Index),
    Value(Index, &'static str),
    Text(Index, String),
    SwapValues(Index, Index),
    Nest(Index, usize),
    Cut(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        1 => (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        1 => (any::<Index>(), select(PIECES)).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        1 => any::<Index>().prop_map(Mutation::RemoveLine),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::DuplicateLine(from, to)),
        4 => (any::<Index>(), select(VALUES)).prop_map(|(line, value)| Mutation::Value(line, value)),
        2 => (any::<Index>(), "\\PC{0,20}").prop_map(|(line, text)| Mutation::Text(line, text)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::SwapValues(a, b)),
        1 => (any::<Index>(), 1..400_usize).prop_map(|(line, depth)| Mutation::Nest(line, depth)),
        1 => any::<Index>().prop_map(Mutation::Cut),
    ]
}

fn mutate(text: &mut Vec<u8>, mutation: &Mutation) {
    if text.is_empty() {
        return;
    }
    let mut lines: Vec<Vec<u8>> = text
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    match mutation {
        Mutation::Byte(at, byte) => {
            let at = at.index(text.len());
            text[at] = *byte;
            return;
        }
        Mutation::Remove(at, count) => {
            let at = at.index(text.len());
            text.drain(at..(at + count).min(text.len()));
            return;
        }
        Mutation::Insert(at, piece) => {
            let at = at.index(text.len());
            text.splice(at..at, piece.iter().copied());
            return;
        }
        Mutation::Cut(at) => {
            text.truncate(at.index(text.len()));
            return;
        }
        Mutation::RemoveLine(line) => {
            lines.remove(line.index(lines.len()));
        }
        Mutation::DuplicateLine(from, to) => {
            let line = lines[from.index(lines.len())].clone();
            lines.insert(to.index(lines.len()), line);
        }
        Mutation::Value(line, value) => {
            let line = line.index(lines.len());
            set_value(&mut lines[line], value.as_bytes());
        }
        Mutation::Text(line, value) => {
            let line = line.index(lines.len());
            set_value(&mut lines[line], value.as_bytes());
        }
        Mutation::SwapValues(a, b) => {
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            if let (Some(of_a), Some(of_b)) = (value_of(&lines[a]), value_of(&lines[b])) {
                set_value(&mut lines[a], &of_b);
                set_value(&mut lines[b], &of_a);
            }
        }
        Mutation::Nest(line, depth) => {
            let line = line.index(lines.len());
            let nested = format!("x = {}1{}", "[".repeat(*depth), "]".repeat(*depth));
            lines.insert(line, nested.into_bytes());
            let sections = (1..*depth)
                .map(|depth| format!("{}x{}", "[".repeat(depth), "]".repeat(depth)).into_bytes());
            lines.splice(line..line, sections);
        }
    }
    *text = lines.join(&b'\n');
}

fn value_of(line: &[u8]) -> Option<Vec<u8>> {
    let equals = line.iter().position(|&byte| byte == b'=')?;
    Some(line[equals + 1..].to_vec())
}

fn set_value(line: &mut Vec<u8>, value: &[u8]) {
    if let Some(equals) = line.iter().position(|&byte| byte == b'=') {
        line.truncate(equals + 1);
        line.extend_from_slice(value);
    }
}

/// An .ini file to be mutated.
const INI: &str = include_str!("../../../examples/simexm/synapse.ini");

/// Reads bytes as an .ini file with these bytes would be.
fn read_ini_bytes(bytes: &[u8]) -> Result<Config, ConfigError> {
    let text = crate::config::text::utf8(bytes, "c.ini").map_err(ConfigError::Syntax)?;
    Config::from_ini_str(text, "c.ini", Path::new("/base"), &[])
}

/// Reads bytes as a TOML file with these bytes would be.
fn read_bytes(bytes: &[u8]) -> Result<Config, ConfigError> {
    let text = crate::config::text::utf8(bytes, "c.toml").map_err(ConfigError::Syntax)?;
    read_with(text, &[])
}

/// Checks an invariant of any input: an error says where and what, one line for each problem.
fn check(result: Result<Config, ConfigError>) -> Result<(), TestCaseError> {
    if let Err(error) = &result {
        for line in error.to_string().lines() {
            let names = ["c.toml:", "c.ini:", "--set "];
            prop_assert!(names.iter().any(|name| line.starts_with(name)), "{}", line);
        }
    }
    match result {
        Ok(config) => {
            // A configuration that was accepted can be written and read again.
            let again = Config::from_toml_str(&config.to_toml(), "c", Path::new("/"), &[]);
            prop_assert_eq!(
                again.map_err(|error| TestCaseError::fail(error.to_string()))?,
                config
            );
        }
        Err(ConfigError::Syntax(problem)) => {
            prop_assert_eq!(problem.to_string().lines().count(), 1, "{}", problem);
        }
        Err(ConfigError::Invalid(problems)) => {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert_eq!(problem.to_string().lines().count(), 1, "{}", problem);
            }
        }
        Err(error) => return Err(TestCaseError::fail(format!("{error:?}"))),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn mutated_files_never_panic(mutations in prop::collection::vec(mutation(), 1..6)) {
        let mut text = FULL.as_bytes().to_vec();
        for mutation in &mutations {
            mutate(&mut text, mutation);
        }
        check(read_bytes(&text))?;
    }

    #[test]
    fn mutated_ini_files_never_panic(mutations in prop::collection::vec(mutation(), 1..6)) {
        let mut text = INI.as_bytes().to_vec();
        for mutation in &mutations {
            mutate(&mut text, mutation);
        }
        check(read_ini_bytes(&text))?;
    }

    #[test]
    fn any_text_never_panics(text in "([\\[\\]='\"#,%()a. \t\r\n]|\\PC|\\[a\\]\n|a = |'''|%\\(a\\)s){0,60}") {
        check(read_bytes(text.as_bytes()))?;
        check(read_ini_bytes(text.as_bytes()))?;
    }

    #[test]
    fn mutated_ini_values_never_panic(line in any::<Index>(), value in prop_oneof![
        select(VALUES).prop_map(str::to_owned), "\\PC{0,20}", "[-+.e_0-9naif]{1,12}", "[-+.e0-9, ]{0,20}",
    ]) {
        let keys: Vec<_> = INI.lines().filter_map(|line| line.split_once(" = ")).collect();
        let (key, old) = keys[line.index(keys.len())];
        let text = INI.replacen(&format!("{key} = {old}"), &format!("{key} = {value}"), 1);
        check(read_ini_bytes(text.as_bytes()))?;
    }

    #[test]
    fn mutated_values_never_panic(line in any::<Index>(), value in prop_oneof![
        select(VALUES).prop_map(str::to_owned), "\\PC{0,20}", "[-+.e_0-9naif]{1,12}", "\\[[-+.e0-9, ]{0,20}\\]",
    ]) {
        let keys: Vec<_> = FULL.lines().filter_map(|line| line.split_once(" = ")).collect();
        let (key, old) = keys[line.index(keys.len())];
        let text = FULL.replacen(&format!("{key} = {old}"), &format!("{key} = {value}"), 1);
        check(read_bytes(text.as_bytes()))?;
    }

    #[test]
    fn mutated_overrides_never_panic(text in prop_oneof![
        "\\PC{0,30}",
        "(optics|labeling|output|groundtruth|run)\\.(channels|regions|layer1|type|path|name|'a.b'|\"\")(\\.[a-z]{0,3})?=\\PC{0,12}",
    ]) {
        if let Ok(entry) = text.parse::<Override>() {
            check(read_with(FULL, &[entry]))?;
        }
    }
}
