//! Voxels of each cell in one region.

use super::Ring;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, kernel_params,
};
use rayon::prelude::*;
use std::sync::atomic::Ordering;

kernel_params! {
    /// Counts a slab into `voxels[voxels_at + cell]`.
    SurveyParams {
        /// Voxels of a slice.
        plane: u32,
        /// Columns of a slice.
        size_y: u32,
        /// First row that counts.
        from_x: u32,
        /// The row after the last one.
        to_x: u32,
        /// First column that counts.
        from_y: u32,
        /// The column after the last one.
        to_y: u32,
        /// First slice to count.
        first_z: u32,
        /// Number of slices.
        slices: u32,
        /// Slices in the ring of labels.
        ring: u32,
        /// Bit of the region.
        region: u32,
        /// Where the region's counts start.
        voxels_at: u32,
    }
}

/// Labels (ring) and regions (slab) to counts per cell.
pub static SURVEY: Kernel = Kernel {
    name: "survey",
    stage: Stage::Regions,
    grid: Grid::Linear,
    source: include_str!("../../../shaders/survey.wgsl"),
    params: SurveyParams::LAYOUT,
    constants: &[],
    generated: &[],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Exact,
    fills: false,
    cpu: survey_cpu,
    traffic: survey_traffic,
};

fn survey_traffic(extent: Extent<'_>) -> Traffic {
    let p: SurveyParams = extent.params();
    // Labels and regions; the counts of a few cells stay in the cache.
    Traffic::words(2 * u64::from(p.slices) * u64::from(p.plane), 0)
}

fn survey_cpu(call: &mut CpuCall<'_>) {
    let p: SurveyParams = call.params();
    let [labels, regions, mut voxels] = call.buffers();
    let plane = p.plane as usize;
    let ring = Ring::new(p.ring, plane);
    let (labels, regions) = (labels.read::<u32>(), regions.read::<u32>());
    let voxels = voxels.atomic();
    (0..p.slices).into_par_iter().for_each(|slice| {
        let cells = ring.slice(labels, p.first_z + slice);
        let bits = &regions[slice as usize * plane..][..plane];
        let rows = (p.from_x as usize..p.to_x as usize).map(|x| x * p.size_y as usize);
        let columns = p.from_y as usize..p.to_y as usize;
        let counted = rows.flat_map(|row| row + columns.start..row + columns.end);
        // Cells come in runs along y: one atomic addition for each run.
        let (mut current, mut run) = (0, 0);
        for (cell, bits) in counted.map(|at| (cells[at], bits[at])) {
            if bits & p.region != 0 {
                if cell != current {
                    if run > 0 {
                        voxels[(p.voxels_at + current) as usize].fetch_add(run, Ordering::Relaxed);
                    }
                    (current, run) = (cell, 0);
                }
                run += 1;
            }
        }
        if run > 0 {
            voxels[(p.voxels_at + current) as usize].fetch_add(run, Ordering::Relaxed);
        }
    });
}
