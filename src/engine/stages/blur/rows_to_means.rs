//! The end of the blur in the model `physical`: expected electrons, unrounded (docs/physical.md section 5). Nothing is
//! drawn before pixels are exposed.

use super::rows_inverse::{BlockRows, Epilogue};
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Generated, Grid, Kernel, KernelParams, Layout, Stage,
    Traffic, constants, kernel_params,
};
use crate::engine::fft::BLOCK;
use rustfft::num_complex::Complex32;

kernel_params! {
    /// Rows of a block in the kept slices; see [`BlockRows`].
    RowsToMeansParams {
        /// Rows of the block.
        size_x: u32,
        /// Columns of the block.
        size_y: u32,
        /// Rows of a blurred slice.
        blurred_x: u32,
        /// Columns of a blurred slice.
        blurred_y: u32,
        /// First row of the block there.
        at_x: u32,
        /// First column of the block there.
        at_y: u32,
        /// Blocks of frequencies of y.
        blocks: u32,
        /// Number of slices.
        slices: u32,
        /// Where the roots that put a packed row together start in the tables.
        split_at: u32,
        /// Where the order of the outputs starts in the tables.
        order_at: u32,
    }
}

impl RowsToMeansParams {
    /// For so many slices; the block is filled in when it is recorded.
    pub fn new(slices: u32) -> Self {
        Self {
            slices,
            ..bytemuck::Zeroable::zeroed()
        }
    }

    fn rows(&self) -> BlockRows {
        BlockRows {
            size_x: self.size_x,
            size_y: self.size_y,
            blurred_x: self.blurred_x,
            blurred_y: self.blurred_y,
            at_x: self.at_x,
            at_y: self.at_y,
            blocks: self.blocks,
            split_at: self.split_at,
            order_at: self.order_at,
        }
    }
}

impl Epilogue for RowsToMeansParams {
    const KERNEL: &'static Kernel = &ROWS_TO_MEANS;

    fn of_block(self, rows: BlockRows) -> Self {
        Self {
            size_x: rows.size_x,
            size_y: rows.size_y,
            blurred_x: rows.blurred_x,
            blurred_y: rows.blurred_y,
            at_x: rows.at_x,
            at_y: rows.at_y,
            blocks: rows.blocks,
            slices: self.slices,
            split_at: rows.split_at,
            order_at: rows.order_at,
        }
    }

    fn slices(&self) -> u32 {
        self.slices
    }
}

/// Spectra of rows, (slice, block, x, frequency), to the blurred volume as f32.
pub static ROWS_TO_MEANS: Kernel = Kernel {
    name: "rows_to_means",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../shaders/rows_to_means.wgsl"),
    params: RowsToMeansParams::LAYOUT,
    constants: constants![BLOCK: u32],
    generated: &[Generated::Lines(Layout::Rows)],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
    cpu: rows_to_means_cpu,
    traffic: rows_to_means_traffic,
};

fn rows_to_means_traffic(extent: Extent<'_>) -> Traffic {
    let p: RowsToMeansParams = extent.params();
    p.rows().traffic(p.slices)
}

fn rows_to_means_cpu(call: &mut CpuCall<'_>) {
    let p: RowsToMeansParams = call.params();
    let [rows, _, mut blurred] = call.buffers();
    let store = |(): &mut (), values: &[f32], out: &mut [f32], _: [u32; 2]| {
        for (out, &value) in out.iter_mut().zip(values) {
            *out = value.max(0.0);
        }
    };
    let rows = rows.read::<Complex32>();
    p.rows().inverse(rows, blurred.write(), p.slices, store);
}
