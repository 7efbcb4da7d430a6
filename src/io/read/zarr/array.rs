//! What describes an array: `.zarray` of Zarr v2, `zarr.json` of v3
//! (zarr-specs.readthedocs.io, core protocols 2 and 3; ZEP 2 for shards).

use serde::Deserialize;
use serde_json::Value;

use super::super::npy;
use super::super::samples::{SampleKind, SampleType};
use crate::io::codec::Codec;

/// An array, as either version describes it.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub version: u8,
    /// Size along each axis.
    pub sizes: Vec<usize>,
    /// Size of a chunk; of what is sharded those in the shards.
    pub chunks: Vec<usize>,
    /// Names of the axes, empty where they have none.
    pub names: Vec<String>,
    pub samples: SampleType,
    /// Whether samples are to be swapped.
    pub swapped: bool,
    /// A voxel of a missing chunk, in the machine's byte order.
    pub fill: [u8; 8],
    /// The axes in the order in which a chunk stores them, the slowest first.
    pub order: Vec<usize>,
    /// What unpacks a chunk, in this order.
    pub codecs: Vec<Codec>,
    pub shards: Option<Shards>,
    pub keys: Keys,
}

/// How chunks are put together to files.
#[derive(Clone, Debug)]
pub(super) struct Shards {
    /// Chunks in a shard along each axis.
    pub chunks: Vec<usize>,
    /// Whether a checksum follows its index.
    pub has_checksum: bool,
    /// Whether the index is at the end.
    pub at_end: bool,
}

/// How files of chunks or shards are called.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// Whether a `c` precedes the numbers.
    pub has_prefix: bool,
    pub separator: char,
}

impl Keys {
    /// The name of a chunk's file below its array.
    pub fn name(&self, numbers: &[usize]) -> String {
        let mut name = String::new();
        if self.has_prefix {
            name.push('c');
        }
        for number in numbers {
            if !name.is_empty() {
                name.push(self.separator);
            }
            name += &number.to_string();
        }
        match name.is_empty() {
            true => "0".to_owned(),
            false => name,
        }
    }
}

/// `.zarray`.
#[derive(Deserialize)]
pub(super) struct V2 {
    zarr_format: u64,
    shape: Vec<u64>,
    chunks: Vec<u64>,
    dtype: Value,
    compressor: Option<Named>,
    #[serde(default)]
    fill_value: Value,
    #[serde(default)]
    order: Option<String>,
    #[serde(default)]
    filters: Option<Vec<Named>>,
    #[serde(default)]
    dimension_separator: Option<String>,
}

/// A codec of version 2.
#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    elementsize: Option<u64>,
}

/// `zarr.json`, of arrays and of groups.
#[derive(Deserialize)]
pub(super) struct V3 {
    zarr_format: u64,
    pub node_type: String,
    #[serde(default)]
    pub attributes: Value,
    #[serde(default)]
    shape: Vec<u64>,
    #[serde(default)]
    data_type: Value,
    chunk_grid: Option<Extension>,
    chunk_key_encoding: Option<Extension>,
    #[serde(default)]
    fill_value: Value,
    #[serde(default)]
    codecs: Vec<Extension>,
    dimension_names: Option<Vec<Option<String>>>,
    #[serde(default)]
    storage_transformers: Vec<Value>,
}

/// A name, perhaps with a configuration.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Extension {
    Name(String),
    Configured {
        name: String,
        #[serde(default)]
        configuration: Value,
    },
}

impl Extension {
    fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Configured { name, .. } => name,
        }
    }

    fn get(&self, key: &str) -> &Value {
        match self {
            Self::Name(_) => &Value::Null,
            Self::Configured { configuration, .. } => &configuration[key],
        }
    }
}

/// The line that makes a plain store of what is not read.
const WAY: &str = "python -c \"import zarr; zarr.save_array('labels.zarr', zarr.open('FILE')[:])\"";

/// What is not read, and the way out.
fn unread(what: impl std::fmt::Display) -> String {
    format!("{what}, which is not read; to convert it: {WAY}")
}

impl V2 {
    /// # Errors
    /// What is not read or makes no sense, a clause.
    pub fn array(&self) -> Result<Array, String> {
        if self.zarr_format != 2 {
            return Err(format!("is of version {} of Zarr", self.zarr_format));
        }
        let Value::String(dtype) = &self.dtype else {
            return Err(unread("has elements of several fields"));
        };
        let (samples, swapped) = npy::sample_type(dtype)
            .map_err(|_| unread(format_args!("has elements of type {dtype:?}")))?;
        let (sizes, chunks) = (lengths(&self.shape)?, lengths(&self.chunks)?);
        let axes = sizes.len();
        if chunks.len() != axes {
            return Err(format!("has {axes} axes, but chunks of {}", chunks.len()));
        }
        // Packed last, unpacked first.
        let filters = self.filters.iter().flatten().rev();
        let codecs = self.compressor.iter().chain(filters);
        let codecs = codecs.map(|codec| named(&codec.id, codec.elementsize));
        let order = match self.order.as_deref() {
            Some("F") => (0..axes).rev().collect(),
            _ => (0..axes).collect(),
        };
        Ok(Array {
            version: 2,
            names: Vec::new(),
            samples,
            swapped,
            fill: fill(&self.fill_value, samples)?,
            order,
            codecs: codecs.collect::<Result<_, _>>()?,
            shards: None,
            keys: Keys {
                has_prefix: false,
                separator: match self.dimension_separator.as_deref() {
                    Some("/") => '/',
                    _ => '.',
                },
            },
            sizes,
            chunks,
        })
    }
}

/// A codec from bytes to bytes by its name in either version.
fn named(name: &str, element: Option<u64>) -> Result<Codec, String> {
    Ok(match name.strip_prefix("numcodecs.").unwrap_or(name) {
        "gzip" => Codec::Gzip,
        "zlib" => Codec::Zlib,
        "zstd" => Codec::Zstd,
        "bz2" => Codec::Bzip2,
        "lz4" => Codec::Lz4,
        "blosc" => Codec::Blosc,
        "crc32c" => Codec::Crc32c,
        "shuffle" => Codec::Shuffle(element.unwrap_or(4).clamp(1, 256) as usize),
        _ => return Err(unread(format_args!("is packed with the codec {name:?}"))),
    })
}

/// Sizes in numbers of the machine.
fn lengths(sizes: &[u64]) -> Result<Vec<usize>, String> {
    // Numpy has at most 64 axes.
    if sizes.len() > 64 {
        return Err(format!("has {} axes", sizes.len()));
    }
    let length = |&size: &u64| usize::try_from(size).ok().filter(|&size| size < 1 << 48);
    let lengths: Option<Vec<usize>> = sizes.iter().map(length).collect();
    lengths.ok_or_else(|| format!("has axes of {sizes:?}, more than can be"))
}

/// Sizes in a configuration.
fn sizes(value: &Value) -> Result<Vec<usize>, String> {
    let numbers: Option<Vec<u64>> =
        (value.as_array()).and_then(|sizes| sizes.iter().map(Value::as_u64).collect());
    lengths(&numbers.ok_or_else(|| format!("has chunks of {value}"))?)
}

/// A voxel of a missing chunk.
fn fill(value: &Value, samples: SampleType) -> Result<[u8; 8], String> {
    let unknown = || format!("has the fill value {value}");
    let mut fill = [0; 8];
    let bytes = usize::from(samples.bits / 8);
    if samples.kind == SampleKind::Float {
        let number = match value {
            Value::Null => 0.0,
            Value::Number(number) => number.as_f64().ok_or_else(unknown)?,
            // No id, which is told when one is missing.
            _ => f64::NAN,
        };
        match bytes {
            2 => fill[..2].copy_from_slice(&half::f16::from_f64(number).to_ne_bytes()),
            4 => fill[..4].copy_from_slice(&(number as f32).to_ne_bytes()),
            _ => fill = number.to_ne_bytes(),
        }
        return Ok(fill);
    }
    let number = match value {
        Value::Null => 0,
        Value::Bool(is) => i128::from(*is),
        Value::Number(number) => (number.as_u64().map(i128::from))
            .or_else(|| number.as_i64().map(i128::from))
            .or_else(|| {
                // Some write 0.0 for arrays of whole numbers.
                let number = number.as_f64().filter(|number| number.fract() == 0.0)?;
                Some(number as i128)
            })
            .ok_or_else(unknown)?,
        _ => return Err(unknown()),
    };
    let range = match samples.kind {
        SampleKind::Signed => -(1i128 << (samples.bits - 1))..1i128 << (samples.bits - 1),
        _ => 0..1i128 << samples.bits,
    };
    if !range.contains(&number) {
        return Err(unknown());
    }
    match bytes {
        1 => fill[0] = number as u8,
        2 => fill[..2].copy_from_slice(&(number as u16).to_ne_bytes()),
        4 => fill[..4].copy_from_slice(&(number as u32).to_ne_bytes()),
        _ => fill = (number as u64).to_ne_bytes(),
    }
    Ok(fill)
}

/// How a chain of codecs stores a chunk.
struct Chain {
    order: Vec<usize>,
    swapped: bool,
    codecs: Vec<Codec>,
    sharding: Option<Sharding>,
}

/// What a chain says that makes shards.
struct Sharding {
    codecs: Vec<Extension>,
    index_codecs: Vec<Extension>,
    chunks: Vec<usize>,
    /// Whether the index is at the end.
    at_end: bool,
}

/// A part of a configuration that is a list of codecs.
fn list(value: &Value) -> Result<Vec<Extension>, String> {
    Vec::deserialize(value).map_err(|error| format!("has no list of codecs in a codec: {error}"))
}

fn chain(codecs: &[Extension], axes: usize, samples: SampleType) -> Result<Chain, String> {
    let mut chain = Chain {
        order: (0..axes).collect(),
        swapped: false,
        codecs: Vec::new(),
        sharding: None,
    };
    let mut is_bytes = false;
    for codec in codecs {
        match codec.name() {
            "transpose" if !is_bytes => {
                let order = match codec.get("order") {
                    Value::String(word) if word == "C" => (0..axes).collect(),
                    Value::String(word) if word == "F" => (0..axes).rev().collect(),
                    order => sizes(order)?,
                };
                let mut sorted = order.clone();
                sorted.sort_unstable();
                if !sorted.iter().copied().eq(0..axes) {
                    return Err(format!("has a transpose codec of the order {order:?}"));
                }
                chain.order = order.iter().map(|&axis| chain.order[axis]).collect();
            }
            "bytes" | "endian" if !is_bytes => {
                let big = codec.get("endian").as_str() == Some("big");
                chain.swapped = samples.bits > 8 && big == cfg!(target_endian = "little");
                is_bytes = true;
            }
            "sharding_indexed" if !is_bytes => {
                if chain.order.iter().enumerate().any(|(at, &axis)| at != axis) {
                    return Err(unread("has shards that are transposed as a whole"));
                }
                chain.sharding = Some(Sharding {
                    codecs: list(codec.get("codecs"))?,
                    index_codecs: list(codec.get("index_codecs"))?,
                    chunks: sizes(codec.get("chunk_shape"))?,
                    at_end: codec.get("index_location").as_str() != Some("start"),
                });
                is_bytes = true;
            }
            name if is_bytes && chain.sharding.is_some() => {
                return Err(unread(format_args!(
                    "has shards that are packed with {name:?}"
                )));
            }
            name if is_bytes => {
                let element = codec.get("elementsize").as_u64();
                chain.codecs.insert(0, named(name, element)?);
            }
            name => return Err(unread(format_args!("is packed with the codec {name:?}"))),
        }
    }
    match is_bytes {
        true => Ok(chain),
        false => Err("has no codec that makes bytes of its elements".to_owned()),
    }
}

/// Whether a checksum follows the index of a shard; nothing else may have been done to it.
fn index_checksum(codecs: &[Extension]) -> Result<bool, String> {
    let names: Vec<&str> = codecs.iter().map(Extension::name).collect();
    let is_little = codecs
        .first()
        .is_some_and(|codec| codec.get("endian").as_str() != Some("big"));
    match names[..] {
        ["bytes"] if is_little => Ok(false),
        ["bytes", "crc32c"] if is_little => Ok(true),
        _ => Err(unread(format_args!("has shards with indices of {names:?}"))),
    }
}

impl V3 {
    pub fn is_array(&self) -> bool {
        self.node_type == "array"
    }

    /// # Errors
    /// What is not read or makes no sense, a clause.
    pub fn array(&self) -> Result<Array, String> {
        if self.zarr_format != 3 {
            return Err(format!("is of version {} of Zarr", self.zarr_format));
        }
        if !self.storage_transformers.is_empty() {
            return Err(unread("has storage transformers"));
        }
        let samples = sample_type(&self.data_type)?;
        let shape = lengths(&self.shape)?;
        let axes = shape.len();
        let grid = self.chunk_grid.as_ref();
        let grid = grid.ok_or_else(|| "has no chunk_grid".to_owned())?;
        if grid.name() != "regular" {
            return Err(unread(format_args!("has a chunk grid {:?}", grid.name())));
        }
        let mut chunks = sizes(grid.get("chunk_shape"))?;
        let mut chain = chain(&self.codecs, axes, samples)?;
        let mut shards = None;
        if let Some(sharding) = chain.sharding.take() {
            let inner = sharding.chunks;
            let divides =
                |(&shard, &chunk): (&usize, &usize)| shard > 0 && chunk > 0 && shard % chunk == 0;
            if inner.len() != chunks.len() || !chunks.iter().zip(&inner).all(divides) {
                return Err(format!("has shards of {chunks:?} with chunks of {inner:?}"));
            }
            shards = Some(Shards {
                chunks: chunks
                    .iter()
                    .zip(&inner)
                    .map(|(shard, chunk)| shard / chunk)
                    .collect(),
                has_checksum: index_checksum(&sharding.index_codecs)?,
                at_end: sharding.at_end,
            });
            chunks = inner;
            chain = self::chain(&sharding.codecs, axes, samples)?;
            if chain.sharding.is_some() {
                return Err(unread("has shards in shards"));
            }
        }
        if chunks.len() != axes {
            return Err(format!("has {axes} axes, but chunks of {}", chunks.len()));
        }
        let names = self.dimension_names.as_ref();
        let names = names.filter(|names| names.len() == axes);
        let names = names.map(|names| names.iter().map(|name| name.clone().unwrap_or_default()));
        Ok(Array {
            version: 3,
            sizes: shape,
            chunks,
            names: names.map(Iterator::collect).unwrap_or_default(),
            samples,
            swapped: chain.swapped,
            fill: fill(&self.fill_value, samples)?,
            order: chain.order,
            codecs: chain.codecs,
            shards,
            keys: self.keys()?,
        })
    }

    fn keys(&self) -> Result<Keys, String> {
        let encoding = self.chunk_key_encoding.as_ref();
        let separator = encoding.map_or(&Value::Null, |encoding| encoding.get("separator"));
        let separator = separator.as_str().and_then(|text| text.chars().next());
        match encoding.map_or("default", Extension::name) {
            "default" => Ok(Keys {
                has_prefix: true,
                separator: separator.unwrap_or('/'),
            }),
            "v2" => Ok(Keys {
                has_prefix: false,
                separator: separator.unwrap_or('.'),
            }),
            name => Err(unread(format_args!("has chunks called by {name:?}"))),
        }
    }
}

/// A type of version 3.
fn sample_type(data_type: &Value) -> Result<SampleType, String> {
    let unknown = || unread(format_args!("has elements of type {data_type}"));
    let name = data_type.as_str().or_else(|| data_type["name"].as_str());
    let name = name.ok_or_else(unknown)?;
    if name == "bool" {
        return SampleType::new(8, SampleKind::Unsigned).ok_or_else(unknown);
    }
    let digits = name
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(name.len());
    let kind = match &name[..digits] {
        "uint" => SampleKind::Unsigned,
        "int" => SampleKind::Signed,
        "float" => SampleKind::Float,
        _ => return Err(unknown()),
    };
    let bits = name[digits..].parse().ok().filter(|&bits: &u64| bits >= 8);
    bits.and_then(|bits| SampleType::new(bits, kind))
        .ok_or_else(unknown)
}
