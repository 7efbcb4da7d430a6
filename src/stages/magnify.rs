//! Voxels spread over a camera finer than they are (docs/model.md section 7).

use super::status;
use crate::compute::{
    Access, Agreement, CpuCall, Extent, Kernel, KernelParams, Traffic, kernel_params,
};
use crate::rng::{StreamKey, draw_from};
use rayon::prelude::*;
use std::sync::atomic::Ordering;

kernel_params! {
    /// Along each axis either `magnify` is above 1, or voxels are binned by `bin`.
    MagnifyParams {
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
        /// Pixels per voxel along x.
        magnify_x: u32,
        /// Pixels per voxel along y.
        magnify_y: u32,
        /// Offset of the volume in its source, for the draws.
        origin_z: u32,
        /// As `origin_z`, along x.
        origin_x: u32,
        /// As `origin_z`, along y.
        origin_y: u32,
        /// First slice.
        first_z: u32,
        /// Distance of one kept slice from the next.
        step_z: u32,
        /// Number of kept slices.
        slices: u32,
        /// Stream of the jitter.
        key_0: u32,
        /// Its second word.
        key_1: u32,
        /// Table of the jitter along x.
        jitter_x_at: u32,
        /// Its thresholds.
        jitter_x_len: u32,
        /// Table of the jitter along y.
        jitter_y_at: u32,
        /// Its thresholds.
        jitter_y_len: u32,
    }
}

/// Blurred volume (kept slices) added to images that were cleared before, and status.
pub static MAGNIFY: Kernel = Kernel {
    name: "magnify",
    source: include_str!("../../shaders/magnify.wgsl"),
    params: MagnifyParams::LAYOUT,
    bindings: &[
        Access::Read,
        Access::Read,
        Access::ReadWrite,
        Access::ReadWrite,
    ],
    agreement: Agreement::Exact,
    cpu: magnify_cpu,
    traffic: magnify_traffic,
};

fn magnify_traffic(extent: Extent<'_>) -> Traffic {
    let p: MagnifyParams = extent.params();
    // Voxels; which pixels they fall on is drawn.
    let voxels = u64::from(p.slices) * u64::from(p.size_x) * u64::from(p.size_y);
    Traffic::words(voxels, 0)
}

fn magnify_cpu(call: &mut CpuCall<'_>) {
    let p: MagnifyParams = call.params();
    let [blurred, tables, mut image, mut state] = call.buffers();
    let (size_x, size_y) = (p.size_x as usize, p.size_y as usize);
    let (blurred, tables) = (blurred.read::<u32>(), tables.read::<u32>());
    let (image, state) = (image.atomic(), state.atomic());
    let key = StreamKey([p.key_0, p.key_1]);
    let voxels = &blurred[..p.slices as usize * size_x * size_y];
    voxels
        .par_chunks_exact(size_y)
        .enumerate()
        .for_each(|(row, values)| {
            let (slice, x) = ((row / size_x) as u32, (row % size_x) as u32);
            let z = p.origin_z + p.first_z + slice * p.step_z;
            for (y, &value) in values.iter().enumerate() {
                if value == 0 {
                    continue;
                }
                let y = y as u32;
                let words = key.at([z, p.origin_x + x, p.origin_y + y], 0);
                let mut i = x / p.bin_x;
                if p.magnify_x > 1 {
                    let jitter = draw_from(tables, p.jitter_x_at, p.jitter_x_len, words[0]);
                    i = (p.magnify_x * x + jitter).min(p.image_x - 1);
                }
                let mut j = y / p.bin_y;
                if p.magnify_y > 1 {
                    let jitter = draw_from(tables, p.jitter_y_at, p.jitter_y_len, words[1]);
                    j = (p.magnify_y * y + jitter).min(p.image_y - 1);
                }
                let at = (slice as usize * p.image_x as usize + i as usize) * p.image_y as usize;
                let before = image[at + j as usize].fetch_add(value, Ordering::Relaxed);
                if before.checked_add(value).is_none() {
                    state[0].fetch_or(status::IMAGE_OVERFLOW, Ordering::Relaxed);
                }
            }
        });
}
