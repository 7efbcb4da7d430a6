//! Report of a check. Serialised it is the object that docs/check.md describes.

use super::Sampling;
use crate::config::Config;
use crate::model::physical::{ExpectedPixel, LightBudget};
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};

/// Report of a check. Its `Display` is the text to read; serialised it is the object for programs,
/// with the fields of docs/check.md. Axes are (z, x, y): x is the row of an image, y its column.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// Version of the program.
    pub version: &'static str,
    /// Configuration with defaults filled in and paths absolute; a key without value or default is
    /// left out.
    pub configuration: Config,
    /// Volumes of the ground truth.
    pub volumes: Volumes,
    /// Camera pixels before and after rounding.
    pub sampling: Sampling,
    /// Dyes of the labelling, in the order of their names.
    pub fluorophores: Vec<DyeFacts>,
    /// Photons of every channel and dye, both in the order of their names.
    pub photons: Vec<PhotonFacts>,
    /// Where the light goes, of every channel and dye with light; none in the model `simexm`.
    pub light_budget: Vec<LightBudget>,
    /// Pixels on labelled structures, as expected; none in the model `simexm`.
    pub expected_pixels: Vec<ExpectedPixel>,
    /// Widths of the point spread functions; none in the model `simexm`.
    pub resolution: Vec<Resolution>,
    /// Labelling of the volumes; absent where they are not read.
    pub labelling: Option<Labelling>,
    /// Files of the output.
    pub output: OutputFacts,
    /// Memory; absent where the volume's size is not known.
    pub memory: Option<Memory>,
    /// Notes, good to know.
    pub notes: Vec<String>,
    /// Warnings, which should be looked into.
    pub warnings: Vec<String>,
}

/// Volumes of the ground truth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Volumes {
    /// Volume of the cells.
    pub cells: VolumeFacts,
    /// Volumes of the annotated regions, in the order of their names.
    pub regions: Vec<VolumeFacts>,
    /// Size of the whole volume; absent where it is missing.
    pub shape_voxels: Option<[usize; 3]>,
    /// First voxel of the part that is loaded.
    pub offset_voxels: [usize; 3],
    /// Size of that part; absent where neither the volume nor `bounds` tells it.
    pub loaded_shape_voxels: Option<[usize; 3]>,
    /// Voxels that are simulated, of which `upsample` makes several of each of the volume's.
    pub simulated_shape_voxels: Option<[usize; 3]>,
    /// Size of that part in tissue.
    pub loaded_tissue_nm: Option<[f64; 3]>,
    /// Size of that part in the expanded gel.
    pub loaded_gel_nm: Option<[f64; 3]>,
}

/// File or folder of the ground truth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VolumeFacts {
    /// "cells", or the name of the region.
    pub name: String,
    /// Path of the file or folder.
    #[serde(serialize_with = "unicode")]
    pub path: PathBuf,
    /// True where something is there.
    pub found: bool,
    /// Format, size and type; absent where it was not opened.
    pub description: Option<String>,
}

/// Dye of the labelling.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DyeFacts {
    /// Name of the dye.
    pub name: String,
    /// Wavelength of the excitation peak.
    pub excitation_peak_nm: f64,
    /// Wavelength of the emission peak.
    pub emission_peak_nm: f64,
    /// Photons emitted per photon absorbed.
    pub quantum_yield: f64,
    /// True where the quantum yield is a guess.
    pub quantum_yield_is_guess: bool,
    /// Molar decadic extinction coefficient at the excitation peak, in 1/(M cm).
    pub extinction_coefficient_per_m_cm: f64,
}

/// Light of a dye in a channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhotonFacts {
    /// Name of the channel.
    pub channel: String,
    /// Name of the dye.
    pub fluorophore: String,
    /// Excitation by the channel's laser, relative to the dye's maximum.
    pub excitation: f64,
    /// Part of the emission inside the channel's filter.
    pub emission: f64,
    /// Mean number of photons detected per protein; in the model `physical` electrons of a
    /// fluorophore in the focal plane.
    pub mean_photons: f64,
}

/// Full widths at half maximum of a point spread function in the tissue, before expansion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Resolution {
    /// Name of the channel.
    pub channel: String,
    /// Name of the dye.
    pub fluorophore: String,
    /// Widths along (z, x, y); absent where the function does not halve.
    pub width_tissue_nm: [Option<f64>; 3],
}

/// Labelling of the volumes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Labelling {
    /// Cells in the loaded part.
    pub cells: usize,
    /// Mean number of eligible cells.
    pub expected_eligible_cells: f64,
    /// Regions: full, membrane, cytosol, and the annotated ones in the order of their names.
    pub regions: Vec<RegionFacts>,
    /// Layers in the order of their names.
    pub layers: Vec<LayerFacts>,
}

/// Region of the loaded part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegionFacts {
    /// Name of the region.
    pub name: String,
    /// Voxels of the region; for an annotated one those beside the cells too.
    pub voxels: u64,
    /// Voxels of the region inside cells, which are the ones that count.
    pub voxels_in_cells: u64,
    /// Cells with a voxel in the region.
    pub cells: usize,
}

/// Layer of the labelling.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerFacts {
    /// Name of the layer.
    pub name: String,
    /// Name of its dye.
    pub fluorophore: String,
    /// Name of its region.
    pub region: String,
    /// Cells with a voxel in that region.
    pub cells_in_region: usize,
    /// Mean number of eligible cells among these.
    pub expected_eligible_cells: f64,
    /// Mean number of labelled cells among the eligible ones.
    pub expected_labelled_cells: f64,
    /// Number of labelled cells with the configuration's seed; absent without one.
    pub labelled_cells: Option<usize>,
}

/// Files of the output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputFacts {
    /// Folder of all files.
    #[serde(serialize_with = "unicode")]
    pub folder: PathBuf,
    /// True where the folder exists.
    pub exists: bool,
    /// Reason for which the run would refuse to write there; absent where it would not.
    pub obstacle: Option<String>,
    /// Slices, rows and columns of the images; absent where the volume's size is not known.
    pub image_shape_pixels: Option<[usize; 3]>,
    /// Volumes that are written.
    pub volumes: Vec<OutputVolume>,
    /// Upper bound of the quick-look's bytes; absent where it is not known.
    pub quicklook_bytes_at_most: Option<u64>,
    /// Upper bound of all files' bytes, the quick-look included; absent where it is not known.
    pub bytes_at_most: Option<u64>,
    /// Bytes that the file system of the folder has left; absent where it does not tell.
    pub free_bytes: Option<u64>,
}

/// Volume of the output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputVolume {
    /// File, or folder of an image sequence, below the output folder; `<id>` stands for the ids of
    /// the labelled cells, each of which has a volume.
    pub path: String,
    /// Bits of a sample; of ids the widest that may occur.
    pub bits: u32,
    /// Samples of a pixel: 1, or 3 for red, green and blue.
    pub samples_per_pixel: u32,
    /// Upper bound of its bytes; absent where it is not known.
    pub bytes_at_most: Option<u64>,
}

/// Memory of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Memory {
    /// Bytes that the system has available now.
    pub available_bytes: u64,
    /// Memory of a run on the CPU; absent where it does not fit.
    pub cpu: Option<DeviceMemory>,
    /// Memory of a run on a GPU with 2 GiB to spare, whether there is one or not; absent where it
    /// does not fit.
    pub gpu: Option<DeviceMemory>,
    /// Upper bound of the ground truth and images that memory keeps compressed, beside the above.
    pub kept_bytes_at_most: u64,
    /// Part of these, about, that goes to unnamed files in the output folder while the run lasts.
    pub spilled_bytes: u64,
}

/// Memory of a run on a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceMemory {
    /// Bytes of the device's buffers.
    pub bytes: u64,
    /// Slices of a slab.
    pub slab_slices: usize,
    /// Steps of the run.
    pub steps: usize,
}

/// Writes a path; parts that are not Unicode are replaced.
fn unicode<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}
