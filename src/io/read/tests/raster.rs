//! Folders of BMP, PGM and WebP images.

use std::fs;
use std::path::Path;

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageFormat};

use super::super::{ReadOptions, open_as};
use super::*;
use crate::base::formats::StoredIds;
use crate::base::volume::VoxelBox;

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
        // A BMP's header tells how long the file has to be.
        let message = match kind {
            "bmp" => error(&folder, None),
            _ => read_error(&folder),
        };
        assert_says(&message, &[&format!("s1.{kind}")]);
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

/// A BMP with a palette of `colours` greys: its header, then these bytes of pixels.
fn bmp(size: [i32; 2], bits: u16, compression: u32, colours: u32, pixels: &[u8]) -> Vec<u8> {
    let [rows, columns] = size;
    let start = 54 + 4 * colours;
    let mut file = b"BM".to_vec();
    for word in [start + pixels.len() as u32, 0, start, 40] {
        file.extend(word.to_le_bytes());
    }
    file.extend(columns.to_le_bytes());
    file.extend(rows.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(bits.to_le_bytes());
    for word in [compression, 0, 0, 0, colours, 0] {
        file.extend(word.to_le_bytes());
    }
    for colour in 0..colours {
        file.extend([colour as u8, colour as u8, colour as u8, 0]);
    }
    file.extend(pixels);
    file
}

/// The ids of the one slice that such a file is.
fn ids_of(folder: &Path, file: &[u8], options: &ReadOptions) -> Result<Vec<u64>, String> {
    fs::write(folder.join("s.bmp"), file).unwrap();
    let source = open_as(folder, options).map_err(|error| error.to_string())?;
    let [_, rows, columns] = source.shape();
    let whole = VoxelBox {
        offset: [0; 3],
        shape: [1, rows, columns],
    };
    let ids = source.block(&whole).map_err(|error| error.to_string())?;
    // A part is a part of it.
    let part = VoxelBox {
        offset: [0, rows / 2, columns / 3],
        shape: [1, rows - rows / 2, columns - columns / 3],
    };
    let some = source.block(&part).map_err(|error| error.to_string())?;
    let cut = ids.chunks(columns).skip(rows / 2);
    let cut: Vec<u64> = cut.flat_map(|row| row[columns / 3..].to_vec()).collect();
    assert_eq!(some, cut);
    Ok(ids)
}

#[test]
fn a_bmp_may_be_packed_or_upside_down() {
    let folder = tempfile::tempdir().unwrap();
    let plain = ReadOptions::default();
    let read = |file: &[u8]| ids_of(folder.path(), file, &plain);
    // Rows end at whole words, the lowest comes first.
    let packed = [0x12, 0x30, 0, 0, 0x45, 0x60, 0, 0];
    let file = bmp([2, 3], 4, 0, 16, &packed);
    assert_eq!(read(&file).unwrap(), [4, 5, 6, 1, 2, 3]);
    let file = bmp([-2, 3], 4, 0, 16, &packed);
    assert_eq!(read(&file).unwrap(), [1, 2, 3, 4, 5, 6]);
    let file = bmp([1, 9], 1, 0, 2, &[0b1011_0001, 0b1000_0000, 0, 0]);
    assert_eq!(read(&file).unwrap(), [1, 0, 1, 1, 0, 0, 0, 1, 1]);
    // Runs: three 7, two pixels as they are, the end of the row; two to the right and one up, a
    // run, the end.
    let runs = [3, 7, 0, 3, 1, 2, 3, 0, 0, 0, 0, 2, 2, 1, 4, 9, 0, 1];
    let wanted = [[0, 0, 9, 9, 9, 9], [0, 0, 0, 0, 0, 0], [7, 7, 7, 1, 2, 3]];
    assert_eq!(
        read(&bmp([3, 6], 8, 1, 256, &runs)).unwrap(),
        wanted.concat()
    );
    let halves = [5, 0x12, 0, 0, 0, 3, 0x45, 0x60, 2, 0x77, 0, 1];
    let wanted = [[4, 5, 6, 7, 7], [1, 2, 1, 2, 1]];
    assert_eq!(
        read(&bmp([2, 5], 4, 2, 16, &halves)).unwrap(),
        wanted.concat()
    );
    for (what, pixels) in [
        ("leaves the image", &[7, 1, 0, 1][..]),
        ("cut short", &[3, 1, 0]),
    ] {
        let message = read(&bmp([3, 6], 8, 1, 256, pixels)).unwrap_err();
        assert_says(&message, &["s.bmp", what]);
    }
    for (file, words) in [
        (bmp([-3, 6], 8, 1, 256, &runs), "from the top"),
        (bmp([3, 6], 8, 0, 256, &runs), "cannot come from"),
        (bmp([3, 0], 8, 0, 256, &runs), "cannot be right"),
        (bmp([1, 1], 16, 0, 0, &[0; 4]), "RGB"),
        (bmp([1, 1], 8, 4, 0, &[0; 4]), "JPEG"),
    ] {
        assert_says(&read(&file).unwrap_err(), &["s.bmp", words]);
    }
    // Colours as ids: blue first; masks may say otherwise.
    let colours = ReadOptions {
        ids: StoredIds::Rgb,
        ..plain.clone()
    };
    let read = |file: &[u8]| ids_of(folder.path(), file, &colours);
    let file = bmp([1, 1], 24, 0, 0, &[3, 2, 1, 0]);
    assert_eq!(read(&file).unwrap(), [0x03_0201]);
    let masks = [0xffu32, 0xff00, 0xff_0000].map(u32::to_le_bytes).concat();
    let mut file = bmp([1, 1], 32, 3, 0, &[&masks[..], &[1, 2, 3, 9]].concat());
    file[10] += 12;
    assert_eq!(read(&file).unwrap(), [0x03_0201]);
    assert_says(
        &read(&bmp([1, 1], 16, 0, 0, &[0; 4])).unwrap_err(),
        &["8 bits"],
    );
}

/// Pixels that an interlaced PNG stores in seven passes come to where they belong.
#[test]
fn interlaced_pngs_are_read() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let passes = [
        [0, 0, 8, 8],
        [0, 4, 8, 8],
        [4, 0, 8, 4],
        [0, 2, 4, 4],
        [2, 0, 4, 2],
        [0, 1, 2, 2],
        [1, 0, 2, 1],
    ];
    for z in 0..3 {
        let mut rows = Vec::new();
        for [top, left, down, across] in passes {
            for x in (top..20).step_by(down) {
                rows.push(0);
                let ids = (left..17).step_by(across).map(|y| expected(z, x, y, U8));
                rows.extend(ids.map(|id| id as u8));
            }
        }
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
        zlib.write_all(&rows).unwrap();
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let header = [0, 0, 0, 17, 0, 0, 0, 20, 8, 0, 0, 0, 1];
        for (name, content) in [
            (b"IHDR", header.to_vec()),
            (b"IDAT", zlib.finish().unwrap()),
            (b"IEND", Vec::new()),
        ] {
            let chunk = [&name[..], &content].concat();
            file.extend((content.len() as u32).to_be_bytes());
            file.extend(&chunk);
            file.extend(crc32fast::hash(&chunk).to_be_bytes());
        }
        fs::write(folder.path().join(format!("s{z}.png")), file).unwrap();
    }
    let source = open(folder.path(), None).unwrap();
    assert_volume(&*source, U8);
    // A row of ids, not an image.
    let part = VoxelBox {
        offset: [0; 3],
        shape: [3, 20, 17],
    };
    assert!(source.working_bytes(&part) < (1 << 19) + 1000);
}
