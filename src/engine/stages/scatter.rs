//! Proteins of one labelling layer (docs/model.md section 2).

use super::Ring;
use super::status::COUNTS_OVERFLOW;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, constants,
    kernel_params,
};
use crate::engine::rng::{RowDraws, StreamKey, TableRef, TableView};
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
        proteins: StreamKey,
        /// Stream of the displacements.
        displacement: StreamKey,
        /// Table of amplified counts.
        count: TableRef,
        /// Table of who is displaced.
        displaced: TableRef,
        /// Table of displacements along z.
        moved_z: TableRef,
        /// Table of displacements along x.
        moved_x: TableRef,
        /// Table of displacements along y.
        moved_y: TableRef,
    }
}

/// Labels (ring), regions (slab), cells' keys, selection bits, tables to counts (ring) and status.
pub static SCATTER: Kernel = Kernel {
    name: "scatter",
    stage: Stage::Labelling,
    grid: Grid::Voxels(8),
    source: include_str!("../../../shaders/scatter.wgsl"),
    params: ScatterParams::LAYOUT,
    constants: constants![COUNTS_OVERFLOW: u32],
    generated: &[],
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
    fills: false,
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
    let view = |place| TableView::new(tables, place);
    let (count, displaced) = (view(p.count), view(p.displaced));
    let moves = [p.moved_z, p.moved_x, p.moved_y].map(view);
    let size = [p.depth as i32, p.size_x as i32, p.size_y as i32];
    let add = |place: [i32; 3], count: u32| {
        if (0..3).any(|axis| place[axis] < 0 || place[axis] >= size[axis]) {
            return;
        }
        let [z, x, y] = place.map(|position| position as usize);
        let at = (z % p.counts_ring as usize) * plane + x * size_y + y;
        let before = counts[at].fetch_add(count, Ordering::Relaxed);
        if before.checked_add(count).is_none() {
            state[0].fetch_or(COUNTS_OVERFLOW, Ordering::Relaxed);
        }
    };
    (0..p.slices as usize * size_x)
        .into_par_iter()
        .for_each_init(
            || (RowDraws::default(), RowDraws::default(), Vec::new()),
            |(sites, leaving, leaving_counts), row| {
                let (z, x) = (p.first_z + (row / size_x) as u32, row % size_x);
                let row_cells = &labels_ring.slice(labels, z)[x * size_y..][..size_y];
                let row_bits = &regions[row * size_y..][..size_y];
                sites.clear();
                for (y, (&cell, &bits)) in row_cells.iter().zip(row_bits).enumerate() {
                    if bits & p.region != 0 && selection[cell as usize / 32] >> (cell % 32) & 1 != 0
                    {
                        sites.push(y, cells[cell as usize]);
                    }
                }
                leaving.clear();
                leaving_counts.clear();
                let start = [p.origin_z + z, p.origin_x + x as u32, p.origin_y];
                for (y, words) in sites.draw(p.proteins, start) {
                    let count = count.draw(words[0]);
                    if count == 0 {
                        continue;
                    }
                    if displaced.draw(words[1]) == 0 {
                        add([z as i32, x as i32, y as i32], count);
                    } else {
                        leaving.push(y, cells[row_cells[y] as usize]);
                        leaving_counts.push(count);
                    }
                }
                let drawn = leaving.draw(p.displacement, start);
                for ((y, words), &count) in drawn.zip(&*leaving_counts) {
                    let moved = |axis: usize| moves[axis].draw(words[axis]) as i32;
                    add(
                        [
                            z as i32 + moved(0),
                            x as i32 + moved(1),
                            y as i32 + moved(2),
                        ],
                        count,
                    );
                }
            },
        );
}
