//! The fixed grid of blocks in which slices are convolved.
//!
//! A slice of up to [`MOST_WHOLE`] voxels along an axis is one block there; a longer one is cut
//! into blocks of equal size and at most [`MOST_CORE`] voxels: their rings of spectra fit what
//! every device binds, and their lines the memory of every workgroup. A block is transformed
//! together with the voxels around it that the kernel reaches, and gives the blurred values of its
//! own. Where the blocks lie, and how long their transforms are, follows from the shape of the
//! tissue and the kernel alone, so that slabs, tiles and budgets of memory do not change a bit of
//! what comes out.

use crate::base::volume::fold;
use std::ops::Range;

/// Most voxels of a slice along an axis that is not cut there.
pub const MOST_WHOLE: usize = 1024;

/// Most voxels along an axis of a block of a slice that is cut there.
pub const MOST_CORE: usize = 512;

/// The blocks along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockAxis {
    /// Voxels of the tissue.
    pub size: usize,
    /// Voxels of a block; the last one may have fewer.
    pub core: usize,
    /// Radius of the kernel in voxels.
    pub radius: usize,
    /// True where it is dark beyond the tissue, and not its reflection.
    pub dark: bool,
}

impl BlockAxis {
    /// The grid over `size` voxels for a kernel of this radius. Where there are several blocks,
    /// they start at multiples of `unit`.
    pub fn new(size: usize, radius: usize, unit: usize) -> Self {
        let size = size.max(1);
        let count = size.div_ceil(MOST_CORE);
        let core = if size <= MOST_WHOLE {
            size
        } else {
            size.div_ceil(count).next_multiple_of(unit.max(1)).min(size)
        };
        let dark = false;
        Self {
            size,
            core,
            radius,
            dark,
        }
    }

    /// The number of blocks.
    pub fn count(&self) -> usize {
        self.size.div_ceil(self.core)
    }

    /// The voxels of a block.
    pub fn block(&self, number: usize) -> Range<usize> {
        let start = (number * self.core).min(self.size);
        start..(start + self.core).min(self.size)
    }

    /// The voxels of several blocks.
    pub fn voxels(&self, blocks: Range<usize>) -> Range<usize> {
        let end = self.block(blocks.end.saturating_sub(1)).end;
        self.block(blocks.start).start.min(end)..end
    }

    /// The voxels that a block's transform reads.
    pub fn window(&self, number: usize) -> Range<usize> {
        let block = self.block(number);
        let end = block.end.saturating_add(self.radius);
        block.start.saturating_sub(self.radius)..end.min(self.size)
    }

    /// The voxel at point `n` of a block's line of `length` points: the block's own voxels, those
    /// that follow them and, at the end of the line, which is periodic, those before them; beyond
    /// the tissue its reflection. `None` where it is dark, and for padding that no voxel sees.
    pub fn source(&self, number: usize, n: usize, length: usize) -> Option<usize> {
        let block = self.block(number);
        let position = if n < block.len() + self.radius {
            (block.start + n) as i64
        } else if n + self.radius >= length {
            (block.start + n) as i64 - length as i64
        } else {
            return None;
        };
        if self.dark && !(0..self.size as i64).contains(&position) {
            return None;
        }
        Some(fold(position as i32, self.size as u32) as usize)
    }
}

/// The blocks of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockGrid {
    /// Along the rows.
    pub x: BlockAxis,
    /// Along the columns.
    pub y: BlockAxis,
}

impl BlockGrid {
    /// The grid over slices of this size (x, y) for a kernel of this radius (x, y); blocks start at
    /// multiples of `unit` (x, y).
    pub fn new(size: [usize; 2], radius: [usize; 2], unit: [usize; 2]) -> Self {
        let axis = |axis: usize| BlockAxis::new(size[axis], radius[axis], unit[axis]);
        Self {
            x: axis(0),
            y: axis(1),
        }
    }
}

impl BlockGrid {
    /// The same grid over a tissue around which it is dark, if so.
    #[must_use]
    pub fn with_dark_borders(mut self, dark: bool) -> Self {
        (self.x.dark, self.y.dark) = (dark, dark);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn beyond_a_dark_border_there_is_nothing() {
        let axis = BlockGrid::new([20; 2], [3; 2], [1; 2]);
        let axis = axis.with_dark_borders(true).x;
        let source = |n| axis.source(0, n, 30);
        assert_eq!(
            [0, 19, 20, 29, 27].map(source),
            [Some(0), Some(19), None, None, None]
        );
    }

    #[test]
    fn a_slice_that_fits_is_one_block() {
        let axis = BlockAxis::new(MOST_WHOLE, 15, 7);
        assert_eq!((axis.count(), axis.core), (1, MOST_WHOLE));
        let longer = BlockAxis::new(MOST_WHOLE + 1, 15, 1);
        assert_eq!((longer.count(), longer.core), (3, 342));
    }

    proptest! {
        /// Blocks are the tissue, each voxel once; a line holds a block and what the kernel
        /// reaches, in the window.
        #[test]
        fn blocks_cover_the_tissue(
            size in 1usize..6000, radius in 0usize..40, unit in 1usize..65, spare in 0usize..50,
        ) {
            let axis = BlockAxis::new(size, radius, unit);
            let mut covered = 0;
            for number in 0..axis.count() {
                let block = axis.block(number);
                prop_assert_eq!(block.start, covered);
                let most = if axis.count() == 1 { MOST_WHOLE } else { MOST_CORE + unit };
                prop_assert!(!block.is_empty() && block.len() <= most);
                prop_assert!(block.start.is_multiple_of(unit) || number == 0);
                covered = block.end;
                let window = axis.window(number);
                let length = axis.core + 2 * radius + spare;
                for reach in -(radius as i32)..(block.len() + radius) as i32 {
                    let n = reach.rem_euclid(length as i32) as usize;
                    let source = axis.source(number, n, length);
                    let position = block.start as i32 + reach;
                    prop_assert_eq!(source, Some(fold(position, size as u32) as usize));
                    prop_assert!(window.contains(&source.unwrap_or(usize::MAX)));
                }
            }
            prop_assert_eq!(covered, size);
        }
    }
}
