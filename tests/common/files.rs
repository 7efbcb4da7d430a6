//! The figures in tests/data.

use std::fs::File;
use std::path::{Path, PathBuf};
use tiff::decoder::{Decoder, DecodingResult, Limits};

/// A file in tests/data.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// A TIFF stack of any type as f64, which holds all 32-bit integers exactly: shape (z, x, y) and pixels.
pub fn read_tiff(path: &Path) -> ([usize; 3], Vec<f64>) {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut decoder = Decoder::new(file).unwrap().with_limits(Limits::unlimited());
    let (columns, rows) = decoder.dimensions().unwrap();
    let mut pixels: Vec<f64> = Vec::new();
    let mut slices = 0;
    loop {
        match decoder.read_image().unwrap() {
            DecodingResult::U8(page) => pixels.extend(page.into_iter().map(f64::from)),
            DecodingResult::U16(page) => pixels.extend(page.into_iter().map(f64::from)),
            DecodingResult::U32(page) => pixels.extend(page.into_iter().map(f64::from)),
            DecodingResult::F64(page) => pixels.extend(page),
            _ => panic!("{}: pixels of another type", path.display()),
        }
        slices += 1;
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().unwrap();
    }
    let shape = [slices, rows as usize, columns as usize];
    assert_eq!(pixels.len(), shape.iter().product::<usize>());
    (shape, pixels)
}

/// A TIFF stack of ids, counts or grey values in tests/data.
pub fn read_counts(name: &str) -> ([usize; 3], Vec<u32>) {
    let (shape, pixels) = read_tiff(&data(name));
    (
        shape,
        pixels.into_iter().map(|value| value as u32).collect(),
    )
}
