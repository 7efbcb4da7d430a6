//! Neuroglancer's `compressed_segmentation` (src/sliceview/compressed_segmentation/README.md):
//! words of 32 bits in little endian. In front of each channel's blocks stand their headers, of two
//! words: the place of a table of ids with, in the upper 8 bits, the bits of an index into it; and
//! the place of the indices. Places are counted in words from the channel's start.

/// How chunks are cut into blocks.
pub(super) struct Segmentation {
    /// Voxels of a block, (z, x, y).
    block: [usize; 3],
    /// Words of an id.
    id_words: usize,
}

impl Segmentation {
    pub fn new(block: [usize; 3], wide: bool) -> Result<Self, String> {
        let voxels = block
            .iter()
            .try_fold(1, |all: usize, &n| all.checked_mul(n));
        match voxels {
            Some(1..=0x10_0000) => Ok(Self {
                block,
                id_words: if wide { 2 } else { 1 },
            }),
            _ => Err(format!(
                "is a compressed_segmentation of blocks of {block:?}"
            )),
        }
    }

    fn blocks(&self, chunk: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|axis| chunk[axis].div_ceil(self.block[axis]))
    }

    /// Most bytes that a channel of a chunk may take.
    pub fn most_bytes(&self, chunk: [usize; 3]) -> usize {
        let voxels = self.block.iter().product::<usize>();
        let of_block = 8 + (4 + 4 * self.id_words) * voxels;
        let blocks = self
            .blocks(chunk)
            .iter()
            .fold(of_block, |all, &n| all.saturating_mul(n));
        blocks.saturating_add(4)
    }

    /// The ids of a channel of a chunk of so many voxels, y (their x) fastest, in little endian.
    ///
    /// # Errors
    /// When the data are damaged.
    pub fn decode(
        &self,
        data: &[u8],
        shape: [usize; 3],
        channel: usize,
    ) -> Result<Vec<u8>, String> {
        let (words, _) = data.as_chunks::<4>();
        let word = |at: usize| {
            let word = words.get(at).map(|&word| u32::from_le_bytes(word) as usize);
            word.ok_or_else(|| {
                "the chunk ends before its blocks do; it is cut short or damaged".to_owned()
            })
        };
        let start = word(channel)?;
        let id_bytes = 4 * self.id_words;
        let mut out = vec![0; shape.iter().product::<usize>() * id_bytes];
        let [_, block_rows, block_columns] = self.block;
        let [deep, high, wide] = self.blocks(shape);
        for index in 0..deep * high * wide {
            let place = [index / (high * wide), index / wide % high, index % wide];
            let header = start + 2 * index;
            let (table, indices) = (word(header)?, word(header + 1)?);
            let bits = table >> 24;
            let (table, indices) = (start + (table & 0xff_ffff), start + indices);
            if !matches!(bits, 0 | 1 | 2 | 4 | 8 | 16 | 32) {
                return Err(format!("the chunk has a block with indices of {bits} bits"));
            }
            let mask = (1usize << bits) - 1;
            let from: [usize; 3] = std::array::from_fn(|axis| place[axis] * self.block[axis]);
            let size: [usize; 3] =
                std::array::from_fn(|axis| self.block[axis].min(shape[axis] - from[axis]));
            for z in 0..size[0] {
                for x in 0..size[1] {
                    let row = ((from[0] + z) * shape[1] + from[1] + x) * shape[2] + from[2];
                    let voxel = (z * block_rows + x) * block_columns;
                    let to = out[row * id_bytes..][..size[2] * id_bytes].chunks_exact_mut(id_bytes);
                    for (y, to) in to.enumerate() {
                        let entry = match bits {
                            0 => 0,
                            bits => {
                                let bit = (voxel + y) * bits;
                                word(indices + bit / 32)? >> (bit % 32) & mask
                            }
                        };
                        let entry = table + entry * self.id_words;
                        for (word_of, to) in to.chunks_exact_mut(4).enumerate() {
                            to.copy_from_slice(&(word(entry + word_of)? as u32).to_le_bytes());
                        }
                    }
                }
            }
        }
        Ok(out)
    }
}
