//! Memory of reads that is used again.

/// Reads that were given back.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<Vec<u32>>);

impl Spare {
    /// Takes these in place of those that it had.
    pub(super) fn replace(&mut self, reads: Vec<Vec<u32>>) {
        self.0 = reads;
    }

    /// So many words, whatever they hold: of the reads that were given back the smallest that has
    /// room, or new ones.
    pub(super) fn words(&mut self, words: usize) -> Vec<u32> {
        let sizes = self.0.iter().map(Vec::capacity).enumerate();
        let fitting = sizes.filter(|(_, size)| (words..=2 * words).contains(size));
        let smallest = fitting.min_by_key(|(_, size)| *size);
        let Some((at, _)) = smallest else {
            return vec![0; words];
        };
        let mut spare = self.0.swap_remove(at);
        spare.resize(words, 0);
        spare
    }
}
