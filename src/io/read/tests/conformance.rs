//! What every row of the table of formats must do.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::{Found, READ_FORMATS, ReadFormat, head};
use super::*;
use crate::base::volume::VoxelBox;
use crate::io::write::{
    Chunks, Compression, Content, OutputFolder, PixelType, SliceWriter, VolumeLayout,
    VolumeMetadata, WRITE_FORMATS, WriteFormat,
};

/// Makes the volume of [`expected`], factor 1, in a format below `folder`.
fn make(row: &dyn ReadFormat, folder: &Path) -> PathBuf {
    let file = |extension: &str, from: PathBuf| {
        let path = folder.join("volume").with_extension(extension);
        fs::copy(from, &path).unwrap();
        path
    };
    match row.format().name {
        "tiff" => file("tif", data("plain_u8")),
        "npy" => file("npy", npy::npy("u1")),
        "image sequence" => {
            let path = folder.join("volume");
            fs::create_dir(&path).unwrap();
            for z in 0..3 {
                raster::write_pgm(&path.join(format!("s{z}.pgm")), z);
            }
            path
        }
        "hdf5" => file("h5", hdf5("plain")),
        "zarr" => {
            let array = json!({
                "zarr_format": 2, "shape": SHAPE, "chunks": SHAPE, "dtype": "|u1", "compressor": null,
                "fill_value": 0, "order": "C", "filters": null,
            });
            chunks(folder, ".zarray", &array, "0.0.0", &[])
        }
        "n5" => {
            let array = json!({
                "dimensions": [17, 20, 3], "blockSize": [17, 20, 3], "dataType": "uint8",
                "compression": {"type": "raw"},
            });
            // Mode, axes, and their lengths.
            let header = [0, 0, 0, 3, 0, 0, 0, 17, 0, 0, 0, 20, 0, 0, 0, 3];
            chunks(folder, "attributes.json", &array, "0/0/0", &header)
        }
        "precomputed" => {
            let info = json!({
                "data_type": "uint8", "num_channels": 1, "scales": [{
                    "key": "s", "size": [17, 20, 3], "resolution": [1, 1, 1], "encoding": "raw",
                    "chunk_sizes": [[17, 20, 3]],
                }],
            });
            chunks(folder, "info", &info, "s/0-17_0-20_0-3", &[])
        }
        new => panic!("{new}: no volume of this format is made here"),
    }
}

fn hdf5(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/hdf5/{name}.h5"))
}

/// A container of one chunk, which has a header.
fn chunks(
    folder: &Path,
    description: &str,
    json: &serde_json::Value,
    name: &str,
    header: &[u8],
) -> PathBuf {
    let path = folder.join("volume");
    let chunk = path.join(name);
    fs::create_dir_all(chunk.parent().unwrap()).unwrap();
    fs::write(path.join(description), json.to_string()).unwrap();
    let ids = (0..3).flat_map(|z| (0..20).flat_map(move |x| (0..17).map(move |y| (z, x, y))));
    let ids = ids.map(|(z, x, y)| expected(z, x, y, U8) as u8);
    fs::write(
        chunk,
        header.iter().copied().chain(ids).collect::<Vec<u8>>(),
    )
    .unwrap();
    path
}

#[test]
fn every_format_is_recognised_and_read() {
    for &row in READ_FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = make(row, folder.path());
        let format = row.format();
        if cfg!(not(feature = "hdf5")) && format.name == "hdf5" {
            let message = error(&path, None);
            assert_says(&message, &["an HDF5 file", "cargo feature \"hdf5\""]);
            continue;
        }
        let beginning = head(&path).unwrap();
        let found = match &beginning {
            None => Found::Folder(&path),
            Some(beginning) => Found::File(beginning),
        };
        assert_eq!(found.format().unwrap().format(), format);
        assert_eq!(format.is_folder, beginning.is_none());
        for name in [None, Some(format)] {
            let source = open(&path, name).unwrap();
            assert_volume(&*source, U8);
            assert!(source.bits() >= 8);
            assert!(source.describe().contains("volume"), "{format}");
            // A box that starts and ends inside.
            let region = VoxelBox {
                offset: [1, 5, 3],
                shape: [2, 11, 9],
            };
            let wanted = (1..3).flat_map(|z| {
                (5..16).flat_map(move |x| (3..12).map(move |y| expected(z, x, y, U8)))
            });
            let ids = source.block(&region).unwrap();
            assert!(ids.into_iter().eq(wanted), "{format}");
            let outside = VoxelBox {
                offset: [2, 5, 3],
                ..region
            };
            let outside = source.block(&outside);
            assert!(matches!(outside, Err(ReadError::Request { .. })));
        }
        for other in READ_FORMATS.iter().map(|row| row.format()) {
            if other != format {
                let message = error(&path, Some(other.name));
                assert_says(&message, &["volume", other.name, format.name]);
            }
        }
    }
}

/// Writes ids in a format, and returns the path of the volume.
fn write(format: &dyn WriteFormat, root: &Path, ids: &[u64], shape: [usize; 3]) -> PathBuf {
    let stem = Path::new("ids");
    let target = format.target(stem);
    let layout = VolumeLayout {
        shape,
        pixel: PixelType::Gray64,
        content: Content::Labels,
        compression: Compression::Deflate,
        chunks: Chunks::default(),
        metadata: VolumeMetadata {
            voxel_nm: [1.0; 3],
            description: String::new(),
            channels: Vec::new(),
        },
    };
    let mut output =
        OutputFolder::prepare(root, &[], std::slice::from_ref(&target), false).unwrap();
    let sink = format.create(&mut output, stem, layout.clone()).unwrap();
    let mut writer = SliceWriter::new(sink, format, &layout);
    let slices: Vec<_> = ids.chunks(shape[1] * shape[2]).collect();
    writer
        .write(slices.len(), |z| bytemuck::cast_slice(slices[z]).into())
        .unwrap();
    writer.finish().unwrap();
    output.commit().unwrap();
    root.join(target.path())
}

#[test]
fn what_is_written_in_a_format_that_is_read_comes_back() {
    let shape = [5, 6, 7];
    let ids: Vec<u64> = (0..210).map(|i| i * 311 % 65_536).collect();
    let mut formats = 0;
    for &format in WRITE_FORMATS {
        let name = format.format().name;
        let Ok(input) = name.parse::<InputFormat>() else {
            continue;
        };
        let root = tempfile::tempdir().unwrap();
        let path = write(format, root.path(), &ids, shape);
        let source = open(&path, Some(input)).unwrap();
        let all = VoxelBox {
            offset: [0; 3],
            shape: source.shape(),
        };
        assert_eq!(source.shape(), shape);
        assert_eq!(source.block(&all).unwrap(), ids, "{name}");
        formats += 1;
    }
    assert!(formats >= 2);
}
