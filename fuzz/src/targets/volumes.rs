//! Label volumes: what is read of them is the same whichever way it is asked for, and takes the
//! memory that the volume says.

use super::{images, packed, project, unpack};
use crate::allocator::peak_of;
use simexm_gpu::internals::base::choice::Choice;
use simexm_gpu::internals::base::formats::{InputFormat, StoredIds};
use simexm_gpu::internals::base::volume::{Arrangement, VoxelBox};
use simexm_gpu::internals::io::read::{
    CellSource, Ids, ReadOptions, VolumeSource, open_as, open_cells,
};
use std::fs;
use std::path::Path;

/// Rows and columns that are read at most.
const MOST_ROWS: usize = 100;

/// Most bytes that a reader may hold: a run refuses a volume that takes more than its budget.
const BUDGET: u64 = 40 << 20;

/// What the allocator, a file's buffer and messages take beside what a volume says.
const BESIDE: usize = 1 << 20;

/// What a user may say of a volume; the length of an input chooses, so that each is tried.
fn options(data: &[u8], format: &str) -> ReadOptions {
    let format = InputFormat::all()
        .into_iter()
        .find(|row| row.as_str() == format);
    let plain = ReadOptions {
        format,
        ..ReadOptions::default()
    };
    match data.len() % 8 {
        0 => ReadOptions {
            ids: StoredIds::Rgb,
            ..plain
        },
        1 => ReadOptions {
            background: vec![-1, 1, 255],
            ..plain
        },
        2 => ReadOptions {
            series: Some(1),
            ..plain
        },
        3 => ReadOptions {
            channel: Some(1),
            time: Some(0),
            ..plain
        },
        _ => plain,
    }
}

/// Reads some slices, whole and in part.
fn look(volume: &dyn VolumeSource) {
    let shape @ [depth, rows, columns] = volume.shape();
    assert!(!shape.contains(&0), "a volume of {shape:?} voxels");
    let _ = (volume.describe(), volume.facts(), volume.slice_path(0));
    let most = u64::MAX >> (64 - volume.bits());
    let Ok(mut reader) = volume.slices() else {
        return;
    };
    let (x, y) = (0..rows.min(MOST_ROWS), 0..columns.min(MOST_ROWS));
    let part = VoxelBox {
        offset: [0; 3],
        shape: [depth, x.len(), y.len()],
    };
    let mut ids = vec![0; x.len() * y.len()];
    if volume.working_bytes(&part) > BUDGET {
        return;
    }
    let allowed = volume.working_bytes(&part) as usize;
    for z in [0, depth / 2, depth - 1] {
        let (read, peak) = peak_of(|| reader.read(z, x.clone(), y.clone(), &mut ids));
        assert!(
            peak <= allowed + BESIDE,
            "slice {z} took {peak} bytes, where {allowed} were told"
        );
        if read.is_err() {
            continue;
        }
        assert!(ids.iter().all(|&id| id <= most), "an id beyond its bits");
        let mut narrow = Ids::new(volume.bits(), ids.len());
        reader
            .read_ids(z, x.clone(), y.clone(), narrow.room())
            .expect("what was read can be read again");
        let same = (0..ids.len()).all(|voxel| narrow.get(voxel) == ids[voxel]);
        assert!(same, "other ids in less room");
        let (low, left) = (x.len() / 3, y.len() / 2);
        let (height, width) = (x.len() - low, (y.len() - left).min(7));
        let mut some = vec![0; height * width];
        reader
            .read(z, low..x.len(), left..left + width, &mut some)
            .expect("what was read can be read again");
        for (row, found) in some.chunks_exact(width).enumerate() {
            let whole = &ids[(low + row) * y.len() + left..][..width];
            assert_eq!(found, whole, "slice {z}, row {}", low + row);
        }
    }
    let mut last = [0];
    let _ = reader.read(depth - 1, rows - 1..rows, columns - 1..columns, &mut last);
    let _ = volume.unchanged();
}

pub(super) fn open(path: &Path, options: &ReadOptions) {
    match open_as(path, options) {
        Ok(volume) => look(&*volume),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn single(data: &[u8], folder: &Path, format: &str) {
    let path = folder.join("volume");
    fs::write(&path, data).expect("room");
    open(&path, &options(data, format));
}

pub(super) fn tiff(data: &[u8], folder: &Path) {
    single(data, folder, "tiff");
}

pub(super) fn npy(data: &[u8], folder: &Path) {
    single(data, folder, "npy");
}

/// A folder with one image.
pub(super) fn image(name: &str, data: &[u8], folder: &Path) {
    fs::write(folder.join(name), images::mended(data)).expect("room");
    open(folder, &options(data, "image sequence"));
}

/// A folder with images of several kinds.
pub(super) fn folder(data: &[u8], folder: &Path) {
    unpack(data, folder, &["0.png", "1.png", "2.tif", "3.tif"]);
    open(folder, &options(data, "image sequence"));
}

/// Files of the project that are started from.
fn samples(names: &[&str]) -> Vec<Vec<u8>> {
    let read = |name: &&str| fs::read(project().join("tests/data").join(name)).expect("ours");
    names.iter().map(read).collect()
}

pub(super) fn folders() -> Vec<Vec<u8>> {
    let pages = samples(&["mixed/s9.tif", "tiff/palette.tif", "tiff/bilevel.tif"]);
    let pngs = images::pngs();
    let pages = pages.iter().map(Vec::as_slice);
    let mut all: Vec<Vec<u8>> = pages
        .map(|page| packed([&*pngs[0], &*pngs[1], page, page]))
        .collect();
    all.extend(pngs.iter().map(|png| packed([&**png, &**png])));
    all
}

/// Volumes of one cell each.
pub(super) fn cells(data: &[u8], folder: &Path) {
    let names = ["a.tif", "b.npy", "c/0.png", "c/1.png", "d.tif"];
    unpack(data, folder, &names);
    let format = None.into();
    match open_cells(folder, &format, Arrangement::Split) {
        Ok(CellSource::Splitted(cells)) => {
            for stack in cells.stacks() {
                look(&*stack.volume);
            }
        }
        Ok(CellSource::Merged(_)) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

pub(super) fn cell_folders() -> Vec<Vec<u8>> {
    let volumes = samples(&["tiff/deflate_u16.tif", "npy/bool.npy", "tiff/lzw_u16.tif"]);
    let [tiff, npy, lzw] = &volumes[..] else {
        return Vec::new();
    };
    let png = &images::pngs()[0];
    vec![
        packed([&**tiff, &**npy, &**png, &**png, &**lzw]),
        packed([&**tiff, &**npy]),
        packed([&**lzw, &**npy, &**png, &**png]),
    ]
}
