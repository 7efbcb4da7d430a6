//! What can be known without a run: checks, plans, point spread functions, dyes, devices; and
//! tissue to try things out on.

use crate::config::Config;
use crate::watched::watched;
use crate::{errors, pools};
use numpy::ndarray::Array3;
use numpy::{PyArray1, PyArray3};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use simexm_gpu::findings::{self, Findings};
use simexm_gpu::fluorophore::{self, Spectrum};
use simexm_gpu::phantom::Phantom;
use simexm_gpu::{psf as functions, simulation};

/// Text and JSON of what is found.
type Words = (String, String);

fn words(found: Findings) -> Words {
    (found.text, found.json)
}

/// Checks a run from files to files.
#[pyfunction]
pub(crate) fn check(
    py: Python<'_>,
    config: &Config,
    no_volumes: bool,
    events: Option<&Bound<'_, PyAny>>,
) -> PyResult<Words> {
    let config = &config.inner;
    let pool = pools::lease(Some(config))?;
    let found = watched(py, events, |watcher| {
        pool.install(|| findings::check(config, no_volumes, watcher))
    })?;
    found.map(words).map_err(errors::of_run)
}

/// Plans a run from files to files.
#[pyfunction]
pub(crate) fn plan(
    py: Python<'_>,
    config: &Config,
    events: Option<&Bound<'_, PyAny>>,
) -> PyResult<Words> {
    let config = &config.inner;
    let pool = pools::lease(Some(config))?;
    let found = watched(py, events, |watcher| {
        pool.install(|| findings::plan(config, watcher))
    })?;
    found.map(words).map_err(errors::of_run)
}

/// Point spread functions of a configuration, each a dictionary.
#[pyfunction]
pub(crate) fn psf<'py>(
    py: Python<'py>,
    config: &Config,
    fluorophore: Option<&str>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let mut config = config.inner.clone();
    let dye = fluorophore.map(|name| known(&config, name)).transpose()?;
    let pool = pools::lease(Some(&config))?;
    let found = watched(py, None, |_| {
        pool.install(|| {
            if config.groundtruth.voxel_nm.is_none() {
                simulation::take_voxel_size(&mut config)?;
            }
            let others: Vec<&str> = dye.iter().map(String::as_str).collect();
            Ok(functions::with_other_fluorophores(&config, &others)?)
        })
    })?;
    let found = found.map_err(errors::of_run)?;
    let asked = found
        .into_iter()
        .filter(|psf| dye.as_ref().is_none_or(|name| psf.fluorophore == *name));
    let dictionary = |psf: functions::PsfVolume| {
        let result = PyDict::new(py);
        result.set_item("channel", &psf.channel)?;
        result.set_item("fluorophore", &psf.fluorophore)?;
        result.set_item("microscope", psf.microscope.to_string())?;
        result.set_item("excitation_nm", psf.excitation_nm)?;
        result.set_item("emission_nm", psf.emission_nm)?;
        let [z, x, y] = psf.centre;
        result.set_item("centre", (z, x, y))?;
        let [z, x, y] = psf.gel_voxel_nm();
        result.set_item("voxel_nm", (z, x, y))?;
        let [z, x, y] = psf.full_width_nm();
        result.set_item("full_width_nm", (z, x, y))?;
        result.set_item("unit", psf.unit())?;
        result.set_item("values", PyArray3::from_owned_array(py, psf.values))?;
        Ok(result)
    };
    asked.map(dictionary).collect()
}

/// The name of a dye as the library writes it.
fn known(config: &simexm_gpu::Config, name: &str) -> PyResult<String> {
    let dyes = fluorophore::all(&config.fluorophores).map_err(errors::wrong)?;
    let alike = |dye: &&fluorophore::Fluorophore| dye.name.eq_ignore_ascii_case(name);
    match dyes.iter().find(alike) {
        Some(dye) => Ok(dye.name.clone()),
        None => Err(errors::wrong(format!(
            "no fluorophore is named {name:?}; there are {}",
            names(&dyes)
        ))),
    }
}

fn names(dyes: &[fluorophore::Fluorophore]) -> String {
    let names: Vec<&str> = dyes.iter().map(|dye| dye.name.as_str()).collect();
    names.join(", ")
}

/// The dyes that a configuration knows, each a dictionary.
#[pyfunction]
pub(crate) fn fluorophores<'py>(
    py: Python<'py>,
    config: Option<&Config>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let own = config.map(|config| config.inner.fluorophores.clone());
    let dyes = fluorophore::all(&own.unwrap_or_default()).map_err(errors::wrong)?;
    let spectrum = |spectrum: &Spectrum| {
        (
            PyArray1::from_slice(py, spectrum.wavelengths_nm()),
            PyArray1::from_slice(py, spectrum.values()),
        )
    };
    let dictionary = |dye: fluorophore::Fluorophore| {
        let result = PyDict::new(py);
        result.set_item("name", &dye.name)?;
        result.set_item("source", &dye.maker)?;
        result.set_item("excitation_peak_nm", dye.excitation_peak_nm())?;
        result.set_item("emission_peak_nm", dye.emission_peak_nm())?;
        result.set_item("extinction_coefficient", dye.extinction_coefficient)?;
        result.set_item("extinction_is_guess", dye.extinction_is_guess)?;
        result.set_item("quantum_yield", dye.quantum_yield)?;
        result.set_item("quantum_yield_is_guess", dye.quantum_yield_is_guess)?;
        result.set_item("lifetime_ns", dye.lifetime_ns)?;
        result.set_item("lifetime_is_guess", dye.lifetime_is_guess)?;
        result.set_item("spectra_are_gaussian", dye.spectra_are_gaussian)?;
        result.set_item("excitation", spectrum(&dye.excitation))?;
        result.set_item("emission", spectrum(&dye.emission))?;
        Ok(result)
    };
    dyes.into_iter().map(dictionary).collect()
}

/// Makes tissue: cells, and what lies within them if that is asked for.
#[pyfunction]
pub(crate) fn phantom<'py>(
    py: Python<'py>,
    size: [usize; 3],
    voxel_nm: [f64; 3],
    seed: u64,
    density: f64,
    organelles: bool,
) -> PyResult<(Bound<'py, PyArray3<u32>>, Bound<'py, PyDict>)> {
    let phantom = Phantom {
        size,
        voxel_nm,
        seed,
        density,
    };
    let made = watched(py, None, |_| {
        let cells = phantom.generate()?;
        let parts = match organelles {
            true => phantom.organelles(&cells).to_vec(),
            false => Vec::new(),
        };
        Ok((cells, parts))
    })?;
    let (cells, parts) = made.map_err(errors::of_phantom)?;
    let array = |values| {
        let array = Array3::from_shape_vec(size, values).map_err(errors::failed)?;
        Ok::<_, PyErr>(PyArray3::from_owned_array(py, array))
    };
    let found = PyDict::new(py);
    for (name, values) in parts {
        found.set_item(name, array(values)?)?;
    }
    Ok((array(cells)?, found))
}

/// The adapters of this machine, each a dictionary.
#[pyfunction]
pub(crate) fn devices(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let found = watched(py, None, |_| simexm_gpu::device::adapters())?;
    let dictionary = |(index, adapter): (usize, simexm_gpu::device::AdapterSummary)| {
        let result = PyDict::new(py);
        result.set_item("index", index)?;
        result.set_item("name", adapter.name)?;
        result.set_item("interface", adapter.backend)?;
        result.set_item("driver", adapter.driver)?;
        result.set_item("kind", adapter.kind)?;
        result.set_item("is_software", adapter.software)?;
        result.set_item("binding_bytes", adapter.binding_bytes)?;
        Ok(result)
    };
    found.into_iter().enumerate().map(dictionary).collect()
}
