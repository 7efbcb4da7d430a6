//! Boxes of voxels, and the reflection of positions beyond a border.

use std::ops::Range;

use super::choice::choice;

choice! {
    /// Arrangement of cells or channels in volumes.
    pub enum Arrangement {
        /// All in one volume.
        Merged = "merged",
        /// One volume for each; SimExm spells the word "splitted".
        Split = "splitted" | "split",
    }
}

/// A box that leaves its volume.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{volume}: has {} voxels (z, x, y), but offset {} with bounds {} goes beyond them; {}",
    triple(*shape, " x "), triple(*offset, ", "), triple(*bounds, ", "),
    largest_bounds(*shape, *offset)
)]
pub struct OutOfBounds {
    /// What was opened.
    pub volume: String,
    /// Its size, (z, x, y).
    pub shape: [usize; 3],
    /// The corner asked for.
    pub offset: [usize; 3],
    /// The size asked for.
    pub bounds: [usize; 3],
}

/// Three numbers with `separator` between them.
pub(crate) fn triple(v: [usize; 3], separator: &str) -> String {
    format!("{}{separator}{}{separator}{}", v[0], v[1], v[2])
}

fn largest_bounds(shape: [usize; 3], offset: [usize; 3]) -> String {
    let rest = std::array::from_fn(|i| shape[i].saturating_sub(offset[i]));
    if rest.contains(&0) {
        "the offset must be below the size on every axis".to_owned()
    } else {
        let rest = triple(rest, ", ");
        format!("the largest bounds from this offset are {rest}")
    }
}

/// A box of voxels in the source volume, axes (z, x, y): x is the row of an image, y its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoxelBox {
    /// First voxel of the box, counted in the source volume.
    pub offset: [usize; 3],
    /// Voxels along each axis.
    pub shape: [usize; 3],
}

/// The id that readers give to voxels of 0 where 0 is a cell, since 0 is the background of
/// everything that is done with ids. A number that no program counts to, nor marks anything with.
pub const ZERO_CELL: u64 = 0x7a65_726f_2063_656c;

impl VoxelBox {
    /// Makes the box at `offset` of size `bounds` (without bounds: all that follows the offset) in
    /// a volume of size `shape`. `volume` names it in errors.
    ///
    /// # Errors
    /// [`OutOfBounds`] when the box leaves the volume; it states the largest bounds that
    /// fit.
    pub fn within(
        volume: &str,
        shape: [usize; 3],
        offset: [usize; 3],
        bounds: Option<[usize; 3]>,
    ) -> Result<Self, OutOfBounds> {
        let rest: [usize; 3] = std::array::from_fn(|i| shape[i].saturating_sub(offset[i]));
        let bounds = bounds.unwrap_or(rest);
        if (0..3).all(|i| (1..=rest[i]).contains(&bounds[i])) {
            return Ok(Self {
                offset,
                shape: bounds,
            });
        }
        Err(OutOfBounds {
            volume: volume.to_owned(),
            shape,
            offset,
            bounds,
        })
    }

    /// Returns the positions along (z, x, y), counted in the source volume.
    pub fn ranges(&self) -> [Range<usize>; 3] {
        std::array::from_fn(|axis| self.offset[axis]..self.offset[axis] + self.shape[axis])
    }

    /// Locates a slice of the box in the source volume: its z, its rows x, and its columns y.
    pub fn slice(&self, slice: usize) -> (usize, Range<usize>, Range<usize>) {
        let [z, x, y] = self.offset;
        (z + slice, x..x + self.shape[1], y..y + self.shape[2])
    }

    /// Returns the number of voxels in one slice.
    pub fn slice_voxels(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    /// Returns the number of voxels.
    pub fn voxels(&self) -> usize {
        self.shape[0] * self.slice_voxels()
    }
}

/// Reflects `position` into `0..size` without repeating the edge (numpy's `reflect`), as often as
/// needed. An axis of one voxel repeats it. Twin of `fold` in `shaders/shared/reflect.wgsl`.
#[inline]
pub fn fold(position: i32, size: u32) -> u32 {
    if size == 1 {
        return 0;
    }
    let period = 2 * (size as i32 - 1);
    let within = position.rem_euclid(period);
    within.min(period - within) as u32
}

/// Writes a number of slices in words.
pub(crate) fn slices_in_words(count: usize) -> String {
    let word = if count == 1 { "slice" } else { "slices" };
    format!("{count} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fold_is_numpy_reflect() {
        // numpy.pad(range(4), 7, mode="reflect")
        let expected = [1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2];
        for (index, &value) in expected.iter().enumerate() {
            assert_eq!(fold(index as i32 - 7, 4), value, "at {}", index as i32 - 7);
        }
        assert_eq!(fold(-15, 1), 0);
        assert_eq!(
            (-3..5).map(|p| fold(p, 2)).collect::<Vec<_>>(),
            [1, 0, 1, 0, 1, 0, 1, 0]
        );
    }
}
