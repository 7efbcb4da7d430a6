//! The point spread function applied along z at every spatial frequency of the slices.

use super::TAPS;
use crate::compute::{
    Access, Agreement, CpuCall, Extent, Kernel, KernelParams, Traffic, kernel_params,
};
use crate::fft::BLOCK;
use crate::volume::fold;
use pulp::Simd;
use rayon::prelude::*;

kernel_params! {
    /// The kept slices `first_z, first_z + step_z, ...`.
    FilterParams {
        /// Frequencies of x.
        length_x: u32,
        /// Blocks of frequencies of y.
        blocks: u32,
        /// Slices of the whole volume: where reflection happens.
        depth: u32,
        /// Slices in the ring of spectra.
        spectra_ring: u32,
        /// First slice to filter.
        first_z: u32,
        /// Distance of one filtered slice from the next.
        step_z: u32,
        /// Number of slices to filter.
        slices: u32,
        /// 1: add to what is there (the fluorophores of a channel).
        accumulate: u32,
    }
}

/// Spectra (ring) and the kernel's spectra to filtered spectra, (block, slice, frequency of x,
/// frequency of y within the block).
pub static FILTER: Kernel = Kernel {
    name: "filter",
    source: include_str!("../../../shaders/filter.wgsl"),
    params: FilterParams::LAYOUT,
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    cpu: filter_cpu,
    traffic: filter_traffic,
};

fn filter_traffic(extent: Extent<'_>) -> Traffic {
    let p: FilterParams = extent.params();
    let (first, step, slices) = (p.first_z, p.step_z, p.slices);
    // Slices of the ring within reach, each once.
    let reach = TAPS as u32 - 1;
    let last = first + slices.saturating_sub(1) * step;
    let span = (last + reach + 1).min(p.depth) - first.saturating_sub(reach);
    let near = span.min(slices * (2 * reach + 1));
    let block = u64::from(p.blocks) * BLOCK as u64;
    let spectrum = 2 * block * u64::from(p.length_x);
    let psf = block * u64::from(p.length_x / 2 + 1) * TAPS as u64;
    let kept = if p.accumulate != 0 { slices } else { 0 };
    Traffic::words(
        u64::from(near + kept) * spectrum + psf,
        u64::from(slices) * spectrum,
    )
}

/// Frequencies of x that are taken through all slices together: their samples in the ring and their
/// taps then stay in the cache.
const TOGETHER: usize = 32;

/// Slices that a filtered one is made of.
const PLANES: usize = 2 * TAPS - 1;

/// The complex numbers of a block.
type Sample = [f32; 2 * BLOCK];

/// The taps of a block's frequencies.
type Taps = [[f32; BLOCK]; TAPS];

fn filter_cpu(call: &mut CpuCall<'_>) {
    let p: FilterParams = call.params();
    let [spectra, psf, mut filtered] = call.buffers();
    let (spectra, psf) = (spectra.read::<Sample>(), psf.read::<Taps>());
    let (length, blocks, slices) = (p.length_x as usize, p.blocks as usize, p.slices as usize);
    let half = length / 2 + 1;
    let filtered: &mut [Sample] = filtered.write();
    filtered[..slices * blocks * length]
        .par_chunks_exact_mut(slices * length)
        .zip(psf.par_chunks_exact(half))
        .enumerate()
        .for_each(|(block, (out, taps))| {
            for first in (0..length).step_by(TOGETHER) {
                let together = first..(first + TOGETHER).min(length);
                for (n, out) in out.chunks_exact_mut(length).enumerate() {
                    let z = (p.first_z + n as u32 * p.step_z) as i32;
                    let planes = std::array::from_fn(|plane| {
                        let z = fold(z + plane as i32 - (TAPS as i32 - 1), p.depth);
                        let at = ((z % p.spectra_ring) as usize * blocks + block) * length;
                        &spectra[at..at + length][together.clone()]
                    });
                    let out = &mut out[together.clone()];
                    filter_planes(planes, taps, first, length, out, p.accumulate != 0);
                }
            }
        });
}

/// Filters the frequencies of x from `first` on: `planes` are their samples, slice after slice.
#[pulp::with_simd(filter_planes = pulp::Arch::new())]
#[inline(always)]
fn filter_planes_simd<'a, S: Simd>(
    _: S,
    planes: [&'a [Sample]; PLANES],
    taps: &'a [Taps],
    first: usize,
    length: usize,
    out: &'a mut [Sample],
    accumulate: bool,
) {
    let planes = planes.map(|plane| &plane[..out.len()]);
    for (k, out) in out.iter_mut().enumerate() {
        // The kernel is symmetric along x, too.
        let taps = &taps[(first + k).min(length - first - k)];
        let mut sum = [0.0f32; 2 * BLOCK];
        add_tap(&mut sum, &taps[0], &planes[TAPS - 1][k], &[0.0; 2 * BLOCK]);
        for (j, tap) in taps.iter().enumerate().skip(1) {
            let (before, after) = (&planes[TAPS - 1 - j][k], &planes[TAPS - 1 + j][k]);
            add_tap(&mut sum, tap, before, after);
        }
        for (out, sum) in out.iter_mut().zip(sum) {
            *out = if accumulate { *out + sum } else { sum };
        }
    }
}

/// Adds tap (before + after): the kernel is symmetric along z.
#[inline(always)]
fn add_tap(sum: &mut Sample, tap: &[f32; BLOCK], before: &Sample, after: &Sample) {
    for c in 0..BLOCK {
        sum[2 * c] += tap[c] * (before[2 * c] + after[2 * c]);
        sum[2 * c + 1] += tap[c] * (before[2 * c + 1] + after[2 * c + 1]);
    }
}
