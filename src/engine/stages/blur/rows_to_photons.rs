//! The end of the blur in the model `simexm`: whole photons, with the baseline added.

use super::photons::{Baseline, MOST, finish_row};
use super::rows_inverse::{Epilogue, epilogue_params, traffic};
use crate::engine::compute::{
    Access, Agreement, CpuCall, Generated, Grid, Kernel, KernelParams, Layout, Stage, constants,
};
use crate::engine::fft::BLOCK;
use crate::engine::rng::{RowDraws, StreamKey, TableRef};
use crate::engine::stages::status::BLUR_OVERFLOW;
use rustfft::num_complex::Complex32;
use std::sync::atomic::Ordering;

epilogue_params! {
    /// Rows of a block in the kept slices `first_z, first_z + step_z, ...`.
    RowsToPhotonsParams of ROWS_TO_PHOTONS {
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

/// Spectra of rows, (slice, block, x, frequency), to the blurred volume in whole photons, and
/// status. `profile` is the baseline's Gaussian along x, then along y, of the blurred voxels.
pub static ROWS_TO_PHOTONS: Kernel = Kernel {
    name: "rows_to_photons",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../shaders/rows_to_photons.wgsl"),
    params: RowsToPhotonsParams::LAYOUT,
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
    cpu: rows_to_photons_cpu,
    traffic: traffic::<RowsToPhotonsParams>,
};

fn rows_to_photons_cpu(call: &mut CpuCall<'_>) {
    let p: RowsToPhotonsParams = call.params();
    let [rows, _, tables, profile, mut blurred, mut state] = call.buffers();
    let (rows, tables) = (rows.read::<Complex32>(), tables.read::<u32>());
    let state = state.atomic();
    let origin = [p.origin_z + p.first_z, p.origin_x, p.origin_y + p.at_y];
    let table = (p.baseline != 0).then_some(p.baseline_photons);
    let (across, along) = profile.read::<f32>().split_at(p.blurred_x as usize);
    let profile = (across, &along[p.at_y as usize..]);
    let baseline = Baseline::new(tables, profile, p.baseline_key, table, origin, p.step_z);
    let store = |draws: &mut RowDraws, values: &[f32], out: &mut [u32], place: [u32; 2]| {
        if finish_row(values, out, baseline.as_ref(), place, draws) {
            state[0].fetch_or(BLUR_OVERFLOW, Ordering::Relaxed);
        }
    };
    p.rows().inverse(rows, blurred.write(), p.slices, store);
}
