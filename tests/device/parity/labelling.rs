//! Cases of what tissue and labels have beyond SimExm: displacements, and proteins with places and
//! densities of their own.

use super::cases::Contents::{Poison, Words};
use super::cases::{Case, FIRST_Z, case, tables};
use super::dice::{CELLS, Dice};
use simexm_gpu::internals::engine::compute::Kernel;
use simexm_gpu::internals::engine::rng::{DiscreteTable, StreamKey};
use simexm_gpu::internals::engine::stages::deform::DeformParams;
use simexm_gpu::internals::engine::stages::proteins::{
    AREA_CLASSES, AREA_SHIFT, BY_AREA, BY_NOTHING, BY_REGION, FACE_BITS, ProteinsParams, SIDE,
};

/// Every way to a density, with levels and without, proteins together, apart and in clusters.
pub fn proteins(kernel: &Kernel, [slices, x, y]: [usize; 3], dice: &mut Dice) -> Vec<Case> {
    let plane = x * y;
    let ring = slices + 3;
    let depth = FIRST_Z + slices as u32;
    let [key, other] = [[dice.word(), dice.word()], [dice.word(), dice.word()]];
    [
        (BY_NOTHING, 1, 0),
        (BY_NOTHING, 3, 1),
        (BY_REGION, 1, 0),
        (BY_REGION, 1, 1),
        (BY_AREA, 2, 0),
        (BY_AREA, 1, 2),
    ]
    .into_iter()
    .map(|(by, levels, apart)| {
        let poisson = |mean| DiscreteTable::poisson(mean).expect("a small mean");
        let mut list = vec![DiscreteTable::bernoulli(0.4)];
        list.extend([0.8, 3.0, 1.5, 0.5, 0.9, 2.0].map(DiscreteTable::displacement));
        list.push(poisson(2.5));
        let densities = match by {
            BY_NOTHING => vec![0],
            // Two regions, one outside all cells, and none for the rest.
            BY_REGION => vec![8, 2, 0],
            _ => (0..=AREA_CLASSES).map(|_| 0).collect(),
        };
        let first_count = list.len();
        let entries = densities.len() * levels;
        list.extend((0..entries).map(|entry| poisson(0.1 + entry as f64 / entries as f64)));
        let (mut words, at) = tables(&list);
        let weights_at = words.len() as u32;
        // Areas of faces that all together are the last class at most.
        let most = (AREA_CLASSES << AREA_SHIFT) / 6;
        words.extend((0..(SIDE + 1).pow(3)).map(|direction| {
            let areas = [
                direction % most,
                (7 * direction) % most,
                most - direction % most,
            ];
            areas[0] | areas[1] << FACE_BITS | areas[2] << (2 * FACE_BITS)
        }));
        let densities_at = words.len() as u32;
        for entry in 0..entries {
            let place = at[first_count + entry];
            words.extend([densities[entry / levels], place.at, place.len]);
        }
        // Three words of bits, then the levels of the cells.
        let mut selection = dice.words(3, u32::MAX);
        let of_cells = dice.words(CELLS.next_multiple_of(4) as usize, levels as u32);
        let of_cells = of_cells.chunks_exact(4).map(|four| {
            let bytes: [u8; 4] = std::array::from_fn(|at| four[at] as u8);
            u32::from_le_bytes(bytes)
        });
        selection.extend(of_cells);
        let origin = dice.words(3, 1000);
        let params = ProteinsParams {
            size_x: x as u32,
            size_y: y as u32,
            depth,
            origin_z: origin[0],
            origin_x: origin[1],
            origin_y: origin[2],
            first_z: FIRST_Z,
            slices: slices as u32,
            labels_ring: ring as u32,
            counts_ring: depth,
            region: if by == BY_REGION { 0 } else { 2 },
            selection_at: 1,
            levels_at: 3,
            levels: levels as u32,
            by,
            weights_at,
            densities_at,
            densities: densities.len() as u32,
            amplification: 3,
            apart,
            proteins: StreamKey(key),
            displacement: StreamKey([key[1], key[0]]),
            linkage: StreamKey(other),
            cluster: StreamKey([other[1], other[0]]),
            displaced: at[0],
            moved_z: at[1],
            moved_x: at[2],
            moved_y: at[3],
            linked_z: at[4],
            linked_x: at[5],
            linked_y: at[6],
            members: at[7],
        };
        // Some voxels are about to overflow, which the status must tell.
        let near_overflow = |_| match dice.word().is_multiple_of(50) {
            true => u32::MAX - 1,
            false => 0,
        };
        let counts = (0..depth as usize * plane).map(near_overflow).collect();
        let bindings = vec![
            Words(dice.labels(ring * plane)),
            Words(dice.regions(slices * plane)),
            Words(dice.words(CELLS as usize, u32::MAX)),
            Words(selection),
            Words(words),
            Words(counts),
            Words(vec![0]),
        ];
        case(params, bindings, kernel.grid.voxels([slices, x, y]))
    })
    .collect()
}

/// Displacements of less than a voxel and of many, on lattices fine and coarse.
pub fn deform(kernel: &Kernel, [slices, x, y]: [usize; 3], dice: &mut Dice) -> Vec<Case> {
    let plane = x * y;
    let depth = FIRST_Z as usize + slices;
    [([0, 0, 0], 100), ([2, 2, 3], 3000), ([1, 9, 5], 100_000)]
        .into_iter()
        .map(|(bits, most)| {
            let origin = dice.words(3, 1000);
            let size = [slices, x, y];
            let first_voxel = [origin[0] + FIRST_Z, origin[1], origin[2]];
            let nodes: [(u32, u32); 3] = std::array::from_fn(|axis| {
                let first = first_voxel[axis] >> bits[axis];
                let last = (first_voxel[axis] + size[axis] as u32 - 1) >> bits[axis];
                (first, last + 2 - first)
            });
            let count = nodes.iter().map(|&(_, count)| count).product::<u32>();
            let values = (0..3 * count)
                .map(|_| (dice.word() % (2 * most)).wrapping_sub(most))
                .collect();
            let params = DeformParams {
                size_x: x as u32,
                size_y: y as u32,
                depth: depth as u32,
                origin_z: origin[0],
                origin_x: origin[1],
                origin_y: origin[2],
                first_z: FIRST_Z,
                slices: slices as u32,
                from_ring: depth as u32,
                to_ring: slices as u32 + 2,
                bits_z: bits[0],
                bits_x: bits[1],
                bits_y: bits[2],
                node_z: nodes[0].0,
                node_x: nodes[1].0,
                node_y: nodes[2].0,
                nodes_x: nodes[1].1,
                nodes_y: nodes[2].1,
            };
            let bindings = vec![
                Words(values),
                Words(dice.labels(depth * plane)),
                Poison((slices + 2) * plane),
            ];
            case(params, bindings, kernel.grid.voxels([slices, x, y]))
        })
        .collect()
}
