//! GIF animations (89a), a frame per slice, for looking at a volume in anything that shows
//! pictures: half a second a frame, endlessly. Grey values are kept; RGB is brought to 256 colours,
//! chosen for each frame; ids are painted.

mod quantise;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use gif::{AnyExtension, Encoder, EncodingError, Frame, Repeat};

use self::quantise::quantise;
use super::metadata::to_ascii;
use super::volume::{SliceCount, with_extension};
use super::{
    Content, EncodedPiece, IdStorage, OutputFolder, OutputFormat, PieceEncoder, PixelType,
    StagedFile, Target, VolumeLayout, VolumeSink, WriteError, WriteFormat,
};
use crate::base::colour;

/// The format's name in messages.
const FORMAT: &str = "GIF";
/// Time that a frame is shown, in hundredths of a second.
const FRAME_CENTISECONDS: u16 = 50;
/// Colours for ids, beside black.
const ID_COLOURS: u64 = 255;
/// What a file with ids says in its comment.
const IDS_ARE_PAINTED: &str = "Colours are for looking, they are not the ids: number n has colour \
    1 + (n - 1) mod 255, 0 is black. Choose tiff or image sequence for ids as numbers.";

/// An endless animation, half a second per slice: for looking. Ids are shown in colours.
pub(super) struct Gif;

pub(super) static GIF: Gif = Gif;

impl WriteFormat for Gif {
    fn format(&self) -> OutputFormat {
        OutputFormat {
            name: "gif",
            noun: "GIF animation",
            grey_bits: 8,
            holds_channels: false,
            holds_all: false,
            piece_slices: 1,
        }
    }

    fn target(&self, stem: &Path) -> Target {
        Target::File(with_extension(stem, ".gif"))
    }

    fn ids(&self) -> IdStorage {
        IdStorage::Colours
    }

    fn most_bytes(&self, layout: &VolumeLayout) -> u64 {
        let [slices, rows, columns] = layout.shape.map(|size| size as u64);
        let pixels = rows.saturating_mul(columns);
        // Codes of up to 12 bits for bytes, whatever the number of samples; a table of 256 colours.
        let frame = pixels.saturating_add(pixels / 2 + pixels / 100 + 2048);
        let texts = (layout.metadata.text().len() + IDS_ARE_PAINTED.len()) as u64 * 2 + 4096;
        slices.saturating_mul(frame).saturating_add(texts)
    }

    fn create(
        &self,
        output: &mut OutputFolder,
        stem: &Path,
        layout: VolumeLayout,
    ) -> Result<Box<dyn VolumeSink>, WriteError> {
        let file = output.create(self.target(stem).path())?;
        Ok(Box::new(GifWriter::create(file, layout)?))
    }
}

/// Writes an animation frame by frame into a [`StagedFile`].
struct GifWriter {
    encoder: Arc<GifEncoder>,
    gif: Encoder<BufWriter<StagedFile>>,
    count: SliceCount,
}

impl GifWriter {
    /// Starts an animation in `file`.
    ///
    /// # Errors
    /// When a GIF cannot hold the volume, or the file cannot be written.
    fn create(file: StagedFile, layout: VolumeLayout) -> Result<Self, WriteError> {
        let path = file.target().to_owned();
        let refuse = |reason: String| WriteError::Format {
            path: path.clone(),
            format: FORMAT,
            reason,
        };
        let [slices, rows, columns] = layout.shape;
        let side = |pixels: usize| u16::try_from(pixels).ok().filter(|&side| side > 0);
        let (0.., Some(height), Some(width)) = (slices, side(rows), side(columns)) else {
            return Err(refuse(format!(
                "{slices} frames of {rows} x {columns} pixels, but a frame has 1 to 65535 rows and columns; choose [output] format = \"tiff\" or \"image sequence\""
            )));
        };
        let kind = match (layout.content, layout.pixel) {
            (Content::Intensity, PixelType::Gray8) => FrameKind::Gray,
            (Content::Intensity, PixelType::Rgb8) => FrameKind::Rgb,
            (
                Content::Labels,
                PixelType::Gray8 | PixelType::Gray16 | PixelType::Gray32 | PixelType::Gray64,
            ) => FrameKind::Labels,
            _ => {
                return Err(refuse(
                    "it holds 8 bits per value; choose [output] bit_depth = 8, or format = \"tiff\""
                        .to_owned(),
                ));
            }
        };
        let palette: Vec<u8> = match kind {
            FrameKind::Gray => (0..=255).flat_map(|grey| [grey; 3]).collect(),
            FrameKind::Labels => (0..=255).flat_map(colour::of_cell).collect(),
            FrameKind::Rgb => Vec::new(),
        };
        let mut comment = layout.metadata.text();
        if kind == FrameKind::Labels {
            comment = format!("{IDS_ARE_PAINTED}\n{comment}");
        }
        let start = |file| {
            let mut gif = Encoder::new(BufWriter::new(file), width, height, &palette)?;
            gif.set_repeat(Repeat::Infinite)?;
            let lines: Vec<String> = comment.lines().map(to_ascii).collect();
            let comment = AnyExtension(gif::Extension::Comment as u8);
            gif.write_raw_extension(comment, &[lines.join("\n").as_bytes()])?;
            Ok(gif)
        };
        let gif = start(file).map_err(|error| from_gif(&path, error))?;
        Ok(Self {
            gif,
            count: SliceCount::new(path, &layout),
            encoder: Arc::new(GifEncoder {
                layout,
                kind,
                width,
                height,
            }),
        })
    }
}

impl VolumeSink for GifWriter {
    fn encoder(&self) -> Arc<dyn PieceEncoder> {
        Arc::clone(&self.encoder) as Arc<dyn PieceEncoder>
    }

    fn append(&mut self, slice: EncodedPiece) -> Result<(), WriteError> {
        self.count.next()?;
        let mut parts = slice.parts.into_iter();
        let frame = Frame {
            delay: FRAME_CENTISECONDS,
            width: self.encoder.width,
            height: self.encoder.height,
            buffer: Cow::Owned(parts.next().unwrap_or_default()),
            palette: parts.next(),
            ..Frame::default()
        };
        self.gif
            .write_lzw_pre_encoded_frame(&frame)
            .map_err(|error| from_gif(&self.count.path, error))
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        self.count.finish()?;
        let path = self.count.path;
        let mut buffer = self
            .gif
            .into_inner()
            .map_err(|error| from_gif(&path, error))?;
        buffer
            .flush()
            .map_err(|error| WriteError::io(&path, error))?;
        let file = buffer
            .into_inner()
            .map_err(|error| WriteError::io(&path, error.into_error()))?;
        file.finish()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Gray,
    Rgb,
    Labels,
}

/// Encodes the frames of one animation.
struct GifEncoder {
    layout: VolumeLayout,
    kind: FrameKind,
    width: u16,
    height: u16,
}

impl PieceEncoder for GifEncoder {
    fn encode(&self, pixels: &[u8]) -> Result<EncodedPiece, WriteError> {
        self.layout.check_slice(pixels)?;
        let mut frame = match self.kind {
            FrameKind::Rgb => {
                let (indices, palette) = quantise(pixels.as_chunks().0);
                Frame {
                    palette: Some(palette.concat()),
                    ..self.indexed(indices)
                }
            }
            FrameKind::Gray => self.indexed(pixels.to_vec()),
            FrameKind::Labels => self.indexed(self.painted(pixels)),
        };
        frame.make_lzw_pre_encoded();
        let mut parts = vec![frame.buffer.into_owned()];
        parts.extend(frame.palette);
        Ok(EncodedPiece { parts })
    }
}

impl GifEncoder {
    fn indexed(&self, indices: Vec<u8>) -> Frame<'static> {
        Frame {
            width: self.width,
            height: self.height,
            buffer: Cow::Owned(indices),
            ..Frame::default()
        }
    }

    /// Places in the table of colours.
    fn painted(&self, pixels: &[u8]) -> Vec<u8> {
        let place = |id: u64| match id {
            0 => 0,
            id => (1 + (id - 1) % ID_COLOURS) as u8,
        };
        match self.layout.pixel {
            PixelType::Gray8 => pixels.iter().map(|&id| place(id.into())).collect(),
            PixelType::Gray16 => {
                let ids = pixels.as_chunks().0.iter();
                ids.map(|&id| place(u16::from_ne_bytes(id).into()))
                    .collect()
            }
            PixelType::Gray32 => {
                let ids = pixels.as_chunks().0.iter();
                ids.map(|&id| place(u32::from_ne_bytes(id).into()))
                    .collect()
            }
            _ => {
                let ids = pixels.as_chunks().0.iter();
                ids.map(|&id| place(u64::from_ne_bytes(id))).collect()
            }
        }
    }
}

fn from_gif(path: &Path, error: EncodingError) -> WriteError {
    match error {
        EncodingError::Io(error) => WriteError::io(path, error),
        other => WriteError::Format {
            path: path.to_owned(),
            format: FORMAT,
            reason: other.to_string(),
        },
    }
}
