//! The catalogue of keys agrees with the readers.

use super::{FULL, problems, read};
use crate::config::keys::{DefaultInfo, KeyInfo, SECTIONS, markdown};
use crate::config::{Config, Labeling, Layer, Optics};
use crate::optics::fluorophore;

/// Returns the section of [`FULL`] that a section of the catalogue stands for.
fn section_of_full(name: &str) -> &str {
    match name {
        "groundtruth.regions.NAME" => "groundtruth.regions.synapse",
        "labeling.NAME" => "labeling.layer1",
        "optics.channels.NAME" => "optics.channels.channel_1",
        "fluorophores.NAME" => "fluorophores.mScarlet",
        name => name,
    }
}

/// Builds the readers' words for a key's value from the catalogue's columns.
fn expected(key: &KeyInfo) -> String {
    let unit = if key.unit.is_empty() {
        String::new()
    } else {
        format!(" {}", key.unit)
    };
    let range = &key.range;
    match key.takes {
        "number" if range.starts_with("at least") => format!("a number of {range}{unit}"),
        "number" => format!("a number {range}{unit}"),
        "whole number" if range.starts_with("from") => format!("a whole number {range}"),
        "three whole numbers [z, x, y]" => format!("{}, each {range}", key.takes),
        "three numbers [z, x, y]" => format!("{}, each {range}{unit}", key.takes),
        "two numbers [min, max]" => format!("two wavelengths [min, max] in nm, {range}"),
        "size" => format!("a size {range}"),
        "path" => "a path".to_owned(),
        _ => match key.name {
            "fluorophore" => format!(
                "one of the fluorophores {}",
                range.replace(" or the name of an own one", ", mScarlet")
            ),
            "region" | "gt_region" => range.replace(
                "the name of a region",
                "\"synapse\" (a table [groundtruth.regions.NAME] adds one)",
            ),
            _ => range.to_string(),
        },
    }
}

#[test]
fn every_key_of_a_reader_is_in_the_catalogue_and_the_other_way_round() {
    for section in SECTIONS.iter() {
        let name = section_of_full(section.name);
        let header = format!("[{name}]\n");
        let text = FULL.replace(&header, &format!("{header}qqqqqqqq = 1\n"));
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        let (_, keys) = found[0]
            .split_once(&format!("the keys of [{name}] are "))
            .unwrap();
        let keys = keys
            .split_once(" and tables")
            .map_or(keys, |(keys, _)| keys);
        let keys: Vec<_> = keys
            .split(", ")
            .filter(|key| !["regions", "channels"].contains(key))
            .collect();
        let catalogue: Vec<_> = section.keys.iter().map(|key| key.name).collect();
        assert_eq!(keys, catalogue, "[{name}]");
    }
    let text = format!("{FULL}[qqqqqqqq]\n");
    let found = problems(&text);
    let (_, tables) = found[0].split_once("the tables are ").unwrap();
    for table in tables.split(", ").filter(|table| *table != "run") {
        let is_there = |name: &str| name.split('.').next() == Some(table);
        assert!(
            SECTIONS.iter().any(|section| is_there(section.name)),
            "{table}"
        );
    }
}

#[test]
fn types_units_and_ranges_are_the_readers() {
    for section in SECTIONS.iter() {
        let name = section_of_full(section.name);
        for key in &section.keys {
            let (text, _) = super::with_value(name, key.name, "[[]]");
            let found = problems(&text);
            assert_eq!(found.len(), 1, "[{name}] {}: {found:?}", key.name);
            let (_, right) = found[0].split_once(" must be ").unwrap();
            assert_eq!(right, expected(key), "[{name}] {}", key.name);
        }
    }
}

#[test]
fn defaults_are_the_readers() {
    for section in SECTIONS.iter() {
        let name = section_of_full(section.name);
        for key in &section.keys {
            let (text, _) = super::with_line(name, key.name, "");
            // A bit depth of 16 restricts the format, so it is left out.
            let text = text.replace("bit_depth = 16\n", "");
            let read = read(&text);
            let tell = |what: &str| format!("[{name}] {}: {what}", key.name);
            match key.default {
                DefaultInfo::Required => {
                    let error = read.unwrap_err().to_string();
                    assert!(error.contains("is missing"), "{}", tell(&error));
                }
                DefaultInfo::Value(value) => {
                    let written = read.unwrap().to_toml();
                    let (_, section) = written.split_once(&format!("[{name}]\n")).unwrap();
                    let line = format!("{} = {value}", key.name);
                    assert!(section.lines().any(|l| l == line), "{}", tell(section));
                }
                DefaultInfo::Otherwise { example, .. } => {
                    let written = read.unwrap().to_toml();
                    let (_, section) = written.split_once(&format!("[{name}]\n")).unwrap();
                    let section = section.split("\n[").next().unwrap();
                    let start = format!("{} = ", key.name);
                    assert!(
                        !section.lines().any(|l| l.starts_with(&start)),
                        "{}",
                        tell(section)
                    );
                    let (text, _) = super::with_value(name, key.name, example);
                    assert!(super::read(&text).is_ok(), "{}", tell(example));
                }
            }
        }
    }
}

#[test]
fn the_examples_of_sections_are_right() {
    for section in SECTIONS.iter() {
        if let Some(example) = section.example {
            let text = Config::default().to_toml() + "\n" + example;
            assert_ne!(
                read(&text).unwrap(),
                read(&Config::default().to_toml()).unwrap()
            );
        }
    }
}

#[test]
fn all_dyes_are_listed() {
    let key = SECTIONS
        .iter()
        .flat_map(|section| &section.keys)
        .find(|key| key.name == "fluorophore")
        .unwrap();
    let names: Vec<_> = fluorophore::names().collect();
    assert_eq!(
        key.range,
        format!("{} or the name of an own one", names.join(", "))
    );
}

#[test]
fn the_readme_has_the_table_of_keys() {
    let readme = include_str!("../../../README.md");
    let (_, after) = readme
        .split_once("<!-- keys -->\n")
        .expect("the mark before the table");
    let (table, _) = after
        .split_once("<!-- /keys -->")
        .expect("the mark behind the table");
    let right = markdown();
    assert!(
        table.trim() == right.trim(),
        "the table of keys in README.md must be:\n{right}"
    );
}

#[test]
fn comments_tell_all_there_is() {
    let text = Config::default().to_commented_toml();
    for section in SECTIONS.iter() {
        for key in &section.keys {
            assert!(text.contains(&format!("{} = ", key.name)), "{}", key.name);
        }
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 160),
        "{text}"
    );
    // Comments appear once, not for each of three layers.
    assert_eq!(text.matches("# The dye.").count(), 1);
    assert_eq!(text.matches("fluorophore = ").count(), 3);
}

#[test]
fn what_no_file_can_say_is_refused() {
    use crate::config::{AdapterChoice, CellPart, Compute, GroundTruth, Output};
    assert!(Config::default().validate().is_ok());
    let refused = |config: Config, words: &[&str]| {
        let error = config.validate().unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
        assert!(error.starts_with("configuration: ["), "{error}");
        // However wrong it is, it can be written.
        config.to_toml();
        config.to_commented_toml();
    };
    let optics = |change: fn(&mut Optics)| {
        let mut optics = Optics::default();
        change(&mut optics);
        Config {
            optics,
            ..Config::default()
        }
    };
    refused(
        optics(|o| o.pixel_size_nm = f64::NAN),
        &["[optics] pixel_size = NaN", "at least 1 nm"],
    );
    refused(
        optics(|o| o.exposure_time_s = f64::INFINITY),
        &["[optics] exposure_time = inf"],
    );
    refused(
        optics(|o| o.numerical_aperture = 1.4),
        &["below refractory_index (1.33)"],
    );
    refused(
        optics(|o| o.channels.clear()),
        &["[optics.channels] has no channel"],
    );
    let layered = |name: &str, layer: Layer| Config {
        labeling: Labeling {
            global_density: 1.0,
            layers: [(name.to_owned(), layer)].into(),
        },
        ..Config::default()
    };
    refused(
        layered("global_density", Layer::default()),
        &["[labeling.global_density]", "another name"],
    );
    let dye = Layer {
        fluorophore: "GFP".to_owned(),
        ..Layer::default()
    };
    refused(layered("a", dye), &["[labeling.a] fluorophore = \"GFP\""]);
    let region = Layer {
        region: CellPart::Named("membrane".to_owned()),
        ..Layer::default()
    };
    refused(
        layered("a", region),
        &["[labeling] holds what no configuration file can say"],
    );
    let region = Layer {
        region: CellPart::Named("synapse".to_owned()),
        ..Layer::default()
    };
    refused(layered("a", region), &["[labeling.a] region = \"synapse\""]);
    let voxels = |offset_voxels, bounds_voxels| Config {
        groundtruth: GroundTruth {
            offset_voxels,
            bounds_voxels,
            ..GroundTruth::default()
        },
        ..Config::default()
    };
    refused(voxels([usize::MAX; 3], None), &["[groundtruth] offset = ["]);
    refused(
        voxels([0; 3], Some([0, 1, usize::MAX])),
        &["[groundtruth] bounds = ["],
    );
    let output = Output {
        name: "a/b".to_owned(),
        path: "".into(),
        ..Output::default()
    };
    refused(
        Config {
            output,
            ..Config::default()
        },
        &["[output] name", "[output] path"],
    );
    let compute = Compute {
        threads: Some(usize::MAX),
        ..Compute::default()
    };
    refused(
        Config {
            compute,
            ..Config::default()
        },
        &["[compute] threads"],
    );
    let adapter = Some(AdapterChoice::Name("5".to_owned()));
    let compute = Compute {
        adapter,
        ..Compute::default()
    };
    refused(
        Config {
            compute,
            ..Config::default()
        },
        &["[compute] holds what no"],
    );
}
