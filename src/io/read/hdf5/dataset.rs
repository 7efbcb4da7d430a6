//! A dataset as a volume.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hdf5_reader::error::{Error, Result as Hdf5Result};
use hdf5_reader::group::Group;
use hdf5_reader::{
    Dataset, Datatype, FileStorage, H5Type, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem,
};
use serde_json::Value;

use super::super::chunked::{
    Axes, Chunk, ChunkStore, ChunkedLayout, ChunkedVolume, below, plain, sizes_nm,
};
use super::super::error::ImageError;
use super::super::options::ReadOptions;
use super::super::samples::{SampleKind, SampleType, swap_bytes};
use super::super::unchanged::Opened;
use super::super::units::nanometres;
use super::super::{ReadError, VolumeSource};
use super::filters;
use crate::io::codec::Codec;

/// Most bytes of an unpacked chunk.
const MOST_CHUNK_BYTES: usize = 1 << 30;

/// Bytes of what is not in chunks that are read together.
const PIECE_BYTES: usize = 1 << 22;

/// Groups that a search for datasets looks into, and how deep it goes.
const MOST_GROUPS: usize = 10_000;
const DEEPEST: usize = 8;

pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn VolumeSource>, ReadError> {
    let (opened, file, _) = Opened::open(path).map_err(|error| error.at(path, None))?;
    let wrong = |error: &Error| of_library(error).at(path, None);
    // What a chunk may be before it is known which one is read: attributes have none.
    let most = Arc::new(AtomicUsize::new(1 << 20));
    let settings = OpenOptions::default()
        .with_chunk_cache_bytes(0)
        .with_max_chunk_bytes(MOST_CHUNK_BYTES)
        .with_filter_registry(filters::registry(&most));
    let storage = FileStorage::from_file(file).map_err(|error| wrong(&error))?;
    let file = Hdf5File::from_storage_with_options(Arc::new(storage), settings);
    let file = file.map_err(|error| match of_library(&error) {
        ImageError::Corrupt(text) => {
            ImageError::Corrupt(format!("damaged, or no HDF5 file: {text}")).at(path, None)
        }
        other => other.at(path, None),
    })?;
    let (name, dataset) = choose(path, &file, options)?;
    let unsupported = |feature: String| ReadError::Unsupported {
        path: path.to_owned(),
        slice: None,
        feature: format!("dataset {name} {feature}"),
    };
    let (samples, swapped) = sample_type(dataset.dtype()).ok_or_else(|| {
        let found = format!("dataset {name} of elements that are no numbers of 8 to 64 bits");
        ImageError::NotIds(found).at(path, None)
    })?;
    let size = |size: &u64| usize::try_from(*size).ok().filter(|&size| size < 1 << 48);
    let sizes: Option<Vec<usize>> = dataset.shape().iter().map(size).collect();
    let sizes = sizes.ok_or_else(|| unsupported(format!("has axes of {:?}", dataset.shape())))?;
    let names = axis_names(&dataset).filter(|names| names.len() == sizes.len());
    let axes = Axes::choose(&names.unwrap_or_default(), &sizes, options).map_err(unsupported)?;
    let sample = usize::from(samples.bits / 8);
    let chunks = match dataset.chunks() {
        Some(chunks) if chunks.len() == sizes.len() => {
            chunks.iter().map(|&size| size as usize).collect()
        }
        Some(_) => {
            return Err(unsupported(
                "has chunks of other axes than it has".to_owned(),
            ));
        }
        None => pieces(&axes, &sizes, sample),
    };
    let all = chunks
        .iter()
        .try_fold(sample, |all: usize, &n| all.checked_mul(n));
    let Some(bytes) = all.filter(|bytes| (1..=MOST_CHUNK_BYTES).contains(bytes)) else {
        let reason =
            format!("dataset {name} has chunks of {chunks:?} elements, more than are read");
        return Err(ImageError::Corrupt(reason).at(path, None));
    };
    most.store(bytes, Ordering::Relaxed);
    let voxel_nm = voxel_nm(&dataset).filter(|told| told.len() <= sizes.len());
    let mut voxel_nm = voxel_nm.unwrap_or_default();
    // Of the last axes.
    for _ in voxel_nm.len()..sizes.len() {
        voxel_nm.insert(0, None);
    }
    let layout = ChunkedLayout {
        path: path.to_owned(),
        noun: format!("HDF5 dataset {name}"),
        shape: axes.shape(),
        chunk: axes.pick(&chunks, 1),
        samples,
        fill: [0; 8],
        facts: axes.facts(&voxel_nm),
    };
    let store = Hdf5Store {
        opened,
        path: path.to_owned(),
        dataset,
        sizes,
        chunks,
        axes,
        samples,
        swapped,
    };
    Ok(Box::new(ChunkedVolume::new(layout, store, options)?))
}

/// An error of the library: damaged data, what it does not read, or a failing disk.
fn of_library(error: &Error) -> ImageError {
    match error {
        Error::Io(error) => {
            let error = match error.raw_os_error() {
                Some(code) => std::io::Error::from_raw_os_error(code),
                None => std::io::Error::new(error.kind(), error.to_string()),
            };
            ImageError::from_decoder_io(error)
        }
        Error::UnsupportedFilter(_) => {
            ImageError::Unsupported(format!("{error}: {}", filters::WAY))
        }
        _ => {
            let text = error.to_string();
            match text.contains("unsupported filter") {
                true => ImageError::Unsupported(format!("{text}: {}", filters::WAY)),
                false => ImageError::Corrupt(text),
            }
        }
    }
}

/// The type of elements, and whether they are to be swapped.
fn sample_type(datatype: &Datatype) -> Option<(SampleType, bool)> {
    use hdf5_reader::ByteOrder::BigEndian;
    let (size, kind, order) = match datatype {
        Datatype::FixedPoint {
            size,
            signed: false,
            byte_order,
        } => (*size, SampleKind::Unsigned, byte_order),
        Datatype::FixedPoint {
            size, byte_order, ..
        } => (*size, SampleKind::Signed, byte_order),
        Datatype::FloatingPoint { size, byte_order } => (*size, SampleKind::Float, byte_order),
        Datatype::Bitfield { size, byte_order } => (*size, SampleKind::Unsigned, byte_order),
        // As h5py stores what is true or false.
        Datatype::Enum { base, .. } => return sample_type(base),
        _ => return None,
    };
    let samples = SampleType::new(u64::from(size) * 8, kind).filter(|samples| samples.bits >= 8)?;
    let is_big = matches!(order, BigEndian);
    Some((
        samples,
        size > 1 && is_big == cfg!(target_endian = "little"),
    ))
}

/// The boxes that are read together of what lies in one piece: rows, or slices, of a few bytes.
fn pieces(axes: &Axes, sizes: &[usize], sample: usize) -> Vec<usize> {
    let mut pieces = vec![1; sizes.len()];
    let mut bytes = sample;
    // The last axes are the fastest.
    for (axis, &size) in sizes.iter().enumerate().rev() {
        let fitting = (PIECE_BYTES / bytes.max(1)).clamp(1, size.max(1));
        pieces[axis] = fitting;
        bytes = bytes.saturating_mul(fitting);
        if fitting < size {
            break;
        }
    }
    let _ = axes;
    pieces
}

/// The dataset that the options name, or the only one that may be a volume.
fn choose(
    path: &Path,
    file: &Hdf5File,
    options: &ReadOptions,
) -> Result<(String, Dataset), ReadError> {
    let wrong = |error: Error| of_library(&error).at(path, None);
    let choice = |problem: String, choices| ReadError::Choice {
        path: path.to_owned(),
        problem,
        key: "dataset",
        choices,
    };
    if options.level.unwrap_or(0) > 0 {
        return Err(choice(
            "has no levels: leave out level".to_owned(),
            search(file).map_err(wrong)?,
        ));
    }
    let named = options
        .dataset
        .as_deref()
        .and_then(plain)
        .filter(|name| !name.is_empty());
    if let Some(name) = named {
        if let Ok(dataset) = file.dataset(&name) {
            return Ok((name, dataset));
        }
        // A group with one.
        let start = format!("{name}/");
        let all = search(file).map_err(wrong)?;
        let inside: Vec<&String> = all
            .iter()
            .filter(|found| found.starts_with(&start))
            .collect();
        if let [only] = inside[..] {
            return Ok((only.clone(), file.dataset(only).map_err(wrong)?));
        }
        return Err(choice(format!("holds no dataset {name:?}"), all));
    }
    let found = search(file).map_err(wrong)?;
    match &found[..] {
        [] => Err(
            ImageError::Corrupt("holds no dataset of a volume of numbers".to_owned())
                .at(path, None),
        ),
        [only] => Ok((only.clone(), file.dataset(only).map_err(wrong)?)),
        several => Err(choice(
            format!("holds {} volumes", several.len()),
            several.to_owned(),
        )),
    }
}

/// Datasets of numbers with three axes or more; if there is none, those with two.
fn search(file: &Hdf5File) -> Result<Vec<String>, Error> {
    let mut found: Vec<(String, usize)> = Vec::new();
    let mut waiting: Vec<(String, Group, usize)> = vec![(String::new(), file.root_group()?, 0)];
    let mut looked = 0;
    while let Some((name, group, depth)) = waiting.pop() {
        looked += 1;
        let (groups, datasets) = group.members()?;
        for dataset in datasets {
            let is_number = sample_type(dataset.dtype()).is_some();
            if is_number && dataset.ndim() >= 2 {
                found.push((below(&name, dataset.name()), dataset.ndim()));
            }
        }
        if depth < DEEPEST && looked + waiting.len() < MOST_GROUPS {
            let inside = groups.into_iter().take(MOST_GROUPS);
            waiting.extend(inside.map(|group| (below(&name, group.name()), group, depth + 1)));
        }
    }
    found.sort_by(|a, b| super::super::natural_order(&a.0, &b.0));
    let has_volumes = found.iter().any(|&(_, axes)| axes >= 3);
    found.retain(|&(_, axes)| axes >= 3 || !has_volumes);
    Ok(found.into_iter().map(|(name, _)| name).collect())
}

/// Names of the axes as vigra and ilastik write them.
fn axis_names(dataset: &Dataset) -> Option<Vec<String>> {
    let text = dataset.attribute("axistags").ok()?.read_string().ok()?;
    let tags: Value = serde_json::from_str(&text).ok()?;
    let name = |axis: &Value| Some(axis["key"].as_str()?.to_owned());
    tags["axes"].as_array()?.iter().map(name).collect()
}

/// Sizes of a voxel in nm: CREMI's `resolution`, in nm unless `units` or `unit` says otherwise, and
/// `element_size_um`, as ilastik's plugin of Fiji and PlantSeg write it.
fn voxel_nm(dataset: &Dataset) -> Option<Vec<Option<f64>>> {
    let numbers = |name: &str| {
        let attribute = dataset.attribute(name).ok()?;
        let wide = |list: Vec<f32>| list.into_iter().map(f64::from).collect();
        let whole = |list: Vec<i64>| list.into_iter().map(|n| n as f64).collect::<Vec<f64>>();
        (attribute.read_1d::<f64>().ok())
            .or_else(|| attribute.read_1d::<f32>().ok().map(wide))
            .or_else(|| attribute.read_1d::<i64>().ok().map(whole))
            .or_else(|| {
                let list = attribute.read_1d::<i32>().ok()?;
                Some(list.into_iter().map(f64::from).collect())
            })
    };
    let text = |name: &str| dataset.attribute(name).ok()?.read_string().ok();
    if let Some(sizes) = numbers("resolution") {
        let unit = text("units").or_else(|| text("unit"));
        let unit = unit.map_or(Value::Null, |unit| {
            // One may stand for all.
            let known = nanometres(&unit).is_some();
            if known {
                Value::String(unit)
            } else {
                Value::from("?")
            }
        });
        return sizes_nm(&Value::from(sizes), &unit);
    }
    sizes_nm(
        &Value::from(numbers("element_size_um")?),
        &Value::from("um"),
    )
}

struct Hdf5Store {
    opened: Opened,
    path: std::path::PathBuf,
    dataset: Dataset,
    /// Size along each axis, and of a chunk.
    sizes: Vec<usize>,
    chunks: Vec<usize>,
    axes: Axes,
    samples: SampleType,
    swapped: bool,
}

/// An element as it is stored.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
struct Stored<const N: usize>([u8; N]);

impl<const N: usize> H5Type for Stored<N> {
    fn hdf5_type() -> Datatype {
        Datatype::Opaque {
            size: N as u32,
            tag: String::new(),
        }
    }

    fn from_bytes(bytes: &[u8], _: &Datatype) -> Hdf5Result<Self> {
        let bytes = bytes.first_chunk().copied();
        bytes
            .map(Self)
            .ok_or_else(|| Error::InvalidData("an element is cut short".to_owned()))
    }

    fn element_size(_: &Datatype) -> usize {
        N
    }

    fn decode_vec(raw: &[u8], _: &Datatype, count: usize) -> Option<Hdf5Result<Vec<Self>>> {
        let raw = raw.get(..count.checked_mul(N)?)?;
        Some(Ok(raw
            .as_chunks::<N>()
            .0
            .iter()
            .copied()
            .map(Self)
            .collect()))
    }

    fn native_copy_compatible(_: &Datatype) -> bool {
        true
    }
}

impl Hdf5Store {
    fn read<const N: usize>(&self, part: &SliceInfo) -> Result<Vec<u8>, Error> {
        let (samples, _) = self
            .dataset
            .read_slice::<Stored<N>>(part)?
            .into_raw_vec_and_offset();
        Ok(bytemuck::cast_slice(&samples).to_vec())
    }
}

impl ChunkStore for Hdf5Store {
    fn chunk(&self, place: [usize; 3]) -> Result<Option<Chunk>, ReadError> {
        let numbers = self.axes.chunk(place, &self.chunks);
        let axes = numbers.iter().zip(&self.chunks).zip(&self.sizes);
        let ranges: Vec<_> = axes
            .map(|((&number, &chunk), &size)| {
                let start = (number * chunk).min(size);
                start..(start + chunk).min(size)
            })
            .collect();
        let selections = ranges.iter().map(|range| SliceInfoElem::Slice {
            start: range.start as u64,
            end: range.end as u64,
            step: 1,
        });
        let part = SliceInfo {
            selections: selections.collect(),
        };
        let read = match self.samples.bits {
            8 => self.read::<1>(&part),
            16 => self.read::<2>(&part),
            32 => self.read::<4>(&part),
            _ => self.read::<8>(&part),
        };
        let mut samples = read.map_err(|error| of_library(&error).at(&self.path, None))?;
        if self.swapped {
            swap_bytes(&mut samples, usize::from(self.samples.bits / 8));
        }
        let shape: Vec<usize> = ranges.iter().map(ExactSizeIterator::len).collect();
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        Ok(Some(Chunk {
            samples,
            shape: self.axes.pick(&shape, 1),
            first: self.axes.first(&self.chunks, &strides),
            strides: self.axes.pick(&strides, 0),
        }))
    }

    fn chunk_bytes(&self) -> u64 {
        let sample = usize::from(self.samples.bits / 8);
        let bytes = self.chunks.iter().product::<usize>() * sample;
        // What is packed, filters one after the other, and the library's copy.
        5 * Codec::most_packed(bytes) as u64
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        self.opened.check()
    }
}
