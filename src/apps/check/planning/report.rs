//! What a plan says. Serialised it is the object that docs/plan.md describes.

use crate::engine::compute::Residence;
use crate::run::plan::HostMemory;
use serde::Serialize;
use std::path::PathBuf;

/// How a run will be cut. Its `Display` is the report for people, serialised it is the one for programs:
/// docs/plan.md has a table of the fields. Axes are (z, x, y).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanReport {
    /// Version of the program.
    pub version: &'static str,
    /// Size of the part of the volume that is loaded.
    pub shape_voxels: [usize; 3],
    /// Size of the images.
    pub image_shape_pixels: [usize; 3],
    /// Cells that were assumed: they are not counted before the volume is read, and hardly weigh.
    pub assumed_cells: usize,
    /// The devices that a run may use: a GPU, the CPU.
    pub devices: Vec<DevicePlan>,
    /// Files.
    pub disk: DiskPlan,
    /// What is good to know.
    pub notes: Vec<String>,
    /// What should be looked into.
    pub warnings: Vec<String>,
}

/// The plan for a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DevicePlan {
    /// Its name.
    pub device: String,
    /// Where its buffers lie.
    pub residence: Residence,
    /// What it and the host offer.
    pub limits: PlanLimits,
    /// How the volume is cut for it; absent where the run does not fit.
    pub cut: Option<Cut>,
    /// Why the run does not fit, if it does not.
    pub refusal: Option<String>,
}

/// What a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PlanLimits {
    /// Of the device's memory.
    pub device_bytes: u64,
    /// For one buffer.
    pub buffer_bytes: u64,
    /// Of the host's memory.
    pub host_bytes: u64,
}

/// How a volume is cut, and what each part takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cut {
    /// Tiles along x and along y.
    pub tiles: [usize; 2],
    /// Rows and columns of the largest tile, with what the stages look at around its blocks.
    pub tile_voxels: [usize; 2],
    /// Of these, the ones that only it makes images of.
    pub core_voxels: [usize; 2],
    /// Blocks of the blur in it, along x and along y.
    pub blocks: [usize; 2],
    /// Parts of a tile along z.
    pub slabs: usize,
    /// Slices of a slab.
    pub slab_slices: usize,
    /// Steps through a tile: stages that look ahead lag behind.
    pub steps: usize,
    /// Slices that are kept on the device.
    pub rings_slices: Rings,
    /// How far the stages look along z.
    pub reach_slices: Reaches,
    /// The Fourier transform of a slice.
    pub transform: Transform,
    /// Most images that a step makes.
    pub images_per_step: usize,
    /// The buffers of the widest tile.
    pub buffers: Vec<BufferPlan>,
    /// Their sum.
    pub buffer_bytes: u64,
    /// What the submissions under way bring and take at most.
    pub submission_bytes: u64,
    /// What the device holds at most.
    pub device_peak_bytes: u64,
    /// What the host holds, by what it is for.
    pub host: HostMemory,
    /// What the host holds at most, beside the process itself.
    pub host_peak_bytes: u64,
    /// From the host to the device, in the whole run.
    pub uploaded_bytes: u64,
    /// From the device to the host.
    pub downloaded_bytes: u64,
    /// On the disk while the run lasts, about.
    pub meanwhile_bytes: u64,
    /// What fewer slabs or tiles would take.
    pub fewer: Vec<Fewer>,
}

/// Slices in the rings that are kept from one step to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rings {
    /// Labels.
    pub labels: usize,
    /// Counts of proteins.
    pub counts: usize,
    /// Spectra of emission.
    pub spectra: usize,
}

/// The Fourier transform of a block: its lengths, and the radices of the butterflies of each pass over memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transform {
    /// Length along x.
    pub length_x: usize,
    /// Length along y.
    pub length_y: usize,
    /// Along x.
    pub radices_x: Vec<usize>,
    /// Along y, where a row is taken as half as many complex numbers.
    pub radices_y: Vec<usize>,
}

/// Slices that the stages look ahead and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reaches {
    /// Neighbours that decide on membranes.
    pub membrane: usize,
    /// The farthest displacement of a protein.
    pub displacement: usize,
    /// The radius of the point spread function.
    pub blur: usize,
}

/// A buffer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BufferPlan {
    /// What it holds.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Another cut, of fewer parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fewer {
    /// Tiles along x and along y.
    pub tiles: [usize; 2],
    /// Parts along z.
    pub slabs: usize,
    /// What the device would hold.
    pub device_bytes: u64,
    /// What the host would hold.
    pub host_bytes: u64,
    /// What stands against it.
    pub change: String,
}

/// Files that are read and written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiskPlan {
    /// Size of the volumes that are there.
    pub read_bytes: u64,
    /// An upper bound of the output; absent where it depends on the number of cells.
    pub written_bytes_at_most: Option<u64>,
    /// What lies beside it while the run lasts, about.
    pub meanwhile_bytes: u64,
    /// What is free there.
    pub free_bytes: Option<u64>,
    /// The output folder.
    pub folder: PathBuf,
}
