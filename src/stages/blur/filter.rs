//! The point spread function applied along z at every spatial frequency of the slices.

use super::TAPS;
use crate::compute::{
    Access, Agreement, CpuCall, Extent, Kernel, KernelParams, Traffic, kernel_params,
};
use crate::fft::BLOCK;
use crate::volume::fold;
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

/// Floats in the complex numbers of a block.
const WIDTH: usize = 2 * BLOCK;

fn filter_cpu(call: &mut CpuCall<'_>) {
    let p: FilterParams = call.params();
    let [spectra, psf, mut filtered] = call.buffers();
    let (spectra, psf) = (spectra.read::<f32>(), psf.read::<f32>());
    let (length, blocks, slices) = (p.length_x as usize, p.blocks as usize, p.slices as usize);
    let half = length / 2 + 1;
    let slice_floats = blocks * length * WIDTH;
    let filtered: &mut [f32] = filtered.write();
    filtered[..slices * slice_floats]
        .par_chunks_exact_mut(slices * length * WIDTH)
        .enumerate()
        .for_each(|(block, out)| {
            let sample = |z: i32, k: usize| -> &[f32; WIDTH] {
                let slot = (fold(z, p.depth) % p.spectra_ring) as usize;
                let at = slot * slice_floats + (block * length + k) * WIDTH;
                spectra[at..].first_chunk().unwrap_or(&[0.0; WIDTH])
            };
            let taps = |k: usize| {
                let at = (block * half + k.min(length - k)) * TAPS * BLOCK;
                &psf[at..at + TAPS * BLOCK]
            };
            for first in (0..length).step_by(TOGETHER) {
                let together = first..(first + TOGETHER).min(length);
                for n in 0..slices {
                    let z = (p.first_z + n as u32 * p.step_z) as i32;
                    for k in together.clone() {
                        let out = &mut out[(n * length + k) * WIDTH..][..WIDTH];
                        let taps = taps(k);
                        let mut sum = [0.0f32; WIDTH];
                        add_tap(&mut sum, &taps[..BLOCK], sample(z, k), &[0.0; WIDTH]);
                        for j in 1..TAPS as i32 {
                            let tap = &taps[j as usize * BLOCK..][..BLOCK];
                            add_tap(&mut sum, tap, sample(z - j, k), sample(z + j, k));
                        }
                        for (out, sum) in out.iter_mut().zip(sum) {
                            *out = if p.accumulate != 0 { *out + sum } else { sum };
                        }
                    }
                }
            }
        });
}

/// Adds tap (before + after): the kernel is symmetric along z.
#[inline(always)]
fn add_tap(sum: &mut [f32; WIDTH], tap: &[f32], before: &[f32; WIDTH], after: &[f32; WIDTH]) {
    for c in 0..BLOCK {
        sum[2 * c] += tap[c] * (before[2 * c] + after[2 * c]);
        sum[2 * c + 1] += tap[c] * (before[2 * c + 1] + after[2 * c + 1]);
    }
}
