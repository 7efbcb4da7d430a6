//! What there is to see.

use super::ViewError;
use super::planes::Planes;
use crate::io::write::Content;
use crate::show::picture::{PixelSize, SampleKind, Samples};
use std::path::PathBuf;

/// Volumes of one size, and the layers that they are shown as.
pub struct Scene {
    /// What the window is called.
    pub title: String,
    /// Size of all volumes, (z, x, y).
    pub shape: [usize; 3],
    /// The volumes.
    pub volumes: Vec<ViewVolume>,
    /// Their components, in the order of the list beside the picture.
    pub layers: Vec<Layer>,
    /// Size of the voxels, where it is known.
    pub pixel: Option<PixelSize>,
    /// What is told of how the volumes are shown: what is left out, and what is guessed.
    pub notes: Vec<String>,
}

/// A volume on the disk.
pub struct ViewVolume {
    /// Where it lies.
    pub path: PathBuf,
    /// Type of its samples.
    pub kind: SampleKind,
    /// Its slices.
    pub(super) planes: Box<dyn Planes>,
}

impl ViewVolume {
    /// Reads the whole volume: slice after slice the samples of each component.
    ///
    /// # Errors
    /// The volume cannot be read.
    pub fn slices(&self) -> Result<Vec<Vec<Samples>>, ViewError> {
        let [slices, rows, columns] = self.planes.shape();
        let mut reader = self.planes.reader()?;
        let slices = 0..slices;
        slices
            .map(|z| reader.read(z, 0..rows, 0..columns))
            .collect()
    }
}

/// A channel, or ids.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it is called.
    pub name: String,
    /// Index of its volume.
    pub volume: usize,
    /// Which of the samples of a voxel it is: 0, or for colours 0 to 2.
    pub component: usize,
    /// What the numbers mean.
    pub content: Content,
    /// Colour of the brightest pixels.
    pub colour: [u8; 3],
}

impl Scene {
    /// Size of a voxel along (z, x, y), relative to the smallest of them.
    #[must_use]
    pub fn proportions(&self) -> [f64; 3] {
        let Some(pixel) = &self.pixel else {
            return [1.0; 3];
        };
        let smallest = pixel.gel_nm.into_iter().fold(f64::INFINITY, f64::min);
        pixel.gel_nm.map(|nm| nm / smallest)
    }

    /// Bytes of all samples of all volumes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let [z, x, y] = self.shape.map(|n| n as u64);
        let voxel = |volume: &ViewVolume| (volume.kind.bytes() * volume.planes.components()) as u64;
        self.volumes.iter().map(voxel).sum::<u64>() * z * x * y
    }
}
