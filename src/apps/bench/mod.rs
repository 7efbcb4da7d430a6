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

/// Largest size of the tissue that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// Too small for a measure of speed: shows the start, and is the lower end of every
    /// measurement.
    Tiny,
    /// Seconds on a CPU.
    Small,
    /// Some ten seconds on a CPU.
    Medium,
    /// About a minute on a CPU.
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

    /// Returns the bytes of the buffers between which a device copies: more than caches hold, but
    /// for the least size.
    fn copy_bytes(self) -> u64 {
        match self {
            Self::Tiny => 4 << 20,
            _ => 128 << 20,
        }
    }
}

/// Options of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct BenchOptions {
    /// Largest size; all below it are measured too.
    pub size: Size,
    /// Timed runs of each job; at least 1.
    pub repeat: usize,
}

/// Measures these devices, one after the other. The error of a device that fails is part of its
/// result, and the others go on.
///
/// # Errors
/// The tissue cannot be made, or [`SimulationError::Interrupted`].
pub fn measure(
    devices: Vec<BenchDevice>,
    options: BenchOptions,
    watcher: &mut dyn Watcher,
) -> Result<BenchFile, SimulationError> {
    let mut tissues = Vec::new();
    for size in Size::ALL.into_iter().filter(|&size| size <= options.size) {
        let [z, x, y] = size.shape();
        watcher.note(&format!(
            "making tissue: {}, {z} x {x} x {y} voxels",
            size.name()
        ));
        tissues.push((size.name(), BenchTissue::phantom(size.shape())?));
        if watcher.interrupted() {
            return Err(SimulationError::Interrupted);
        }
    }
    let mut measured = Vec::new();
    for device in devices {
        measured.push(device.measure(&tissues, options, watcher)?);
    }
    let size = |(name, tissue): &(&str, BenchTissue)| SizeFacts {
        name: (*name).to_owned(),
        shape_voxels: tissue.shape(),
        voxels: tissue.voxels() as u64,
        cells: tissue.cells(),
    };
    Ok(BenchFile {
        schema: SCHEMA,
        program: machine::program(),
        machine: machine::machine(),
        settings: Settings {
            size: options.size.name().to_owned(),
            repeat: options.repeat,
            seed: SEED,
        },
        sizes: tissues.iter().map(size).collect(),
        crossovers: crossover::crossovers(&measured),
        devices: measured,
    })
}
