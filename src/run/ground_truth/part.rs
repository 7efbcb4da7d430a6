//! A part of a slice along x and y.

use std::ops::Range;

/// Rows and columns of a slice whose voxels lie row after row.
#[derive(Clone, Debug)]
pub struct Part {
    rows: Range<usize>,
    columns: Range<usize>,
    /// Columns of the whole slice.
    width: usize,
}

impl Part {
    /// These rows and columns of slices with so many rows and columns.
    pub fn new(rows: Range<usize>, columns: Range<usize>, [height, width]: [usize; 2]) -> Self {
        if columns == (0..width) {
            // Whole rows follow one another: together they are a part of one long row.
            return Self {
                rows: 0..1,
                columns: rows.start * width..rows.end * width,
                width: height * width,
            };
        }
        Self {
            rows,
            columns,
            width,
        }
    }

    /// Voxels of the part.
    pub fn voxels(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// The part of a slice.
    pub fn cut(&self, slice: Vec<u32>) -> Vec<u32> {
        if self.voxels() == slice.len() {
            return slice;
        }
        let rows = slice.chunks_exact(self.width);
        rows.skip(self.rows.start)
            .take(self.rows.len())
            .flat_map(|row| &row[self.columns.clone()])
            .copied()
            .collect()
    }

    /// Sets those voxels of a run, which are counted in the whole slice, that lie in the part.
    pub(super) fn fill(&self, part: &mut [u32], run: Range<usize>, value: u32) {
        let (first, end) = (run.start / self.width, run.end.div_ceil(self.width));
        for row in first.max(self.rows.start)..end.min(self.rows.end) {
            let place = |voxel: usize| {
                let column = voxel.saturating_sub(row * self.width);
                let column = column.clamp(self.columns.start, self.columns.end);
                (row - self.rows.start) * self.columns.len() + column - self.columns.start
            };
            part[place(run.start)..place(run.end)].fill(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A part of an axis.
    fn within(size: usize) -> impl Strategy<Value = Range<usize>> {
        (0..size, 1..=size).prop_map(move |(start, length)| start..(start + length).min(size))
    }

    proptest! {
        /// What runs leave in a part is the part of what they leave in the whole.
        #[test]
        fn runs_are_cut(
            (size, rows, columns) in (1usize..9, 1usize..9)
                .prop_flat_map(|(x, y)| (Just([x, y]), within(x), prop_oneof![Just(0..y), within(y)])),
            lengths in prop::collection::vec(1usize..30, 1..20),
        ) {
            let [height, width] = size;
            let voxel = |voxel: usize| [voxel / width, voxel % width];
            let part = Part::new(rows.clone(), columns.clone(), size);
            let mut filled = vec![0; part.voxels()];
            let mut slice: Vec<u32> = Vec::new();
            for (number, length) in (1..).zip(lengths) {
                let end = (slice.len() + length).min(height * width);
                part.fill(&mut filled, slice.len()..end, number);
                slice.resize(end, number);
            }
            slice.resize(height * width, 0);
            let expected: Vec<u32> = (0..slice.len())
                .filter(|&at| rows.contains(&voxel(at)[0]) && columns.contains(&voxel(at)[1]))
                .map(|at| slice[at])
                .collect();
            prop_assert_eq!(&filled, &expected);
            prop_assert_eq!(part.cut(slice), expected);
        }
    }
}
