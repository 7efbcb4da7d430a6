//! The end of the blur in the model `physical`: expected electrons, unrounded (docs/physical.md
//! section 5). Nothing is drawn before pixels are exposed.

use super::rows_inverse::{Epilogue, epilogue_params, traffic};
use crate::engine::compute::{
    Access, Agreement, CpuCall, Generated, Grid, Kernel, KernelParams, Layout, Stage, constants,
};
use crate::engine::fft::BLOCK;
use rustfft::num_complex::Complex32;

epilogue_params! {
    /// Rows of a block in the kept slices.
    RowsToMeansParams of ROWS_TO_MEANS {}
}

impl RowsToMeansParams {
    /// For so many slices; the block is filled in when it is recorded.
    pub fn new(slices: u32) -> Self {
        Self {
            slices,
            ..bytemuck::Zeroable::zeroed()
        }
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
    traffic: traffic::<RowsToMeansParams>,
};

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
