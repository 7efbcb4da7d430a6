//! Complex-to-real transform back along y, cropped, rounded, with the baseline added.

use super::photons::{Baseline, MOST, finish_row};
use super::zeros;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Generated, Grid, Kernel, KernelParams, Layout, Stage,
    Traffic, constants, kernel_params,
};
use crate::engine::fft::{BLOCK, real_plans};
use crate::engine::rng::{StreamKey, TableRef};
use crate::engine::stages::for_rows_init;
use crate::engine::stages::status::BLUR_OVERFLOW;
use rustfft::num_complex::Complex32;
use std::sync::atomic::Ordering;

kernel_params! {
    /// Rows of a block in the kept slices `first_z, first_z + step_z, ...`. The length of the transform is as in
    /// [`super::rows_forward::RowsForwardParams`].
    RowsInverseParams {
        /// Rows of the block.
        size_x: u32,
        /// Columns of the block.
        size_y: u32,
        /// Rows of a blurred slice.
        blurred_x: u32,
        /// Columns of a blurred slice.
        blurred_y: u32,
        /// First row of the block there.
        at_x: u32,
        /// First column of the block there.
        at_y: u32,
        /// Blocks of frequencies of y.
        blocks: u32,
        /// Number of slices.
        slices: u32,
        /// Where the roots that put a packed row together start in the tables.
        split_at: u32,
        /// Where the order of the outputs starts in the tables.
        order_at: u32,
        /// Place of the blurred voxels in their source, for the draws.
        origin_z: u32,
        /// As `origin_z`, along x.
        origin_x: u32,
        /// As `origin_z`, along y.
        origin_y: u32,
        /// First slice.
        first_z: u32,
        /// Distance of one kept slice from the next.
        step_z: u32,
        /// 1: there is a baseline.
        baseline: u32,
        /// Stream of the baseline.
        baseline_key: StreamKey,
        /// Table of its photons.
        baseline_photons: TableRef,
    }
}

/// Spectra of rows, (slice, block, x, frequency), to the blurred volume in whole photons, and status.
/// `profile` is the baseline's Gaussian along x, then along y, of the blurred voxels.
pub static ROWS_INVERSE: Kernel = Kernel {
    name: "rows_inverse",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../shaders/rows_inverse.wgsl"),
    params: RowsInverseParams::LAYOUT,
    constants: constants![BLOCK: u32, BLUR_OVERFLOW: u32, MOST: f32],
    generated: &[Generated::Lines(Layout::Rows)],
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::ReadWrite,
        Access::ReadWrite,
    ],
    agreement: Agreement::WholePhotons,
    fills: true,
    cpu: rows_inverse_cpu,
    traffic: rows_inverse_traffic,
};

fn rows_inverse_traffic(extent: Extent<'_>) -> Traffic {
    let p: RowsInverseParams = extent.params();
    let frequencies = u64::from(p.order_at - p.split_at);
    let rows = u64::from(p.slices) * u64::from(p.size_x);
    Traffic::words(2 * rows * frequencies, rows * u64::from(p.size_y))
}

fn rows_inverse_cpu(call: &mut CpuCall<'_>) {
    let p: RowsInverseParams = call.params();
    let [rows, _, tables, profile, mut blurred, mut state] = call.buffers();
    let (size_x, size_y) = (p.size_x as usize, p.size_y as usize);
    let blocks = p.blocks as usize;
    let frequencies = (p.order_at - p.split_at) as usize;
    let length = 2 * (frequencies - 1);
    let (_, plan) = real_plans(length);
    let (rows, tables) = (rows.read::<Complex32>(), tables.read::<u32>());
    let state = state.atomic();
    let (at_x, at_y) = (p.at_x as usize, p.at_y as usize);
    let origin = [p.origin_z + p.first_z, p.origin_x, p.origin_y + p.at_y];
    let table = (p.baseline != 0).then_some(p.baseline_photons);
    let (profile, key) = (profile.read(), p.baseline_key);
    let profile: &[f32] = profile;
    let (across, along) = profile.split_at(p.blurred_x as usize);
    let profile = (across, &along[at_y..]);
    let baseline = Baseline::new(tables, profile, key, table, origin, p.step_z);
    let scratch = || {
        let line = vec![0.0f32; length];
        let transform = zeros(plan.get_scratch_len());
        (zeros(frequencies), line, transform, Default::default())
    };
    for_rows_init(
        blurred.write(),
        p.blurred_x as usize,
        p.blurred_y as usize,
        p.slices,
        scratch,
        |(spectrum, line, scratch, draws), slice, row, out: &mut [u32]| {
            let Some(x) = row.checked_sub(at_x).filter(|&x| x < size_x) else {
                return;
            };
            let out = &mut out[at_y..at_y + size_y];
            for (block, values) in spectrum.chunks_mut(BLOCK).enumerate() {
                let at = ((slice as usize * blocks + block) * size_x + x) * BLOCK;
                values.copy_from_slice(&rows[at..at + values.len()]);
            }
            // Real by symmetry, but for rounding, which the plan would refuse.
            spectrum[0].im = 0.0;
            spectrum[frequencies - 1].im = 0.0;
            let _ = plan.process_with_scratch(spectrum, line, scratch);
            if finish_row(line, out, baseline.as_ref(), [slice, row as u32], draws) {
                state[0].fetch_or(BLUR_OVERFLOW, Ordering::Relaxed);
            }
        },
    );
}
