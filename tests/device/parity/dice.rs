//! Random contents of buffers.

use simexm_gpu::internals::engine::rng::philox4x32_10;

/// Cells in the random volumes.
pub const CELLS: u32 = 50;

/// Random words.
pub struct Dice(u32, u32);

impl Dice {
    pub fn new(seed: u32) -> Self {
        Self(seed, 0)
    }

    pub fn word(&mut self) -> u32 {
        self.1 += 1;
        philox4x32_10([self.1, 0, 0, 0], [self.0, 77])[0]
    }

    pub fn words(&mut self, count: usize, below: u32) -> Vec<u32> {
        (0..count).map(|_| self.word() % below).collect()
    }

    /// Runs of equal cells, as in a segmentation; a third of the voxels is background.
    pub fn labels(&mut self, count: usize) -> Vec<u32> {
        let mut labels = Vec::new();
        while labels.len() < count {
            let cell = if self.word().is_multiple_of(3) {
                0
            } else {
                self.word() % CELLS
            };
            let run = 1 + self.word() as usize % 7;
            labels.extend(std::iter::repeat_n(cell, run));
        }
        labels.truncate(count);
        labels
    }

    pub fn regions(&mut self, count: usize) -> Vec<u32> {
        self.words(count, 16)
    }

    pub fn floats(&mut self, count: usize, scale: f32) -> Vec<u32> {
        (0..count)
            .map(|_| (scale * ((self.word() >> 8) as f32 / (1 << 24) as f32 - 0.5)).to_bits())
            .collect()
    }
}
