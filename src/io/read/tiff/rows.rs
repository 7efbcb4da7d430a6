//! The rows of a strip or tile, decoded in pieces: what is held does not grow with the image.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

use super::super::error::ImageError;
use super::super::samples::{SampleType, swap_bytes};
use super::codec::Compression;

/// Bytes of a row that are decoded together.
const PIECE_BYTES: usize = 1 << 16;

/// What is stored of a sample in place of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    /// Its difference to that of the pixel before.
    Differences,
    /// Floating point: differences of bytes, the highest bytes of a row's samples first.
    Bytes,
}

/// How a pixel is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PixelForm {
    pub samples: SampleType,
    /// Samples of a pixel, at most 4.
    pub per_pixel: usize,
    pub predictor: Predictor,
    /// Whether the file's byte order is not that of the machine.
    pub swapped: bool,
}

impl PixelForm {
    /// Bytes of a row.
    pub fn row_bytes(&self, columns: usize) -> Option<usize> {
        self.samples.row_bytes(columns.checked_mul(self.per_pixel)?)
    }

    /// Pixels that are decoded together, so that they are whole bytes.
    fn piece(&self) -> usize {
        let bits = usize::from(self.samples.bits) * self.per_pixel;
        PIECE_BYTES / bits * 8
    }

    /// Most bytes that the rows of this many columns take while they are decoded.
    pub fn working_bytes(&self, columns: usize) -> u64 {
        let whole = self.row_bytes(columns).unwrap_or(usize::MAX) as u64;
        match self.predictor {
            // Its buffer grows while it is read, and is taken apart into another.
            Predictor::Bytes => whole.saturating_mul(3),
            _ => PIECE_BYTES as u64,
        }
    }
}

/// The rows of a chunk, one after the other.
pub(super) struct Rows<'f> {
    form: PixelForm,
    row_bytes: usize,
    stream: Stream<'f>,
}

/// A file of which places are looked for.
#[derive(Debug)]
pub(super) struct PixelFile {
    file: BufReader<File>,
    /// Where it stands, unless something else has read of it.
    at: Option<u64>,
}

impl PixelFile {
    pub fn new(file: File) -> Self {
        let file = BufReader::new(file);
        Self { file, at: None }
    }

    /// Goes somewhere; whoever reads there notes how far that went.
    fn seek(&mut self, to: u64) -> io::Result<()> {
        let at = self.at.take();
        match at.map(|at| i64::try_from(i128::from(to) - i128::from(at))) {
            Some(Ok(step)) => self.file.seek_relative(step),
            _ => self.file.seek(SeekFrom::Start(to)).map(|_| ()),
        }
    }
}

enum Stream<'f> {
    /// Rows lie where they are looked for, from this place on.
    Plain { file: &'f mut PixelFile, start: u64 },
    /// Everything before is decoded first; the next byte is this one.
    Packed {
        decoder: Box<dyn Read + 'f>,
        next: u64,
    },
}

impl<'f> Rows<'f> {
    /// Those of a chunk that starts there and has so many stored bytes and columns, padding
    /// counted.
    pub fn new(
        form: PixelForm,
        compression: Compression,
        file: &'f mut PixelFile,
        start: u64,
        bytes: u64,
        columns: usize,
    ) -> Result<Self, ImageError> {
        let stream = match compression {
            Compression::None => Stream::Plain { file, start },
            _ => {
                // The decoder leaves it anywhere, and has no use for what is in the buffer.
                file.at = None;
                file.file
                    .seek(SeekFrom::Start(start))
                    .map_err(ImageError::Io)?;
                let decoder = compression.decoder(file.file.get_mut(), bytes);
                Stream::Packed {
                    decoder: decoder.map_err(ImageError::from_decoder_io)?,
                    next: 0,
                }
            }
        };
        Ok(Self {
            form,
            row_bytes: form.row_bytes(columns).unwrap_or(usize::MAX),
            stream,
        })
    }

    /// Decodes some columns of a row, which comes behind those that were decoded before, and shows
    /// them piece by piece: samples in the machine's byte order, how many pixels before the first
    /// wanted one are among them, and which columns of the chunk they are.
    pub fn read(
        &mut self,
        row: u64,
        wanted: Range<usize>,
        buffer: &mut Vec<u8>,
        mut show: impl FnMut(&[u8], usize, Range<usize>) -> Result<(), ImageError>,
    ) -> Result<(), ImageError> {
        let decoder_io = ImageError::from_decoder_io;
        let start = row
            .checked_mul(self.row_bytes as u64)
            .ok_or_else(|| decoder_io(io::ErrorKind::UnexpectedEof.into()))?;
        if self.form.predictor == Predictor::Bytes {
            let bytes = self.row_bytes as u64;
            buffer.clear();
            let stream = self.stream.seek(start).map_err(decoder_io)?;
            stream.take(bytes).read_to_end(buffer).map_err(decoder_io)?;
            self.stream.arrived(start + buffer.len() as u64);
            if buffer.len() as u64 != bytes {
                return Err(decoder_io(io::ErrorKind::UnexpectedEof.into()));
            }
            let samples = join_bytes(buffer, usize::from(self.form.samples.bits / 8));
            return show(&samples, wanted.start, wanted);
        }
        let piece = self.form.piece();
        // Without differences nothing of the columns before is needed. Pieces are whole bytes.
        let mut from = match self.form.predictor {
            Predictor::None => wanted.start / 8 * 8,
            _ => 0,
        };
        let mut sums = [0u64; 4];
        while from < wanted.end {
            let end = wanted.end.min(from + piece);
            let bytes = |columns| self.form.row_bytes(columns).unwrap_or(usize::MAX);
            let before = bytes(from);
            buffer.resize(bytes(end) - before, 0);
            let at = start.saturating_add(before as u64);
            let stream = self.stream.seek(at).map_err(decoder_io)?;
            stream.read_exact(buffer).map_err(decoder_io)?;
            self.stream.arrived(at.saturating_add(buffer.len() as u64));
            let sample = usize::from(self.form.samples.bits / 8);
            if self.form.swapped {
                swap_bytes(buffer, sample);
            }
            if self.form.predictor == Predictor::Differences {
                add_up(buffer, sample, &mut sums[..self.form.per_pixel]);
            }
            let shown = from.max(wanted.start)..end;
            if !shown.is_empty() {
                show(buffer, shown.start - from, shown)?;
            }
            from = end;
        }
        Ok(())
    }
}

impl Stream<'_> {
    /// Goes to a decoded byte, to be read from there.
    fn seek(&mut self, byte: u64) -> io::Result<&mut dyn Read> {
        match self {
            Self::Plain { file, start } => {
                let to = start.checked_add(byte);
                file.seek(to.ok_or(io::ErrorKind::UnexpectedEof)?)?;
                Ok(&mut file.file)
            }
            Self::Packed { decoder, next } => {
                let skipped = byte.saturating_sub(*next);
                let passed = io::copy(&mut decoder.take(skipped), &mut io::sink())?;
                match passed == skipped {
                    true => Ok(decoder),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                }
            }
        }
    }

    /// Notes that everything before a decoded byte was read.
    fn arrived(&mut self, byte: u64) {
        match self {
            Self::Plain { file, start } => file.at = start.checked_add(byte),
            Self::Packed { next, .. } => *next = byte,
        }
    }
}

/// Turns differences into samples of this many bytes; `sums` are the samples of the pixel before.
fn add_up(bytes: &mut [u8], sample: usize, sums: &mut [u64]) {
    match sample {
        1 => add_up_each(
            bytes,
            sums,
            |b| u8::from_ne_bytes(b).into(),
            |sum| (sum as u8).to_ne_bytes(),
        ),
        2 => add_up_each(
            bytes,
            sums,
            |b| u16::from_ne_bytes(b).into(),
            |sum| (sum as u16).to_ne_bytes(),
        ),
        4 => add_up_each(
            bytes,
            sums,
            |b| u32::from_ne_bytes(b).into(),
            |sum| (sum as u32).to_ne_bytes(),
        ),
        _ => add_up_each(bytes, sums, u64::from_ne_bytes, u64::to_ne_bytes),
    }
}

fn add_up_each<const N: usize>(
    bytes: &mut [u8],
    sums: &mut [u64],
    number: impl Fn([u8; N]) -> u64,
    back: impl Fn(u64) -> [u8; N],
) {
    let (samples, _) = bytes.as_chunks_mut::<N>();
    for pixel in samples.chunks_exact_mut(sums.len()) {
        for (sample, sum) in pixel.iter_mut().zip(&mut *sums) {
            // Higher bits than those of a sample are of no account.
            *sum = sum.wrapping_add(number(*sample));
            *sample = back(*sum);
        }
    }
}

/// Takes a row of differences of bytes, the highest byte of each sample first, for samples of this
/// many bytes in the machine's order.
fn join_bytes(row: &mut [u8], sample: usize) -> Vec<u8> {
    let mut sum = 0u8;
    for byte in &mut *row {
        sum = sum.wrapping_add(*byte);
        *byte = sum;
    }
    let count = row.len() / sample.max(1);
    let mut samples = Vec::with_capacity(row.len());
    for number in 0..count {
        let highest_first = (0..sample).map(|byte| row[byte * count + number]);
        match cfg!(target_endian = "little") {
            true => samples.extend(highest_first.rev()),
            false => samples.extend(highest_first),
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::SampleKind;
    use super::*;
    use std::io::Write;

    /// The samples of a row, of any kind, whose bits look random.
    fn samples(form: &PixelForm, columns: usize, row: u64) -> Vec<u64> {
        let mask = u64::MAX >> (64 - form.samples.bits);
        let count = (columns * form.per_pixel) as u64;
        let number = |i: u64| (row * count + i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..count)
            .map(|i| (number(i) ^ number(i) >> 29) & mask)
            .collect()
    }

    /// A row as it is stored, little endian, by the words of the format.
    fn stored(form: &PixelForm, samples: &[u64]) -> Vec<u8> {
        let bits = usize::from(form.samples.bits);
        if bits < 8 {
            let pack = |part: &[u64]| {
                let shift = |(i, sample): (usize, &u64)| (*sample as u8) << (8 - bits * (i + 1));
                part.iter().enumerate().map(shift).sum()
            };
            return samples.chunks(8 / bits).map(pack).collect();
        }
        let bytes = bits / 8;
        let low = |number: u64| number.to_le_bytes()[..bytes].to_vec();
        match form.predictor {
            Predictor::None => samples.iter().flat_map(|&sample| low(sample)).collect(),
            Predictor::Differences => {
                let before = |i: usize| i.checked_sub(form.per_pixel).map_or(0, |i| samples[i]);
                let difference = |(i, &sample): (usize, &u64)| low(sample.wrapping_sub(before(i)));
                samples.iter().enumerate().flat_map(difference).collect()
            }
            Predictor::Bytes => {
                let plane = |byte| samples.iter().map(move |sample| sample.to_le_bytes()[byte]);
                let planes: Vec<u8> = (0..bytes).rev().flat_map(plane).collect();
                let before = |i: usize| i.checked_sub(1).map_or(0, |i| planes[i]);
                let differences = planes.iter().enumerate();
                differences
                    .map(|(i, &byte)| byte.wrapping_sub(before(i)))
                    .collect()
            }
        }
    }

    fn form(bits: u8, kind: SampleKind, per_pixel: usize, predictor: Predictor) -> PixelForm {
        PixelForm {
            samples: SampleType { bits, kind },
            per_pixel,
            predictor,
            swapped: cfg!(target_endian = "big"),
        }
    }

    /// Any columns of any rows come back, also of rows that take several pieces.
    #[test]
    fn rows_are_what_was_stored() {
        use Predictor::{Bytes, Differences, None};
        use SampleKind::{Float, Unsigned};
        const ROWS: u64 = 4;
        for (form, columns) in [
            (form(1, Unsigned, 1, None), 600_011),
            (form(4, Unsigned, 1, None), 200_003),
            (form(8, Unsigned, 1, None), 150_001),
            (form(8, Unsigned, 3, Differences), 50_003),
            (form(8, Unsigned, 4, None), 40_001),
            (form(16, Unsigned, 1, Differences), 70_001),
            (form(32, Unsigned, 1, None), 20_001),
            (form(32, Unsigned, 1, Differences), 40_003),
            (form(64, Unsigned, 1, Differences), 20_001),
            (form(16, Float, 1, Bytes), 40_001),
            (form(32, Float, 1, Bytes), 101),
            (form(64, Float, 1, Bytes), 20_003),
        ] {
            let all: Vec<_> = (0..ROWS).map(|row| samples(&form, columns, row)).collect();
            let plain: Vec<u8> = all.iter().flat_map(|row| stored(&form, row)).collect();
            let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
            zlib.write_all(&plain).unwrap();
            let mut lzw = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
            for (compression, bytes) in [
                (Compression::None, plain.clone()),
                (Compression::Deflate, zlib.finish().unwrap()),
                (Compression::Lzw, lzw.encode(&plain).unwrap()),
                (Compression::Zstd, zstd::encode_all(&plain[..], 1).unwrap()),
            ] {
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(b"before").unwrap();
                file.write_all(&bytes).unwrap();
                let mut file = PixelFile::new(file);
                let length = bytes.len() as u64;
                let mut rows = Rows::new(form, compression, &mut file, 6, length, columns).unwrap();
                let mut buffer = Vec::new();
                let (middle, end) = (columns / 2, columns - 3..columns);
                for (row, wanted) in [
                    (0, 0..columns),
                    (1, middle..middle + 9),
                    (1, end),
                    (3, 5..6),
                ] {
                    if (row, wanted.start) == (1, columns - 3) && compression != Compression::None {
                        // Streams do not go back.
                        continue;
                    }
                    let bits = usize::from(form.samples.bits);
                    let mut found = Vec::new();
                    rows.read(row, wanted.clone(), &mut buffer, |bytes, before, shown| {
                        assert_eq!(shown.start, wanted.start + found.len() / form.per_pixel);
                        for i in 0..shown.len() * form.per_pixel {
                            let bit = (before * form.per_pixel + i) * bits;
                            found.push(match bits {
                                8.. => {
                                    let mut number = [0; 8];
                                    let sample = &bytes[bit / 8..][..bits / 8];
                                    number[..bits / 8].copy_from_slice(sample);
                                    if cfg!(target_endian = "big") {
                                        number[..bits / 8].reverse();
                                    }
                                    u64::from_le_bytes(number)
                                }
                                _ => u64::from(bytes[bit / 8] << (bit % 8) >> (8 - bits)),
                            });
                        }
                        Ok(())
                    })
                    .unwrap();
                    let (from, to) = (wanted.start * form.per_pixel, wanted.end * form.per_pixel);
                    let is_right = found == all[row as usize][from..to];
                    assert!(is_right, "{form:?} {compression:?} row {row} {wanted:?}");
                }
                assert!(buffer.len() <= form.working_bytes(columns) as usize);
            }
        }
    }
}
