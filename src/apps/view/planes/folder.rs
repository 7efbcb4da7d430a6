//! Folders with a coloured PNG per slice, as merged channels are written.

use super::{Plane, PlaneReader, Planes, crop};
use crate::apps::view::ViewError;
use crate::base::files::open_regular;
use crate::io::read::natural_order;
use crate::show::picture::{SampleKind, Samples};
use image::codecs::png::PngDecoder;
use image::{ColorType, ImageDecoder};
use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Upper bound of decoded bytes per byte of a PNG file.
const EXPANSION: u64 = 1 << 11;

/// Images of red, green and blue, 8 or 16 bits each.
pub(in crate::apps::view) struct ColourFolder {
    images: Vec<PathBuf>,
    size: [usize; 2],
    kind: SampleKind,
}

fn wrong(path: &Path, reason: impl std::fmt::Display) -> ViewError {
    ViewError::Image {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

impl ColourFolder {
    /// Opens the folder if its first image is a coloured PNG.
    pub(in crate::apps::view) fn open(path: &Path) -> Result<Option<Self>, ViewError> {
        let entries = std::fs::read_dir(path).map_err(|error| wrong(path, error))?;
        let mut named = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| wrong(path, error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.to_ascii_lowercase().ends_with(".png") && !name.starts_with('.') {
                named.push((name, entry.path()));
            }
        }
        named.sort_by(|a, b| natural_order(&a.0, &b.0));
        let images: Vec<PathBuf> = named.into_iter().map(|(_, path)| path).collect();
        let Some(first) = images.first() else {
            return Ok(None);
        };
        let decoder = start(first)?;
        let Some(kind) = kind(&decoder) else {
            return Ok(None);
        };
        let size = size(&decoder);
        Ok(Some(Self { images, size, kind }))
    }
}

fn damaged(path: &Path, error: &image::ImageError) -> ViewError {
    wrong(path, format!("damaged, or no valid PNG: {error}"))
}

fn start(path: &Path) -> Result<PngDecoder<BufReader<File>>, ViewError> {
    let file = open_regular(path).map_err(|error| wrong(path, error))?;
    let bytes = file.metadata().map_err(|error| wrong(path, error))?.len();
    let decoder = PngDecoder::new(BufReader::new(file)).map_err(|error| damaged(path, &error))?;
    if decoder.total_bytes() > bytes.saturating_mul(EXPANSION) {
        return Err(wrong(
            path,
            "its size cannot be right; it is cut short or damaged",
        ));
    }
    Ok(decoder)
}

/// The type of the samples, where the file holds red, green and blue.
fn kind(decoder: &impl ImageDecoder) -> Option<SampleKind> {
    match decoder.color_type() {
        ColorType::Rgb8 => Some(SampleKind::U8),
        ColorType::Rgb16 => Some(SampleKind::U16),
        _ => None,
    }
}

/// Rows and columns.
fn size(decoder: &impl ImageDecoder) -> [usize; 2] {
    let (columns, rows) = decoder.dimensions();
    [rows as usize, columns as usize]
}

impl Planes for ColourFolder {
    fn shape(&self) -> [usize; 3] {
        [self.images.len(), self.size[0], self.size[1]]
    }

    fn components(&self) -> usize {
        3
    }

    fn kind(&self) -> SampleKind {
        self.kind
    }

    fn reader(&self) -> Result<Box<dyn PlaneReader + '_>, ViewError> {
        Ok(Box::new(self))
    }
}

impl PlaneReader for &ColourFolder {
    fn read(&mut self, z: usize, x: Range<usize>, y: Range<usize>) -> Result<Plane, ViewError> {
        let path = &self.images[z];
        let decoder = start(path)?;
        let [rows, columns] = self.size;
        if kind(&decoder) != Some(self.kind) || size(&decoder) != self.size {
            return Err(wrong(
                path,
                "has another size or type than the first image of the folder",
            ));
        }
        let mut bytes = vec![0; decoder.total_bytes() as usize];
        decoder
            .read_image(&mut bytes)
            .map_err(|error| damaged(path, &error))?;
        let component = |first: usize| match self.kind {
            SampleKind::U16 => {
                let values = bytes.as_chunks::<2>().0.iter().skip(first).step_by(3);
                Samples::U16(
                    values
                        .map(|&value| u16::from_ne_bytes(value))
                        .take(rows * columns)
                        .collect(),
                )
            }
            _ => Samples::U8(
                bytes
                    .iter()
                    .skip(first)
                    .step_by(3)
                    .copied()
                    .take(rows * columns)
                    .collect(),
            ),
        };
        Ok((0..3)
            .map(|first| crop(&component(first), columns, &x, &y))
            .collect())
    }
}
