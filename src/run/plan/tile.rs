//! Parts of a volume along x, for slices too large to be worked on whole.
//!
//! A tile is an ordinary run on a part of the rows, of which only the core is output. Around the core it
//! has as many rows as the stages look beyond a voxel, so that what falls on the core's pixels is all
//! there; at the borders of the volume it ends with the volume.

use crate::engine::schedule::Halo;
use crate::optics::camera::AxisSampling;
use std::ops::Range;

/// A part of a volume along x. Rows are counted in the tissue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The rows that it works on.
    pub rows: Range<usize>,
    /// The rows that only it makes images of.
    pub core: Range<usize>,
    /// The pixels of the core, rows of the whole image.
    pub pixels: Range<usize>,
    /// Of its own image, the pixels before those of the core.
    pub skipped_pixels: usize,
    /// Rows of its own image.
    pub own_pixels: usize,
}

impl Tile {
    /// A volume of so many rows as one tile.
    pub fn whole(size_x: usize, sampling: AxisSampling) -> Self {
        Self {
            rows: 0..size_x,
            core: 0..size_x,
            pixels: 0..sampling.pixels(size_x),
            skipped_pixels: 0,
            own_pixels: sampling.pixels(size_x),
        }
    }

    /// The most tiles of a volume: their cores have a row of pixels, or at least one of voxels.
    pub fn most(size_x: usize, sampling: AxisSampling) -> usize {
        size_x.div_ceil(sampling.bin() as usize).max(1)
    }

    /// So many tiles of a volume (at most [`Tile::most`]), alike but for a row of pixels. They start where
    /// a pixel does.
    pub fn split(
        size_x: usize,
        sampling: AxisSampling,
        halo: Halo,
        count: usize,
    ) -> impl ExactSizeIterator<Item = Self> {
        let units = Self::most(size_x, sampling);
        let count = count.clamp(1, units);
        let bin = sampling.bin() as usize;
        let magnification = sampling.magnification() as usize;
        (0..count).map(move |number| {
            let unit = |number: usize| (number * units / count * bin).min(size_x);
            let core = unit(number)..unit(number + 1);
            let start = core.start.saturating_sub(halo.before) / bin * bin;
            let rows = start..core.end.saturating_add(halo.after).min(size_x);
            Self {
                pixels: core.start / bin * magnification..sampling.pixels(core.end),
                skipped_pixels: (core.start - start) / bin * magnification,
                own_pixels: sampling.pixels(rows.len()),
                rows,
                core,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sampling() -> impl Strategy<Value = AxisSampling> {
        prop_oneof![
            (1u32..40).prop_map(AxisSampling::Bin),
            (2u32..6).prop_map(AxisSampling::Magnify)
        ]
    }

    proptest! {
        /// Cores and pixels are the volume and its image, each once; a tile holds its core's halo as far as
        /// the volume goes, and starts on a pixel.
        #[test]
        fn tiles_cover_the_volume(
            size_x in 1usize..400, sampling in sampling(), before in 0usize..50, after in 0usize..50,
            count in 1usize..30,
        ) {
            let halo = Halo { before, after };
            let tiles: Vec<Tile> = Tile::split(size_x, sampling, halo, count).collect();
            prop_assert_eq!(tiles.len(), count.min(Tile::most(size_x, sampling)));
            let (mut rows, mut pixels) = (0, 0);
            for tile in &tiles {
                prop_assert!(!tile.core.is_empty());
                prop_assert_eq!((tile.core.start, tile.pixels.start), (rows, pixels));
                (rows, pixels) = (tile.core.end, tile.pixels.end);
                prop_assert!(tile.rows.start <= tile.core.start.saturating_sub(before));
                prop_assert_eq!(tile.rows.end, (tile.core.end + after).min(size_x));
                // The pixel where the tile starts is the same one in both images.
                let first = tile.pixels.start - tile.skipped_pixels;
                prop_assert_eq!(first, sampling.pixels(tile.rows.start));
                let bin = sampling.bin() as usize;
                prop_assert_eq!(tile.rows.start % bin, 0);
                prop_assert!(tile.skipped_pixels + tile.pixels.len() <= tile.own_pixels);
            }
            prop_assert_eq!((rows, pixels), (size_x, sampling.pixels(size_x)));
            let sizes = || tiles.iter().map(|tile| tile.core.len());
            let bin = sampling.bin() as usize;
            prop_assert!(sizes().max().unwrap_or(0) <= sizes().min().unwrap_or(0) + 2 * bin);
            if count == 1 {
                prop_assert_eq!(&tiles[0], &Tile::whole(size_x, sampling));
            }
        }
    }
}
