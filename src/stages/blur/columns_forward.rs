//! Complex transform along x of the reflected and padded columns.

use super::{padded_source, zeros};
use crate::compute::{
    Access, Agreement, CpuCall, Extent, Kernel, KernelParams, Traffic, kernel_params,
};
use crate::fft::{BLOCK, complex_plan};
use rayon::prelude::*;
use rustfft::FftDirection;
use rustfft::num_complex::Complex32;

kernel_params! {
    /// Columns of slices `first_z .. first_z + slices`, into the ring of spectra. The length of the
    /// transform is that of the ring's slots.
    ColumnsForwardParams {
        /// Rows of a slice.
        size_x: u32,
        /// Frequencies of y.
        frequencies: u32,
        /// Blocks of frequencies of y.
        blocks: u32,
        /// First slice.
        first_z: u32,
        /// Number of slices.
        slices: u32,
        /// Slices in the ring of spectra.
        spectra_ring: u32,
        /// Radius of the kernel.
        radius: u32,
        /// Where the order of the outputs starts in the tables.
        order_at: u32,
    }
}

/// Spectra of rows, (slice, x, frequency), to spectra of slices in a ring, (slot, block, frequency of
/// x, frequency of y within the block).
pub static COLUMNS_FORWARD: Kernel = Kernel {
    name: "columns_forward",
    source: include_str!("../../../shaders/columns_forward.wgsl"),
    params: ColumnsForwardParams::LAYOUT,
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    cpu: columns_forward_cpu,
    traffic: columns_forward_traffic,
};

fn columns_forward_traffic(extent: Extent<'_>) -> Traffic {
    let p: ColumnsForwardParams = extent.params();
    let slices = u64::from(p.slices);
    let slot = extent.words(2) / u64::from(p.spectra_ring);
    Traffic::words(
        2 * slices * u64::from(p.size_x) * u64::from(p.frequencies),
        slices * slot,
    )
}

fn columns_forward_cpu(call: &mut CpuCall<'_>) {
    let p: ColumnsForwardParams = call.params();
    let [rows, _, mut spectra] = call.buffers();
    let rows = rows.read::<Complex32>();
    let spectra: &mut [Complex32] = spectra.write();
    let (size, frequencies) = (p.size_x as usize, p.frequencies as usize);
    let (blocks, ring) = (p.blocks as usize, p.spectra_ring as usize);
    let length = spectra.len() / (ring * blocks * BLOCK);
    let plan = complex_plan(length, FftDirection::Forward);
    let source: Vec<Option<usize>> = (0..length)
        .map(|n| padded_source(n, length, size, p.radius as usize))
        .collect();
    spectra
        .par_chunks_exact_mut(length * BLOCK)
        .enumerate()
        .for_each_init(
            || (zeros(length * BLOCK), zeros(plan.get_inplace_scratch_len())),
            |(lines, scratch), (index, out)| {
                let (slot, block) = (index / blocks, index % blocks);
                let slice = (slot + ring - p.first_z as usize % ring) % ring;
                if slice >= p.slices as usize {
                    return;
                }
                let first = block * BLOCK;
                let width = (frequencies - first).min(BLOCK);
                for (n, source) in source.iter().enumerate() {
                    let values =
                        source.map(|x| &rows[(slice * size + x) * frequencies + first..][..width]);
                    for column in 0..width {
                        lines[column * length + n] =
                            values.map_or_else(Complex32::default, |v| v[column]);
                    }
                }
                plan.process_with_scratch(&mut lines[..width * length], scratch);
                for (k, out) in out.chunks_exact_mut(BLOCK).enumerate() {
                    for (column, out) in out.iter_mut().enumerate() {
                        *out = if column < width {
                            lines[column * length + k]
                        } else {
                            Complex32::default()
                        };
                    }
                }
            },
        );
}
