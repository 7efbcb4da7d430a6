//! Configuration of a run: read from TOML or from SimExm's .ini files, or made in code.
//!
//! Sections and keys are those of SimExm, with `[compute]` and `[fluorophores]` added. A table
//! `[run]`, in which a run notes how it went, is ignored.

// A front end, one for each language, reads a file into a format-neutral `tree`, in which every key
// knows its position. Overrides are put into the tree; then one reader per section turns it into a
// typed `Config` and collects all errors.

mod bytes;
mod commented;
mod compute;
mod error;
mod expansion;
mod fluorophores;
mod groundtruth;
mod ini_error;
mod ini_interpolation;
mod ini_source;
pub(crate) mod keys;
mod kind;
mod labeling;
mod optics;
mod output;
mod overrides;
mod physical;
mod presets;
mod quantity;
mod rounds;
mod section;
mod serialize;
mod source;
mod stain;
mod sweep;
mod text;
mod tissue;
mod toml_source;
mod tree;
mod validate;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::optics::fluorophore;

pub use crate::base::choice::{Choice, UnknownChoice};
pub use crate::base::formats::{ChunkCodec, Compression, InputFormat, OutputFormat, StoredIds};
pub use crate::base::volume::Arrangement;
pub use crate::optics::detector::{CameraModel, DetectorKeys, DetectorKind};
pub use crate::optics::fluorophore::OwnFluorophore;
#[doc(hidden)]
pub use crate::optics::objective::Engraving;
pub use compute::{AdapterChoice, BackendChoice, Compute};
pub use error::{ConfigError, Problem};
pub use expansion::Expansion;
#[doc(hidden)]
pub use expansion::{Distortion, Factor};
pub(crate) use groundtruth::MOST_PARTS;
pub use groundtruth::{CellPart, CellsFrom, GroundTruth, RegionVolume};
pub use labeling::{Labeling, Layer, SingleNeuron};
pub use optics::{Channel, Optics};
pub use output::{BitDepth, ChannelArrangement, ChannelFiles, Normalization, Output, WrittenIds};
pub use overrides::{Override, OverrideError};
pub use physical::{Detector, ModelKind, PhysicalOptics, PsfModel};
#[doc(hidden)]
pub use presets::MicroscopePreset;
#[doc(hidden)]
pub use rounds::Rounds;
pub(crate) use stain::OUTSIDE;
#[doc(hidden)]
pub use stain::{Labelled, LayerExtras, Stain};
#[doc(hidden)]
pub use sweep::{Axis, Crop, MOST_SEEDS, Metric, Requirement, SweepKeys};
#[doc(hidden)]
pub use tissue::{Haze, Tissue};
pub use tree::Position;

use section::{Context, Section};
use tree::Table;

/// Everything that says what a run does. What was read has its defaults filled in and its paths
/// absolute.
///
/// The default is a run that works as it is on a label volume `tissue.tif` in the working
/// directory: three dyes on membranes, expanded 4.5 times, seen through a confocal microscope. A
/// configuration made in code starts from it, or from the defaults of its parts:
///
/// ```
/// use simexm_gpu::config::{Config, Labeling, Layer, Optics, CellPart};
///
/// let membranes = Layer {
///     fluorophore: "ATTO550".to_owned(),
///     region: CellPart::Membrane,
///     protein_density_per_nm3: 1e-4,
///     ..Layer::default()
/// };
/// let config = Config {
///     labeling: Labeling {
///         global_density: 0.2,
///         layers: [("membranes".to_owned(), membranes)].into(),
///         ..Labeling::default()
///     },
///     optics: Optics { numerical_aperture: 1.0, ..Optics::default() },
///     ..Config::default()
/// };
/// config.validate()?;
/// # Ok::<(), simexm_gpu::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Config {
    /// How labels become grey values; default simexm.
    #[serde(
        skip_serializing_if = "ModelKind::is_simexm",
        serialize_with = "serialize::model"
    )]
    pub model: ModelKind,
    /// Label volume of the cells.
    pub groundtruth: GroundTruth,
    /// Layers of fluorophores.
    pub labeling: Labeling,
    /// Expansion of the gel.
    pub expansion: Expansion,
    /// Light of the tissue itself, and what it leaves of the dyes'.
    #[serde(skip_serializing_if = "Tissue::is_default")]
    pub tissue: Tissue,
    /// Microscope and channels.
    pub optics: Optics,
    /// Rounds of imaging; `None` takes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<Rounds>,
    /// Detector of the model `physical`, whose default is an sCMOS camera; `None` in `simexm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<Detector>,
    /// Folder and form of the output.
    pub output: Output,
    /// Seed and device.
    pub compute: Compute,
    /// Grid of runs that a sweep makes; `None` leaves all to the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepKeys>,
    /// Users' own dyes, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fluorophores: BTreeMap<String, OwnFluorophore>,
}

impl Config {
    /// Reads TOML text like [`Config::from_file`], with `name` for the file in messages and
    /// `base_folder` as the start of relative paths.
    ///
    /// # Errors
    /// The text is not TOML, or keys or values are wrong.
    pub fn from_toml_str(
        text: &str,
        name: &str,
        base_folder: &Path,
        overrides: &[Override],
    ) -> Result<Self, ConfigError> {
        let tree = toml_source::parse(text, name).map_err(ConfigError::Syntax)?;
        Self::from_tree(tree, name, base_folder, overrides)
    }

    /// Reads the text of one of SimExm's .ini files (ConfigObj's language), otherwise like
    /// [`Config::from_toml_str`].
    ///
    /// # Errors
    /// The text breaks ConfigObj's rules, or keys or values are wrong.
    pub fn from_ini_str(
        text: &str,
        name: &str,
        base_folder: &Path,
        overrides: &[Override],
    ) -> Result<Self, ConfigError> {
        let tree = ini_source::parse(text, name).map_err(ConfigError::Syntax)?;
        Self::from_tree(tree, name, base_folder, overrides)
    }

    /// Reads the tree that a front end made of a file, like [`Config::from_toml_str`].
    ///
    /// # Errors
    /// Keys or values are wrong.
    fn from_tree(
        mut tree: Table,
        name: &str,
        base_folder: &Path,
        overrides: &[Override],
    ) -> Result<Self, ConfigError> {
        for entry in overrides {
            entry.apply(&mut tree);
        }
        presets::expand(&mut tree);
        let regions = groundtruth::region_names(&tree);
        let built_in_fluorophores: Vec<&str> = fluorophore::names().collect();
        let own = fluorophores::names(&tree);
        let fluorophores = built_in_fluorophores
            .iter()
            .map(ToString::to_string)
            .chain(own)
            .collect();
        let problems = RefCell::default();
        let context = Context {
            file: name,
            base_folder,
            built_in_fluorophores: &built_in_fluorophores,
            fluorophores,
            regions,
            problems,
        };
        let config = Section::read_root(&context, &tree, read);
        let mut problems = context.problems.into_inner();
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => {
                problems.sort_by_key(Problem::sort_key);
                Err(ConfigError::Invalid(problems))
            }
        }
    }

    /// Returns the size of a voxel (z, x, y) in the expanded gel, in nm; not a number where the
    /// configuration leaves the size to the file.
    pub(crate) fn voxel_in_gel_nm(&self) -> [f64; 3] {
        self.in_gel(self.groundtruth.voxel_or_nan())
    }

    /// Returns a size (z, x, y) in tissue as that in the gel.
    pub(crate) fn in_gel(&self, tissue: [f64; 3]) -> [f64; 3] {
        let factors = self.expansion.factors();
        std::array::from_fn(|axis| tissue[axis] * factors[axis])
    }

    /// The files and folders that a run reads, each with the keys that name it.
    pub(crate) fn inputs(&self) -> Vec<(Vec<&str>, &Path)> {
        let truth = &self.groundtruth;
        let cells = (vec!["groundtruth", "image_path"], &truth.image_path);
        let regions = truth.regions.iter().map(|(name, region)| {
            let key = vec!["groundtruth", "regions", name, "region_path"];
            (key, &region.region_path)
        });
        let dyes = self.fluorophores.iter();
        let dyes = dyes.map(|(name, dye)| (vec!["fluorophores", name, "spectra"], &dye.spectra));
        let curves = self.optics.channels.iter().flat_map(|(name, channel)| {
            let curves = [
                ("filter_curve", &channel.filter_curve),
                ("dichroic_curve", &channel.dichroic_curve),
                ("efficiency_curve", &channel.efficiency_curve),
            ];
            let given = curves.into_iter();
            given.filter_map(move |(key, path)| {
                Some((vec!["optics", "channels", name, key], path.as_ref()?))
            })
        });
        let physical = self.optics.physical.iter();
        let functions = physical.filter_map(|physical| physical.psf_file.as_ref());
        let functions = functions.map(|path| (vec!["optics", "psf_file"], path));
        let maps = self.detector.iter().flat_map(Detector::maps);
        let maps = maps.filter_map(|(key, path)| Some((vec!["detector", key], path?)));
        let field = match &self.expansion.distortion {
            Distortion::File { path, .. } => Some((vec!["expansion", "distortion_file"], path)),
            _ => None,
        };
        let all = std::iter::once(cells)
            .chain(regions)
            .chain(field)
            .chain(dyes)
            .chain(curves)
            .chain(functions)
            .chain(maps);
        all.map(|(key, path)| (key, path.as_path())).collect()
    }

    /// Writes the configuration as TOML that reads back equal, with absolute paths, so that the
    /// file may lie anywhere. Keys and words have SimExm's spelling.
    ///
    /// TOML holds Unicode only: paths that are not Unicode are written with replacement characters.
    /// Configurations that [`Config::validate`] refuses are written as well as can be.
    ///
    /// # Panics
    /// Never: every field has a form in TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every field has a form in TOML")
    }
}

fn read(root: &mut Section<'_>) -> Option<Config> {
    let model = root.optional_table("model", physical::read_model);
    let kind = model.unwrap_or_default();
    let groundtruth = root.table("groundtruth", groundtruth::read);
    let labeling = root.table("labeling", |section| {
        let overlap = groundtruth.as_ref().is_some_and(GroundTruth::may_overlap);
        labeling::read(section, kind, overlap)
    });
    let expansion = root.table("expansion", expansion::read);
    let tissue = root.optional_table("tissue", |section| {
        let overlap = groundtruth.as_ref().is_some_and(GroundTruth::may_overlap);
        let layers = labeling.as_ref().map(|labeling| &labeling.layers);
        let is_layer = |name: &str| layers.is_some_and(|layers| layers.contains_key(name));
        tissue::read(section, kind, overlap, is_layer)
    });
    let detector = match kind {
        ModelKind::Simexm => {
            root.forbid("detector", "with [model] kind = \"simexm\"");
            Some(None)
        }
        ModelKind::Physical => {
            let detector = root.optional_table("detector", physical::read_detector);
            detector.map(Some)
        }
    };
    let keys = detector.as_ref().and_then(Option::as_ref);
    let camera = keys.and_then(|detector| detector.keys.camera);
    let bits = keys.map(|detector| detector.keys.bits);
    let optics = root.table("optics", |section| optics::read(section, kind, camera));
    let rounds = if root.has("rounds") {
        root.table("rounds", rounds::read).map(Some)
    } else {
        root.ignore("rounds");
        Some(None)
    };
    let output = root.table("output", |section| output::read(section, bits));
    let compute = root.optional_table("compute", compute::read);
    let sweep = if root.has("sweep") {
        root.table("sweep", sweep::read).map(Some)
    } else {
        root.ignore("sweep");
        Some(None)
    };
    let fluorophores = root.optional_table("fluorophores", fluorophores::read);
    root.ignore("run");
    Some(Config {
        model: model?,
        detector: detector?,
        groundtruth: groundtruth?,
        labeling: labeling?,
        expansion: expansion?,
        tissue: tissue?,
        optics: optics?,
        rounds: rounds?,
        output: output?,
        compute: compute?,
        sweep: sweep?,
        fluorophores: fluorophores?,
    })
}
