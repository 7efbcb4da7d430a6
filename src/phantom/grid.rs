//! Voxel grids: indices, positions in nm, neighbours.

use super::random::Vec3;

/// Grid of voxels. Axes are (z, x, y): x is the row of an image; y is contiguous, then x, then z.
#[derive(Clone, Copy)]
pub(super) struct VoxelGrid {
    /// Voxels along (z, x, y).
    pub(super) size: [usize; 3],
    /// Voxel edges along (z, x, y).
    pub(super) voxel_nm: Vec3,
}

impl VoxelGrid {
    pub(super) fn voxels(&self) -> usize {
        self.size.iter().product()
    }

    pub(super) fn extent_nm(&self) -> Vec3 {
        [0, 1, 2].map(|a| self.size[a] as f64 * self.voxel_nm[a])
    }

    pub(super) fn voxel_volume_nm3(&self) -> f64 {
        self.voxel_nm.iter().product()
    }

    pub(super) fn min_voxel_nm(&self) -> f64 {
        self.voxel_nm.iter().fold(f64::INFINITY, |a, &b| a.min(b))
    }

    /// Returns the linear index of a voxel. The volume has at most `u32::MAX` voxels.
    pub(super) fn index(&self, [z, x, y]: [usize; 3]) -> usize {
        (z * self.size[1] + x) * self.size[2] + y
    }

    pub(super) fn coordinates(&self, index: usize) -> [usize; 3] {
        // 32-bit divisions: the index fits, and they are much faster than 64-bit ones.
        let (index, width, rows) = (index as u32, self.size[2] as u32, self.size[1] as u32);
        let (row, y) = (index / width, index % width);
        [(row / rows) as usize, (row % rows) as usize, y as usize]
    }

    /// Finds the voxel that a point lies in; `None` outside the volume.
    pub(super) fn voxel_at(&self, point_nm: Vec3) -> Option<[usize; 3]> {
        let mut voxel = [0; 3];
        for a in 0..3 {
            let position = point_nm[a] / self.voxel_nm[a];
            if !(position >= 0.0 && position < self.size[a] as f64) {
                return None;
            }
            voxel[a] = position as usize;
        }
        Some(voxel)
    }

    /// Returns the centre of a voxel, in nm.
    pub(super) fn centre_nm(&self, voxel: [usize; 3]) -> Vec3 {
        [0, 1, 2].map(|a| (voxel[a] as f64 + 0.5) * self.voxel_nm[a])
    }

    /// Calls `visit` with the index and coordinates of each of the up to six neighbours across a
    /// face.
    #[inline]
    pub(super) fn for_each_neighbour(
        &self,
        [z, x, y]: [usize; 3],
        mut visit: impl FnMut(usize, [usize; 3]),
    ) {
        let index = self.index([z, x, y]);
        let row = self.size[2];
        let slice = self.size[1] * row;
        if z > 0 {
            visit(index - slice, [z - 1, x, y]);
        }
        if z + 1 < self.size[0] {
            visit(index + slice, [z + 1, x, y]);
        }
        if x > 0 {
            visit(index - row, [z, x - 1, y]);
        }
        if x + 1 < self.size[1] {
            visit(index + row, [z, x + 1, y]);
        }
        if y > 0 {
            visit(index - 1, [z, x, y - 1]);
        }
        if y + 1 < row {
            visit(index + 1, [z, x, y + 1]);
        }
    }

    /// Calls `visit` for each voxel that a straight line enters after the voxel `from`, in order,
    /// each sharing a face with the one before. Beside the voxel it passes the share of the line
    /// that is behind, 0 to 1. Stops when `visit` returns false.
    pub(super) fn walk(
        &self,
        from: Vec3,
        to: Vec3,
        mut visit: impl FnMut(usize, f64) -> bool,
    ) -> Walk {
        let Some(mut voxel) = self.voxel_at(from) else {
            return Walk::LeftVolume(0.0);
        };
        let longest = (0..3).fold(0.0_f64, |m, a| {
            m.max((to[a] - from[a]).abs() / self.voxel_nm[a])
        });
        let parts = (2.0 * longest).ceil().max(1.0);
        for part in 1..=parts as usize {
            let share = part as f64 / parts;
            let point = [0, 1, 2].map(|a| from[a] + share * (to[a] - from[a]));
            let Some(next) = self.voxel_at(point) else {
                return Walk::LeftVolume((part as f64 - 0.5) / parts);
            };
            // A sample is at most one voxel further along each axis: go there one axis at a time.
            for a in 0..3 {
                while voxel[a] != next[a] {
                    voxel[a] = if next[a] > voxel[a] {
                        voxel[a] + 1
                    } else {
                        voxel[a] - 1
                    };
                    if !visit(self.index(voxel), share) {
                        return Walk::Stopped;
                    }
                }
            }
        }
        Walk::Arrived
    }
}

/// End of a walk along a line.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Walk {
    /// The walk reached the end of the line.
    Arrived,
    /// The line leaves the volume after about this share of its length.
    LeftVolume(f64),
    /// The visitor stopped the walk.
    Stopped,
}
