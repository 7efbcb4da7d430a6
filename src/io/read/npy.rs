//! NumPy's .npy files: one array of integers, axes (z, x, y), of which slices are read by seeking.
//! The format is that of `numpy.lib.format`, versions 1 to 3.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::error::ImageError;
use super::ids::IdsMut;
use super::options::{Background, ReadOptions};
use super::pickle;
use super::raw::{RawLayout, RawReader};
use super::samples::{SampleKind, SampleType};
use super::unchanged::Opened;
use super::{
    Facts, Found, InputFormat, ReadError, ReadFormat, SliceReader, VolumeSource, check_request,
};
use crate::base::files::open_regular;
use crate::base::formats::StoredIds;
use crate::base::volume::{VoxelBox, triple};

/// How every such file starts.
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Length of the longest header that is looked at, in bytes; those of integer arrays have 128.
const HEADER_BYTES: usize = 1 << 16;

/// Slices of an array in Fortran order that a reader collects in one pass over the file: at most so
/// many, in so many bytes, from lines of which so many bytes are read together.
const COLLECTED: usize = 32;
const COLLECTED_BYTES: usize = 64 << 20;
const LINE_BYTES: usize = 8 << 20;

/// One file with an array (z, x, y).
pub(super) struct NpyFormat;

pub(super) static FORMAT: NpyFormat = NpyFormat;

impl ReadFormat for NpyFormat {
    fn format(&self) -> InputFormat {
        InputFormat {
            name: "npy",
            noun: "NumPy array",
            extensions: &["npy"],
            is_folder: false,
        }
    }

    fn recognises(&self, found: &Found<'_>) -> bool {
        matches!(found, Found::File(head) if head.starts_with(MAGIC))
    }

    fn open(&self, path: &Path, options: &ReadOptions) -> Result<Box<dyn VolumeSource>, ReadError> {
        Ok(Box::new(NpyVolume::open(path, options)?))
    }
}

/// An array in a NumPy file: (z, x, y), or (x, y) for a single slice. In Fortran order z varies
/// fastest: the voxels of a slice lie scattered over the whole file, which is read once for every
/// few slices; an array that is larger than the memory is better saved in C order.
#[derive(Debug)]
pub struct NpyVolume {
    path: PathBuf,
    opened: Opened,
    /// For Fortran order the shape is still (z, x, y), the strides are not.
    layout: RawLayout,
    fortran_order: bool,
    background: Background,
}

impl NpyVolume {
    /// Reads the header and checks that it is that of an array of ids, and that the file holds all
    /// of them.
    ///
    /// # Errors
    /// When the header is damaged, the array holds something else than integers or has not 2 or 3
    /// axes, or the file is too short.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, ReadError> {
        let whole_file = |error: ImageError| error.at(path, None);
        if options.ids != StoredIds::Number {
            return Err(whole_file(ImageError::NoColours(options.ids)));
        }
        let (opened, mut file, file_bytes) = Opened::open(path).map_err(whole_file)?;
        let (header, offset) = match read_header(&mut file) {
            // Behind the header, where the file stands, lies a pickle.
            Err(ImageError::PythonObjects) => pickled_masks(file, file_bytes),
            read => read,
        }
        .map_err(whole_file)?;
        let layout = layout(&header, offset, file_bytes).map_err(whole_file)?;
        Ok(Self {
            path: path.to_owned(),
            opened,
            layout,
            fortran_order: header.fortran_order,
            background: Background::new(options),
        })
    }
}

/// The masks of a Cellpose file, as if the file held them alone.
fn pickled_masks(file: File, file_bytes: u64) -> Result<(Header, u64), ImageError> {
    let found = pickle::masks(file).filter(|masks| masks.end <= file_bytes);
    let masks = found.ok_or(ImageError::PythonObjects)?;
    let (samples, swapped) = sample_type(&masks.descr)?;
    let header = Header {
        samples,
        swapped,
        fortran_order: masks.fortran_order,
        sizes: masks.sizes,
    };
    Ok((header, masks.start))
}

fn damaged(what: impl std::fmt::Display) -> ImageError {
    ImageError::Corrupt(format!("damaged, or no valid .npy file: {what}"))
}

/// What the header of an array says.
struct Header {
    samples: SampleType,
    /// Whether the file's byte order is not that of the machine.
    swapped: bool,
    fortran_order: bool,
    sizes: Vec<usize>,
}

/// The header, and the position of the first element.
fn read_header(file: &mut File) -> Result<(Header, u64), ImageError> {
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
    if length > HEADER_BYTES {
        return Err(damaged(format_args!("a header of {length} bytes")));
    }
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)
        .map_err(ImageError::from_decoder_io)?;
    let header = Header::parse(&String::from_utf8_lossy(&bytes))?;
    Ok((header, (start + length) as u64))
}

impl Header {
    /// Reads the text of a header: a Python dictionary of `descr`, `fortran_order` and `shape`.
    fn parse(text: &str) -> Result<Self, ImageError> {
        let (mut samples, mut fortran_order, mut sizes) = (None, None, None);
        let mut rest = expect(text, '{')?;
        while !rest.starts_with('}') {
            let (key, value) = quoted(rest)?;
            let value = expect(value, ':')?;
            rest = match key {
                "descr" if value.starts_with(['[', '(']) => {
                    return Err(ImageError::NotIds("a structured array".to_owned()));
                }
                "descr" => {
                    let (descr, rest) = quoted(value)?;
                    samples = Some(sample_type(descr)?);
                    rest
                }
                "fortran_order" => {
                    let word = value.find([',', '}']).unwrap_or(value.len());
                    fortran_order = match value[..word].trim_end() {
                        "True" => Some(true),
                        "False" => Some(false),
                        other => return Err(damaged(format_args!("fortran_order is {other}"))),
                    };
                    &value[word..]
                }
                "shape" => {
                    let inner = expect(value, '(')?;
                    let Some(end) = inner
                        .find(['(', ')'])
                        .filter(|&at| inner[at..].starts_with(')'))
                    else {
                        return Err(damaged("its shape is not closed, or has nested brackets"));
                    };
                    sizes = Some(parse_sizes(&inner[..end])?);
                    inner[end + 1..].trim_start()
                }
                other => return Err(damaged(format_args!("its header has a key {other:?}"))),
            };
            rest = match rest.strip_prefix(',') {
                Some(more) => more.trim_start(),
                None if rest.starts_with('}') => rest,
                None => return Err(damaged("its header ends too early")),
            };
        }
        match (samples, fortran_order, sizes) {
            (Some((samples, swapped)), Some(fortran_order), Some(sizes)) => Ok(Self {
                samples,
                swapped,
                fortran_order,
                sizes,
            }),
            _ => Err(damaged("its header lacks descr, fortran_order or shape")),
        }
    }
}

/// What follows a bracket or colon, and blanks around it.
fn expect(text: &str, wanted: char) -> Result<&str, ImageError> {
    match text.trim_start().strip_prefix(wanted) {
        Some(rest) => Ok(rest.trim_start()),
        None => Err(damaged(format_args!(
            "no '{wanted}' where its header needs one"
        ))),
    }
}

/// A string in quotes of either kind, and what follows it.
fn quoted(text: &str) -> Result<(&str, &str), ImageError> {
    let parts = ['\'', '"']
        .iter()
        .find_map(|&quote| text.strip_prefix(quote)?.split_once(quote));
    let (string, rest) = parts.ok_or_else(|| damaged("no string where its header needs one"))?;
    Ok((string, rest.trim_start()))
}

/// Whole numbers with commas between them; one may follow the last.
fn parse_sizes(text: &str) -> Result<Vec<usize>, ImageError> {
    let text = text.trim();
    let text = text.strip_suffix(',').unwrap_or(text);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let size = |size: &str| {
        // Python 2 wrote an L behind them.
        let size = size.trim();
        size.strip_suffix('L').unwrap_or(size).parse().ok()
    };
    let sizes: Option<_> = text.split(',').map(size).collect();
    sizes.ok_or_else(|| damaged("the sizes in its header cannot be right"))
}

/// The sizes without axes of length 1, where there are more axes than a volume has. Rows and
/// columns, the last ones, stay, unless there is more than one axis before them.
fn without_ones(sizes: &[usize]) -> Vec<usize> {
    if sizes.len() <= 3 {
        return sizes.to_owned();
    }
    let (others, plane) = sizes.split_at(sizes.len() - 2);
    let long = |sizes: &[usize]| {
        sizes
            .iter()
            .copied()
            .filter(|&size| size != 1)
            .collect::<Vec<_>>()
    };
    match long(others)[..] {
        [] => plane.to_owned(),
        [slices] => vec![slices, plane[0], plane[1]],
        _ => long(sizes),
    }
}

fn layout(header: &Header, offset: u64, file_bytes: u64) -> Result<RawLayout, ImageError> {
    let samples = header.samples;
    let shape = match without_ones(&header.sizes)[..] {
        [x, y] => [1, x, y],
        [z, x, y] => [z, x, y],
        _ => {
            let axes: Vec<String> = header.sizes.iter().map(usize::to_string).collect();
            return Err(ImageError::Unsupported(format!(
                "is an array of {} axes ({}); a volume has 3, (z, x, y), and a single slice 2, (x, y), beside axes of length 1",
                axes.len(),
                axes.join(" x ")
            )));
        }
    };
    let layout = RawLayout {
        offset,
        shape,
        samples,
        swapped: header.swapped,
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

/// The type that a `descr` such as `<u2` stands for, and whether its bytes are to be swapped.
pub(super) fn sample_type(descr: &str) -> Result<(SampleType, bool), ImageError> {
    let unknown = || ImageError::NotIds(format!("elements of type '{descr}'"));
    let mut letters = descr.chars();
    let swapped = match letters.next() {
        Some('<') => cfg!(target_endian = "big"),
        Some('>') => cfg!(target_endian = "little"),
        Some('|' | '=') => false,
        _ => return Err(unknown()),
    };
    let kind = letters.next();
    if kind == Some('O') {
        return Err(ImageError::PythonObjects);
    }
    let size = letters.as_str();
    // Times have their unit behind the size.
    let size = size.find('[').map_or(size, |unit| &size[..unit]);
    let bits = size
        .parse()
        .ok()
        .and_then(|bytes: u64| bytes.checked_mul(8));
    let bits = bits.ok_or_else(unknown)?;
    let kind = match kind {
        Some('b') if bits == 8 => SampleKind::Unsigned,
        Some('u') => SampleKind::Unsigned,
        Some('i') => SampleKind::Signed,
        Some('f') => SampleKind::Float,
        Some('c') => return Err(ImageError::NotIds("complex numbers".to_owned())),
        Some('S' | 'a' | 'U') => return Err(ImageError::NotIds("text".to_owned())),
        Some('m' | 'M') => return Err(ImageError::NotIds("times".to_owned())),
        _ => return Err(unknown()),
    };
    let samples = SampleType::new(bits, kind)
        .filter(|samples| samples.bits >= 8)
        .ok_or_else(|| ImageError::NotIds(format!("{bits}-bit samples")))?;
    Ok((samples, swapped && samples.bits > 8))
}

impl VolumeSource for NpyVolume {
    fn shape(&self) -> [usize; 3] {
        self.layout.shape
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        if !self.fortran_order {
            return Ok(Box::new(RawReader::open(
                &self.path,
                self.layout,
                &self.background,
            )?));
        }
        let file = open_regular(&self.path).map_err(|e| ReadError::io(&self.path, None, e))?;
        Ok(Box::new(FortranReader {
            source: self,
            file,
            block: Block::default(),
            scratch: Vec::new(),
        }))
    }

    fn working_bytes(&self, part: &VoxelBox) -> u64 {
        if !self.fortran_order {
            return self.layout.working_bytes(part);
        }
        let sample = self.layout.sample_bytes();
        let slice = part.slice_voxels().saturating_mul(sample);
        let lines = self.layout.shape[0].saturating_mul(sample);
        let lines = lines
            .saturating_mul(part.shape[1])
            .min(lines.max(LINE_BYTES));
        let block = slice.saturating_mul(collected(slice, self.layout.shape[0]));
        (block as u64).saturating_add(lines as u64)
    }

    fn bits(&self) -> u8 {
        self.background.id_bits(self.layout.samples.id_bits())
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        self.opened.check()
    }

    fn facts(&self) -> Facts {
        Facts {
            is_float: self.layout.samples.kind == SampleKind::Float,
            ..Facts::default()
        }
    }

    fn describe(&self) -> String {
        format!(
            "{} (NumPy array of {} voxels, {}{})",
            self.path.display(),
            triple(self.shape(), " x "),
            self.layout.samples,
            match self.fortran_order {
                false => "",
                true => ", in Fortran order",
            }
        )
    }
}

/// Slices of so many bytes that are collected together, of so many.
fn collected(slice_bytes: usize, depth: usize) -> usize {
    (COLLECTED_BYTES / slice_bytes.max(1)).clamp(1, COLLECTED.min(depth.max(1)))
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
        let slices = collected(slice_bytes, depth - z);
        // The old block is void even if reading fails half way.
        self.block.z = 0..0;
        self.block.samples.resize(slices * slice_bytes, 0);
        // The voxels (.., x, y) of adjoining rows x adjoin: read them all, and pick.
        let line = depth * sample;
        let rows_per_read = (LINE_BYTES / line).clamp(1, x.len());
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
        out: IdsMut<'_>,
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
        let at = (x.start, y.start);
        let background = &self.source.background;
        samples.ids(&self.block.samples, first, out, at, y.len(), background)
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
        self.read_ids(z, x, y, out.into())
    }

    fn read_ids(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: IdsMut<'_>,
    ) -> Result<(), ReadError> {
        check_request(self.source.layout.shape, z, &x, &y, out.len())?;
        self.read_crop(z, x, y, out)
            .map_err(|error| error.at(&self.source.path, Some(z)))
    }
}
