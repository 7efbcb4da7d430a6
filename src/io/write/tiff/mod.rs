//! TIFF stacks (TIFF 6.0; BigTIFF where 4 GB may not do), one page per slice, in strips, with
//! ImageJ's tags for physical sizes. No time stamps: equal runs give equal bytes.
//!
//! Compression by measurement (with miniz_oxide; a 256^3 crop of connectomics ids; blurred photon
//! counts): of ids level 6 makes a quarter less than level 4, of intensities only 2 per cent. The
//! horizontal predictor would save 30 per cent of these, but ImageJ (1.53t) does not undo it behind
//! Deflate, and shows the differences.

mod directory;
mod encode;
mod imagej;
mod seen;
#[cfg(test)]
mod tests;

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tiff::TiffError;
use tiff::encoder::{TiffEncoder, TiffKindBig, TiffKindStandard};

use self::directory::{Places, append_page, tell_extremes, uncompressed_head};
use self::encode::TiffPageEncoder;
use self::seen::Seen;
use super::volume::{SliceCount, with_extension};
use super::{
    ChannelInfo, Compression, Content, EncodedPiece, IdStorage, OutputFolder, OutputFormat,
    PieceEncoder, PixelType, StagedFile, Target, VolumeLayout, VolumeSink, WriteError, WriteFormat,
};

/// Aimed size of an uncompressed strip, in bytes.
const STRIP_BYTES: usize = 1 << 17;
/// The format's name in messages.
const FORMAT: &str = "TIFF";

/// A TIFF stack, a page per slice: any pixel, any id, all metadata.
pub(super) struct Tiff;

pub(super) static TIFF: Tiff = Tiff;

impl WriteFormat for Tiff {
    fn format(&self) -> OutputFormat {
        OutputFormat {
            name: "tiff",
            noun: "TIFF stack",
            grey_bits: 64,
            holds_channels: true,
            holds_all: false,
            piece_slices: 1,
        }
    }

    fn target(&self, stem: &Path) -> Target {
        Target::File(with_extension(stem, ".tiff"))
    }

    fn ids(&self) -> IdStorage {
        IdStorage::Numbers(u64::MAX)
    }

    fn most_bytes(&self, layout: &VolumeLayout) -> u64 {
        layout.most_bytes()
    }

    fn create(
        &self,
        output: &mut OutputFolder,
        stem: &Path,
        layout: VolumeLayout,
    ) -> Result<Box<dyn VolumeSink>, WriteError> {
        let file = output.create(self.target(stem).path())?;
        Ok(Box::new(TiffStackWriter::create(file, layout)?))
    }
}

impl VolumeLayout {
    fn row_bytes(&self) -> usize {
        self.shape[2] * self.pixel.bytes()
    }

    fn rows_per_strip(&self) -> usize {
        (STRIP_BYTES / self.row_bytes().max(1)).clamp(1, self.shape[1].max(1))
    }

    /// Whether the smallest and the largest value are written down, by which ImageJ shows the whole
    /// stack alike: of brightness in numbers that ImageJ has.
    fn tells_extremes(&self) -> bool {
        self.content == Content::Intensity
            && self.pixel.samples() == 1
            && self.pixel != PixelType::Gray64
    }

    /// The channel whose table of colours goes with the pages: of a stack of it alone.
    fn coloured(&self) -> Option<&ChannelInfo> {
        let has_tables = matches!(self.pixel, PixelType::Gray8 | PixelType::Gray16);
        match self.metadata.channels.as_slice() {
            [channel] if has_tables => Some(channel),
            _ => None,
        }
    }

    /// Upper bound of the file's size in bytes: incompressible pixels, in Deflate's stored
    /// blocks, with all tags.
    fn most_bytes(&self) -> u64 {
        let page = (self.row_bytes() as u64).saturating_mul(self.shape[1] as u64);
        let strips = self.shape[1].div_ceil(self.rows_per_strip()) as u64;
        let text = self.metadata.most_tag_bytes(self.shape[0]);
        let colours = self.coloured().map_or(0, |_| 2 * 3 * 256);
        let page = page.saturating_add(page / 1000 + strips * 64 + 1024 + colours);
        page.saturating_mul((self.shape[0] * self.planes()) as u64)
            .saturating_add(text + 1024)
    }

    fn is_big(&self) -> bool {
        self.most_bytes() > u64::from(u32::MAX)
    }
}

/// Writes a TIFF stack page by page into a [`StagedFile`].
pub struct TiffStackWriter {
    encoder: Arc<TiffPageEncoder>,
    file: SharedFile,
    tiff: Flavour,
    count: SliceCount,
    places: Option<Places>,
}

enum Flavour {
    /// Header and directories are written, pixels follow.
    Uncompressed,
    Classic(TiffEncoder<SharedFile, TiffKindStandard>),
    Big(TiffEncoder<SharedFile, TiffKindBig>),
}

impl TiffStackWriter {
    /// Starts a stack in `file`.
    ///
    /// # Errors
    /// When a page is empty or wider than TIFF's 32-bit sizes, or the file cannot be written.
    pub fn create(file: StagedFile, layout: VolumeLayout) -> Result<Self, WriteError> {
        let path = file.target().to_owned();
        let fits = |size: usize| size > 0 && u32::try_from(size).is_ok();
        if !layout.shape.into_iter().all(fits) {
            let [z, x, y] = layout.shape;
            return Err(WriteError::Format {
                path,
                format: FORMAT,
                reason: format!("{z} x {x} x {y} pixels; each axis has 1 to 2^32 - 1"),
            });
        }
        let buffer = BufWriter::with_capacity(STRIP_BYTES, file);
        let mut file = SharedFile(Arc::new(Mutex::new(buffer)));
        let mut places = None;
        let tiff = match layout.compression {
            Compression::None => uncompressed_head(&layout).and_then(|(head, texts)| {
                places = texts;
                file.write_all(&head)?;
                Ok(Flavour::Uncompressed)
            }),
            Compression::Deflate if layout.is_big() => {
                TiffEncoder::new_big(file.clone()).map(Flavour::Big)
            }
            Compression::Deflate => TiffEncoder::new(file.clone()).map(Flavour::Classic),
        };
        Ok(Self {
            tiff: tiff.map_err(|error| from_tiff(&path, error))?,
            count: SliceCount::new(path, &layout),
            encoder: Arc::new(TiffPageEncoder {
                seen: Seen::new(&layout),
                layout,
            }),
            file,
            places,
        })
    }
}

impl VolumeSink for TiffStackWriter {
    fn encoder(&self) -> Arc<dyn PieceEncoder> {
        Arc::clone(&self.encoder) as Arc<dyn PieceEncoder>
    }

    fn append(&mut self, slice: EncodedPiece) -> Result<(), WriteError> {
        let layout = &self.encoder.layout;
        let first = self.count.next()? == 0;
        let planes = layout.planes();
        let expected = layout.page_bytes() * planes;
        if layout.compression == Compression::None && slice.bytes() != expected {
            return Err(WriteError::PageSize {
                expected,
                found: slice.bytes(),
            });
        }
        let pages = slice.parts.chunks((slice.parts.len() / planes).max(1));
        for (plane, page) in pages.enumerate() {
            let first = first && plane == 0;
            let places = match &mut self.tiff {
                Flavour::Uncompressed => page
                    .iter()
                    .try_for_each(|strip| self.file.write_all(strip))
                    .map(|()| None)
                    .map_err(TiffError::from),
                Flavour::Classic(tiff) => append_page(tiff, layout, page, first),
                Flavour::Big(tiff) => append_page(tiff, layout, page, first),
            };
            let places = places.map_err(|error| from_tiff(&self.count.path, error))?;
            self.places = self.places.or(places);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        self.count.finish()?;
        let path = self.count.path;
        drop(self.tiff);
        if let (Some(places), Some(seen)) = (self.places, self.encoder.seen.extremes()) {
            let layout = &self.encoder.layout;
            tell_extremes(&mut self.file, layout, places, &seen)
                .map_err(|error| WriteError::io(&path, error))?;
        }
        let Some(buffer) = Arc::into_inner(self.file.0) else {
            return Err(WriteError::Incomplete { path });
        };
        let buffer = buffer.into_inner().unwrap_or_else(PoisonError::into_inner);
        let file = buffer
            .into_inner()
            .map_err(|error| WriteError::io(&path, error.into_error()))?;
        file.finish()
    }
}

fn from_tiff(path: &Path, error: TiffError) -> WriteError {
    match error {
        TiffError::IoError(error) => WriteError::io(path, error),
        TiffError::IntSizeError => WriteError::Format {
            path: path.to_owned(),
            format: FORMAT,
            reason: "it grows beyond 4 GB".to_owned(),
        },
        other => WriteError::Format {
            path: path.to_owned(),
            format: FORMAT,
            reason: other.to_string(),
        },
    }
}

/// The TIFF encoder keeps its writer to itself; this second handle flushes it at the end, so
/// that no error is lost in a drop.
#[derive(Clone)]
struct SharedFile(Arc<Mutex<BufWriter<StagedFile>>>);

impl SharedFile {
    fn with<T>(&self, act: impl FnOnce(&mut BufWriter<StagedFile>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(Write::flush)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.with(|file| file.seek(position))
    }
}
