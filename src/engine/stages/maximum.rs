//! The brightest pixel so far (docs/model.md section 7).

use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, kernel_params,
};
use rayon::prelude::*;

kernel_params! {
    /// Raises `maximum[maximum_at]` to the largest of the first `pixels` pixels.
    MaximumParams {
        /// Number of pixels.
        pixels: u32,
        /// The channel's word.
        maximum_at: u32,
    }
}

/// Images to the channel's maximum.
pub static MAXIMUM: Kernel = Kernel {
    name: "maximum",
    stage: Stage::Camera,
    grid: Grid::Linear,
    source: include_str!("../../../shaders/maximum.wgsl"),
    params: MaximumParams::LAYOUT,
    constants: &[],
    generated: &[],
    bindings: &[Access::Read, Access::ReadWrite],
    agreement: Agreement::Exact,
    fills: false,
    cpu: maximum_cpu,
    traffic: maximum_traffic,
};

fn maximum_traffic(extent: Extent<'_>) -> Traffic {
    let p: MaximumParams = extent.params();
    Traffic::words(p.pixels.into(), 0)
}

fn maximum_cpu(call: &mut CpuCall<'_>) {
    let p: MaximumParams = call.params();
    let [image, mut maximum] = call.buffers();
    let brightest = image.read::<u32>()[..p.pixels as usize]
        .par_chunks(1 << 14)
        .map(|pixels| pixels.iter().copied().fold(0, u32::max))
        .max();
    let word = &mut maximum.write::<u32>()[p.maximum_at as usize];
    *word = (*word).max(brightest.unwrap_or(0));
}
