//! The two passes from spectra of rows to the blurred volume in whole photons.

use super::Lines;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Generated, Grid, Kernel, KernelParams, Layout, Stage,
    Traffic, constants, kernel_params,
};
use crate::engine::fft::BLOCK;
use crate::engine::rng::{StreamKey, TableRef};
use crate::engine::stages::blur::photons::{Baseline, MOST, finish_row};
use crate::engine::stages::for_rows_init;
use crate::engine::stages::status::BLUR_OVERFLOW;
use rayon::prelude::*;
use rustfft::num_complex::Complex32;
use std::sync::atomic::Ordering;

kernel_params! {
    /// Spectra of the rows of a slab, and where their tables are.
    LongRowsInverseParams {
        /// Rows of a slice.
        size_x: u32,
        /// Blocks of frequencies of y.
        blocks: u32,
        /// Number of slices.
        slices: u32,
        /// Length of the transform.
        length: u32,
        /// Length of its second pass.
        second: u32,
        /// Where the roots of the whole length start in the tables.
        roots_at: u32,
    }
}

kernel_params! {
    /// Rows of the kept slices, as in [`crate::engine::stages::blur::rows_inverse::RowsInverseParams`].
    LongRowsStoreParams {
        /// Rows of a slice.
        size_x: u32,
        /// Columns of a slice.
        size_y: u32,
        /// Number of slices.
        slices: u32,
        /// Length of the transform.
        length: u32,
        /// Length of its second pass.
        second: u32,
        /// Where the order of the second pass's outputs starts in the tables.
        order_at: u32,
        /// Offset of the volume in its source, for the draws.
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

/// Spectra of rows, (slice, block, x, frequency), to lines, (slice, x, first, second).
pub static LONG_ROWS_INVERSE: Kernel = Kernel {
    name: "long_rows_inverse",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../../shaders/long_rows_inverse.wgsl"),
    params: LongRowsInverseParams::LAYOUT,
    constants: constants![BLOCK: u32],
    generated: &[Generated::Lines(Layout::Columns)],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
    cpu: inverse_cpu,
    traffic: inverse_traffic,
};

/// Lines to the blurred volume in whole photons, and status; `profile` as in
/// [`crate::engine::stages::blur::rows_inverse::ROWS_INVERSE`].
pub static LONG_ROWS_STORE: Kernel = Kernel {
    name: "long_rows_store",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../../shaders/long_rows_store.wgsl"),
    params: LongRowsStoreParams::LAYOUT,
    constants: constants![BLUR_OVERFLOW: u32, MOST: f32],
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
    cpu: store_cpu,
    traffic: store_traffic,
};

fn inverse_traffic(extent: Extent<'_>) -> Traffic {
    let p: LongRowsInverseParams = extent.params();
    let rows = u64::from(p.slices) * u64::from(p.size_x);
    let length = u64::from(p.length);
    Traffic::words(2 * rows * (length / 2 + 1), 2 * rows * length)
}

fn store_traffic(extent: Extent<'_>) -> Traffic {
    let p: LongRowsStoreParams = extent.params();
    let rows = u64::from(p.slices) * u64::from(p.size_x);
    Traffic::words(2 * rows * u64::from(p.length), rows * u64::from(p.size_y))
}

/// Real and imaginary part exchanged.
fn exchanged(value: Complex32) -> Complex32 {
    Complex32::new(value.im, value.re)
}

fn inverse_cpu(call: &mut CpuCall<'_>) {
    let p: LongRowsInverseParams = call.params();
    let [rows, fourier, mut lines] = call.buffers();
    let (rows, fourier) = (rows.read::<Complex32>(), fourier.read::<Complex32>());
    let (size_x, blocks, length) = (p.size_x as usize, p.blocks as usize, p.length as usize);
    let roots = &fourier[p.roots_at as usize..][..length];
    let lines: &mut [Complex32] = lines.write();
    lines[..p.slices as usize * size_x * length]
        .par_chunks_exact_mut(length)
        .enumerate()
        .for_each_init(
            || (Lines::new(length, p.second as usize), Vec::new()),
            |(passes, spectrum), (row, lines)| {
                let (slice, x) = (row / size_x, row % size_x);
                let frequency = |k: usize| {
                    let block = slice * blocks + k / BLOCK;
                    rows[(block * size_x + x) * BLOCK + k % BLOCK]
                };
                spectrum.clear();
                spectrum.extend((0..length).map(|k| {
                    // The upper half of a real row's spectrum mirrors the lower one.
                    let mirrored = 2 * k > length;
                    let value = frequency(if mirrored { length - k } else { k });
                    exchanged(if mirrored { value.conj() } else { value })
                }));
                passes.first_pass(spectrum, roots, lines);
            },
        );
}

fn store_cpu(call: &mut CpuCall<'_>) {
    let p: LongRowsStoreParams = call.params();
    let [lines, _, tables, profile, mut blurred, mut state] = call.buffers();
    let (size_x, size_y, length) = (p.size_x as usize, p.size_y as usize, p.length as usize);
    let lines = lines.read::<Complex32>();
    let state = state.atomic();
    let origin = [p.origin_z + p.first_z, p.origin_x, p.origin_y];
    let table = (p.baseline != 0).then_some(p.baseline_photons);
    let (tables, profile, key) = (tables.read(), profile.read(), p.baseline_key);
    let baseline = Baseline::new(tables, profile, key, table, origin, p.step_z);
    let scratch = || {
        let passes = Lines::new(length, p.second as usize);
        (
            passes,
            super::zeros(length),
            vec![0.0f32; size_y],
            Default::default(),
        )
    };
    for_rows_init(
        blurred.write(),
        size_x,
        size_y,
        p.slices,
        scratch,
        |(passes, work, line, draws), slice, x, out: &mut [u32]| {
            let row = slice as usize * size_x + x;
            work.copy_from_slice(&lines[row * length..][..length]);
            for (y, value) in passes.second_pass(work) {
                if let Some(place) = line.get_mut(y) {
                    *place = value.im;
                }
            }
            if finish_row(
                line,
                out,
                baseline.as_ref(),
                [slice, x as u32, size_x as u32],
                draws,
            ) {
                state[0].fetch_or(BLUR_OVERFLOW, Ordering::Relaxed);
            }
        },
    );
}
