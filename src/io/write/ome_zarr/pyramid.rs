//! Levels above the first: slices of each wait until they make a shard.

use super::super::VolumeLayout;
use super::SLICES;
use super::levels::{Level, Slices, halve};
use super::shard::encode;
use crate::base::formats::ChunkCodec;

/// A shard of a level above the first: level, plane, number along z, number in its slices, content.
pub(super) type LevelShard = (usize, usize, usize, usize, Vec<u8>);

/// What waits at each level.
pub(super) struct Pyramid {
    levels: Vec<Level>,
    planes: usize,
    /// For each level but the first and each plane, slices that make no shard yet.
    waiting: Vec<Vec<Vec<u8>>>,
    /// For each level but the first, shards along z that are done.
    done: Vec<usize>,
}

impl Pyramid {
    pub fn new(levels: Vec<Level>, planes: usize) -> Self {
        let above = levels.len() - 1;
        Self {
            waiting: vec![vec![Vec::new(); planes]; above],
            done: vec![0; above],
            levels,
            planes,
        }
    }

    /// Takes the slices of the second level that a piece of the first has left, for each plane;
    /// returns the shards that are complete with them, all if they are the last.
    pub fn add(
        &mut self,
        mut slices: Vec<Vec<u8>>,
        is_last: bool,
        layout: &VolumeLayout,
        codec: ChunkCodec,
    ) -> Vec<LevelShard> {
        let mut shards = Vec::new();
        let bytes = layout.pixel.bytes();
        for above in 0..self.waiting.len() {
            let level = &self.levels[above + 1];
            let page = level.shape[1] * level.shape[2] * bytes;
            for (waiting, slices) in self.waiting[above].iter_mut().zip(&slices) {
                waiting.extend_from_slice(slices);
            }
            let there = self.waiting[above]
                .first()
                .map_or(0, |waiting| waiting.len() / page);
            if there < SLICES && !is_last {
                break;
            }
            let shape = [there, level.shape[1], level.shape[2]];
            slices.clear();
            for plane in 0..self.planes {
                let pixels = std::mem::take(&mut self.waiting[above][plane]);
                let pixels = Slices::new(&pixels, page, 0, 1);
                let encoded = encode(pixels, shape, level, bytes, codec);
                let encoded = encoded.into_iter().enumerate();
                let stored = encoded.filter(|(_, content)| !content.is_empty());
                let done = self.done[above];
                shards.extend(
                    stored.map(|(shard, content)| (above + 1, plane, done, shard, content)),
                );
                if let Some(next) = self.levels.get(above + 2) {
                    slices.push(halve(
                        pixels,
                        shape,
                        next.step,
                        layout.pixel,
                        layout.content,
                    ));
                }
            }
            self.done[above] += 1;
        }
        shards
    }
}
