//! Blurred values to whole photons with the baseline added, for the CPU: the twin of
//! `shaders/rows_to_photons.wgsl`.

use crate::engine::rng::{RowDraws, StreamKey, TableRef, TableView};
use pulp::Simd;

/// The baseline's Gaussian, exp(-2 (position / size)^2) along each axis (docs/model.md section 6):
/// its value at (x, y) is the product of element x and element `size_x + y`.
pub fn baseline_profile(size_x: usize, size_y: usize) -> Vec<f32> {
    let along = |size: usize| {
        let half = size as f64 / 2.0;
        let width = (size * size) as f64 / 2.0;
        (0..size).map(move |at| libm::exp(-(at as f64 - half).powi(2) / width) as f32)
    };
    along(size_x).chain(along(size_y)).collect()
}

/// The largest f32 below 2^32.
pub(super) const MOST: f32 = 4_294_967_040.0;

/// Voxels that are rounded together.
const TOGETHER: usize = 16;

/// The baseline's photons, brightest in the middle.
pub(super) struct Baseline<'a> {
    /// Along x, and along y from the first voxel of a row on.
    profile: (&'a [f32], &'a [f32]),
    photons: TableView<'a>,
    key: StreamKey,
    origin: [u32; 3],
    step_z: u32,
}

impl<'a> Baseline<'a> {
    /// The baseline whose photons are drawn from `table`, if there is one; `origin` is the place
    /// (z, x, y) in the source of the first voxel.
    pub(super) fn new(
        tables: &'a [u32],
        profile: (&'a [f32], &'a [f32]),
        key: StreamKey,
        table: Option<TableRef>,
        origin: [u32; 3],
        step_z: u32,
    ) -> Option<Self> {
        let table = table?;
        Some(Self {
            profile,
            photons: TableView::new(tables, table),
            key,
            origin,
            step_z,
        })
    }
}

/// A blurred row, at (slice, x), to whole photons with the baseline added; true where a voxel
/// holds too many.
pub(super) fn finish_row(
    line: &[f32],
    out: &mut [u32],
    baseline: Option<&Baseline<'_>>,
    [slice, x]: [u32; 2],
    draws: &mut RowDraws,
) -> bool {
    let mut overflow = round_row(line, out);
    if let Some(baseline) = baseline {
        let [z, origin_x, origin_y] = baseline.origin;
        let first = [z + slice * baseline.step_z, origin_x + x, origin_y];
        let drawn = draws.first_words(baseline.key, first, out.len());
        for word in &mut *drawn {
            *word = baseline.photons.draw(*word);
        }
        let (across, along) = baseline.profile;
        overflow |= add_row(drawn, across[x as usize], along, out);
    }
    overflow
}

/// Whole photons, half to even, from 0 to [`MOST`]; true where there are more.
#[pulp::with_simd(round_row = pulp::Arch::new())]
#[inline(always)]
fn round_row_simd<'a, S: Simd>(_: S, values: &'a [f32], photons: &'a mut [u32]) -> bool {
    let mut overflow = false;
    let chunks = photons.chunks_mut(TOGETHER).zip(values.chunks(TOGETHER));
    for (photons, values) in chunks {
        overflow |= round(values, photons);
    }
    overflow
}

/// Adds the baseline's `drawn` photons, dimmed as at this place across the rows and along the row;
/// true where a sum is too large.
#[pulp::with_simd(add_row = pulp::Arch::new())]
#[inline(always)]
fn add_row_simd<'a, S: Simd>(
    _: S,
    drawn: &'a [u32],
    across: f32,
    along: &'a [f32],
    photons: &'a mut [u32],
) -> bool {
    let mut overflow = false;
    let (mut dimmed, mut more) = ([0.0; TOGETHER], [0; TOGETHER]);
    let drawn = drawn.chunks(TOGETHER).zip(along.chunks(TOGETHER));
    for (photons, (drawn, along)) in photons.chunks_mut(TOGETHER).zip(drawn) {
        let dimmed = &mut dimmed[..photons.len()];
        for ((value, &drawn), &gain) in dimmed.iter_mut().zip(drawn).zip(along) {
            *value = drawn as f32 * (across * gain);
        }
        let more = &mut more[..photons.len()];
        overflow |= round(dimmed, more);
        for (photons, &more) in photons.iter_mut().zip(&*more) {
            let sum = photons.wrapping_add(more);
            overflow |= sum < more;
            *photons = sum;
        }
    }
    overflow
}

/// Up to [`TOGETHER`] values to photons; true where one is too large.
#[inline(always)]
fn round(values: &[f32], photons: &mut [u32]) -> bool {
    /// Adding 2^23 leaves no room for fractions: the sum is rounded as the sum of floats is.
    const SHIFT: f32 = 8_388_608.0;
    let most = values.iter().fold(0.0f32, |most, &value| most.max(value));
    if most < SHIFT / 2.0 {
        for (photons, &value) in photons.iter_mut().zip(values) {
            *photons = (value.max(0.0) + SHIFT).to_bits() - SHIFT.to_bits();
        }
    } else {
        for (photons, &value) in photons.iter_mut().zip(values) {
            *photons = value.clamp(0.0, MOST).round_ties_even() as u32;
        }
    }
    most > MOST
}
