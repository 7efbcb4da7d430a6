use std::fs;
use std::path::{Path, PathBuf};

use super::super::open;
use super::*;

/// Files written by tests/data/make_npys.py.
pub(super) fn npy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/npy")
        .join(format!("{name}.npy"))
}

#[test]
fn arrays_of_every_integer_type_and_order_give_the_same_ids() {
    for (name, factor) in [
        ("u1", U8),
        ("u2", U16),
        ("u4", U32),
        ("u8", U64),
        ("i2", I16),
        ("i4", I32),
        ("i8", i64::MAX as u64 / 255),
        ("big_endian_u4", U32),
        ("version_2_u2", U16),
        ("version_3_u2", U16),
        ("fortran_u2", U16),
        ("fortran_big_endian_u8", U64),
    ] {
        for format in [None, Some(format("npy"))] {
            let source = open(&npy(name), format).unwrap_or_else(|error| panic!("{error}"));
            assert_volume(&*source, factor);
            assert_eq!(
                source.describe().contains("Fortran"),
                name.starts_with("fortran")
            );
        }
    }
    let mask = open(&npy("bool"), None).unwrap();
    let image = open(&npy("one_slice_u2"), None).unwrap();
    assert_eq!((mask.shape(), image.shape()), (SHAPE, [1, 20, 17]));
    for (i, (bit, id)) in slice(&*mask, 1)
        .into_iter()
        .zip(slice(&*image, 0))
        .enumerate()
    {
        assert_eq!(bit, expected(1, i / 17, i % 17, 1) % 2);
        assert_eq!(id, expected(1, i / 17, i % 17, U16));
    }
}

/// Nothing of the pickle is executed: its masks are found in the file, and read there.
#[test]
fn masks_of_cellpose_are_read_where_they_lie() {
    for (name, factor) in [("cellpose_u2_seg", U16), ("cellpose_fortran_u4_seg", U32)] {
        let source = open(&npy(name), None).unwrap_or_else(|error| panic!("{error}"));
        assert_volume(&*source, factor);
    }
    let image = open(&npy("cellpose_slice_u2_seg"), None).unwrap();
    assert_eq!(image.shape(), [1, 20, 17]);
    for (i, id) in slice(&*image, 0).into_iter().enumerate() {
        assert_eq!(id, expected(1, i / 17, i % 17, U16));
    }
    // Whatever is cut off or changed, it is an error or some volume.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut_seg.npy");
    let whole = fs::read(npy("cellpose_u2_seg")).unwrap();
    for length in (128..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        assert_says(&error(&path, None), &["cut_seg.npy", "pickled"]);
        let mut changed = whole.clone();
        changed[length] = changed[length].wrapping_add(1);
        fs::write(&path, changed).unwrap();
        let _ = open(&path, None).map(|source| source.shape());
    }
}

#[test]
fn arrays_that_are_no_volume_are_named() {
    for (name, words) in [
        ("complex", ["complex numbers", "whole numbers"]),
        ("structured", ["structured", "whole numbers"]),
        ("text", ["text", "whole numbers"]),
        ("times", ["times", "whole numbers"]),
        ("one_axis", ["1 axes (9)", "(z, x, y)"]),
        ("nothing", ["3 x 0 x 17", "nothing"]),
    ] {
        let message = error(&npy(name), None);
        assert_says(&message, &words);
        assert_says(&message, &[&format!("{name}.npy")]);
    }
    for name in ["negative_i4", "negative_fortran_i1"] {
        let words = ["slice 0", "row 12, column 10 is -5"];
        assert_says(&read_error(&npy(name)), &words);
    }
    assert_eq!(open(&npy("four_axes"), None).unwrap().shape(), [2, 20, 17]);
    for name in ["float", "half"] {
        let source = open(&npy(name), None).unwrap();
        assert!(source.facts().is_float);
    }
    let message = error(&npy("u2"), Some("tiff"));
    assert_says(&message, &["a NumPy array", "\"tiff\"", "\"npy\""]);
    let message = error(&data("plain_u8"), Some("npy"));
    assert_says(&message, &["a TIFF stack", "\"npy\""]);
    let message = error(Path::new(env!("CARGO_MANIFEST_DIR")), Some("npy"));
    assert_says(&message, &["a folder", "\"npy\""]);
}

/// A .npy file of version 2 with this header and nothing behind it.
fn with_header(header: &str) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes
}

#[test]
fn damaged_arrays_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.npy");
    for name in ["u2", "fortran_u2", "version_3_u2"] {
        let whole = fs::read(npy(name)).unwrap();
        for length in (6..whole.len()).step_by(5) {
            fs::write(&path, &whole[..length]).unwrap();
            assert_says(&error(&path, None), &["cut.npy"]);
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let words = [
            "3 x 20 x 17",
            "16-bit unsigned",
            "after 2039 bytes",
            "cut short",
        ];
        assert_says(&error(&path, None), &words);
    }
    let shape = |shape: &str| {
        with_header(&format!(
            "{{'descr': '<u2', 'fortran_order': False, 'shape': {shape}}}"
        ))
    };
    for (bytes, word) in [
        (shape("(100000, 100000, 100000)"), "cut short"),
        (shape("(2147483648, 2147483648, 2147483648)"), ""),
        (shape("(99999999999999999999, 1, 1)"), "damaged"),
        (shape("(-1, 20, 17)"), "damaged"),
        (shape("(1.5, 20, 17)"), "damaged"),
        (shape("3"), "damaged"),
        (shape(&"(".repeat(30_000)), "nested"),
        (with_header("{'shape': (1, 2, 3)}"), "damaged"),
        (with_header("no header"), "damaged"),
        (with_header(""), "damaged"),
        (
            with_header("{'descr': '<u3', 'fortran_order': False, 'shape': (1, 1, 1)}"),
            "",
        ),
        (
            with_header("{'descr': '<u16', 'fortran_order': False, 'shape': (1, 1, 1)}"),
            "",
        ),
        (
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(),
            "4294967295 bytes",
        ),
        (b"\x93NUMPY\x04\x00\xff\xff\xff\xff".to_vec(), "version 4"),
    ] {
        fs::write(&path, bytes).unwrap();
        assert_says(&error(&path, None), &["cut.npy", word]);
    }
}
