//! Checksums of words.

use crc32fast::Hasher;

/// Takes words as little-endian bytes: checksums compare between all machines.
pub(super) fn hash_words(hasher: &mut Hasher, words: &[u32]) {
    if cfg!(target_endian = "little") {
        hasher.update(bytemuck::cast_slice(words));
    } else {
        words
            .iter()
            .for_each(|word| hasher.update(&word.to_le_bytes()));
    }
}
