//! Crowding of the tissue, on a coarse grid: growing processes steer towards room.

use super::grid::VoxelGrid;
use super::random::{Vec3, add_scaled, dot};

/// Edge of a coarse cell where voxels are smaller than that.
const EDGE_NM: f64 = 200.0;

/// Share of each coarse cell that is taken. May exceed 1 where processes were planned too close.
pub(super) struct Crowding {
    grid: VoxelGrid,
    fill: Vec<f32>,
    neutral: f64,
}

impl Crowding {
    /// Makes an empty one; outside the volume the fill counts as `neutral`.
    pub(super) fn new(fine: &VoxelGrid, neutral: f64) -> Self {
        let extent = fine.extent_nm();
        let size =
            [0, 1, 2].map(|a| ((extent[a] / EDGE_NM).ceil() as usize).clamp(1, fine.size[a]));
        let voxel_nm = [0, 1, 2].map(|a| extent[a] / size[a] as f64);
        let grid = VoxelGrid { size, voxel_nm };
        Self {
            grid,
            fill: vec![0.0; grid.voxels()],
            neutral,
        }
    }

    pub(super) fn at(&self, point_nm: Vec3) -> f64 {
        match self.grid.voxel_at(point_nm) {
            Some(cell) => f64::from(self.fill[self.grid.index(cell)]),
            None => self.neutral,
        }
    }

    /// Spreads a volume over the ball of the given radius.
    pub(super) fn add(&mut self, centre_nm: Vec3, radius_nm: f64, volume_nm3: f64) {
        let Some(own) = self.grid.voxel_at(centre_nm) else {
            return;
        };
        let cells = self.cells_within(centre_nm, radius_nm);
        let share = volume_nm3 / self.grid.voxel_volume_nm3();
        if cells.is_empty() {
            self.fill[self.grid.index(own)] += share as f32;
        }
        let each = (share / cells.len().max(1) as f64) as f32;
        for cell in cells {
            self.fill[cell] += each;
        }
    }

    fn cells_within(&self, centre_nm: Vec3, radius_nm: f64) -> Vec<usize> {
        self.cells_where(centre_nm, radius_nm, |offset| {
            dot(offset, offset) <= radius_nm * radius_nm
        })
        .map(|(cell, _)| cell)
        .collect()
    }

    /// Lists the coarse cells within a box of half-edge `reach_nm` whose centre, seen from
    /// `centre_nm`, is `inside`, each with its centre.
    pub(super) fn cells_where<'a>(
        &'a self,
        centre_nm: Vec3,
        reach_nm: f64,
        inside: impl Fn(Vec3) -> bool + 'a,
    ) -> impl Iterator<Item = (usize, Vec3)> + 'a {
        let ranges = [0, 1, 2].map(|a| {
            let edge = self.grid.voxel_nm[a];
            let low = ((centre_nm[a] - reach_nm) / edge).floor().max(0.0) as usize;
            let high = ((centre_nm[a] + reach_nm) / edge).ceil().max(0.0) as usize;
            low.min(self.grid.size[a])..high.min(self.grid.size[a])
        });
        let [zs, xs, ys] = ranges;
        zs.flat_map(move |z| {
            let ys = ys.clone();
            xs.clone()
                .flat_map(move |x| ys.clone().map(move |y| [z, x, y]))
        })
        .map(|cell| (self.grid.index(cell), self.grid.centre_nm(cell)))
        .filter(move |&(_, centre)| inside(add_scaled(centre, -1.0, centre_nm)))
    }

    /// Returns the volume of one coarse cell.
    pub(super) fn cell_volume_nm3(&self) -> f64 {
        self.grid.voxel_volume_nm3()
    }

    pub(super) fn fill_of(&self, cell: usize) -> f32 {
        self.fill[cell]
    }

    pub(super) fn fill_up(&mut self, cell: usize) {
        self.fill[cell] = 1.0;
    }
}
