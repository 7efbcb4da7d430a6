//! Pages of a TIFF stack: cut into strips, each compressed on its own.

use std::io::{self, Write};

use flate2::write::ZlibEncoder;

use super::super::{Compression, Content, EncodedPiece, PieceEncoder, VolumeLayout, WriteError};
use super::seen::Seen;

/// Encodes the pages of one stack.
pub(super) struct TiffPageEncoder {
    pub layout: VolumeLayout,
    /// What was seen of each channel, where that is written down.
    pub seen: Seen,
}

impl PieceEncoder for TiffPageEncoder {
    fn encode(&self, pixels: &[u8]) -> Result<EncodedPiece, WriteError> {
        self.layout.check_slice(pixels)?;
        let row_bytes = self.layout.row_bytes();
        let pages = || pixels.chunks(self.layout.page_bytes());
        self.seen.look(pages());
        let strips = pages().flat_map(|page| page.chunks(row_bytes * self.layout.rows_per_strip()));
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
        encoder.write_all(strip)?;
        encoder.finish()
    }
}
