mod build;
mod cells;
mod conformance;
mod folder;
mod npy;
mod planes;
mod raster;
mod stored;
mod tiff;

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::Array3;

use super::{ArraySource, Ids, InputFormat, ReadError, VolumeSource, open};
use crate::base::volume::Arrangement;

const SHAPE: [usize; 3] = [3, 20, 17];
pub(super) const U8: u64 = 1;
const U16: u64 = u16::MAX as u64 / 255;
const U32: u64 = u32::MAX as u64 / 255;
const U64: u64 = u64::MAX / 255;
const I16: u64 = i16::MAX as u64 / 255;
const I32: u64 = i32::MAX as u64 / 255;

/// Files written by tests/data/make_tiffs.py.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/tiff")
        .join(format!("{name}.tif"))
}

/// The volume of make_tiffs.py, with `factor` by type.
fn expected(z: usize, x: usize, y: usize, factor: u64) -> u64 {
    ((7 * z + 3 * (x / 4) + y / 5) % 251) as u64 * factor
}

pub(super) fn assert_volume(source: &dyn VolumeSource, factor: u64) {
    assert_eq!(source.shape(), SHAPE, "{}", source.describe());
    let mut reader = source.slices().unwrap();
    // The whole slice, backwards, and a crop that starts and ends within strips and tiles.
    for (x, y) in [
        (0..20, 0..17),
        (5..19, 3..17),
        (15..18, 15..16),
        (4..4, 0..17),
    ] {
        for z in (0..3).rev() {
            let mut out = vec![u64::MAX; x.len() * y.len()];
            reader.read(z, x.clone(), y.clone(), &mut out).unwrap();
            let wanted: Vec<u64> = x
                .clone()
                .flat_map(|x| y.clone().map(move |y| expected(z, x, y, factor)))
                .collect();
            assert_eq!(out, wanted, "{}, slice {z}", source.describe());
            let mut narrow = Ids::new(source.bits(), out.len());
            reader
                .read_ids(z, x.clone(), y.clone(), narrow.room())
                .unwrap();
            let narrow: Vec<u64> = (0..out.len()).map(|voxel| narrow.get(voxel)).collect();
            assert_eq!(out, narrow, "{}, slice {z}", source.describe());
        }
    }
}

/// Whether every slice is read, and right. Wrong ids fail the test.
fn is_whole(source: &dyn VolumeSource, factor: u64) -> bool {
    let mut reader = source.slices().unwrap();
    let mut out = vec![0; 20 * 17];
    source.shape() == SHAPE
        && (0..3).all(|z| {
            let read = reader.read(z, 0..20, 0..17, &mut out).is_ok();
            let mut pixels = (0..20).flat_map(|x| (0..17).map(move |y| (x, y)));
            assert!(
                !read
                    || out.iter().all(|&id| {
                        pixels
                            .next()
                            .is_some_and(|(x, y)| id == expected(z, x, y, factor))
                    })
            );
            read
        })
}

/// Reads the whole of slice `z`.
fn slice(source: &dyn VolumeSource, z: usize) -> Vec<u64> {
    let [_, rows, columns] = source.shape();
    let mut out = vec![u64::MAX; rows * columns];
    let mut reader = source.slices().unwrap();
    reader.read(z, 0..rows, 0..columns, &mut out).unwrap();
    out
}

/// The format of a name.
fn format(name: &str) -> InputFormat {
    name.parse().unwrap()
}

fn error(path: &Path, name: Option<&str>) -> String {
    match open(path, name.map(format)) {
        Ok(source) => panic!("{} was opened", source.describe()),
        Err(error) => error.to_string(),
    }
}

fn read_error(path: &Path) -> String {
    let source = open(path, None).unwrap();
    let [depth, rows, columns] = source.shape();
    let mut reader = source.slices().unwrap();
    let mut out = vec![0; rows * columns];
    (0..depth)
        .find_map(|z| reader.read(z, 0..rows, 0..columns, &mut out).err())
        .expect("the file is damaged")
        .to_string()
}

fn assert_says(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "{word:?} is missing in: {message}");
    }
}

#[test]
fn paths_of_the_wrong_kind_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.tif");
    assert_says(&error(&missing, None), &["missing.tif", "no such file"]);
    assert_says(
        &error(folder.path(), None),
        &["holds no .tif, .tiff, .png, .bmp, .pgm or .webp image"],
    );
    let message = error(folder.path(), Some("tiff"));
    assert_says(&message, &["is a folder", "\"tiff\"", "\"image sequence\""]);
    let message = error(&data("plain_u8"), Some("image sequence"));
    assert_says(&message, &["is a file", "\"image sequence\""]);
    let text = folder.path().join("notes.tif");
    fs::write(&text, "no image").unwrap();
    assert_says(&error(&text, None), &["notes.tif", "not a TIFF", "NumPy"]);
    fs::write(&text, "PK\x03\x04 an archive").unwrap();
    assert_says(&error(&text, None), &["archive", "numpy.save"]);
    fs::write(&text, "").unwrap();
    assert_says(&error(&text, Some("tiff")), &["empty"]);
    #[cfg(target_os = "linux")]
    assert_says(&error(Path::new("/dev/null"), None), &["neither"]);
}

/// A pipe that nobody writes to would be waited for without end.
#[cfg(unix)]
#[test]
fn only_regular_files_are_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = |name: &str| {
        let path = folder.path().join(name);
        let mode = nix::sys::stat::Mode::S_IRWXU;
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        nix::unistd::mkfifo(&path, mode).unwrap();
        path
    };
    for name in ["volume.tif", "volume.npy"] {
        let path = pipe(name);
        assert_says(&error(&path, None), &[name, "neither a regular file"]);
    }
    for name in ["s.tif", "s.png", "s.bmp", "s.pgm", "s.webp"] {
        let kind = name.replace('.', "_");
        pipe(&format!("{kind}/{name}"));
        let message = error(&folder.path().join(kind), None);
        assert_says(&message, &[name, "neither a regular file"]);
    }
    let cells = folder.path().join("cells");
    pipe("cells/a.npy");
    let opened = super::open_cells(&cells, &None.into(), Arrangement::Split);
    let message = opened.err().expect("a pipe is no cell").to_string();
    assert_says(&message, &["a.npy", "neither a regular file"]);
    // What was a file when it was opened, and is none any more.
    for (from, name) in [(data("lzw_u16"), "then.tif"), (npy::npy("u2"), "then.npy")] {
        let path = folder.path().join(name);
        fs::copy(from, &path).unwrap();
        let source = open(&path, None).unwrap();
        fs::remove_file(&path).unwrap();
        pipe(name);
        let mut out = vec![0; 20 * 17];
        let read = source
            .slices()
            .and_then(|mut reader| reader.read(0, 0..20, 0..17, &mut out));
        assert_says(
            &read.unwrap_err().to_string(),
            &[name, "neither a regular file"],
        );
    }
}

/// What is done to a file, and how.
type Damage<'d> = (&'d str, &'d dyn Fn(&Path));

/// Whatever is done to a file while it is read, it is noticed at the end.
#[test]
fn files_that_change_while_they_are_read_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, from: &Path| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(from, &path).unwrap();
        path
    };
    let tick = || std::thread::sleep(std::time::Duration::from_millis(20));
    let samples = [
        ("plain.tif", data("plain_u8")),
        ("imagej.tif", data("imagej_contiguous_u8")),
        ("array.npy", npy::npy("u1")),
        ("folder/s1.tif", data("man_seg001")),
    ];
    for (name, from) in &samples {
        let changes: [Damage<'_>; 4] = [
            ("overwritten", &|path| {
                fs::write(path, fs::read(path).unwrap()).unwrap()
            }),
            ("grown", &|path| {
                fs::write(path, [&fs::read(path).unwrap()[..], b"."].concat()).unwrap()
            }),
            ("replaced", &|path| {
                let other = path.with_extension("other");
                fs::copy(path, &other).unwrap();
                fs::rename(&other, path).unwrap();
            }),
            ("gone", &|path| fs::remove_file(path).unwrap()),
        ];
        for (what, change) in changes {
            let path = place(name, from);
            let volume = match name.starts_with("folder") {
                true => path.parent().unwrap(),
                false => &path,
            };
            tick();
            let source = open(volume, None).unwrap();
            source.unchanged().unwrap();
            tick();
            change(&path);
            let message = source.unchanged().unwrap_err().to_string();
            let words = if what == "gone" {
                "no such file"
            } else {
                "while it was read"
            };
            assert_says(
                &message,
                &[path.file_name().unwrap().to_str().unwrap(), words],
            );
        }
    }
    // Cells that have a volume each, and links.
    let path = place("cells/a.tif", &data("plain_u8"));
    place("cells/b.tif", &data("plain_u8"));
    let cells = super::open_cells(path.parent().unwrap(), &None.into(), Arrangement::Split);
    let cells = cells.unwrap();
    cells.unchanged().unwrap();
    tick();
    fs::write(&path, fs::read(&path).unwrap()).unwrap();
    assert_says(&cells.unchanged().unwrap_err().to_string(), &["a.tif"]);
}

#[test]
fn a_crop_stays_inside_the_volume() {
    let crop = |offset, bounds| {
        crate::base::volume::VoxelBox::within("v.tif", [150, 773, 739], offset, bounds)
    };
    let rest = crop([10, 0, 700], None).unwrap();
    assert_eq!((rest.offset, rest.shape), ([10, 0, 700], [140, 773, 39]));
    assert!(crop([0, 0, 0], Some([150, 773, 739])).is_ok());
    let message = crop([100, 0, 0], Some([51, 1, 1])).unwrap_err().to_string();
    assert_says(
        &message,
        &[
            "v.tif",
            "150 x 773 x 739",
            "100, 0, 0",
            "51, 1, 1",
            "are 50, 773, 739",
        ],
    );
    let message = crop([150, 0, 0], None).unwrap_err().to_string();
    assert_says(&message, &["offset must be below the size"]);
    assert!(crop([0, 0, usize::MAX], Some([1, 1, usize::MAX])).is_err());
    assert!(crop([0, 0, 0], Some([1, 0, 1])).is_err());
}

#[test]
fn requests_outside_the_volume_are_errors() {
    let ids = Array3::from_shape_fn((2, 3, 4), |(z, x, y)| (100 * z + 10 * x + y) as u32);
    let array = ArraySource::new(ids.view());
    assert_eq!(array.shape(), [2, 3, 4]);
    let mut out = vec![0; 4];
    let mut reader = array.slices().unwrap();
    reader.read(1, 1..3, 2..4, &mut out).unwrap();
    assert_eq!(out, [112, 113, 122, 123]);
    let file = open(&data("plain_u8"), None).unwrap();
    for source in [&array as &dyn VolumeSource, &*file] {
        let mut reader = source.slices().unwrap();
        let [z, rows, columns] = source.shape();
        for (z, x, y) in [
            (z, 0..2, 0..2),
            (0, rows - 1..rows + 1, 0..2),
            (0, 0..2, columns - 1..columns + 1),
            (0, 0..1, 0..2),
        ] {
            let result = reader.read(z, x, y, &mut out);
            assert!(matches!(result, Err(ReadError::Request { .. })));
        }
    }
}
