//! TIFF stacks (TIFF 6.0; BigTIFF where 4 GB may not do), one page per slice, in strips, with
//! ImageJ's tags for physical sizes. No time stamps: equal runs give equal bytes.
//!
//! Compression by measurement (with miniz_oxide; a 256^3 crop of connectomics ids; blurred photon
//! counts): ids are runs of equal numbers, which Deflate alone packs a third smaller than after the
//! horizontal predictor, and level 6 a quarter smaller than level 4; intensities vary smoothly:
//! there the predictor saves 30 per cent, and level 6 only 2 per cent over level 4.

mod directory;
mod encode;
mod imagej;
#[cfg(test)]
mod tests;

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tiff::TiffError;
use tiff::encoder::{TiffEncoder, TiffKindBig, TiffKindStandard};
use tiff::tags::Predictor;

use self::directory::{append_page, uncompressed_head};
use self::encode::TiffPageEncoder;
use super::volume::{SliceCount, with_extension};
use super::{
    Compression, Content, EncodedPiece, IdStorage, OutputFolder, OutputFormat, PieceEncoder,
    StagedFile, Target, VolumeLayout, VolumeSink, WriteError, WriteFormat,
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

    fn predictor(&self) -> Predictor {
        let smooth = self.content == Content::Intensity && self.pixel.sample_bytes() <= 2;
        if smooth && self.compression == Compression::Deflate {
            Predictor::Horizontal
        } else {
            Predictor::None
        }
    }

    /// Upper bound of the file's size in bytes: incompressible pixels, in Deflate's stored
    /// blocks, with all tags.
    fn most_bytes(&self) -> u64 {
        let page = (self.row_bytes() as u64).saturating_mul(self.shape[1] as u64);
        let strips = self.shape[1].div_ceil(self.rows_per_strip()) as u64;
        let text = self.metadata.most_tag_bytes(self.shape[0]);
        let page = page.saturating_add(page / 1000 + strips * 64 + 1024);
        page.saturating_mul(self.shape[0] as u64)
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
        let tiff = match layout.compression {
            Compression::None => uncompressed_head(&layout)
                .and_then(|head| Ok(file.write_all(&head)?))
                .map(|()| Flavour::Uncompressed),
            Compression::Deflate if layout.is_big() => {
                TiffEncoder::new_big(file.clone()).map(Flavour::Big)
            }
            Compression::Deflate => TiffEncoder::new(file.clone()).map(Flavour::Classic),
        };
        Ok(Self {
            tiff: tiff.map_err(|error| from_tiff(&path, error))?,
            count: SliceCount::new(path, &layout),
            encoder: Arc::new(TiffPageEncoder { layout }),
            file,
        })
    }
}

impl VolumeSink for TiffStackWriter {
    fn encoder(&self) -> Arc<dyn PieceEncoder> {
        Arc::clone(&self.encoder) as Arc<dyn PieceEncoder>
    }

    fn append(&mut self, page: EncodedPiece) -> Result<(), WriteError> {
        let layout = &self.encoder.layout;
        let first = self.count.next()? == 0;
        let expected = layout.row_bytes() * layout.shape[1];
        if layout.compression == Compression::None && page.bytes() != expected {
            return Err(WriteError::PageSize {
                expected,
                found: page.bytes(),
            });
        }
        match &mut self.tiff {
            Flavour::Uncompressed => page
                .parts
                .iter()
                .try_for_each(|strip| self.file.write_all(strip))
                .map_err(TiffError::from),
            Flavour::Classic(tiff) => append_page(tiff, layout, &page, first),
            Flavour::Big(tiff) => append_page(tiff, layout, &page, first),
        }
        .map_err(|error| from_tiff(&self.count.path, error))
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        self.count.finish()?;
        let path = self.count.path;
        drop(self.tiff);
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
