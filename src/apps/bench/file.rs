//! What `bench --json` writes, and `bench compare` reads. docs/bench.md and docs/bench.schema.json describe it.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Version of the file. It changes with the meaning of the fields and with the workloads: files of different
/// versions are not compared.
pub const SCHEMA: u32 = 1;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchFile {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What measured.
    pub program: Program,
    /// What was measured on.
    pub machine: Machine,
    /// How it was measured.
    pub settings: Settings,
    /// The tissue, from small to large.
    pub sizes: Vec<SizeFacts>,
    /// The CPU, then the GPUs.
    pub devices: Vec<DeviceFacts>,
    /// For each GPU and job, from which size on the GPU is faster than the CPU.
    pub crossovers: Vec<Crossover>,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Version of simexm-gpu.
    pub version: String,
    /// Version of wgpu.
    pub wgpu: String,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system, with its version.
    pub os: String,
    /// Architecture of the processor.
    pub architecture: String,
    /// Name of the processor; absent where the system does not tell.
    pub cpu: Option<String>,
    /// Physical cores; absent where the system does not tell.
    pub cores: Option<usize>,
    /// Threads of the CPU's work.
    pub threads: usize,
    /// Memory in bytes; absent where the system does not tell.
    pub memory_bytes: Option<u64>,
}

/// How it was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The largest size.
    pub size: String,
    /// Timed runs of each job, after one that is not timed.
    pub repeat: usize,
    /// Seed of tissue and draws.
    pub seed: u64,
}

/// The tissue of a size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeFacts {
    /// Its name.
    pub name: String,
    /// Shape (z, x, y).
    pub shape_voxels: [usize; 3],
    /// Number of voxels.
    pub voxels: u64,
    /// Number of cells.
    pub cells: usize,
}

/// A device and what was measured of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceFacts {
    /// For people.
    pub name: String,
    /// The adapter; absent for the CPU.
    pub adapter: Option<AdapterFacts>,
    /// What it can hold; absent where it could not be opened.
    pub limits: Option<LimitFacts>,
    /// Start-up; absent where it failed before.
    pub startup: Option<Startup>,
    /// Bytes per second of a copy in its own memory, bytes read and bytes written counted; absent where it
    /// failed before.
    pub copy_bytes_per_second: Option<f64>,
    /// The jobs, by size, then in their order.
    pub runs: Vec<RunFacts>,
    /// Why it did not come to the end.
    pub error: Option<String>,
}

/// An adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterFacts {
    /// Its name.
    pub name: String,
    /// Vulkan, Metal or DX12.
    pub backend: String,
    /// The driver's name and version.
    pub driver: String,
    /// "discrete GPU", "integrated GPU", "virtual GPU", "software" or "unknown kind".
    pub kind: String,
}

/// What a device can hold, as a run counts on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitFacts {
    /// Largest buffer that a kernel can bind, in bytes.
    pub binding_bytes: u64,
    /// Largest buffer, in bytes.
    pub buffer_bytes: u64,
    /// Sum of buffers that slabs are made to fit, in bytes.
    pub wanted_bytes: u64,
    /// Workgroup memory in bytes; absent for the CPU, which has none.
    pub workgroup_bytes: Option<u32>,
}

/// What passes before a device is at full speed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Startup {
    /// Instance, adapter and device.
    pub open_seconds: f64,
    /// What the first run took longer than later ones: pipelines, above all.
    pub pipelines_seconds: f64,
}

impl Startup {
    /// Both together.
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
    /// Of these measurements; `None` where there are none.
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
}

/// A job on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// The job.
    pub job: String,
    /// The tissue's size.
    pub size: String,
    /// Number of its voxels.
    pub voxels: u64,
    /// Wall clock from labels in memory to grey values in memory.
    pub seconds: Spread,
    /// Voxels of the tissue over the median.
    pub voxels_per_second: f64,
    /// The passes, in the order of a run.
    pub passes: Vec<PassFacts>,
    /// Checksums of integer results.
    pub checksums: Vec<Checksum>,
}

/// A pass: all dispatches of a kernel in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassFacts {
    /// The kernel.
    pub pass: String,
    /// The stage that it belongs to.
    pub stage: String,
    /// Dispatches in a run.
    pub calls: u64,
    /// Bytes that they must read.
    pub read_bytes: u64,
    /// Bytes that they must write.
    pub written_bytes: u64,
    /// Time of all of them: wall clock on the CPU, timestamps on a GPU; absent where it has none.
    pub seconds: Option<Spread>,
    /// Voxels of the tissue over the median.
    pub voxels_per_second: Option<f64>,
    /// Bytes read and written over the median.
    pub bytes_per_second: Option<f64>,
    /// The same over the device's own copy bandwidth. More than 1 where caches hold the data.
    pub share_of_copy: Option<f64>,
}

/// How well devices must agree.
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
    /// The stage, or "job" for the whole.
    pub stage: String,
    /// What it is.
    pub result: String,
    /// How well devices must agree.
    pub equality: Equality,
    /// How many numbers it has.
    pub values: u64,
    /// CRC-32 (IEEE) of the numbers as little-endian bytes, in hexadecimal.
    pub crc32: String,
    /// Their sum, for results within rounding.
    pub sum: Option<u64>,
    /// What the sums of two devices may differ by.
    pub sum_bound: Option<u64>,
}

/// From which size on a GPU is faster than the CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crossover {
    /// The GPU.
    pub device: String,
    /// The job.
    pub job: String,
    /// Of one run, with the GPU's start-up.
    pub first_run: Crossing,
    /// Of further runs on a device that is open.
    pub further_runs: Crossing,
}

/// Where two devices take the same time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crossing {
    /// Voxels of the tissue, interpolated (linearly between the logarithms of sizes and of the ratio of times);
    /// absent where one device is faster at all measured sizes.
    pub voxels: Option<f64>,
    /// Who is faster at the largest size that was measured.
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

/// Why a file cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no JSON.
    #[error("{}: no JSON: {source}; a file of `simexm-gpu bench --json` is wanted", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where, and what is wrong.
        source: serde_json::Error,
    },
    /// It is JSON of something else.
    #[error("{}: no number \"schema\"; a file of `simexm-gpu bench --json` is wanted", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It has another version.
    #[error(
        "{}: has the schema version {found}, but this program reads {SCHEMA}; measure again with this version",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// Something in it is not as it should be.
    #[error("{}: {source} (docs/bench.schema.json describes the file)", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Where, and what is wrong.
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
        let text = match std::fs::read(&path) {
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
