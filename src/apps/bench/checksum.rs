//! Checksums of words, and how far two devices' photon counts may be apart.

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

/// What one photon count and that of another device may differ by: docs/model.md section 6.
pub(super) fn blur_tolerance(largest: u32) -> u64 {
    ((5e-7 * f64::from(largest)).ceil() as u64).max(1)
}
