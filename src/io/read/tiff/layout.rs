//! Which planes of a TIFF file are the slices of its volume, and where they lie.

use super::super::error::ImageError;
use super::super::options::ReadOptions;
use super::description::{
    self, Axis, AxisKind, Described, Pages, Place, Selected, Series, describe, select,
};
use super::directory::{Directories, tag};

/// Longest description that is looked at, in bytes: OME-XML tells of every plane.
const DESCRIPTION_BYTES: u64 = 1 << 25;

/// How the planes of a page lie in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Geometry {
    pub rows: u64,
    pub columns: u64,
    pub bits: u64,
    pub samples: u64,
    pub compression: u64,
    pub is_tiled: bool,
    /// Slices in the page.
    pub depth: u64,
}

impl Geometry {
    pub fn of(directories: &mut Directories, page: usize) -> Self {
        let mut first = |tag, default| directories.first(page, tag).unwrap_or(default);
        Self {
            rows: first(tag::LENGTH, 0),
            columns: first(tag::WIDTH, 0),
            bits: first(tag::BITS, 1),
            samples: first(tag::SAMPLES, 1),
            compression: first(tag::COMPRESSION, 1),
            is_tiled: first(tag::TILE_WIDTH, 0) > 0,
            depth: first(tag::IMAGE_DEPTH, 1).max(1),
        }
    }

    /// Bytes of rows without compression.
    pub fn bytes(&self, rows: u64) -> Option<u64> {
        let bits = self
            .columns
            .checked_mul(self.bits)?
            .checked_mul(self.samples)?;
        bits.div_ceil(8).checked_mul(rows)
    }
}

/// A page whose pixels lie in one piece without compression, so that others may follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adjoining {
    /// Where the first plane starts.
    pub start: u64,
    /// Bytes of a plane.
    pub bytes: u64,
    /// Planes that the file has room for.
    pub room: u64,
}

pub(super) fn adjoining(directories: &mut Directories, page: usize) -> Option<Adjoining> {
    let geometry = Geometry::of(directories, page);
    if geometry.compression != 1 || geometry.is_tiled || geometry.bits < 8 || geometry.samples != 1
    {
        return None;
    }
    let offsets = directories.numbers(page, tag::STRIP_OFFSETS);
    let rows = directories
        .first(page, tag::ROWS_PER_STRIP)
        .unwrap_or(geometry.rows);
    let bytes = geometry.bytes(rows.min(geometry.rows))?;
    let adjoin = |pair: &[u64]| pair[0].checked_add(bytes) == Some(pair[1]);
    let start = *offsets.first()?;
    let whole = geometry.bytes(geometry.rows).filter(|&bytes| bytes > 0)?;
    let held = directories.chain().file_bytes.saturating_sub(start);
    offsets.windows(2).all(adjoin).then_some(Adjoining {
        start,
        bytes: whole,
        room: held / whole,
    })
}

/// The planes of a stack in the order of its slices.
pub(super) fn of_stack(
    directories: &mut Directories,
    options: &ReadOptions,
) -> Result<Selected, ImageError> {
    let full = full_pages(directories);
    let all = directories.count();
    let described = match special(directories, &full)? {
        Some(described) => described,
        None => by_description(directories, &full, options)?,
    };
    let mut selected = select(&described, options)?;
    let skipped = all - full.len();
    if skipped > 0
        && selected
            .places
            .iter()
            .all(|place| full.binary_search(&place.page).is_ok())
    {
        selected.notes.push(format!(
            "{skipped} of the {all} pages are smaller copies of others (thumbnails), and are left out"
        ));
    }
    Ok(selected)
}

/// Whether the samples of a page are indices of a palette.
pub(super) fn is_palette(directories: &mut Directories, page: usize) -> bool {
    directories.first(page, tag::PHOTOMETRIC) == Some(PALETTE)
}

/// TIFF's number for pixels that are indices of a palette.
pub(super) const PALETTE: u64 = 3;

/// The only plane of a file that is one image of a folder.
pub(super) fn of_image(directories: &mut Directories) -> Result<Place, ImageError> {
    let full = full_pages(directories);
    let many = match special(directories, &full)? {
        Some(described) => described
            .series
            .iter()
            .any(|series| series.planes.len() > 1),
        None => {
            let text =
                directories.description(full.first().copied().unwrap_or(0), DESCRIPTION_BYTES);
            let is_note = text.starts_with("ImageJ=") || text.trim_start().starts_with('{');
            is_note && {
                let described = by_description(directories, &full, &ReadOptions::default())?;
                described
                    .series
                    .first()
                    .is_some_and(|series| series.planes.len() > 1)
            }
        }
    };
    if full.len() > 1 || many {
        return Err(ImageError::MultiPage);
    }
    Ok(Place::page(full.first().copied().unwrap_or(0)))
}

/// The pages that are no smaller copies of others, by their own word.
fn full_pages(directories: &mut Directories) -> Vec<usize> {
    let pages = 0..directories.count();
    let said: Vec<(usize, bool, u64)> = pages
        .map(|page| {
            let kind = directories.first(page, tag::NEW_SUBFILE_TYPE).unwrap_or(0);
            let old = directories.first(page, tag::SUBFILE_TYPE).unwrap_or(0);
            let size =
                |directories: &mut Directories, tag| directories.first(page, tag).unwrap_or(0);
            let area = size(directories, tag::WIDTH).saturating_mul(size(directories, tag::LENGTH));
            (page, kind & 1 != 0 || old == 2, area)
        })
        .collect();
    let largest = said
        .iter()
        .filter(|(_, reduced, _)| !reduced)
        .map(|(_, _, area)| *area)
        .max();
    let is_full = |&&(_, reduced, area): &&(usize, bool, u64)| {
        !reduced || largest.is_none_or(|largest| area >= largest)
    };
    said.iter()
        .filter(is_full)
        .map(|(page, _, _)| *page)
        .collect()
}

/// Files of which a page holds several slices by tags of its own: MetaMorph's stacks and SGI's
/// volumes.
fn special(directories: &mut Directories, full: &[usize]) -> Result<Option<Described>, ImageError> {
    let slices = |writer: &'static str, count: usize, place: &dyn Fn(usize) -> Place| Described {
        writer,
        series: vec![Series {
            axes: vec![Axis {
                kind: AxisKind::Slices,
                name: "slices".to_owned(),
                size: count,
            }],
            planes: (0..count).map(|slice| Some(place(slice))).collect(),
            ..Series::default()
        }],
        notes: Vec::new(),
    };
    if let [page] = *full {
        let planes = directories
            .entry(page, tag::UIC2)
            .map_or(1, |entry| entry.count);
        if planes > 1 {
            let room = adjoining(directories, page).map(|adjoining| adjoining.room);
            let (Some(room), Ok(count)) = (room, usize::try_from(planes)) else {
                return Err(ImageError::Unsupported(format!(
                    "{STK} announces {planes} slices in one page, which are read in one piece and without compression \
                     only; save them as pages"
                )));
            };
            let (planes, problem) = description::adjoining(STK, page, count, room);
            let mut described = slices(STK, 0, &Place::page);
            for series in &mut described.series {
                series.axes[0].size = planes.len();
                (series.planes, series.problem) = (planes.clone(), problem.clone());
            }
            return Ok(Some(described));
        }
    }
    let depths: Vec<u64> = full
        .iter()
        .map(|&page| Geometry::of(directories, page).depth)
        .collect();
    if depths.iter().all(|&depth| depth == 1) {
        return Ok(None);
    }
    let sum = depths
        .iter()
        .try_fold(0u64, |sum, &depth| sum.checked_add(depth));
    if sum.is_none_or(|sum| sum > directories.chain().file_bytes) {
        return Err(ImageError::Corrupt(
            "its tag ImageDepth announces more slices than the file can hold; it is damaged"
                .to_owned(),
        ));
    }
    let places: Vec<Place> = std::iter::zip(full, &depths)
        .flat_map(|(&page, &depth)| (0..depth as usize).map(move |plane| Place { page, plane }))
        .collect();
    Ok(Some(slices("its tag ImageDepth", places.len(), &|slice| {
        places[slice]
    })))
}

const STK: &str = "its MetaMorph tag UIC2";

fn by_description(
    directories: &mut Directories,
    full: &[usize],
    options: &ReadOptions,
) -> Result<Described, ImageError> {
    let first = full.first().copied().unwrap_or(0);
    let per_unit = [tag::Y_RESOLUTION, tag::X_RESOLUTION].map(|tag| directories.ratio(first, tag));
    let all = directories.count();
    let shared = std::cell::RefCell::new(&mut *directories);
    let described = describe(&mut Pages {
        full,
        all,
        text: &mut |page| shared.borrow_mut().description(page, DESCRIPTION_BYTES),
        adjoin: &mut |page| Some(adjoining(&mut shared.borrow_mut(), page)?.room),
        per_unit,
    })?;
    if options.series.is_some() && described.series.len() == 1 && described.writer == "the file" {
        return Ok(by_size(directories, full));
    }
    Ok(described)
}

/// Pages of one size and type that follow one another, as a series each.
fn by_size(directories: &mut Directories, full: &[usize]) -> Described {
    let mut series: Vec<(Vec<u64>, Vec<usize>)> = Vec::new();
    for &page in full {
        let tags = [
            tag::LENGTH,
            tag::WIDTH,
            tag::BITS,
            tag::SAMPLES,
            tag::SAMPLE_FORMAT,
        ];
        let look: Vec<u64> = tags
            .iter()
            .map(|&tag| directories.first(page, tag).unwrap_or(1))
            .collect();
        match series.last_mut() {
            Some((other, pages)) if *other == look => pages.push(page),
            _ => series.push((look, vec![page])),
        }
    }
    let series = series.into_iter().map(|(look, pages)| Series {
        name: format!("{} x {} x {}", pages.len(), look[0], look[1]),
        axes: vec![Axis {
            kind: AxisKind::Slices,
            name: "slices".to_owned(),
            size: pages.len(),
        }],
        planes: pages
            .into_iter()
            .map(|page| Some(Place::page(page)))
            .collect(),
        ..Series::default()
    });
    Described {
        writer: "the file",
        series: series.collect(),
        notes: Vec::new(),
    }
}
