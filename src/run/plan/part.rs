//! A part of a run's images: what a task of a cluster makes.

use super::Tile;
use crate::base::volume::VoxelBox;
use crate::engine::schedule::Extent;
use crate::model::Model;
use std::ops::Range;

/// A box of the images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageBox {
    /// Images of a channel.
    pub images: Range<usize>,
    /// Pixels along x and y.
    pub pixels: [Range<usize>; 2],
}

impl ImageBox {
    /// All of them.
    pub fn whole(model: &Model) -> Self {
        let [slices, rows, columns] = model.image_shape();
        Self {
            images: 0..slices,
            pixels: [0..rows, 0..columns],
        }
    }

    /// Rows and columns of an image.
    pub fn size(&self) -> [usize; 2] {
        [self.pixels[0].len(), self.pixels[1].len()]
    }

    /// The most tiles (x, y) that it may be made of.
    pub fn most_tiles(&self, model: &Model) -> [usize; 2] {
        Tile::most_of(model, &self.pixels)
    }

    /// It in so many tiles (x, y), those of a row one after the other.
    pub fn split(&self, model: &Model, count: [usize; 2]) -> Vec<Tile> {
        Tile::split_pixels(model, &self.pixels, count)
    }

    /// What each stage does along z for these images and their ground truth, from the `done`-th
    /// image on.
    pub fn extent(&self, model: &Model, done: usize) -> Extent {
        let first = self.images.start.max(done);
        let (depth, planes) = (model.volume.shape[0], model.camera.planes);
        let Some(last) = self.images.end.checked_sub(1).filter(|&last| last >= first) else {
            return Extent::default();
        };
        let ends = match last + 1 == planes.count(depth) {
            true => [depth; 2],
            false => [planes.slice(last) + 1, planes.shown(last) + 1],
        };
        let slices = planes.slice(first)..ends[0];
        model.reach.extent(slices, ends[1], depth)
    }

    /// The voxels of the tissue from which it is made.
    pub fn voxels(&self, model: &Model) -> VoxelBox {
        let z = self.extent(model, 0).load;
        let tiles = self.split(model, [1; 2]);
        let [x, y] = tiles.first().map_or([0..0, 0..0], |tile| {
            [tile.x.voxels.clone(), tile.y.voxels.clone()]
        });
        VoxelBox {
            offset: [z.start, x.start, y.start],
            shape: [z.len(), x.len(), y.len()],
        }
    }
}
