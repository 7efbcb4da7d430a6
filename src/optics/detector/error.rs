//! What a detector cannot be.

use super::DetectorKind;
use thiserror::Error;

/// Why there is no such detector.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum DetectorError {
    /// A key is missing.
    #[error("{key} is missing, in {unit}: there is no usual one of a detector of kind \"{kind}\"")]
    Missing {
        /// The key.
        key: &'static str,
        /// The kind of detector.
        kind: DetectorKind,
        /// Its unit.
        unit: &'static str,
    },
    /// A key that the kind does not have.
    #[error("{key} means nothing for a detector of kind \"{kind}\"; leave it out")]
    Unused {
        /// The key.
        key: &'static str,
        /// The kind of detector.
        kind: DetectorKind,
    },
    /// A value that the key cannot have.
    #[error("{key} is {value}; it should be {wanted}")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// Its value.
        value: f64,
        /// What would be right.
        wanted: String,
    },
    /// A map of another size than the images.
    #[error("{key} has {found} pixels; it should have the {pixels} of an image")]
    MapSize {
        /// The key.
        key: &'static str,
        /// Pixels of the map.
        found: usize,
        /// Pixels of an image.
        pixels: usize,
    },
    /// A pixel of a map that cannot be.
    #[error("at pixel {pixel} of the maps: {error}")]
    Pixel {
        /// The pixel, counted row by row from 0.
        pixel: usize,
        /// What is wrong with it.
        error: Box<DetectorError>,
    },
}
