//! The point spread function applied along z at every spatial frequency of the slices.

use super::TAPS;
use crate::base::volume::fold;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, constants,
    kernel_params,
};
use crate::engine::fft::BLOCK;
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
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../shaders/filter.wgsl"),
    params: FilterParams::LAYOUT,
    constants: constants![BLOCK: u32, TAPS: u32],
    generated: &[],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
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

/// Frequencies of x that are taken through all slices together.
const TOGETHER: usize = 32;

/// Filtered slices that share the loads of their samples, where they are near enough to each other.
const GROUP: usize = 4;

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
    let (half, step) = (length / 2 + 1, p.step_z as usize);
    let filtered: &mut [Sample] = filtered.write();
    // Slots of the ring, for every slice within reach of the filtered ones.
    let reach = TAPS as i32 - 1;
    let last = p.first_z as i32 + (slices as i32 - 1) * p.step_z as i32;
    let slots: Vec<usize> = (p.first_z as i32 - reach..=last + reach)
        .map(|z| (fold(z, p.depth) % p.spectra_ring) as usize)
        .collect();
    filtered[..slices * blocks * length]
        .par_chunks_exact_mut(slices * length)
        .zip(psf.par_chunks_exact(half))
        .enumerate()
        .for_each_init(
            || vec![[0.0; 2 * BLOCK]; slots.len() * TOGETHER],
            |planes, (block, (out, taps))| {
                for first in (0..length).step_by(TOGETHER) {
                    let together = TOGETHER.min(length - first);
                    // The samples of a frequency side by side: memory is read in long runs, and what
                    // is read over and over is near.
                    for (n, slot) in slots.iter().enumerate() {
                        let at = (slot * blocks + block) * length + first;
                        let samples = &spectra[at..at + together];
                        for (k, sample) in samples.iter().enumerate() {
                            planes[k * slots.len() + n] = *sample;
                        }
                    }
                    for (k, planes) in planes.chunks_exact(slots.len()).take(together).enumerate() {
                        let kx = first + k;
                        // The kernel is symmetric along x, too.
                        let taps = &taps[kx.min(length - kx)];
                        let accumulate = p.accumulate != 0;
                        filter_frequency(planes, taps, step, &mut out[kx..], length, accumulate);
                    }
                }
            },
        );
}

/// Filters one frequency of x: `planes` are its samples slice after slice; the filtered slices, `step`
/// apart, go to every `length`th element of `out`.
#[pulp::with_simd(filter_frequency = pulp::Arch::new())]
#[inline(always)]
fn filter_frequency_simd<'a, S: Simd>(
    _: S,
    planes: &'a [Sample],
    taps: &'a Taps,
    step: usize,
    out: &'a mut [Sample],
    length: usize,
    accumulate: bool,
) {
    // The taps of all slices, for the real and the imaginary part, between zeros, so that every slice
    // of a group can take part in every sample.
    const MARGIN: usize = GROUP * (GROUP - 1);
    let mut mirrored = [[0.0f32; 2 * BLOCK]; PLANES + 2 * MARGIN];
    for (plane, tap) in mirrored[MARGIN..].iter_mut().take(PLANES).enumerate() {
        let values = &taps[plane.abs_diff(TAPS - 1)];
        for (c, value) in values.iter().enumerate() {
            (tap[2 * c], tap[2 * c + 1]) = (*value, *value);
        }
    }
    let mut out = out.iter_mut().step_by(length);
    let mut put = |sum: Sample| {
        if let Some(out) = out.next() {
            for (out, sum) in out.iter_mut().zip(sum) {
                *out = if accumulate { *out + sum } else { sum };
            }
        }
    };
    let mut planes = planes;
    let span = PLANES + (GROUP - 1) * step;
    if step <= GROUP {
        while planes.len() >= span {
            let mut sums = [[0.0f32; 2 * BLOCK]; GROUP];
            for (n, sample) in planes[..span].iter().enumerate() {
                let taps = &mirrored[MARGIN + n - (GROUP - 1) * step..][..(GROUP - 1) * step + 1];
                for (g, sum) in sums.iter_mut().enumerate() {
                    add_product::<S>(sum, &taps[(GROUP - 1 - g) * step], sample);
                }
            }
            sums.into_iter().for_each(&mut put);
            planes = planes.get(GROUP * step..).unwrap_or(&[]);
        }
    }
    while planes.len() >= PLANES {
        let mut sum = [0.0f32; 2 * BLOCK];
        for (sample, tap) in planes.iter().zip(&mirrored[MARGIN..MARGIN + PLANES]) {
            add_product::<S>(&mut sum, tap, sample);
        }
        put(sum);
        planes = planes.get(step..).unwrap_or(&[]);
    }
}

#[inline(always)]
fn add_product<S: Simd>(sum: &mut Sample, tap: &Sample, sample: &Sample) {
    for c in 0..2 * BLOCK {
        // Without vector instructions a fused product would be a call.
        sum[c] = if S::IS_SCALAR {
            sum[c] + tap[c] * sample[c]
        } else {
            tap[c].mul_add(sample[c], sum[c])
        };
    }
}
