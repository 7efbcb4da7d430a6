//! The piece of tissue that all runs of a sweep share: read once.

use super::SweepError;
use crate::base::volume::{VoxelBox, triple};
use crate::config::{Config, Crop};
use crate::io::read::{CellSource, Facts, ReadError, SliceReader, VolumeSource};
use crate::run::simulation::{self, Tissue, Watcher};
use ndarray::{Array3, s};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;

/// Largest piece without a word of the user: a first look within seconds.
const FIRST_LOOK: [usize; 3] = [32, 128, 128];

/// Largest piece that is kept in memory; larger ones are read again by each run.
const MOST_KEPT: usize = 1 << 26;

/// A piece of a volume, in voxels of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// First voxel, (z, x, y).
    pub offset_voxels: [usize; 3],
    /// Size, (z, x, y).
    pub shape_voxels: [usize; 3],
}

/// Cells and regions of a piece of tissue.
pub(super) struct SharedTissue {
    /// The piece.
    pub piece: Piece,
    /// Size of a voxel as its file has it, in nm.
    voxel_nm: Option<[f64; 3]>,
    /// Voxels that the runs see for each of the file's.
    parts: [usize; 3],
    cells: Source,
    regions: Vec<(String, Source)>,
    /// CRC-32 of the ids of cells and regions.
    pub crc32: u32,
}

impl SharedTissue {
    /// Reads the piece that a configuration's volume has in its middle.
    pub(super) fn read(
        config: &mut Config,
        crop: Crop,
        watcher: &mut dyn Watcher,
    ) -> Result<Self, SweepError> {
        let (source, annotations, region) = simulation::open_volumes(config)?;
        simulation::settle(config, &source)?.tell(watcher);
        let CellSource::Merged(cells) = source else {
            return Err(SweepError::Usage(
                "a sweep takes one volume of all cells, and not [groundtruth] gt_cells = \"split\""
                    .to_owned(),
            ));
        };
        let parts = config.groundtruth.upsample;
        let coarse = |voxels: [usize; 3]| -> [usize; 3] {
            std::array::from_fn(|axis| voxels[axis] / parts[axis])
        };
        let fine = |voxels: [usize; 3]| -> [usize; 3] {
            std::array::from_fn(|axis| voxels[axis] * parts[axis])
        };
        let (offset, loaded) = (coarse(region.offset), coarse(region.shape));
        let shape = match crop {
            Crop::Whole => loaded,
            Crop::FirstLook => std::array::from_fn(|axis| loaded[axis].min(FIRST_LOOK[axis])),
            Crop::Voxels(voxels) => voxels,
        };
        if (0..3).any(|axis| shape[axis] == 0 || shape[axis] > loaded[axis]) {
            return Err(SweepError::Usage(format!(
                "--crop {} (or [sweep] crop): {} voxels are loaded; from 1 to as many along each axis are wanted, or --whole",
                triple(shape, ","),
                triple(loaded, " x ")
            )));
        }
        let offset = std::array::from_fn(|axis| offset[axis] + (loaded[axis] - shape[axis]) / 2);
        let part = VoxelBox {
            offset: fine(offset),
            shape: fine(shape),
        };
        let names = config.groundtruth.regions.keys().cloned();
        let regions: Result<Vec<(String, Source)>, ReadError> = std::iter::zip(names, annotations)
            .map(|(name, region)| Ok((name, Source::of(region, part)?)))
            .collect();
        let regions = regions?;
        let cells = Source::of(cells, part)?;
        let mut hasher = crc32fast::Hasher::new();
        cells.add_to(&mut hasher, &part)?;
        for (name, source) in &regions {
            hasher.update(name.as_bytes());
            source.add_to(&mut hasher, &part)?;
        }
        let crc32 = hasher.finalize();
        Ok(Self {
            piece: Piece {
                offset_voxels: offset,
                shape_voxels: shape,
            },
            voxel_nm: config.groundtruth.voxel_nm,
            parts,
            cells,
            regions,
            crc32,
        })
    }

    /// The tissue as a run takes it.
    pub(super) fn tissue(&self) -> Tissue<'_> {
        let cells: Box<dyn VolumeSource + '_> = Box::new(&self.cells);
        let tissue = Tissue::from(CellSource::Merged(cells));
        self.regions.iter().fold(tissue, |tissue, (name, source)| {
            tissue.with_region_of(name, Box::new(source))
        })
    }

    /// Makes a configuration one of this piece alone, in voxels of its file.
    pub(super) fn cut(&self, config: &mut Config) {
        config.groundtruth.voxel_nm = self.voxel_nm;
        config.groundtruth.offset_voxels = self.piece.offset_voxels;
        config.groundtruth.bounds_voxels = Some(self.piece.shape_voxels);
    }

    /// The configuration of a piece as a run on [`SharedTissue::tissue`] takes it, whose voxels are
    /// those that it sees.
    pub(super) fn seen(&self, config: &Config) -> Config {
        let mut config = config.clone();
        let fine = |voxels: [usize; 3]| -> [usize; 3] {
            std::array::from_fn(|axis| voxels[axis] * self.parts[axis])
        };
        let truth = &mut config.groundtruth;
        truth.voxel_nm = Some(truth.voxel_or_nan());
        truth.upsample = [1; 3];
        // What is kept has 0 in their place.
        truth.background = Vec::new();
        truth.offset_voxels = fine(self.piece.offset_voxels);
        truth.bounds_voxels = Some(fine(self.piece.shape_voxels));
        config
    }
}

/// A volume of which a piece is known. Draws depend on a voxel's place in its volume, and so the
/// piece stays where it was.
enum Source {
    Kept {
        shape: [usize; 3],
        part: VoxelBox,
        ids: Array3<u64>,
        what: String,
        bits: u8,
        facts: Box<Facts>,
    },
    File(Box<dyn VolumeSource>),
}

impl Source {
    fn of(source: Box<dyn VolumeSource>, part: VoxelBox) -> Result<Self, ReadError> {
        if part.voxels() > MOST_KEPT {
            return Ok(Self::File(source));
        }
        source.gather(&part)?;
        let ids = source.block(&part)?;
        source.unchanged()?;
        let cut_short = |_| ReadError::Request {
            shape: source.shape(),
            z: part.offset[0],
            x: 0..part.shape[1],
            y: 0..part.shape[2],
            room: 0,
        };
        Ok(Self::Kept {
            shape: source.shape(),
            part,
            ids: Array3::from_shape_vec(part.shape, ids).map_err(cut_short)?,
            what: source.describe(),
            bits: source.bits(),
            facts: Box::new(source.facts()),
        })
    }

    /// Adds the ids of a part, slice after slice.
    fn add_to(&self, hasher: &mut crc32fast::Hasher, part: &VoxelBox) -> Result<(), ReadError> {
        let mut reader = self.slices()?;
        let mut ids = vec![0; part.slice_voxels()];
        for slice in 0..part.shape[0] {
            let (z, x, y) = part.slice(slice);
            reader.read(z, x, y, &mut ids)?;
            hasher.update(bytemuck::cast_slice(&ids));
        }
        Ok(())
    }
}

impl VolumeSource for Source {
    fn shape(&self) -> [usize; 3] {
        match self {
            Self::Kept { shape, .. } => *shape,
            Self::File(source) => source.shape(),
        }
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        match self {
            Self::Kept {
                shape, part, ids, ..
            } => Ok(Box::new(PieceReader {
                shape: *shape,
                offset: part.offset,
                ids,
            })),
            Self::File(source) => source.slices(),
        }
    }

    fn working_bytes(&self, part: &VoxelBox) -> u64 {
        match self {
            Self::Kept { .. } => 0,
            Self::File(source) => source.working_bytes(part),
        }
    }

    fn slices_together(&self) -> usize {
        match self {
            Self::Kept { .. } => 1,
            Self::File(source) => source.slices_together(),
        }
    }

    fn gather(&self, part: &VoxelBox) -> Result<(), ReadError> {
        match self {
            Self::Kept { .. } => Ok(()),
            Self::File(source) => source.gather(part),
        }
    }

    fn gathered_bytes(&self, part: &VoxelBox, slices: usize) -> u64 {
        match self {
            Self::Kept { .. } => 0,
            Self::File(source) => source.gathered_bytes(part, slices),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Kept { what, .. } => what.clone(),
            Self::File(source) => source.describe(),
        }
    }

    fn bits(&self) -> u8 {
        match self {
            Self::Kept { bits, .. } => *bits,
            Self::File(source) => source.bits(),
        }
    }

    fn slice_path(&self, z: usize) -> Option<&Path> {
        match self {
            Self::Kept { .. } => None,
            Self::File(source) => source.slice_path(z),
        }
    }

    fn slice_page(&self, z: usize) -> Option<usize> {
        match self {
            Self::Kept { .. } => None,
            Self::File(source) => source.slice_page(z),
        }
    }

    fn facts(&self) -> Facts {
        match self {
            Self::Kept { facts, .. } => Facts::clone(facts),
            Self::File(source) => source.facts(),
        }
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        match self {
            // Asked when it was read.
            Self::Kept { .. } => Ok(()),
            Self::File(source) => source.unchanged(),
        }
    }
}

struct PieceReader<'a> {
    shape: [usize; 3],
    offset: [usize; 3],
    ids: &'a Array3<u64>,
}

impl SliceReader for PieceReader<'_> {
    fn read(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ReadError> {
        let (slices, rows, columns) = self.ids.dim();
        let below = |range: &Range<usize>, from: usize, of: usize| {
            let (start, end) = (range.start.checked_sub(from)?, range.end.checked_sub(from)?);
            (start <= end && end <= of).then_some(start..end)
        };
        let inside = below(&(z..z + 1), self.offset[0], slices)
            .zip(below(&x, self.offset[1], rows))
            .zip(below(&y, self.offset[2], columns))
            .filter(|_| x.len().checked_mul(y.len()) == Some(out.len()));
        let Some(((slice, rows), columns)) = inside else {
            return Err(ReadError::Request {
                shape: self.shape,
                z,
                x,
                y,
                room: out.len(),
            });
        };
        let ids = self.ids.slice(s![slice.start, rows, columns]);
        out.iter_mut().zip(ids).for_each(|(to, id)| *to = *id);
        Ok(())
    }
}
