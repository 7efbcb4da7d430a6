//! Configurations.

use crate::{errors, tables};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use simexm_gpu::config::{ModelKind, Override};
use std::path::{Path, PathBuf};

/// Everything that says what a run does: the sections and keys of docs/keys.md, each section a
/// dictionary.
///
/// `Config()` is the configuration that `simexm-gpu init` writes: three dyes on membranes, 4.5
/// times expanded, seen through a confocal microscope. `Config(tables)` is the one of a file with
/// these tables, as `tomllib.load` gives them; relative paths start at the working directory. What
/// only a run to files needs, `groundtruth.image_path`, `output.name` and `output.path`, may be
/// left out. A `Config` never changes; `changed` gives another one.
///
/// Raises ConfigurationError, which lists all that is wrong.
#[pyclass(frozen, eq, module = "simexm_gpu", name = "Config")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) inner: simexm_gpu::Config,
}

impl Config {
    fn tables(&self) -> PyResult<toml::Table> {
        self.inner.to_toml().parse().map_err(errors::failed)
    }

    fn of_model(model: ModelKind) -> PyResult<Self> {
        let inner = match model {
            ModelKind::Physical => simexm_gpu::Config::physical(),
            ModelKind::Simexm => simexm_gpu::Config::default(),
        };
        // As it is read, with absolute paths.
        Self::of_tables(Self { inner }.tables()?, &[])
    }

    /// Reads tables; `changes` are put into them first.
    fn of_tables(tables: toml::Table, changes: &[Override]) -> PyResult<Self> {
        let text = toml::to_string(&tables).map_err(errors::wrong)?;
        let name = tables::CONFIGURATION;
        let read = simexm_gpu::Config::from_toml_str(&text, name, Path::new(""), changes);
        let inner = read.map_err(errors::of_tables)?;
        Ok(Self { inner })
    }
}

/// Entries that replace those of a configuration, or add to it, from a dictionary by dotted keys.
fn overrides(changes: Option<&Bound<'_, PyDict>>) -> PyResult<Vec<Override>> {
    let mut overrides = Vec::new();
    for (key, value) in changes.into_iter().flat_map(|changes| changes.iter()) {
        let key = match key.cast::<PyString>() {
            Ok(key) => key.to_string(),
            Err(_) => {
                return Err(errors::wrong(format!(
                    "the key {key} must be a string, such as \"expansion.factor\""
                )));
            }
        };
        let parts: Vec<&str> = key.split('.').collect();
        if parts.len() < 2 || parts.contains(&"") {
            return Err(errors::wrong(format!(
                "the key {key:?} must be SECTION.KEY, such as \"expansion.factor\""
            )));
        }
        let value = tables::value(&value, &key)?;
        let label = format!("{key} = {value}");
        // As TOML, except that strings are what the key makes of them, as after --set.
        let text = match &value {
            toml::Value::String(text) if text.parse::<f64>().is_ok() => text.clone(),
            value => value.to_string(),
        };
        overrides.push(Override::new(label, &parts, &text));
    }
    Ok(overrides)
}

#[pymethods]
impl Config {
    #[new]
    #[pyo3(signature = (tables=None, /))]
    fn new(tables: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let Some(given) = tables else {
            return Self::of_model(ModelKind::Physical);
        };
        let mut tables = tables::table(given, tables::CONFIGURATION)?;
        // What only files need.
        for (section, key, value) in [
            ("groundtruth", "image_path", "array"),
            ("output", "name", "simulation"),
            ("output", "path", "."),
        ] {
            let section = tables.entry(section);
            if let toml::Value::Table(section) =
                section.or_insert_with(|| toml::Table::new().into())
            {
                section.entry(key).or_insert_with(|| value.into());
            }
        }
        Self::of_tables(tables, &[])
    }

    /// Reads a file, TOML or one of SimExm's .ini.
    ///
    /// `set` are changes as of `changed`. Relative paths start at the file's folder, in an .ini at
    /// the working directory.
    ///
    /// Raises FileError where it cannot be read, and ConfigurationError with line and column of all
    /// that is wrong.
    #[staticmethod]
    #[pyo3(signature = (path, *, set=None))]
    fn from_file(path: PathBuf, set: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let read = simexm_gpu::Config::from_file(&path, &overrides(set)?);
        let inner = read.map_err(errors::of_config)?;
        Ok(Self { inner })
    }

    /// Reads the text of a TOML file; relative paths start at the working directory.
    #[staticmethod]
    #[pyo3(signature = (text, *, set=None))]
    fn from_toml(text: &str, set: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let name = tables::CONFIGURATION;
        let changes = overrides(set)?;
        let read = simexm_gpu::Config::from_toml_str(text, name, Path::new(""), &changes);
        let inner = read.map_err(errors::of_config)?;
        Ok(Self { inner })
    }

    /// The configuration that works as it is of a model: "physical", that of `Config()`, or
    /// "simexm".
    #[staticmethod]
    #[pyo3(signature = (model="physical", /))]
    fn default(model: &str) -> PyResult<Self> {
        Self::of_model(model.parse().map_err(errors::wrong)?)
    }

    /// The configuration with other values of some keys, by their dotted names:
    /// `config.changed({"expansion.factor": 4, "optics.exposure_time": "4 us"})`. A dictionary as a
    /// value replaces a whole section.
    fn changed(&self, changes: &Bound<'_, PyDict>) -> PyResult<Self> {
        Self::of_tables(self.tables()?, &overrides(Some(changes))?)
    }

    /// The configuration as the text of a TOML file that reads back equal; with `commented` each
    /// key with its meaning, unit and range.
    #[pyo3(signature = (*, commented=false))]
    fn to_toml(&self, commented: bool) -> String {
        match commented {
            true => self.inner.to_commented_toml(),
            false => self.inner.to_toml(),
        }
    }

    /// The configuration as a dictionary of its sections; `Config(config.to_dict()) == config`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        tables::dictionary(py, self.tables()?)
    }

    /// The value of a key, or the dictionary of a section, by its dotted name:
    /// `config["expansion.factor"]`.
    fn __getitem__<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyAny>> {
        let mut found = self.to_dict(py)?.into_any();
        for part in key.split('.') {
            found = found
                .get_item(part)
                .map_err(|_| PyKeyError::new_err(key.to_owned()))?;
        }
        Ok(found)
    }

    /// Voxels of the tissue that a pixel of the images takes at most, along (z, x, y): where the
    /// camera's pixels are rounded to whole voxels, the larger of both. Of a configuration that
    /// leaves the size of voxels to a file no numbers.
    fn _steps(&self) -> (f64, f64, f64) {
        let (config, optics) = (&self.inner, &self.inner.optics);
        let (voxel_nm, factors) = (
            config.groundtruth.voxel_or_nan(),
            config.expansion.factors(),
        );
        let pixel_nm = optics.pixel_size_nm / optics.objective_factor;
        let [z, x, y] = std::array::from_fn(|axis| {
            let asked_nm = match axis {
                0 => optics.focal_plane_depth_nm,
                _ => pixel_nm,
            };
            let exact = asked_nm / (voxel_nm[axis] * factors[axis]);
            let rounded = match exact {
                _ if axis == 0 => exact.round_ties_even().max(1.0),
                exact if exact < 1.0 => 1.0 / (1.0 / exact).round_ties_even(),
                exact => exact.round_ties_even(),
            };
            match config.model {
                ModelKind::Physical => exact,
                ModelKind::Simexm => exact.max(rounded),
            }
        });
        (z, x, y)
    }

    fn __repr__(&self) -> String {
        let config = &self.inner;
        format!(
            "<Config: {} model, {} microscope, {} layers, {} channels>",
            config.model,
            config.optics.microscope,
            config.labeling.layers.len(),
            config.optics.channels.len()
        )
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let from_toml = py.get_type::<Self>().getattr("from_toml")?;
        Ok((from_toml, (self.inner.to_toml(),)))
    }
}
