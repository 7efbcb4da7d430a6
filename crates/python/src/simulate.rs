//! Runs, on arrays and to files.

use crate::arrays::{AnyArray, Arrays};
use crate::config::Config;
use crate::watched::{Messenger, watched};
use crate::{errors, pools};
use numpy::ndarray::Array3;
use numpy::{PyArray3, PyReadonlyArray2};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use simexm_gpu::config::BitDepth;
use simexm_gpu::error::SimulationError;
use simexm_gpu::simulation::{Images, Options, Simulator, simulate_arrays};

/// A device that stays open, with its compiled shaders.
#[pyclass(frozen, module = "simexm_gpu._native")]
pub(crate) struct Device {
    /// The process that opened it, and the device. No fork of the process may use it.
    open: Mutex<Option<(u32, Simulator)>>,
    config: simexm_gpu::Config,
}

#[pymethods]
impl Device {
    /// Opens the device that a configuration asks for.
    #[new]
    fn new(py: Python<'_>, config: &Config, events: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let config = config.inner.clone();
        let opened = watched(py, events, |watcher| {
            Simulator::new(&config.compute, watcher)
        })?;
        let opened = opened.map_err(errors::of_run)?;
        Ok(Self {
            open: Mutex::new(Some((std::process::id(), opened))),
            config,
        })
    }
}

impl Device {
    /// Simulates, when no other thread does on this device.
    fn simulate(
        &self,
        watcher: &mut Messenger<'_>,
        run: impl FnOnce(&mut Simulator, &mut Messenger<'_>) -> Result<Images, SimulationError>,
    ) -> Result<Images, SimulationError> {
        let Some(mut open) = watcher.lock(&self.open) else {
            return Err(SimulationError::Interrupted);
        };
        let process = std::process::id();
        if let Some((of, simulator)) = open.take() {
            if of == process {
                let simulator = &mut open.insert((of, simulator)).1;
                return run(simulator, watcher);
            }
            // What a driver has of the process before the fork cannot be given back here.
            std::mem::forget(simulator);
        }
        let simulator = Simulator::new(&self.config.compute, watcher)?;
        run(&mut open.insert((process, simulator)).1, watcher)
    }
}

/// What a quick-look needs beside arrays.
#[pyclass(frozen, module = "simexm_gpu._native")]
pub(crate) struct Look(simexm_gpu::simulation::Look);

/// Middle slice and maximum along z of a volume.
type Pair<'py, T> = [PyReadonlyArray2<'py, T>; 2];

#[pymethods]
impl Look {
    /// Draws it: the bytes of a PNG file.
    fn png<'py>(
        &self,
        py: Python<'py>,
        channels: Vec<Pair<'py, u16>>,
        truths: Vec<Pair<'py, u64>>,
    ) -> Bound<'py, PyBytes> {
        let channels: Vec<_> = channels.iter().map(views).collect();
        let truths: Vec<_> = truths.iter().map(views).collect();
        PyBytes::new(py, &self.0.png(&channels, &truths))
    }
}

fn views<'a, T: numpy::Element>(pair: &'a Pair<'_, T>) -> [numpy::ndarray::ArrayView2<'a, T>; 2] {
    [pair[0].as_array(), pair[1].as_array()]
}

/// A channel on its way to Python.
struct Channel {
    name: String,
    grey: AnyArray,
    expected: Option<Array3<f32>>,
    brightest: u32,
}

/// A ground truth on its way to Python.
struct Truth {
    fluorophore: String,
    cells: AnyArray,
    labelled: Vec<u64>,
}

/// Simulates arrays; the dictionary has what `Result` has.
#[pyfunction]
pub(crate) fn simulate<'py>(
    py: Python<'py>,
    config: &Config,
    cells: &Bound<'py, PyAny>,
    regions: &Bound<'py, PyDict>,
    counts: &Bound<'py, PyDict>,
    device: Option<&Device>,
    events: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let config = &config.inner;
    let arrays = Arrays::of(cells, regions, counts)?;
    let views = arrays.views();
    let pool = pools::lease(Some(config))?;
    let done = watched(py, events, |watcher| {
        let tissue = views.tissue();
        let options = Options::default();
        let images = match device {
            Some(device) => device.simulate(watcher, |simulator, watcher| {
                pool.install(|| simulator.simulate(config, &tissue, options, watcher))
            }),
            None => pool.install(|| simulate_arrays(config, &tissue, options, watcher)),
        }?;
        let is_narrow = config.output.bit_depth == BitDepth::Eight;
        let channels = images.channels.into_iter().map(|channel| Channel {
            name: channel.name,
            grey: match is_narrow {
                true => AnyArray::U8(channel.grey.mapv(|grey| grey as u8)),
                false => AnyArray::U16(channel.grey),
            },
            expected: channel.expected,
            brightest: channel.brightest_pixel_photons,
        });
        let truths = images.ground_truth.into_iter().map(|truth| Truth {
            fluorophore: truth.fluorophore,
            cells: views.cells.in_their_type(truth.cells),
            labelled: truth.labelled,
        });
        let (channels, truths): (Vec<_>, Vec<_>) = (channels.collect(), truths.collect());
        let rest = (images.voxel_nm, images.seed, images.device, images.look);
        Ok((channels, truths, rest))
    })?;
    let (channels, truths, (voxel_nm, seed, device, look)) = done.map_err(errors::of_run)?;

    let result = PyDict::new(py);
    let [grey, expected, brightest, cells, labelled] = std::array::from_fn(|_| PyDict::new(py));
    for channel in channels {
        grey.set_item(&channel.name, channel.grey.into_python(py))?;
        if let Some(electrons) = channel.expected {
            expected.set_item(&channel.name, PyArray3::from_owned_array(py, electrons))?;
        }
        brightest.set_item(&channel.name, channel.brightest)?;
    }
    for truth in truths {
        cells.set_item(&truth.fluorophore, truth.cells.into_python(py))?;
        labelled.set_item(&truth.fluorophore, truth.labelled)?;
    }
    result.set_item("images", grey)?;
    result.set_item("expected", expected)?;
    result.set_item("brightest", brightest)?;
    result.set_item("ground_truth", cells)?;
    result.set_item("labelled", labelled)?;
    result.set_item("voxel_nm", (voxel_nm[0], voxel_nm[1], voxel_nm[2]))?;
    let factors = config.expansion.factors();
    let [z, x, y] = std::array::from_fn(|axis| voxel_nm[axis] / factors[axis]);
    result.set_item("tissue_voxel_nm", (z, x, y))?;
    result.set_item("seed", seed)?;
    result.set_item("device", device)?;
    result.set_item("look", Look(look))?;
    Ok(result)
}

/// Runs a configuration from files to files; the dictionary has what `Report` has.
#[pyfunction]
pub(crate) fn run<'py>(
    py: Python<'py>,
    config: &Config,
    force: bool,
    report: bool,
    resume: bool,
    events: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let config = &config.inner;
    let options = Options {
        force,
        report,
        resume,
        ..Options::default()
    };
    let pool = pools::lease(Some(config))?;
    let done = watched(py, events, |watcher| {
        pool.install(|| simexm_gpu::simulate(config, options, watcher))
    })?;
    let done = done.map_err(errors::of_run)?;
    let result = PyDict::new(py);
    result.set_item("folder", done.folder)?;
    result.set_item("seed", done.seed)?;
    result.set_item("device", done.device)?;
    let [z, x, y] = done.image_shape;
    result.set_item("image_shape", (z, x, y))?;
    let seconds = PyDict::new(py);
    for stage in done.stages {
        seconds.set_item(stage.stage, stage.time.as_secs_f64())?;
    }
    result.set_item("seconds", seconds)?;
    Ok(result)
}
