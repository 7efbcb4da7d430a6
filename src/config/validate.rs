//! Validation of configurations that were made in code, by the rules of those that are read.

use std::path::{Path, PathBuf};

use super::error::{ConfigError, Problem};
use super::tree::{Position, Table, Value};
use super::{Config, Detector, DetectorKeys, Distortion, ModelKind, toml_source};
use crate::optics::fluorophore;

/// Name in messages of a configuration that is no file.
const NAME: &str = "configuration";

impl Config {
    /// Checks a configuration made in code by the rules of those that are read: types, ranges,
    /// names that must be known, keys that contradict one another. No file is looked at.
    ///
    /// ```
    /// use simexm_gpu::config::Config;
    ///
    /// let mut config = Config::default();
    /// config.expansion.factor = f64::NAN.into();
    /// assert_eq!(
    ///     config.validate().unwrap_err().to_string(),
    ///     "configuration: [expansion] factor = NaN must be a number of at least 1, or three of \
    ///      them [z, x, y]"
    /// );
    /// ```
    ///
    /// # Errors
    /// All that is wrong; messages name section and key as in a file.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let problem = |message: String| Problem {
            file: NAME.to_owned(),
            position: Position::Document,
            message,
        };
        // In a file this would be a key given twice.
        let keys = ["global_density", "barcode_layers", "barcode_levels"];
        if let Some(key) = keys
            .iter()
            .find(|key| self.labeling.layers.contains_key(**key))
        {
            let message =
                format!("[labeling.{key}] is a layer by the name of a key; choose another name");
            return Err(ConfigError::Invalid(vec![problem(message)]));
        }
        let mut tree = toml_source::parse(&self.to_toml(), NAME).map_err(ConfigError::Syntax)?;
        forget_positions(&mut tree);
        let again = Self::from_tree(tree, NAME, Path::new(""), &[])?;
        let lost: Vec<_> = self
            .settled()
            .sections_unlike(&again)
            .into_iter()
            .map(|section| {
                problem(format!(
                    "[{section}] holds what no configuration file can say: a path that is not Unicode, a \
                     CellPart::Named of a built-in region, or an AdapterChoice::Name that is a number or has blanks around it"
                ))
            })
            .collect();
        if lost.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Invalid(lost))
        }
    }

    /// Returns the same as it is read: with absolute paths, dyes by their names, and defaults in
    /// the place of what the model `physical` may be left without.
    fn settled(&self) -> Self {
        let mut config = self.clone();
        if config.model == ModelKind::Physical {
            config.optics.physical.get_or_insert_default();
            let detector = config.detector.get_or_insert_default();
            detector.keys = DetectorKeys {
                exposure_time: 0.0,
                ..detector.keys.filled()
            };
            if config.optics.microscope.scans_a_focus() {
                for channel in config.optics.channels.values_mut() {
                    channel.laser_share.get_or_insert(1.0);
                }
            }
        }
        let layers = config.labeling.layers.values_mut();
        let of_layers = layers.map(|layer| &mut layer.fluorophore);
        for dye in of_layers.chain([&mut config.tissue.autofluorescence_dye]) {
            if !config.fluorophores.contains_key(dye)
                && let Some(name) = fluorophore::written(dye)
            {
                *dye = name.to_owned();
            }
        }
        let tissue = &mut config.tissue;
        if tissue.autofluorescence_per_nm3.is_some() && tissue.autofluorescence_of.is_empty() {
            tissue.autofluorescence_of = super::stain::usual_densities();
        }
        let regions = config.groundtruth.regions.values_mut();
        let dyes = config.fluorophores.values_mut();
        let channels = config.optics.channels.values_mut();
        let physical = config.optics.physical.iter_mut();
        let maps = config.detector.iter_mut().flat_map(|detector| {
            let Detector {
                gain_map,
                read_noise_map,
                offset_map,
                ..
            } = detector;
            [gain_map, read_noise_map, offset_map].into_iter().flatten()
        });
        let paths = [&mut config.groundtruth.image_path, &mut config.output.path]
            .into_iter()
            .chain(regions.map(|region| &mut region.region_path))
            .chain(dyes.map(|dye| &mut dye.spectra))
            .chain(physical.filter_map(|physical| physical.psf_file.as_mut()))
            .chain(maps)
            .chain(match &mut config.expansion.distortion {
                Distortion::File { path, .. } => Some(path),
                _ => None,
            })
            .chain(channels.flat_map(|channel| {
                [
                    &mut channel.filter_curve,
                    &mut channel.dichroic_curve,
                    &mut channel.efficiency_curve,
                ]
                .into_iter()
                .flatten()
            }));
        for path in paths {
            let absolute: Option<PathBuf> = std::path::absolute(&*path).ok();
            if let Some(absolute) = absolute {
                *path = absolute;
            }
        }
        config
    }

    /// Returns the sections in which two configurations differ.
    fn sections_unlike(&self, other: &Self) -> Vec<&'static str> {
        [
            ("model", self.model == other.model),
            ("detector", self.detector == other.detector),
            ("groundtruth", self.groundtruth == other.groundtruth),
            ("labeling", self.labeling == other.labeling),
            ("expansion", self.expansion == other.expansion),
            ("tissue", self.tissue == other.tissue),
            ("optics", self.optics == other.optics),
            ("rounds", self.rounds == other.rounds),
            ("output", self.output == other.output),
            ("sweep", self.sweep == other.sweep),
            ("compute", self.compute == other.compute),
            ("fluorophores", self.fluorophores == other.fluorophores),
        ]
        .into_iter()
        .filter_map(|(section, equal)| (!equal).then_some(section))
        .collect()
    }
}

/// Removes positions, which point into a text that the user has never seen.
fn forget_positions(table: &mut Table) {
    for entry in table.values_mut() {
        entry.key_position = Position::Document;
        entry.value_position = Position::Document;
        if let Value::Table(inner) = &mut entry.value {
            forget_positions(inner);
        }
    }
}
