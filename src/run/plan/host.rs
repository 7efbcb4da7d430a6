//! What a run takes of the host's memory, beside what the process holds before it.

use crate::engine::compute::{IN_FLIGHT, MemoryKind};
use serde::Serialize;

/// Sizes that decide about the host's memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct HostSizes {
    /// Voxels of a slice of the tissue.
    pub slice_voxels: u64,
    /// Volumes of annotated regions.
    pub annotations: u64,
    /// Slices set aside in memory.
    pub stores: u64,
    /// Sum of the device's buffers.
    pub buffer_bytes: u64,
    /// Most that a submission takes from the host.
    pub write_bytes: u64,
    /// Most that a submission of the image sweep reads back.
    pub read_bytes: u64,
    /// Grey values of all channels that are handed on together.
    pub grey_bytes: u64,
    /// Slices of all volumes that wait until a piece of them can be encoded.
    pub waiting_bytes: u64,
    /// The largest piece.
    pub encoded_bytes: u64,
    /// Pixels of an image.
    pub image_pixels: u64,
}

/// What a run takes of the host's memory, by what it is for, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HostMemory {
    /// The device's buffers, where they lie in the host's memory.
    pub buffers: u64,
    /// Labels and images set aside, compressed; what is beyond goes to the disk.
    pub stores: u64,
    /// Decoders of the ground truth, one for each thread.
    pub reading: u64,
    /// What enters and leaves a device while images are made, and what is made of it.
    pub imaging: u64,
    /// Images, their grey values, and their pages, while they are written.
    pub writing: u64,
}

impl HostMemory {
    pub(super) fn new(sizes: &HostSizes, residence: MemoryKind) -> Self {
        let threads = rayon::current_num_threads() as u64;
        let s = sizes;
        let per_thread = |bytes: u64| threads.saturating_mul(bytes);
        // Decoded pixels, ids of 64 bits, and notes and bits of annotated regions.
        let notes = if s.annotations > 0 { 12 } else { 0 };
        let reading = per_thread(s.slice_voxels.saturating_mul(16 + notes));
        // A GPU's recordings are copied for it; what it reads back it maps, and the host copies
        // that.
        let (copies, in_flight) = match residence {
            MemoryKind::Host => (1, 1),
            MemoryKind::Discrete | MemoryKind::Unified => (2, IN_FLIGHT as u64),
        };
        let written = s.write_bytes.saturating_mul(copies);
        // One step's reads come while those of the step before become pages.
        let read = s.read_bytes.saturating_mul(2 + in_flight - 1);
        // Whole slices are decompressed, whatever part of them a tile takes.
        let slice = |bytes: u64| s.slice_voxels.saturating_mul(bytes);
        let decoded = per_thread(slice(4));
        let pages = per_thread(s.image_pixels.saturating_mul(8));
        // Grey values of a batch while those of the one before become pages; counts on the way to
        // them.
        let counts = per_thread(s.image_pixels.saturating_mul(4));
        let grey = s.grey_bytes.saturating_mul(2 + in_flight - 1);
        // What waits at the levels of a pyramid is a third of what waits before, at most; a piece
        // has its channels apart, is packed, and leaves a level.
        let waiting = s.waiting_bytes.saturating_add(s.waiting_bytes / 3);
        let pieces = waiting.saturating_add(s.encoded_bytes.saturating_mul(3));
        Self {
            buffers: match residence {
                MemoryKind::Discrete => 0,
                MemoryKind::Host | MemoryKind::Unified => s.buffer_bytes,
            },
            stores: s.stores,
            reading,
            imaging: [written, read, decoded, pages, pieces]
                .into_iter()
                .fold(0, u64::saturating_add),
            writing: [grey, counts, pages, pieces]
                .into_iter()
                .fold(0, u64::saturating_add),
        }
    }

    /// The most that is there together.
    pub fn peak_bytes(&self) -> u64 {
        let run = self.buffers.saturating_add(self.imaging.max(self.writing));
        self.stores.saturating_add(run.max(self.reading))
    }
}
