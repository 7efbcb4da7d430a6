//! TIFF stacks: one page per slice, strips or tiles, classic or BigTIFF, either byte order; and
//! ImageJ's contiguous stacks.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::error::ImageError;
use super::super::options::{Background, ReadOptions};
use super::super::raw::{RawLayout, RawReader};
use super::super::samples::SampleKind;
use super::super::{
    Facts, Found, InputFormat, ReadError, ReadFormat, SliceReader, VolumeSource, check_request,
};
use super::description::Selected;
use super::directory::Directories;
use super::layout::{self, adjoining};
use super::overlay::Amended;
use super::page::{
    Page, Part, TiffDecoder, decoder, guarded, inspect, is_tiff, open_file, read_ids,
};
use crate::base::formats::StoredIds;
use crate::base::volume::triple;

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
    slices: usize,
    page: Page,
    file_bytes: u64,
    stored: StoredIds,
    background: Background,
    facts: Facts,
    /// Directories in place of the file's own, where these are odd or not in the order of the
    /// slices.
    amended: Option<Amended>,
    /// Set when the slices are not pages of their own.
    contiguous: Option<RawLayout>,
}

impl TiffStack {
    /// Reads the tags of every page and checks that they are ids of one size and type.
    ///
    /// # Errors
    /// When the file is no TIFF, damaged, or its pages differ or hold something else than ids.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, ReadError> {
        let whole_file = |error: ImageError| error.at(path, None);
        let stored = options.ids;
        let (file, file_bytes) = open_file(path).map_err(whole_file)?;
        // A reader of its own: readers of one file share their place in it.
        let (again, _) = open_file(path).map_err(whole_file)?;
        let (mut selected, mut amended, mut raw) = (Selected::default(), None, None);
        let mut is_palette = false;
        if let Some(mut directories) = Directories::read(again, file_bytes) {
            selected = layout::of_stack(&mut directories, options).map_err(whole_file)?;
            let first = selected.places.first().map_or(0, |place| place.page);
            is_palette = layout::is_palette(&mut directories, first);
            // Planes that adjoin are read without a decoder, which needs the first one for its
            // tags.
            raw = contiguous(&mut directories, &selected);
            let places = if raw.is_some() {
                &selected.places[..1]
            } else {
                &selected.places
            };
            amended = Amended::new(&mut directories, places).map_err(whole_file)?;
        }
        let mut decoder = decoder(file, file_bytes, amended.clone()).map_err(whole_file)?;
        let page = inspect(&mut decoder, stored).map_err(|error| error.at(path, Some(0)))?;
        let mut slices = 1;
        while raw.is_none() && decoder.more_images() {
            let other = guarded(|| decoder.next_image())
                .and_then(|()| inspect(&mut decoder, stored))
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
        let contiguous = raw.map(|(offset, slices, little_endian)| RawLayout {
            offset,
            shape: [slices, page.rows, page.columns],
            samples: page.samples,
            swapped: little_endian != cfg!(target_endian = "little"),
        });
        // The decoder may take damaged tags for others than were found here.
        let is_sound = |layout: &RawLayout| {
            let held = file_bytes.saturating_sub(layout.offset);
            page.is_whole_samples() && layout.bytes().is_some_and(|bytes| bytes <= held)
        };
        if contiguous.as_ref().is_some_and(|layout| !is_sound(layout)) {
            return Err(whole_file(ImageError::Corrupt(
                "its tags contradict one another; the file is damaged".to_owned(),
            )));
        }
        let facts = Facts {
            notes: selected.notes,
            voxel_nm: selected.voxel_nm,
            is_palette,
            is_float: page.samples.kind == SampleKind::Float,
        };
        Ok(Self {
            path: path.to_owned(),
            slices: contiguous.map_or(slices, |layout| layout.shape[0]),
            page,
            file_bytes,
            stored,
            background: Background::new(options),
            facts,
            amended,
            contiguous,
        })
    }
}

/// Where planes start that adjoin in one page, how many there are, and whether their bytes are
/// little endian.
fn contiguous(directories: &mut Directories, selected: &Selected) -> Option<(u64, usize, bool)> {
    let [first, .., last] = selected.places[..] else {
        return None;
    };
    let planes = selected.places.iter().enumerate();
    let adjoin = planes.fold(last.plane > 0, |adjoin, (slice, place)| {
        adjoin && (place.page, place.plane) == (first.page, first.plane + slice)
    });
    let adjoining = adjoining(directories, first.page).filter(|_| adjoin)?;
    if adjoining.room <= last.plane as u64 {
        return None;
    }
    let start = adjoining.start + adjoining.bytes * first.plane as u64;
    Some((start, selected.places.len(), directories.little_endian))
}

impl VolumeSource for TiffStack {
    fn shape(&self) -> [usize; 3] {
        [self.slices, self.page.rows, self.page.columns]
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
        let (file, file_bytes) = open_file(&self.path).map_err(whole_file)?;
        if file_bytes != self.file_bytes {
            return Err(whole_file(changed()));
        }
        let decoder = decoder(file, file_bytes, self.amended.clone()).map_err(whole_file)?;
        Ok(Box::new(PageReader {
            source: self,
            decoder,
            current: None,
            scratch: Vec::new(),
        }))
    }

    fn bits(&self) -> u8 {
        self.page.id_bits()
    }

    fn describe(&self) -> String {
        format!(
            "{} (TIFF stack of {} voxels, {})",
            self.path.display(),
            triple(self.shape(), " x "),
            self.page.kind()
        )
    }

    fn facts(&self) -> Facts {
        self.facts.clone()
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
        let page = inspect(&mut self.decoder, self.source.stored)?;
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
        let background = &self.source.background;
        let part = Part { x, y, background };
        self.seek(z)
            .and_then(|page| {
                let scratch = &mut self.scratch;
                read_ids(&mut self.decoder, &page, bytes, part, out, scratch)
            })
            .map_err(|error| error.at(&self.source.path, Some(z)))
    }
}
