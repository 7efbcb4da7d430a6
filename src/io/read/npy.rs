//! NumPy's .npy files: one array of integers, axes (z, x, y), of which slices are read by seeking.
//! The format is that of `numpy.lib.format`, versions 1 to 3.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, TypeStr};

use super::error::ImageError;
use super::raw::{RawLayout, RawReader};
use super::samples::SampleType;
use super::{ReadError, SliceReader, VolumeSource, check_request};
use crate::base::volume::triple;

/// How every such file starts.
pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Length of the longest header that is looked at, in bytes; those of integer arrays have 128.
const HEADER_BYTES: usize = 1 << 16;

/// Brackets within brackets in a header, at most: the parser descends into each.
const NESTING: usize = 16;

/// Slices of an array in Fortran order that a reader collects in one pass over the file: at most so
/// many, in so many bytes.
const COLLECTED: usize = 32;
const COLLECTED_BYTES: usize = 64 << 20;

/// An array in a NumPy file: (z, x, y), or (x, y) for a single slice. In Fortran order z varies
/// fastest: the voxels of a slice lie scattered over the whole file, which is read once for every few
/// slices; an array that is larger than the memory is better saved in C order.
#[derive(Debug)]
pub struct NpyVolume {
    path: PathBuf,
    /// For Fortran order the shape is still (z, x, y), the strides are not.
    layout: RawLayout,
    order: Order,
}

impl NpyVolume {
    /// Reads the header and checks that it is that of an array of ids, and that the file holds all of
    /// them.
    ///
    /// # Errors
    /// When the header is damaged, the array holds something else than integers or has not 2 or 3
    /// axes, or the file is too short.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let whole_file = |error: ImageError| error.at(path, None);
        let mut file = File::open(path).map_err(|e| whole_file(ImageError::Io(e)))?;
        let (header, offset) = read_header(&mut file).map_err(whole_file)?;
        let file_bytes = file
            .metadata()
            .map_err(|e| whole_file(ImageError::Io(e)))?
            .len();
        let layout = layout(&header, offset, file_bytes).map_err(whole_file)?;
        Ok(Self {
            path: path.to_owned(),
            layout,
            order: header.order(),
        })
    }
}

fn damaged(what: impl std::fmt::Display) -> ImageError {
    ImageError::Corrupt(format!("damaged, or no valid .npy file: {what}"))
}

/// The header, and the position of the first element.
fn read_header(file: &mut File) -> Result<(NpyHeader, u64), ImageError> {
    let mut head = [0; 12];
    file.read_exact(&mut head[..10])
        .map_err(ImageError::from_decoder_io)?;
    let (start, length) = match head[6] {
        1 => (10, usize::from(u16::from_le_bytes([head[8], head[9]]))),
        2 | 3 => {
            file.read_exact(&mut head[10..])
                .map_err(ImageError::from_decoder_io)?;
            let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
            (12, length as usize)
        }
        version => {
            let feature = format!("version {version} of the .npy format is not read, only 1 to 3");
            return Err(ImageError::Unsupported(feature));
        }
    };
    // What the parser of the header would allocate and how deep it would descend is bounded here.
    if length > HEADER_BYTES {
        return Err(damaged(format_args!("a header of {length} bytes")));
    }
    let mut bytes = head[..start].to_vec();
    bytes.resize(start + length, 0);
    file.read_exact(&mut bytes[start..])
        .map_err(ImageError::from_decoder_io)?;
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in &bytes[start..] {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest > NESTING {
        return Err(damaged(format_args!("brackets nested {deepest} deep")));
    }
    // The product of the sizes may overflow in it, which panics in builds that check it.
    match catch_unwind(AssertUnwindSafe(|| NpyHeader::from_reader(&bytes[..]))) {
        Ok(Ok(header)) => Ok((header, bytes.len() as u64)),
        Ok(Err(error)) => Err(damaged(error)),
        Err(_) => Err(damaged("the sizes in its header cannot be right")),
    }
}

fn layout(header: &NpyHeader, offset: u64, file_bytes: u64) -> Result<RawLayout, ImageError> {
    let dtype = header.dtype();
    let type_str = match &dtype {
        DType::Plain(type_str) => type_str,
        _ => return Err(ImageError::NotIds("a structured array".to_owned())),
    };
    let samples = sample_type(type_str)?;
    let sizes: Option<Vec<usize>> = (header.shape().iter())
        .map(|&size| usize::try_from(size).ok())
        .collect();
    let sizes = sizes.ok_or_else(|| damaged("the sizes in its header cannot be right"))?;
    let shape = match sizes[..] {
        [x, y] => [1, x, y],
        [z, x, y] => [z, x, y],
        _ => {
            let axes: Vec<String> = sizes.iter().map(usize::to_string).collect();
            return Err(ImageError::Unsupported(format!(
                "is an array of {} axes ({}); a volume has 3, (z, x, y), and a single slice 2, (x, y)",
                axes.len(),
                axes.join(" x ")
            )));
        }
    };
    let layout = RawLayout {
        offset,
        shape,
        samples,
        swapped: match type_str.endianness() {
            Endianness::Irrelevant => false,
            order => order != Endianness::of_machine(),
        },
    };
    let size = triple(shape, " x ");
    if shape.contains(&0) {
        return Err(ImageError::Corrupt(format!(
            "is an array of {size} elements: there is nothing in it"
        )));
    }
    match layout.bytes() {
        Some(needed) if needed <= file_bytes.saturating_sub(offset) => Ok(layout),
        _ => Err(ImageError::Corrupt(format!(
            "its header announces {size} elements of {samples}, but the file ends after {} bytes of them; it is cut short or damaged",
            file_bytes.saturating_sub(offset)
        ))),
    }
}

fn sample_type(type_str: &TypeStr) -> Result<SampleType, ImageError> {
    let bits = type_str.size_field().saturating_mul(8);
    let found = match type_str.type_char() {
        TypeChar::Bool if bits == 8 => return known(bits, false),
        TypeChar::Uint => return known(bits, false),
        TypeChar::Int => return known(bits, true),
        TypeChar::Float => format!("{bits}-bit floating point"),
        TypeChar::Complex => "complex numbers".to_owned(),
        TypeChar::Object => "Python objects".to_owned(),
        TypeChar::ByteStr | TypeChar::UnicodeStr => "text".to_owned(),
        TypeChar::TimeDelta | TypeChar::DateTime => "times".to_owned(),
        _ => format!("elements of type '{type_str}'"),
    };
    return Err(ImageError::NotIds(found));

    fn known(bits: u64, signed: bool) -> Result<SampleType, ImageError> {
        SampleType::new(bits, signed)
            .filter(|samples| samples.bits >= 8)
            .ok_or_else(|| ImageError::NotIds(format!("{bits}-bit samples")))
    }
}

impl VolumeSource for NpyVolume {
    fn shape(&self) -> [usize; 3] {
        self.layout.shape
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        if self.order == Order::C {
            return Ok(Box::new(RawReader::open(&self.path, self.layout)?));
        }
        let file = File::open(&self.path).map_err(|e| ReadError::io(&self.path, None, e))?;
        Ok(Box::new(FortranReader {
            source: self,
            file,
            block: Block::default(),
            scratch: Vec::new(),
        }))
    }

    fn bits(&self) -> u8 {
        self.layout.samples.bits
    }

    fn describe(&self) -> String {
        format!(
            "{} (NumPy array of {} voxels, {}{})",
            self.path.display(),
            triple(self.shape(), " x "),
            self.layout.samples,
            match self.order {
                Order::C => "",
                Order::Fortran => ", in Fortran order",
            }
        )
    }
}

/// Some adjoining slices of a crop: their samples, in the machine's byte order, slice by slice.
#[derive(Default)]
struct Block {
    z: Range<usize>,
    x: Range<usize>,
    y: Range<usize>,
    samples: Vec<u8>,
}

/// Reads arrays in which z varies fastest and y slowest.
struct FortranReader<'a> {
    source: &'a NpyVolume,
    file: File,
    block: Block,
    scratch: Vec<u8>,
}

impl FortranReader<'_> {
    /// Collects slices from `z` on, as many as memory allows.
    fn collect(&mut self, z: usize, x: &Range<usize>, y: &Range<usize>) -> Result<(), ImageError> {
        let layout = self.source.layout;
        let [depth, rows, _] = layout.shape;
        let sample = layout.sample_bytes();
        let slice_bytes = x.len() * y.len() * sample;
        let slices = (COLLECTED_BYTES / slice_bytes).clamp(1, COLLECTED.min(depth - z));
        // The old block is void even if reading fails half way.
        self.block.z = 0..0;
        self.block.samples.resize(slices * slice_bytes, 0);
        // The voxels (.., x, y) of adjoining rows x adjoin: read them all, and pick.
        let line = depth * sample;
        let rows_per_read = (COLLECTED_BYTES / line).clamp(1, x.len());
        for column in y.clone() {
            for first in x.clone().step_by(rows_per_read) {
                let lines = rows_per_read.min(x.end - first);
                let at = ((column * rows + first) * line) as u64;
                self.scratch.resize(lines * line, 0);
                self.file
                    .seek(SeekFrom::Start(layout.offset + at))
                    .map_err(ImageError::Io)?;
                self.file
                    .read_exact(&mut self.scratch)
                    .map_err(ImageError::from_decoder_io)?;
                let place = (first - x.start) * y.len() + (column - y.start);
                for (row, line) in self.scratch.chunks_exact(line).enumerate() {
                    let to = (place + row * y.len()) * sample;
                    let picked = line[z * sample..].chunks_exact(sample).take(slices);
                    for (slice, value) in picked.enumerate() {
                        let to = slice * slice_bytes + to;
                        self.block.samples[to..to + sample].copy_from_slice(value);
                    }
                }
            }
        }
        layout.to_native(&mut self.block.samples);
        (self.block.x, self.block.y) = (x.clone(), y.clone());
        self.block.z = z..z + slices;
        Ok(())
    }

    fn read_crop(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ImageError> {
        if out.is_empty() {
            return Ok(());
        }
        let held = self.block.z.contains(&z) && self.block.x == x && self.block.y == y;
        if !held {
            self.collect(z, &x, &y)?;
        }
        let samples = self.source.layout.samples;
        let first = (z - self.block.z.start) * out.len();
        samples.ids(&self.block.samples, first, out, (x.start, y.start), y.len())
    }
}

impl SliceReader for FortranReader<'_> {
    fn read(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ReadError> {
        check_request(self.source.layout.shape, z, &x, &y, out)?;
        self.read_crop(z, x, y, out)
            .map_err(|error| error.at(&self.source.path, Some(z)))
    }
}
