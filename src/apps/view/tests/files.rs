//! Small volumes of which every voxel is known. The tests of the window have them too.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tiff::encoder::{TiffEncoder, colortype};

/// Slices, rows, columns.
pub(crate) const SHAPE: [usize; 3] = [6, 9, 7];

/// A value for every voxel, unlike those of its neighbours.
pub(crate) fn value(seed: usize, [z, x, y]: [usize; 3]) -> u8 {
    ((z * 37 + x * 11 + y * 3 + seed * 59) % 251) as u8
}

/// The id of a voxel; half of them are background.
pub(crate) fn id([z, x, y]: [usize; 3]) -> u16 {
    if (x + y) % 2 == 0 {
        0
    } else {
        (1000 + 100 * z + 10 * x + y) as u16
    }
}

/// Writes a stack.
pub(crate) fn write<C: colortype::ColorType>(
    path: &Path,
    [slices, rows, columns]: [usize; 3],
    slice: impl Fn(usize) -> Vec<C::Inner>,
) where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let file = BufWriter::new(File::create(path).expect("create"));
    let mut encoder = TiffEncoder::new(file).expect("encoder");
    for z in 0..slices {
        let (width, height) = (columns as u32, rows as u32);
        encoder
            .write_image::<C>(width, height, &slice(z))
            .expect("page");
    }
}

/// The voxels of a slice, row after row.
pub(crate) fn voxels(z: usize) -> impl Iterator<Item = [usize; 3]> {
    (0..SHAPE[1]).flat_map(move |x| (0..SHAPE[2]).map(move |y| [z, x, y]))
}

/// Two channels and ids on the disk.
pub(crate) fn files(folder: &TempDir) -> [PathBuf; 3] {
    let path = |name: &str| folder.path().join(name);
    for seed in 0..2 {
        let slice = |z| voxels(z).map(|at| value(seed, at)).collect();
        write::<colortype::Gray8>(&path(&format!("channel_{seed}.tif")), SHAPE, slice);
    }
    write::<colortype::Gray16>(&path("cells.tif"), SHAPE, |z| voxels(z).map(id).collect());
    [
        path("channel_0.tif"),
        path("channel_1.tif"),
        path("cells.tif"),
    ]
}
