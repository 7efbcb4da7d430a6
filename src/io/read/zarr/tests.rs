//! What .ci/containers cannot ask other programs to write: damage and malice. Right stores of all
//! kinds are written and compared there.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::super::{ReadError, ReadOptions, open, open_as};
use crate::base::volume::VoxelBox;
use crate::io::codec::blosc;

const SHAPE: [usize; 3] = [3, 20, 17];

fn id(z: usize, x: usize, y: usize) -> u16 {
    (1000 * z + 40 * x + y) as u16
}

/// The whole volume.
fn all() -> Vec<u64> {
    let [depth, rows, columns] = SHAPE;
    (0..depth * rows * columns)
        .map(|i| id(i / (rows * columns), i / columns % rows, i % columns).into())
        .collect()
}

/// A chunk of 2 x 8 x 8 voxels; beyond the volume lies rubbish.
fn chunk(place: [usize; 3]) -> Vec<u8> {
    let voxels = (0..128).map(|i| [i / 64, i / 8 % 8, i % 8]);
    let ids = voxels.map(|[z, x, y]| {
        let at = [place[0] * 2 + z, place[1] * 8 + x, place[2] * 8 + y];
        match (0..3).all(|axis| at[axis] < SHAPE[axis]) {
            true => id(at[0], at[1], at[2]),
            false => 9999,
        }
    });
    ids.flat_map(u16::to_le_bytes).collect()
}

fn places() -> impl Iterator<Item = [usize; 3]> {
    (0..2).flat_map(|z| (0..3).flat_map(move |x| (0..3).map(move |y| [z, x, y])))
}

fn v2() -> Value {
    json!({
        "zarr_format": 2, "shape": SHAPE, "chunks": [2, 8, 8], "dtype": "<u2", "compressor": null,
        "fill_value": 0, "order": "C", "filters": null,
    })
}

fn v3() -> Value {
    json!({
        "zarr_format": 3, "node_type": "array", "shape": SHAPE, "data_type": "uint16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 8, 8]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0, "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    })
}

/// A v3 array in shards of 4 x 24 x 24 voxels, which is one.
fn sharded() -> Value {
    let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let mut array = v3();
    array["chunk_grid"]["configuration"]["chunk_shape"] = json!([4, 24, 24]);
    array["codecs"] = json!([{"name": "sharding_indexed", "configuration": {
        "chunk_shape": [2, 8, 8], "codecs": [bytes], "index_codecs": [bytes, {"name": "crc32c"}],
        "index_location": "end",
    }}]);
    array
}

/// Its file, of which `change` may change the entries of the index.
fn shard(change: impl FnOnce(&mut Vec<[u64; 2]>)) -> Vec<u8> {
    let mut file = Vec::new();
    let mut index = Vec::new();
    for place in places() {
        let chunk = chunk(place);
        index.push([file.len() as u64, chunk.len() as u64]);
        file.extend(chunk);
    }
    change(&mut index);
    let index: Vec<u8> = index
        .iter()
        .flatten()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    let sum = crc32c::crc32c(&index);
    file.extend(index);
    file.extend(sum.to_le_bytes());
    file
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn write_v2(folder: &Path, array: &Value, chunk: impl Fn([usize; 3]) -> Vec<u8>) {
    write(&folder.join(".zarray"), array.to_string());
    for place in places() {
        let [z, x, y] = place;
        write(&folder.join(format!("{z}.{x}.{y}")), chunk(place));
    }
}

fn read(path: &Path) -> Result<Vec<u64>, ReadError> {
    let source = open(path, None)?;
    source.block(&VoxelBox {
        offset: [0; 3],
        shape: source.shape(),
    })
}

/// The message of what must fail.
fn fails(path: &Path) -> String {
    read(path).expect_err("it is damaged").to_string()
}

#[test]
fn both_versions_and_shards_are_read_in_any_part() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_v2(&at("v2"), &v2(), chunk);
    write(&at("v3/zarr.json"), v3().to_string());
    for place in places() {
        let [z, x, y] = place;
        write(&at(&format!("v3/c/{z}/{x}/{y}")), chunk(place));
    }
    write(&at("sharded/zarr.json"), sharded().to_string());
    write(&at("sharded/c/0/0/0"), shard(|_| {}));
    for name in ["v2", "v3", "sharded"] {
        assert_eq!(read(&at(name)).unwrap(), all(), "{name}");
        let source = open(&at(name), None).unwrap();
        let part = VoxelBox {
            offset: [1, 5, 7],
            shape: [2, 12, 9],
        };
        let wanted: Vec<u64> = (1..3)
            .flat_map(|z| (5..17).flat_map(move |x| (7..16).map(move |y| id(z, x, y).into())))
            .collect();
        assert_eq!(source.block(&part).unwrap(), wanted);
        // The same of what was gathered, by all threads.
        source.gather(&part).unwrap();
        assert_eq!(source.block(&part).unwrap(), wanted);
        assert_eq!(source.slices_together(), 2);
        source.unchanged().unwrap();
    }
}

#[test]
fn a_part_needs_only_its_own_chunks() {
    let folder = tempfile::tempdir().unwrap();
    write_v2(folder.path(), &v2(), |place| match place {
        [1, ..] => b"damaged".to_vec(),
        place => chunk(place),
    });
    let source = open(folder.path(), None).unwrap();
    let part = VoxelBox {
        offset: [0, 0, 0],
        shape: [2, 20, 17],
    };
    source.gather(&part).unwrap();
    assert_eq!(source.block(&part).unwrap(), all()[..2 * 20 * 17]);
    assert!(fails(folder.path()).contains("1.0.0: the chunk has 7 bytes, where 256 belong"));
}

#[test]
fn missing_chunks_are_the_fill_value() {
    let folder = tempfile::tempdir().unwrap();
    let mut array = v2();
    array["fill_value"] = json!(513);
    write(&folder.path().join(".zarray"), array.to_string());
    assert_eq!(read(folder.path()).unwrap(), vec![513; 3 * 20 * 17]);
    array["fill_value"] = json!(65_536);
    write(&folder.path().join(".zarray"), array.to_string());
    assert!(fails(folder.path()).contains("fill value 65536"));
}

#[test]
fn hostile_shards_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c/0/0/0");
    write(&folder.path().join("zarr.json"), sharded().to_string());
    let says = |bytes: &[u8], words: &str| {
        write(&file, bytes);
        let message = fails(folder.path());
        assert!(
            message.contains(words) && message.contains("c/0/0/0"),
            "{message}"
        );
    };
    let whole = shard(|_| {});
    says(&whole[..whole.len() - 9], "its index is damaged");
    says(&whole[..20], "ends before");
    says(
        &shard(|index| index[4] = [u64::MAX - 3, 256]),
        "ends before",
    );
    says(
        &shard(|index| index[4] = [0, u64::MAX - 3]),
        "which no chunk of this size has",
    );
    says(&shard(|index| index[4] = [1 << 40, 256]), "ends before");
    says(
        &shard(|index| index[4] = [0, 255]),
        "the chunk has 255 bytes",
    );
    // A chunk that is not there is background.
    write(&file, shard(|index| index[0] = [u64::MAX; 2]));
    let ids = read(folder.path()).unwrap();
    assert_eq!((ids[0], ids[7], ids[8]), (0, 0, 8));
    // More chunks than a file of this world has.
    let mut array = sharded();
    array["chunk_grid"]["configuration"]["chunk_shape"] = json!([2_000_000, 8_000_000, 8_000_000]);
    write(&folder.path().join("zarr.json"), array.to_string());
    let message = fails(folder.path());
    assert!(message.contains("more than are read"), "{message}");
}

#[test]
fn what_unpacks_to_more_than_a_chunk_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let bombs = [
        (json!({"id": "blosc"}), blosc::encode(&vec![0; 1 << 20], 2)),
        (
            json!({"id": "zstd"}),
            zstd::bulk::compress(&vec![0; 1 << 20], 1).unwrap(),
        ),
    ];
    for (compressor, bomb) in bombs {
        let mut array = v2();
        array["compressor"] = compressor;
        write_v2(folder.path(), &array, |_| bomb.clone());
        let message = fails(folder.path());
        assert!(message.contains("more than the 256 bytes"), "{message}");
    }
    // A file that is far too long for a chunk is not read to its end.
    write_v2(folder.path(), &v2(), |_| Vec::new());
    let file = fs::File::create(folder.path().join("0.0.0")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(fails(folder.path()).contains("which no chunk of this size has"));
}

#[test]
fn absurd_descriptions_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let says = |key: &str, value: Value, words: &str| {
        let mut array = v2();
        array[key] = value;
        write(&folder.path().join(".zarray"), array.to_string());
        let message = fails(folder.path());
        assert!(message.contains(words), "{message}");
    };
    says("shape", json!([1u64 << 60, 20, 17]), "more than can be");
    says(
        "shape",
        json!([1u64 << 40, 1u64 << 40, 17]),
        "more than can be counted",
    );
    says("shape", json!([0, 20, 17]), "nothing in it");
    says("shape", json!([20]), "has 1 axes, but chunks of 3");
    says("shape", json!([-1, 20, 17]), "no valid description");
    says("chunks", json!([0, 8, 8]), "has chunks of 0 x 8 x 8");
    says(
        "chunks",
        json!([1u64 << 30, 1u64 << 30, 8]),
        "has chunks of",
    );
    says(
        "dtype",
        json!("<U4"),
        "elements of type \"<U4\", which is not read; to convert it",
    );
    says("dtype", json!([["a", "<u2"]]), "elements of several fields");
    says(
        "compressor",
        json!({"id": "jpeg2k"}),
        "the codec \"jpeg2k\"",
    );
    says(
        "filters",
        json!([{"id": "delta"}]),
        "the codec \"delta\", which is not read; to convert it",
    );
    says("zarr_format", json!(4), "version 4 of Zarr");
}

#[test]
fn descriptions_without_end_or_bottom_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join(".zarray"), "[".repeat(1 << 20));
    assert!(fails(folder.path()).contains("no valid description"));
    let deep = format!("{{\"shape\": {}}}", "[".repeat(1 << 20));
    write(&folder.path().join(".zarray"), deep);
    assert!(fails(folder.path()).contains("no valid description"));
    let file = fs::File::create(folder.path().join(".zarray")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(fails(folder.path()).contains("too long for a description"));
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_are_errors() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("a.zarr"), folder.path().join("secret"));
    write(&outside, chunk([0; 3]));
    write_v2(&inside, &v2(), chunk);
    let link = inside.join("0.1.1");
    fs::remove_file(&link).unwrap();
    symlink("../secret", &link).unwrap();
    let message = fails(&inside);
    assert!(
        message.contains("0.1.1: is a link to") && message.contains("secret"),
        "{message}"
    );
    // Within the folder, and to the folder itself, they may lead.
    fs::remove_file(&link).unwrap();
    fs::rename(inside.join("0.0.0"), inside.join("other")).unwrap();
    symlink("other", inside.join("0.0.0")).unwrap();
    write(&link, chunk([0, 1, 1]));
    symlink(&inside, folder.path().join("b.zarr")).unwrap();
    assert_eq!(read(&folder.path().join("b.zarr")).unwrap(), all());
    // A pipe is no chunk.
    fs::remove_file(&link).unwrap();
    nix::unistd::mkfifo(&link, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(fails(&inside).contains("0.1.1"));
}

#[test]
fn one_of_several_volumes_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join(".zgroup"), "{\"zarr_format\": 2}");
    for name in ["volumes/raw", "volumes/labels/a"] {
        write_v2(&folder.path().join(name), &v2(), chunk);
        let mut group = folder.path().join(name);
        while group.pop() && group != folder.path() {
            write(&group.join(".zgroup"), "{\"zarr_format\": 2}");
        }
    }
    let message = fails(folder.path());
    let listed = "holds 2 volumes; dataset chooses one: \"volumes/labels/a\", \"volumes/raw\"";
    assert!(message.contains(listed), "{message}");
    let options = |dataset: &str| ReadOptions {
        dataset: Some(dataset.to_owned()),
        ..ReadOptions::default()
    };
    for dataset in ["volumes/raw", "/volumes//raw/", "./volumes/labels"] {
        let source = open_as(folder.path(), &options(dataset)).unwrap();
        assert_eq!(source.shape(), SHAPE, "{dataset}");
    }
    for dataset in ["raw", "../volumes/raw", "volumes/raw/0.0.0"] {
        let error = open_as(folder.path(), &options(dataset))
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains(&format!("holds no dataset {dataset:?}")),
            "{error}"
        );
    }
    // A folder above that is no store.
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    assert!(matches!(
        open(&other, None),
        Err(ReadError::EmptyFolder { .. })
    ));
}

#[test]
fn a_pyramid_tells_sizes_and_levels() {
    let folder = tempfile::tempdir().unwrap();
    let scale = |nm: f64| json!([{"type": "scale", "scale": [nm, nm / 10.0, nm / 10.0]}]);
    let axis = |name: &str, unit: &str| json!({"name": name, "type": "space", "unit": unit});
    let ome = json!({"multiscales": [{
        "version": "0.4", "name": "labels",
        "axes": [axis("z", "micrometer"), axis("y", "\u{3bc}m"), axis("x", "nanometer")],
        "datasets": [
            {"path": "s0", "coordinateTransformations": scale(0.04)},
            {"path": "s1", "coordinateTransformations": scale(0.08)},
        ],
    }]});
    write(&folder.path().join(".zgroup"), "{\"zarr_format\": 2}");
    write(&folder.path().join(".zattrs"), ome.to_string());
    write_v2(&folder.path().join("s0"), &v2(), chunk);
    write_v2(&folder.path().join("s1"), &v2(), chunk);
    let facts = |options: &ReadOptions| open_as(folder.path(), options).unwrap().facts().voxel_nm;
    let near = |found: [Option<f64>; 3], wanted: [f64; 3]| {
        let close = |(found, wanted): (Option<f64>, f64)| {
            found.is_some_and(|found| (found / wanted - 1.0).abs() < 1e-12)
        };
        assert!(found.into_iter().zip(wanted).all(close), "{found:?}");
    };
    near(facts(&ReadOptions::default()), [40.0, 4.0, 0.004]);
    let second = ReadOptions {
        level: Some(1),
        ..ReadOptions::default()
    };
    near(facts(&second), [80.0, 8.0, 0.008]);
    let named = ReadOptions {
        dataset: Some("s1".to_owned()),
        ..ReadOptions::default()
    };
    near(facts(&named), [80.0, 8.0, 0.008]);
    let third = ReadOptions {
        level: Some(2),
        ..ReadOptions::default()
    };
    let error = open_as(folder.path(), &third).err().unwrap().to_string();
    assert!(
        error.contains("has 2 levels, but level = 2 was given; level chooses one: 0, 1"),
        "{error}"
    );
}
