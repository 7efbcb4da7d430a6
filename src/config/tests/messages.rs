//! Messages of errors: syntax, unknown names, missing tables, several problems at once.

use super::{FULL, problems, read, with_line, with_value};
use crate::config::{Config, ConfigError};

/// Returns the only problem, without the position.
fn message(text: &str) -> String {
    let found = problems(text);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].split_once(": ").unwrap().1.to_owned()
}

#[test]
fn syntax_errors_are_one_line_with_line_and_column() {
    // Line after the bad one, and column.
    let cases = [
        ("offset = 0, 0, 0", 0, 11),
        ("offset = [0, 0, 0", 1, 1),
        ("offset = ", 0, 10),
        ("image_path = \"again\"", 0, 1),
        ("off set = [0, 0, 0]", 0, 5),
    ];
    for (bad, after, column) in cases {
        let (text, line) = with_line("groundtruth", "offset", bad);
        let error = read(&text).unwrap_err();
        assert!(matches!(error, ConfigError::Syntax(_)), "{error:?}");
        let error = error.to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        let start = format!("c.toml:{}:{column}: not valid TOML: ", line + after);
        assert!(error.starts_with(&start), "{bad}: {error}");
    }
}

#[test]
fn positions_count_characters_and_survive_crlf_and_a_byte_order_mark() {
    let text = FULL.replace("factor = 4\n", "\"é\" = 1 # é\nfactor = 0\n");
    let line = text.lines().position(|line| line == "factor = 0").unwrap() + 1;
    let expected = [
        format!(
            "c.toml:{}:1: unknown key [expansion] \"é\": the keys of [expansion] are factor, rounds, distortion, distortion_file, distortion_pitch",
            line - 1
        ),
        format!(
            "c.toml:{line}:10: [expansion] factor = 0 must be a number of at least 1, or three of them [z, x, y]"
        ),
    ];
    assert_eq!(problems(&text), expected);
    assert_eq!(problems(&text.replace('\n', "\r\n")), expected);
    let marked = format!("\u{feff}{text}");
    assert_eq!(problems(&marked), expected);
    let marked = format!("\u{feff}x = 1\n{FULL}");
    assert!(problems(&marked)[0].starts_with("c.toml:1:1: unknown key x: "));
}

#[test]
fn an_unknown_key_names_the_nearest_or_else_the_right_ones() {
    let (text, line) = with_line("optics", "pixel_size", "pixelsize = 6500");
    let expected =
        format!("c.toml:{line}:1: unknown key [optics] pixelsize: did you mean pixel_size?");
    assert_eq!(
        problems(&text),
        [expected],
        "a slip explains the missing key"
    );

    let text = FULL.replace("factor = 4\n", "factor = 4\nzoom = 2\n");
    assert_eq!(
        message(&text),
        "unknown key [expansion] zoom: the keys of [expansion] are factor, rounds, distortion, distortion_file, distortion_pitch"
    );

    let text = FULL
        .replace("seed = 7\n", "seed = 7\nlayer1 = 5\n")
        .replace("[compute]\n", "[compute]\nthread = 2\n");
    let found = problems(&text);
    assert!(
        found[0].ends_with("unknown key [compute] thread: did you mean threads?"),
        "{found:?}"
    );
    assert!(
        found[1].ends_with(
            "the keys of [compute] are seed, backend, adapter, threads, gpu_memory, memory"
        ),
        "{found:?}"
    );

    let text = FULL.replace("global_density = 0.9\n", "layer2 = 5\n");
    assert_eq!(
        message(&text),
        "unknown key [labeling] layer2: the keys of [labeling] are global_density, barcode_layers, barcode_levels and tables [labeling.NAME]"
    );
    let text = FULL.replace("[output]\n", "[optics.channels]\ngain = 1\n[output]\n");
    assert_eq!(
        message(&text),
        "unknown key [optics.channels] gain: [optics.channels] holds tables [optics.channels.NAME] only"
    );
}

#[test]
fn an_unknown_table_names_the_nearest_or_else_the_right_ones() {
    let text = FULL.replace("[output]\n", "[outputs]\n");
    assert_eq!(
        message(&text),
        "unknown table [outputs]: did you mean [output]?"
    );
    let text = format!("{FULL}[camera]\ngain = 1\n");
    assert_eq!(
        message(&text),
        "unknown table [camera]: the tables are model, groundtruth, labeling, expansion, tissue, optics, rounds, output, compute, sweep, fluorophores, run"
    );
    let text = FULL.replace("[optics.channels.channel_1]", "[optics.chanels.channel_1]");
    assert_eq!(
        message(&text),
        "unknown table [optics.chanels]: did you mean [optics.channels]?"
    );
    let text = format!("{FULL}[compute.gpu]\n");
    assert_eq!(
        message(&text),
        "unknown table [compute.gpu]: the keys of [compute] are seed, backend, adapter, threads, gpu_memory, memory"
    );
}

#[test]
fn names_that_cannot_be_seen_are_refused() {
    let text = FULL.replace(
        "[optics.channels.channel_1]",
        "[optics.channels.\"red\\u202edeb\"]",
    );
    assert_eq!(
        message(&text),
        "the name \"red\\u{202e}deb\" has a character that is not seen (U+202E); leave it out"
    );
}

#[test]
fn missing_tables_are_named_once() {
    assert_eq!(
        problems(""),
        ["groundtruth", "labeling", "expansion", "optics", "output"]
            .map(|table| format!("c.toml: the table [{table}] is missing"))
    );
    let without_layers = FULL.replace("[labeling.layer1]", "[run]");
    assert_eq!(
        message(&without_layers),
        "[labeling] has no layer; add at least one, as a table [labeling.NAME]"
    );
    let (start, rest) = FULL.split_once("[optics.channels.channel_1]\n").unwrap();
    let (_, end) = rest.split_once("[output]\n").unwrap();
    let text = format!("{start}[output]\n{end}");
    assert_eq!(message(&text), "the table [optics.channels] is missing");
    let text = format!("{start}[optics.channels]\n[output]\n{end}");
    assert_eq!(
        message(&text),
        "[optics.channels] has no channel; add at least one, as a table [optics.channels.NAME]"
    );
}

#[test]
fn a_value_where_a_table_belongs_is_refused_and_the_other_way_round() {
    let text = FULL.replace("[expansion]\nfactor = 4\n", "[[expansion]]\nfactor = 4\n");
    assert!(message(&text).starts_with("expansion = [{...}] must be a table [expansion]"));
    let text = FULL
        .replace("[optics.channels.channel_1]\n", "[optics.pixel_size.a]\n")
        .replace("pixel_size = 6500\n", "");
    let found = problems(&text);
    assert!(
        found
            .iter()
            .any(|p| p.contains("[optics] pixel_size = {...} must be a number of at least 1 nm")),
        "{found:?}"
    );
}

#[test]
fn words_are_corrected() {
    let (text, _) = with_value("labeling.layer1", "fluorophore", "'atto551'");
    let found = message(&text);
    assert!(found.starts_with(
        "[labeling.layer1] fluorophore = \"atto551\" must be one of the fluorophores ATTO390, "
    ));
    assert!(
        found.ends_with(
            "tdTomato, mScarlet, or a dye of your own, as a table [fluorophores.NAME] with its spectra; did you mean \
             \"ATTO550\"?"
        ),
        "{found}"
    );
    let (text, _) = with_value("labeling.layer1", "fluorophore", "'indigo'");
    assert!(
        message(&text).ends_with("as a table [fluorophores.NAME] with its spectra"),
        "nothing is near"
    );
    let (text, _) = with_value("optics", "type", "'two-photon'");
    assert!(message(&text).ends_with("did you mean \"two photon\"?"));
    let (text, _) = with_value("labeling.layer1", "region", "'synpase'");
    assert!(message(&text).ends_with("did you mean \"synapse\"?"));
}

#[test]
fn a_region_cannot_take_a_built_in_name() {
    let text = FULL
        .replace("regions.synapse]", "regions.full]")
        .replace("'synapse'", "'full'");
    let found = problems(&text);
    let line = text
        .lines()
        .position(|line| line == "[groundtruth.regions.full]")
        .unwrap()
        + 1;
    let expected = format!(
        "c.toml:{line}:22: [groundtruth.regions.full] is the name of a region that every ground truth has; choose another"
    );
    assert!(found.contains(&expected), "{found:?}");
}

#[test]
fn all_problems_are_reported_from_the_top_of_the_file() {
    let text = FULL
        .replace("factor = 4\n", "factor = 0\n")
        .replace("threads = 2", "threads = 0")
        .replace("isotropic = true", "isotropic = 1")
        .replace("seed = 7", "sed = 7");
    let found = problems(&text);
    let keys = ["isotropic", "factor", "sed", "threads"];
    assert_eq!(found.len(), keys.len(), "{found:?}");
    for (problem, key) in found.iter().zip(keys) {
        assert!(
            problem.contains(&format!("] {key}")),
            "{problem} is not about {key}"
        );
    }
    let line = |problem: &String| problem.split(':').nth(1).unwrap().parse::<usize>().unwrap();
    assert!(found.iter().map(line).is_sorted());
}

#[test]
fn long_and_odd_values_stay_on_one_short_line() {
    let long = "x".repeat(10_000);
    let (text, _) = with_value("optics", "type", &format!("\"a\\nb{long}\""));
    let found = message(&text);
    assert!(found.len() < 250 && found.contains("\"a\\nbxxx"), "{found}");
    let (text, _) = with_value("optics", "type", &format!("[{}]", "1, ".repeat(10_000)));
    assert!(message(&text).len() < 250);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let from_file = |name: &str| {
        let path = folder.path().join(name);
        (
            path.display().to_string(),
            Config::from_file(&path, &[]).unwrap_err(),
        )
    };
    let (path, error) = from_file("none.toml");
    assert!(matches!(error, ConfigError::Unreadable { .. }));
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot read the configuration {path}: ")),
        "{error}"
    );

    std::fs::create_dir(folder.path().join("folder")).unwrap();
    assert!(matches!(
        from_file("folder").1,
        ConfigError::Unreadable { .. }
    ));

    std::fs::write(folder.path().join("bytes.toml"), b"[optics]\na = \xff\xfe").unwrap();
    let (path, error) = from_file("bytes.toml");
    assert_eq!(
        error.to_string(),
        format!(
            "{path}:2:5: not UTF-8 text (byte 0xff); a configuration is a text file, TOML or SimExm's .ini: \
             if it is one, save it as UTF-8"
        )
    );

    std::fs::write(folder.path().join("long.toml"), vec![b'#'; (16 << 20) + 1]).unwrap();
    let (path, error) = from_file("long.toml");
    assert!(
        error
            .to_string()
            .starts_with(&format!("{path} is longer than 16777216 bytes")),
        "{error}"
    );
}
