//! Files of tests/data/make_hdf5.py, right and damaged; all kinds are written and compared in
//! .ci/containers.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::tests::{U8, assert_volume};
use super::super::{ReadError, ReadOptions, open, open_as};
use crate::base::volume::VoxelBox;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/hdf5/{name}.h5"))
}

fn read(path: &Path) -> Result<Vec<u64>, ReadError> {
    let source = open(path, None)?;
    let shape = source.shape();
    // A damaged header may announce more than there is memory for, which whoever reads it compares.
    if shape.iter().product::<usize>() > 1 << 20 {
        return Ok(Vec::new());
    }
    let offset = [0; 3];
    source.block(&VoxelBox { offset, shape })
}

#[test]
fn files_of_both_kinds_are_read() {
    for name in ["earliest", "latest", "plain", "lzf"] {
        let source = open(&data(name), None).unwrap();
        assert_volume(&*source, U8);
        let told = match name {
            "plain" | "lzf" => [None; 3],
            _ => [Some(40.0), Some(5.0), Some(4.0)],
        };
        assert_eq!(source.facts().voxel_nm, told, "{name}");
        assert_eq!(source.bits(), if told[0].is_some() { 16 } else { 8 });
    }
}

#[test]
fn datasets_are_named() {
    let named = |name: &str| {
        let options = ReadOptions {
            dataset: Some(name.to_owned()),
            ..ReadOptions::default()
        };
        open_as(&data("earliest"), &options).map(|source| source.shape())
    };
    for name in ["volumes/labels", "/volumes/labels/", "volumes"] {
        assert_eq!(named(name).unwrap(), [3, 20, 17], "{name}");
    }
    let error = named("labels").unwrap_err().to_string();
    assert!(
        error.contains("holds no dataset \"labels\"; dataset chooses one: \"volumes/labels\""),
        "{error}"
    );
}

#[test]
fn no_damage_makes_it_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.h5");
    for name in ["earliest", "latest", "lzf"] {
        let whole = fs::read(data(name)).unwrap();
        for length in (0..whole.len()).step_by(37) {
            fs::write(&path, &whole[..length]).unwrap();
            let _ = read(&path);
        }
        for place in (0..whole.len()).step_by(3) {
            for flip in [0xff, 0x01, 0x80] {
                let mut damaged = whole.clone();
                damaged[place] ^= flip;
                fs::write(&path, &damaged).unwrap();
                let _ = read(&path);
            }
        }
    }
}
