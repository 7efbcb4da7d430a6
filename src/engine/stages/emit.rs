//! Light that leaves a voxel: proteins times photons per protein (docs/model.md section 4), or the
//! proteins themselves where nothing is drawn before pixels are exposed (docs/physical.md section
//! 1).

use super::{Ring, for_rows_init};
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, kernel_params,
};
use crate::engine::rng::{RowDraws, StreamKey, TableRef, TableView};

kernel_params! {
    /// Slices `first_z .. first_z + slices` of one fluorophore in one channel.
    EmitParams {
        /// Rows of a slice.
        size_x: u32,
        /// Columns of a slice.
        size_y: u32,
        /// Offset of the volume in its source, for the draws.
        origin_z: u32,
        /// As `origin_z`, along x.
        origin_x: u32,
        /// As `origin_z`, along y.
        origin_y: u32,
        /// First slice.
        first_z: u32,
        /// Number of slices.
        slices: u32,
        /// Slices in the ring of counts.
        counts_ring: u32,
        /// Table of photons per protein; one without words leaves the proteins as they are.
        photons: TableRef,
        /// Stream of the photons.
        key: StreamKey,
    }
}

/// Counts (ring) to emission (slab, f32). Both factors and their product are rounded half to even,
/// which every device does alike.
pub static EMIT: Kernel = Kernel {
    name: "emit",
    stage: Stage::Emission,
    grid: Grid::Voxels(1),
    source: include_str!("../../../shaders/emit.wgsl"),
    params: EmitParams::LAYOUT,
    constants: &[],
    generated: &[],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Exact,
    fills: true,
    cpu: emit_cpu,
    traffic: emit_traffic,
};

fn emit_traffic(extent: Extent<'_>) -> Traffic {
    let p: EmitParams = extent.params();
    let voxels = u64::from(p.slices) * u64::from(p.size_x) * u64::from(p.size_y);
    Traffic::words(voxels, voxels)
}

fn emit_cpu(call: &mut CpuCall<'_>) {
    let p: EmitParams = call.params();
    let [counts, tables, mut emission] = call.buffers();
    let (size_x, size_y) = (p.size_x as usize, p.size_y as usize);
    let ring = Ring::new(p.counts_ring, size_x * size_y);
    let (counts, tables) = (counts.read::<u32>(), tables.read::<u32>());
    let photons = (p.photons != TableRef::default()).then(|| TableView::new(tables, p.photons));
    for_rows_init(
        emission.write(),
        size_x,
        size_y,
        p.slices,
        RowDraws::default,
        |draws, slice, x, out: &mut [f32]| {
            let z = p.first_z + slice;
            let counts = &ring.slice(counts, z)[x * size_y..][..size_y];
            let Some(photons) = &photons else {
                for (out, &count) in out.iter_mut().zip(counts) {
                    *out = count as f32;
                }
                return;
            };
            draws.clear();
            for (y, (out, &count)) in out.iter_mut().zip(counts).enumerate() {
                *out = 0.0;
                if count != 0 {
                    draws.push(y, 0);
                }
            }
            let start = [p.origin_z + z, p.origin_x + x as u32, p.origin_y];
            for (y, words) in draws.draw(p.key, start) {
                out[y] = counts[y] as f32 * photons.draw(words[0]) as f32;
            }
        },
    );
}
