//! Extracellular space: fills hollows, and closes or widens gaps until the density is met.

use super::tissue::GrowingTissue;

impl GrowingTissue {
    /// Fills the hollows that the gaps between cells have shut off: a cell grows into each of them.
    pub(super) fn fill_hollows(&mut self) {
        /// Least number of hollow neighbours around the middle of a hollow worth filling.
        const ROOMY: usize = 3;
        for index in 0..self.labels.len() {
            if self.is_full() {
                return;
            }
            if !self.is_hollow(index) {
                continue;
            }
            let (mut hollow, mut gap) = (0, None);
            self.grid
                .for_each_neighbour(self.grid.coordinates(index), |neighbour, _| {
                    if self.is_hollow(neighbour) {
                        hollow += 1;
                    } else {
                        gap = Some(neighbour);
                    }
                });
            if let (true, Some(gap)) = (hollow >= ROOMY, gap)
                && let Some(cell) = self.join_neighbour(gap)
            {
                let centre = self.grid.centre_nm(self.grid.coordinates(gap));
                self.start_front(gap, cell, centre, 1.0);
                self.grow(f32::INFINITY);
            }
        }
    }

    /// Returns true where a voxel and all its face neighbours are free.
    fn is_hollow(&self, index: usize) -> bool {
        let mut free = self.labels[index] == 0;
        if free {
            self.grid
                .for_each_neighbour(self.grid.coordinates(index), |neighbour, _| {
                    free &= self.labels[neighbour] == 0;
                });
        }
        free
    }

    /// Closes gaps, patch by patch, until the cells fill as much as they shall.
    pub(super) fn close_gaps(&mut self) {
        if self.is_full() || self.cells() == 0 {
            return;
        }
        let free = (0..self.labels.len()).filter(|&index| self.labels[index] == 0);
        let mut levels = self.by_patch(free);
        // A free voxel with only free neighbours has to wait for one of them, hence the repetition.
        while !self.is_full() {
            for level in levels.iter_mut().rev() {
                level.retain(|&index| {
                    !self.is_full() && self.join_neighbour(index as usize).is_none()
                });
            }
        }
    }

    /// Widens the gaps, layer by layer, until the cells fill no more than they shall. No cell falls
    /// apart or vanishes, so that a little too much may stay where all of them are thin.
    pub(super) fn widen_gaps(&mut self) {
        while self.excess() > 0 {
            let before = self.excess();
            let edge = (0..self.labels.len()).filter(|&index| self.faces_gap(index));
            let mut edge = self.by_patch(edge);
            if edge.iter().all(Vec::is_empty) {
                // No gap anywhere: one starts in a corner.
                edge[0].push(0);
            }
            for index in edge.into_iter().flatten() {
                if self.excess() > 0 && self.is_dispensable(index as usize) {
                    self.release(index as usize);
                }
            }
            if self.excess() == before {
                return;
            }
        }
    }

    /// Sorts voxels into levels by the noise of the patches, lowest first, and within one by index.
    fn by_patch(&self, voxels: impl Iterator<Item = usize>) -> Vec<Vec<u32>> {
        const LEVELS: usize = 256;
        let mut levels = vec![Vec::new(); LEVELS];
        for index in voxels {
            let height = (self.patch_height(index) + 1.0) * 0.5 * LEVELS as f32;
            levels[(height as usize).min(LEVELS - 1)].push(index as u32);
        }
        levels
    }

    /// Returns true where a voxel belongs to a cell and has a free face neighbour.
    fn faces_gap(&self, index: usize) -> bool {
        let mut faces = false;
        if self.labels[index] != 0 {
            self.grid
                .for_each_neighbour(self.grid.coordinates(index), |neighbour, _| {
                    faces |= self.labels[neighbour] == 0;
                });
        }
        faces
    }

    /// Returns true where a cell certainly stays one piece without this voxel and is not thin here:
    /// within the surrounding 3 x 3 x 3 voxels a path across faces joins all face neighbours of the
    /// same cell, and the cell holds enough of the surroundings.
    fn is_dispensable(&self, index: usize) -> bool {
        const CENTRE: usize = 13;
        const FACES: [usize; 6] = [4, 22, 10, 16, 12, 14];
        let cell = self.labels[index];
        let at = self.grid.coordinates(index);
        let mut own = [false; 27];
        let (mut owned, mut surroundings) = (0_usize, 0_usize);
        for (place, own) in own
            .iter_mut()
            .enumerate()
            .filter(|(place, _)| *place != CENTRE)
        {
            let offset = [place / 9, place / 3 % 3, place % 3];
            let voxel = [0, 1, 2].map(|a| (at[a] + offset[a]).wrapping_sub(1));
            if (0..3).all(|a| voxel[a] < self.grid.size[a]) {
                *own = self.labels[self.grid.index(voxel)] == cell;
                owned += usize::from(*own);
                surroundings += 1;
            }
        }
        let faces = FACES.iter().filter(|&&face| own[face]).count();
        let Some(&first) = FACES.iter().find(|&&face| own[face]) else {
            return false;
        };
        // A bump of one voxel has fewer of the cell around it than the surface it stands on.
        let least = if faces == 1 {
            surroundings / 5
        } else {
            surroundings.div_ceil(3)
        };
        if owned < least {
            return false;
        }
        let mut todo = vec![first];
        let mut reached = 0;
        own[first] = false;
        while let Some(place) = todo.pop() {
            reached += usize::from(FACES.contains(&place));
            for (step, part) in [(9, place / 9), (3, place / 3 % 3), (1, place % 3)] {
                for (possible, next) in [
                    (part > 0, place.wrapping_sub(step)),
                    (part < 2, place + step),
                ] {
                    if possible && own[next] {
                        own[next] = false;
                        todo.push(next);
                    }
                }
            }
        }
        reached == faces
    }

    /// Gives a free voxel to the cell with most of its faces and returns that cell; `None` if no
    /// cell touches it.
    fn join_neighbour(&mut self, index: usize) -> Option<u32> {
        let mut around = [0_u32; 6];
        let mut count = 0;
        self.grid
            .for_each_neighbour(self.grid.coordinates(index), |neighbour, _| {
                around[count] = self.labels[neighbour];
                count += usize::from(around[count] != 0);
            });
        let around = &around[..count];
        let faces = |cell: u32| around.iter().filter(|&&c| c == cell).count();
        // The rotation decides ties: without it one side would always win.
        let turn = (index as u32).wrapping_mul(0x9E37_79B1) >> 16;
        let best = (0..count)
            .map(|i| around[(i + turn as usize) % count])
            .max_by_key(|&cell| faces(cell));
        if let Some(cell) = best {
            self.claim(index, cell);
        }
        best
    }
}
