//! Single images to start from, and PNGs whose checksums are set right.

use image::codecs::{bmp::BmpEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::borrow::Cow;

/// Rows and columns of the images.
const SIZE: [u32; 2] = [9, 13];

/// How a PNG starts.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The bytes; those of a PNG with the checksum of each chunk set right, so that what is damaged
/// inside reaches the decoder.
pub(super) fn mended(data: &[u8]) -> Cow<'_, [u8]> {
    if !data.starts_with(PNG) {
        return data.into();
    }
    let mut mended = data.to_vec();
    let mut at = PNG.len();
    while let Some(&[a, b, c, d]) = mended.get(at..at + 4) {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let end = at + 8 + length;
        let Some(chunk) = mended.get(at + 4..end).filter(|_| mended.len() >= end + 4) else {
            break;
        };
        let sum = crc32fast::hash(chunk).to_be_bytes();
        mended[end..end + 4].copy_from_slice(&sum);
        at = end + 4;
    }
    mended.into()
}

/// Bytes that look like ids of some cells.
fn ids(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i / 5 % 7) as u8).collect()
}

/// Grey ones of all depths, indices of a palette, colours; an interlaced one.
pub(super) fn pngs() -> Vec<Vec<u8>> {
    use png::{BitDepth, ColorType};
    let [rows, columns] = SIZE;
    let grey = [
        BitDepth::Eight,
        BitDepth::Sixteen,
        BitDepth::One,
        BitDepth::Two,
        BitDepth::Four,
    ];
    let mut kinds: Vec<_> = grey.map(|bits| (ColorType::Grayscale, bits)).into();
    kinds.push((ColorType::Indexed, BitDepth::Eight));
    kinds.push((ColorType::Rgb, BitDepth::Eight));
    kinds.push((ColorType::Rgba, BitDepth::Eight));
    let mut all: Vec<Vec<u8>> = kinds
        .into_iter()
        .map(|(colour, bits)| {
            let mut file = Vec::new();
            let mut encoder = png::Encoder::new(&mut file, columns, rows);
            encoder.set_color(colour);
            encoder.set_depth(bits);
            if colour == ColorType::Indexed {
                encoder.set_palette(ids(3 * 7));
            }
            let row = (columns as usize * colour.samples() * bits as usize).div_ceil(8);
            let mut writer = encoder.write_header().expect("a header");
            writer
                .write_image_data(&ids(row * rows as usize))
                .expect("an image");
            drop(writer);
            file
        })
        .collect();
    // The encoder writes no interlaced image: the flag is set, and its single bytes are the rows of
    // the passes.
    let mut interlaced = all[0].clone();
    interlaced[28] = 1;
    all.push(mended(&interlaced).into_owned());
    all
}

pub(super) fn bmps() -> Vec<Vec<u8>> {
    let [rows, columns] = SIZE;
    let encoded = |bytes: usize, colour| {
        let mut file = Vec::new();
        BmpEncoder::new(&mut file)
            .write_image(&ids(bytes), columns, rows, colour)
            .expect("an image");
        file
    };
    let pixels = (rows * columns) as usize;
    let mut all = vec![
        encoded(pixels, ExtendedColorType::L8),
        encoded(3 * pixels, ExtendedColorType::Rgb8),
    ];
    // Runs of 8 bits, and of 4: a palette of 16 colours, then runs to the ends of two rows.
    for (bits, compression) in [(8u16, 1u32), (4, 2)] {
        let runs = [5, 3, 8, 0x12, 0, 0, 13, 7, 0, 1];
        let mut file = b"BM".to_vec();
        let offset = 54 + 4 * 16u32;
        for word in [offset + runs.len() as u32, 0, offset, 40, columns, 2] {
            file.extend(word.to_le_bytes());
        }
        file.extend(1u16.to_le_bytes());
        file.extend(bits.to_le_bytes());
        for word in [compression, runs.len() as u32, 0, 0, 16, 0] {
            file.extend(word.to_le_bytes());
        }
        file.extend(ids(4 * 16));
        file.extend(runs);
        all.push(file);
    }
    all
}

pub(super) fn pgms() -> Vec<Vec<u8>> {
    let pixels = ids(9 * 13);
    vec![
        [b"P5\n# made\n13 9\n255\n", &pixels[..]].concat(),
        [b"P5 13 9 65535 ", &ids(2 * 9 * 13)[..]].concat(),
        b"P2\n3 2\n300\n1 2 3\n4 300 0\n".to_vec(),
        b"P1\n2 2\n1 0 0 1\n".to_vec(),
    ]
}

pub(super) fn webps() -> Vec<Vec<u8>> {
    let [rows, columns] = SIZE;
    let pixels = (rows * columns) as usize;
    [(3, ExtendedColorType::Rgb8), (4, ExtendedColorType::Rgba8)]
        .map(|(bytes, colour)| {
            let mut file = Vec::new();
            WebPEncoder::new_lossless(&mut file)
                .write_image(&ids(bytes * pixels), columns, rows, colour)
                .expect("an image");
            file
        })
        .into()
}
