use std::fs::{self, File};
use std::path::Path;

use gif::{ColorOutput, DecodeOptions, Repeat};

use super::super::tests::{format, layout, refusal, write};
use super::super::{Content, PixelType};
use crate::base::colour;

/// Frames as red, green, blue, opaqueness, after checking what all animations have.
fn frames(file: &Path) -> Vec<Vec<u8>> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    let mut decoder = options.read_info(File::open(file).unwrap()).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        assert_eq!(frame.delay, 50, "half a second");
        assert_eq!((frame.left, frame.top), (0, 0));
        frames.push(frame.buffer.to_vec());
    }
    assert_eq!(decoder.repeat(), Repeat::Infinite);
    frames
}

#[test]
fn ids_are_painted_and_the_file_says_so() {
    let root = tempfile::tempdir().unwrap();
    let ids = [0u32, 1, 2, 255, 256, 511, 70_000, u32::MAX];
    let page: Vec<u8> = ids.into_iter().flat_map(u32::to_ne_bytes).collect();
    let layout = layout([1, 2, 4], PixelType::Gray32, Content::Labels);
    let files = write(root.path(), format("gif"), layout, &[page]).unwrap();
    let frames = frames(&files[0]);
    for (id, pixel) in ids.into_iter().zip(frames[0].chunks_exact(4)) {
        let colour = match id {
            0 => [0; 3],
            id => colour::of_cell(1 + (id as usize - 1) % 255),
        };
        assert_eq!(pixel, [colour[0], colour[1], colour[2], 255], "{id}");
    }
    let bytes = fs::read(&files[0]).unwrap();
    let says = |words: &str| {
        bytes
            .windows(words.len())
            .any(|part| part == words.as_bytes())
    };
    assert!(says("Colours are for looking, they are not the ids"));
    assert!(says("what it is\nvoxel in the gel"));
}

#[test]
fn grey_values_are_kept() {
    let root = tempfile::tempdir().unwrap();
    let layout = layout([2, 16, 16], PixelType::Gray8, Content::Intensity);
    let pages = [(0..=255).collect(), (0..=255).rev().collect()];
    let files = write(root.path(), format("gif"), layout, &pages).unwrap();
    for (frame, page) in frames(&files[0]).iter().zip(&pages) {
        for (pixel, &grey) in frame.chunks_exact(4).zip(page) {
            assert_eq!(pixel, [grey, grey, grey, 255]);
        }
    }
}

/// Blurred spots of three colours on black, as channels merged into RGB are.
fn spots(side: usize) -> Vec<u8> {
    let spot = |x: usize, y: usize, at: [f64; 2]| {
        let away = (x as f64 - at[0]).powi(2) + (y as f64 - at[1]).powi(2);
        (255.0 * (-away / 300.0).exp()) as u8
    };
    let pixel = |i: usize| {
        let (x, y) = (i / side, i % side);
        [[30.0, 30.0], [44.0, 52.0], [80.0, 40.0]].map(|at| spot(x, y, at))
    };
    (0..side * side).flat_map(pixel).collect()
}

#[test]
fn rgb_keeps_its_looks_and_equal_runs_give_equal_bytes() {
    let root = tempfile::tempdir().unwrap();
    let layout = layout([2, 128, 128], PixelType::Rgb8, Content::Intensity);
    let few: Vec<u8> = (0..128 * 128)
        .flat_map(|i| [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 0]][i / 4096])
        .collect();
    let pages = [few, spots(128)];
    let files = ["one", "two"].map(|name| {
        let root = root.path().join(name);
        write(&root, format("gif"), layout.clone(), &pages).unwrap()
    });
    assert!(fs::read(&files[0][0]).unwrap() == fs::read(&files[1][0]).unwrap());
    let frames = frames(&files[0][0]);
    let differences = |frame: &[u8], page: &[u8]| -> Vec<u8> {
        let pixels = frame.chunks_exact(4).zip(page.chunks_exact(3));
        let parts = pixels.flat_map(|(found, wanted)| found.iter().zip(wanted));
        parts.map(|(a, b)| a.abs_diff(*b)).collect()
    };
    // Up to 256 colours are exact.
    assert!(differences(&frames[0], &pages[0]).iter().all(|&d| d == 0));
    let differences = differences(&frames[1], &pages[1]);
    let mean = differences.iter().map(|&d| f64::from(d)).sum::<f64>() / differences.len() as f64;
    assert!(mean < 3.0, "mean difference {mean}");
    let worst = differences.iter().max().unwrap();
    assert!(*worst < 32, "largest difference {worst}");
    for (found, wanted) in frames[1].chunks_exact(4).zip(pages[1].chunks_exact(3)) {
        if wanted == [0; 3] {
            assert!(
                found[..3].iter().all(|&part| part < 6),
                "black became {found:?}"
            );
        }
    }
}

#[test]
fn what_a_gif_cannot_hold_is_refused_with_a_way_out() {
    let wide = layout([1, 1, 65_536], PixelType::Gray8, Content::Intensity);
    let message = refusal(format("gif"), wide, &[]);
    assert!(
        message.contains("1 x 65536 pixels") && message.contains("\"image sequence\""),
        "{message}"
    );
    for pixel in [PixelType::Gray16, PixelType::Float32, PixelType::Rgb16] {
        let message = refusal(
            format("gif"),
            layout([1, 1, 1], pixel, Content::Intensity),
            &[],
        );
        assert!(message.contains("bit_depth = 8"), "{message}");
    }
}
