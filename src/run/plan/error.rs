//! Why a run cannot be planned.

use crate::base::host::amount;

/// Why a run does not fit a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Even one slice at a time, of as few rows as can be, needs more.
    #[error(
        "a run with slabs of one slice{} needs {} of the device's memory (the largest buffer, {buffer}, {}), \
         where {} in buffers of at most {} are to be had",
        tiled(*tiles), amount(*needed_bytes), amount(*buffer_bytes), amount(*total_bytes), amount(*binding_bytes)
    )]
    TooLarge {
        /// Tiles of the finest division.
        tiles: usize,
        /// Sum of all buffers, in bytes.
        needed_bytes: u64,
        /// Name of the largest buffer.
        buffer: String,
        /// Size of the largest buffer, in bytes.
        buffer_bytes: u64,
        /// Memory that the device offers, in bytes.
        total_bytes: u64,
        /// Largest buffer that the device offers, in bytes.
        binding_bytes: u64,
    },
    /// The device could, but the host has too little.
    #[error(
        "a run with slabs of one slice{} needs {} of the host's memory, where {} are to be had: raise --memory \
         ([compute] memory), or load a part of the volume with [groundtruth] bounds",
        tiled(*tiles), amount(*needed_bytes), amount(*budget_bytes)
    )]
    HostTooSmall {
        /// Tiles of the finest division.
        tiles: usize,
        /// Memory that the run needs at its peak, in bytes.
        needed_bytes: u64,
        /// Memory that the run may take, in bytes.
        budget_bytes: u64,
    },
    /// A line of the transform does not fit a workgroup.
    #[error(
        "slices of {size_x} x {size_y} voxels need lines of {line_bytes} bytes in workgroup memory, \
         where {workgroup_bytes} are to be had"
    )]
    LinesTooLong {
        /// Rows of a slice.
        size_x: usize,
        /// Columns of a slice.
        size_y: usize,
        /// Workgroup memory that a line needs, in bytes.
        line_bytes: usize,
        /// Workgroup memory that the device offers, in bytes.
        workgroup_bytes: u32,
    },
}

fn tiled(tiles: usize) -> String {
    match tiles {
        1 => String::new(),
        tiles => format!(" and {tiles} tiles"),
    }
}
