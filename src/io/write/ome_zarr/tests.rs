//! What is written is read back, level by level; .ci/ome-zarr.py has others judge it.

use std::path::{Path, PathBuf};

use super::super::{
    About, ChannelInfo, Chunks, Compression, Content, OutputFolder, PixelType, SliceWriter,
    VolumeLayout, VolumeMetadata, writer,
};
use super::levels::{self, Slices, halve};
use super::*;
use crate::base::volume::VoxelBox;
use crate::io::read::{ReadOptions, open_as};

fn layout(shape: [usize; 3], pixel: PixelType, content: Content) -> VolumeLayout {
    let channel = |name: &str, colour| ChannelInfo {
        name: name.to_owned(),
        colour,
    };
    VolumeLayout {
        shape,
        pixel,
        content,
        compression: Compression::None,
        chunks: Chunks {
            codec: None,
            shard: 128,
        },
        metadata: VolumeMetadata {
            voxel_nm: [200.0, 160.0, 160.0],
            description: "test".to_owned(),
            channels: match content {
                Content::Labels => Vec::new(),
                Content::Intensity => vec![channel("a", [255, 0, 0]), channel("b", [0, 0, 255])],
            },
        },
    }
}

/// Numbers without a pattern, and a corner of zeros.
fn number(z: usize, x: usize, y: usize, plane: usize) -> u16 {
    match x < 70 && y < 200 {
        true => 0,
        false => ((z * 7919 + x * 104_729 + y * 1_299_709 + plane * 31) % 9973 / 997) as u16,
    }
}

const SHAPE: [usize; 3] = [37, 150, 270];

fn image() -> OutputFormat {
    "ome-zarr".parse().unwrap()
}

/// Writes an image of two channels and labels, so many slices at a time.
fn write(root: &Path, step: usize) -> PathBuf {
    let format = writer(image());
    let volumes = vec![
        (
            "simulation/channels".into(),
            layout(SHAPE, PixelType::Gray16, Content::Intensity),
        ),
        (
            "groundtruth/dye/all_cells".into(),
            layout(SHAPE, PixelType::Gray32, Content::Labels),
        ),
    ];
    let stems: Vec<(PathBuf, Content)> = volumes
        .iter()
        .map(|(stem, layout): &(PathBuf, VolumeLayout)| (stem.clone(), layout.content))
        .collect();
    let targets = format.targets(&stems);
    let mut output = OutputFolder::prepare(root, &[], &targets, false).unwrap();
    let layouts: Vec<_> = volumes.iter().map(|(_, layout)| layout.clone()).collect();
    let about = About {
        offset_nm: [400.0, 0.0, 0.0],
        seed: Some(u64::MAX),
        ..About::default()
    };
    let sinks = format.create_all(&mut output, volumes, &about).unwrap();
    for (sink, layout) in sinks.into_iter().zip(&layouts) {
        let mut writer = SliceWriter::new(sink, format, layout);
        let slice = |z: usize| -> Vec<u8> {
            let pixels = |plane: usize| {
                (0..SHAPE[1] * SHAPE[2]).map(move |i| number(z, i / SHAPE[2], i % SHAPE[2], plane))
            };
            match layout.content {
                Content::Labels => pixels(0)
                    .flat_map(|id| u32::from(id).to_ne_bytes())
                    .collect(),
                Content::Intensity => (0..2).flat_map(pixels).flat_map(u16::to_ne_bytes).collect(),
            }
        };
        let mut given = 0;
        while given < SHAPE[0] {
            let count = step.min(SHAPE[0] - given);
            writer.write(count, |z| slice(given + z).into()).unwrap();
            given += count;
        }
        writer.finish().unwrap();
    }
    output.commit().unwrap();
    root.join(targets[0].path())
}

fn read(
    store: &Path,
    dataset: &str,
    level: usize,
    channel: Option<usize>,
) -> ([usize; 3], Vec<u64>) {
    let options = ReadOptions {
        dataset: Some(dataset.to_owned()),
        level: Some(level),
        channel,
        ..ReadOptions::default()
    };
    let source = open_as(store, &options).unwrap();
    let shape = source.shape();
    let offset = [0; 3];
    (shape, source.block(&VoxelBox { offset, shape }).unwrap())
}

#[test]
fn every_level_comes_back_and_is_made_of_the_one_before() {
    let root = tempfile::tempdir().unwrap();
    let store = write(root.path(), 5);
    for (dataset, channels, content) in [
        (".", vec![Some(0), Some(1)], Content::Intensity),
        ("labels/dye", vec![None], Content::Labels),
    ] {
        for channel in channels {
            let (mut shape, mut ids) = read(&store, dataset, 0, channel);
            assert_eq!(shape, SHAPE);
            let wanted = (0..SHAPE.iter().product()).map(|i: usize| {
                let (z, x, y) = (
                    i / (SHAPE[1] * SHAPE[2]),
                    i / SHAPE[2] % SHAPE[1],
                    i % SHAPE[2],
                );
                u64::from(number(z, x, y, channel.unwrap_or(0)))
            });
            assert!(ids.iter().copied().eq(wanted), "{dataset}");
            let levels = levels::plan(&layout(SHAPE, PixelType::Gray64, content));
            assert_eq!(levels.len(), 3);
            for (number, level) in levels.iter().enumerate().skip(1) {
                let bytes: &[u8] = bytemuck::cast_slice(&ids);
                let pages = Slices::new(bytes, bytes.len() / shape[0], 0, 1);
                let made = halve(pages, shape, level.step, PixelType::Gray64, content);
                let (found_shape, found) = read(&store, dataset, number, channel);
                assert_eq!(found_shape, level.shape);
                assert_eq!(
                    bytemuck::cast_slice::<u64, u8>(&found),
                    made,
                    "{dataset} {number}"
                );
                (shape, ids) = (found_shape, found);
            }
        }
    }
    let source = open_as(&store, &ReadOptions::default()).unwrap();
    assert!(source.describe().contains("labels/dye/0"));
    assert_eq!(
        source.facts().voxel_nm,
        [Some(200.0), Some(160.0), Some(160.0)]
    );
}

#[test]
fn bytes_depend_on_neither_steps_nor_threads() {
    let files = |step: usize, threads: usize| {
        let root = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let store = pool.install(|| write(root.path(), step));
        let mut files = BTreeMap::new();
        crate::base::files::for_each_file(&store, &mut |path, _| {
            let name = path.strip_prefix(&store).unwrap().to_owned();
            files.insert(name, std::fs::read(path).unwrap());
        });
        files
    };
    let once = files(37, 1);
    assert_eq!(once, files(3, 4));
    assert_eq!(once, files(16, 2));
}

#[test]
fn levels_are_means_and_modes_with_stated_ties() {
    let mean = |pixels: &[u8], shape: [usize; 3], step| {
        let pages = Slices::new(pixels, shape[1] * shape[2], 0, 1);
        halve(pages, shape, step, PixelType::Gray8, Content::Intensity)
    };
    assert_eq!(mean(&[1, 2, 3, 4], [1, 2, 2], [1, 2, 2]), [3]);
    assert_eq!(mean(&[0, 0, 0, 1], [1, 2, 2], [1, 2, 2]), [0]);
    assert_eq!(mean(&[255; 8], [2, 2, 2], [2, 2, 2]), [255]);
    // The last column has no neighbour.
    assert_eq!(mean(&[1, 2, 9], [1, 1, 3], [1, 2, 2]), [2, 9]);
    let mode = |pixels: &[u8]| {
        halve(
            Slices::new(pixels, 4, 0, 1),
            [1, 2, 2],
            [1, 2, 2],
            PixelType::Gray8,
            Content::Labels,
        )
    };
    assert_eq!(mode(&[7, 0, 0, 7]), [7]);
    assert_eq!(mode(&[7, 0, 0, 0]), [0]);
    assert_eq!(mode(&[1, 2, 3, 4]), [4]);
    assert_eq!(mode(&[9, 2, 2, 4]), [2]);
}

#[test]
fn levels_halve_slices_only_while_they_are_thin() {
    let plan = |voxel_nm, shape| {
        let mut layout = layout(shape, PixelType::Gray8, Content::Labels);
        layout.metadata.voxel_nm = voxel_nm;
        levels::plan(&layout)
            .iter()
            .map(|level| level.shape)
            .collect::<Vec<_>>()
    };
    assert_eq!(plan([100.0; 3], [9, 128, 128]), [[9, 128, 128]]);
    assert_eq!(
        plan([100.0; 3], [9, 300, 20]),
        [[9, 300, 20], [5, 150, 10], [3, 75, 5]]
    );
    assert_eq!(
        plan([300.0, 100.0, 100.0], [9, 600, 20]),
        [[9, 600, 20], [9, 300, 10], [5, 150, 5], [3, 75, 3]]
    );
    assert_eq!(plan([100.0; 3], [1, 100_000, 1]).len(), 6);
}
