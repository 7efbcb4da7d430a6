//! Complex transform along x of a block's columns.

use super::{sources, zeros};
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Generated, Grid, Kernel, KernelParams, Layout, Stage,
    Traffic, constants, kernel_params,
};
use crate::engine::fft::{BLOCK, complex_plan};
use rayon::prelude::*;
use rustfft::FftDirection;
use rustfft::num_complex::Complex32;

kernel_params! {
    /// Columns of slices `first_z .. first_z + slices`, into the ring of spectra. The length of the
    /// transform is that of the ring's slots.
    ColumnsForwardParams {
        /// Rows of the block.
        size_x: u32,
        /// Frequencies of y.
        frequencies: u32,
        /// Blocks of frequencies of y.
        blocks: u32,
        /// First slice.
        first_z: u32,
        /// Number of slices.
        slices: u32,
        /// Slices in the ring of spectra.
        spectra_ring: u32,
        /// Where the voxels of the points start in the tables.
        source_at: u32,
    }
}

/// Spectra of rows, (slice, x, frequency), to spectra of slices in a ring, (slot, block, frequency
/// of x, frequency of y within the block).
pub static COLUMNS_FORWARD: Kernel = Kernel {
    name: "columns_forward",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../shaders/columns_forward.wgsl"),
    params: ColumnsForwardParams::LAYOUT,
    constants: constants![BLOCK: u32],
    generated: &[Generated::Lines(Layout::Columns)],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
    cpu: columns_forward_cpu,
    traffic: columns_forward_traffic,
};

fn columns_forward_traffic(extent: Extent<'_>) -> Traffic {
    let p: ColumnsForwardParams = extent.params();
    let slices = u64::from(p.slices);
    let slot = extent.words(2) / u64::from(p.spectra_ring);
    Traffic::words(
        2 * slices * u64::from(p.size_x) * u64::from(p.frequencies),
        slices * slot,
    )
}

/// Blocks that are transformed together: rows are read in runs of so many frequencies.
const TOGETHER: usize = 4;

fn columns_forward_cpu(call: &mut CpuCall<'_>) {
    let p: ColumnsForwardParams = call.params();
    let [rows, fourier, mut spectra] = call.buffers();
    let rows = rows.read::<Complex32>();
    let spectra: &mut [Complex32] = spectra.write();
    let (size, frequencies) = (p.size_x as usize, p.frequencies as usize);
    let (blocks, ring) = (p.blocks as usize, p.spectra_ring as usize);
    let length = spectra.len() / (ring * blocks * BLOCK);
    let plan = complex_plan(length, FftDirection::Forward);
    let padding = [Complex32::default(); TOGETHER * BLOCK];
    let source = sources(&fourier.read::<[f32; 2]>()[p.source_at as usize..][..length]);
    let columns_of = |(lines, scratch): &mut (Vec<Complex32>, Vec<Complex32>),
                      (slice, first, out): (usize, usize, &mut [Complex32])| {
        let width = (frequencies - first).min(TOGETHER * BLOCK);
        for (n, source) in source.iter().enumerate() {
            let values = source.map(|x| &rows[(slice * size + x) * frequencies + first..][..width]);
            let values = values.unwrap_or(&padding[..width]);
            for (column, &value) in values.iter().enumerate() {
                lines[column * length + n] = value;
            }
        }
        plan.process_with_scratch(&mut lines[..width * length], scratch);
        // What the last block has to spare is 0.
        lines[width * length..].fill(Complex32::default());
        let blocks = out.chunks_exact_mut(length * BLOCK);
        for (out, lines) in blocks.zip(lines.chunks_exact(length * BLOCK)) {
            for (k, out) in out.chunks_exact_mut(BLOCK).enumerate() {
                for (column, out) in out.iter_mut().enumerate() {
                    *out = lines[column * length + k];
                }
            }
        }
    };
    spectra
        .par_chunks_exact_mut(length * BLOCK * blocks)
        .enumerate()
        .filter_map(|(slot, out)| {
            let slice = (slot + ring - p.first_z as usize % ring) % ring;
            (slice < p.slices as usize).then_some((slice, out))
        })
        .flat_map(|(slice, out)| {
            let blocks = out.par_chunks_mut(length * BLOCK * TOGETHER).enumerate();
            blocks.map(move |(at, out)| (slice, at * BLOCK * TOGETHER, out))
        })
        .for_each_init(
            || {
                let lines = zeros(length * BLOCK * TOGETHER);
                (lines, zeros(plan.get_inplace_scratch_len()))
            },
            columns_of,
        );
}
