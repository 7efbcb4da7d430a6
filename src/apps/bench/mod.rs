//! Benchmarks of devices: the application behind `simexm-gpu bench`.
//!
//! A fixed set of [`workloads`](crate::run::workload), whole runs over made-up tissue, passes on
//! each device: how long they take as a whole and pass by pass, held against the device's own copy
//! bandwidth, and checksums of every integer result, so that devices compare for equality as well
//! as for speed. [`mod@file`] is what is written of it, [`compare`] holds files of several machines
//! side by side.

mod checksum;
mod checksum_backend;
mod checksum_sink;
pub mod compare;
mod copy;
mod crossover;
mod device;
pub mod file;
mod guarded;
mod html;
mod machine;
mod table;
#[cfg(test)]
mod tests;
pub mod verdicts;

pub use device::BenchDevice;
pub use html::page;
pub use table::text;

use crate::run::simulation::{SimulationError, Watcher};
use crate::run::workload::{BenchTissue, SEED};
use file::{BenchFile, SCHEMA, Settings, SizeFacts};
use std::sync::Arc;
use std::time::Duration;

/// Largest size of the tissue that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// Too small for a measure of speed: shows the start, and is the lower end of every
    /// measurement.
    Tiny,
    /// Half a million voxels.
    Small,
    /// Three million voxels.
    Medium,
    /// Seventeen million voxels.
    Large,
}

impl Size {
    /// Sizes from small to large.
    pub const ALL: [Self; 4] = [Self::Tiny, Self::Small, Self::Medium, Self::Large];

    /// Returns the name of the size.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }

    /// Returns the shape of the tissue (z, x, y).
    pub fn shape(self) -> [usize; 3] {
        match self {
            Self::Tiny => [8, 64, 64],
            Self::Small => [32, 128, 128],
            Self::Medium => [48, 256, 256],
            Self::Large => [64, 512, 512],
        }
    }
}

/// Options of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct BenchOptions {
    /// Largest size; all below it are measured too. `None`: for each device as large as it does in
    /// half a minute.
    pub size: Option<Size>,
    /// Timed runs of each job; at least 1.
    pub repeat: usize,
    /// Longest that one device is measured.
    pub time: Duration,
    /// Longest that a size is expected to take where the device decides which ones are measured.
    pub size_time: Duration,
    /// Most bytes that a device's buffers may take.
    pub memory_bytes: u64,
}

/// Measures these devices, one after the other. The error of a device that fails is part of its
/// result, and the others go on. `done` is given what has been measured after each device.
///
/// # Errors
/// The tissue cannot be made, `done` fails, or [`SimulationError::Interrupted`]: also while a
/// driver does not come back, which then goes on with what it does until the process ends.
pub fn measure(
    devices: Vec<BenchDevice>,
    options: BenchOptions,
    watcher: &mut dyn Watcher,
    done: &mut dyn FnMut(&BenchFile) -> Result<(), SimulationError>,
) -> Result<BenchFile, SimulationError> {
    let mut tissues = Tissues::default();
    let mut file = BenchFile {
        schema: SCHEMA,
        measured: Some(machine::now()),
        program: machine::program(),
        machine: machine::machine(),
        settings: Settings {
            size: options.size.map_or("auto", Size::name).to_owned(),
            repeat: options.repeat,
            seed: SEED,
            time_limit_seconds: Some(options.time.as_secs_f64()),
            memory_limit_bytes: (options.memory_bytes < u64::MAX).then_some(options.memory_bytes),
        },
        sizes: Vec::new(),
        crossovers: Vec::new(),
        devices: Vec::new(),
    };
    if let Some(load) = file.machine.load.filter(|&load| load > TOLD) {
        watcher.warn(&format!(
            "other programs keep {:.0} per cent of this machine's threads busy: times are longer than they need be",
            100.0 * load
        ));
    }
    for device in devices {
        let facts = guarded::measure(device, options, &mut tissues, watcher)?;
        if let Some(note) = table::spread_warning(&facts) {
            watcher.warn(&note);
        }
        file.devices.push(facts);
        file.sizes = tissues.facts();
        file.crossovers = crossover::crossovers(&file.devices);
        done(&file)?;
    }
    Ok(file)
}

/// Share of a machine's load, or of a time's spread, from which on it is told.
const TOLD: f64 = 0.1;

/// Tissue of all sizes that are asked for, each made once.
#[derive(Default)]
struct Tissues(Vec<device::SizedTissue>);

impl Tissues {
    fn get(
        &mut self,
        size: Size,
        watcher: &mut dyn Watcher,
    ) -> Result<device::SizedTissue, SimulationError> {
        if let Some(known) = self.0.iter().find(|known| known.0 == size) {
            return Ok(known.clone());
        }
        let [z, x, y] = size.shape();
        watcher.note(&format!(
            "making tissue: {}, {z} x {x} x {y} voxels",
            size.name()
        ));
        let made = Arc::new((size, BenchTissue::phantom(size.shape())?));
        if watcher.interrupted() {
            return Err(SimulationError::Interrupted);
        }
        self.0.push(made.clone());
        Ok(made)
    }

    fn facts(&self) -> Vec<SizeFacts> {
        let facts = |tissue: &device::SizedTissue| SizeFacts {
            name: tissue.0.name().to_owned(),
            shape_voxels: tissue.1.shape(),
            voxels: tissue.1.voxels() as u64,
            cells: tissue.1.cells(),
        };
        self.0.iter().map(facts).collect()
    }
}
