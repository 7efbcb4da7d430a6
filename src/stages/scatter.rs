//! Proteins of one labelling layer (docs/model.md section 2).

use super::{Ring, status};
use crate::compute::{
    Access, Agreement, CpuCall, Extent, Kernel, KernelParams, Traffic, kernel_params,
};
use crate::rng::{StreamKey, draw_from};
use rayon::prelude::*;
use std::sync::atomic::Ordering;

kernel_params! {
    /// Scatters the sites of slices `first_z .. first_z + slices` into the counts of a fluorophore.
    ScatterParams {
        /// Rows of a slice.
        size_x: u32,
        /// Columns of a slice.
        size_y: u32,
        /// Slices of the whole volume.
        depth: u32,
        /// Offset of the volume in its source, for the draws.
        origin_z: u32,
        /// As `origin_z`, along x.
        origin_x: u32,
        /// As `origin_z`, along y.
        origin_y: u32,
        /// First slice of sites.
        first_z: u32,
        /// Number of slices of sites.
        slices: u32,
        /// Slices in the ring of labels.
        labels_ring: u32,
        /// Slices in the ring of counts.
        counts_ring: u32,
        /// Bit of the layer's region.
        region: u32,
        /// First word of the layer's bits in `selection`.
        selection_at: u32,
        /// Stream of the counts and of who is displaced.
        proteins_key_0: u32,
        /// Its second word.
        proteins_key_1: u32,
        /// Stream of the displacements.
        displacement_key_0: u32,
        /// Its second word.
        displacement_key_1: u32,
        /// Table of amplified counts.
        count_at: u32,
        /// Its thresholds.
        count_len: u32,
        /// Table of who is displaced.
        displaced_at: u32,
        /// Its thresholds.
        displaced_len: u32,
        /// Table of displacements along z.
        z_at: u32,
        /// Its thresholds.
        z_len: u32,
        /// Table of displacements along x.
        x_at: u32,
        /// Its thresholds.
        x_len: u32,
        /// Table of displacements along y.
        y_at: u32,
        /// Its thresholds.
        y_len: u32,
    }
}

/// Labels (ring), regions (slab), cells' keys, selection bits, tables to counts (ring) and status.
pub static SCATTER: Kernel = Kernel {
    name: "scatter",
    source: include_str!("../../shaders/scatter.wgsl"),
    params: ScatterParams::LAYOUT,
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::ReadWrite,
        Access::ReadWrite,
    ],
    agreement: Agreement::Exact,
    cpu: scatter_cpu,
    traffic: scatter_traffic,
};

fn scatter_traffic(extent: Extent<'_>) -> Traffic {
    let p: ScatterParams = extent.params();
    let voxels = u64::from(p.slices) * u64::from(p.size_x) * u64::from(p.size_y);
    // Labels and regions; where proteins land depends on the cells.
    Traffic::words(2 * voxels, 0)
}

fn scatter_cpu(call: &mut CpuCall<'_>) {
    let p: ScatterParams = call.params();
    let [
        labels,
        regions,
        cells,
        selection,
        tables,
        mut counts,
        mut state,
    ] = call.buffers();
    let (size_x, size_y) = (p.size_x as usize, p.size_y as usize);
    let plane = size_x * size_y;
    let labels_ring = Ring::new(p.labels_ring, plane);
    let (labels, regions) = (labels.read::<u32>(), regions.read::<u32>());
    let (cells, tables) = (cells.read::<u32>(), tables.read::<u32>());
    let selection = &selection.read::<u32>()[p.selection_at as usize..];
    let (counts, state) = (counts.atomic(), state.atomic());
    let proteins = StreamKey([p.proteins_key_0, p.proteins_key_1]);
    let displacement = StreamKey([p.displacement_key_0, p.displacement_key_1]);
    let displaced = |voxel: [u32; 3], cell: u32| -> [i32; 3] {
        let words = displacement.at(voxel, cell);
        [
            draw_from(tables, p.z_at, p.z_len, words[0]) as i32,
            draw_from(tables, p.x_at, p.x_len, words[1]) as i32,
            draw_from(tables, p.y_at, p.y_len, words[2]) as i32,
        ]
    };
    (0..p.slices as usize * size_x)
        .into_par_iter()
        .for_each(|row| {
            let (z, x) = (p.first_z + (row / size_x) as u32, row % size_x);
            let row_cells = &labels_ring.slice(labels, z)[x * size_y..][..size_y];
            let row_bits = &regions[row * size_y..][..size_y];
            for (y, (&cell, &bits)) in row_cells.iter().zip(row_bits).enumerate() {
                if bits & p.region == 0 || selection[cell as usize / 32] >> (cell % 32) & 1 == 0 {
                    continue;
                }
                let voxel = [p.origin_z + z, p.origin_x + x as u32, p.origin_y + y as u32];
                let key = cells[cell as usize];
                let words = proteins.at(voxel, key);
                let count = draw_from(tables, p.count_at, p.count_len, words[0]);
                if count == 0 {
                    continue;
                }
                let mut place = [z as i32, x as i32, y as i32];
                if draw_from(tables, p.displaced_at, p.displaced_len, words[1]) != 0 {
                    let moves = displaced(voxel, key);
                    place = std::array::from_fn(|axis| place[axis] + moves[axis]);
                }
                let size = [p.depth as i32, p.size_x as i32, p.size_y as i32];
                if (0..3).any(|axis| place[axis] < 0 || place[axis] >= size[axis]) {
                    continue;
                }
                let [z, x, y] = place.map(|position| position as usize);
                let at = (z % p.counts_ring as usize) * plane + x * size_y + y;
                let before = counts[at].fetch_add(count, Ordering::Relaxed);
                if before.checked_add(count).is_none() {
                    state[0].fetch_or(status::COUNTS_OVERFLOW, Ordering::Relaxed);
                }
            }
        });
}
