//! SimExm's configurations in examples/simexm: each is read and runs, as TOML it is the same, and
//! its volumes are there.

#[path = "../../examples/simexm_data.rs"]
mod data;

use simexm_gpu::config::Config;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/simexm")
}

fn configurations() -> Vec<(String, Config)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "ini") {
            let config = Config::from_file(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            found.push((name, config));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

#[test]
fn all_are_there_and_the_readme_has_a_line_on_each() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let names: Vec<_> = configurations().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "brainbow_membrane.ini",
            "ctc.ini",
            "ctc_1000.ini",
            "gif.ini",
            "imgseq.ini",
            "small.ini",
            "splitted.ini",
            "synapse.ini",
            "synapse_merged.ini",
            "synapse_separate.ini",
            "visible.ini",
            "visible2.ini"
        ]
    );
    for name in names {
        assert_eq!(
            readme.matches(&format!("| [{name}]({name}) | ")).count(),
            1,
            "{name}"
        );
    }
}

#[test]
fn as_toml_they_are_the_same() {
    for (name, config) in configurations() {
        assert!(config.validate().is_ok(), "{name}");
        let texts = [
            config.to_toml(),
            config.to_commented_toml(),
            config.to_commented_toml_in(&folder()),
        ];
        for text in texts {
            let again = Config::from_toml_str(&text, "c.toml", &folder(), &[]);
            assert_eq!(again.unwrap(), config, "{name}:\n{text}");
        }
    }
}

#[test]
fn their_volumes_are_there_and_their_outputs_are_their_own() {
    let mut outputs = Vec::new();
    for (name, config) in configurations() {
        let truth = &config.groundtruth;
        let regions = truth.regions.values().map(|region| &region.region_path);
        for path in regions.chain([&truth.image_path]) {
            assert!(path.exists(), "{name}: {}", path.display());
        }
        let stem = name.strip_suffix(".ini").unwrap();
        let output = config.output.folder();
        assert!(
            output.ends_with(Path::new("examples/output/simexm").join(stem)),
            "{name}"
        );
        outputs.push(output);
    }
    outputs.sort();
    outputs.dedup();
    assert_eq!(outputs.len(), configurations().len());
}

/// The pixels of an image file, with its size and type.
fn pixels(content: &[u8], name: &str) -> Vec<String> {
    if name.ends_with(".png") {
        return vec![format!("{:?}", image::load_from_memory(content).unwrap())];
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), content).unwrap();
    let stack = crate::support::read_stack(file.path());
    vec![
        format!("{:?} {:?}", stack.shape, stack.color),
        format!("{:?}", stack.values),
    ]
}

#[test]
fn the_volumes_are_what_the_example_makes() {
    let mut total = 0;
    for (name, content) in data::files().unwrap() {
        let path = folder().join("data").join(&name);
        assert!(content.len() < 150_000, "{name}");
        // Compressors may pack the same pixels differently.
        assert!(
            pixels(&fs::read(&path).unwrap(), &name) == pixels(&content, &name),
            "{name} is not what the example makes"
        );
        total += content.len();
    }
    assert!(total < 500_000, "{total} bytes");
}

/// The files of a run below its folder, but for the record of how it went.
fn results(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    crate::support::images(folder)
}

#[test]
fn each_runs_and_its_toml_gives_the_same_bytes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workplace = crate::support::Workplace::new();
    for (name, config) in configurations() {
        let ini = folder().join(&name);
        let toml = workplace.path(Path::new(&name).with_extension("toml"));
        let run = |config: &Path, output: &Path| {
            let mut command = std::process::Command::new(crate::support::BINARY);
            command
                .arg(config)
                .args(["--seed", "5", "--backend", "cpu", "--output"])
                .arg(output);
            workplace.prepare(&mut command);
            // SimExm's relative paths start at the working directory.
            crate::support::Outcome::of(command.current_dir(root)).succeeded()
        };
        let mut convert = std::process::Command::new(crate::support::BINARY);
        convert.arg("convert").args([&ini, &toml]);
        workplace.prepare(&mut convert);
        crate::support::Outcome::of(convert.current_dir(root)).succeeded();
        let [a, b] = ["ini", "toml"].map(|output| workplace.path(output).join(&name));
        let told = run(&ini, &a);
        run(&toml, &b);
        let output = config.output.name;
        let (a, b) = (results(&a.join(&output)), results(&b.join(&output)));
        assert!(a.len() >= 2, "{name}: {:?}", a.keys());
        assert!(a == b, "{name}");
        // The two known traps are told; the good filter is not complained about.
        let filter = told.tells(&["warning", "ATTO425 peaks at 484 nm", "23 per cent"]);
        let dim = [
            "small.ini",
            "visible.ini",
            "brainbow_membrane.ini",
            "synapse.ini",
        ];
        if dim.contains(&name.as_str()) {
            assert!(filter, "{name}: {told:?}");
        }
        if name == "visible2.ini" {
            assert!(!filter, "{name}: {told:?}");
        }
    }
}
