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

/// Pieces of text that change the meaning of what surrounds them.
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
];

#[derive(Clone, Debug)]
enum Mutation {
    Byte(Index, u8),
    Remove(Index, usize),
    Insert(Index, &'static [u8]),
    RemoveLine(Index),
    DuplicateLine(Index, Index),
    Value(Index, &'static str),
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
            let line = &mut lines[line];
            if let Some(equals) = line.iter().position(|&byte| byte == b'=') {
                line.truncate(equals + 1);
                line.extend_from_slice(value.as_bytes());
            }
        }
    }
    *text = lines.join(&b'\n');
}

/// Reads bytes as a file with these bytes would be.
fn read_bytes(bytes: &[u8]) -> Result<Config, ConfigError> {
    let text = crate::config::text::utf8(bytes, "c.toml").map_err(ConfigError::Syntax)?;
    read_with(text, &[])
}

/// What must hold for any input: an error says where and what, one line for each problem.
fn check(result: Result<Config, ConfigError>) -> Result<(), TestCaseError> {
    match result {
        Ok(config) => {
            // What was taken can be written and read again.
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
