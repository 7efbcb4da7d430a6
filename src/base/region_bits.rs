//! The bits of a word that tells the regions of its cell to which a voxel belongs.

/// Bit of the membrane.
pub const MEMBRANE: u32 = 1;
/// Bit of the cytosol.
pub const CYTOSOL: u32 = 2;
/// Bit of the whole cell.
pub const FULL: u32 = 4;
/// Bit of the first annotated region; the others follow.
pub const FIRST_ANNOTATION: u32 = 8;
/// Most annotated regions: what is left of 32 bits.
pub const MOST_ANNOTATIONS: usize = FIRST_ANNOTATION.leading_zeros() as usize + 1;
