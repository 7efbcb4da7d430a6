//! Real-to-complex transform along y of the reflected and padded rows.

use super::zeros;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Generated, Grid, Kernel, KernelParams, Layout, Stage,
    Traffic, kernel_params,
};
use crate::engine::fft::{padded_source, real_plans};
use rayon::prelude::*;
use rustfft::num_complex::Complex32;

kernel_params! {
    /// Rows of a slab of emission. The length of the transform is in the generated code, and the
    /// twin reads it off the table, where `order_at - split_at` is half of it and one.
    RowsForwardParams {
        /// Columns of a slice.
        size_y: u32,
        /// Number of rows in all slices.
        rows: u32,
        /// Radius of the kernel.
        radius: u32,
        /// Where the roots that take a packed row apart start in the tables.
        split_at: u32,
        /// Where the order of the outputs starts in the tables.
        order_at: u32,
        /// Where the voxels of the points start in the tables.
        source_at: u32,
    }
}

/// Emission (slab) to spectra of its rows, (slice, x, frequency).
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
    let rows = u64::from(p.rows);
    Traffic::words(rows * u64::from(p.size_y), 2 * rows * frequencies)
}

fn rows_forward_cpu(call: &mut CpuCall<'_>) {
    let p: RowsForwardParams = call.params();
    let [emission, _, mut rows] = call.buffers();
    let frequencies = (p.order_at - p.split_at) as usize;
    let length = 2 * (frequencies - 1);
    let (size, radius) = (p.size_y as usize, p.radius as usize);
    let (plan, _) = real_plans(length);
    let source: Vec<Option<usize>> = (size..length)
        .map(|n| padded_source(n, length, size, radius))
        .collect();
    let emission = &emission.read::<f32>()[..p.rows as usize * size];
    rows.write::<Complex32>()
        .par_chunks_exact_mut(frequencies)
        .zip(emission.par_chunks_exact(size))
        .for_each_init(
            || (vec![0.0f32; length], zeros(plan.get_scratch_len())),
            |(line, scratch), (out, row)| {
                line[..size].copy_from_slice(row);
                for (sample, source) in line[size..].iter_mut().zip(&source) {
                    *sample = source.map_or(0.0, |y| row[y]);
                }
                // The lengths are the plan's own: it has nothing to refuse.
                let _ = plan.process_with_scratch(line, out, scratch);
            },
        );
}
