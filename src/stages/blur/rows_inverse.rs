//! Complex-to-real transform back along y, cropped, rounded, with the baseline added.

use super::zeros;
use crate::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Traffic, kernel_params,
};
use crate::fft::{BLOCK, real_plans};
use crate::rng::{RowDraws, StreamKey, TableView};
use crate::stages::{for_rows_init, status};
use pulp::Simd;
use rustfft::num_complex::Complex32;
use std::sync::atomic::Ordering;

kernel_params! {
    /// Rows of the kept slices `first_z, first_z + step_z, ...`. The length of the transform is as in
    /// [`super::rows_forward::RowsForwardParams`].
    RowsInverseParams {
        /// Rows of a slice.
        size_x: u32,
        /// Columns of a slice.
        size_y: u32,
        /// Blocks of frequencies of y.
        blocks: u32,
        /// Number of slices.
        slices: u32,
        /// Where the roots that put a packed row together start in the tables.
        split_at: u32,
        /// Where the order of the outputs starts in the tables.
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
        /// Stream of the baseline.
        key_0: u32,
        /// Its second word.
        key_1: u32,
        /// 1: there is a baseline.
        baseline: u32,
        /// Table of its photons.
        baseline_at: u32,
        /// Its thresholds.
        baseline_len: u32,
    }
}

/// Spectra of rows, (slice, block, x, frequency), to the blurred volume in whole photons, and status.
/// `profile` is the baseline's Gaussian along x, then along y.
pub static ROWS_INVERSE: Kernel = Kernel {
    name: "rows_inverse",
    grid: Grid::Linear,
    source: include_str!("../../../shaders/rows_inverse.wgsl"),
    params: RowsInverseParams::LAYOUT,
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::ReadWrite,
        Access::ReadWrite,
    ],
    agreement: Agreement::Rounding,
    cpu: rows_inverse_cpu,
    traffic: rows_inverse_traffic,
};

fn rows_inverse_traffic(extent: Extent<'_>) -> Traffic {
    let p: RowsInverseParams = extent.params();
    let frequencies = u64::from(p.order_at - p.split_at);
    let rows = u64::from(p.slices) * u64::from(p.size_x);
    Traffic::words(2 * rows * frequencies, rows * u64::from(p.size_y))
}

/// The baseline's Gaussian, exp(-2 (position / size)^2) along each axis (docs/model.md section 6): its
/// value at (x, y) is the product of element x and element `size_x + y`.
pub fn baseline_profile(size_x: usize, size_y: usize) -> Vec<f32> {
    let along = |size: usize| {
        let half = size as f64 / 2.0;
        let width = (size * size) as f64 / 2.0;
        (0..size).map(move |at| libm::exp(-(at as f64 - half).powi(2) / width) as f32)
    };
    along(size_x).chain(along(size_y)).collect()
}

/// The largest f32 below 2^32.
const MOST: f32 = 4_294_967_040.0;

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
    let origin = [p.origin_z + p.first_z, p.origin_x, p.origin_y];
    let table = (p.baseline != 0).then_some((p.baseline_at, p.baseline_len));
    let key = [p.key_0, p.key_1];
    let baseline = Baseline::new(tables, profile.read(), key, table, origin, p.step_z);
    let scratch = || {
        let line = vec![0.0f32; length];
        let draws = RowDraws::default();
        (
            zeros(frequencies),
            line,
            zeros(plan.get_scratch_len()),
            draws,
        )
    };
    for_rows_init(
        blurred.write(),
        size_x,
        size_y,
        p.slices,
        scratch,
        |(spectrum, line, scratch, draws), slice, x, out: &mut [u32]| {
            for (block, values) in spectrum.chunks_mut(BLOCK).enumerate() {
                let at = ((slice as usize * blocks + block) * size_x + x) * BLOCK;
                values.copy_from_slice(&rows[at..at + values.len()]);
            }
            // Real by symmetry, but for rounding, which the plan would refuse.
            spectrum[0].im = 0.0;
            spectrum[frequencies - 1].im = 0.0;
            let _ = plan.process_with_scratch(spectrum, line, scratch);
            let place = [slice, x as u32, size_x as u32];
            if finish_row(line, out, baseline.as_ref(), place, draws) {
                state[0].fetch_or(status::BLUR_OVERFLOW, Ordering::Relaxed);
            }
        },
    );
}

/// The baseline's photons, brightest in the middle.
pub(super) struct Baseline<'a> {
    profile: &'a [f32],
    photons: TableView<'a>,
    key: StreamKey,
    origin: [u32; 3],
    step_z: u32,
}

impl<'a> Baseline<'a> {
    /// The baseline whose photons are drawn from `table` (first word, thresholds), if there is one; `origin` is
    /// the place (z, x, y) in the source of the first voxel.
    pub(super) fn new(
        tables: &'a [u32],
        profile: &'a [f32],
        key: [u32; 2],
        table: Option<(u32, u32)>,
        origin: [u32; 3],
        step_z: u32,
    ) -> Option<Self> {
        let (at, len) = table?;
        Some(Self {
            profile,
            photons: TableView::new(tables, at, len),
            key: StreamKey(key),
            origin,
            step_z,
        })
    }
}

/// A blurred row, at (slice, x, rows of a slice), to whole photons with the baseline added; true where a voxel
/// holds too many.
pub(super) fn finish_row(
    line: &[f32],
    out: &mut [u32],
    baseline: Option<&Baseline<'_>>,
    [slice, x, size_x]: [u32; 3],
    draws: &mut RowDraws,
) -> bool {
    let mut overflow = round_row(line, out);
    if let Some(baseline) = baseline {
        draws.clear();
        (0..out.len()).for_each(|y| draws.push(y, 0));
        let [z, origin_x, origin_y] = baseline.origin;
        let first = [z + slice * baseline.step_z, origin_x + x, origin_y];
        let (across, along) = baseline.profile.split_at(size_x as usize);
        let drawn = draws.draw(baseline.key, first);
        for ((y, words), out) in drawn.zip(&mut *out) {
            let gain = across[x as usize] * along[y];
            let photons = baseline.photons.draw(words[0]) as f32 * gain;
            let (sum, wrapped) = out.overflowing_add(photons.round_ties_even() as u32);
            *out = sum;
            overflow |= wrapped;
        }
    }
    overflow
}

/// Whole photons, half to even, from 0 to [`MOST`]; true where there are more.
#[pulp::with_simd(round_row = pulp::Arch::new())]
#[inline(always)]
fn round_row_simd<'a, S: Simd>(_: S, values: &'a [f32], photons: &'a mut [u32]) -> bool {
    /// Adding 2^23 leaves no room for fractions: the sum is rounded as the sum of floats is.
    const SHIFT: f32 = 8_388_608.0;
    const TOGETHER: usize = 16;
    let mut overflow = false;
    let chunks = photons.chunks_mut(TOGETHER).zip(values.chunks(TOGETHER));
    for (photons, values) in chunks {
        let most = values.iter().fold(0.0f32, |most, &value| most.max(value));
        if most < SHIFT / 2.0 {
            for (photons, &value) in photons.iter_mut().zip(values) {
                *photons = (value.max(0.0) + SHIFT).to_bits() - SHIFT.to_bits();
            }
        } else {
            for (photons, &value) in photons.iter_mut().zip(values) {
                *photons = value.clamp(0.0, MOST).round_ties_even() as u32;
            }
            overflow |= most > MOST;
        }
    }
    overflow
}
