//! TIFF stacks: one page per slice, strips or tiles, classic or BigTIFF, either byte order; and
//! ImageJ's contiguous stacks.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use tiff::tags::ByteOrder;

use super::error::{ImageError, triple};
use super::imagej::{self, Contiguous};
use super::samples::swap_bytes;
use super::tiff_page::{Page, TiffDecoder, guarded, inspect, open_decoder, read_ids, widen_row};
use super::{ReadError, SliceReader, VolumeSource, check_request};

/// A TIFF file with a page per slice.
#[derive(Debug)]
pub struct TiffStack {
    path: PathBuf,
    slices: usize,
    page: Page,
    file_bytes: u64,
    /// Set when the slices are not pages of their own.
    contiguous: Option<Contiguous>,
    byte_order: ByteOrder,
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
        let contiguous = if decoder.more_images() {
            None
        } else {
            imagej::contiguous(&mut decoder, &page, file_bytes).map_err(whole_file)?
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
        Ok(Self {
            path: path.to_owned(),
            slices: contiguous.map_or(slices, |stack| stack.slices),
            page,
            file_bytes,
            contiguous,
            byte_order: decoder.byte_order(),
        })
    }
}

impl VolumeSource for TiffStack {
    fn shape(&self) -> [usize; 3] {
        [self.slices, self.page.rows, self.page.columns]
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        let whole_file = |error: ImageError| error.at(&self.path, None);
        if let Some(stack) = self.contiguous {
            let file = File::open(&self.path).map_err(|e| whole_file(ImageError::Io(e)))?;
            return Ok(Box::new(ContiguousReader {
                source: self,
                offset: stack.offset,
                file,
                row: Vec::new(),
            }));
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

struct ContiguousReader<'a> {
    source: &'a TiffStack,
    offset: u64,
    file: File,
    row: Vec<u8>,
}

impl ContiguousReader<'_> {
    fn read_rows(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ImageError> {
        let page = &self.source.page;
        let sample = usize::from(page.samples.bits / 8);
        for (row, to) in x.zip(out.chunks_exact_mut(y.len().max(1))) {
            // Within the file's length, which was checked when it was opened.
            let pixel = (z * page.rows + row) * page.columns + y.start;
            let at = self.offset + (pixel * sample) as u64;
            self.row.resize(y.len() * sample, 0);
            self.file
                .seek(SeekFrom::Start(at))
                .map_err(ImageError::Io)?;
            self.file
                .read_exact(&mut self.row)
                .map_err(ImageError::from_decoder_io)?;
            if self.source.byte_order != ByteOrder::native() {
                swap_bytes(&mut self.row, sample);
            }
            widen_row(page, &self.row, 0, to, (row, y.start))?;
        }
        Ok(())
    }
}

impl SliceReader for ContiguousReader<'_> {
    fn read(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ReadError> {
        check_request(self.source.shape(), z, &x, &y, out)?;
        self.read_rows(z, x, y, out)
            .map_err(|error| error.at(&self.source.path, Some(z)))
    }
}
