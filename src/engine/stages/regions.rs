//! Which regions of its cell a voxel belongs to (docs/model.md section 1).

use super::{Ring, for_rows};
use crate::base::region_bits::{CYTOSOL, FULL, MEMBRANE};
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, constants,
    kernel_params,
};

kernel_params! {
    /// Slices `first_z .. first_z + slices` of a volume whose labels lie in a ring.
    RegionsParams {
        /// Rows of a slice.
        size_x: u32,
        /// Columns of a slice.
        size_y: u32,
        /// Slices of the whole volume.
        depth: u32,
        /// 1: the 26 neighbours count; 0: the 8 in the slice.
        isotropic: u32,
        /// First slice to classify.
        first_z: u32,
        /// Number of slices to classify.
        slices: u32,
        /// Slices in the rings of labels and annotations.
        ring: u32,
        /// 1: annotations are bound and hold bits of further regions.
        annotated: u32,
    }
}

/// Labels and annotations (rings) to regions (slab).
pub static REGIONS: Kernel = Kernel {
    name: "regions",
    stage: Stage::Regions,
    grid: Grid::Voxels(4),
    source: include_str!("../../../shaders/regions.wgsl"),
    params: RegionsParams::LAYOUT,
    constants: constants![MEMBRANE: u32, CYTOSOL: u32, FULL: u32],
    generated: &[],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Exact,
    fills: true,
    cpu: regions_cpu,
    traffic: regions_traffic,
};

fn regions_traffic(extent: Extent<'_>) -> Traffic {
    let p: RegionsParams = extent.params();
    let plane = u64::from(p.size_x) * u64::from(p.size_y);
    // The slices before and after, as far as there are any.
    let near = if p.isotropic != 0 {
        let end = (p.first_z + p.slices + 1).min(p.depth);
        end.saturating_sub(p.first_z.saturating_sub(1))
    } else {
        p.slices
    };
    let notes = if p.annotated != 0 { p.slices } else { 0 };
    Traffic::words(u64::from(near + notes) * plane, u64::from(p.slices) * plane)
}

fn regions_cpu(call: &mut CpuCall<'_>) {
    let p: RegionsParams = call.params();
    let [labels, annotations, mut regions] = call.buffers();
    let (size_x, size_y) = (p.size_x as usize, p.size_y as usize);
    let ring = Ring::new(p.ring, size_x * size_y);
    let (labels, annotations) = (labels.read::<u32>(), annotations.read::<u32>());
    let row = |z: u32, x: usize| &ring.slice(labels, z)[x * size_y..(x + 1) * size_y];
    for_rows(
        regions.write(),
        size_x,
        size_y,
        p.slices,
        |slice, x, out: &mut [u32]| {
            let z = p.first_z + slice;
            let cells = row(z, x);
            for (bits, &cell) in out.iter_mut().zip(cells) {
                *bits = if cell == 0 { 0 } else { FULL | CYTOSOL };
            }
            let inner = x > 0 && x + 1 < size_x && size_y > 2;
            let slices = match p.isotropic {
                0 => z..z + 1,
                _ if z == 0 || z + 1 >= p.depth => 0..0,
                _ => z - 1..z + 2,
            };
            if inner {
                for (slice, x) in slices.flat_map(|z| [(z, x - 1), (z, x), (z, x + 1)]) {
                    mark_membrane(&mut out[1..size_y - 1], cells, row(slice, x));
                }
            }
            if p.annotated != 0 {
                let notes = &ring.slice(annotations, z)[x * size_y..(x + 1) * size_y];
                for (bits, note) in out.iter_mut().zip(notes) {
                    *bits |= if *bits == 0 { 0 } else { *note };
                }
            }
        },
    );
}

/// Turns cytosol into membrane where one of three neighbours in a row differs.
fn mark_membrane(bits: &mut [u32], cells: &[u32], neighbours: &[u32]) {
    let count = bits.len();
    let cells = &cells[1..][..count];
    let near = [0, 1, 2].map(|first| &neighbours[first..][..count]);
    for (i, bits) in bits.iter_mut().enumerate() {
        let cell = cells[i];
        let other = (near[0][i] ^ cell) | (near[1][i] ^ cell) | (near[2][i] ^ cell);
        // Without a branch, so that many voxels are done at a time.
        let membrane = if other != 0 { FULL | MEMBRANE } else { *bits };
        *bits = if *bits != 0 { membrane } else { 0 };
    }
}
