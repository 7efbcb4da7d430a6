//! Voxels summed over the camera's pixels, or shown by several of them (docs/model.md section 7).

use super::for_rows;
use super::status::IMAGE_OVERFLOW;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, constants,
    kernel_params,
};
use std::sync::atomic::Ordering;

kernel_params! {
    /// Bins of `bin_x` by `bin_y` voxels, each for `repeat_x` by `repeat_y` pixels; the last bin of
    /// a row or column may be cut.
    BinParams {
        /// Rows of a slice.
        size_x: u32,
        /// Columns of a slice.
        size_y: u32,
        /// Rows of an image.
        image_x: u32,
        /// Columns of an image.
        image_y: u32,
        /// Voxels per pixel along x.
        bin_x: u32,
        /// Voxels per pixel along y.
        bin_y: u32,
        /// Pixels that have the same voxels, along x.
        repeat_x: u32,
        /// As `repeat_x`, along y.
        repeat_y: u32,
        /// Number of slices.
        slices: u32,
    }
}

/// Blurred volume (kept slices) to images, and status.
pub static BIN: Kernel = Kernel {
    name: "bin",
    stage: Stage::Camera,
    grid: Grid::Voxels(1),
    source: include_str!("../../../shaders/bin.wgsl"),
    params: BinParams::LAYOUT,
    constants: constants![IMAGE_OVERFLOW: u32],
    generated: &[],
    bindings: &[Access::Read, Access::ReadWrite, Access::ReadWrite],
    agreement: Agreement::Exact,
    fills: true,
    cpu: bin_cpu,
    traffic: bin_traffic,
};

fn bin_traffic(extent: Extent<'_>) -> Traffic {
    let p: BinParams = extent.params();
    let slices = u64::from(p.slices);
    Traffic::words(
        slices * u64::from(p.size_x) * u64::from(p.size_y),
        slices * u64::from(p.image_x) * u64::from(p.image_y),
    )
}

fn bin_cpu(call: &mut CpuCall<'_>) {
    let p: BinParams = call.params();
    let [blurred, mut image, mut state] = call.buffers();
    let (size_x, size_y) = (p.size_x as usize, p.size_y as usize);
    let (bin_x, bin_y) = (p.bin_x as usize, p.bin_y as usize);
    let (repeat_x, repeat_y) = (p.repeat_x as usize, p.repeat_y as usize);
    let (image_x, image_y) = (p.image_x as usize, p.image_y as usize);
    let (blurred, state) = (blurred.read::<u32>(), state.atomic());
    for_rows(
        image.write(),
        image_x,
        image_y,
        p.slices,
        |slice, i, out: &mut [u32]| {
            out.fill(0);
            let mut overflow = false;
            let first_x = i / repeat_x * bin_x;
            for x in first_x..(first_x + bin_x).min(size_x) {
                let row = &blurred[(slice as usize * size_x + x) * size_y..][..size_y];
                let pixels = out.chunks_mut(repeat_y);
                for (pixels, voxels) in pixels.zip(row.chunks(bin_y)) {
                    for &value in voxels {
                        for pixel in &mut *pixels {
                            let (sum, wrapped) = pixel.overflowing_add(value);
                            *pixel = sum;
                            overflow |= wrapped;
                        }
                    }
                }
            }
            if overflow {
                state[0].fetch_or(IMAGE_OVERFLOW, Ordering::Relaxed);
            }
        },
    );
}
