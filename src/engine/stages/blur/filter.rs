//! The point spread function applied along z at every spatial frequency of the slices.

use super::passes::SliceWeight;
use super::taps::{self, RUN};
use crate::base::volume::fold;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Generated, Grid, Kernel, KernelParams, Stage, Traffic,
    constants, kernel_params,
};
use crate::engine::fft::BLOCK;
use crate::engine::psf::PsfShape;
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;

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
        /// Slices of the filtered spectra.
        out_slices: u32,
        /// The first of them that is filtered.
        out_first: u32,
        /// The slice from which `weight` counts.
        weight_from: u32,
        /// The filtered slice z is multiplied by
        /// `weight + weight_per_slice (z - weight_from)`.
        weight: f32,
        /// See `weight`.
        weight_per_slice: f32,
        /// 1: add to what is there (the fluorophores of a channel).
        accumulate: u32,
        /// Planes of the function before the focus.
        before: u32,
        /// Planes of the function behind the focus.
        after: u32,
        /// 1: the planes before the focus are those behind it, and only these are there.
        symmetric: u32,
        /// 1: it is dark before the first slice and behind the last one, where else the volume is
        /// its reflection.
        dark: u32,
    }
}

impl FilterParams {
    /// The function's planes; what it has along x and y is in their spectra.
    fn shape(&self) -> PsfShape {
        PsfShape {
            before: self.before as usize,
            after: self.after as usize,
            radius: [0; 2],
            symmetric: self.symmetric != 0,
        }
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
    constants: constants![BLOCK: u32],
    generated: &[Generated::Taps],
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
    let last = first + slices.saturating_sub(1) * step;
    let span = (last + p.after + 1).min(p.depth) - first.saturating_sub(p.before);
    let near = span.min(slices * (p.before + 1 + p.after));
    let block = u64::from(p.blocks) * BLOCK as u64;
    let spectrum = 2 * block * u64::from(p.length_x);
    let psf = block * u64::from(p.length_x / 2 + 1) * p.shape().planes() as u64;
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

/// The complex numbers of a block.
type Sample = [f32; 2 * BLOCK];

/// The values of a block's frequencies in a plane of the function.
type Plane = [f32; BLOCK];

fn filter_cpu(call: &mut CpuCall<'_>) {
    let p: FilterParams = call.params();
    let [spectra, psf, mut filtered] = call.buffers();
    let (spectra, psf) = (spectra.read::<Sample>(), psf.read::<Plane>());
    let shape = p.shape();
    let (length, blocks, slices) = (p.length_x as usize, p.blocks as usize, p.slices as usize);
    let (half, step) = (length / 2 + 1, p.step_z as usize);
    let filtered: &mut [Sample] = filtered.write();
    // Slots of the ring, for every slice within reach of the filtered ones.
    let last = p.first_z as i32 + (slices as i32 - 1) * p.step_z as i32;
    let first_z = p.first_z as i32 - p.before as i32;
    let is_dark = |z: i32| p.dark != 0 && !(0..p.depth as i32).contains(&z);
    let slots: Vec<Option<usize>> = (first_z..=last + p.after as i32)
        .map(|z| (!is_dark(z)).then(|| (fold(z, p.depth) % p.spectra_ring) as usize))
        .collect();
    let lit = slots.iter().position(Option::is_some).unwrap_or(0);
    let lit = lit..lit + slots.iter().flatten().count();
    // Those that some slice takes of what is lit.
    let first_tap = lit.start.saturating_sub((slices.max(1) - 1) * step);
    let used_taps = first_tap.min(shape.taps())..lit.end.min(shape.taps());
    let weight = SliceWeight {
        from: p.weight_from as usize,
        start: p.weight,
        slope: p.weight_per_slice,
    };
    let weight = |n: usize| weight.at(p.first_z as usize + n * step);
    let weights: Vec<f32> = (0..slices).map(weight).collect();
    let (out_slices, out_first) = (p.out_slices as usize, p.out_first as usize);
    filtered[..out_slices * blocks * length]
        .par_chunks_exact_mut(out_slices * length)
        .zip(psf.par_chunks_exact(half * shape.planes()))
        .enumerate()
        .for_each_init(
            || {
                let samples = vec![[0.0; 2 * BLOCK]; slots.len() * TOGETHER];
                (samples, vec![[0.0; 2 * BLOCK]; shape.taps() + 2 * MARGIN])
            },
            |(planes, taps), (block, (out, psf))| {
                for first in (0..length).step_by(TOGETHER) {
                    let together = TOGETHER.min(length - first);
                    // The samples of a frequency side by side: memory is read in long runs, and
                    // what is read over and over is near.
                    for (n, slot) in slots.iter().enumerate() {
                        let Some(slot) = slot else {
                            continue;
                        };
                        let at = (slot * blocks + block) * length + first;
                        let samples = &spectra[at..at + together];
                        for (k, sample) in samples.iter().enumerate() {
                            planes[k * slots.len() + n] = *sample;
                        }
                    }
                    for (k, planes) in planes.chunks_exact(slots.len()).take(together).enumerate() {
                        let kx = first + k;
                        // The function is even along x, too.
                        let psf = &psf[kx.min(length - kx) * shape.planes()..][..shape.planes()];
                        spread(psf, &shape, used_taps.clone(), taps);
                        let accumulate = p.accumulate != 0;
                        let out = &mut out[out_first * length..][..slices * length];
                        let out = out[kx..].iter_mut().step_by(length);
                        let mut out = out.zip(&weights);
                        let put = |sum: Sample| {
                            if let Some((out, &weight)) = out.next() {
                                for (out, sum) in out.iter_mut().zip(sum) {
                                    let sum = weight * sum;
                                    *out = if accumulate { *out + sum } else { sum };
                                }
                            }
                        };
                        if taps::is_unrolled(&shape) {
                            filter_frequency(planes, taps, step, put);
                        } else {
                            filter_in_runs(planes, taps, (first_z, lit.clone()), step, put);
                        }
                    }
                }
            },
        );
}

/// Zeros on either side of the taps, so that every slice of a group can take part in every sample.
const MARGIN: usize = GROUP * (GROUP - 1);

/// Taps of these slices, for the real and the imaginary part, between zeros.
fn spread(psf: &[Plane], shape: &PsfShape, used: Range<usize>, taps: &mut [Sample]) {
    let out = &mut taps[MARGIN + used.start..];
    for (tap, out) in used.zip(out) {
        for (c, value) in psf[shape.plane(tap)].iter().enumerate() {
            (out[2 * c], out[2 * c + 1]) = (*value, *value);
        }
    }
}

/// Filters one frequency of x: `planes` are its samples slice after slice, `taps` those of
/// [`spread`]; `put` takes the filtered slices, `step` apart.
#[pulp::with_simd(filter_frequency = pulp::Arch::new())]
#[inline(always)]
fn filter_frequency_simd<'a, S: Simd, P: FnMut(Sample)>(
    _: S,
    planes: &'a [Sample],
    taps: &'a [Sample],
    step: usize,
    mut put: P,
) {
    let mut planes = planes;
    let count = taps.len() - 2 * MARGIN;
    let span = count + (GROUP - 1) * step;
    if step <= GROUP {
        while planes.len() >= span {
            let mut sums = [[0.0f32; 2 * BLOCK]; GROUP];
            for (n, sample) in planes[..span].iter().enumerate() {
                let taps = &taps[MARGIN + n - (GROUP - 1) * step..][..(GROUP - 1) * step + 1];
                for (g, sum) in sums.iter_mut().enumerate() {
                    add_product::<S>(sum, &taps[(GROUP - 1 - g) * step], sample);
                }
            }
            sums.into_iter().for_each(&mut put);
            planes = planes.get(GROUP * step..).unwrap_or(&[]);
        }
    }
    while planes.len() >= count {
        let mut sum = [0.0f32; 2 * BLOCK];
        for (sample, tap) in planes.iter().zip(&taps[MARGIN..MARGIN + count]) {
            add_product::<S>(&mut sum, tap, sample);
        }
        put(sum);
        planes = planes.get(step..).unwrap_or(&[]);
    }
}

/// As [`filter_frequency`] for many taps: products are summed in runs of slices that start at
/// multiples of [`RUN`]. `first_z` is the place of the first sample in the reflected volume, and
/// `lit` are the samples that are not dark: only these are read.
#[pulp::with_simd(filter_in_runs = pulp::Arch::new())]
#[inline(always)]
fn filter_in_runs_simd<'a, S: Simd, P: FnMut(Sample)>(
    _: S,
    planes: &'a [Sample],
    taps: &'a [Sample],
    (first_z, lit): (i32, Range<usize>),
    step: usize,
    mut put: P,
) {
    let mut start = 0;
    let count = taps.len() - 2 * MARGIN;
    let span = count + (GROUP - 1) * step;
    // Runs are those of all slices of a group: the zeros beside a slice's taps change no sum.
    while step <= GROUP && start + span <= planes.len() {
        let mut sums = [[0.0f32; 2 * BLOCK]; GROUP];
        for run in runs(first_z, start..start + span, &lit) {
            let mut of_run = [[0.0f32; 2 * BLOCK]; GROUP];
            for n in run {
                let first = MARGIN + (n - start) - (GROUP - 1) * step;
                let taps = &taps[first..=first + (GROUP - 1) * step];
                for (g, sum) in of_run.iter_mut().enumerate() {
                    add_product::<S>(sum, &taps[(GROUP - 1 - g) * step], &planes[n]);
                }
            }
            sums.iter_mut().zip(of_run).for_each(add_run);
        }
        sums.into_iter().for_each(&mut put);
        start += GROUP * step;
    }
    while start + count <= planes.len() {
        let mut sum = [0.0f32; 2 * BLOCK];
        for run in runs(first_z, start..start + count, &lit) {
            let mut of_run = [0.0f32; 2 * BLOCK];
            for n in run {
                add_product::<S>(&mut of_run, &taps[MARGIN + n - start], &planes[n]);
            }
            add_run((&mut sum, of_run));
        }
        put(sum);
        start += step;
    }
}

/// What is lit of these samples, in runs.
#[inline(always)]
fn runs(
    first_z: i32,
    samples: Range<usize>,
    lit: &Range<usize>,
) -> impl Iterator<Item = Range<usize>> {
    let (from, to) = (samples.start.max(lit.start), samples.end.min(lit.end));
    let place = (first_z + from as i32).rem_euclid(RUN as i32) as usize;
    let length = to.saturating_sub(from);
    (0..length + place)
        .step_by(RUN)
        .map(move |run| from + run.max(place) - place..from + (run + RUN - place).min(length))
}

#[inline(always)]
fn add_run((sum, run): (&mut Sample, Sample)) {
    for (sum, run) in sum.iter_mut().zip(run) {
        *sum += run;
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
