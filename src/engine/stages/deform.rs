//! Labels of tissue that has swollen unevenly (docs/model.md section 1.1): each voxel takes the
//! label of the place that the displacement there has come from.

use super::{Ring, for_rows};
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, constants,
    kernel_params,
};

/// Fractional bits of a displacement.
pub const DISPLACEMENT_BITS: u32 = 8;

/// Most voxels of a displacement: products of interpolation then stay below 2^31.
pub const MOST_DISPLACEMENT: u32 = (1 << 12) - 1;

/// Largest power of two of a lattice's pitch.
pub const MOST_PITCH_BITS: u32 = 9;

kernel_params! {
    /// Fills slices `first_z .. first_z + slices` of a ring from another.
    DeformParams {
        /// Rows of a slice.
        size_x: u32,
        /// Columns of a slice.
        size_y: u32,
        /// Slices of the whole volume.
        depth: u32,
        /// Offset of the volume in its source, for the lattice.
        origin_z: u32,
        /// As `origin_z`, along x.
        origin_x: u32,
        /// As `origin_z`, along y.
        origin_y: u32,
        /// First slice to fill.
        first_z: u32,
        /// Number of slices.
        slices: u32,
        /// Slices in the ring of what was there.
        from_ring: u32,
        /// Slices in the ring of what is there now.
        to_ring: u32,
        /// Power of two of the lattice's pitch along z.
        bits_z: u32,
        /// As `bits_z`, along x.
        bits_x: u32,
        /// As `bits_z`, along y.
        bits_y: u32,
        /// First node of the lattice along z.
        node_z: u32,
        /// As `node_z`, along x.
        node_x: u32,
        /// As `node_z`, along y.
        node_y: u32,
        /// Nodes along x.
        nodes_x: u32,
        /// Nodes along y.
        nodes_y: u32,
    }
}

/// A displacement along each axis (z, x, y) for each node of the lattice (z, x, y), and what was
/// there (ring), to what is there now (ring).
pub static DEFORM: Kernel = Kernel {
    name: "deform",
    stage: Stage::Regions,
    grid: Grid::Voxels(1),
    source: include_str!("../../../shaders/deform.wgsl"),
    params: DeformParams::LAYOUT,
    constants: constants![DISPLACEMENT_BITS: u32],
    generated: &[],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Exact,
    fills: true,
    cpu: deform_cpu,
    traffic: deform_traffic,
};

fn deform_traffic(extent: Extent<'_>) -> Traffic {
    let p: DeformParams = extent.params();
    let voxels = u64::from(p.slices) * u64::from(p.size_x) * u64::from(p.size_y);
    // Where labels are read depends on the field; each voxel reads one.
    Traffic::words(voxels, voxels)
}

/// Displacements on a lattice that starts at a node.
#[derive(Clone, Copy, Debug)]
pub struct Lattice<'a> {
    /// Displacements along (z, x, y) of each node (z, x, y), in 1/256 of a voxel.
    pub nodes: &'a [i32],
    /// Powers of two of the pitch along (z, x, y), in voxels.
    pub bits: [u32; 3],
    /// The first node along (z, x, y).
    pub first: [u32; 3],
    /// Nodes along x and y.
    pub size: [u32; 2],
}

impl Lattice<'_> {
    /// The displacement at a voxel (z, x, y) of the source: along y, then x, then z between nodes.
    /// Twin of the shader's.
    #[inline]
    pub fn at(&self, voxel: [u32; 3]) -> [i32; 3] {
        let [size_x, size_y] = self.size;
        let node = |axis: usize| (voxel[axis] >> self.bits[axis]) - self.first[axis];
        let rest = |axis: usize| (voxel[axis] & ((1 << self.bits[axis]) - 1)) as i32;
        let between = |a: i32, b: i32, axis: usize| a + (((b - a) * rest(axis)) >> self.bits[axis]);
        let [z, x, y] = [node(0), node(1), node(2)];
        std::array::from_fn(|component| {
            let value = |z: u32, x: u32, y: u32| {
                self.nodes[(3 * ((z * size_x + x) * size_y + y)) as usize + component]
            };
            let row = |z: u32, x: u32| between(value(z, x, y), value(z, x, y + 1), 2);
            let plane = |z: u32| between(row(z, x), row(z, x + 1), 1);
            between(plane(z), plane(z + 1), 0)
        })
    }

    /// The displacement in whole voxels, to the nearest.
    #[inline]
    pub fn whole(&self, voxel: [u32; 3]) -> [i32; 3] {
        let half = 1 << (DISPLACEMENT_BITS - 1);
        self.at(voxel)
            .map(|part| (part + half) >> DISPLACEMENT_BITS)
    }
}

fn deform_cpu(call: &mut CpuCall<'_>) {
    let p: DeformParams = call.params();
    let [nodes, from, mut to] = call.buffers();
    let (size_x, size_y) = (p.size_x as usize, p.size_y as usize);
    let plane = size_x * size_y;
    let lattice = Lattice {
        nodes: nodes.read::<i32>(),
        bits: [p.bits_z, p.bits_x, p.bits_y],
        first: [p.node_z, p.node_x, p.node_y],
        size: [p.nodes_x, p.nodes_y],
    };
    let from = from.read::<u32>();
    let ring = Ring::new(p.from_ring, plane);
    let size = [p.depth, p.size_x, p.size_y];
    let origin = [p.origin_z, p.origin_x, p.origin_y];
    let to = to.write::<u32>();
    for slice in 0..p.slices {
        let z = p.first_z + slice;
        let at = (z % p.to_ring) as usize * plane;
        let slab = &mut to[at..at + plane];
        for_rows(slab, size_x, size_y, 1, |_, x, out: &mut [u32]| {
            for (y, out) in out.iter_mut().enumerate() {
                let voxel = [z, x as u32, y as u32];
                let place = |axis: usize| voxel[axis] + origin[axis];
                let moved = lattice.whole([place(0), place(1), place(2)]);
                let [z, x, y] = std::array::from_fn(|axis| voxel[axis] as i32 - moved[axis]);
                let inside = |place: i32, axis: usize| place >= 0 && (place as u32) < size[axis];
                *out = match inside(z, 0) && inside(x, 1) && inside(y, 2) {
                    true => ring.slice(from, z as u32)[x as usize * size_y + y as usize],
                    false => 0,
                };
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_linear_between_nodes() {
        // u_y = 3 y + 40 at nodes 4 voxels apart, in 1/256 of a voxel.
        let (bits, size) = ([2, 2, 2], [3, 4]);
        let node = |number: u32| [0, -512, 3 * 4 * (number % 4) as i32 + 40];
        let nodes: Vec<i32> = (0..3 * 3 * 4).flat_map(node).collect();
        let lattice = Lattice {
            nodes: &nodes,
            bits,
            first: [1, 0, 2],
            size,
        };
        for y in 8..20 {
            assert_eq!(lattice.at([5, 3, y]), [0, -512, 3 * (y as i32 - 8) + 40]);
            assert_eq!(lattice.whole([5, 3, y]), [0, -2, 0]);
        }
    }

    #[test]
    fn the_largest_displacements_do_not_overflow() {
        let largest = (MOST_DISPLACEMENT << DISPLACEMENT_BITS) as i32;
        let nodes: Vec<i32> = (0..8)
            .flat_map(|n| {
                [
                    largest,
                    -largest,
                    if n % 2 == 0 { largest } else { -largest },
                ]
            })
            .collect();
        let lattice = Lattice {
            nodes: &nodes,
            bits: [MOST_PITCH_BITS; 3],
            first: [0; 3],
            size: [2, 2],
        };
        let [z, x, y] = lattice.at([511, 511, 511]);
        assert_eq!([z, x], [largest, -largest]);
        assert!((y + largest).abs() <= 2 * largest / 512 + 1);
    }
}
