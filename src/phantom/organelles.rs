//! What lies within the cells of a phantom: nuclei, mitochondria, and the synapses between them.
//!
//! All three follow from the labels alone. The depth of a voxel is its distance from the surface of
//! its cell. A nucleus is the inner part of a cell that is as thick as a soma; a mitochondrion is a
//! tube along the middle of a process; a synapse is a disc on either side of a place where two
//! cells face each other.

use super::Phantom;
use super::grid::VoxelGrid;
use super::random::{Stream, StreamPurpose, Vec3, add_scaled, dot, normalised};

/// Least greatest depth of a cell with a nucleus: no neurite is as thick.
const SOMA_DEPTH_NM: f32 = 1_300.0;
/// Depth of a nucleus over the greatest depth of its soma.
const NUCLEUS_DEPTH: f32 = 0.35;
/// Share of the cells' volume that is mitochondria.
const MITOCHONDRIA_SHARE: f64 = 0.07;
/// Least depth of a process that holds a mitochondrion.
const ROOM_NM: f32 = 65.0;
/// Cytosol between a mitochondrion and the membrane.
const MARGIN_NM: f32 = 25.0;
/// Synapses in a cubic nm of neuropil: about one in a cubic um.
const SYNAPSES_PER_NM3: f64 = 1.0e-9;
/// Farthest distance of the two sides of a synapse.
const CLEFT_NM: f64 = 60.0;
/// Thickness of a synapse's sides, behind and before the cleft.
const DENSITY_NM: [f32; 2] = [40.0, 25.0];

impl Phantom {
    /// Nuclei, mitochondria and synapses of the cells that [`Phantom::generate`] has made, by name:
    /// volumes of the same size that hold the number of the nucleus, mitochondrion or synapse, and
    /// 0 elsewhere. Each voxel of a cell belongs to one of them at most.
    pub fn organelles(&self, labels: &[u32]) -> [(&'static str, Vec<u32>); 3] {
        let grid = VoxelGrid {
            size: self.size,
            voxel_nm: self.voxel_nm,
        };
        let mut making = Making {
            grid,
            labels,
            depth_nm: depths_nm(grid, labels),
            taken: vec![0; labels.len()],
            seed: self.seed,
        };
        let nuclei = making.nuclei();
        let synapses = making.synapses();
        let mitochondria = making.mitochondria();
        [
            ("mitochondria", mitochondria),
            ("nuclei", nuclei),
            ("synapses", synapses),
        ]
    }
}

/// The depth of each voxel of a cell, 0 outside: along chains of neighbours, which is at most a
/// tenth too long.
fn depths_nm(grid: VoxelGrid, labels: &[u32]) -> Vec<f32> {
    let [size_z, size_x, size_y] = grid.size;
    let mut depth = vec![f32::MAX; labels.len()];
    for (index, &cell) in labels.iter().enumerate() {
        let voxel = grid.coordinates(index);
        grid.for_each_neighbour(voxel, |other, at| {
            if labels[other] != cell {
                let axis = (0..3).find(|&axis| at[axis] != voxel[axis]).unwrap_or(0);
                depth[index] = depth[index].min(0.5 * grid.voxel_nm[axis] as f32);
            }
        });
        if cell == 0 {
            depth[index] = 0.0;
        }
    }
    let steps: Vec<([i64; 3], f32)> = (0..27)
        .map(|number: i64| [number / 9 - 1, number / 3 % 3 - 1, number % 3 - 1])
        .filter(|step| *step < [0, 0, 0])
        .map(|step| {
            let square: f64 = (0..3)
                .map(|axis| (step[axis] as f64 * grid.voxel_nm[axis]).powi(2))
                .sum();
            (step, square.sqrt() as f32)
        })
        .collect();
    let size = [size_z as i64, size_x as i64, size_y as i64];
    let mut pass = |index: usize, sign: i64| {
        if labels[index] == 0 {
            return;
        }
        let voxel = grid.coordinates(index);
        for (step, length_nm) in &steps {
            let near: [i64; 3] = std::array::from_fn(|axis| voxel[axis] as i64 + sign * step[axis]);
            if (0..3).any(|axis| near[axis] < 0 || near[axis] >= size[axis]) {
                continue;
            }
            let near = grid.index(near.map(|place| place as usize));
            if labels[near] == labels[index] && depth[near] < f32::MAX {
                depth[index] = depth[index].min(depth[near] + length_nm);
            }
        }
    };
    (0..labels.len()).for_each(|index| pass(index, 1));
    (0..labels.len()).rev().for_each(|index| pass(index, -1));
    depth
}

struct Making<'a> {
    grid: VoxelGrid,
    labels: &'a [u32],
    depth_nm: Vec<f32>,
    /// What has a voxel already.
    taken: Vec<u8>,
    seed: u64,
}

impl Making<'_> {
    fn nuclei(&mut self) -> Vec<u32> {
        let cells = self.labels.iter().copied().max().unwrap_or(0) as usize;
        let mut deepest = vec![0.0f32; cells + 1];
        for (&cell, &depth) in self.labels.iter().zip(&self.depth_nm) {
            // A cell alone in the volume has no surface.
            if depth < f32::MAX {
                deepest[cell as usize] = deepest[cell as usize].max(depth);
            }
        }
        let mut count = 0;
        let numbers: Vec<u32> = deepest
            .iter()
            .map(|&deepest| {
                count += u32::from(deepest >= SOMA_DEPTH_NM);
                if deepest >= SOMA_DEPTH_NM { count } else { 0 }
            })
            .collect();
        let mut nuclei = vec![0; self.labels.len()];
        for (index, &cell) in self.labels.iter().enumerate() {
            let number = numbers[cell as usize];
            if number != 0 && self.depth_nm[index] >= NUCLEUS_DEPTH * deepest[cell as usize] {
                nuclei[index] = number;
                self.taken[index] = 1;
            }
        }
        nuclei
    }

    fn mitochondria(&mut self) -> Vec<u32> {
        let mut volume = vec![0; self.labels.len()];
        let of_cells = self.labels.iter().filter(|&&cell| cell != 0).count();
        let most = (MITOCHONDRIA_SHARE * of_cells as f64) as usize;
        let tries = (30.0e-9 * of_cells as f64 * self.grid.voxel_volume_nm3()) as u32 + 8;
        let (mut number, mut painted) = (0, 0);
        for index in 0..tries {
            if painted >= most {
                break;
            }
            let mut stream = Stream::new(self.seed, StreamPurpose::Mitochondrion, index);
            let Some(start) = self.ridge(&mut stream) else {
                continue;
            };
            let cell = self.cell_at(start);
            let radius_nm = f64::from((0.6 * self.depth_at(start)).clamp(50.0, 130.0));
            let length_nm = stream.range(300.0, 1_200.0);
            let first = stream.direction();
            let before = painted;
            for side in [1.0, -1.0] {
                let mut place = start;
                let mut direction = first.map(|part| side * part);
                let mut walked = 0.0;
                while walked < 0.5 * length_nm {
                    painted += self.ball(place, radius_nm, cell, number + 1, &mut volume);
                    let step_nm = 0.4 * radius_nm;
                    let Some((next, towards)) =
                        self.along(place, direction, step_nm, cell, &mut stream)
                    else {
                        break;
                    };
                    (place, direction) = (next, towards);
                    walked += step_nm;
                }
            }
            number += u32::from(painted > before);
        }
        volume
    }

    /// A place in the middle of a process, deep enough, that nothing has taken.
    fn ridge(&self, stream: &mut Stream) -> Option<Vec3> {
        let extent_nm = self.grid.extent_nm();
        let mut place = extent_nm.map(|extent| stream.range(0.0, extent));
        let cell = self.cell_at(place);
        if cell == 0 {
            return None;
        }
        // Uphill until no place around is deeper.
        for _ in 0..200 {
            let here = self.depth_at(place);
            let mut best = (here, place);
            for _ in 0..8 {
                let near = add_scaled(place, 30.0, stream.direction());
                if self.cell_at(near) == cell && self.depth_at(near) > best.0 {
                    best = (self.depth_at(near), near);
                }
            }
            if best.0 <= here {
                break;
            }
            place = best.1;
        }
        let voxel = self.grid.voxel_at(place)?;
        let free = self.taken[self.grid.index(voxel)] == 0;
        (free && self.depth_at(place) >= ROOM_NM).then_some(place)
    }

    /// The next place along a process: of some in about the same direction the deepest.
    fn along(
        &self,
        place: Vec3,
        direction: Vec3,
        step_nm: f64,
        cell: u32,
        stream: &mut Stream,
    ) -> Option<(Vec3, Vec3)> {
        let mut best: Option<(f64, Vec3, Vec3)> = None;
        for _ in 0..10 {
            let towards = normalised(add_scaled(direction, 0.8, stream.in_ball()));
            let next = add_scaled(place, step_nm, towards);
            if self.cell_at(next) != cell || self.depth_at(next) < ROOM_NM {
                continue;
            }
            let depth = f64::from(self.depth_at(next).min(400.0));
            let worth = depth + 30.0 * dot(towards, direction);
            if best.is_none_or(|(most, ..)| worth > most) {
                best = Some((worth, next, towards));
            }
        }
        best.map(|(_, next, towards)| (next, towards))
    }

    /// Fills a ball as far as it lies within a cell and is free; returns the voxels that are new.
    fn ball(
        &mut self,
        centre: Vec3,
        radius_nm: f64,
        cell: u32,
        number: u32,
        volume: &mut [u32],
    ) -> usize {
        let mut count = 0;
        for index in self.around(centre, radius_nm) {
            if self.labels[index] == cell
                && self.taken[index] == 0
                && self.depth_nm[index] >= MARGIN_NM
            {
                self.taken[index] = 1;
                volume[index] = number;
                count += 1;
            }
        }
        count
    }

    fn synapses(&mut self) -> Vec<u32> {
        let mut volume = vec![0; self.labels.len()];
        let nm3 = self.grid.voxels() as f64 * self.grid.voxel_volume_nm3();
        let mut lots = Stream::new(self.seed, StreamPurpose::Synapse, 0);
        let count = lots.rounded(nm3 * SYNAPSES_PER_NM3);
        let mut number = 0;
        for index in 1..=count {
            let mut stream = Stream::new(self.seed, StreamPurpose::Synapse, index);
            let Some(face) = self.face(&mut stream) else {
                continue;
            };
            let radius_nm = stream.range(90.0, 220.0);
            number += 1;
            for index in self.around(face.place, radius_nm + CLEFT_NM) {
                if self.taken[index] == 0 && self.belongs(index, &face, radius_nm) {
                    self.taken[index] = 1;
                    volume[index] = number;
                }
            }
        }
        volume
    }

    /// Whether a voxel lies on one of the sides of a synapse.
    fn belongs(&self, index: usize, face: &Face, radius_nm: f64) -> bool {
        let (cell, depth_nm) = (self.labels[index], self.depth_nm[index]);
        let behind = cell == face.cells[0] && depth_nm <= DENSITY_NM[0];
        let before = cell == face.cells[1] && depth_nm <= DENSITY_NM[1];
        if !behind && !before {
            return false;
        }
        let here = self.grid.centre_nm(self.grid.coordinates(index));
        let offset = add_scaled(here, -1.0, face.place);
        let across = add_scaled(offset, -dot(offset, face.normal), face.normal);
        if dot(across, across) > radius_nm * radius_nm {
            return false;
        }
        let (other, towards) = if behind {
            (face.cells[1], face.normal)
        } else {
            (face.cells[0], face.normal.map(|part| -part))
        };
        self.faces(here, towards, CLEFT_NM + f64::from(DENSITY_NM[0])) == Some(other)
    }

    /// A place on the surface of a cell where another one faces it.
    fn face(&self, stream: &mut Stream) -> Option<Face> {
        let extent_nm = self.grid.extent_nm();
        for _ in 0..400 {
            let place = extent_nm.map(|extent| stream.range(0.0, extent));
            let cell = self.cell_at(place);
            let normal = stream.direction();
            if cell == 0 || self.depth_at(place) > DENSITY_NM[1] {
                continue;
            }
            if let Some(other) = self.faces(place, normal, CLEFT_NM) {
                return Some(Face {
                    place,
                    normal,
                    cells: [cell, other],
                });
            }
        }
        None
    }

    /// The first other cell that is met in a direction within a distance.
    fn faces(&self, from: Vec3, towards: Vec3, most_nm: f64) -> Option<u32> {
        let cell = self.cell_at(from);
        let step_nm = 0.7 * self.grid.min_voxel_nm();
        let steps = (most_nm / step_nm) as usize;
        let met =
            (1..=steps).map(|step| self.cell_at(add_scaled(from, step as f64 * step_nm, towards)));
        let mut met = met.skip_while(|&other| other == cell || other == 0);
        met.next()
    }

    /// The voxels whose middle is in a ball.
    fn around(&self, centre: Vec3, radius_nm: f64) -> Vec<usize> {
        let range = |axis: usize| {
            let edge = self.grid.voxel_nm[axis];
            let first = ((centre[axis] - radius_nm) / edge).max(0.0) as usize;
            let last = ((centre[axis] + radius_nm) / edge + 1.0).max(0.0) as usize;
            first..last.min(self.grid.size[axis])
        };
        let mut found = Vec::new();
        for z in range(0) {
            for x in range(1) {
                for y in range(2) {
                    let offset = add_scaled(self.grid.centre_nm([z, x, y]), -1.0, centre);
                    if dot(offset, offset) <= radius_nm * radius_nm {
                        found.push(self.grid.index([z, x, y]));
                    }
                }
            }
        }
        found
    }

    fn cell_at(&self, place: Vec3) -> u32 {
        let voxel = self.grid.voxel_at(place);
        voxel.map_or(0, |voxel| self.labels[self.grid.index(voxel)])
    }

    fn depth_at(&self, place: Vec3) -> f32 {
        let voxel = self.grid.voxel_at(place);
        let depth = voxel.map_or(0.0, |voxel| self.depth_nm[self.grid.index(voxel)]);
        if depth < f32::MAX { depth } else { 0.0 }
    }
}

/// Where two cells face each other.
struct Face {
    place: Vec3,
    /// From the first cell to the other.
    normal: Vec3,
    cells: [u32; 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organelles_lie_where_they_belong() {
        let phantom = Phantom {
            size: [40, 160, 160],
            voxel_nm: [30.0, 16.0, 16.0],
            seed: 3,
            density: 0.95,
        };
        let labels = phantom.generate().unwrap();
        let organelles = phantom.organelles(&labels);
        let names = organelles.each_ref().map(|(name, _)| *name);
        assert_eq!(names, ["mitochondria", "nuclei", "synapses"]);
        let [mitochondria, nuclei, synapses] = organelles.map(|(_, volume)| volume);
        let cells = labels.iter().filter(|&&cell| cell != 0).count();
        for (index, &cell) in labels.iter().enumerate() {
            let own = [mitochondria[index], nuclei[index], synapses[index]];
            assert!(own.iter().filter(|&&number| number != 0).count() <= 1);
            assert!(cell != 0 || own == [0; 3], "none lies outside the cells");
        }
        let share = mitochondria.iter().filter(|&&n| n != 0).count() as f64 / cells as f64;
        assert!((0.02..0.09).contains(&share), "{share}");
        // Each mitochondrion lies in one cell, each synapse in two.
        for (volume, least, most) in [(&mitochondria, 1, 1), (&synapses, 1, 2)] {
            let count = volume.iter().copied().max().unwrap();
            assert!(count >= 3, "{count}");
            let mut of = vec![std::collections::BTreeSet::new(); count as usize + 1];
            for (&number, &cell) in volume.iter().zip(&labels) {
                of[number as usize].insert(cell);
            }
            for cells in &of[1..] {
                assert!((least..=most).contains(&cells.len()), "{cells:?}");
            }
        }
        assert_eq!(
            phantom.organelles(&labels).map(|(_, v)| v),
            [mitochondria, nuclei, synapses]
        );
    }

    #[test]
    fn a_soma_has_a_nucleus() {
        // A ball of 3 um in a corner, and a rod of 0.5 um.
        let size = [40, 40, 40];
        let phantom = Phantom {
            size,
            voxel_nm: [100.0; 3],
            seed: 1,
            density: 0.5,
        };
        let labels: Vec<u32> = (0..64_000)
            .map(|index| {
                let [z, x, y] = [index / 1600, index / 40 % 40, index % 40];
                let square = z * z + x * x + y * y;
                let rod = (34..39).contains(&z) && (34..39).contains(&x);
                if square < 900 { 1 } else { 2 * u32::from(rod) }
            })
            .collect();
        let [_, (_, nuclei), _] = phantom.organelles(&labels);
        assert_eq!(nuclei[0], 1);
        let count = nuclei.iter().filter(|&&number| number == 1).count();
        let ball = labels.iter().filter(|&&cell| cell == 1).count();
        // Two thirds of the radius.
        let share = count as f64 / ball as f64;
        assert!((0.2..0.4).contains(&share), "{share}");
        assert!(nuclei.iter().all(|&number| number <= 1));
    }
}
