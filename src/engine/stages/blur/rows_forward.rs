//! Real-to-complex transform along y of the reflected and padded rows.

use super::{sources, zeros};
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Generated, Grid, Kernel, KernelParams, Layout, Stage,
    Traffic, kernel_params,
};
use crate::engine::fft::real_plans;
use rayon::prelude::*;
use rustfft::num_complex::Complex32;

kernel_params! {
    /// Rows of a block in a slab of emission. The length of the transform is in the generated code,
    /// and the twin reads it off the table, where `order_at - split_at` is half of it and one.
    RowsForwardParams {
        /// Rows of a slice.
        size_x: u32,
        /// Columns of a slice.
        size_y: u32,
        /// First row of the block.
        first_x: u32,
        /// Rows of the block.
        rows: u32,
        /// Number of slices.
        slices: u32,
        /// Where the roots that take a packed row apart start in the tables.
        split_at: u32,
        /// Where the order of the outputs starts in the tables.
        order_at: u32,
        /// Where the voxels of the points start in the tables.
        source_at: u32,
    }
}

/// Emission (slab) to spectra of a block's rows, (slice, x, frequency).
pub static ROWS_FORWARD: Kernel = Kernel {
    name: "rows_forward",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../shaders/rows_forward.wgsl"),
    params: RowsForwardParams::LAYOUT,
    constants: &[],
    generated: &[Generated::Lines(Layout::Rows)],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
    cpu: rows_forward_cpu,
    traffic: rows_forward_traffic,
};

fn rows_forward_traffic(extent: Extent<'_>) -> Traffic {
    let p: RowsForwardParams = extent.params();
    let frequencies = u64::from(p.order_at - p.split_at);
    let rows = u64::from(p.slices) * u64::from(p.rows);
    let columns = u64::from(p.size_y).min(2 * (frequencies - 1));
    Traffic::words(rows * columns, 2 * rows * frequencies)
}

fn rows_forward_cpu(call: &mut CpuCall<'_>) {
    let p: RowsForwardParams = call.params();
    let [emission, fourier, mut rows] = call.buffers();
    let frequencies = (p.order_at - p.split_at) as usize;
    let length = 2 * (frequencies - 1);
    let (plan, _) = real_plans(length);
    let source = sources(&fourier.read::<[f32; 2]>()[p.source_at as usize..][..length]);
    // Most of a line are the block's own voxels, one after the other.
    let first = source[0].unwrap_or(0);
    let own = source
        .iter()
        .zip(first..)
        .take_while(|(at, y)| **at == Some(*y));
    let own = own.count();
    let (emission, size_y) = (emission.read::<f32>(), p.size_y as usize);
    let lines = p.slices as usize * p.rows as usize;
    rows.write::<Complex32>()[..lines * frequencies]
        .par_chunks_exact_mut(frequencies)
        .enumerate()
        .for_each_init(
            || (vec![0.0f32; length], zeros(plan.get_scratch_len())),
            |(line, scratch), (at, out)| {
                let (slice, row) = (at / p.rows as usize, at % p.rows as usize);
                let row = slice * p.size_x as usize + p.first_x as usize + row;
                let row = &emission[row * size_y..][..size_y];
                line[..own].copy_from_slice(&row[first..first + own]);
                for (sample, source) in line[own..].iter_mut().zip(&source[own..]) {
                    *sample = source.map_or(0.0, |y| row[y]);
                }
                // The lengths are the plan's own: it has nothing to refuse.
                let _ = plan.process_with_scratch(line, out, scratch);
            },
        );
}
