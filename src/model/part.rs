//! Parts of a tissue along x.

use super::Model;
use crate::run::plan::Halo;
use std::ops::Range;

impl Model {
    /// Returns the model of some rows of the tissue alone. Voxels far enough from the cut
    /// ([`Model::halo_x`]) have the same image in both.
    #[must_use]
    pub fn part(&self, rows: Range<usize>) -> Self {
        let mut part = self.clone();
        part.volume.offset[1] = self.tissue.offset[1] + rows.start;
        part.volume.shape[1] = rows.len();
        part
    }

    /// Returns true where the model is of a part of the tissue.
    pub fn is_part(&self) -> bool {
        self.volume != self.tissue
    }

    /// Returns the rows of the tissue that the model is of.
    pub fn rows(&self) -> Range<usize> {
        let first = self.volume.offset[1] - self.tissue.offset[1];
        first..first + self.volume.shape[1]
    }

    /// Returns the rows around a voxel that have a part in its image: neighbours decide on
    /// membranes, proteins come from there, light spreads, and a magnified voxel falls on pixels
    /// behind its own.
    pub fn halo_x(&self) -> Halo {
        let after = 1 + self.displacement_x + self.reach.blur;
        let jitter = if self.camera.x.magnification() > 1 {
            self.jitter_reach_x
        } else {
            0
        };
        Halo {
            before: after + jitter,
            after,
        }
    }
}
