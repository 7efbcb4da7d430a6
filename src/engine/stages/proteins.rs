//! Proteins of a layer beyond [`super::scatter`]: densities by region, by the area of membrane in a
//! voxel and by cell, and proteins that lie apart (docs/model.md section 2.1).

use super::Ring;
use super::status::COUNTS_OVERFLOW;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, constants,
    kernel_params,
};
use crate::engine::rng::{RowDraws, StreamKey, TableRef, TableView};
use rayon::prelude::*;
use std::sync::atomic::Ordering;

/// Every voxel has the first density.
pub const BY_NOTHING: u32 = 0;
/// The first density that names one of the voxel's regions; 0 stands for outside all cells.
pub const BY_REGION: u32 = 1;
/// The density of the area of membrane in the voxel.
pub const BY_AREA: u32 = 2;

/// Most classes of area.
pub const AREA_CLASSES: u32 = 255;

/// Fractional bits of an area, in classes.
pub const AREA_SHIFT: u32 = 3;

/// Bits of the area of one face of a voxel, with its fractional bits.
pub const FACE_BITS: u32 = 10;

/// What the neighbours on a side of a voxel count together: 4 one that shares a face, 3 one that
/// shares an edge, 2 one that shares a corner.
pub const SIDE: u32 = 4 + 4 * 3 + 4 * 2;

kernel_params! {
    /// Puts the proteins of slices `first_z .. first_z + slices` into the counts of a fluorophore.
    ProteinsParams {
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
        /// Bit of the layer's region; 0 where every voxel counts, of cells or not.
        region: u32,
        /// First word of the layer's bits in `selection`.
        selection_at: u32,
        /// First word of the cells' levels in `selection`, a byte each.
        levels_at: u32,
        /// Levels of cells.
        levels: u32,
        /// What decides about the density: one of `BY_NOTHING`, ...
        by: u32,
        /// First word in `tables` of the areas of faces: for each direction of a surface, told by
        /// how much more neighbours of other cells count on one side than on the other along z, x
        /// and y (y fastest), those across z, x and y, of `FACE_BITS` each.
        weights_at: u32,
        /// First word of the densities in `tables`: regions, and the place of a table of counts.
        /// Those of the levels of one density follow each other.
        densities_at: u32,
        /// Number of densities, the levels of one counted once.
        densities: u32,
        /// Fluorophores of a protein.
        amplification: u32,
        /// 0: the proteins of a site lie together; 1: each moves on its own; 2: so do those of
        /// clusters, which are counted.
        apart: u32,
        /// Stream of the counts and of who is displaced.
        proteins: StreamKey,
        /// Stream of the displacements of sites.
        displacement: StreamKey,
        /// Stream of the displacements of proteins.
        linkage: StreamKey,
        /// Stream of the sizes of clusters.
        cluster: StreamKey,
        /// Table of who is displaced.
        displaced: TableRef,
        /// Table of displacements of sites along z.
        moved_z: TableRef,
        /// Table of displacements of sites along x.
        moved_x: TableRef,
        /// Table of displacements of sites along y.
        moved_y: TableRef,
        /// Table of displacements of proteins along z.
        linked_z: TableRef,
        /// Table of displacements of proteins along x.
        linked_x: TableRef,
        /// Table of displacements of proteins along y.
        linked_y: TableRef,
        /// Table of the proteins of a cluster.
        members: TableRef,
    }
}

/// Labels (ring), regions (slab), cells' keys, selection bits and levels, tables to counts (ring)
/// and status.
pub static PROTEINS: Kernel = Kernel {
    name: "proteins",
    stage: Stage::Labelling,
    grid: Grid::Voxels(8),
    source: include_str!("../../../shaders/proteins.wgsl"),
    params: ProteinsParams::LAYOUT,
    constants: constants![
        COUNTS_OVERFLOW: u32,
        BY_REGION: u32,
        BY_AREA: u32,
        AREA_SHIFT: u32,
        FACE_BITS: u32,
        SIDE: u32,
    ],
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
    cpu: proteins_cpu,
    traffic: proteins_traffic,
};

fn proteins_traffic(extent: Extent<'_>) -> Traffic {
    let p: ProteinsParams = extent.params();
    let voxels = u64::from(p.slices) * u64::from(p.size_x) * u64::from(p.size_y);
    // Labels and regions; where proteins land depends on the cells.
    Traffic::words(2 * voxels, 0)
}

/// Where a voxel's counts lie and how they are drawn.
struct Site<'a> {
    params: &'a ProteinsParams,
    labels: &'a [u32],
    ring: Ring,
    tables: &'a [u32],
    selection: &'a [u32],
}

impl Site<'_> {
    /// Whether a voxel of this cell and these regions may hold proteins.
    fn may_hold(&self, cell: u32, bits: u32) -> bool {
        if self.params.region == 0 {
            return true;
        }
        let word = self.params.selection_at + cell / 32;
        bits & self.params.region != 0 && self.selection[word as usize] >> (cell % 32) & 1 != 0
    }

    /// The table of counts of a voxel; `None` where there are none.
    fn counts(&self, [z, x, y]: [u32; 3], cell: u32, bits: u32) -> Option<TableRef> {
        let p = self.params;
        let density = match p.by {
            BY_REGION => (0..p.densities).find(|density| {
                let regions = self.tables[(p.densities_at + 3 * density * p.levels) as usize];
                regions & bits != 0 || regions | bits == 0
            })?,
            BY_AREA => self.area([z, x, y], cell),
            _ => 0,
        };
        let level = match p.levels {
            1 => 0,
            _ => self.selection[(p.levels_at + cell / 4) as usize] >> (8 * (cell % 4)) & 255,
        };
        let at = (p.densities_at + 3 * (density * p.levels + level)) as usize;
        let [at, len] = [self.tables[at + 1], self.tables[at + 2]];
        Some(TableRef { at, len })
    }

    /// The class of the area of membrane between a voxel of a cell and its neighbours. Beyond the
    /// volume its outermost voxels go on.
    fn area(&self, [z, x, y]: [u32; 3], cell: u32) -> u32 {
        let p = self.params;
        let size = [p.depth, p.size_x, p.size_y];
        let is_other = |step: [u32; 3]| {
            let near = |axis: usize| {
                let place = [z, x, y][axis] + step[axis];
                place.saturating_sub(1).min(size[axis] - 1)
            };
            let slice = self.ring.slice(self.labels, near(0));
            slice[(near(1) * p.size_y + near(2)) as usize] != cell
        };
        let mut faces = [0; 3];
        for (axis, faces) in faces.iter_mut().enumerate() {
            for side in [0, 2] {
                let mut step = [1; 3];
                step[axis] = side;
                *faces += u32::from(is_other(step));
            }
        }
        if faces == [0; 3] {
            return 0;
        }
        // What neighbours of others count, before and behind the voxel along each axis.
        let mut sides = [[0u32; 3]; 3];
        for number in 0..27 {
            let step = [number / 9, number / 3 % 3, number % 3];
            if is_other(step) {
                let away = step.iter().filter(|step| **step != 1).count() as u32;
                (0..3).for_each(|axis| sides[axis][step[axis] as usize] += 5 - away);
            }
        }
        let along = |axis: usize| match faces[axis] {
            2 => SIDE,
            _ => sides[axis][0].abs_diff(sides[axis][2]),
        };
        let normal = (along(0) * (SIDE + 1) + along(1)) * (SIDE + 1) + along(2);
        let areas = self.tables[(p.weights_at + normal) as usize];
        let mut sum = 1 << (AREA_SHIFT - 1);
        for (axis, faces) in (0..3).zip(faces) {
            sum += faces * (areas >> (FACE_BITS * axis) & ((1 << FACE_BITS) - 1));
        }
        sum >> AREA_SHIFT
    }
}

fn proteins_cpu(call: &mut CpuCall<'_>) {
    let p: ProteinsParams = call.params();
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
    let ring = Ring::new(p.labels_ring, plane);
    let (labels, regions) = (labels.read::<u32>(), regions.read::<u32>());
    let (cells, tables) = (cells.read::<u32>(), tables.read::<u32>());
    let selection = selection.read::<u32>();
    let site = Site {
        params: &p,
        labels,
        ring,
        tables,
        selection,
    };
    let (counts, state) = (counts.atomic(), state.atomic());
    let view = |place| TableView::new(tables, place);
    let displaced = view(p.displaced);
    let moves = [p.moved_z, p.moved_x, p.moved_y].map(view);
    let links = [p.linked_z, p.linked_x, p.linked_y].map(view);
    let members = view(p.members);
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
        .for_each_init(RowDraws::default, |sites, row| {
            let (z, x) = (p.first_z + (row / size_x) as u32, row % size_x);
            let row_cells = &ring.slice(labels, z)[x * size_y..][..size_y];
            let row_bits = &regions[row * size_y..][..size_y];
            sites.clear();
            for (y, (&cell, &bits)) in row_cells.iter().zip(row_bits).enumerate() {
                if site.may_hold(cell, bits) {
                    sites.push(y, cells[cell as usize]);
                }
            }
            let start = [p.origin_z + z, p.origin_x + x as u32, p.origin_y];
            for (y, words) in sites.draw(p.proteins, start) {
                let (cell, bits) = (row_cells[y], row_bits[y]);
                let Some(table) = site.counts([z, x as u32, y as u32], cell, bits) else {
                    continue;
                };
                let count = table.draw(tables, words[0]);
                if count == 0 {
                    continue;
                }
                let voxel = [start[0], start[1], start[2] + y as u32];
                let key = cells[cell as usize];
                let moved = |by: &[TableView<'_>; 3], words: [u32; 4], from: [i32; 3]| {
                    std::array::from_fn(|axis| from[axis] + by[axis].draw(words[axis]) as i32)
                };
                let mut place = [z as i32, x as i32, y as i32];
                if displaced.draw(words[1]) != 0 {
                    place = moved(&moves, p.displacement.at(voxel, key), place);
                }
                if p.apart == 0 {
                    add(place, count.wrapping_mul(p.amplification));
                    continue;
                }
                let mut number = 0;
                for cluster in 0..count {
                    let proteins = match p.apart {
                        1 => 1,
                        _ => members.draw(p.cluster.numbered(cluster).at(voxel, key)[0]),
                    };
                    for _ in 0..proteins {
                        let words = p.linkage.numbered(number).at(voxel, key);
                        add(moved(&links, words, place), p.amplification);
                        number += 1;
                    }
                }
            }
        });
}
