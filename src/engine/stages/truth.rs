//! The ground truth of a fluorophore at the images' size (docs/model.md section 7).

use super::{Ring, for_rows};
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, kernel_params,
};

kernel_params! {
    /// The kept slices `first_z, first_z + step_z, ...` of a slab of regions that starts at
    /// `slab_z`, as the images from `first_image` on.
    TruthParams {
        /// Rows of a slice.
        size_x: u32,
        /// Columns of a slice.
        size_y: u32,
        /// Rows of an image.
        image_x: u32,
        /// Columns of an image.
        image_y: u32,
        /// First slice of the slab of regions.
        slab_z: u32,
        /// First slice to show.
        first_z: u32,
        /// Distance of one shown slice from the next.
        step_z: u32,
        /// Number of slices to show.
        slices: u32,
        /// Images before the first one, which stay as they are.
        first_image: u32,
        /// Slices in the ring of labels.
        labels_ring: u32,
        /// Bit of the region to show.
        region: u32,
        /// First word of the fluorophore's bits in `selection`.
        selection_at: u32,
        /// 1: keep the larger of what is there and what is shown (overlapping cells).
        combine: u32,
    }
}

/// Labels (ring), regions (slab), selection bits to cells (images). `shown` says which row of a
/// slice each row of an image shows, and then which column each column does.
pub static TRUTH: Kernel = Kernel {
    name: "truth",
    stage: Stage::GroundTruth,
    grid: Grid::Voxels(1),
    source: include_str!("../../../shaders/truth.wgsl"),
    params: TruthParams::LAYOUT,
    constants: &[],
    generated: &[],
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::ReadWrite,
    ],
    agreement: Agreement::Exact,
    fills: true,
    cpu: truth_cpu,
    traffic: truth_traffic,
};

fn truth_traffic(extent: Extent<'_>) -> Traffic {
    let p: TruthParams = extent.params();
    let pixels = u64::from(p.slices) * u64::from(p.image_x) * u64::from(p.image_y);
    // Label and region of the voxel that is shown, and where sheets are combined the cell so far.
    let read = if p.combine != 0 { 3 } else { 2 };
    Traffic::words(read * pixels, pixels)
}

fn truth_cpu(call: &mut CpuCall<'_>) {
    let p: TruthParams = call.params();
    let [labels, regions, selection, shown, mut cells] = call.buffers();
    let (size_x, size_y) = (p.size_x as usize, p.size_y as usize);
    let (image_x, image_y) = (p.image_x as usize, p.image_y as usize);
    let ring = Ring::new(p.labels_ring, size_x * size_y);
    let (labels, regions) = (labels.read::<u32>(), regions.read::<u32>());
    let selection = &selection.read::<u32>()[p.selection_at as usize..];
    let (rows, columns) = shown.read::<u32>()[..image_x + image_y].split_at(image_x);
    for_rows(
        &mut cells.write()[p.first_image as usize * image_x * image_y..],
        image_x,
        image_y,
        p.slices,
        |slice, i, out: &mut [u32]| {
            let z = p.first_z + slice * p.step_z;
            let x = rows[i] as usize;
            let labels = &ring.slice(labels, z)[x * size_y..][..size_y];
            let bits = &regions[((z - p.slab_z) as usize * size_x + x) * size_y..][..size_y];
            for (out, &y) in out.iter_mut().zip(columns) {
                let y = y as usize;
                let cell = labels[y];
                let selected = selection[cell as usize / 32] >> (cell % 32) & 1 != 0;
                let shown = if selected && bits[y] & p.region != 0 {
                    cell
                } else {
                    0
                };
                *out = if p.combine != 0 {
                    shown.max(*out)
                } else {
                    shown
                };
            }
        },
    );
}
