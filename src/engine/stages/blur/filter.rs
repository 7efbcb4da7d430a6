//! The point spread function applied along z at every spatial frequency of the slices.

use super::taps;
use crate::base::volume::fold;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Generated, Grid, Kernel, KernelParams, Stage, Traffic,
    constants, kernel_params,
};
use crate::engine::fft::BLOCK;
use crate::engine::psf::PsfShape;
use bytemuck::{Pod, Zeroable};
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;

/// A filtered slice, as the kernel reads it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct FilteredSlice {
    /// The slice in focus.
    pub z: u32,
    /// Where it goes in the filtered spectra.
    pub to: u32,
    /// What it is multiplied by.
    pub weight: f32,
    /// 1: it is added to what is there.
    pub adds: u32,
}

impl FilteredSlice {
    /// A slice that is one function's alone.
    pub fn new(z: usize, to: usize) -> Self {
        Self {
            z: z as u32,
            to: to as u32,
            weight: 1.0,
            adds: 0,
        }
    }
}

/// Words of a [`FilteredSlice`].
pub const SLICE_WORDS: usize = size_of::<FilteredSlice>() / size_of::<u32>();

kernel_params! {
    /// The filtered slices `slices_at, slices_at + 1, ...` of the list, by ascending focus.
    FilterParams {
        /// Frequencies of x.
        length_x: u32,
        /// Blocks of frequencies of y.
        blocks: u32,
        /// Slices of the whole volume: where reflection happens.
        depth: u32,
        /// Slices in the ring of spectra.
        spectra_ring: u32,
        /// The first slice in focus.
        first_z: u32,
        /// The last one.
        last_z: u32,
        /// Where the list starts.
        slices_at: u32,
        /// Number of slices to filter.
        slices: u32,
        /// Slices of the filtered spectra.
        out_slices: u32,
        /// 1: some are added to what is there.
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

/// Spectra (ring), the kernel's spectra and a list of slices to filtered spectra, (block, slice,
/// frequency of x, frequency of y within the block).
pub static FILTER: Kernel = Kernel {
    name: "filter",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../shaders/filter.wgsl"),
    params: FilterParams::LAYOUT,
    constants: constants![BLOCK: u32],
    generated: &[Generated::Taps],
    bindings: &[Access::Read, Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
    cpu: filter_cpu,
    traffic: filter_traffic,
};

fn filter_traffic(extent: Extent<'_>) -> Traffic {
    let p: FilterParams = extent.params();
    let slices = p.slices;
    // Slices of the ring within reach, each once.
    let span = (p.last_z + p.after + 1).min(p.depth) - p.first_z.saturating_sub(p.before);
    let near = span.min(slices * (p.before + 1 + p.after));
    let block = u64::from(p.blocks) * BLOCK as u64;
    let spectrum = 2 * block * u64::from(p.length_x);
    let psf = block * u64::from(p.length_x / 2 + 1) * p.shape().planes() as u64;
    let kept = if p.accumulate != 0 { slices } else { 0 };
    Traffic::words(
        u64::from(near + kept) * spectrum + psf + u64::from(slices) * SLICE_WORDS as u64,
        u64::from(slices) * spectrum,
    )
}

/// Frequencies of x that are taken through all slices together: a page of a slice's memory for each
/// sign, since memory is read fastest in long runs.
const TOGETHER: usize = 128;

/// Slices from the first to the last that share the loads of their samples, where functions have
/// few taps.
const LEAST_SPAN: usize = 12;

/// The share of a function's taps that they may lie apart: what is computed in vain for slices
/// beyond a function's reach.
const SPAN_SHARE: usize = 8;

/// The complex numbers of a block, as they lie in spectra: real and imaginary parts by turns.
type Sample = [f32; 2 * BLOCK];

/// A part of them, or the values of a block's frequencies in a plane of the function.
type Part = [f32; BLOCK];

/// The real and the imaginary parts of a sample: a tap is loaded once for both.
type Parts = [Part; 2];

fn filter_cpu(call: &mut CpuCall<'_>) {
    let p: FilterParams = call.params();
    let [spectra, psf, list, mut filtered] = call.buffers();
    let (spectra, psf) = (spectra.read::<Sample>(), psf.read::<Part>());
    let list = &list.read::<FilteredSlice>()[p.slices_at as usize..][..p.slices as usize];
    let shape = p.shape();
    let (length, blocks) = (p.length_x as usize, p.blocks as usize);
    let half = length / 2 + 1;
    let filtered: &mut [Sample] = filtered.write();
    // Slots of the ring, for every slice within reach of the filtered ones.
    let first_z = p.first_z as i32 - p.before as i32;
    let is_dark = |z: i32| p.dark != 0 && !(0..p.depth as i32).contains(&z);
    let slots: Vec<Option<usize>> = (first_z..=(p.last_z + p.after) as i32)
        .map(|z| (!is_dark(z)).then(|| (fold(z, p.depth) % p.spectra_ring) as usize))
        .collect();
    let lit = slots.iter().position(Option::is_some).unwrap_or(0);
    let lit = lit..lit + slots.iter().flatten().count();
    let starts: Vec<usize> = list.iter().map(|to| (to.z - p.first_z) as usize).collect();
    // Taps that some slice takes of what is lit.
    let first_tap = lit.start.saturating_sub((p.last_z - p.first_z) as usize);
    let used_taps = first_tap.min(shape.taps())..lit.end.min(shape.taps());
    let margin = LEAST_SPAN.max(shape.taps() / SPAN_SHARE);
    let sums = Sums {
        starts: &starts,
        margin,
        first_z,
        lit,
        run: taps::run(&shape),
    };
    let out_slices = p.out_slices as usize;
    filtered[..out_slices * blocks * length]
        .par_chunks_exact_mut(out_slices * length)
        .zip(psf.par_chunks_exact(half * shape.planes()))
        .enumerate()
        .for_each_init(
            || {
                let samples = vec![Parts::default(); slots.len() * TOGETHER];
                (samples, vec![Part::default(); shape.taps() + 2 * margin])
            },
            |(planes, taps), (block, (out, psf))| {
                for first in (0..half).step_by(TOGETHER / 2) {
                    let together = first..half.min(first + TOGETHER / 2);
                    // The function is even along x, too: frequencies of either sign are taken
                    // together.
                    let above = mirrored(together.clone(), length);
                    let distance = slots.len();
                    let (below, rest) = planes.split_at_mut(together.len() * distance);
                    // The samples of a frequency side by side: memory is read in long runs, and
                    // what is read over and over is near.
                    for (n, slot) in slots.iter().enumerate() {
                        let Some(slot) = slot else {
                            continue;
                        };
                        let spectrum = &spectra[(slot * blocks + block) * length..][..length];
                        take_apart(&spectrum[together.clone()], &mut below[n..], distance);
                        take_apart(&spectrum[above.clone()], &mut rest[n..], distance);
                    }
                    for kx in together.clone() {
                        let psf = &psf[kx * shape.planes()..][..shape.planes()];
                        let used = &mut taps[margin + used_taps.start..];
                        for (tap, value) in used_taps.clone().zip(used) {
                            *value = psf[shape.plane(tap)];
                        }
                        let mut filter = |kx: usize, planes: &[Parts]| {
                            filter_frequency(&sums, planes, taps, |n: usize, [re, im]: Parts| {
                                let to = &list[n];
                                let out = out[to.to as usize * length + kx].chunks_exact_mut(2);
                                for (out, sum) in out.zip(re.into_iter().zip(im)) {
                                    let sum = [to.weight * sum.0, to.weight * sum.1];
                                    out[0] = if to.adds != 0 {
                                        out[0] + sum[0]
                                    } else {
                                        sum[0]
                                    };
                                    out[1] = if to.adds != 0 {
                                        out[1] + sum[1]
                                    } else {
                                        sum[1]
                                    };
                                }
                            });
                        };
                        filter(kx, &below[(kx - first) * distance..][..distance]);
                        if above.contains(&(length - kx)) {
                            let place = length - kx - above.start;
                            filter(length - kx, &rest[place * distance..][..distance]);
                        }
                    }
                }
            },
        );
}

/// The frequencies of the other sign, but for those that are their own.
fn mirrored(frequencies: Range<usize>, length: usize) -> Range<usize> {
    // Of 1 to length / 2 (rounded down), and of less where that is its own.
    let from = frequencies.start.max(1);
    let to = frequencies.end.min(length.div_ceil(2));
    if from < to {
        length + 1 - to..length + 1 - from
    } else {
        length..length
    }
}

/// Parts of samples, which lie so far apart.
#[pulp::with_simd(take_apart = pulp::Arch::new())]
#[inline(always)]
fn take_apart_simd<'a, S: Simd>(
    _: S,
    samples: &'a [Sample],
    parts: &'a mut [Parts],
    distance: usize,
) {
    for (sample, parts) in samples.iter().zip(parts.chunks_mut(distance)) {
        for c in 0..BLOCK {
            parts[0][0][c] = sample[2 * c];
            parts[0][1][c] = sample[2 * c + 1];
        }
    }
}

/// What is summed for the filtered slices. Samples are counted from the first slice within reach.
struct Sums<'a> {
    /// The first sample that each of them takes.
    starts: &'a [usize],
    /// Zeros on either side of the taps, so that every slice of a group can take part in every
    /// sample.
    margin: usize,
    /// The place of the first sample in the reflected volume.
    first_z: i32,
    /// The samples that are not dark: only these are read.
    lit: Range<usize>,
    /// Slices whose products are added up by themselves: runs start at multiples of it.
    run: Option<usize>,
}

/// Filters one frequency of x: `planes` are its samples slice after slice, `taps` its values of the
/// function between zeros; `put` takes the filtered slices by their numbers.
#[pulp::with_simd(filter_frequency = pulp::Arch::new())]
#[inline(always)]
fn filter_frequency_simd<'a, S: Simd, P: FnMut(usize, Parts)>(
    simd: S,
    sums: &'a Sums<'a>,
    planes: &'a [Parts],
    taps: &'a [Part],
    mut put: P,
) {
    let mut next = 0;
    while next < sums.starts.len() {
        let is_near = |slices: usize| {
            let near = sums.starts[next..].get(slices - 1);
            near.is_some_and(|last| last - sums.starts[next] <= sums.margin)
        };
        let put = |n: usize, sum: Parts| put(next + n, sum);
        next += if is_near(4) {
            filter_group::<S, 4>(simd, sums, next, planes, taps, put)
        } else if is_near(2) {
            filter_group::<S, 2>(simd, sums, next, planes, taps, put)
        } else {
            filter_group::<S, 1>(simd, sums, next, planes, taps, put)
        };
    }
}

/// Filters slices together, from this one on; returns how many.
#[inline(always)]
fn filter_group<S: Simd, const SLICES: usize>(
    simd: S,
    sums: &Sums<'_>,
    first: usize,
    planes: &[Parts],
    taps: &[Part],
    mut put: impl FnMut(usize, Parts),
) -> usize {
    let starts: [usize; SLICES] = std::array::from_fn(|n| sums.starts[first + n]);
    let count = taps.len() - 2 * sums.margin;
    // Runs are those of all slices of a group: the zeros beside a slice's taps change no sum.
    let samples = starts[0]..starts[SLICES - 1] + count;
    let mut total = [Parts::default(); SLICES];
    for run in sums.runs(samples) {
        let mut of_run = [Parts::default(); SLICES];
        let taps = starts.map(|start| &taps[sums.margin + run.start - start..][..run.len()]);
        for (n, sample) in planes[run].iter().enumerate() {
            let [re, im] = *sample;
            for (sum, taps) in of_run.iter_mut().zip(&taps) {
                add_product(simd, &mut sum[0], &taps[n], &re);
                add_product(simd, &mut sum[1], &taps[n], &im);
            }
        }
        let total = total.as_flattened_mut().as_flattened_mut().iter_mut();
        let of_run = of_run.as_flattened().as_flattened();
        total.zip(of_run).for_each(|(sum, run)| *sum += run);
    }
    for (n, sum) in total.into_iter().enumerate() {
        put(n, sum);
    }
    SLICES
}

impl Sums<'_> {
    /// What is lit of these samples, in runs.
    #[inline(always)]
    fn runs(&self, samples: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let from = samples.start.max(self.lit.start);
        let length = samples.end.min(self.lit.end).saturating_sub(from);
        let place = |run: usize| (self.first_z + from as i32).rem_euclid(run as i32) as usize;
        let place = self.run.map_or(0, place);
        let run = self.run.unwrap_or(length.max(1));
        (0..length + place)
            .step_by(run)
            .map(move |at| {
                from + at.max(place) - place..from + (at + run).min(length + place) - place
            })
            .filter(|run| !run.is_empty())
    }
}

#[inline(always)]
fn add_product<S: Simd>(simd: S, sum: &mut Part, tap: &Part, sample: &Part) {
    // Without vector instructions a fused product would be a call.
    if S::IS_SCALAR {
        for c in 0..BLOCK {
            sum[c] += tap[c] * sample[c];
        }
        return;
    }
    let (sums, _) = S::as_mut_simd_f32s(sum);
    let (taps, samples) = (S::as_simd_f32s(tap).0, S::as_simd_f32s(sample).0);
    for ((sum, &tap), &sample) in sums.iter_mut().zip(taps).zip(samples) {
        *sum = simd.mul_add_f32s(tap, sample, *sum);
    }
}
