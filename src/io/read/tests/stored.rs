//! Whole numbers are ids however they are stored.

use crate::base::volume::ZERO_CELL;
use std::path::PathBuf;

use image::codecs::bmp::BmpEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::super::{ReadOptions, open_as};
use super::build::{Change, LONG, SHORT, Tiff, but, npy, plain};
use super::*;
use crate::base::formats::StoredIds;

fn colours(ids: StoredIds) -> ReadOptions {
    ReadOptions {
        ids,
        ..ReadOptions::default()
    }
}

fn background(values: &[i128]) -> ReadOptions {
    ReadOptions {
        background: values.to_vec(),
        ..ReadOptions::default()
    }
}

fn read(path: &Path, options: &ReadOptions) -> Vec<u64> {
    slice(&*open_as(path, options).unwrap(), 0)
}

fn refusal(path: &Path, options: &ReadOptions) -> String {
    let source = open_as(path, options).map_err(|error| error.to_string());
    let read = source.and_then(|source| {
        let [_, rows, columns] = source.shape();
        let mut out = vec![0; rows * columns];
        let read = source
            .slices()
            .unwrap()
            .read(0, 0..rows, 0..columns, &mut out);
        read.map_err(|error| error.to_string())
    });
    read.unwrap_err()
}

/// A page of 2 x 3 pixels.
fn tiff(path: &Path, bits: u32, bytes: &[u8], others: &[Change<'_>]) {
    let mut tiff = Tiff::new();
    let at = tiff.data(bytes);
    tiff.page(&but(plain(2, 3, bits, at), others));
    tiff.write(path);
}

fn png(path: &Path, colour: png::ColorType, depth: png::BitDepth, bytes: &[u8]) {
    let file = fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, 3, 2);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette((0..48).map(|value| 255 - value).collect::<Vec<u8>>());
    }
    encoder
        .write_header()
        .unwrap()
        .write_image_data(bytes)
        .unwrap();
}

#[test]
fn palettes_give_their_indices() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("palette.tif");
    let map: Vec<u32> = (0..768).map(|value| value * 85).collect();
    let palette: &[Change<'_>] = &[(262, SHORT, &[3]), (320, SHORT, &map)];
    tiff(&path, 8, &[0, 1, 2, 3, 200, 255], palette);
    let source = open(&path, None).unwrap();
    assert_eq!(slice(&*source, 0), [0, 1, 2, 3, 200, 255]);
    assert!(source.facts().is_palette);
    // Packed bits, 16 bits, a folder of them, and the sample of another program.
    tiff(
        &path,
        4,
        &[0x12, 0x30, 0xf0, 0x90],
        &[(262, SHORT, &[3]), (279, LONG, &[4])],
    );
    assert_eq!(slice(&*open(&path, None).unwrap(), 0), [1, 2, 3, 15, 0, 9]);
    let wide: Vec<u8> = [0u16, 1, 2, 300, 40_000, 65_535]
        .iter()
        .flat_map(|id| id.to_le_bytes())
        .collect();
    tiff(&path, 16, &wide, &[(262, SHORT, &[3])]);
    assert_eq!(
        slice(&*open(&path, None).unwrap(), 0),
        [0, 1, 2, 300, 40_000, 65_535]
    );
    let source = open(folder.path(), None).unwrap();
    assert_eq!(slice(&*source, 0)[4], 40_000);
    assert!(source.facts().is_palette);
    let source = open(&data("palette"), None).unwrap();
    assert!(is_whole(&*source, U8) || source.shape() != SHAPE);

    let pngs = tempfile::tempdir().unwrap();
    let path = pngs.path().join("s0.png");
    for (depth, bytes, wanted) in [
        (
            png::BitDepth::Eight,
            vec![0, 1, 2, 3, 14, 15],
            [0, 1, 2, 3, 14, 15],
        ),
        (
            png::BitDepth::Four,
            vec![0x01, 0x20, 0x3e, 0xf0],
            [0, 1, 2, 3, 14, 15],
        ),
        (
            png::BitDepth::Two,
            vec![0b0001_1000, 0b1110_0100],
            [0, 1, 2, 3, 2, 1],
        ),
        (
            png::BitDepth::One,
            vec![0b0100_0000, 0b1010_0000],
            [0, 1, 0, 1, 0, 1],
        ),
    ] {
        png(&path, png::ColorType::Indexed, depth, &bytes);
        let source = open(pngs.path(), None).unwrap();
        assert_eq!(slice(&*source, 0), wanted, "{depth:?}");
        assert!(source.facts().is_palette);
    }

    let bmps = tempfile::tempdir().unwrap();
    let path = bmps.path().join("s0.bmp");
    let palette: Vec<[u8; 3]> = (0..=255).map(|value| [255 - value, 7, value]).collect();
    let mut bytes = Vec::new();
    BmpEncoder::new(&mut bytes)
        .encode_with_palette(
            &[0, 1, 2, 3, 200, 255],
            3,
            2,
            ExtendedColorType::L8,
            Some(&palette),
        )
        .unwrap();
    fs::write(&path, bytes).unwrap();
    let source = open(bmps.path(), None).unwrap();
    assert_eq!(slice(&*source, 0), [0, 1, 2, 3, 200, 255]);
    assert!(source.facts().is_palette);
}

#[test]
fn floating_point_numbers_that_are_whole_are_ids() {
    let folder = tempfile::tempdir().unwrap();
    let float: Change<'_> = (339, SHORT, &[3]);
    let path = folder.path().join("labels.tif");
    let f32s = |values: [f32; 6]| {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let f64s = |values: [f64; 6]| {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    tiff(
        &path,
        32,
        &f32s([0.0, 1.0, 70_000.0, 16_777_216.0, 5.0, 6.0]),
        &[float],
    );
    let source = open(&path, None).unwrap();
    assert_eq!(slice(&*source, 0), [0, 1, 70_000, 1 << 24, 5, 6]);
    assert!(source.facts().is_float && source.describe().contains("32-bit floating point"));
    assert_eq!(source.bits(), 25);
    tiff(
        &path,
        64,
        &f64s([0.0, 1.0, 9_007_199_254_740_992.0, 3.0, -0.0, 6.0]),
        &[float],
    );
    assert_eq!(
        read(&path, &ReadOptions::default()),
        [0, 1, 1 << 53, 3, 0, 6]
    );
    // White is zero concerns what is shown.
    tiff(
        &path,
        32,
        &f32s([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        &[float, (262, SHORT, &[0])],
    );
    assert_eq!(read(&path, &ReadOptions::default()), [0, 1, 2, 3, 4, 5]);
    assert_eq!(
        read(folder.path(), &ReadOptions::default()),
        [0, 1, 2, 3, 4, 5]
    );
    for (value, words) in [
        (1.5, ["is 1.5", "whole numbers"]),
        (16_777_218.0, ["is 16777218", "up to 16777216"]),
        (f32::NAN, ["is NaN", "whole numbers"]),
        (f32::INFINITY, ["is inf", "whole numbers"]),
        (-1.0, ["is -1", "background = [0, -1]"]),
    ] {
        tiff(&path, 32, &f32s([0.0, 1.0, 2.0, 3.0, value, 5.0]), &[float]);
        let message = refusal(&path, &ReadOptions::default());
        assert_says(&message, &words);
        assert_says(&message, &["labels.tif, slice 0", "row 1, column 1"]);
    }
    let both = read(&path, &background(&[-1, 5]));
    assert_eq!(both, [ZERO_CELL, 1, 2, 3, 0, 0]);
    assert_eq!(read(&path, &background(&[-1, 5, 0])), [0, 1, 2, 3, 0, 0]);

    let array = folder.path().join("labels.npy");
    npy(
        &array,
        "<f8",
        "(1, 2, 3)",
        &f64s([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
    );
    assert_eq!(read(&array, &ReadOptions::default()), [0, 1, 2, 3, 4, 5]);
    npy(
        &array,
        "<f4",
        "(2, 3)",
        &f32s([0.0, 1.0, 2.0, 3.0, 4.0, 0.25]),
    );
    assert_says(
        &refusal(&array, &ReadOptions::default()),
        &["row 1, column 2 is 0.25"],
    );
    let halves: Vec<u8> = [0u16, 0x3c00, 0x4000, 0x6800, 0x4200, 0x4400]
        .iter()
        .flat_map(|h| h.to_le_bytes())
        .collect();
    npy(&array, "<f2", "(2, 3)", &halves);
    assert_eq!(read(&array, &ReadOptions::default()), [0, 1, 2, 2048, 3, 4]);
}

#[test]
fn axes_of_length_1_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.npy");
    let bytes: Vec<u8> = (0..24).collect();
    for (shape, wanted) in [
        ("(1, 4, 1, 2, 3)", [4, 2, 3]),
        ("(1, 1, 4, 2, 3)", [4, 2, 3]),
        ("(4, 2, 3, 1)", [4, 2, 3]),
        ("(1, 1, 1, 4, 6)", [1, 4, 6]),
        ("(1, 24, 1, 1)", [24, 1, 1]),
        ("(1, 4, 6)", [1, 4, 6]),
        ("(1, 1, 1, 24, 1)", [1, 24, 1]),
    ] {
        npy(&path, "|u1", shape, &bytes);
        let source = open(&path, None).unwrap();
        assert_eq!(source.shape(), wanted, "{shape}");
        let all = crate::base::volume::VoxelBox {
            offset: [0; 3],
            shape: wanted,
        };
        assert!(source.block(&all).unwrap().into_iter().eq(0..24), "{shape}");
    }
    npy(&path, "|u1", "(2, 2, 2, 3)", &bytes);
    assert_says(
        &error(&path, None),
        &["4 axes (2 x 2 x 2 x 3)", "axes of length 1"],
    );
}

#[test]
fn pickled_objects_are_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("img_seg.npy");
    npy(&path, "|O", "()", b"\x80\x04.");
    assert_says(
        &error(&path, None),
        &[
            "img_seg.npy",
            "['masks']",
            "allow_pickle=True",
            "numpy.save(",
            "img_masks.npy",
        ],
    );
    for shape in ["(3,)", "(2, 2, 3)"] {
        npy(&path, "|O", shape, b"");
        assert_says(
            &error(&path, None),
            &["pickled Python objects", "any program"],
        );
    }
}

#[test]
fn colours_are_ids_where_the_user_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let rgb: Vec<u8> = [
        [0, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [1, 2, 3],
        [255, 255, 255],
    ]
    .concat();
    let (low_red, low_blue) = (
        [0, 1, 256, 65_536, 197_121, 0xff_ffff],
        [0, 65_536, 256, 1, 66_051, 0xff_ffff],
    );
    let check = |path: &Path, what: &str| {
        assert_eq!(read(path, &colours(StoredIds::Rgb)), low_red, "{what}");
        assert_eq!(read(path, &colours(StoredIds::Bgr)), low_blue, "{what}");
        assert_eq!(open_as(path, &colours(StoredIds::Rgb)).unwrap().bits(), 24);
        let source = open_as(path, &colours(StoredIds::Bgr)).unwrap();
        let mut part = [0; 2];
        source
            .slices()
            .unwrap()
            .read(0, 1..2, 1..3, &mut part)
            .unwrap();
        assert_eq!(part[..], low_blue[4..], "{what}");
        let without = refusal(path, &ReadOptions::default());
        assert_says(
            &without,
            &[
                "RGB",
                "cell ids are needed",
                "ids = \"rgb\"",
                "ids = \"bgr\"",
            ],
        );
        let white = ReadOptions {
            background: vec![0xff_ffff],
            ..colours(StoredIds::Rgb)
        };
        assert_eq!(read(path, &white)[5], 0, "{what}");
    };
    let pngs = folder.path().join("png");
    fs::create_dir(&pngs).unwrap();
    png(
        &pngs.join("s0.png"),
        png::ColorType::Rgb,
        png::BitDepth::Eight,
        &rgb,
    );
    check(&pngs, "png");
    let rgba: Vec<u8> = rgb.chunks(3).flat_map(|c| [c[0], c[1], c[2], 9]).collect();
    png(
        &pngs.join("s0.png"),
        png::ColorType::Rgba,
        png::BitDepth::Eight,
        &rgba,
    );
    check(&pngs, "png with alpha");
    let path = folder.path().join("labels.tif");
    let tags: &[Change<'_>] = &[
        (258, SHORT, &[8, 8, 8]),
        (262, SHORT, &[2]),
        (277, SHORT, &[3]),
        (279, LONG, &[18]),
    ];
    tiff(&path, 8, &rgb, tags);
    check(&path, "tiff");
    let bmps = folder.path().join("bmp");
    fs::create_dir(&bmps).unwrap();
    let mut bytes = Vec::new();
    BmpEncoder::new(&mut bytes)
        .write_image(&rgb, 3, 2, ExtendedColorType::Rgb8)
        .unwrap();
    fs::write(bmps.join("s0.bmp"), bytes).unwrap();
    check(&bmps, "bmp");
    // Numbers are no colours.
    for path in [data("plain_u8"), npy::npy("u2")] {
        assert_says(
            &refusal(&path, &colours(StoredIds::Rgb)),
            &["no red, green and blue", "leave out ids"],
        );
    }
    let planar = refusal(&data("rgb_planar"), &colours(StoredIds::Rgb));
    assert_says(&planar, &["planes of their own"]);
}

#[test]
fn background_is_what_the_user_says() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("labels.npy");
    let signed: Vec<u8> = [-1i32, 0, 1, 7, -1, i32::MAX]
        .iter()
        .flat_map(|id| id.to_le_bytes())
        .collect();
    npy(&path, "<i4", "(2, 3)", &signed);
    assert_says(
        &refusal(&path, &ReadOptions::default()),
        &["is -1", "background = [0, -1]"],
    );
    assert_says(&refusal(&path, &background(&[1])), &["is -1"]);
    // 0 is a cell where it is not among them.
    assert_eq!(
        read(&path, &background(&[-1])),
        [0, ZERO_CELL, 1, 7, 0, i32::MAX as u64]
    );
    assert_eq!(
        read(&path, &background(&[0, -1])),
        [0, 0, 1, 7, 0, i32::MAX as u64]
    );
    assert_eq!(
        read(&path, &background(&[7, -1, 0, i128::from(i32::MAX)])),
        [0, 0, 1, 0, 0, 0]
    );
    let wide: Vec<u8> = [u64::MAX, 0, 1, 7, u64::MAX - 1, u64::MAX]
        .iter()
        .flat_map(|id| id.to_le_bytes())
        .collect();
    npy(&path, "<u8", "(2, 3)", &wide);
    assert_eq!(read(&path, &ReadOptions::default())[0], u64::MAX);
    assert_eq!(
        read(&path, &background(&[i128::from(u64::MAX)])),
        [0, ZERO_CELL, 1, 7, u64::MAX - 1, 0]
    );
    // -1 is no number of an unsigned type.
    assert_eq!(read(&path, &background(&[-1]))[0], u64::MAX);
    let message = refusal(&data("negative_i16"), &ReadOptions::default());
    assert_says(
        &message,
        &["row 12, column 10 is -5", "background = [0, -5]"],
    );
    let source = open_as(&data("negative_i16"), &background(&[-5])).unwrap();
    assert_eq!(slice(&*source, 0)[12 * 17 + 10], 0);
    // White is zero, which concerns what is shown.
    let source = open_as(&data("miniswhite_u8"), &background(&[1])).unwrap();
    let plain = open_as(&data("plain_u8"), &background(&[1])).unwrap();
    assert_eq!(slice(&*source, 0), slice(&*plain, 0));
}
