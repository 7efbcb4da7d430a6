//! What a check found. Serialised it is the object that docs/check.md describes.

use super::Sampling;
use crate::config::Config;
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};

/// What a check found. Its `Display` is the report for people, serialised it is the one for programs:
/// docs/check.md has a table of the fields. Axes are (z, x, y).
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// Version of the program.
    pub version: &'static str,
    /// Every key with its value, defaults filled in and paths absolute; a key without value or default is left
    /// out.
    pub configuration: Config,
    /// The volumes of the ground truth.
    pub volumes: Volumes,
    /// The camera's pixels before and after rounding.
    pub sampling: Sampling,
    /// The dyes of the labelling, in the order of their names.
    pub fluorophores: Vec<DyeFacts>,
    /// Every channel with every dye, both in the order of their names.
    pub photons: Vec<PhotonFacts>,
    /// What the voxels tell; absent without volumes.
    pub labelling: Option<Labelling>,
    /// The files.
    pub output: OutputFacts,
    /// Memory; absent where the volume's size is not known.
    pub memory: Option<Memory>,
    /// What is good to know.
    pub notes: Vec<String>,
    /// What should be looked into.
    pub warnings: Vec<String>,
}

/// The volumes of the ground truth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Volumes {
    /// The cells.
    pub cells: VolumeFacts,
    /// The annotated regions, in the order of their names.
    pub regions: Vec<VolumeFacts>,
    /// Size of the whole volume; absent where it is missing.
    pub shape_voxels: Option<[usize; 3]>,
    /// First voxel of the part that is loaded.
    pub offset_voxels: [usize; 3],
    /// Size of that part; absent where neither the volume nor `bounds` tells it.
    pub loaded_shape_voxels: Option<[usize; 3]>,
    /// Its size in tissue.
    pub loaded_tissue_nm: Option<[f64; 3]>,
    /// Its size in the expanded gel.
    pub loaded_gel_nm: Option<[f64; 3]>,
}

/// A file or folder of the ground truth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VolumeFacts {
    /// "cells", or the name of the region.
    pub name: String,
    /// Where it is to be.
    #[serde(serialize_with = "unicode")]
    pub path: PathBuf,
    /// Whether something is there.
    pub found: bool,
    /// Format, size and type; absent where it was not opened.
    pub description: Option<String>,
}

/// A dye.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DyeFacts {
    /// Its name.
    pub name: String,
    /// Wavelength that excites it best.
    pub excitation_peak_nm: f64,
    /// Wavelength at which it emits most.
    pub emission_peak_nm: f64,
    /// Photons emitted per photon absorbed.
    pub quantum_yield: f64,
    /// Whether that is a guess.
    pub quantum_yield_is_guess: bool,
    /// Molar decadic extinction coefficient at the excitation peak, in 1/(M cm).
    pub extinction_coefficient_per_m_cm: f64,
}

/// What a dye sends to a channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhotonFacts {
    /// The channel.
    pub channel: String,
    /// The dye.
    pub fluorophore: String,
    /// Excitation by the channel's laser, relative to the dye's maximum.
    pub excitation: f64,
    /// Part of the emission inside the channel's filter.
    pub emission: f64,
    /// Photons detected per protein, on average.
    pub mean_photons: f64,
}

/// What the voxels tell of the labelling.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Labelling {
    /// Cells in the loaded part.
    pub cells: usize,
    /// Eligible ones, on average.
    pub expected_eligible_cells: f64,
    /// full, membrane, cytosol, and the annotated regions in the order of their names.
    pub regions: Vec<RegionFacts>,
    /// The layers in the order of their names.
    pub layers: Vec<LayerFacts>,
}

/// A region of the loaded part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegionFacts {
    /// Its name.
    pub name: String,
    /// Its voxels; for an annotated region those beside the cells too.
    pub voxels: u64,
    /// Its voxels inside cells, which are the ones that count.
    pub voxels_in_cells: u64,
    /// Cells with a voxel in it.
    pub cells: usize,
}

/// A layer of the labelling.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerFacts {
    /// Its name.
    pub name: String,
    /// Its dye.
    pub fluorophore: String,
    /// Its region.
    pub region: String,
    /// Cells with a voxel in that region.
    pub cells_in_region: usize,
    /// Of these, the eligible ones, on average.
    pub expected_eligible_cells: f64,
    /// Of these, the labelled ones, on average.
    pub expected_labelled_cells: f64,
    /// The labelled ones with the configuration's seed; absent without one.
    pub labelled_cells: Option<usize>,
}

/// The output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputFacts {
    /// Folder of all files.
    #[serde(serialize_with = "unicode")]
    pub folder: PathBuf,
    /// Whether it is there.
    pub exists: bool,
    /// Why the run would refuse to write there; absent where it would not.
    pub obstacle: Option<String>,
    /// Slices, rows and columns of the images; absent where the volume's size is not known.
    pub image_shape_pixels: Option<[usize; 3]>,
    /// The volumes that are written.
    pub volumes: Vec<OutputVolume>,
    /// The most that the quick-look takes; absent where it is not known.
    pub quicklook_bytes_at_most: Option<u64>,
    /// The most that all of them take, the quick-look included; absent where it is not known.
    pub bytes_at_most: Option<u64>,
    /// What the file system of the folder has left; absent where it does not say.
    pub free_bytes: Option<u64>,
}

/// A volume of the output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputVolume {
    /// File, or folder of an image sequence, below the output folder; `<id>` stands for the ids of the labelled
    /// cells, each of which has a volume.
    pub path: String,
    /// Bits of a sample; of ids the widest that may occur.
    pub bits: u32,
    /// 1, or 3 for red, green and blue.
    pub samples_per_pixel: u32,
    /// The most that it takes; absent where it is not known.
    pub bytes_at_most: Option<u64>,
}

/// What a run holds in memory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Memory {
    /// What the system has available now.
    pub available_bytes: u64,
    /// On the CPU; absent where it does not fit.
    pub cpu: Option<DeviceMemory>,
    /// On a GPU with 2 GiB to spare, whether there is one or not; absent where it does not fit.
    pub gpu: Option<DeviceMemory>,
    /// The most of ground truth and images that is kept compressed in memory, beside the above.
    pub kept_bytes_at_most: u64,
    /// About what of these goes to unnamed files in the output folder while the run lasts.
    pub spilled_bytes: u64,
}

/// Memory of a run on a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceMemory {
    /// Its buffers.
    pub bytes: u64,
    /// Slices that are worked on at a time.
    pub slab_slices: usize,
    /// Steps of the run.
    pub steps: usize,
}

/// Writes a path; what of it is not Unicode is replaced.
fn unicode<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}
