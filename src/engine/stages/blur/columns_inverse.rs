//! Complex transform back along x, cropped to the block.

use super::zeros;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Generated, Grid, Kernel, KernelParams, Layout, Stage,
    Traffic, constants, kernel_params,
};
use crate::engine::fft::{BLOCK, complex_plan};
use rayon::prelude::*;
use rustfft::FftDirection;
use rustfft::num_complex::Complex32;

kernel_params! {
    /// Columns of `slices` filtered slices. The length of the transform is in the generated code,
    /// and the twin reads it from `length_x`.
    ColumnsInverseParams {
        /// Rows of the block that are kept.
        size_x: u32,
        /// Frequencies of x.
        length_x: u32,
        /// Blocks of frequencies of y.
        blocks: u32,
        /// Number of slices.
        slices: u32,
    }
}

/// Filtered spectra, (block, slice, frequency of x, frequency within the block), to spectra of
/// rows, (slice, block, x, frequency within the block).
pub static COLUMNS_INVERSE: Kernel = Kernel {
    name: "columns_inverse",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../shaders/columns_inverse.wgsl"),
    params: ColumnsInverseParams::LAYOUT,
    constants: constants![BLOCK: u32],
    generated: &[Generated::Lines(Layout::Columns)],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
    cpu: columns_inverse_cpu,
    traffic: columns_inverse_traffic,
};

fn columns_inverse_traffic(extent: Extent<'_>) -> Traffic {
    let p: ColumnsInverseParams = extent.params();
    let columns = u64::from(p.slices) * u64::from(p.blocks) * BLOCK as u64;
    Traffic::words(
        2 * columns * u64::from(p.length_x),
        2 * columns * u64::from(p.size_x),
    )
}

fn columns_inverse_cpu(call: &mut CpuCall<'_>) {
    let p: ColumnsInverseParams = call.params();
    let [filtered, _, mut rows] = call.buffers();
    let filtered = filtered.read::<Complex32>();
    let (size, length) = (p.size_x as usize, p.length_x as usize);
    let (blocks, slices) = (p.blocks as usize, p.slices as usize);
    let plan = complex_plan(length, FftDirection::Inverse);
    let rows: &mut [Complex32] = rows.write();
    rows[..slices * blocks * size * BLOCK]
        .par_chunks_exact_mut(size * BLOCK)
        .enumerate()
        .for_each_init(
            || (zeros(length * BLOCK), zeros(plan.get_inplace_scratch_len())),
            |(lines, scratch), (index, out)| {
                let (slice, block) = (index / blocks, index % blocks);
                let spectrum = &filtered[(block * slices + slice) * length * BLOCK..];
                for (k, values) in spectrum.chunks_exact(BLOCK).take(length).enumerate() {
                    for (column, &value) in values.iter().enumerate() {
                        lines[column * length + k] = value;
                    }
                }
                plan.process_with_scratch(lines, scratch);
                for (x, out) in out.chunks_exact_mut(BLOCK).enumerate() {
                    for (column, out) in out.iter_mut().enumerate() {
                        *out = lines[column * length + x];
                    }
                }
            },
        );
}
