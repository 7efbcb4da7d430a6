//! N5 (github.com/saalfeldlab/n5): folders with arrays in blocks, axes x first, numbers in big
//! endian.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::chunked::{
    Axes, Chunk, ChunkStore, ChunkedLayout, ChunkedVolume, Found as Searched, Root, below, plain,
    sizes_nm,
};
use super::options::ReadOptions;
use super::samples::{SampleType, swap_bytes};
use super::zarr::unpack;
use super::{Found, InputFormat, ReadError, ReadFormat, VolumeSource};
use crate::io::codec::Codec;

/// A folder with arrays.
pub(super) struct N5Format;

pub(super) static FORMAT: N5Format = N5Format;

/// What describes a folder.
const ATTRIBUTES: &str = "attributes.json";

/// The line that makes a Zarr store of what is not read.
const WAY: &str = "python -c \"import z5py, zarr; zarr.save_array('labels.zarr', z5py.File('FILE')['DATASET'][:])\"";

impl ReadFormat for N5Format {
    fn format(&self) -> InputFormat {
        InputFormat {
            name: "n5",
            noun: "folder of N5 arrays",
            extensions: &["n5"],
            is_folder: true,
        }
    }

    fn recognises(&self, found: &Found<'_>) -> bool {
        match found {
            Found::Folder(path) => path.join(ATTRIBUTES).is_file(),
            Found::File(_) => false,
        }
    }

    fn open(&self, path: &Path, options: &ReadOptions) -> Result<Box<dyn VolumeSource>, ReadError> {
        let root = Root::new(path)?;
        let node = choose(&root, options)?;
        let attributes = root.json::<Attributes>(&below(&node, ATTRIBUTES))?;
        let array = attributes.unwrap_or_default().array();
        let array = array.map_err(|feature| ReadError::Unsupported {
            path: root.join(&node),
            slice: None,
            feature: feature
                .replace("FILE", &path.display().to_string())
                .replace("DATASET", &node),
        })?;
        let axes = Axes::choose(&[], &array.sizes, options);
        let axes = axes.map_err(|feature| ReadError::Unsupported {
            path: root.join(&node),
            slice: None,
            feature,
        })?;
        let layout = ChunkedLayout {
            path: path.to_owned(),
            noun: format!("N5 array {node}").trim_end().to_owned(),
            shape: axes.shape(),
            chunk: axes.pick(&array.blocks, 1),
            samples: array.samples,
            fill: [0; 8],
            facts: axes.facts(&array.voxel_nm),
        };
        // Axes beyond three have blocks, too.
        let whole = ChunkedLayout {
            chunk: [
                array.blocks.iter().copied().fold(1, usize::saturating_mul),
                1,
                1,
            ],
            ..layout.clone()
        };
        whole.check()?;
        let store = N5Store {
            root,
            node,
            array,
            axes,
        };
        Ok(Box::new(ChunkedVolume::new(layout, store, options)?))
    }
}

/// `attributes.json` of an array.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Attributes {
    dimensions: Option<Vec<u64>>,
    block_size: Option<Vec<u64>>,
    data_type: Option<String>,
    compression: Value,
    compression_type: Option<String>,
    resolution: Value,
    units: Value,
    pixel_resolution: Value,
    transform: Value,
}

/// An array; axes in the order of NumPy, the slowest first.
struct Array {
    sizes: Vec<usize>,
    blocks: Vec<usize>,
    samples: SampleType,
    codecs: Vec<Codec>,
    voxel_nm: Vec<Option<f64>>,
}

impl Attributes {
    fn array(&self) -> Result<Array, String> {
        let lengths = |sizes: &Option<Vec<u64>>, what: &str| {
            let sizes = sizes.as_ref().filter(|sizes| sizes.len() <= 64);
            let sizes = sizes.ok_or_else(|| format!("has no {what}"))?;
            let length = |&size: &u64| usize::try_from(size).ok().filter(|&size| size < 1 << 48);
            let lengths: Option<Vec<usize>> = sizes.iter().rev().map(length).collect();
            lengths.ok_or_else(|| format!("has {what} of {sizes:?}, more than can be"))
        };
        let sizes = lengths(&self.dimensions, "dimensions")?;
        let blocks = lengths(&self.block_size, "blockSize")?;
        if sizes.len() != blocks.len() {
            return Err("has as many dimensions as its blocks have not".to_owned());
        }
        let name = self.data_type.as_deref().unwrap_or("");
        let samples = SampleType::named(name);
        let samples = samples.ok_or_else(|| format!("has elements of type {name:?}"))?;
        let compression = self.compression["type"].as_str();
        let codecs = match compression
            .or(self.compression_type.as_deref())
            .unwrap_or("raw")
        {
            "raw" => vec![],
            "gzip" if self.compression["useZlib"].as_bool() == Some(true) => vec![Codec::Zlib],
            "gzip" => vec![Codec::Gzip],
            "bzip2" => vec![Codec::Bzip2],
            "zstd" => vec![Codec::Zstd],
            "blosc" => vec![Codec::Blosc],
            other => {
                return Err(format!(
                    "is packed with {other:?}, which is not read; to convert it: {WAY}"
                ));
            }
        };
        // Three programs, three ways: n5-viewer and Paintera, n5-ij, COSEM; but for the last in the
        // order of the file.
        let reversed = |mut sizes: Vec<Option<f64>>| {
            sizes.reverse();
            sizes
        };
        let pixel = &self.pixel_resolution;
        let cosem = || {
            let axes = self.transform["axes"].as_array()?;
            let sizes = sizes_nm(&self.transform["scale"], &self.transform["units"])?;
            (axes.first()? == "z").then_some(sizes)
        };
        let voxel_nm = cosem()
            .or_else(|| sizes_nm(&pixel["dimensions"], &pixel["unit"]).map(reversed))
            .or_else(|| sizes_nm(&self.resolution, &self.units).map(reversed))
            .filter(|told| told.len() == sizes.len());
        Ok(Array {
            voxel_nm: voxel_nm.unwrap_or_default(),
            sizes,
            blocks,
            samples,
            codecs,
        })
    }
}

/// The array that the options choose, or the only one.
fn choose(root: &Root, options: &ReadOptions) -> Result<String, ReadError> {
    let array = |node: &str| {
        let read = root.json::<Attributes>(&below(node, ATTRIBUTES));
        Ok::<_, ReadError>(read?.is_some_and(|found| found.dimensions.is_some()))
    };
    let search = |start: &str| {
        root.search(start, |node| {
            Ok(match array(node) {
                Ok(true) => Searched::Volumes(vec![node.clone()]),
                Ok(false) => Searched::Inside,
                Err(_) => Searched::Nothing,
            })
        })
    };
    let dataset = options.dataset.as_deref().unwrap_or("");
    let start = plain(dataset).filter(|node| node.is_empty() || root.has(node));
    let found = match &start {
        Some(start) => search(start)?,
        None => Vec::new(),
    };
    // A pyramid, as n5-viewer and Paintera have it: s0, s1 and so on.
    let levels = |found: &[String]| {
        let groups = found
            .iter()
            .map(|node| node.rsplit_once('/').unwrap_or(("", node)));
        let mut groups = groups.enumerate();
        let first = found.first().map_or("", |node| {
            node.rsplit_once('/').map_or("", |(group, _)| group)
        });
        groups.all(|(level, (group, name))| group == first && name == format!("s{level}"))
    };
    match &found[..] {
        [only] if options.level.unwrap_or(0) == 0 => Ok(only.clone()),
        [] => Err(ReadError::Choice {
            path: root.path().to_owned(),
            problem: format!("holds no dataset {dataset:?}"),
            key: "dataset",
            choices: search("")?,
        }),
        several if levels(several) => {
            let level = options.level.unwrap_or(0);
            several
                .get(level)
                .cloned()
                .ok_or_else(|| ReadError::Choice {
                    path: root.path().to_owned(),
                    problem: format!(
                        "has {} levels, but level = {level} was given",
                        several.len()
                    ),
                    key: "level",
                    choices: (0..several.len()).map(|level| level.to_string()).collect(),
                })
        }
        several => Err(ReadError::Choice {
            path: root.path().to_owned(),
            problem: format!("holds {} volumes", several.len()),
            key: "dataset",
            choices: several.to_owned(),
        }),
    }
}

struct N5Store {
    root: Root,
    node: String,
    array: Array,
    axes: Axes,
}

impl N5Store {
    fn bytes(&self) -> usize {
        let sample = usize::from(self.array.samples.bits / 8);
        self.array.blocks.iter().product::<usize>() * sample
    }

    /// The shape of a block and its samples. In front of them stand a mode (0: there is no count of
    /// elements), the number of axes, and their lengths, x first.
    fn block(&self, file: &[u8]) -> Result<(Vec<usize>, Vec<u8>), String> {
        let short = || "ends in its header; it is cut short or damaged".to_owned();
        let word = |at: usize| {
            let bytes = file.get(at..).and_then(<[u8]>::first_chunk);
            bytes
                .map(|bytes| u16::from_be_bytes(*bytes))
                .ok_or_else(short)
        };
        let axes = usize::from(word(2)?);
        match word(0)? {
            0 if axes == self.array.sizes.len() => {}
            0 => return Err(format!("is a block of {axes} axes")),
            mode => return Err(format!("is a block of mode {mode}, which is not read")),
        }
        let lengths = file.get(4..4 + 4 * axes).ok_or_else(short)?;
        let lengths = lengths.as_chunks().0.iter().rev();
        let shape: Vec<usize> = lengths
            .map(|&bytes| u32::from_be_bytes(bytes) as usize)
            .collect();
        if shape
            .iter()
            .zip(&self.array.blocks)
            .any(|(&found, &most)| found > most)
        {
            return Err(format!(
                "is a block of {shape:?} elements, larger than it may be"
            ));
        }
        let sample = usize::from(self.array.samples.bits / 8);
        let bytes = shape.iter().product::<usize>() * sample;
        let mut samples = unpack(file[4 + 4 * axes..].to_vec(), &self.array.codecs, bytes)?;
        if cfg!(target_endian = "little") {
            swap_bytes(&mut samples, sample);
        }
        Ok((shape, samples))
    }
}

impl ChunkStore for N5Store {
    fn chunk(&self, place: [usize; 3]) -> Result<Option<Chunk>, ReadError> {
        let numbers = self.axes.chunk(place, &self.array.blocks);
        let numbers: Vec<String> = numbers.iter().rev().map(usize::to_string).collect();
        let name = below(&self.node, &numbers.join("/"));
        let most = Codec::most_packed(self.bytes()) as u64;
        let Some(file) = self.root.chunk(&name, most)? else {
            return Ok(None);
        };
        let (shape, samples) = self.block(&file).map_err(|reason| ReadError::Corrupt {
            path: self.root.join(&name),
            slice: None,
            reason,
        })?;
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        let first = self.axes.first(&self.array.blocks, &strides);
        Ok(Some(Chunk {
            samples,
            shape: self.axes.pick(&shape, 1),
            first,
            strides: self.axes.pick(&strides, 0),
        }))
    }

    fn chunk_bytes(&self) -> u64 {
        4 * Codec::most_packed(self.bytes()) as u64
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        self.root.unchanged()
    }
}
