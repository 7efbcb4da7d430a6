//! `simulation.toml`: the resolved configuration of a run, from which it can be repeated, and a
//! table `[run]` of how it went and which files it wrote.

use crate::base::files;
use crate::config::Config;
use crate::io::write::ManifestEntry;
use crate::model::Model;
use crate::run::report::{Report, StageTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Name of the record in the output folder.
pub const RECORD_NAME: &str = "simulation.toml";

/// Line that separates the configuration from the record.
const SEPARATOR: &str = "\n[run]\n";

#[derive(Serialize)]
struct Record<'a> {
    run: RunRecord<'a>,
}

#[derive(Serialize)]
struct RunRecord<'a> {
    version: &'a str,
    backend: &'a str,
    adapter: &'a str,
    /// CRC-32 of the text above, by which a later run sees whether it was edited.
    configuration_crc32: u32,
    /// Photons at the brightest pixel of each channel, which has the largest grey value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    brightest_pixel_photons: BTreeMap<&'a str, u32>,
    /// In the model `physical` the largest grey value of each channel.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    brightest_pixel_grey: BTreeMap<&'a str, u32>,
    /// Files that were read, from the record's folder on, so that they are found when all is moved
    /// together.
    inputs: Vec<InputRecord>,
    seconds: BTreeMap<&'a str, f64>,
    seconds_on_device: BTreeMap<String, f64>,
    passes: Vec<PassRecord<'a>>,
    photons: Vec<PhotonRow<'a>>,
    files: Vec<ManifestEntry>,
}

/// File that was read.
#[derive(Serialize)]
struct InputRecord {
    /// Key of the configuration that names it.
    key: Vec<String>,
    relative: String,
}

/// Work of a kernel on the device.
#[derive(Serialize)]
struct PassRecord<'a> {
    pass: &'a str,
    calls: u64,
    /// Bytes that the kernel had to move.
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_second: Option<f64>,
}

#[derive(Serialize)]
struct PhotonRow<'a> {
    channel: &'a str,
    fluorophore: &'a str,
    excitation: f64,
    emission: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_photons: Option<f64>,
    /// In the model `physical` the electrons of a fluorophore in the focal plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    electrons_in_focus: Option<f64>,
    quantum_yield: f64,
    quantum_yield_is_guess: bool,
}

/// Part of a previous run's record that is read.
#[derive(Deserialize)]
struct PreviousRecord {
    run: EarlierRun,
}

#[derive(Deserialize)]
struct EarlierRun {
    configuration_crc32: u32,
    files: Vec<ManifestEntry>,
}

/// The files that a run reads, from `folder` on; those on another drive and those that are no
/// Unicode are left out.
fn inputs(config: &Config, folder: &Path) -> Vec<InputRecord> {
    let relative = |(key, path): (Vec<&str>, &Path)| {
        let relative = from_folder(path, folder)?;
        let key = key.into_iter().map(str::to_owned).collect();
        Some(InputRecord { key, relative })
    };
    config.inputs().into_iter().filter_map(relative).collect()
}

/// A path as it is seen from a folder, with / between its parts on every system.
fn from_folder(path: &Path, folder: &Path) -> Option<String> {
    let (path, folder) = (
        std::path::absolute(path).ok()?,
        std::path::absolute(folder).ok()?,
    );
    let (path, folder): (Vec<_>, Vec<_>) =
        (path.components().collect(), folder.components().collect());
    let shared = std::iter::zip(&path, &folder)
        .take_while(|(a, b)| a == b)
        .count();
    if shared == 0 {
        return None;
    }
    let up = folder[shared..].iter().map(|_| Some(".."));
    let down = path[shared..].iter().map(|part| part.as_os_str().to_str());
    let parts: Option<Vec<&str>> = up.chain(down).collect();
    parts.map(|parts| parts.join("/"))
}

/// Writes the text of the record.
pub(super) fn text(
    config: &Config,
    model: &Model,
    report: &Report,
    files: Vec<ManifestEntry>,
) -> String {
    let configuration = format!(
        "# Written by simexm-gpu. To repeat this run: simexm-gpu {RECORD_NAME} --output FOLDER\n\n{}",
        config.to_toml()
    );
    let seconds = |time: &StageTime| (time.time.as_secs_f64() * 1e3).round() / 1e3;
    let exposed = model.physical().is_some();
    let photons = model.channels.iter().flat_map(|channel| {
        std::iter::zip(&model.fluorophores, &channel.photons).map(|(fluorophore, photons)| {
            PhotonRow {
                channel: &channel.name,
                fluorophore: &fluorophore.name,
                excitation: photons.excitation,
                emission: photons.emission,
                mean_photons: (!exposed).then_some(photons.mean_photons),
                electrons_in_focus: exposed.then_some(photons.mean_photons),
                quantum_yield: fluorophore.quantum_yield,
                quantum_yield_is_guess: fluorophore.quantum_yield_is_guess,
            }
        })
    });
    let names = model.channels.iter().map(|channel| channel.name.as_str());
    let maxima: BTreeMap<&str, u32> = names.zip(report.maxima.iter().copied()).collect();
    let record = Record {
        run: RunRecord {
            version: env!("CARGO_PKG_VERSION"),
            backend: report.backend,
            adapter: &report.device,
            configuration_crc32: crc32fast::hash(configuration.as_bytes()),
            brightest_pixel_photons: if exposed {
                BTreeMap::new()
            } else {
                maxima.clone()
            },
            brightest_pixel_grey: if exposed { maxima } else { BTreeMap::new() },
            inputs: inputs(config, &report.folder),
            seconds: report
                .stages
                .iter()
                .map(|t| (t.stage.as_str(), seconds(t)))
                .collect(),
            seconds_on_device: report
                .device_times()
                .into_iter()
                .map(|time| (time.stage.clone(), seconds(&time)))
                .collect(),
            passes: report
                .passes()
                .into_iter()
                .map(|pass| PassRecord {
                    pass: pass.kernel,
                    calls: pass.calls,
                    bytes: pass.traffic.total(),
                    seconds: pass
                        .time
                        .map(|time| (time.as_secs_f64() * 1e6).round() / 1e6),
                    bytes_per_second: pass.bytes_per_second().map(f64::round),
                })
                .collect(),
            photons: photons.collect(),
            files,
        },
    };
    // Strings, numbers and tables: everything has a form in TOML. The fallback repeats the run, but
    // leaves the next one to ask before it replaces files.
    let record = toml::to_string(&record).unwrap_or_default();
    format!("{configuration}\n{record}")
}

/// Lists the files that a run wrote to `root`, according to its record there and whether or not
/// they still exist: paths below `root` with slashes.
#[must_use]
pub fn written_files(root: &Path) -> Vec<String> {
    let files = previous_manifest(root).into_iter();
    files.map(|entry| entry.path).collect()
}

/// Names the dye that each channel of a run sees best, as its record in `root` tells; channels that
/// see none are left out.
pub fn brightest_dyes(root: &Path) -> BTreeMap<String, String> {
    #[derive(Deserialize)]
    struct Row {
        channel: String,
        fluorophore: String,
        #[serde(alias = "electrons_in_focus")]
        mean_photons: f64,
    }
    let read = || -> Option<Vec<Row>> {
        let text = String::from_utf8(files::read_text(&root.join(RECORD_NAME)).ok()?).ok()?;
        let mut record: toml::Table = text.parse().ok()?;
        let rows = record.get_mut("run")?.as_table_mut()?.remove("photons")?;
        rows.try_into().ok()
    };
    let mut best: BTreeMap<String, Row> = BTreeMap::new();
    for row in read().unwrap_or_default() {
        let known = best.get(&row.channel).map_or(0.0, |row| row.mean_photons);
        // Of equal ones the last, as a run has it.
        if row.mean_photons > 0.0 && row.mean_photons >= known {
            best.insert(row.channel.clone(), row);
        }
    }
    let names = best.into_iter();
    names
        .map(|(channel, row)| (channel, row.fluorophore))
        .collect()
}

/// Tells which run's output lies in `root`, by what tells runs apart most often; `None` where there
/// is none.
pub(super) fn describe_previous(root: &Path) -> Option<String> {
    let text = String::from_utf8(files::read_text(&root.join(RECORD_NAME)).ok()?).ok()?;
    let record: toml::Table = text.parse().ok()?;
    let value = |section: &str, key: &str| record.get(section)?.get(key);
    // Beyond TOML's integers a seed is a string.
    let seed = match value("compute", "seed")? {
        toml::Value::String(digits) => digits.clone(),
        seed => seed.to_string(),
    };
    let factor = match (value("expansion", "factor"), value("expansion", "rounds")) {
        (Some(toml::Value::Float(factor)), _) => factor.to_string(),
        (Some(factor), _) => factor.to_string(),
        (None, rounds) => rounds?.to_string(),
    };
    record.get("run")?;
    Some(format!("the run of seed {seed}, factor {factor}"))
}

/// Lists the files that an earlier run left in `root`, its record among them, according to that
/// record; empty where there is none or where it is not the project's.
pub(crate) fn previous_manifest(root: &Path) -> Vec<ManifestEntry> {
    let path = root.join(RECORD_NAME);
    let text = files::read_text(&path).map(String::from_utf8);
    let Ok(Ok(text)) = text else {
        return Vec::new();
    };
    let Ok(PreviousRecord { run }) = toml::from_str(&text) else {
        return Vec::new();
    };
    let mut files = run.files;
    let configuration = text
        .split_once(SEPARATOR)
        .map(|(configuration, _)| configuration);
    let unedited = configuration
        .is_some_and(|text| crc32fast::hash(text.as_bytes()) == run.configuration_crc32);
    if unedited {
        files.extend(ManifestEntry::of(RECORD_NAME.as_ref(), &path).ok());
    }
    files
}
