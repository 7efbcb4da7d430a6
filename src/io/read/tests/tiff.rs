use std::fs;

use rayon::prelude::*;

use super::super::open;
use super::*;

#[test]
fn every_layout_of_tiff_gives_the_same_ids() {
    let files = [
        ("plain_u8", U8),
        ("plain_u16", U16),
        ("plain_u32", U32),
        ("plain_u64", U64),
        ("lzw_u16", U16),
        ("deflate_u16", U16),
        ("old_deflate_u16", U16),
        ("packbits_u16", U16),
        ("zstd_u16", U16),
        ("deflate_predictor_u8", U8),
        ("deflate_predictor_u16", U16),
        ("deflate_predictor_u32", U32),
        ("lzw_predictor_u16", U16),
        ("zstd_predictor_u32", U32),
        ("strips_u32", U32),
        ("lzw_strips_u16", U16),
        ("tiled_u16", U16),
        ("tiled_deflate_predictor_u32", U32),
        ("bigtiff_u32", U32),
        ("bigtiff_lzw_u16", U16),
        ("big_endian_u16", U16),
        ("big_endian_deflate_predictor_u32", U32),
        ("big_endian_bigtiff_u64", U64),
        ("signed_i16", I16),
        ("signed_i32_lzw", I32),
        ("ome_u16", U16),
        ("imagej_u16", U16),
        ("imagej_contiguous_u16", U16),
        ("imagej_contiguous_u8", U8),
        // White-is-zero concerns the display; ids stay as they are stored.
        ("miniswhite_u8", U8),
        ("miniswhite_u16_deflate", U16),
        ("packbits_strips_u32", U32),
        ("lzw_tiled_u8", U8),
        ("lzw_tiled_u16", U16),
        ("lzw_tiled_u32", U32),
        ("big_endian_zstd_tiled_u16", U16),
        ("bigtiff_zstd_ome_u32", U32),
        ("big_endian_lzw_signed_i16", I16),
        // Whatever its one axis is called.
        ("imagej_channels_u16", U16),
        ("imagej_frames_u16", U16),
        ("ome_times_u16", U16),
        ("truncated_u16", U16),
    ];
    for (name, factor) in files {
        let source = open(&data(name), None).unwrap_or_else(|error| panic!("{error}"));
        assert_volume(&*source, factor);
    }
}

#[test]
fn a_bilevel_mask_holds_zeros_and_ones() {
    for name in ["bilevel", "lzw_tiled_bilevel"] {
        let source = open(&data(name), None).unwrap();
        let mut out = vec![0; 3 * 14];
        let mut reader = source.slices().unwrap();
        reader.read(1, 5..8, 3..17, &mut out).unwrap();
        let wanted: Vec<u64> = (5..8)
            .flat_map(|x| (3..17).map(move |y| expected(1, x, y, 1) % 2))
            .collect();
        assert_eq!(out, wanted, "{name}");
    }
}

#[test]
fn tiles_that_are_left_out_are_zeros() {
    let source = open(&data("sparse_tiles_u16"), None).unwrap();
    let mut reader = source.slices().unwrap();
    let mut out = vec![9; 20 * 17];
    for z in (0..3).rev() {
        reader.read(z, 0..20, 0..17, &mut out).unwrap();
        for (i, &id) in out.iter().enumerate() {
            let (x, y) = (i / 17, i % 17);
            let missing = (z == 1 && x >= 16 && y >= 16) || (z == 2 && y >= 16);
            assert_eq!(id, if missing { 0 } else { expected(z, x, y, U16) });
        }
    }
}

#[test]
fn readers_work_in_parallel() {
    let source = open(&data("tiled_deflate_predictor_u32"), None).unwrap();
    let slices: Vec<Vec<u64>> = (0..48usize)
        .into_par_iter()
        .map_init(
            || source.slices().unwrap(),
            |reader, i| {
                let mut out = vec![0; 20 * 17];
                reader.read(i % 3, 0..20, 0..17, &mut out).unwrap();
                out
            },
        )
        .collect();
    for (i, slice) in slices.iter().enumerate() {
        assert_eq!(slice[19 * 17 + 16], expected(i % 3, 19, 16, U32));
    }
}

#[test]
fn pixels_that_are_no_ids_are_named() {
    for (name, words) in [
        ("rgb", ["RGB", "whole numbers"]),
        ("rgb_planar", ["RGB", "whole numbers"]),
        ("two_samples", ["2 samples per pixel", "whole numbers"]),
        ("jpeg", ["JPEG", "LZW"]),
        ("jpeg2000", ["JPEG 2000", "LZW"]),
        ("jpegxl", ["JPEG XL", "LZW"]),
        ("lerc", ["LERC", "LZW"]),
        ("lzma", ["LZMA", "LZW"]),
        ("png", ["PNG", "LZW"]),
        (
            "packed_12_bits",
            ["12-bit unsigned", "8, 16, 32 or 64 bits"],
        ),
        ("reversed_bits", ["reverse order", "FillOrder"]),
        (
            "imagej_hyperstack",
            ["3 slices x 2 channels", "channel = 0 to 1"],
        ),
        ("ome_channels", ["3 slices", "channel = 0 to 1"]),
        (
            "four_axes",
            ["2 on axis 0 x 3 on axis 1", "stack of its own"],
        ),
        ("sizes_differ", ["page 2 is 19 x 17", "page 0 is 20 x 17"]),
        ("types_differ", ["page 1 is 20 x 17, 8-bit", "16-bit"]),
    ] {
        let message = error(&data(name), None);
        assert_says(&message, &words);
        assert_says(&message, &[&format!("{name}.tif")]);
    }
    let message = read_error(&data("negative_i16"));
    assert_says(
        &message,
        &["negative_i16.tif, slice 0", "row 12, column 10 is -5"],
    );
}

/// Every length of a small stack: cut short it is an error, never a panic and never wrong ids.
#[test]
fn a_stack_that_is_cut_short_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.tif");
    for (name, factor) in [
        ("plain_u8", U8),
        ("lzw_u16", U16),
        ("imagej_contiguous_u8", U8),
        ("bigtiff_lzw_u16", U16),
    ] {
        let whole = fs::read(data(name)).unwrap();
        let mut refused = 0;
        for length in (1..whole.len()).step_by(7) {
            fs::write(&path, &whole[..length]).unwrap();
            match open(&path, None) {
                Err(error) => assert_says(&error.to_string(), &["cut.tif"]),
                Ok(source) if is_whole(&*source, factor) => continue,
                Ok(_) => assert_says(&read_error(&path), &["cut.tif"]),
            }
            refused = length;
        }
        // Behind the last pixel and directory there may be bytes that reading does not need.
        assert!(refused > whole.len() * 3 / 4, "{name}: {refused}");
    }
    let whole = fs::read(data("imagej_contiguous_u16")).unwrap();
    fs::write(&path, &whole[..whole.len() - 1000]).unwrap();
    assert_says(&error(&path, None), &["announces 3 slices", "cut short"]);
}

/// Changes a tag of the first page of a classic file in little endian to a LONG: how many values it
/// has, and what stands in its field.
fn change(bytes: &mut [u8], tag: u16, count: u32, field: u32) {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let directory = number(4);
    let mut entries = (0..number(directory) & 0xffff).map(|entry| directory + 2 + 12 * entry);
    let entry = entries.find(|&at| u16::from_le_bytes([bytes[at], bytes[at + 1]]) == tag);
    let entry = entry.unwrap();
    bytes[entry + 2..entry + 4].copy_from_slice(&4u16.to_le_bytes());
    bytes[entry + 4..entry + 8].copy_from_slice(&count.to_le_bytes());
    bytes[entry + 8..entry + 12].copy_from_slice(&field.to_le_bytes());
}

#[test]
fn tags_that_contradict_one_another_are_errors() {
    const WIDTH: u16 = 256;
    const LENGTH: u16 = 257;
    const STRIPS: u16 = 273;
    const ROWS_PER_STRIP: u16 = 278;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.tif");
    let refused = |changes: &[(u16, u32, u32)], words: &[&str]| {
        let mut bytes = fs::read(data("strips_u32")).unwrap();
        for &(tag, count, field) in changes {
            change(&mut bytes, tag, count, field);
        }
        fs::write(&path, bytes).unwrap();
        let message = error(&path, None);
        assert_says(&message, &["hostile.tif", "damaged"]);
        assert_says(&message, words);
    };
    refused(
        &[(LENGTH, 1, u32::MAX), (ROWS_PER_STRIP, 1, 1)],
        &["its rows are 4294967295"],
    );
    // Counts are looked at before values are.
    refused(&[(WIDTH, 8_000_000, 8)], &["256 has 8000000 values"]);
    refused(&[(STRIPS, u32::MAX, 8)], &["4294967295 strips"]);
    refused(&[(WIDTH, 1, 0)], &["ImageWidth is 0"]);
    refused(&[(ROWS_PER_STRIP, 1, 0)], &["no rows"]);
}

#[test]
fn directories_that_are_none_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.tif");
    let refused = |bytes: &[u8], words: &[&str]| {
        fs::write(&path, bytes).unwrap();
        assert_says(&error(&path, None), &[&["hostile.tif"], words].concat());
    };
    refused(b"II*\0\0\0\0\0", &["no page"]);
    refused(
        b"II+\0\x09\0\0\0\x10\0\0\0\0\0\0\0",
        &["does not start as one"],
    );
    let many = [&b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"[..], &[0xff; 64]].concat();
    refused(&many, &["cut short"]);
    let mut circle = pages(2);
    let end = circle.len();
    circle[end - 4..].copy_from_slice(&24u32.to_le_bytes());
    refused(&circle, &["lead in a circle"]);
}

/// A stack of pages of 4 x 4 pixels, all of them 1, which they share.
fn pages(count: u32) -> Vec<u8> {
    let tags = [
        (256, 4),
        (257, 4),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, 4),
        (279, 16),
    ];
    let length = 2 + 12 * tags.len() as u32 + 4;
    let mut bytes = [&b"II*\0"[..], &24u32.to_le_bytes(), &[1; 16]].concat();
    for page in 1..=count {
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (tag, value) in tags {
            bytes.extend(u16::to_le_bytes(tag));
            bytes.extend(4u16.to_le_bytes());
            bytes.extend(1u32.to_le_bytes());
            bytes.extend(u32::to_le_bytes(value));
        }
        let next = if page < count { 24 + page * length } else { 0 };
        bytes.extend(next.to_le_bytes());
    }
    bytes
}

/// Going through the pages before it for each reader, or each slice, takes minutes.
#[test]
fn stacks_of_many_pages_take_time_by_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.tif");
    fs::write(&path, pages(100_000)).unwrap();
    let started = std::time::Instant::now();
    let source = open(&path, None).unwrap();
    assert_eq!(source.shape(), [100_000, 4, 4]);
    let mut out = [0; 16];
    for first in (0..100_000).step_by(16) {
        let mut reader = source.slices().unwrap();
        for z in first..first + 16 {
            reader.read(z, 0..4, 0..4, &mut out).unwrap();
            assert_eq!(out, [1; 16]);
        }
    }
    let taken = started.elapsed();
    println!("100000 pages: {taken:?}");
    assert!(taken.as_secs() < 10, "{taken:?}");
}
