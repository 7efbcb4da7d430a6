//! A part of a run's images: what a task of a cluster makes.

use super::{Tile, TileAxis};
use crate::base::volume::VoxelBox;
use crate::engine::blocks::BlockGrid;
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

    /// The voxels (z, x, y) of the tissue that are its own: of boxes that make up the images each
    /// voxel belongs to one.
    pub fn own_voxels(&self, model: &Model) -> [Range<usize>; 3] {
        let [depth, rows, columns] = model.volume.shape;
        let [images, high, wide] = model.image_shape();
        let BlockGrid { x, y } = model.blocks();
        let (planes, camera) = (model.camera.planes, &model.camera);
        let of =
            |pixels: &Range<usize>, count: usize, size: usize, first: &dyn Fn(usize) -> usize| {
                let cut = |pixel: usize| match pixel {
                    0 => 0,
                    pixel if pixel >= count => size,
                    pixel => first(pixel).min(size),
                };
                cut(pixels.start)..cut(pixels.end)
            };
        let [pixels_x, pixels_y] = &self.pixels;
        [
            of(&self.images, images, depth, &|image| planes.slice(image)),
            of(pixels_x, high, rows, &|pixel| {
                TileAxis::first_voxel(&x, camera.x, pixel)
            }),
            of(pixels_y, wide, columns, &|pixel| {
                TileAxis::first_voxel(&y, camera.y, pixel)
            }),
        ]
    }

    /// The slices in which its own clusters of proteins are looked for, and what these take; empty
    /// where there are none.
    pub fn clusters(&self, model: &Model) -> Extent {
        match model.labelling.clustered().next() {
            None => Extent::default(),
            Some(_) => {
                let [z, ..] = self.own_voxels(model);
                model.reach.surveyed(z, model.volume.shape[0])
            }
        }
    }

    /// The voxels of the tissue from which it is made.
    pub fn voxels(&self, model: &Model) -> VoxelBox {
        let mut z = self.extent(model, 0).load;
        let clusters = self.clusters(model).load;
        if !clusters.is_empty() {
            z = z.start.min(clusters.start)..z.end.max(clusters.end);
        }
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
