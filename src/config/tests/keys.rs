//! The catalogue of keys agrees with the readers.

use super::{FULL, problems, read};
use crate::config::keys::{DefaultInfo, KeyInfo, SECTIONS, SectionInfo, markdown};
use crate::config::{Config, Labeling, Layer, ModelKind, Optics};

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
        "list" => range.to_string(),
        "three numbers [z, x, y]" => format!("{}, each {range}{unit}", key.takes),
        "two numbers [min, max]" => format!("two wavelengths [min, max] in nm, {range}"),
        "size" => format!("a size {range}"),
        "path" => "a path".to_owned(),
        "path in a container" => {
            "a path in the container, such as \"volumes/labels/neuron_ids\"".to_owned()
        }
        _ => match key.name {
            "fluorophore" => format!(
                "one of the fluorophores {}",
                range.replace(
                    " or the name of an own one",
                    ", mScarlet, or a dye of your own, as a table [fluorophores.NAME] with its spectra"
                )
            ),
            "region" | "gt_region" => range.replace(
                "the name of a region",
                "\"synapse\" (a table [groundtruth.regions.NAME] adds one)",
            ),
            _ => range.to_string(),
        },
    }
}

/// A configuration with all keys that go together, and what they are.
struct Full {
    text: String,
    model: ModelKind,
    /// Keys of the model that mean nothing here.
    without: &'static [&'static str],
}

fn all_full() -> [Full; 3] {
    let simexm = format!("[model]\nkind = \"simexm\"\n\n{FULL}");
    let full = |text: String, model, without| Full {
        text,
        model,
        without,
    };
    let lasers = &["laser_power", "laser_percentage"];
    // A radius and Airy units exclude each other.
    let physical = |scans| super::full_physical(scans).replace("pinhole_radius = 50\n", "");
    [
        full(simexm, ModelKind::Simexm, &[]),
        full(physical(true), ModelKind::Physical, &["irradiance"]),
        full(physical(false), ModelKind::Physical, lasers),
    ]
}

impl Full {
    /// The keys of a section.
    fn keys<'s>(&'s self, section: &'s SectionInfo) -> impl Iterator<Item = &'s KeyInfo> {
        let keys = section.keys_of(self.model);
        keys.filter(|key| !self.without.contains(&key.name))
    }

    /// The sections with their names in the text, and those of their keys that it has.
    fn sections(&self) -> impl Iterator<Item = (&str, Vec<&KeyInfo>)> {
        let sections = SECTIONS.iter().map(|section| {
            // These give the defaults of other keys: `cameras.rs`, `presets.rs`.
            const NAMES: [&str; 3] = ["camera", "microscope", "objective"];
            let has = |key: &&KeyInfo| {
                !NAMES.contains(&key.name)
                    && (key.name != "pinhole_radius" || self.model.is_simexm())
            };
            let keys = self.keys(section).filter(has);
            // Many of these exclude each other: tests/expansion.rs.
            let keys = keys.filter(|key| !super::expansion::KEYS.contains(&key.name));
            (section_of_full(section.name), keys.collect::<Vec<_>>())
        });
        sections.filter(|(_, keys)| !keys.is_empty())
    }
}

#[test]
fn every_key_of_a_reader_is_in_the_catalogue_and_the_other_way_round() {
    for full in all_full() {
        for section in SECTIONS.iter() {
            let catalogue: Vec<_> = full.keys(section).map(|key| key.name).collect();
            if catalogue.is_empty() {
                continue;
            }
            let name = section_of_full(section.name);
            let header = format!("[{name}]\n");
            let text = full
                .text
                .replace(&header, &format!("{header}qqqqqqqq = 1\n"));
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
            assert_eq!(keys, catalogue, "[{name}]");
        }
        let text = format!("{}[qqqqqqqq]\n", full.text);
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
}

#[test]
fn types_units_and_ranges_are_the_readers() {
    for full in all_full() {
        for (name, keys) in full.sections() {
            for key in keys {
                let line = format!("{} = [[]]", key.name);
                let (text, _) = super::with_line_of(&full.text, name, key.name, &line);
                let found = problems(&text);
                let of_key = |line: &&String| line.contains(&format!("] {} = [[]]", key.name));
                let found = found.iter().find(of_key).expect(key.name);
                let (_, right) = found.split_once(" must be ").unwrap();
                assert_eq!(right, expected(key), "[{name}] {}", key.name);
            }
        }
    }
}

#[test]
fn defaults_are_the_readers() {
    for full in all_full() {
        for (name, keys) in full.sections() {
            for key in keys {
                // What depends on the model has defaults of its own there.
                let varies = ["bit_depth", "normalize"].contains(&key.name) || name == "model";
                if full.model == ModelKind::Physical && varies {
                    continue;
                }
                let (text, _) = super::with_line_of(&full.text, name, key.name, "");
                // A bit depth of 16 restricts the format, so it is left out.
                let text = text.replace("bit_depth = 16\n", "");
                // Those of a measured function come together.
                let of_function = ["psf", "psf_file", "psf_voxel", "psf_background"];
                let without = |line: &&str| {
                    !of_function
                        .iter()
                        .any(|of| line.starts_with(&format!("{of} = ")))
                };
                let text = match of_function.contains(&key.name) {
                    true => text.lines().filter(without).collect::<Vec<_>>().join("\n"),
                    false => text,
                };
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
                        let section = written.split_once(&format!("[{name}]\n"));
                        let section = section.map_or("", |(_, section)| section);
                        let section = section.split("\n[").next().unwrap();
                        let start = format!("{} = ", key.name);
                        assert!(
                            !section.lines().any(|l| l.starts_with(&start)),
                            "{}",
                            tell(section)
                        );
                        let line = format!("{} = {example}", key.name);
                        let (text, _) = super::with_line_of(&full.text, name, key.name, &line);
                        assert!(super::read(&text).is_ok(), "{}", tell(example));
                    }
                }
            }
        }
    }
}

#[test]
fn keys_of_the_other_model_are_told() {
    let other = |text: &str, line: &str| {
        let text = text.replace(
            "pixel_size = 6500\n",
            &format!("pixel_size = 6500\n{line}\n"),
        );
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    };
    let found = other(FULL, "beam_fill = 1");
    assert!(
        found.contains("[optics] beam_fill means nothing with [model] kind = \"simexm\""),
        "{found}"
    );
    let physical = super::full_physical(true).replace("pinhole_radius = 50\n", "");
    let found = other(&physical, "baseline_noise = 1");
    assert!(
        found.contains("[optics] baseline_noise means nothing with [model] kind = \"physical\""),
        "{found}"
    );
    let light =
        problems(&physical.replace("laser_power = 2e-5", "laser_power = 2e-5\nirradiance = 3"));
    assert!(
        light[0].contains("irradiance means nothing where a focus is scanned"),
        "{light:?}"
    );
    let detector = problems(&format!("{FULL}\n[detector]\nkind = \"ideal\"\n"));
    assert!(
        detector[0].contains("[detector] means nothing with"),
        "{detector:?}"
    );
    let sheet = problems(&FULL.replace("two photon", "light sheet"));
    assert!(
        sheet[0].contains("must be \"confocal\", \"widefield\" or \"two photon\" with"),
        "{sheet:?}"
    );
    let both = problems(&super::full_physical(true));
    assert!(
        both[0].contains("pinhole_airy = 2 must be left out beside pinhole_radius"),
        "{both:?}"
    );
    let alone = problems(&physical.replace("psf = \"measured\"", "psf = \"scalar\""));
    assert!(
        alone.len() == 3 && alone[0].contains("psf_file means nothing unless psf is \"measured\""),
        "{alone:?}"
    );
    let without = problems(&physical.replace("psf_file = \"bead.tif\"\n", ""));
    assert!(
        without[0].contains(
            "psf = \"measured\" must be \"vectorial\" or \"scalar\", or come with psf_file"
        ),
        "{without:?}"
    );
    let fading = problems(&physical.replace("confocal", "two photon"));
    assert!(
        fading[0].contains("bleaching = true must be false with the type \"two photon\""),
        "{fading:?}"
    );
    let grey = problems(&physical.replace("normalize = \"none\"", "normalize = \"channel\""));
    assert!(grey[0].contains("[output] normalize"), "{grey:?}");
    let bits = problems(&physical.replace("bit_depth = 16", "bit_depth = 8"));
    assert!(
        bits[0].contains("must be 16 where [detector] bits is 14"),
        "{bits:?}"
    );
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
fn the_documentation_has_the_table_of_keys() {
    let page = include_str!("../../../docs/keys.md");
    let (_, after) = page
        .split_once("<!-- keys -->\n")
        .expect("the mark before the table");
    let right = markdown();
    assert!(
        after.trim() == right.trim(),
        "the table of keys in docs/keys.md must be:\n{right}"
    );
}

#[test]
fn comments_tell_all_there_is() {
    for config in [Config::default(), Config::physical()] {
        let text = config.to_commented_toml();
        for section in SECTIONS.iter().filter(|section| section.example.is_none()) {
            for key in section.keys_of(config.model) {
                // Where a focus is scanned it is the laser's power that is given.
                let told = key.name == "irradiance" || text.contains(&format!("{} = ", key.name));
                assert!(told, "{}", key.name);
            }
        }
    }
    let text = Config::default().to_commented_toml();
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
            ..Labeling::default()
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
