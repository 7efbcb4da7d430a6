//! The compressions of TIFF files as streams of bytes.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Take};

use weezl::{BitOrder, LzwStatus, decode};

/// How the pixels of a page are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Lzw,
    Deflate,
    PackBits,
    Zstd,
}

/// Most bytes that a Zstandard stream may look back on.
const MOST_WINDOW: u64 = 1 << 27;

/// Bytes of a file that are read together.
const BUFFER: u64 = 1 << 15;

impl Compression {
    /// That of a number in a tag. Those that may change ids, or hold one bit per pixel, are not
    /// read.
    pub fn new(code: u64) -> Option<Self> {
        Some(match code {
            1 => Self::None,
            5 => Self::Lzw,
            8 | 32946 => Self::Deflate,
            32773 => Self::PackBits,
            50000 => Self::Zstd,
            _ => return None,
        })
    }

    /// An upper bound of decoded bytes per stored byte.
    pub fn expansion(self) -> u64 {
        match self {
            Self::None => 1,
            Self::PackBits => 64,
            Self::Deflate => 1 << 11,
            Self::Lzw => 1 << 12,
            Self::Zstd => 1 << 16,
        }
    }

    /// Most bytes that decoding holds, of a chunk of this many decoded bytes.
    pub fn working_bytes(self, chunk_bytes: u64) -> u64 {
        let window = match self {
            Self::Zstd => chunk_bytes.min(MOST_WINDOW),
            _ => 0,
        };
        window + (1 << 18)
    }

    /// The decoded bytes of a stream that has this many stored ones. Streams that know their end
    /// are read to it, whatever tags say of their length.
    pub fn decoder<'r>(self, stored: impl Read + 'r, bytes: u64) -> io::Result<Box<dyn Read + 'r>> {
        let capacity = bytes.clamp(64, BUFFER) as usize;
        let buffered = BufReader::with_capacity(capacity, stored);
        Ok(match self {
            Self::None => Box::new(buffered),
            Self::Deflate => Box::new(flate2::bufread::ZlibDecoder::new(buffered)),
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(buffered)?),
            Self::Lzw => Box::new(Lzw {
                stored: buffered.take(bytes),
                decoder: decode::Configuration::with_tiff_size_switch(BitOrder::Msb, 8)
                    .with_yield_on_full_buffer(true)
                    .build(),
            }),
            Self::PackBits => Box::new(PackBits {
                stored: buffered.take(bytes),
                run: Run::Literal(0),
            }),
        })
    }
}

/// Decodes LZW codes.
struct Lzw<R> {
    stored: Take<R>,
    decoder: decode::Decoder,
}

impl<R: BufRead> Read for Lzw<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        let mut stands_still = false;
        loop {
            let codes = self.stored.fill_buf()?;
            let step = self.decoder.decode_bytes(codes, out);
            self.stored.consume(step.consumed_in);
            let status = step
                .status
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            if step.consumed_out > 0 || matches!(status, LzwStatus::Done) {
                return Ok(step.consumed_out);
            }
            // Codes that the decoder holds already may clear its table, which is a step, too: only
            // the next one shows that it stands still.
            if matches!(status, LzwStatus::NoProgress) && step.consumed_in == 0 {
                if stands_still {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                stands_still = true;
            }
        }
    }
}

/// Decodes runs of bytes.
struct PackBits<R> {
    stored: Take<R>,
    run: Run,
}

/// What is left of a run.
enum Run {
    /// So many bytes as they are.
    Literal(usize),
    /// A byte, so many times.
    Repeated(u8, usize),
}

impl<R: BufRead> PackBits<R> {
    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.stored.fill_buf()?.first().copied();
        self.stored.consume(usize::from(byte.is_some()));
        Ok(byte)
    }
}

impl<R: BufRead> Read for PackBits<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Run::Literal(0) | Run::Repeated(_, 0) = self.run {
            let Some(head) = self.byte()? else {
                return Ok(0);
            };
            self.run = match head.cast_signed() {
                // Stands for nothing.
                i8::MIN => continue,
                head @ ..0 => {
                    let byte = self.byte()?.ok_or(ErrorKind::UnexpectedEof)?;
                    Run::Repeated(byte, 1 + usize::from(head.unsigned_abs()))
                }
                head => Run::Literal(1 + usize::from(head.unsigned_abs())),
            };
        }
        match &mut self.run {
            Run::Literal(left) => {
                let length = out.len().min(*left);
                let read = self.stored.read(&mut out[..length])?;
                *left -= read;
                Ok(read)
            }
            Run::Repeated(byte, left) => {
                let length = out.len().min(*left);
                out[..length].fill(*byte);
                *left -= length;
                Ok(length)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(compression: Compression, stored: &[u8]) -> io::Result<Vec<u8>> {
        let mut decoder = compression.decoder(stored, stored.len() as u64)?;
        let mut out = Vec::new();
        decoder.read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn runs_of_bytes_are_unpacked() {
        let stored = [2, 7, 8, 9, 0x80, 0xfe, 5, 0, 1, 0x81, 3];
        let wanted = [&[7, 8, 9, 5, 5, 5, 1][..], &[3; 128]].concat();
        assert_eq!(decoded(Compression::PackBits, &stored).unwrap(), wanted);
        // A byte that is to be repeated, and is not there.
        let error = decoded(Compression::PackBits, &[0xfe]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn codes_of_lzw_end_with_their_stream() {
        let bytes: Vec<u8> = (0..70_000u32)
            .map(|i| (i / 3 * i / 7 % 251) as u8)
            .collect();
        let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8);
        let stored = encoder.encode(&bytes).unwrap();
        assert_eq!(decoded(Compression::Lzw, &stored).unwrap(), bytes);
        for piece in [1, 7, 100, 4096] {
            let length = stored.len() as u64;
            let mut decoder = Compression::Lzw.decoder(&stored[..], length).unwrap();
            let mut out = vec![0; bytes.len()];
            for part in out.chunks_mut(piece) {
                decoder.read_exact(part).unwrap();
            }
            assert!(out == bytes, "in pieces of {piece}");
        }
        let error = decoded(Compression::Lzw, &stored[..stored.len() / 2]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
}
