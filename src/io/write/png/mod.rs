//! A folder of PNGs (ISO/IEC 15948), one per slice, with the size of a pixel and a text in each. No
//! time stamps.
//!
//! This uses the `png` crate itself, since `image` writes neither sizes nor texts.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use png::{BitDepth, ColorType, Encoder, EncodingError, Filter, PixelDimensions, Unit};

use super::volume::SliceCount;
use super::{
    Content, EncodedPiece, IdStorage, OutputFolder, OutputFormat, PieceEncoder, PixelType,
    StagedTree, Target, VolumeLayout, VolumeSink, WriteError, WriteFormat,
};

/// The format's name in messages.
const FORMAT: &str = "PNG";

/// A folder with a PNG per slice; ids as 16-bit numbers.
pub(super) struct PngSequence;

pub(super) static PNG_SEQUENCE: PngSequence = PngSequence;

impl WriteFormat for PngSequence {
    fn format(&self) -> OutputFormat {
        OutputFormat {
            name: "image sequence",
            noun: "folder of PNG images",
            grey_bits: 16,
            holds_channels: false,
            holds_all: false,
            piece_slices: 1,
        }
    }

    fn target(&self, stem: &Path) -> Target {
        Target::Tree(stem.to_owned())
    }

    fn ids(&self) -> IdStorage {
        IdStorage::Numbers(u16::MAX.into())
    }

    fn most_bytes(&self, layout: &VolumeLayout) -> u64 {
        let [slices, rows, columns] = layout.shape.map(|size| size as u64);
        let pixel_bytes = match layout.content {
            Content::Labels => 2 * layout.pixel.samples() as u64,
            Content::Intensity => layout.pixel.bytes() as u64,
        };
        let page = rows.saturating_mul(columns).saturating_mul(pixel_bytes);
        // Deflate stores what it cannot pack; each row has a byte for its filter.
        let stored = page.saturating_add(page / 1000).saturating_add(rows);
        let texts = layout.metadata.text().len() as u64 + 1024;
        slices.saturating_mul(stored.saturating_add(texts))
    }

    fn create(
        &self,
        output: &mut OutputFolder,
        stem: &Path,
        layout: VolumeLayout,
    ) -> Result<Box<dyn VolumeSink>, WriteError> {
        check(&output.root().join(stem), &layout)?;
        let files = output.create_tree(stem)?;
        Ok(Box::new(PngSequenceWriter {
            count: SliceCount::new(files.target().to_owned(), &layout),
            files,
            encoder: Arc::new(PngEncoder {
                folder: output.root().join(stem),
                text: layout.metadata.text(),
                layout,
            }),
        }))
    }
}

/// The name of a slice's file: as many digits as the last of `slices` needs.
fn slice_name(slice: usize, slices: usize) -> String {
    let digits = slices.saturating_sub(1).to_string().len();
    format!("image_{slice:0digits$}.png")
}

/// Checks that PNGs can hold the volume, which is to go to `folder`.
fn check(folder: &Path, layout: &VolumeLayout) -> Result<(), WriteError> {
    let refuse = |reason: String| {
        let path = folder.to_owned();
        let format = FORMAT;
        Err(WriteError::Format {
            path,
            format,
            reason,
        })
    };
    let [slices, rows, columns] = layout.shape;
    let fits = |side: usize| (1..1 << 31).contains(&side);
    if slices == 0 || !fits(rows) || !fits(columns) {
        return refuse(format!(
            "{slices} slices of {rows} x {columns} pixels; an image has 1 to 2^31 - 1 rows and columns"
        ));
    }
    match (layout.pixel, layout.content) {
        (PixelType::Float32, _) => refuse(
            "it holds no floating point numbers; choose [output] format = \"tiff\"".to_owned(),
        ),
        (PixelType::Gray32 | PixelType::Gray64, Content::Intensity) => refuse(
            "it holds at most 16 bits per value; choose [output] format = \"tiff\"".to_owned(),
        ),
        _ => Ok(()),
    }
}

/// Writes a PNG per slice into a [`StagedTree`].
struct PngSequenceWriter {
    encoder: Arc<PngEncoder>,
    files: StagedTree,
    count: SliceCount,
}

impl VolumeSink for PngSequenceWriter {
    fn encoder(&self) -> Arc<dyn PieceEncoder> {
        Arc::clone(&self.encoder) as Arc<dyn PieceEncoder>
    }

    fn append(&mut self, slice: EncodedPiece) -> Result<(), WriteError> {
        let name = slice_name(self.count.next()?, self.encoder.layout.shape[0]);
        self.files.write(name.as_ref(), &slice.parts.concat())
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        self.count.finish()?;
        self.files.finish()
    }
}

/// Encodes the slices of one volume.
struct PngEncoder {
    layout: VolumeLayout,
    text: String,
    /// Where the files are to lie, for messages.
    folder: PathBuf,
}

impl PieceEncoder for PngEncoder {
    fn encode(&self, pixels: &[u8]) -> Result<EncodedPiece, WriteError> {
        self.layout.check_slice(pixels)?;
        let samples = self.samples(pixels)?;
        let file = self
            .png(&samples)
            .map_err(|error| from_png(&self.folder, error))?;
        Ok(EncodedPiece { parts: vec![file] })
    }
}

impl PngEncoder {
    /// Ids are 16 bit whatever their type was, and PNG is big-endian.
    fn samples<'a>(&self, pixels: &'a [u8]) -> Result<Cow<'a, [u8]>, WriteError> {
        let labels = self.layout.content == Content::Labels;
        Ok(match self.layout.pixel {
            PixelType::Gray8 if labels => pixels.iter().flat_map(|&id| [0, id]).collect(),
            PixelType::Gray16 | PixelType::Rgb16 => pixels
                .as_chunks()
                .0
                .iter()
                .flat_map(|&value| u16::from_ne_bytes(value).to_be_bytes())
                .collect(),
            PixelType::Gray32 => {
                let ids = pixels.as_chunks().0.iter();
                self.narrow(ids.map(|&id| u64::from(u32::from_ne_bytes(id))))?
                    .into()
            }
            PixelType::Gray64 => {
                let ids = pixels.as_chunks().0.iter();
                self.narrow(ids.map(|&id| u64::from_ne_bytes(id)))?.into()
            }
            _ => pixels.into(),
        })
    }

    fn narrow(&self, ids: impl ExactSizeIterator<Item = u64>) -> Result<Vec<u8>, WriteError> {
        let mut bytes = Vec::with_capacity(2 * ids.len());
        for id in ids {
            let Ok(narrow) = u16::try_from(id) else {
                let path = self.folder.clone();
                return Err(WriteError::IdTooLarge { path, id });
            };
            bytes.extend(narrow.to_be_bytes());
        }
        Ok(bytes)
    }

    fn png(&self, samples: &[u8]) -> Result<Vec<u8>, EncodingError> {
        let [_, rows, columns] = self.layout.shape;
        let mut file = Vec::with_capacity(samples.len() / 4 + 1024);
        let mut encoder = Encoder::new(&mut file, columns as u32, rows as u32);
        let labels = self.layout.content == Content::Labels;
        let (colour, depth) = match self.layout.pixel {
            PixelType::Rgb8 => (ColorType::Rgb, BitDepth::Eight),
            PixelType::Rgb16 => (ColorType::Rgb, BitDepth::Sixteen),
            PixelType::Gray8 if !labels => (ColorType::Grayscale, BitDepth::Eight),
            _ => (ColorType::Grayscale, BitDepth::Sixteen),
        };
        encoder.set_color(colour);
        encoder.set_depth(depth);
        // Measured: ids are runs of equal numbers, which an exhaustive search packs twice as small
        // as a quick one, and no filter helps; for blurred spots with noise, the search takes
        // thirty times as long and saves at most a tenth.
        if labels {
            encoder.set_compression(png::Compression::Balanced);
            encoder.set_filter(Filter::NoFilter);
        } else {
            encoder.set_compression(png::Compression::Fast);
            encoder.set_filter(Filter::Paeth);
        }
        let [_, x_nm, y_nm] = self.layout.metadata.voxel_nm;
        let per_metre = |nm: f64| (1e9 / nm).round().clamp(1.0, f64::from(u32::MAX)) as u32;
        encoder.set_pixel_dims(Some(PixelDimensions {
            xppu: per_metre(y_nm),
            yppu: per_metre(x_nm),
            unit: Unit::Meter,
        }));
        encoder.add_text_chunk("Software".to_owned(), "simexm-gpu".to_owned())?;
        let key = "Description".to_owned();
        if self.text.chars().all(|c| u8::try_from(c).is_ok()) {
            encoder.add_text_chunk(key, self.text.clone())?;
        } else {
            // What is not Latin-1 has a chunk of its own kind.
            encoder.add_itxt_chunk(key, self.text.clone())?;
        }
        let mut writer = encoder.write_header()?;
        writer.write_image_data(samples)?;
        writer.finish()?;
        Ok(file)
    }
}

fn from_png(folder: &Path, error: EncodingError) -> WriteError {
    match error {
        EncodingError::IoError(error) => WriteError::io(folder, error),
        other => WriteError::Format {
            path: folder.to_owned(),
            format: FORMAT,
            reason: other.to_string(),
        },
    }
}
