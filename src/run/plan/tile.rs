//! Parts of a volume along x and y, for slices too large to be worked on whole.
//!
//! A tile is a run over some blocks of the blur ([`crate::engine::blocks`]) and as many voxels
//! around them as the stages look beyond a voxel, so that what falls on its pixels is all there; at
//! the borders of the tissue it ends with the tissue. Draws depend on a voxel's place in its
//! source, and blocks are those of the whole slice: what a tile makes is what the whole would have
//! made there.

use crate::engine::blocks::{BlockAxis, BlockGrid};
use crate::engine::stages::area::AreaAxis;
use crate::model::{AxisReach, Model, physical};
use crate::optics::camera::AxisSampling;
use std::ops::Range;

/// A tile along one axis. Voxels are counted in the tissue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileAxis {
    /// Blocks of the blur.
    pub blocks: Range<usize>,
    /// Voxels that it works on.
    pub voxels: Range<usize>,
    /// Voxels that it blurs and makes images of: those of its blocks.
    pub imaged: Range<usize>,
    /// Voxels of the images that only it makes.
    pub core: Range<usize>,
    /// The pixels of the core, in the whole image.
    pub pixels: Range<usize>,
    /// Of its own image, the pixels before those of the core.
    pub skipped_pixels: usize,
    /// Pixels of its own image.
    pub own_pixels: usize,
}

impl TileAxis {
    /// The most tiles along an axis: each has a block, and starts on a pixel.
    pub fn most(axis: &BlockAxis, sampling: AxisSampling) -> usize {
        let starts_on_a_pixel = match sampling {
            // Each tile has a pixel of its own: of two that begin in a block one is whole.
            AxisSampling::Area(step) => {
                2.0 * step <= axis.block(axis.count().saturating_sub(1)).len() as f64
            }
            _ => axis.core.is_multiple_of(sampling.bin() as usize),
        };
        if starts_on_a_pixel { axis.count() } else { 1 }
    }

    /// So many tiles along an axis (at most [`TileAxis::most`]), alike but for a block.
    pub fn split(
        axis: BlockAxis,
        sampling: AxisSampling,
        reach: AxisReach,
        count: usize,
    ) -> impl ExactSizeIterator<Item = Self> {
        let count = count.clamp(1, Self::most(&axis, sampling));
        Self::split_blocks(axis, sampling, reach, 0..axis.count(), count)
    }

    /// The blocks in which these pixels begin: all where tiles cannot start between pixels.
    pub fn blocks_of(
        axis: &BlockAxis,
        sampling: AxisSampling,
        pixels: &Range<usize>,
    ) -> Range<usize> {
        let blocks = axis.count();
        if Self::most(axis, sampling) == 1 || pixels.is_empty() {
            return 0..blocks;
        }
        let pixels_of = |block: usize| sampling.pixels_in(axis.voxels(block..block + 1), axis.size);
        let first = (0..blocks).find(|&block| pixels_of(block).end > pixels.start);
        let first = first.unwrap_or(0);
        let end = (first..blocks).find(|&block| pixels_of(block).end >= pixels.end);
        first..end.map_or(blocks, |last| last + 1)
    }

    /// Where voxels begin that belong to pixels from this one on, and to none before: a cut of the
    /// tissue that falls together with that of blocks, where pixels are cut there, too.
    pub fn first_voxel(axis: &BlockAxis, sampling: AxisSampling, pixel: usize) -> usize {
        let pixels_before = |voxel: usize| sampling.pixels_in(0..voxel, axis.size).end;
        // The voxel in which the pixel begins.
        let (mut first, mut end) = (0, axis.size);
        while first < end {
            let middle = first.midpoint(end);
            match pixels_before(middle + 1) <= pixel {
                true => first = middle + 1,
                false => end = middle,
            }
        }
        let block = first / axis.core.max(1);
        let start = axis.voxels(block.min(axis.count())..axis.count()).start;
        match start <= first && pixels_before(start) == pixel {
            true => start,
            false => first,
        }
    }

    /// So many tiles of these pixels, at most one for each of their blocks.
    pub fn split_pixels(
        axis: BlockAxis,
        sampling: AxisSampling,
        reach: AxisReach,
        pixels: &Range<usize>,
        count: usize,
    ) -> impl ExactSizeIterator<Item = Self> {
        let blocks = Self::blocks_of(&axis, sampling, pixels);
        let most = blocks.len().min(Self::most(&axis, sampling));
        let pixels = pixels.clone();
        let tiles = Self::split_blocks(axis, sampling, reach, blocks, count.clamp(1, most));
        tiles.map(move |tile| {
            let start = tile.pixels.start.max(pixels.start);
            let own = start..tile.pixels.end.min(pixels.end).max(start);
            Self {
                skipped_pixels: tile.skipped_pixels + own.start - tile.pixels.start,
                pixels: own,
                ..tile
            }
        })
    }

    /// So many tiles of some blocks.
    fn split_blocks(
        axis: BlockAxis,
        sampling: AxisSampling,
        reach: AxisReach,
        all: Range<usize>,
        count: usize,
    ) -> impl ExactSizeIterator<Item = Self> {
        let blocks = all.len();
        (0..count).map(move |number| {
            let own =
                all.start + number * blocks / count..all.start + (number + 1) * blocks / count;
            let core = axis.voxels(own.clone());
            // Light of the voxels before the core may fall on its pixels: their blocks are blurred
            // as well.
            let first = core.start.saturating_sub(reach.jitter) / axis.core;
            // Pixels that begin in the core may end in the blocks behind it.
            let end = sampling
                .end_of_pixels(core.end, axis.size)
                .div_ceil(axis.core);
            let blocks = first..end.min(axis.count());
            let imaged = axis.voxels(blocks.clone());
            let around = axis.radius + reach.around;
            let voxels = imaged.start.saturating_sub(around)
                ..imaged.end.saturating_add(around).min(axis.size);
            let pixels = sampling.pixels_in(core.clone(), axis.size);
            let before = match sampling {
                AxisSampling::Area(_) => pixels.start,
                _ => sampling.pixels_in(imaged.clone(), axis.size).start,
            };
            Self {
                skipped_pixels: pixels.start - before,
                own_pixels: pixels.end - before,
                pixels,
                blocks,
                voxels,
                imaged,
                core,
            }
        })
    }
}

impl TileAxis {
    /// The pixels of its own image, in the whole one.
    pub fn image_pixels(&self) -> Range<usize> {
        let first = self.pixels.start - self.skipped_pixels;
        first..first + self.own_pixels
    }
}

/// A part of a volume along x and y.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Along the rows.
    pub x: TileAxis,
    /// Along the columns.
    pub y: TileAxis,
}

impl Tile {
    /// The most tiles (x, y) of a model's volume.
    pub fn most(model: &Model) -> [usize; 2] {
        let BlockGrid { x, y } = model.blocks();
        [
            TileAxis::most(&x, model.camera.x),
            TileAxis::most(&y, model.camera.y),
        ]
    }

    /// The most tiles (x, y) of some pixels (x, y) of a model's images.
    pub fn most_of(model: &Model, [pixels_x, pixels_y]: &[Range<usize>; 2]) -> [usize; 2] {
        let BlockGrid { x, y } = model.blocks();
        let most = |axis: &BlockAxis, sampling, pixels| {
            let blocks = TileAxis::blocks_of(axis, sampling, pixels);
            blocks.len().min(TileAxis::most(axis, sampling))
        };
        [
            most(&x, model.camera.x, pixels_x),
            most(&y, model.camera.y, pixels_y),
        ]
    }

    /// A model's volume in so many tiles (x, y), those of a row one after the other.
    pub fn split(model: &Model, count: [usize; 2]) -> Vec<Self> {
        let [_, rows, columns] = model.image_shape();
        Self::split_pixels(model, &[0..rows, 0..columns], count)
    }

    /// Some pixels (x, y) of a model's images in so many tiles, those of a row one after the other.
    pub fn split_pixels(
        model: &Model,
        [pixels_x, pixels_y]: &[Range<usize>; 2],
        [count_x, count_y]: [usize; 2],
    ) -> Vec<Self> {
        let BlockGrid { x, y } = model.blocks();
        let [reach_x, reach_y] = model.reach_in_slice;
        let columns: Vec<TileAxis> =
            TileAxis::split_pixels(y, model.camera.y, reach_y, pixels_y, count_y).collect();
        TileAxis::split_pixels(x, model.camera.x, reach_x, pixels_x, count_x)
            .flat_map(|x| {
                let tile = move |y: &TileAxis| Self {
                    x: x.clone(),
                    y: y.clone(),
                };
                columns.iter().map(tile).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Rows and columns of the voxels that it works on.
    pub fn size(&self) -> [usize; 2] {
        [self.x.voxels.len(), self.y.voxels.len()]
    }

    /// Rows and columns of the voxels that it blurs.
    pub fn imaged_size(&self) -> [usize; 2] {
        [self.x.imaged.len(), self.y.imaged.len()]
    }

    /// Rows and columns of its own images.
    pub fn image_size(&self) -> [usize; 2] {
        [self.x.own_pixels, self.y.own_pixels]
    }

    /// Words of the maps of the detector's pixels.
    pub fn map_words(&self, imaging: &physical::Imaging) -> usize {
        match imaging.maps.is_empty() {
            true => 0,
            false => 3 * self.x.own_pixels.saturating_mul(self.y.own_pixels),
        }
    }

    /// The tile's part of the maps of the detector's pixels: gains, then noises, then offsets.
    pub fn maps(&self, model: &Model, imaging: &physical::Imaging) -> Vec<u32> {
        let [_, rows, columns] = model.image_shape();
        let (own_rows, own_columns) = (self.x.image_pixels(), self.y.image_pixels());
        let maps = imaging.maps.chunks_exact((rows * columns).max(1));
        let rows_of = |map| own_rows.clone().map(move |row: usize| (map, row));
        maps.flat_map(rows_of)
            .flat_map(|(map, row): (&[u32], usize)| &map[row * columns..][own_columns.clone()])
            .copied()
            .collect()
    }

    /// The row of its voxels that the ground truth shows at each row of its own images, and then
    /// the column at each column.
    pub fn shown(&self, model: &Model) -> Vec<u32> {
        let [_, size_x, size_y] = model.volume.shape;
        let along = |axis: &TileAxis, sampling: AxisSampling, size: usize| {
            let first = axis.voxels.start;
            let voxel = move |pixel| (sampling.shown(pixel, size) - first) as u32;
            axis.image_pixels().map(voxel)
        };
        let rows = along(&self.x, model.camera.x, size_x);
        rows.chain(along(&self.y, model.camera.y, size_y)).collect()
    }

    /// The shares of its blurred voxels in the rows of its own images, and then in the columns.
    pub fn areas(&self, model: &Model) -> Vec<u32> {
        let [of_x, of_y] = area_axes(model);
        let table =
            |axis: &TileAxis, area: AreaAxis| area.table(axis.image_pixels(), axis.imaged.start);
        let (rows, mut columns) = (table(&self.x, of_x), table(&self.y, of_y));
        if let Some(imaging) = model.physical() {
            let pixels = columns.chunks_exact_mut(of_y.stride());
            for (words, pixel) in pixels.zip(self.y.image_pixels()) {
                if let Some(light) = imaging.stripes.get(pixel) {
                    AreaAxis::scale(words, *light);
                }
            }
        }
        [rows, columns].concat()
    }

    /// Words of the rows' table and of the columns', and those of an entry in each.
    pub fn area_words(&self, model: &Model) -> [(usize, usize); 2] {
        let [of_x, of_y] = area_axes(model).map(|area| area.stride());
        [(&self.x, of_x), (&self.y, of_y)]
            .map(|(axis, stride)| (axis.own_pixels.saturating_mul(stride), stride))
    }
}

/// The pixels of the whole images along x and y.
fn area_axes(model: &Model) -> [AreaAxis; 2] {
    let [_, size_x, size_y] = model.volume.shape;
    let camera = &model.camera;
    [(camera.x, size_x), (camera.y, size_y)]
        .map(|(sampling, size)| AreaAxis::new(sampling.step(), size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sampling() -> impl Strategy<Value = AxisSampling> {
        prop_oneof![
            (1u32..40).prop_map(AxisSampling::Bin),
            (2u32..6).prop_map(AxisSampling::Magnify),
            (0.2f64..40.0).prop_map(AxisSampling::Area),
            (40.0f64..400.0).prop_map(AxisSampling::Area),
        ]
    }

    proptest! {
        /// Cores and pixels are the volume and its image, each once; a tile holds what its blocks
        /// need as far as the volume goes, and starts on a pixel.
        #[test]
        fn tiles_cover_the_volume(
            size in 1usize..9000, sampling in sampling(), radius in 0usize..30, around in 0usize..50,
            jitter in 0usize..1500, count in 1usize..12,
        ) {
            let bin = sampling.bin() as usize;
            let axis = BlockAxis::new(size, radius, bin);
            let jitter = match sampling {
                AxisSampling::Area(_) => 0,
                _ => jitter,
            };
            let reach = AxisReach { around, jitter };
            let tiles: Vec<TileAxis> = TileAxis::split(axis, sampling, reach, count).collect();
            prop_assert_eq!(tiles.len(), count.min(TileAxis::most(&axis, sampling)));
            let (mut voxels, mut pixels) = (0, 0);
            for tile in &tiles {
                prop_assert!(!tile.core.is_empty());
                prop_assert_eq!((tile.core.start, tile.pixels.start), (voxels, pixels));
                (voxels, pixels) = (tile.core.end, tile.pixels.end);
                prop_assert!(tile.imaged.start <= tile.core.start.saturating_sub(jitter));
                if let AxisSampling::Area(step) = sampling {
                    let covered = AreaAxis::new(step, size).voxels(tile.pixels.clone());
                    prop_assert!(tile.imaged.start <= covered.start && covered.end <= tile.imaged.end);
                } else {
                    prop_assert_eq!(tile.imaged.end, tile.core.end);
                }
                prop_assert_eq!(tile.imaged.clone(), axis.voxels(tile.blocks.clone()));
                for block in tile.blocks.clone() {
                    let window = axis.window(block);
                    let first = window.start.saturating_sub(around);
                    prop_assert!(tile.voxels.start <= first);
                    prop_assert!(tile.voxels.end >= (window.end + around).min(size));
                }
                prop_assert_eq!(tile.imaged.start % bin, 0);
                prop_assert_eq!(tile.skipped_pixels + tile.pixels.len(), tile.own_pixels);
            }
            prop_assert_eq!((voxels, pixels), (size, sampling.pixels(size)));
            if count == 1 {
                prop_assert_eq!(&tiles[0].voxels, &(0..size));
            }
        }
    }
}
