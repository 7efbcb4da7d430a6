//! TIFF stacks: one page per slice, strips or tiles, classic or BigTIFF, either byte order; and
//! ImageJ's contiguous stacks.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::error::ImageError;
use super::super::ids::IdsMut;
use super::super::options::{Background, ReadOptions};
use super::super::raw::{RawLayout, RawReader};
use super::super::samples::SampleKind;
use super::super::unchanged::Opened;
use super::super::{
    Facts, Found, InputFormat, ReadError, ReadFormat, SliceReader, VolumeSource, check_request,
};
use super::description::{Place, Selected};
use super::directory::{Chain, Directories};
use super::layout::{self, adjoining};
use super::page::{Page, Part, Pixels, is_tiff};
use crate::base::formats::StoredIds;
use crate::base::volume::{VoxelBox, triple};

/// One file with all slices.
pub(in super::super) struct TiffFormat;

pub(in super::super) static FORMAT: TiffFormat = TiffFormat;

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

    fn open(&self, path: &Path, options: &ReadOptions) -> Result<Box<dyn VolumeSource>, ReadError> {
        Ok(Box::new(TiffStack::open(path, options)?))
    }
}

/// A TIFF file with a page per slice.
#[derive(Debug)]
pub struct TiffStack {
    path: PathBuf,
    opened: Opened,
    chain: Chain,
    /// Where each slice is.
    places: Vec<Place>,
    /// The first slice; the others look like it.
    page: Page,
    stored: StoredIds,
    background: Background,
    facts: Facts,
    /// Set when the slices are not pages of their own.
    contiguous: Option<RawLayout>,
    working_bytes: u64,
}

impl TiffStack {
    /// Reads the tags of every page and checks that they are ids of one size and type.
    ///
    /// # Errors
    /// When the file is no TIFF, damaged, or its pages differ or hold something else than ids.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, ReadError> {
        let whole_file = |error: ImageError| error.at(path, None);
        let stored = options.ids;
        let (opened, file, file_bytes) = Opened::open(path).map_err(whole_file)?;
        let mut directories = Directories::read(file, file_bytes).map_err(whole_file)?;
        let Selected {
            places,
            notes,
            voxel_nm,
            several: [channels, times],
        } = layout::of_stack(&mut directories, options).map_err(whole_file)?;
        let first = places.first().copied().unwrap_or(Place::page(0));
        let page = Page::inspect(&mut directories, first, stored)
            .map_err(|error| error.at(path, Some(0)))?;
        let mut working_bytes = page.working_bytes();
        // Planes that adjoin have one page, which is the first one's.
        let raw = contiguous(&mut directories, &places).filter(|_| page.is_raw());
        let others = if raw.is_some() { 0 } else { places.len() };
        for (slice, &place) in places[..others].iter().enumerate().skip(1) {
            let other = Page::inspect(&mut directories, place, stored)
                .map_err(|error| error.at(path, Some(slice)))?;
            if !page.matches(&other) {
                return Err(ReadError::PagesDiffer {
                    path: path.to_owned(),
                    page: slice,
                    found: other.to_string(),
                    first: page.to_string(),
                });
            }
            working_bytes = working_bytes.max(other.working_bytes());
        }
        let little_endian = directories.chain().little_endian;
        let contiguous = raw.map(|offset| RawLayout {
            offset,
            shape: [places.len(), page.rows, page.columns],
            samples: page.samples(),
            swapped: little_endian != cfg!(target_endian = "little"),
        });
        let facts = Facts {
            notes,
            voxel_nm,
            is_palette: layout::is_palette(&mut directories, first.page),
            is_float: page.samples().kind == SampleKind::Float,
            channels,
            times,
        };
        Ok(Self {
            path: path.to_owned(),
            opened,
            chain: directories.chain().clone(),
            places,
            page,
            stored,
            background: Background::new(options),
            facts,
            contiguous,
            working_bytes,
        })
    }
}

/// Where planes start that adjoin in one page, all of which the file holds.
fn contiguous(directories: &mut Directories, places: &[Place]) -> Option<u64> {
    let [first, .., last] = places[..] else {
        return None;
    };
    let adjoin = places
        .iter()
        .enumerate()
        .all(|(slice, place)| (place.page, place.plane) == (first.page, first.plane + slice));
    let adjoining = adjoining(directories, first.page).filter(|_| adjoin && last.plane > 0)?;
    if adjoining.room <= last.plane as u64 {
        return None;
    }
    Some(adjoining.start + adjoining.bytes * first.plane as u64)
}

impl VolumeSource for TiffStack {
    fn shape(&self) -> [usize; 3] {
        [self.places.len(), self.page.rows, self.page.columns]
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        let whole_file = |error: ImageError| error.at(&self.path, None);
        if let Some(layout) = self.contiguous {
            return Ok(Box::new(RawReader::open(
                &self.path,
                layout,
                &self.background,
            )?));
        }
        let (_, file, file_bytes) = Opened::open(&self.path).map_err(whole_file)?;
        // A reader of its own: readers of one file share their place in it.
        let (_, again, _) = Opened::open(&self.path).map_err(whole_file)?;
        if file_bytes != self.chain.file_bytes {
            return Err(whole_file(changed()));
        }
        Ok(Box::new(PageReader {
            source: self,
            directories: Directories::of(again, self.chain.clone()),
            pixels: Pixels::new(file),
            current: None,
            scratch: Vec::new(),
        }))
    }

    fn working_bytes(&self, part: &VoxelBox) -> u64 {
        match &self.contiguous {
            Some(layout) => layout.working_bytes(part),
            None => self.working_bytes,
        }
    }

    fn bits(&self) -> u8 {
        self.background.id_bits(self.page.id_bits())
    }

    fn describe(&self) -> String {
        format!(
            "{} (TIFF stack of {} voxels, {})",
            self.path.display(),
            triple(self.shape(), " x "),
            self.page.kind()
        )
    }

    fn slice_page(&self, z: usize) -> Option<usize> {
        let place = self.places.get(z)?;
        let own = self.places.iter().all(|place| place.plane == 0);
        own.then_some(place.page)
    }

    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        self.opened.check()
    }
}

fn changed() -> ImageError {
    ImageError::Corrupt("the file has changed since it was opened".to_owned())
}

struct PageReader<'a> {
    source: &'a TiffStack,
    directories: Directories,
    pixels: Pixels,
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
        let place = self.source.places[z];
        let page = Page::inspect(&mut self.directories, place, self.source.stored)?;
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
        self.read_ids(z, x, y, out.into())
    }

    fn read_ids(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: IdsMut<'_>,
    ) -> Result<(), ReadError> {
        check_request(self.source.shape(), z, &x, &y, out.len())?;
        let background = &self.source.background;
        let part = Part { x, y, background };
        self.seek(z)
            .and_then(|page| {
                let slice = (self.source.places[z], &page);
                let scratch = &mut self.scratch;
                self.pixels
                    .read(&mut self.directories, slice, part, out, scratch)
            })
            .map_err(|error| error.at(&self.source.path, Some(z)))
    }
}
