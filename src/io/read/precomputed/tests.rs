//! Damage and malice; right volumes are written by other programs in .ci/containers.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::super::{ReadError, open};
use crate::base::volume::VoxelBox;

fn info(encoding: &str) -> Value {
    json!({
        "@type": "neuroglancer_multiscale_volume", "type": "segmentation", "data_type": "uint32",
        "num_channels": 1, "scales": [{
            "key": "4_4_40", "size": [17, 20, 3], "resolution": [4, 5, 40], "voxel_offset": [7, 0, -2],
            "chunk_sizes": [[16, 16, 2]], "encoding": encoding,
            "compressed_segmentation_block_size": [8, 8, 8],
        }],
    })
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn read(path: &Path) -> Result<Vec<u64>, ReadError> {
    let source = open(path, None)?;
    source.block(&VoxelBox {
        offset: [0; 3],
        shape: source.shape(),
    })
}

fn fails(path: &Path) -> String {
    read(path).expect_err("it is damaged").to_string()
}

/// A chunk of one block whose voxels all have one id, with the first words given.
fn segmentation(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn missing_chunks_are_background_and_sizes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("info"), info("raw").to_string());
    let ids: Vec<u32> = (0..16 * 16 * 2).collect();
    let bytes = segmentation(&ids);
    write(&folder.path().join("4_4_40/7-23_0-16_-2-0"), bytes);
    let ids = read(folder.path()).unwrap();
    assert_eq!(
        (ids[15], ids[16], ids[17], ids[20 * 17 + 1]),
        (15, 0, 16, 257)
    );
    let source = open(folder.path(), None).unwrap();
    assert_eq!(source.shape(), [3, 20, 17]);
    assert_eq!(source.facts().voxel_nm, [Some(40.0), Some(5.0), Some(4.0)]);
}

#[test]
fn damaged_chunks_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let chunk = folder.path().join("4_4_40/7-23_0-16_-2-0");
    write(&folder.path().join("info"), info("raw").to_string());
    write(&chunk, b"short");
    assert!(fails(folder.path()).contains("the chunk has 5 bytes, where 2048 belong"));
    write(
        &folder.path().join("info"),
        info("compressed_segmentation").to_string(),
    );
    for (words, says) in [
        (&[][..], "cut short"),
        (&[1][..], "cut short"),
        (&[u32::MAX][..], "cut short"),
        (&[1, 3 << 24, 0, 0][..], "indices of 3 bits"),
        (&[1, 32 << 24, u32::MAX, 0][..], "cut short"),
        (&[1, 0xff_ffff, 0, 0][..], "cut short"),
    ] {
        write(&chunk, segmentation(words));
        let message = fails(folder.path());
        assert!(message.contains(says), "{message}");
    }
    // Four blocks, all of the id that stands behind their headers.
    let headers = [1, 8, 0, 8, 0, 8, 0, 8, 0, 77];
    write(&chunk, segmentation(&headers));
    assert_eq!(read(folder.path()).unwrap()[0], 77);
    // A bomb.
    fs::remove_file(&chunk).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &vec![0; 1 << 22]).unwrap();
    write(
        &chunk.with_file_name("7-23_0-16_-2-0.gz"),
        gzip.finish().unwrap(),
    );
    assert!(fails(folder.path()).contains("more than the"));
}

#[test]
fn hostile_shards_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let shard = folder.path().join("4_4_40/0.shard");
    let sharding = |minishard_bits: u32| {
        let mut info = info("raw");
        info["scales"][0]["sharding"] = json!({
            "@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 0, "hash": "identity",
            "minishard_bits": minishard_bits, "shard_bits": 0,
        });
        write(&folder.path().join("info"), info.to_string());
    };
    let numbers = |numbers: &[u64]| -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect()
    };
    sharding(0);
    for (bytes, says) in [
        (numbers(&[0]), "ends before"),
        (numbers(&[5, 1]), "a minishard from 5 to 1"),
        (numbers(&[0, 1 << 60]), "a minishard from 0"),
        (numbers(&[0, 24]), "ends before"),
        (numbers(&[u64::MAX - 20, u64::MAX]), "ends before"),
        (numbers(&[0, 24, 0, 24, 1 << 50]), "which no chunk has"),
        (numbers(&[0, 24, 0, u64::MAX, 2048]), "ends before"),
        (numbers(&[0, 24, 0, 0, 24]), "the chunk has 24 bytes"),
    ] {
        write(&shard, bytes);
        let message = fails(folder.path());
        assert!(message.contains(says), "{message}");
    }
    // Another chunk's number: these are not there.
    write(&shard, numbers(&[0, 24, 99, 0, 24]));
    assert!(read(folder.path()).unwrap().iter().all(|&id| id == 0));
    sharding(60);
    assert!(fails(folder.path()).contains("has shards of 0, 60 and 0 bits"));
}

#[test]
fn absurd_descriptions_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let says = |key: &str, value: Value, words: &str| {
        let mut info = info("raw");
        info["scales"][0][key] = value;
        write(&folder.path().join("info"), info.to_string());
        let message = fails(folder.path());
        assert!(message.contains(words), "{message}");
    };
    says("size", json!([1u64 << 60, 1, 1]), "more than can be");
    says("chunk_sizes", json!([[0, 1, 1]]), "has chunks of");
    says(
        "chunk_sizes",
        json!([[1u64 << 40, 1u64 << 40, 1u64 << 40]]),
        "has chunks of",
    );
    says("chunk_sizes", json!([]), "has no chunk_sizes");
    says(
        "encoding",
        json!("jpeg"),
        "\"jpeg\", which is not read; to convert it: python -c",
    );
    says("key", json!("../../secret"), "has a scale at");
    says("voxel_offset", json!([1i64 << 60, 0, 0]), "starts at voxel");
}
