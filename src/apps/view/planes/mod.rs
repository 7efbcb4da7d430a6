//! Slices of volumes of any kind: grey, coloured, floating point; ids of cells that have a volume
//! each.

mod colour_tiff;
mod folder;

pub(super) use colour_tiff::ColourTiff;
pub(super) use folder::ColourFolder;

use super::ViewError;
use crate::io::read::{ReadError, SliceReader, VolumeSource};
use crate::show::picture::{SampleKind, Samples};
use std::ops::Range;

/// The samples of a part of a slice, for each component.
pub(super) type Plane = Vec<Samples>;

/// A volume of which slices can be read in any order.
pub(super) trait Planes: Send + Sync {
    /// Size, (z, x, y).
    fn shape(&self) -> [usize; 3];
    /// Samples of a voxel: 1, or 3 for red, green and blue.
    fn components(&self) -> usize;
    /// Type of the samples.
    fn kind(&self) -> SampleKind;
    /// A reader with file handles of its own.
    fn reader(&self) -> Result<Box<dyn PlaneReader + '_>, ViewError>;
}

/// Reads slices of a volume.
pub(super) trait PlaneReader {
    /// Rows `x` and columns `y` of slice `z`.
    fn read(&mut self, z: usize, x: Range<usize>, y: Range<usize>) -> Result<Plane, ViewError>;
}

/// Whole numbers, one per voxel.
pub(super) struct Grey {
    pub source: Box<dyn VolumeSource>,
    pub kind: SampleKind,
}

impl Planes for Grey {
    fn shape(&self) -> [usize; 3] {
        self.source.shape()
    }

    fn components(&self) -> usize {
        1
    }

    fn kind(&self) -> SampleKind {
        self.kind
    }

    fn reader(&self) -> Result<Box<dyn PlaneReader + '_>, ViewError> {
        Ok(Box::new(GreyReader {
            slices: self.source.slices()?,
            kind: self.kind,
            wide: Vec::new(),
        }))
    }
}

struct GreyReader<'a> {
    slices: Box<dyn SliceReader + 'a>,
    kind: SampleKind,
    wide: Vec<u64>,
}

impl PlaneReader for GreyReader<'_> {
    fn read(&mut self, z: usize, x: Range<usize>, y: Range<usize>) -> Result<Plane, ViewError> {
        self.wide.resize(x.len() * y.len(), 0);
        self.slices.read(z, x, y, &mut self.wide)?;
        Ok(vec![self.kind.narrow(&self.wide)])
    }
}

/// Cells that have a volume each, one over the other. There may be thousands of them, so their
/// files are open only while they are read.
pub(super) struct Cells {
    pub sources: Vec<Box<dyn VolumeSource>>,
    pub kind: SampleKind,
}

impl Planes for Cells {
    fn shape(&self) -> [usize; 3] {
        self.sources.first().map_or([0; 3], |source| source.shape())
    }

    fn components(&self) -> usize {
        1
    }

    fn kind(&self) -> SampleKind {
        self.kind
    }

    fn reader(&self) -> Result<Box<dyn PlaneReader + '_>, ViewError> {
        Ok(Box::new(self))
    }
}

impl PlaneReader for &Cells {
    fn read(&mut self, z: usize, x: Range<usize>, y: Range<usize>) -> Result<Plane, ViewError> {
        let mut all = vec![0; x.len() * y.len()];
        let mut one = all.clone();
        for source in &self.sources {
            let result: Result<(), ReadError> = source
                .slices()
                .and_then(|mut slices| slices.read(z, x.clone(), y.clone(), &mut one));
            result?;
            for (all, &id) in all.iter_mut().zip(&one) {
                if id != 0 {
                    *all = id;
                }
            }
        }
        Ok(vec![self.kind.narrow(&all)])
    }
}

/// The part of a whole plane that was asked for.
fn crop(whole: &Samples, columns: usize, x: &Range<usize>, y: &Range<usize>) -> Samples {
    let mut part = whole.kind().zeros(x.len() * y.len());
    for (to, row) in x.clone().enumerate() {
        part.copy(to * y.len(), whole, row * columns + y.start, 1, y.len());
    }
    part
}
