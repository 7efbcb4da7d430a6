//! TIFF stacks of colours or of floating-point numbers, which are no ids.

use super::{Plane, PlaneReader, Planes, crop};
use crate::apps::view::ViewError;
use crate::base::files::open_regular;
use crate::show::picture::{SampleKind, Samples};
use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

/// A page per slice, of three samples of 8 or 16 bits or one of 32-bit floating point.
pub(in crate::apps::view) struct ColourTiff {
    path: PathBuf,
    /// The page of each slice, where they are not all pages of the file.
    pages: Option<Vec<usize>>,
    shape: [usize; 3],
    colour: ColorType,
}

type Open = Decoder<BufReader<File>>;

impl ColourTiff {
    /// Whether pages of the file are of this kind; then it is opened.
    pub(in crate::apps::view) fn open(path: &Path) -> Result<Option<Self>, ViewError> {
        guarded(path, || {
            let mut decoder = decoder(path)?;
            let colour = decoder.colortype().map_err(|error| damaged(path, &error))?;
            let float = decoder
                .find_tag_unsigned_vec::<u16>(Tag::SampleFormat)
                .ok()
                .flatten()
                .is_some_and(|format| format.first() == Some(&3));
            match colour {
                ColorType::RGB(8 | 16) if !float => {}
                ColorType::Gray(32) if float => {}
                _ => return Ok(None),
            }
            let planar = decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration);
            if planar.ok().flatten() == Some(2) {
                return Err(ViewError::Image {
                    path: path.to_owned(),
                    reason: "its colours lie in planes of their own, which is not read; save red, green and blue next \
                             to one another, or a channel as a stack of its own"
                        .to_owned(),
                });
            }
            let size = decoder
                .dimensions()
                .map_err(|error| damaged(path, &error))?;
            let mut slices = 1;
            while decoder.more_images() {
                decoder
                    .next_image()
                    .map_err(|error| damaged(path, &error))?;
                let other = decoder
                    .dimensions()
                    .map_err(|error| damaged(path, &error))?;
                if other != size {
                    return Err(ViewError::Image {
                        path: path.to_owned(),
                        reason: format!(
                            "page {slices} has {} x {} pixels, page 0 has {} x {}; all slices must have one size",
                            other.1, other.0, size.1, size.0
                        ),
                    });
                }
                slices += 1;
            }
            Ok(Some(Self {
                path: path.to_owned(),
                pages: None,
                shape: [slices, size.1 as usize, size.0 as usize],
                colour,
            }))
        })
    }

    /// Opens a file as [`open`](Self::open) does, of which these pages are the slices.
    pub(in crate::apps::view) fn of_pages(
        path: &Path,
        pages: Vec<usize>,
    ) -> Result<Option<Self>, ViewError> {
        let whole = Self::open(path)?;
        Ok(whole.map(|whole| Self {
            shape: [pages.len(), whole.shape[1], whole.shape[2]],
            pages: Some(pages),
            ..whole
        }))
    }
}

fn decoder(path: &Path) -> Result<Open, ViewError> {
    let file = open_regular(path).map_err(|error| damaged(path, &error))?;
    let bytes = file
        .metadata()
        .map_err(|error| damaged(path, &error))?
        .len();
    let decoder = Decoder::new(BufReader::new(file)).map_err(|error| damaged(path, &error))?;
    // No strip is larger than the file; the fixed limit is smaller than large pages.
    let mut limits = Limits::default();
    limits.intermediate_buffer_size = usize::try_from(bytes).unwrap_or(usize::MAX);
    limits.decoding_buffer_size = limits.decoding_buffer_size.max(1 << 32);
    Ok(decoder.with_limits(limits))
}

fn damaged(path: &Path, error: &dyn std::error::Error) -> ViewError {
    ViewError::Image {
        path: path.to_owned(),
        reason: format!("cannot be read as TIFF: {error}"),
    }
}

/// The decoder panics on some damaged files.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, ViewError>) -> Result<T, ViewError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(ViewError::Image {
            path: path.to_owned(),
            reason: "damaged, or no valid TIFF file".to_owned(),
        })
    })
}

impl Planes for ColourTiff {
    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn components(&self) -> usize {
        match self.colour {
            ColorType::RGB(_) => 3,
            _ => 1,
        }
    }

    fn kind(&self) -> SampleKind {
        match self.colour {
            ColorType::RGB(8) => SampleKind::U8,
            ColorType::RGB(_) => SampleKind::U16,
            _ => SampleKind::F32,
        }
    }

    fn reader(&self) -> Result<Box<dyn PlaneReader + '_>, ViewError> {
        Ok(Box::new(ColourReader {
            source: self,
            decoder: decoder(&self.path)?,
        }))
    }
}

struct ColourReader<'a> {
    source: &'a ColourTiff,
    decoder: Open,
}

impl PlaneReader for ColourReader<'_> {
    fn read(&mut self, z: usize, x: Range<usize>, y: Range<usize>) -> Result<Plane, ViewError> {
        let path = &self.source.path;
        let [_, rows, columns] = self.source.shape;
        let decoder = &mut self.decoder;
        let page = match &self.source.pages {
            Some(pages) => pages.get(z).copied().unwrap_or(z),
            None => z,
        };
        let pixels = guarded(path, || {
            decoder
                .seek_to_image(page)
                .map_err(|error| damaged(path, &error))?;
            decoder.read_image().map_err(|error| damaged(path, &error))
        })?;
        let components = self.source.components();
        let all = rows * columns;
        let whole: Plane = match pixels {
            DecodingResult::U8(values) if values.len() == all * components => (0..components)
                .map(|first| {
                    Samples::U8(
                        values
                            .iter()
                            .skip(first)
                            .step_by(components)
                            .copied()
                            .collect(),
                    )
                })
                .collect(),
            DecodingResult::U16(values) if values.len() == all * components => (0..components)
                .map(|first| {
                    Samples::U16(
                        values
                            .iter()
                            .skip(first)
                            .step_by(components)
                            .copied()
                            .collect(),
                    )
                })
                .collect(),
            DecodingResult::F32(values) if values.len() == all => vec![Samples::F32(values)],
            _ => {
                return Err(ViewError::Image {
                    path: path.clone(),
                    reason: format!("slice {z} has another type than slice 0"),
                });
            }
        };
        if x.len() * y.len() == all {
            return Ok(whole);
        }
        Ok(whole
            .iter()
            .map(|whole| crop(whole, columns, &x, &y))
            .collect())
    }
}
