//! TIFF stacks: one page per slice, strips or tiles, classic or BigTIFF, either byte order; and
//! ImageJ's contiguous stacks.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::description::{Axes, contiguous};
use super::error::ImageError;
use super::raw::{RawLayout, RawReader};
use super::tiff_page::{Page, TiffDecoder, guarded, inspect, is_tiff, open_decoder, read_ids};
use super::{Found, InputFormat, ReadError, ReadFormat, SliceReader, VolumeSource, check_request};
use crate::base::volume::triple;

/// One file with all slices.
pub(super) struct TiffFormat;

pub(super) static FORMAT: TiffFormat = TiffFormat;

impl ReadFormat for TiffFormat {
    fn format(&self) -> InputFormat {
        InputFormat {
            name: "tiff",
            noun: "TIFF stack",
            extensions: &["tif", "tiff"],
            is_folder: false,
        }
    }

    fn recognises(&self, found: &Found<'_>) -> bool {
        matches!(found, Found::File(head) if is_tiff(head))
    }

    fn open(&self, path: &Path) -> Result<Box<dyn VolumeSource>, ReadError> {
        Ok(Box::new(TiffStack::open(path)?))
    }
}

/// A TIFF file with a page per slice.
#[derive(Debug)]
pub struct TiffStack {
    path: PathBuf,
    slices: usize,
    page: Page,
    file_bytes: u64,
    /// Set when the slices are not pages of their own.
    contiguous: Option<RawLayout>,
}

impl TiffStack {
    /// Reads the tags of every page and checks that they are ids of one size and type.
    ///
    /// # Errors
    /// When the file is no TIFF, damaged, or its pages differ or hold something else than ids.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let whole_file = |error: ImageError| error.at(path, None);
        let (mut decoder, file_bytes) = open_decoder(path).map_err(whole_file)?;
        let page = inspect(&mut decoder).map_err(|error| error.at(path, Some(0)))?;
        let axes = Axes::read(&mut decoder).map_err(whole_file)?;
        let contiguous = if decoder.more_images() {
            None
        } else {
            contiguous(&mut decoder, &axes, &page, file_bytes).map_err(whole_file)?
        };
        let mut slices = 1;
        while decoder.more_images() {
            let other = guarded(|| decoder.next_image())
                .and_then(|()| inspect(&mut decoder))
                .map_err(|error| error.at(path, Some(slices)))?;
            if !page.matches(&other) {
                return Err(ReadError::PagesDiffer {
                    path: path.to_owned(),
                    page: slices,
                    found: other.to_string(),
                    first: page.to_string(),
                });
            }
            slices += 1;
        }
        let slices = contiguous.map_or(slices, |layout| layout.shape[0]);
        axes.check(slices).map_err(whole_file)?;
        Ok(Self {
            path: path.to_owned(),
            slices,
            page,
            file_bytes,
            contiguous,
        })
    }
}

impl VolumeSource for TiffStack {
    fn shape(&self) -> [usize; 3] {
        [self.slices, self.page.rows, self.page.columns]
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        let whole_file = |error: ImageError| error.at(&self.path, None);
        if let Some(layout) = self.contiguous {
            return Ok(Box::new(RawReader::open(&self.path, layout)?));
        }
        let (decoder, file_bytes) = open_decoder(&self.path).map_err(whole_file)?;
        if file_bytes != self.file_bytes {
            return Err(whole_file(changed()));
        }
        Ok(Box::new(PageReader {
            source: self,
            decoder,
            current: None,
            scratch: Vec::new(),
        }))
    }

    fn bits(&self) -> u8 {
        self.page.samples.bits
    }

    fn describe(&self) -> String {
        format!(
            "{} (TIFF stack of {} voxels, {})",
            self.path.display(),
            triple(self.shape(), " x "),
            self.page.samples
        )
    }
}

fn changed() -> ImageError {
    ImageError::Corrupt("the file has changed since it was opened".to_owned())
}

struct PageReader<'a> {
    source: &'a TiffStack,
    decoder: TiffDecoder,
    current: Option<(usize, Page)>,
    scratch: Vec<u8>,
}

impl PageReader<'_> {
    fn seek(&mut self, z: usize) -> Result<Page, ImageError> {
        if let Some((slice, page)) = self.current
            && slice == z
        {
            return Ok(page);
        }
        self.current = None;
        guarded(|| self.decoder.seek_to_image(z))?;
        let page = inspect(&mut self.decoder)?;
        if !page.matches(&self.source.page) {
            return Err(changed());
        }
        self.current = Some((z, page));
        Ok(page)
    }
}

impl SliceReader for PageReader<'_> {
    fn read(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ReadError> {
        check_request(self.source.shape(), z, &x, &y, out)?;
        let bytes = self.source.file_bytes;
        self.seek(z)
            .and_then(|page| {
                read_ids(
                    &mut self.decoder,
                    &page,
                    bytes,
                    x,
                    y,
                    out,
                    &mut self.scratch,
                )
            })
            .map_err(|error| error.at(&self.source.path, Some(z)))
    }
}
