//! Pages of a TIFF stack: cut into strips, each compressed on its own.

use std::io::{self, Write};

use flate2::write::ZlibEncoder;
use tiff::tags::Predictor;

use super::super::{
    Compression, Content, EncodedPiece, PieceEncoder, PixelType, VolumeLayout, WriteError,
};

/// Encodes the pages of one stack.
pub(super) struct TiffPageEncoder {
    pub layout: VolumeLayout,
}

impl PieceEncoder for TiffPageEncoder {
    fn encode(&self, pixels: &[u8]) -> Result<EncodedPiece, WriteError> {
        self.layout.check_page(pixels)?;
        let row_bytes = self.layout.row_bytes();
        let strips = pixels.chunks(row_bytes * self.layout.rows_per_strip());
        let parts = strips
            .map(|strip| match self.layout.compression {
                Compression::None => Ok(strip.to_vec()),
                Compression::Deflate => self.deflate(strip),
            })
            .collect::<io::Result<_>>();
        match parts {
            Ok(parts) => Ok(EncodedPiece { parts }),
            Err(error) => Err(WriteError::io("page in memory".as_ref(), error)),
        }
    }
}

impl TiffPageEncoder {
    fn deflate(&self, strip: &[u8]) -> io::Result<Vec<u8>> {
        let level = match self.layout.content {
            Content::Labels => 6,
            Content::Intensity => 4,
        };
        let room = Vec::with_capacity(strip.len() / 4);
        let mut encoder = ZlibEncoder::new(room, flate2::Compression::new(level));
        if self.layout.predictor() == Predictor::Horizontal {
            let mut differences = strip.to_vec();
            for row in differences.chunks_exact_mut(self.layout.row_bytes()) {
                to_differences(row, self.layout.pixel);
            }
            encoder.write_all(&differences)?;
        } else {
            encoder.write_all(strip)?;
        }
        encoder.finish()
    }
}

/// TIFF 6.0, section 14: each sample less the one of the same colour to its left.
fn to_differences(row: &mut [u8], pixel: PixelType) {
    let step = pixel.bytes();
    if pixel.sample_bytes() == 2 {
        for at in (step..row.len()).step_by(2).rev() {
            let left = u16::from_ne_bytes([row[at - step], row[at - step + 1]]);
            let here = u16::from_ne_bytes([row[at], row[at + 1]]);
            row[at..at + 2].copy_from_slice(&here.wrapping_sub(left).to_ne_bytes());
        }
    } else {
        for at in (step..row.len()).rev() {
            row[at] = row[at].wrapping_sub(row[at - step]);
        }
    }
}
