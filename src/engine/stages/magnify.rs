//! Voxels spread over a camera finer than they are (docs/model.md section 7).

use super::status::IMAGE_OVERFLOW;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, constants,
    kernel_params,
};
use crate::engine::rng::{RowDraws, StreamKey, TableRef, TableView};
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
        /// Rows up to the end of the tissue, whose last one keeps what would fall behind it.
        end_x: u32,
        /// As `end_x`, columns.
        end_y: u32,
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
        key: StreamKey,
        /// Table of the jitter along x.
        jitter_x: TableRef,
        /// Table of the jitter along y.
        jitter_y: TableRef,
    }
}

/// Blurred volume (kept slices) added to images that were cleared before, and status.
pub static MAGNIFY: Kernel = Kernel {
    name: "magnify",
    stage: Stage::Camera,
    grid: Grid::Voxels(1),
    source: include_str!("../../../shaders/magnify.wgsl"),
    params: MagnifyParams::LAYOUT,
    constants: constants![IMAGE_OVERFLOW: u32],
    generated: &[],
    bindings: &[
        Access::Read,
        Access::Read,
        Access::ReadWrite,
        Access::ReadWrite,
    ],
    agreement: Agreement::Exact,
    fills: false,
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
    let state = state.atomic();
    let jitter_x = TableView::new(tables, p.jitter_x);
    let jitter_y = TableView::new(tables, p.jitter_y);
    let (image_x, image_y) = (p.image_x as usize, p.image_y as usize);
    // A slice is one thread's, so that pixels need no atomic additions.
    let slices = blurred.par_chunks_exact(size_x * size_y);
    image.write::<u32>()[..p.slices as usize * image_x * image_y]
        .par_chunks_exact_mut(image_x * image_y)
        .zip(slices)
        .enumerate()
        .for_each_init(RowDraws::default, |draws, (slice, (image, voxels))| {
            let z = p.origin_z + p.first_z + slice as u32 * p.step_z;
            let mut overflow = false;
            for (x, values) in voxels.chunks_exact(size_y).enumerate() {
                draws.clear();
                for (y, &value) in values.iter().enumerate() {
                    if value != 0 {
                        draws.push(y, 0);
                    }
                }
                for (y, words) in draws.draw(p.key, [z, p.origin_x + x as u32, p.origin_y]) {
                    let i = place(x, &jitter_x, words[0], p.bin_x, p.magnify_x, p.end_x);
                    let j = place(y, &jitter_y, words[1], p.bin_y, p.magnify_y, p.end_y);
                    if i >= image_x || j >= image_y {
                        continue;
                    }
                    let pixel = &mut image[i * image_y + j];
                    let (sum, wrapped) = pixel.overflowing_add(values[y]);
                    *pixel = sum;
                    overflow |= wrapped;
                }
            }
            if overflow {
                state[0].fetch_or(IMAGE_OVERFLOW, Ordering::Relaxed);
            }
        });
}

/// The pixel on which a voxel falls, along one axis; behind a part's image it is another part's.
#[inline]
fn place(
    voxel: usize,
    jitter: &TableView<'_>,
    word: u32,
    bin: u32,
    magnify: u32,
    end: u32,
) -> usize {
    let voxel = voxel as u32;
    let pixel = if magnify > 1 {
        (magnify * voxel + jitter.draw(word)).min(end - 1)
    } else {
        voxel / bin
    };
    pixel as usize
}
