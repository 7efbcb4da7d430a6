//! Where the pixels of a slice lie in a TIFF file: the strips or tiles of a page, some of those of
//! a page that holds several slices, or a piece of its own.

use std::ops::Range;

use super::super::error::ImageError;
use super::description::Place;
use super::directory::{Directories, damaged, tag};
use super::layout::{Geometry, adjoining};

/// The strips or tiles of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    /// Rows of a chunk that are of the slice; those of tiles may go beyond the page.
    pub rows: usize,
    /// Columns of a chunk; those of tiles may go beyond the page.
    pub columns: usize,
    /// Slices that share a chunk, one below the other, and which of them this one is.
    pub shared: [usize; 2],
    pub is_tiled: bool,
    source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The tags of a page list them, from this one on; their lengths perhaps not.
    Listed { first: u64, has_bytes: bool },
    /// The slice is one piece, without compression.
    Piece { start: u64 },
}

/// Where a chunk lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkPlace {
    pub start: u64,
    /// Its bytes, compressed or not; `None` where nobody tells.
    pub bytes: Option<u64>,
}

impl Chunks {
    /// Where those of a plane lie.
    ///
    /// # Errors
    /// When tags are missing or contradict one another, or the plane cannot be told apart in its
    /// page.
    pub fn of(directories: &mut Directories, place: Place) -> Result<Self, ImageError> {
        let page = place.page;
        let geometry = Geometry::of(directories, page);
        let count = |directories: &mut Directories, tag| {
            directories.entry(page, tag).map_or(0, |entry| entry.count)
        };
        let strips = count(directories, tag::STRIP_OFFSETS);
        let tiles = count(directories, tag::TILE_OFFSETS);
        match (strips, tiles) {
            (0, 0) => Err(damaged("it does not tell where its pixels are")),
            (_, 0) => Self::strips(directories, place, &geometry, strips),
            (0, _) => Self::tiles(directories, place, &geometry, tiles),
            _ => Err(damaged("its pixels are in strips and in tiles")),
        }
    }

    fn strips(
        directories: &mut Directories,
        place: Place,
        geometry: &Geometry,
        listed: u64,
    ) -> Result<Self, ImageError> {
        let page = place.page;
        let sizes = directories.entry(page, tag::STRIP_BYTES);
        let sizes = sizes.map_or(0, |entry| entry.count);
        let rows = directories.scalar(page, tag::ROWS_PER_STRIP)?;
        let rows = rows.unwrap_or(geometry.rows).min(geometry.rows);
        if rows == 0 {
            return Err(damaged("its strips have no rows"));
        }
        let strips = geometry.rows.div_ceil(rows);
        let of_rows = |rows: u64, source| Self {
            rows: rows as usize,
            columns: geometry.columns as usize,
            shared: [1, 0],
            is_tiled: false,
            source,
        };
        let all = strips.checked_mul(geometry.depth);
        if all == Some(listed) && (place.plane as u64) < geometry.depth {
            let has_bytes = sizes == listed;
            if !has_bytes && geometry.compression != 1 {
                return Err(damaged("it does not tell how long its strips are"));
            }
            let first = place.plane as u64 * strips;
            return Ok(of_rows(rows, Source::Listed { first, has_bytes }));
        }
        if geometry.depth == 1 && place.plane == 0 {
            let what = format_args!("it has {listed} strips, but its rows are {strips}");
            return Err(damaged(what));
        }
        let start = adjoining(directories, page).and_then(|adjoining| {
            let shift = adjoining.bytes.checked_mul(place.plane as u64)?;
            adjoining.start.checked_add(shift)
        });
        match start {
            Some(start) => Ok(of_rows(geometry.rows, Source::Piece { start })),
            None => Err(ImageError::Unsupported(format!(
                "page {page} holds several slices, which are read as strips of their own or in one piece without \
                 compression only; save a page per slice"
            ))),
        }
    }

    fn tiles(
        directories: &mut Directories,
        place: Place,
        geometry: &Geometry,
        listed: u64,
    ) -> Result<Self, ImageError> {
        let page = place.page;
        let sizes = directories.entry(page, tag::TILE_BYTES);
        let sizes = sizes.map_or(0, |entry| entry.count);
        let mut size = |tag| {
            let size = directories.scalar(page, tag)?.unwrap_or(0);
            // More rows or columns than any image has.
            match size {
                1..=0xffff_ffff => Ok(size),
                _ => Err(damaged(format_args!("its tiles cannot be of size {size}"))),
            }
        };
        let (columns, rows) = (size(tag::TILE_WIDTH)?, size(tag::TILE_LENGTH)?);
        let is_deep = geometry.depth > 1;
        let deep = match is_deep {
            true => directories.first(page, tag::TILE_DEPTH).unwrap_or(1).max(1),
            false => 1,
        };
        // Padding is decoded and thrown away, so its size must be sane too.
        if columns > geometry.columns.saturating_add(1 << 16) {
            let reason = format!("tiles of {rows} x {columns} pixels cannot be right");
            return Err(ImageError::Corrupt(reason));
        }
        let layer = geometry.rows.div_ceil(rows) * geometry.columns.div_ceil(columns);
        let layers = geometry.depth.div_ceil(deep);
        if listed != sizes || layer.checked_mul(layers) != Some(listed) {
            let what = format_args!("it names {listed} tiles, and the bytes of {sizes}");
            return Err(damaged(what));
        }
        let plane = place.plane as u64;
        let (first, has_bytes) = (plane / deep * layer, true);
        Ok(Self {
            rows: rows as usize,
            columns: columns as usize,
            shared: [deep, plane % deep].map(|slices| slices as usize),
            is_tiled: true,
            source: Source::Listed { first, has_bytes },
        })
    }
}

/// The places of a page's chunks, some of them at a time.
#[derive(Default)]
pub(super) struct ChunkPlaces {
    known: Range<u64>,
    places: Vec<ChunkPlace>,
}

impl ChunkPlaces {
    /// Chunks whose places are read together.
    const TOGETHER: u64 = 1024;

    /// Where a chunk of a slice lies, by its number there.
    ///
    /// # Errors
    /// When the tags do not tell.
    pub fn get(
        &mut self,
        directories: &mut Directories,
        page: usize,
        chunks: &Chunks,
        number: usize,
    ) -> Result<ChunkPlace, ImageError> {
        let (first, has_bytes) = match chunks.source {
            Source::Piece { start } => return Ok(ChunkPlace { start, bytes: None }),
            Source::Listed { first, has_bytes } => (first, has_bytes),
        };
        let number = first + number as u64;
        if !self.known.contains(&number) {
            let (starts, sizes) = match chunks.is_tiled {
                true => (tag::TILE_OFFSETS, tag::TILE_BYTES),
                false => (tag::STRIP_OFFSETS, tag::STRIP_BYTES),
            };
            let missing = || damaged("it names fewer strips or tiles than it needs");
            let starts = directories.entry(page, starts).ok_or_else(missing)?;
            let end = starts.count.min(number.saturating_add(Self::TOGETHER));
            let starts = directories.values(&starts, number..end)?;
            let sizes = match has_bytes {
                true => {
                    let sizes = directories.entry(page, sizes).ok_or_else(missing)?;
                    directories
                        .values(&sizes, number..end)?
                        .into_iter()
                        .map(Some)
                        .collect()
                }
                false => vec![None; starts.len()],
            };
            let places = std::iter::zip(starts, sizes);
            self.places = places
                .map(|(start, bytes)| ChunkPlace { start, bytes })
                .collect();
            self.known = number..end;
        }
        let place = self.places.get((number - self.known.start) as usize);
        place
            .copied()
            .ok_or_else(|| damaged("it names fewer strips or tiles than it needs"))
    }
}
