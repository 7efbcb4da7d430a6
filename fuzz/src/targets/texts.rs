//! Configurations, and tables of spectra: what is read can be written and read again.

use super::project;
use simexm_gpu::Config;
use simexm_gpu::internals::config::{ConfigError, Override};
use simexm_gpu::internals::optics::fluorophore::table::Spectra;
use simexm_gpu::internals::optics::physical::Curve;
use std::fmt::Display;
use std::fs;
use std::path::Path;

fn told(error: &dyn Display) {
    assert!(!error.to_string().is_empty());
}

fn there_and_back(read: Result<Config, ConfigError>) {
    match read {
        Err(error) => told(&error),
        Ok(config) => {
            let text = config.to_toml();
            match Config::from_toml_str(&text, "again.toml", Path::new("/"), &[]) {
                Ok(again) => assert!(again == config, "another configuration comes back:\n{text}"),
                Err(error) => panic!("what was written is refused: {error}\n{text}"),
            }
        }
    }
}

pub(super) fn toml(data: &[u8], _: &Path) {
    if let Ok(text) = str::from_utf8(data) {
        there_and_back(Config::from_toml_str(
            text,
            "c.toml",
            Path::new("/base"),
            &[],
        ));
    }
}

pub(super) fn ini(data: &[u8], _: &Path) {
    if let Ok(text) = str::from_utf8(data) {
        there_and_back(Config::from_ini_str(text, "c.ini", Path::new("/base"), &[]));
    }
}

/// What follows `--set`.
pub(super) fn an_override(data: &[u8], _: &Path) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    match text.parse::<Override>() {
        Err(error) => told(&error),
        Ok(entry) => {
            const CONFIG: &str = include_str!("../../../examples/simexm/brainbow.toml");
            let base = Path::new("/base");
            there_and_back(Config::from_toml_str(CONFIG, "c.toml", base, &[entry]));
        }
    }
}

pub(super) fn overrides() -> Vec<Vec<u8>> {
    let entries = [
        "optics.pixel_size=100",
        "labeling.blue.\"region\"=cytosol",
        "groundtruth.voxel_dim=[40, 16, 16]",
        "optics.channels.channel_1.laser_filter=[440, 500]",
        "output.format=png",
        "expansion.factor=1e300",
    ];
    entries.map(|entry| entry.as_bytes().to_vec()).into()
}

/// A dye's own spectra.
pub(super) fn spectra(data: &[u8], _: &Path) {
    for name in ["EGFP", ""] {
        match Spectra::parse(data, name) {
            Err(problem) => assert!(!problem.message.is_empty()),
            Ok(spectra) => {
                for nm in [200.0, 488.0, 1000.0] {
                    let values = [spectra.excitation.at(nm), spectra.emission.at(nm)];
                    let sound = |value: &f64| value.is_finite() && *value >= 0.0;
                    assert!(values.iter().all(sound), "{values:?} at {nm} nm");
                }
                let share = spectra.emission.fraction_within([400.0, 700.0]);
                assert!((0.0..=1.0 + 1e-9).contains(&share), "a share of {share}");
            }
        }
    }
}

pub(super) fn spectra_tables() -> Vec<Vec<u8>> {
    vec![
        b"wavelength,excitation,emission\n400,0.1,0\n450,1,0.2\n500,0.3,1\n550,,0.4\n".to_vec(),
        b"# from a plate reader\nnm;EGFP EX;EGFP EM;mCherry EM\n400,5;1;0;0\n500,5;0,5;1;2\n"
            .to_vec(),
        b"\xef\xbb\xbfwavelength\tex\tem\n300\t10 %\t0\n310\t20 %\t5e-1\n".to_vec(),
    ]
}

/// What a filter passes.
pub(super) fn curve(data: &[u8], folder: &Path) {
    let path = folder.join("curve.csv");
    fs::write(&path, data).expect("room");
    if let Err(message) = Curve::read(&path) {
        told(&message);
    }
}

pub(super) fn curve_tables() -> Vec<Vec<u8>> {
    let share = fs::read(project().join("tests/data/physical/depth.csv")).expect("ours");
    vec![
        b"wavelength,share\n400,0\n450,0.93\n500,1\n".to_vec(),
        b"# no header\n400, 0.5\n401.5, 0.25\n".to_vec(),
        share,
    ]
}
