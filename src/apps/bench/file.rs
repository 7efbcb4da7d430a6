//! File that `bench --json` writes and `bench compare` reads; docs/bench.md and
//! docs/bench.schema.json describe it.

use crate::base::files;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Version of the file. It changes with the meaning of the fields and with the workloads: files of
/// different versions are not compared.
pub const SCHEMA: u32 = 1;

/// Content of the whole file. Shapes are (z, x, y): x is the row of an image, y its column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchFile {
    /// Version of the file, [`SCHEMA`].
    pub schema: u32,
    /// When it was measured, in UTC, as `2026-01-31T12:00:00Z`; absent in files of before.
    pub measured: Option<String>,
    /// Program that measured.
    pub program: Program,
    /// Machine that was measured.
    pub machine: Machine,
    /// Settings of the measurement.
    pub settings: Settings,
    /// Sizes of the tissue, from small to large.
    pub sizes: Vec<SizeFacts>,
    /// Devices: the CPU, then the GPUs.
    pub devices: Vec<DeviceFacts>,
    /// Size from which on a GPU is faster than the CPU, for each GPU and job.
    pub crossovers: Vec<Crossover>,
}

/// Versions of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Version of simexm-gpu.
    pub version: String,
    /// Version of wgpu.
    pub wgpu: String,
}

/// Facts of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system, with its version.
    pub os: String,
    /// Architecture of the processor.
    pub architecture: String,
    /// Name of the processor; absent where the system does not tell.
    pub cpu: Option<String>,
    /// Physical cores; absent where the system does not tell.
    pub cores: Option<usize>,
    /// Threads that the CPU computes with.
    pub threads: usize,
    /// Memory in bytes; absent where the system does not tell.
    pub memory_bytes: Option<u64>,
    /// Share of the threads that other programs kept busy over the minute before; absent where the
    /// system does not tell.
    pub load: Option<f64>,
}

/// Settings of the measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Name of the largest size, or "auto": as large as each device does in a short time.
    pub size: String,
    /// Timed runs of each job, after one that is not timed.
    pub repeat: usize,
    /// Seed of tissue and draws.
    pub seed: u64,
    /// Longest that a device was measured, in seconds; absent in files of before.
    pub time_limit_seconds: Option<f64>,
    /// Most bytes of a device's buffers; absent where there was no limit.
    pub memory_limit_bytes: Option<u64>,
}

/// Tissue of one size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeFacts {
    /// Name of the size.
    pub name: String,
    /// Shape (z, x, y).
    pub shape_voxels: [usize; 3],
    /// Number of voxels.
    pub voxels: u64,
    /// Number of cells.
    pub cells: usize,
}

/// Device and its measurements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceFacts {
    /// Name to show.
    pub name: String,
    /// Adapter; absent for the CPU.
    pub adapter: Option<AdapterFacts>,
    /// Limits of the device; absent where it could not be opened.
    pub limits: Option<LimitFacts>,
    /// Start-up; absent where the device failed before.
    pub startup: Option<Startup>,
    /// Bytes per second of a copy in the device's own memory, bytes read and bytes written counted;
    /// absent where the device failed before.
    pub copy_bytes_per_second: Option<f64>,
    /// Measurements of the jobs, by size, then in their order.
    pub runs: Vec<RunFacts>,
    /// Error that ended the measurements; absent where all were made.
    pub error: Option<String>,
}

/// Adapter of a GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterFacts {
    /// Name of the adapter.
    pub name: String,
    /// Vulkan, Metal or DX12.
    pub backend: String,
    /// Name and version of the driver.
    pub driver: String,
    /// "discrete GPU", "integrated GPU", "virtual GPU", "software" or "unknown kind".
    pub kind: String,
}

/// Memory limits of a device, as a run counts on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitFacts {
    /// Largest buffer that a kernel can bind, in bytes.
    pub binding_bytes: u64,
    /// Largest buffer, in bytes.
    pub buffer_bytes: u64,
    /// Sum of the buffers in bytes that slabs are made to fit.
    pub wanted_bytes: u64,
    /// Workgroup memory in bytes; absent for the CPU, which has none.
    pub workgroup_bytes: Option<u32>,
}

/// Start-up time, before a device is at full speed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Startup {
    /// Seconds to open instance, adapter and device.
    pub open_seconds: f64,
    /// Seconds that the first run took longer than later ones: pipelines, above all.
    pub pipelines_seconds: f64,
}

impl Startup {
    /// Returns the sum of both.
    pub fn seconds(&self) -> f64 {
        self.open_seconds + self.pipelines_seconds
    }
}

/// Median and range of repeated measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// Least.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

impl Spread {
    /// Sums up these measurements; `None` where there are none.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let half = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[half]
        } else {
            (sorted[half - 1] + sorted[half]) / 2.0
        };
        Some(Self { median, min, max })
    }

    /// The range over the median.
    pub fn share(&self) -> f64 {
        (self.max - self.min) / self.median.max(1e-12)
    }
}

/// Job on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// Name of the job.
    pub job: String,
    /// Size of the tissue, by name.
    pub size: String,
    /// Number of voxels of the tissue.
    pub voxels: u64,
    /// Wall clock in seconds, from labels in memory to grey values in memory.
    pub seconds: Spread,
    /// Voxels of the tissue over the median.
    pub voxels_per_second: f64,
    /// Passes, in the order of a run.
    pub passes: Vec<PassFacts>,
    /// Checksums of the integer results.
    pub checksums: Vec<Checksum>,
}

/// Pass: all dispatches of a kernel in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassFacts {
    /// Name of the kernel.
    pub pass: String,
    /// Stage that the kernel belongs to.
    pub stage: String,
    /// Dispatches in a run.
    pub calls: u64,
    /// Bytes that the dispatches must read.
    pub read_bytes: u64,
    /// Bytes that the dispatches must write.
    pub written_bytes: u64,
    /// Seconds of all dispatches: wall clock on the CPU, timestamps on a GPU; absent where it has
    /// none.
    pub seconds: Option<Spread>,
    /// Voxels of the tissue over the median.
    pub voxels_per_second: Option<f64>,
    /// Bytes read and written over the median.
    pub bytes_per_second: Option<f64>,
    /// Bytes per second over the device's own copy bandwidth. More than 1 where caches hold the
    /// data.
    pub share_of_copy: Option<f64>,
}

/// Agreement that devices must reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Equality {
    /// To the bit: unequal checksums are a defect.
    Exact,
    /// Within rounding: checksums may differ, the sums by no more than `sum_bound`.
    Rounding,
}

/// Checksum of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// Name of the stage, or "job" for the whole.
    pub stage: String,
    /// Name of the result.
    pub result: String,
    /// Agreement that devices must reach.
    pub equality: Equality,
    /// Number of values of the result.
    pub values: u64,
    /// CRC-32 (IEEE) of the numbers as little-endian bytes, in hexadecimal.
    pub crc32: String,
    /// Sum of the values, for results within rounding.
    pub sum: Option<u64>,
    /// Largest difference of two devices' sums.
    pub sum_bound: Option<u64>,
}

/// Size from which on a GPU is faster than the CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crossover {
    /// Name of the GPU.
    pub device: String,
    /// Name of the job.
    pub job: String,
    /// Crossover of one run, with the GPU's start-up.
    pub first_run: Crossing,
    /// Crossover of further runs on a device that is open.
    pub further_runs: Crossing,
}

/// Size at which two devices take the same time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crossing {
    /// Voxels of the tissue, interpolated (linearly between the logarithms of sizes and of the
    /// ratio of times); absent where one device is faster at all measured sizes.
    pub voxels: Option<f64>,
    /// Side that is faster at the largest size that was measured.
    pub faster_when_large: Side,
}

/// CPU or GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The CPU.
    Cpu,
    /// The GPU.
    Gpu,
}

/// Error of a file that cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
    /// The file is no JSON.
    #[error("{}: no JSON: {source}; a file of `simexm-gpu bench --json` is wanted", path.display())]
    Json {
        /// Path of the file.
        path: PathBuf,
        /// Position and kind of the error.
        source: serde_json::Error,
    },
    /// The file is JSON of something else.
    #[error("{}: no number \"schema\"; a file of `simexm-gpu bench --json` is wanted", path.display())]
    Foreign {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file has another version.
    #[error(
        "{}: has the schema version {found}, but this program reads {SCHEMA}; measure again with this version",
        path.display()
    )]
    Version {
        /// Path of the file.
        path: PathBuf,
        /// Version of the file.
        found: u64,
    },
    /// A field of the file is not as it should be.
    #[error("{}: {source} (docs/bench.schema.json describes the file)", path.display())]
    Content {
        /// Path of the file.
        path: PathBuf,
        /// Position and kind of the error.
        source: serde_json::Error,
    },
}

impl BenchFile {
    /// Reads a file.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let path = path.to_owned();
        let text = match files::read_text(&path) {
            Ok(text) => text,
            Err(source) => return Err(FileError::Read { path, source }),
        };
        let value: serde_json::Value = match serde_json::from_slice(&text) {
            Ok(value) => value,
            Err(source) => return Err(FileError::Json { path, source }),
        };
        match value.get("schema").and_then(serde_json::Value::as_u64) {
            None => Err(FileError::Foreign { path }),
            Some(found) if found != u64::from(SCHEMA) => Err(FileError::Version { path, found }),
            Some(_) => {
                serde_json::from_slice(&text).map_err(|source| FileError::Content { path, source })
            }
        }
    }
}
