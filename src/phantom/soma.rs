//! Cell bodies.

use super::crowding::Crowding;
use super::neurites::Branch;
use super::noise::NoiseFrame;
use super::random::{Stream, Vec3, add_scaled, dot, perpendicular};
use super::tissue::GrowingTissue;

/// Somata, neurons and glia, per cubic nm of cortex: about 10^5 in a cubic mm.
const PER_NM3: f64 = 1.0e-13;
const RADIUS_NM: [f64; 2] = [2_000.0, 5_000.0];

/// Ellipsoid with a slightly uneven surface.
pub(super) struct Soma {
    centre: Vec3,
    /// Unit vectors of the half axes.
    axes: [Vec3; 3],
    radii_nm: Vec3,
    unevenness: NoiseFrame,
}

/// Returns the mean number of somata with a part in the volume, were it filled as densely as
/// cortex.
pub(super) fn expected(extent_nm: Vec3) -> f64 {
    PER_NM3
        * extent_nm
            .iter()
            .map(|e| e + 2.0 * RADIUS_NM[1])
            .product::<f64>()
}

impl Soma {
    /// Draws a soma somewhere in the volume or close to it.
    pub(super) fn place(extent_nm: Vec3, stream: &mut Stream) -> Self {
        let centre = extent_nm.map(|e| stream.range(-RADIUS_NM[1], e + RADIUS_NM[1]));
        let first = stream.direction();
        let second = perpendicular(stream.direction(), first);
        let third = [
            first[1] * second[2] - first[2] * second[1],
            first[2] * second[0] - first[0] * second[2],
            first[0] * second[1] - first[1] * second[0],
        ];
        let radius_nm = stream.range(RADIUS_NM[0], 4_000.0);
        let radii_nm = [1.0, 1.25, 0.8]
            .map(|f| (f * radius_nm * stream.range(0.9, 1.1)).clamp(RADIUS_NM[0], RADIUS_NM[1]));
        Self {
            centre,
            axes: [first, second, third],
            radii_nm,
            unevenness: NoiseFrame::draw(stream, 1_500.0),
        }
    }

    /// Returns the depth of an offset from the centre: 0 at the centre, 1 on the surface of the
    /// even ellipsoid.
    fn depth(&self, offset: Vec3) -> f64 {
        let square: f64 = (0..3)
            .map(|a| {
                let u = dot(offset, self.axes[a]) / self.radii_nm[a];
                u * u
            })
            .sum();
        square.sqrt()
    }

    /// Paints the soma as a new cell if its part inside the volume is free and at most
    /// `max_volume_nm3`. Returns the id and the volume in nm^3.
    pub(super) fn paint(
        &self,
        tissue: &mut GrowingTissue,
        crowding: &mut Crowding,
        max_volume_nm3: f64,
    ) -> Option<(u32, f64)> {
        let reach = self.radii_nm.iter().fold(0.0_f64, |a, &b| a.max(b));
        let cells: Vec<(usize, Vec3)> = crowding
            .cells_where(self.centre, reach, |offset| self.depth(offset) < 1.0)
            .collect();
        let volume_nm3 = cells.len() as f64 * crowding.cell_volume_nm3();
        let free = cells.iter().all(|&(cell, _)| crowding.fill_of(cell) == 0.0);
        if cells.is_empty() || volume_nm3 > max_volume_nm3 || !free {
            return None;
        }
        let depth_of = |centre: Vec3| self.depth(add_scaled(centre, -1.0, self.centre));
        let deepest = cells
            .iter()
            .map(|&(_, centre)| centre)
            .min_by(|&a, &b| depth_of(a).total_cmp(&depth_of(b)))?;
        let id = tissue.new_cell(1_000.0);
        let claimed = self.fill(tissue, id, deepest);
        if claimed == 0 {
            tissue.forget_newest_cell();
            return None;
        }
        for (cell, _) in cells {
            crowding.fill_up(cell);
        }
        Some((id, claimed as f64 * tissue.grid.voxel_volume_nm3()))
    }

    /// Claims the voxels inside that are connected with the one at `seed`; returns their number.
    fn fill(&self, tissue: &mut GrowingTissue, id: u32, seed: Vec3) -> usize {
        let grid = tissue.grid;
        let inside = |tissue: &GrowingTissue, voxel: [usize; 3]| {
            let point = grid.centre_nm(voxel);
            let uneven = tissue.noise().at(&self.unevenness, point.map(|p| p as f32));
            self.depth(add_scaled(point, -1.0, self.centre)) < 1.0 + 0.08 * f64::from(uneven)
        };
        let Some(start) = grid.voxel_at(seed).filter(|&v| inside(tissue, v)) else {
            return 0;
        };
        if tissue.is_full() {
            return 0;
        }
        let mut todo = vec![start];
        let mut surface = Vec::new();
        let mut claimed = 1;
        tissue.claim(grid.index(start), id);
        while let Some(voxel) = todo.pop() {
            let mut on_surface = false;
            grid.for_each_neighbour(voxel, |index, neighbour| {
                if tissue.labels[index] != 0 || tissue.is_full() {
                    return;
                }
                if inside(tissue, neighbour) {
                    tissue.claim(index, id);
                    claimed += 1;
                    todo.push(neighbour);
                } else {
                    on_surface = true;
                }
            });
            if on_surface {
                surface.push(voxel);
            }
        }
        // A radius of 0: the soma has its size and only creeps on.
        for voxel in surface {
            tissue.start_front(grid.index(voxel), id, grid.centre_nm(voxel), 1.0);
        }
        claimed
    }

    /// Places the starts of its dendrites, below the surface, heading outwards.
    pub(super) fn stems(&self, stream: &mut Stream) -> Vec<Branch> {
        (0..4 + stream.bits() % 4)
            .map(|_| {
                let direction = stream.direction();
                let reach_nm = 0.85 / self.depth(direction);
                let start = add_scaled(self.centre, reach_nm, direction);
                Branch {
                    start,
                    direction,
                    radius_nm: stream.range(700.0, 1_200.0),
                    order: 0,
                }
            })
            .collect()
    }
}
