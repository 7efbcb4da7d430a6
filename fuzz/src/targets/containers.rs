//! Containers of chunks. The files of one are the files of an input; a byte turned in one of its texts
//! changes its shapes, its codecs, or what a chunk may be.

use super::volumes::open;
use super::{packed_some, unpack};
use simexm_gpu::internals::base::choice::Choice;
use simexm_gpu::internals::base::formats::InputFormat;
use simexm_gpu::internals::io::read::ReadOptions;
use std::fs;
use std::path::Path;

fn options(data: &[u8], format: &str) -> ReadOptions {
    ReadOptions {
        format: InputFormat::all()
            .into_iter()
            .find(|row| row.as_str() == format),
        dataset: (data.len() % 8 == 7).then(|| "s0".to_owned()),
        level: (data.len() % 8 == 1).then_some(0),
        ..ReadOptions::default()
    }
}

/// 24 ids of 16 bits.
fn ids() -> Vec<u8> {
    (0..24u16).flat_map(|id| (7 * id).to_le_bytes()).collect()
}

/// A gzip file of one stored block.
fn gzip(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16;
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(data);
    file.extend(crc32fast::hash(data).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}

/// A frame of Zstandard of one raw block.
fn zstd(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u32;
    let mut file = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, length as u8];
    file.extend(&(length << 3 | 1).to_le_bytes()[..3]);
    file.extend(data);
    file
}

/// A buffer of Blosc that is not compressed.
fn blosc(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u32;
    let mut file = vec![2, 1, 2, 2];
    for number in [length, length, length + 16] {
        file.extend(number.to_le_bytes());
    }
    file.extend(data);
    file
}

/// Files of a Zarr store, of version 3 and 2; what is there, and what is not, is up to the input.
const ZARR: [&str; 8] = [
    "note.txt",
    "zarr.json",
    ".zarray",
    ".zattrs",
    "c/0/0/0",
    "0.0.0",
    "s0/zarr.json",
    "s0/c/0/0/0",
];

pub(super) fn zarr(data: &[u8], folder: &Path) {
    let store = folder.join("store.zarr");
    fs::create_dir_all(&store).expect("room");
    unpack(data, &store, &ZARR);
    open(&store, &options(data, "zarr"));
}

pub(super) fn zarrs() -> Vec<Vec<u8>> {
    const BYTES: &str = r#"{"name":"bytes","configuration":{"endian":"little"}}"#;
    let v3 = |chunk: &str, codecs: &str| {
        format!(
            r#"{{"zarr_format":3,"node_type":"array","shape":[2,3,4],"data_type":"uint16","chunk_grid":{{"name":"regular","configuration":{{"chunk_shape":{chunk}}}}},"chunk_key_encoding":{{"name":"default","configuration":{{"separator":"/"}}}},"fill_value":0,"codecs":[{codecs}]}}"#
        )
    };
    let v2 = |compressor: &str| {
        format!(
            r#"{{"zarr_format":2,"shape":[2,3,4],"chunks":[2,3,4],"dtype":"<u2","compressor":{compressor},"fill_value":0,"order":"C","filters":null}}"#
        )
    };
    let third = |json: &str, chunk: &[u8]| {
        packed_some([
            Some(&b""[..]),
            Some(json.as_bytes()),
            None,
            None,
            Some(chunk),
        ])
    };
    let second = |json: &str, chunk: &[u8]| {
        packed_some([
            Some(&b""[..]),
            None,
            Some(json.as_bytes()),
            Some(&b"{}"[..]),
            None,
            Some(chunk),
        ])
    };
    let whole = "[2,3,4]";
    // Two inner chunks, their places and lengths behind them.
    let mut shard = ids();
    for number in [0u64, 24, 24, 24] {
        shard.extend(number.to_le_bytes());
    }
    let sharding = format!(
        r#"{{"name":"sharding_indexed","configuration":{{"chunk_shape":[1,3,4],"codecs":[{BYTES}],"index_codecs":[{BYTES}],"index_location":"end"}}}}"#
    );
    let group = r#"{"zarr_format":3,"node_type":"group","attributes":{"ome":{"version":"0.5","multiscales":[{"axes":[{"name":"z","type":"space","unit":"nanometer"},{"name":"y","type":"space"},{"name":"x","type":"space"}],"datasets":[{"path":"s0","coordinateTransformations":[{"type":"scale","scale":[40.0,4.0,4.0]}]}]}]}}}"#;
    let gzipped = format!(r#"{BYTES},{{"name":"gzip","configuration":{{"level":5}}}}"#);
    let zstandard =
        format!(r#"{BYTES},{{"name":"zstd","configuration":{{"level":1,"checksum":false}}}}"#);
    let blosced = r#"{"id":"blosc","cname":"lz4","clevel":5,"shuffle":1,"blocksize":0}"#;
    vec![
        third(&v3(whole, BYTES), &ids()),
        third(&v3(whole, &gzipped), &gzip(&ids())),
        third(&v3(whole, &zstandard), &zstd(&ids())),
        third(&v3(whole, &sharding), &shard),
        second(&v2("null"), &ids()),
        second(&v2(r#"{"id":"gzip","level":1}"#), &gzip(&ids())),
        second(&v2(blosced), &blosc(&ids())),
        packed_some([
            Some(&b""[..]),
            Some(group.as_bytes()),
            None,
            None,
            None,
            None,
            Some(v3(whole, BYTES).as_bytes()),
            Some(&ids()),
        ]),
    ]
}

/// Files of a precomputed volume: a chunk of its own, and a shard.
const PRECOMPUTED: [&str; 3] = ["info", "4_4_40/0-4_0-3_0-2", "4_4_40/0.shard"];

pub(super) fn precomputed(data: &[u8], folder: &Path) {
    unpack(data, folder, &PRECOMPUTED);
    open(folder, &options(data, "precomputed"));
}

pub(super) fn precomputeds() -> Vec<Vec<u8>> {
    let info = |encoding: &str, more: &str| {
        format!(
            r#"{{"@type":"neuroglancer_multiscale_volume","type":"segmentation","data_type":"uint16","num_channels":1,"scales":[{{"key":"4_4_40","size":[4,3,2],"resolution":[4,4,40],"voxel_offset":[0,0,0],"chunk_sizes":[[4,3,2]],"encoding":"{encoding}"{more}}}]}}"#
        )
    };
    let wide = info(
        "compressed_segmentation",
        r#","compressed_segmentation_block_size":[8,8,8]"#,
    )
    .replace("uint16", "uint32");
    // One block whose voxels all have the id 9.
    let segmentation: Vec<u8> = [1u32, 2, 0, 9]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    let sharded = info(
        "raw",
        r#","sharding":{"@type":"neuroglancer_uint64_sharded_v1","preshift_bits":0,"hash":"identity","minishard_bits":0,"shard_bits":0,"minishard_index_encoding":"raw","data_encoding":"raw"}"#,
    );
    // The shard's index (one minishard), the chunk, and the minishard's index.
    let mut shard = Vec::new();
    for number in [48u64, 72] {
        shard.extend(number.to_le_bytes());
    }
    shard.extend(ids());
    for number in [0u64, 0, 48] {
        shard.extend(number.to_le_bytes());
    }
    let of = |info: &str, chunk: Option<&[u8]>, shard: Option<&[u8]>| {
        packed_some([Some(info.as_bytes()), chunk, shard])
    };
    vec![
        of(&info("raw", ""), Some(&ids()), None),
        of(&info("raw", ""), Some(&gzip(&ids())), None),
        of(&wide, Some(&segmentation), None),
        of(&sharded, None, Some(&shard)),
    ]
}

/// Files of an N5 container: an array at its top, and one beneath.
const N5: [&str; 4] = ["attributes.json", "0/0/0", "s0/attributes.json", "s0/0/0/0"];

pub(super) fn n5(data: &[u8], folder: &Path) {
    let store = folder.join("store.n5");
    fs::create_dir_all(&store).expect("room");
    unpack(data, &store, &N5);
    open(&store, &options(data, "n5"));
}

pub(super) fn n5s() -> Vec<Vec<u8>> {
    let array = |compression: &str| {
        format!(
            r#"{{"dimensions":[4,3,2],"blockSize":[4,3,2],"dataType":"uint16","compression":{{"type":"{compression}"}}}}"#
        )
    };
    let block = |data: &[u8]| {
        let mut file = vec![0, 0, 0, 3];
        for size in [4u32, 3, 2] {
            file.extend(size.to_be_bytes());
        }
        file.extend(data);
        file
    };
    let (raw, zipped) = (array("raw"), array("gzip"));
    vec![
        packed_some([Some(raw.as_bytes()), Some(&block(&ids()))]),
        packed_some([Some(zipped.as_bytes()), Some(&block(&gzip(&ids())))]),
        packed_some([
            Some(&b"{\"n5\":\"2.5.1\"}"[..]),
            None,
            Some(raw.as_bytes()),
            Some(&block(&ids())),
        ]),
    ]
}

pub(super) fn hdf5(data: &[u8], folder: &Path) {
    let path = folder.join("volume.h5");
    fs::write(&path, data).expect("room");
    open(&path, &options(data, "hdf5"));
}
