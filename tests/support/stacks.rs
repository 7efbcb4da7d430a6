//! TIFF stacks, and the figures in tests/data.

use std::fs::File;
use std::path::{Path, PathBuf};
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::encoder::{Compression, TiffEncoder, colortype};

/// A file in tests/data.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Writes a TIFF stack.
pub fn write_stack<C: colortype::ColorType>(
    path: &Path,
    [depth, rows, columns]: [usize; 3],
    pixels: &[C::Inner],
    compression: Compression,
) where
    [C::Inner]: tiff::encoder::TiffValue,
{
    assert_eq!(pixels.len() % depth, 0);
    let file = File::create(path).unwrap();
    let mut encoder = TiffEncoder::new(file)
        .unwrap()
        .with_compression(compression);
    for page in pixels.chunks_exact(pixels.len() / depth) {
        let (width, height) = (columns as u32, rows as u32);
        encoder.write_image::<C>(width, height, page).unwrap();
    }
}

/// A TIFF stack as it was read back.
#[derive(Debug, PartialEq, Eq)]
pub struct Stack {
    /// Shape (z, x, y).
    pub shape: [usize; 3],
    /// What a pixel is.
    pub color: ColorType,
    /// All samples.
    pub values: Vec<u64>,
}

/// Reads a TIFF stack of whole numbers.
pub fn read_stack(path: &Path) -> Stack {
    let mut values = Vec::new();
    let (shape, color) = read_pages(path, |page| match page {
        DecodingResult::U8(page) => values.extend(page.into_iter().map(u64::from)),
        DecodingResult::U16(page) => values.extend(page.into_iter().map(u64::from)),
        DecodingResult::U32(page) => values.extend(page.into_iter().map(u64::from)),
        DecodingResult::U64(page) => values.extend(page),
        _ => panic!("{}: pixels of another type", path.display()),
    });
    Stack {
        shape,
        color,
        values,
    }
}

/// A TIFF stack of any type as f64, which holds all 32-bit integers exactly: shape (z, x, y) and
/// pixels.
pub fn read_tiff(path: &Path) -> ([usize; 3], Vec<f64>) {
    let mut pixels = Vec::new();
    let (shape, _) = read_pages(path, |page| match page {
        DecodingResult::U8(page) => pixels.extend(page.into_iter().map(f64::from)),
        DecodingResult::U16(page) => pixels.extend(page.into_iter().map(f64::from)),
        DecodingResult::U32(page) => pixels.extend(page.into_iter().map(f64::from)),
        DecodingResult::F64(page) => pixels.extend(page),
        _ => panic!("{}: pixels of another type", path.display()),
    });
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

/// Reads a stack page by page: shape (z, x, y) and type.
fn read_pages(path: &Path, mut take: impl FnMut(DecodingResult)) -> ([usize; 3], ColorType) {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut decoder = Decoder::new(file).unwrap().with_limits(Limits::unlimited());
    let color = decoder.colortype().unwrap();
    let (columns, rows) = decoder.dimensions().unwrap();
    let mut slices = 0;
    loop {
        take(decoder.read_image().unwrap());
        slices += 1;
        if !decoder.more_images() {
            return ([slices, rows as usize, columns as usize], color);
        }
        decoder.next_image().unwrap();
    }
}
