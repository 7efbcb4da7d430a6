//! A volume whose voxels are cut into equal parts, for tissue that is coarser than the optics.

use std::ops::Range;
use std::path::Path;

use super::{Facts, Ids, IdsMut, ReadError, SliceReader, VolumeSource, check_request, id_bytes};
use crate::base::volume::{VoxelBox, triple};

/// A volume in which several voxels along (z, x, y) stand for each of another's. Nothing is held
/// but the slice that was read last.
pub struct Upsampled<'a> {
    volume: Box<dyn VolumeSource + 'a>,
    parts: [usize; 3],
}

impl<'a> Upsampled<'a> {
    /// Cuts the voxels of a volume into so many parts along (z, x, y), each at least 1; a volume
    /// whose voxels stay whole is given back as it is.
    pub fn of(volume: Box<dyn VolumeSource + 'a>, parts: [usize; 3]) -> Box<dyn VolumeSource + 'a> {
        match parts {
            [1, 1, 1] => volume,
            parts => Box::new(Self { volume, parts }),
        }
    }

    /// The voxels of the volume in which those of a part lie.
    fn whole(&self, part: &VoxelBox) -> VoxelBox {
        let ranges = part.ranges();
        let whole: [_; 3] = std::array::from_fn(|axis| whole(&ranges[axis], self.parts[axis]));
        VoxelBox {
            offset: std::array::from_fn(|axis| whole[axis].start),
            shape: std::array::from_fn(|axis| whole[axis].len()),
        }
    }
}

/// The voxels in which these parts lie.
fn whole(parts: &Range<usize>, of_each: usize) -> Range<usize> {
    let first = parts.start / of_each;
    first..parts.end.div_ceil(of_each).max(first)
}

impl VolumeSource for Upsampled<'_> {
    fn shape(&self) -> [usize; 3] {
        let shape = self.volume.shape();
        std::array::from_fn(|axis| shape[axis].saturating_mul(self.parts[axis]))
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        Ok(Box::new(UpsampledReader {
            reader: self.volume.slices()?,
            shape: self.shape(),
            parts: self.parts,
            held: None,
            ids: Ids::new(self.bits(), 0),
            bits: self.bits(),
        }))
    }

    fn working_bytes(&self, part: &VoxelBox) -> u64 {
        let whole = self.whole(part);
        let slice = (whole.shape[1] as u64).saturating_mul(whole.shape[2] as u64);
        let slice = slice.saturating_mul(id_bytes(self.bits()));
        self.volume.working_bytes(&whole).saturating_add(slice)
    }

    fn slices_together(&self) -> usize {
        let together = self.volume.slices_together();
        together.saturating_mul(self.parts[0])
    }

    fn gather(&self, part: &VoxelBox) -> Result<(), ReadError> {
        self.volume.gather(&self.whole(part))
    }

    fn gathered_bytes(&self, part: &VoxelBox, slices: usize) -> u64 {
        // From a multiple of their number on: they may begin within a slice, or not.
        let [parts, ..] = self.parts;
        let cut = usize::from(!slices.is_multiple_of(parts));
        let whole = slices.div_ceil(parts).saturating_add(cut);
        self.volume.gathered_bytes(&self.whole(part), whole)
    }

    fn describe(&self) -> String {
        let parts = triple(self.parts, " x ");
        format!("{}, each voxel as {parts}", self.volume.describe())
    }

    fn bits(&self) -> u8 {
        self.volume.bits()
    }

    fn slice_path(&self, z: usize) -> Option<&Path> {
        self.volume.slice_path(z / self.parts[0])
    }

    fn facts(&self) -> Facts {
        self.volume.facts()
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        self.volume.unchanged()
    }
}

struct UpsampledReader<'a> {
    reader: Box<dyn SliceReader + 'a>,
    shape: [usize; 3],
    parts: [usize; 3],
    bits: u8,
    /// Which slice, rows and columns of the volume `ids` are.
    held: Option<(usize, Range<usize>, Range<usize>)>,
    ids: Ids,
}

impl SliceReader for UpsampledReader<'_> {
    fn read(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ReadError> {
        self.read_ids(z, x, y, out.into())
    }

    fn read_ids(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        mut out: IdsMut<'_>,
    ) -> Result<(), ReadError> {
        check_request(self.shape, z, &x, &y, out.len())?;
        let [of_z, of_x, of_y] = self.parts;
        let (rows, columns) = (whole(&x, of_x), whole(&y, of_y));
        let wanted = Some((z / of_z, rows.clone(), columns.clone()));
        if self.held != wanted {
            self.held = None;
            let count = rows.len() * columns.len();
            if self.ids.len() != count {
                self.ids = Ids::new(self.bits, count);
            }
            let room = self.ids.room();
            let (rows, columns) = (rows.clone(), columns.clone());
            self.reader.read_ids(z / of_z, rows, columns, room)?;
            self.held = wanted;
        }
        let mut finer = vec![0; y.len()];
        for (index, row) in x.enumerate() {
            let first = (row / of_x - rows.start) * columns.len();
            for (column, id) in y.clone().zip(&mut finer) {
                *id = self.ids.get(first + column / of_y - columns.start);
            }
            out.part(index * y.len()..(index + 1) * y.len()).put(&finer);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::read::{ArraySource, open};
    use ndarray::{Array3, s};

    #[test]
    fn every_part_has_its_voxels_id() {
        let ids = Array3::from_shape_fn((3, 4, 5), |(z, x, y)| (100 * z + 10 * x + y) as u32);
        let source = Upsampled::of(Box::new(ArraySource::new(ids.view())), [2, 3, 4]);
        assert_eq!(source.shape(), [6, 12, 20]);
        let expected = Array3::from_shape_fn((6, 12, 20), |(z, x, y)| {
            u64::from(ids[[z / 2, x / 3, y / 4]])
        });
        for (offset, shape) in [
            ([0, 0, 0], [6, 12, 20]),
            ([1, 2, 3], [4, 8, 14]),
            ([5, 11, 19], [1, 1, 1]),
            ([2, 4, 5], [3, 1, 2]),
        ] {
            let part = VoxelBox { offset, shape };
            let [z, x, y] = part.ranges();
            let right = expected.slice(s![z, x, y]);
            let found = source.block(&part).unwrap();
            assert_eq!(found, right.iter().copied().collect::<Vec<_>>(), "{part:?}");
        }
        let mut out = [0; 1];
        assert!(
            source
                .slices()
                .unwrap()
                .read(6, 0..1, 0..1, &mut out)
                .is_err()
        );
        assert!(source.describe().ends_with(", each voxel as 2 x 3 x 4"));
    }

    /// Whatever holds the volume, what was gathered of it, and the width that is read into.
    #[test]
    fn volumes_of_any_format_are_cut_up() {
        let data = |name: &str| {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/data")
                .join(name)
        };
        for name in [
            "npy/u2.npy",
            "npy/fortran_u2.npy",
            "tiff/deflate_u16.tif",
            "hdf5/latest.h5",
        ] {
            let Ok(plain) = open(&data(name), None) else {
                assert!(
                    !cfg!(feature = "hdf5") && name.starts_with("hdf5"),
                    "{name}"
                );
                continue;
            };
            let shape = plain.shape();
            let offset = [0; 3];
            let whole = plain.block(&VoxelBox { offset, shape }).unwrap();
            let finer = Upsampled::of(open(&data(name), None).unwrap(), [3, 1, 2]);
            assert_eq!(
                finer.slices_together(),
                3 * plain.slices_together(),
                "{name}"
            );
            assert_eq!(finer.bits(), plain.bits());
            let part = VoxelBox {
                offset: [2, 1, 3],
                shape: [5, 4, 7],
            };
            let bytes = [1, 4].map(|slices| finer.gathered_bytes(&part, slices));
            assert!(bytes.is_sorted(), "{name}: {bytes:?}");
            finer.gather(&part).unwrap();
            let mut reader = finer.slices().unwrap();
            let mut narrow = Ids::new(finer.bits(), part.slice_voxels());
            for slice in 0..part.shape[0] {
                let (z, x, y) = part.slice(slice);
                reader
                    .read_ids(z, x.clone(), y.clone(), narrow.room())
                    .unwrap();
                let places = x.flat_map(|row| y.clone().map(move |column| (row, column)));
                for (index, (row, column)) in places.enumerate() {
                    let at = (z / 3 * shape[1] + row) * shape[2] + column / 2;
                    assert_eq!(narrow.get(index), whole[at], "{name}: {z} {row} {column}");
                }
            }
        }
    }
}
