//! SimExm's .ini files: ConfigObj's language line by line, and what is wrong with a file.

use std::path::Path;

use crate::config::tree::{Table, Value};
use crate::config::{Config, ConfigError, ini_source};

/// Writes the tree in one line: sections in brackets, lists in parentheses.
fn shown(table: &Table) -> String {
    let item = |value: &Value| match value {
        Value::Raw(text) => format!("{text:?}"),
        other => panic!("{other:?} in a list"),
    };
    let entry = |(key, entry): (&String, &crate::config::tree::Entry)| match &entry.value {
        Value::Table(inner) => format!("{key} [{}]", shown(inner)),
        Value::Array(items) => format!(
            "{key} ({})",
            items.iter().map(item).collect::<Vec<_>>().join(" ")
        ),
        value => format!("{key} {}", item(value)),
    };
    table.iter().map(entry).collect::<Vec<_>>().join(" ")
}

fn parsed(text: &str) -> String {
    shown(&ini_source::parse(text, "c.ini").unwrap_or_else(|problem| panic!("{text:?}: {problem}")))
}

fn refused(text: &str) -> String {
    match ini_source::parse(text, "c.ini") {
        Ok(table) => panic!("{text:?} was read as {}", shown(&table)),
        Err(problem) => problem.to_string(),
    }
}

#[test]
fn values() {
    for (text, expected) in [
        ("a = 1", r#"a "1""#),
        ("a=1", r#"a "1""#),
        ("  a\t=\t 1  ", r#"a "1""#),
        ("a = two words", r#"a "two words""#),
        ("a = 1 # comment", r#"a "1""#),
        ("a = 1# comment, with a comma", r#"a "1""#),
        ("a = 'x # y, z' # comment", r#"a "x # y, z""#),
        ("a = \"it's\"", r#"a "it's""#),
        ("a = it's", r#"a "it's""#),
        ("a = ''", r#"a """#),
        ("a =", r#"a """#),
        ("a = # comment", r#"a """#),
        ("a = 1, 2, 3", r#"a ("1" "2" "3")"#),
        ("a = 1,2 ,'3, 4'# comment", r#"a ("1" "2" "3, 4")"#),
        ("a = 1,", r#"a ("1")"#),
        ("a = 'x', # comment", r#"a ("x")"#),
        ("a = ,", "a ()"),
        ("a = [1, 2]", r#"a ("1" "2")"#),
        ("a = (1, 2, 3) # comment", r#"a ("1" "2" "3")"#),
        ("a = [1, 2)", r#"a ("[1" "2)")"#),
        ("a = b = c", r#"a "b = c""#),
        ("a = 100%", r#"a "100%""#),
        ("a = %d %(x %", r#"a "%d %(x %""#),
        ("'a = b' = 1", r#"a = b "1""#),
        ("\"a b\" = 1", r#"a b "1""#),
        ("a b = 1", r#"a b "1""#),
        ("a = '''x'''", r#"a "x""#),
        ("a = '''x, \"y\" # z''' # comment", r#"a "x, \"y\" # z""#),
        (
            "a = \"\"\"x\ny = 1\n[z]\"\"\"\nb = 2",
            r#"a "x\ny = 1\n[z]" b "2""#,
        ),
        ("# comment\n\n  # another\na = 1", r#"a "1""#),
        ("\u{feff}a = 1\r\nb = 2\r\n", r#"a "1" b "2""#),
        ("a = 1\rb = 2", r#"a "1" b "2""#),
        ("a = C:\\data\\x.tif", r#"a "C:\\data\\x.tif""#),
        ("é = ü", r#"é "ü""#),
        ("", ""),
    ] {
        assert_eq!(parsed(text), expected, "{text:?}");
    }
}

#[test]
fn sections() {
    for (text, expected) in [
        ("[a]\nx = 1\n[b]", r#"a [x "1"] b []"#),
        (
            "[a]\n[[b]]\nx = 1\n[[[c]]]\n[[d]]\n[e]",
            r#"a [b [c [] x "1"] d []] e []"#,
        ),
        ("[ a ] # comment", "a []"),
        ("[a]# see [1] and ]", "a []"),
        ("[ [ a ] ]", ""),
        ("['a ] b']", "a ] b []"),
        ("[a#b]", "a#b []"),
        ("\t[a]\n\t\t[[b]]\n\t\tx = 1", r#"a [b [x "1"]]"#),
    ] {
        if expected.is_empty() {
            assert!(
                refused(text).contains("no section with 1 is above"),
                "{text:?}"
            );
        } else {
            assert_eq!(parsed(text), expected, "{text:?}");
        }
    }
}

#[test]
fn values_name_others() {
    for (text, expected) in [
        ("a = 1\nb = x%(a)sy%(a)s", r#"a "1" b "x1y1""#),
        ("a = 1\n[s]\nb = %(a)s, %(a)s", r#"a "1" s [b ("1" "1")]"#),
        ("a = 1\n[s]\na = 2\nb = %(a)s", r#"a "1" s [a "2" b "2"]"#),
        (
            "[DEFAULT]\na = 1\n[s]\n[[t]]\nb = %(a)s%",
            r#"s [t [b "1%"]]"#,
        ),
        ("a = %(b)s\nb = %(c)s\nc = 1", r#"a "1" b "1" c "1""#),
        ("a = %(b) s", r#"a "%(b) s""#),
    ] {
        assert_eq!(parsed(text), expected, "{text:?}");
    }
    let found = refused("x = 1\n[s]\n[[t]]\na = %(b)s");
    assert!(
        found.starts_with("c.ini:4: ") && found.contains("%(b)s"),
        "{found}"
    );
    for circle in ["a = %(a)s", "a = %(b)s\nb = x%(a)s"] {
        assert!(refused(circle).contains("circle"), "{circle}");
    }
    let mut text = "a0 = 0123456789\n".to_owned();
    for i in 1..30 {
        text.push_str(&format!(
            "a{i} = {}\n",
            format!("%(a{})s", i - 1).repeat(30)
        ));
    }
    refused(&text);
}

#[test]
fn broken_rules_are_told_with_their_line() {
    for (text, line, words) in [
        ("a", 1, "a is neither [section] nor key = value"),
        ("\n; comment", 2, "a comment begins with #"),
        ("= 1", 1, "no key before the equals sign"),
        ("'' = 1", 1, "no key before the equals sign"),
        ("'a = 1", 1, "the quote ' is not closed"),
        ("a = 'x", 1, "the quote ' is not closed"),
        ("a = 1, \"x", 1, "the quote \" is not closed"),
        ("a = 'x' y", 1, "y after the value is no comment"),
        ("a = 1, , 2", 1, "an item of the list is missing"),
        ("a = , 2", 1, "an item of the list is missing"),
        ("a = 1,,", 1, "an item of the list is missing"),
        ("\na = '''x\ny\n", 2, "the quotes ''' are not closed"),
        (
            "\na = '''x\ny''' z",
            3,
            "z after the closing quotes is no comment",
        ),
        ("[a", 1, "closing bracket ] is missing"),
        ("[a]\n[[b]", 2, "2 opening brackets [ and 1 closing"),
        ("[a]]", 1, "1 opening brackets [ and 2 closing"),
        ("[a] b", 1, "b after the section's brackets is no comment"),
        ("[]", 1, "the section has no name"),
        ("['a]", 1, "the quote ' is not closed"),
        (
            "[a]\n[[[b]]]",
            2,
            "the section \"b\" has 3 brackets, but no section with 2",
        ),
        ("[[a]]", 1, "no section with 1 is above it"),
        (
            "a = 1\nb = 2\na = 3",
            3,
            "the key \"a\" is there already, in line 1",
        ),
        (
            "[a]\n[b]\n[a]",
            3,
            "the section \"a\" is there already, in line 1",
        ),
        (
            "[s]\na = 1\n[[a]]",
            3,
            "the section \"a\" is there already, in line 2",
        ),
        ("\u{feff}\r\nb", 2, "b is neither"),
    ] {
        let found = refused(text);
        let start = format!("c.ini:{line}: not a valid .ini file (ConfigObj's rules): ");
        assert!(found.starts_with(&start), "{text:?}: {found}");
        assert!(found.contains(words), "{text:?}: {found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    }
    let deep: String = (1..20)
        .map(|depth| format!("{}a{}\n", "[".repeat(depth), "]".repeat(depth)))
        .collect();
    assert!(
        refused(&deep).starts_with("c.ini:17: "),
        "{}",
        refused(&deep)
    );
}

/// Configuration of a user of SimExm, with everything that its language has.
const BRAINBOW: &str = include_str!("../../../examples/simexm/brainbow_membrane.ini");

#[test]
fn a_bad_value_is_told_with_line_section_and_key() {
    for (from, to, message) in [
        (
            "protein_noise = 0.3",
            "protein_noise = 130%",
            "[labeling.layer1] protein_noise = 130% must be a number from 0 to 1; a value with a unit has %",
        ),
        (
            "isotropic = True",
            "isotropic = maybe",
            "[groundtruth] isotropic = maybe must be true or false",
        ),
        (
            "laser_filter = 380, 480",
            "laser_filter = 480, 380",
            "[optics.channels.channel_1] laser_filter = [480, 380] must be two wavelengths [min, max] in nm, min below max",
        ),
        (
            "voxel_dim = 8, 8, 8",
            "voxel_dim = 8",
            "[groundtruth] voxel_dim = 8 must be three numbers [z, x, y], each above 0 nm",
        ),
    ] {
        let text = BRAINBOW.replacen(from, to, 1);
        let line = text.lines().position(|line| line.trim() == to).unwrap() + 1;
        let error = Config::from_ini_str(&text, "c.ini", Path::new("/"), &[]).unwrap_err();
        assert_eq!(error.to_string(), format!("c.ini:{line}: {message}"));
    }
}

#[test]
fn the_end_of_the_name_tells_the_language_and_else_the_content() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Config::from_file(&path, &[])
    };
    let ini = read("c.ini", BRAINBOW).unwrap();
    for name in ["c.INI", "c.cfg", "config"] {
        assert_eq!(read(name, BRAINBOW).unwrap(), ini);
    }
    // As SimExm has it, whatever the file's folder.
    let here = std::env::current_dir().unwrap();
    assert!(ini.groundtruth.image_path.starts_with(&here));
    let toml = ini.to_toml();
    for name in ["c.toml", "c.TOML", "c.cfg", "config"] {
        assert_eq!(read(name, &toml).unwrap(), ini);
    }
    let error = read("c.toml", BRAINBOW).unwrap_err().to_string();
    assert!(error.contains("not valid TOML"), "{error}");
    let found = read("c.ini", "a\n").unwrap_err();
    assert!(matches!(found, ConfigError::Syntax(_)), "{found}");
    for (text, words) in [
        (
            "[a]\nb = c d\n[[[e]]]\n",
            ["not a valid .ini", "fails in line 2"],
        ),
        (
            "a = 1\n[b]\nc = 'x\n",
            ["not valid TOML", "neither .toml nor .ini"],
        ),
    ] {
        let error = read("config", text);
        let Err(error) = error else { panic!("{text}") };
        let error = error.to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    let latin = folder.path().join("latin.ini");
    std::fs::write(&latin, b"[output]\nname = caf\xe9\n").unwrap();
    let error = Config::from_file(&latin, &[]).unwrap_err().to_string();
    assert!(
        error.contains("latin.ini:2:11: not UTF-8 text (byte 0xe9)"),
        "{error}"
    );
}
