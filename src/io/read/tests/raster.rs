//! Folders of BMP, PGM and WebP images.

use std::fs;
use std::path::Path;

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageFormat};

use super::*;

/// The ids of a slice as bytes.
fn bytes(z: usize) -> Vec<u8> {
    let ids = (0..20).flat_map(|x| (0..17).map(move |y| expected(z, x, y, U8) as u8));
    ids.collect()
}

/// A PGM of a slice, in bytes.
pub(super) fn write_pgm(path: &Path, z: usize) {
    let mut file = b"P5\n# a comment\n17 20\n255\n".to_vec();
    file.extend(bytes(z));
    fs::write(path, file).unwrap();
}

/// A file of this kind, of 17 columns.
fn save(path: &Path, bytes: &[u8], colour: ExtendedColorType) {
    let samples = colour.channel_count() as usize;
    let rows = (bytes.len() / 17 / samples) as u32;
    let format = ImageFormat::from_path(path).unwrap();
    image::save_buffer_with_format(path, bytes, 17, rows, colour, format).unwrap();
}

/// Three times each byte.
fn grey(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|&id| [id; 3]).collect()
}

#[test]
fn bmp_pgm_and_webp_sequences_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["bmp", "pgm", "webp"] {
        let folder = folder.path().join(kind);
        fs::create_dir(&folder).unwrap();
        for z in 0..3 {
            let path = folder.join(format!("s{z}.{kind}"));
            match kind {
                "bmp" => save(&path, &bytes(z), ExtendedColorType::L8),
                "pgm" => write_pgm(&path, z),
                _ => save(&path, &grey(&bytes(z)), ExtendedColorType::Rgb8),
            }
        }
        let source = open(&folder, None).unwrap();
        assert_volume(&*source, U8);
        assert!(source.bits() <= 16, "{kind}");
        // A whole file, cut.
        let path = folder.join(format!("s1.{kind}"));
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 30]).unwrap();
        assert_says(&read_error(&folder), &[&format!("s1.{kind}")]);
        fs::write(&path, "no image").unwrap();
        assert_says(&error(&folder, None), &[&format!("s1.{kind}")]);
        let message = error(&folder.join(format!("s0.{kind}")), None);
        assert_says(&message, &["single", "one image per slice"]);
    }
}

#[test]
fn numbers_in_a_pgm_are_never_stretched() {
    let folder = tempfile::tempdir().unwrap();
    let wide: Vec<u8> = [0u16, 256, 999, 65, 2, 1000]
        .into_iter()
        .flat_map(u16::to_be_bytes)
        .collect();
    for (name, header, samples) in [
        ("s0.pgm", "P5 3 2 1000\n", &wide[..]),
        ("s1.pgm", "P5\n3 2\n7\n", &[0, 7, 3, 4, 2, 1]),
        (
            "s2.pgm",
            "P2\n# ids\n3 2\n1000\n",
            b"0 256 999\n65 2\n1000\n",
        ),
    ] {
        fs::write(
            folder.path().join(name),
            [header.as_bytes(), samples].concat(),
        )
        .unwrap();
    }
    let source = open(folder.path(), None).unwrap();
    assert_eq!(slice(&*source, 0), [0, 256, 999, 65, 2, 1000]);
    assert_eq!(slice(&*source, 1), [0, 7, 3, 4, 2, 1]);
    assert_eq!(slice(&*source, 2), slice(&*source, 0));
    let mut out = [0; 2];
    for z in [0, 2] {
        let mut reader = source.slices().unwrap();
        reader.read(z, 1..2, 1..3, &mut out).unwrap();
        assert_eq!(out, [2, 1000]);
    }
    fs::write(folder.path().join("s2.pgm"), "P2\n3 2\n1000\n1 2 x 4 5 6").unwrap();
    assert_says(&read_error(folder.path()), &["s2.pgm", "no number"]);
    fs::write(folder.path().join("s2.pgm"), "P5\n60000 60000\n255\n1").unwrap();
    assert_says(&error(folder.path(), None), &["s2.pgm is 60000 x 60000"]);
}

#[test]
fn images_with_colours_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut colours = grey(&bytes(0));
    colours[3 * 20] ^= 1;
    let refused = |name: &str, words: &[&str], read: bool| {
        let message = match read {
            true => read_error(folder.path()),
            false => error(folder.path(), None),
        };
        assert_says(&message, &[name, "cell ids are needed"]);
        assert_says(&message, words);
        fs::remove_file(at(name)).unwrap();
    };
    save(&at("s.bmp"), &colours, ExtendedColorType::Rgb8);
    refused("s.bmp", &["RGB colours"], false);
    save(&at("s.webp"), &colours, ExtendedColorType::Rgb8);
    refused("s.webp", &["RGB colours"], true);
    let alpha: Vec<u8> = bytes(0).iter().flat_map(|&id| [id, id, id, 9]).collect();
    save(&at("s.webp"), &alpha, ExtendedColorType::Rgba8);
    refused("s.webp", &["alpha"], false);
    let mut lossy = Vec::new();
    WebPEncoder::new_lossless(&mut lossy)
        .encode(&colours, 17, 20, ExtendedColorType::Rgb8)
        .unwrap();
    lossy[12..16].copy_from_slice(b"VP8 ");
    fs::write(at("s.webp"), lossy).unwrap();
    refused("s.webp", &["lossy"], false);
    for (header, words) in [("P6 17 20 255\n", "RGB"), ("P4 17 20\n", "black and white")] {
        fs::write(at("s.pgm"), [header.as_bytes(), &colours].concat()).unwrap();
        refused("s.pgm", &[words], false);
    }
}
