//! Draws of many voxels of a row together, for the CPU: vector instructions do several at a time.

use super::{MULTIPLIER, StreamKey, advance};
use pulp::Simd;

/// Lists are filled up to multiples of this, which is one of every vector's length.
const LANES: usize = 16;

/// The voxels of a row that draw from one stream, listed first and drawn together.
#[derive(Debug, Default)]
pub(crate) struct RowDraws {
    /// Positions along y within the row.
    y: Vec<u32>,
    /// Keys of cells, or 0.
    cells: Vec<u32>,
    /// The first word of every voxel, the second, ...
    words: [Vec<u32>; 4],
}

impl RowDraws {
    /// Starts the list of another row.
    pub(crate) fn clear(&mut self) {
        self.y.clear();
        self.cells.clear();
    }

    /// Lists a voxel, with the key of its cell or 0.
    #[inline]
    pub(crate) fn push(&mut self, y: usize, cell: u32) {
        self.y.push(y as u32);
        self.cells.push(cell);
    }

    /// The voxels listed, in order, each with the words of [`StreamKey::at`]. Their y counts from
    /// `start`.
    pub(crate) fn draw(
        &mut self,
        key: StreamKey,
        start: [u32; 3],
    ) -> impl Iterator<Item = (usize, [u32; 4])> + '_ {
        let count = self.y.len();
        let full = count.next_multiple_of(LANES);
        self.y.resize(full, 0);
        self.cells.resize(full, 0);
        for words in &mut self.words {
            words.resize(full, 0);
        }
        draw_words(key, start, &self.y, &self.cells, &mut self.words);
        let words = &self.words;
        (self.y[..count].iter().enumerate())
            .map(move |(i, &y)| (y as usize, words.each_ref().map(|words| words[i])))
    }

    /// The words of [`StreamKey::at`] of the `count` voxels of a row from `start`, without a cell.
    pub(crate) fn of_row(
        &mut self,
        key: StreamKey,
        start: [u32; 3],
        count: usize,
    ) -> impl Iterator<Item = [u32; 4]> + '_ {
        self.clear();
        self.y.extend(0..count as u32);
        self.cells.resize(count, 0);
        self.draw(key, start).map(|(_, words)| words)
    }

    /// The first words of [`RowDraws::of_row`].
    pub(crate) fn first_words(
        &mut self,
        key: StreamKey,
        start: [u32; 3],
        count: usize,
    ) -> &mut [u32] {
        let _ = self.of_row(key, start, count);
        &mut self.words[0][..count]
    }
}

#[pulp::with_simd(draw_words = pulp::Arch::new())]
#[inline(always)]
fn draw_words_simd<'a, S: Simd>(
    simd: S,
    key: StreamKey,
    start: [u32; 3],
    y: &'a [u32],
    cells: &'a [u32],
    words: &'a mut [Vec<u32>; 4],
) {
    let multiplier = MULTIPLIER.map(|word| simd.splat_u32s(word));
    let start = start.map(|word| simd.splat_u32s(word));
    let ((y, _), (cells, _)) = (S::as_simd_u32s(y), S::as_simd_u32s(cells));
    let [w0, w1, w2, w3] = words.each_mut().map(|words| S::as_mut_simd_u32s(words).0);
    for i in 0..y.len() {
        let mut counter = [start[0], start[1], simd.add_u32s(start[2], y[i]), cells[i]];
        let mut key = key.0;
        for round in 0..10 {
            if round > 0 {
                key = advance(key);
            }
            // As in `philox4x32_10`.
            let (low0, high0) = simd.widening_mul_u32s(multiplier[0], counter[0]);
            let (low1, high1) = simd.widening_mul_u32s(multiplier[1], counter[2]);
            let keys = key.map(|word| simd.splat_u32s(word));
            counter = [
                simd.xor_u32s(simd.xor_u32s(high1, counter[1]), keys[0]),
                low1,
                simd.xor_u32s(simd.xor_u32s(high0, counter[3]), keys[1]),
                low0,
            ];
        }
        [w0[i], w1[i], w2[i], w3[i]] = counter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_draw_what_voxels_draw(
            start in prop::array::uniform3(0u32..1 << 20),
            key in prop::array::uniform2(any::<u32>()),
            rows in prop::collection::vec(prop::collection::vec((0usize..1 << 20, any::<u32>()), 0..70), 1..4),
        ) {
            let key = StreamKey(key);
            let mut draws = RowDraws::default();
            for row in rows {
                draws.clear();
                row.iter().for_each(|&(y, cell)| draws.push(y, cell));
                let expected: Vec<_> = row
                    .iter()
                    .map(|&(y, cell)| (y, key.at([start[0], start[1], start[2] + y as u32], cell)))
                    .collect();
                prop_assert_eq!(draws.draw(key, start).collect::<Vec<_>>(), expected);
                let all = (0..row.len() as u32).map(|y| key.at([start[0], start[1], start[2] + y], 0)[0]);
                prop_assert_eq!(&*draws.first_words(key, start, row.len()), all.collect::<Vec<_>>());
            }
        }
    }
}
