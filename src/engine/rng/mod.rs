//! Randomness without state: every draw is a pure function of what it is for and where it is.
//!
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
//! as 1, 2, 3", SC'11). The key says *what* is drawn ([`StreamKey`]), the counter says *where*: the
//! voxel's position in the source volume and the cell's id. A draw therefore does not depend on the
//! backend, the number of threads, or how the volume was cut into slabs.
//! `shaders/shared/philox.wgsl` is the twin of this module.

mod row;
mod table;
pub(crate) use row::RowDraws;
pub(crate) use table::TableView;
#[cfg(test)]
mod tests;

pub use table::{DiscreteTable, TableError, TableRef};

const MULTIPLIER: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];

/// One block of Philox4x32-10: four random words for a 128-bit counter under a 64-bit key.
pub fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = advance(key);
        }
        let product0 = u64::from(MULTIPLIER[0]) * u64::from(counter[0]);
        let product1 = u64::from(MULTIPLIER[1]) * u64::from(counter[2]);
        counter = [
            (product1 >> 32) as u32 ^ counter[1] ^ key[0],
            product1 as u32,
            (product0 >> 32) as u32 ^ counter[3] ^ key[1],
            product0 as u32,
        ];
    }
    counter
}

/// The key of the next round.
fn advance(key: [u32; 2]) -> [u32; 2] {
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])]
}

/// What a stream of draws is for. The names become part of the key, so they must never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Whether a cell may be labelled at all (`global_density`).
    Eligible,
    /// Whether a layer labels a cell (`labeling_density`).
    Labelled,
    /// Which cell a `single_neuron` layer keeps.
    SingleNeuron,
    /// Proteins at a site, and whether the site is displaced.
    Proteins,
    /// How far a displaced site moves.
    Displacement,
    /// How far a protein lies from where it was (`linkage`).
    Linkage,
    /// Waves of an uneven expansion.
    Distortion,
    /// Proteins of a cluster.
    Cluster,
    /// Brightness of a cell in a layer.
    Brightness,
    /// The layers of a cell's barcode, and their levels.
    Barcode,
    /// Stripes of uneven light.
    Stripes,
    /// Where a round of imaging finds the gel.
    Rounds,
    /// Photons per protein of a voxel.
    Emission,
    /// Jitter of a magnified voxel on the camera.
    Jitter,
    /// Baseline photons of a voxel.
    Baseline,
    /// Electrons and noise of a pixel of a detector.
    Exposure,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Eligible => "eligible",
            Self::Labelled => "labelled",
            Self::SingleNeuron => "single neuron",
            Self::Proteins => "proteins",
            Self::Displacement => "displacement",
            Self::Linkage => "linkage",
            Self::Distortion => "distortion",
            Self::Cluster => "cluster",
            Self::Brightness => "brightness",
            Self::Barcode => "barcode",
            Self::Stripes => "stripes",
            Self::Rounds => "rounds",
            Self::Emission => "emission",
            Self::Jitter => "jitter",
            Self::Baseline => "baseline",
            Self::Exposure => "exposure",
        }
    }
}

/// The key of one stream of draws: (seed, purpose, names of layer, channel or fluorophore).
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct StreamKey(pub [u32; 2]);

impl StreamKey {
    /// Derives the key by absorbing the purpose and the names, eight bytes at a time, through the
    /// generator itself. Every string is closed by its length, so that no two lists of names
    /// spell the same input.
    pub fn new(seed: u64, purpose: Purpose, names: &[&str]) -> Self {
        let mut key = [seed as u32, (seed >> 32) as u32];
        let mut position = 0u32;
        let mut absorb = |low: u32, high: u32| {
            let block = philox4x32_10([low, high, position, 0x7365_6564], key);
            key = [block[0] ^ block[2], block[1] ^ block[3]];
            position += 1;
        };
        for text in std::iter::once(purpose.name()).chain(names.iter().copied()) {
            for chunk in text.as_bytes().chunks(8) {
                let mut bytes = [0; 8];
                bytes[..chunk.len()].copy_from_slice(chunk);
                let word = u64::from_le_bytes(bytes);
                absorb(word as u32, (word >> 32) as u32);
            }
            absorb(text.len() as u32, u32::MAX);
        }
        Self(key)
    }

    /// The stream of one of several things of a voxel, by its number.
    pub(crate) fn numbered(self, number: u32) -> Self {
        let Self([first, second]) = self;
        Self([first.wrapping_add(number.wrapping_mul(0x9E37_79B9)), second])
    }

    /// The four words drawn for a cell as a whole.
    pub fn of_cell(self, id: u64) -> [u32; 4] {
        philox4x32_10([(id >> 32) as u32, 0, 0, id as u32], self.0)
    }

    /// The four words drawn at voxel (z, x, y) of the source volume for the cell with this key.
    pub fn at(self, voxel: [u32; 3], cell: u32) -> [u32; 4] {
        philox4x32_10([voxel[0], voxel[1], voxel[2], cell], self.0)
    }
}

/// The word by which a cell enters the counter of a voxel: the id itself where it fits 32 bits. Two
/// cells of one word share draws only where both have the same voxel.
pub fn cell_key(id: u64) -> u32 {
    let (low, high) = (id as u32, (id >> 32) as u32);
    if high == 0 {
        low
    } else {
        philox4x32_10([low, high, 0, 0], [0x6365_6C6C, 0x6964_0000])[0]
    }
}
