//! The two passes from emission to spectra of rows.

use super::Lines;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Generated, Grid, Kernel, KernelParams, Layout, Stage,
    Traffic, kernel_params,
};
use rayon::prelude::*;
use rustfft::num_complex::Complex32;

kernel_params! {
    /// Rows of a slab of emission, and where their tables are.
    LongRowsLoadParams {
        /// Columns of a slice.
        size_y: u32,
        /// Number of rows in all slices.
        rows: u32,
        /// Length of the transform.
        length: u32,
        /// Length of its second pass.
        second: u32,
        /// Where the voxels of the points start in the tables.
        source_at: u32,
        /// Where the roots of the whole length start in the tables.
        roots_at: u32,
    }
}

kernel_params! {
    /// Lines of a slab.
    LongRowsForwardParams {
        /// Number of rows in all slices.
        rows: u32,
        /// Length of the transform.
        length: u32,
        /// Length of its second pass.
        second: u32,
        /// Frequencies to keep.
        frequencies: u32,
    }
}

/// Emission (slab) to lines, (slice, x, first, second).
pub static LONG_ROWS_LOAD: Kernel = Kernel {
    name: "long_rows_load",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../../shaders/long_rows_load.wgsl"),
    params: LongRowsLoadParams::LAYOUT,
    constants: &[],
    generated: &[Generated::Lines(Layout::Columns)],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
    cpu: load_cpu,
    traffic: load_traffic,
};

/// Lines to spectra of rows, (slice, x, frequency).
pub static LONG_ROWS_FORWARD: Kernel = Kernel {
    name: "long_rows_forward",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../../shaders/long_rows_forward.wgsl"),
    params: LongRowsForwardParams::LAYOUT,
    constants: &[],
    generated: &[Generated::Lines(Layout::Rows)],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
    cpu: forward_cpu,
    traffic: forward_traffic,
};

fn load_traffic(extent: Extent<'_>) -> Traffic {
    let p: LongRowsLoadParams = extent.params();
    let rows = u64::from(p.rows);
    Traffic::words(rows * u64::from(p.size_y), 2 * rows * u64::from(p.length))
}

fn forward_traffic(extent: Extent<'_>) -> Traffic {
    let p: LongRowsForwardParams = extent.params();
    let rows = u64::from(p.rows);
    let (length, frequencies) = (u64::from(p.length), u64::from(p.frequencies));
    Traffic::words(2 * rows * length, 2 * rows * frequencies)
}

fn load_cpu(call: &mut CpuCall<'_>) {
    let p: LongRowsLoadParams = call.params();
    let [emission, fourier, mut lines] = call.buffers();
    let fourier = fourier.read::<Complex32>();
    let (size, length) = (p.size_y as usize, p.length as usize);
    let source = &fourier[p.source_at as usize..][..length];
    let roots = &fourier[p.roots_at as usize..][..length];
    let emission = &emission.read::<f32>()[..p.rows as usize * size];
    lines
        .write::<Complex32>()
        .par_chunks_exact_mut(length)
        .zip(emission.par_chunks_exact(size))
        .for_each_init(
            || (Lines::new(length, p.second as usize), Vec::new()),
            |(passes, padded), (lines, row)| {
                padded.clear();
                padded.extend(source.iter().map(|source| {
                    let voxel = (source.re >= 0.0).then(|| row[source.re as usize]);
                    Complex32::from(voxel.unwrap_or(0.0))
                }));
                passes.first_pass(padded, roots, lines);
            },
        );
}

fn forward_cpu(call: &mut CpuCall<'_>) {
    let p: LongRowsForwardParams = call.params();
    let [lines, _, mut rows] = call.buffers();
    let (length, frequencies) = (p.length as usize, p.frequencies as usize);
    let lines = &lines.read::<Complex32>()[..p.rows as usize * length];
    rows.write::<Complex32>()
        .par_chunks_exact_mut(frequencies)
        .zip(lines.par_chunks_exact(length))
        .for_each_init(
            || (Lines::new(length, p.second as usize), super::zeros(length)),
            |(passes, work), (row, lines)| {
                work.copy_from_slice(lines);
                for (k, value) in passes.second_pass(work) {
                    if let Some(frequency) = row.get_mut(k) {
                        *frequency = value;
                    }
                }
            },
        );
}
