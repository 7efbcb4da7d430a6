//! Report of a plan. Serialised it is the object that docs/plan.md describes.

use crate::engine::compute::MemoryKind;
use crate::run::plan::HostMemory;
use serde::Serialize;
use std::path::PathBuf;

/// Report of a plan. Its `Display` is the text to read; serialised it is the object for programs,
/// with the fields of docs/plan.md. Axes are (z, x, y): x is the row of an image, y its column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanReport {
    /// Version of the program.
    pub version: &'static str,
    /// Size of the part of the volume that is loaded.
    pub shape_voxels: [usize; 3],
    /// Size of the images.
    pub image_shape_pixels: [usize; 3],
    /// Number of cells that was assumed: cells are not counted before the volume is read, and weigh
    /// little.
    pub assumed_cells: usize,
    /// Devices that a run may use: a GPU, the CPU.
    pub devices: Vec<DevicePlan>,
    /// Files that are read and written.
    pub disk: DiskPlan,
    /// Notes, good to know.
    pub notes: Vec<String>,
    /// Warnings, which should be looked into.
    pub warnings: Vec<String>,
}

/// Plan for a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DevicePlan {
    /// Name of the device.
    pub device: String,
    /// Place of its buffers.
    pub residence: MemoryKind,
    /// Limits of the device and the host.
    pub limits: PlanLimits,
    /// Cut of the volume; absent where the run does not fit.
    pub cut: Option<Cut>,
    /// Reason for which the run does not fit; absent where it fits.
    pub refusal: Option<String>,
}

/// Limits of a run, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PlanLimits {
    /// Limit of the device's memory.
    pub device_bytes: u64,
    /// Limit of one buffer.
    pub buffer_bytes: u64,
    /// Limit of the host's memory.
    pub host_bytes: u64,
}

/// Cut of a volume into tiles and slabs, and the needs of each.
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
    /// Steps through a tile, more than slabs since stages that look ahead lag behind.
    pub steps: usize,
    /// Slices that are kept on the device.
    pub rings_slices: Rings,
    /// Distance that the stages look along z.
    pub reach_slices: Reaches,
    /// Fourier transform of a slice.
    pub transform: Transform,
    /// Most images that a step makes.
    pub images_per_step: usize,
    /// Buffers of the widest tile.
    pub buffers: Vec<BufferPlan>,
    /// Sum of the buffers.
    pub buffer_bytes: u64,
    /// Most bytes that the submissions under way carry to and from the device.
    pub submission_bytes: u64,
    /// Most bytes that the device holds.
    pub device_peak_bytes: u64,
    /// Memory of the host, by purpose.
    pub host: HostMemory,
    /// Most bytes that the host holds, beside the process itself.
    pub host_peak_bytes: u64,
    /// Bytes from the host to the device, in the whole run.
    pub uploaded_bytes: u64,
    /// Bytes from the device to the host, in the whole run.
    pub downloaded_bytes: u64,
    /// Bytes on the disk while the run lasts, about.
    pub meanwhile_bytes: u64,
    /// Plans with fewer slabs or tiles.
    pub fewer: Vec<Fewer>,
}

/// Slices in the rings that are kept from one step to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rings {
    /// Slices of labels.
    pub labels: usize,
    /// Slices of protein counts.
    pub counts: usize,
    /// Slices of emission spectra.
    pub spectra: usize,
}

/// The Fourier transform of a block: its lengths, and the radices of the butterflies of each pass
/// over memory.
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
    /// Slices of the farthest displacement by an uneven expansion.
    pub distortion: usize,
    /// Slices of the farthest displacement of a round of imaging.
    pub rounds: usize,
    /// Slices of the neighbours that decide on membranes.
    pub membrane: usize,
    /// Slices of the farthest displacement of a protein.
    pub displacement: usize,
    /// Slices of the point spread function's radius.
    pub blur: usize,
}

/// Buffer of the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BufferPlan {
    /// Name of its content.
    pub name: String,
    /// Size of the buffer.
    pub bytes: u64,
}

/// Plan with fewer parts.
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
    /// Size of the volumes that exist.
    pub read_bytes: u64,
    /// An upper bound of the output; absent where it depends on the number of cells.
    pub written_bytes_at_most: Option<u64>,
    /// Bytes that lie beside the output while the run lasts, about.
    pub meanwhile_bytes: u64,
    /// Free bytes there.
    pub free_bytes: Option<u64>,
    /// Folder of the output.
    pub folder: PathBuf,
}
