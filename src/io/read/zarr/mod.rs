//! Zarr (versions 2 and 3, plain and sharded) and OME-Zarr (0.1 to 0.5): folders with an array or a
//! tree of groups and arrays.
//!
//! This is the project's own: the library that there is (zarrs) takes long to build, and unpacks
//! chunks without a limit.

mod array;
mod ome;
mod store;

#[cfg(test)]
mod tests;

use std::path::Path;

use ndarray::Array3;
use serde_json::Value;

use self::array::{Array, V2, V3};
use self::store::ZarrStore;
use super::chunked::{
    Axes, ChunkedLayout, ChunkedVolume, Found as Searched, Root, below, plain, sizes_nm,
};
use super::options::ReadOptions;
use super::{Found, InputFormat, ReadError, ReadFormat, VolumeSource};

pub(super) use store::unpack;

/// A folder with arrays.
pub(super) struct ZarrFormat;

pub(super) static FORMAT: ZarrFormat = ZarrFormat;

/// Files by which a node is known.
const NODES: [&str; 4] = ["zarr.json", ".zarray", ".zgroup", ".zattrs"];

impl ReadFormat for ZarrFormat {
    fn format(&self) -> InputFormat {
        InputFormat {
            name: "zarr",
            noun: "Zarr or OME-Zarr folder",
            extensions: &["zarr"],
            is_folder: true,
        }
    }

    fn recognises(&self, found: &Found<'_>) -> bool {
        match found {
            Found::Folder(path) => NODES.iter().any(|name| path.join(name).is_file()),
            Found::File(_) => false,
        }
    }

    fn open(&self, path: &Path, options: &ReadOptions) -> Result<Box<dyn VolumeSource>, ReadError> {
        Ok(Box::new(open(path, options)?))
    }
}

fn open(path: &Path, options: &ReadOptions) -> Result<ChunkedVolume<ZarrStore>, ReadError> {
    let root = Root::new(path)?;
    let chosen = choose(&root, options)?;
    let layout = chosen.layout(&root, options)?;
    let store = ZarrStore {
        root,
        node: chosen.node,
        axes: layout.1,
        array: chosen.array,
        indices: std::sync::Mutex::default(),
    };
    ChunkedVolume::new(layout.0, store, options)
}

/// Reads a channel of floating-point numbers (z, x, y) of at most so many voxels.
///
/// # Errors
/// As [`ReadFormat::open`], and where it holds other numbers or more of them.
pub(super) fn floats(
    path: &Path,
    channel: usize,
    most_voxels: usize,
) -> Result<Array3<f32>, ReadError> {
    let options = ReadOptions {
        channel: Some(channel),
        ..ReadOptions::default()
    };
    open(path, &options)?.floats(most_voxels)
}

/// What lies in a folder.
enum Node {
    Array(Box<Array>, Value),
    Group(Value),
}

fn corrupt(root: &Root, node: &str, reason: String) -> ReadError {
    ReadError::Corrupt {
        path: root.join(node),
        slice: None,
        reason,
    }
}

fn unsupported(root: &Root, node: &str, feature: String) -> ReadError {
    ReadError::Unsupported {
        path: root.join(node),
        slice: None,
        feature: feature.replace("FILE", &root.join(node).display().to_string()),
    }
}

/// Reads what describes a folder; `None` where nothing does.
fn look(root: &Root, node: &str) -> Result<Option<Node>, ReadError> {
    let array = |array: Result<Array, String>| match array {
        Ok(array) => Ok(Box::new(array)),
        Err(feature) => Err(unsupported(root, node, feature)),
    };
    if let Some(v3) = root.json::<V3>(&below(node, "zarr.json"))? {
        return Ok(Some(match v3.is_array() {
            true => Node::Array(array(v3.array())?, v3.attributes),
            false => Node::Group(v3.attributes),
        }));
    }
    let v2 = root.json::<V2>(&below(node, ".zarray"))?;
    let attributes = root.json::<Value>(&below(node, ".zattrs"))?;
    Ok(match (v2, attributes) {
        (Some(v2), attributes) => Some(Node::Array(
            array(v2.array())?,
            attributes.unwrap_or_default(),
        )),
        (None, Some(attributes)) => Some(Node::Group(attributes)),
        (None, None) => root
            .has(&below(node, ".zgroup"))
            .then_some(Node::Group(Value::Null)),
    })
}

/// An array that is to be read.
struct Chosen {
    node: String,
    array: Array,
    /// Names of its axes, and sizes of a voxel along them, where its group tells.
    names: Vec<String>,
    voxel_nm: Vec<Option<f64>>,
}

impl Chosen {
    /// An array by itself.
    fn alone(node: String, array: Array, attributes: &Value) -> Self {
        // As funlib, gunpowder and others write them, in the order of the axes.
        let sizes = ["resolution", "voxel_size"]
            .map(|key| sizes_nm(&attributes[key], &attributes["units"]));
        let [resolution, voxel_size] = sizes;
        Self {
            names: array.names.clone(),
            voxel_nm: resolution.or(voxel_size).unwrap_or_default(),
            node,
            array,
        }
    }

    fn layout(
        &self,
        root: &Root,
        options: &ReadOptions,
    ) -> Result<(ChunkedLayout, Axes), ReadError> {
        let array = &self.array;
        let axes = Axes::choose(&self.names, &array.sizes, options);
        let axes = axes.map_err(|what| unsupported(root, &self.node, what))?;
        // An axis less than the array has: that of a volume in channels.
        let before = array.sizes.len().saturating_sub(self.voxel_nm.len());
        let mut voxel_nm = vec![None; before];
        voxel_nm.extend_from_slice(&self.voxel_nm);
        let kind = if array.shards.is_some() {
            "sharded "
        } else {
            ""
        };
        let name = match &self.node[..] {
            "" => String::new(),
            node => format!(" {node}"),
        };
        let layout = ChunkedLayout {
            path: root.path().to_owned(),
            noun: format!("{kind}Zarr v{} array{name}", array.version),
            shape: axes.shape(),
            chunk: axes.pick(&array.chunks, 1),
            samples: array.samples,
            fill: array.fill,
            facts: axes.facts(&voxel_nm),
        };
        // Of all axes.
        let bytes = array
            .chunks
            .iter()
            .try_fold(8, |all: usize, &n| all.checked_mul(n));
        if bytes.is_none_or(|bytes| bytes as u64 > 8 * super::chunked::MOST_CHUNK_BYTES) {
            let reason = format!("has chunks of {:?}, more than are read", array.chunks);
            return Err(corrupt(root, &self.node, reason));
        }
        Ok((layout, axes))
    }
}

/// The level of a pyramid that is to be read.
fn level(
    root: &Root,
    node: &str,
    attributes: &Value,
    options: &ReadOptions,
) -> Result<Option<Chosen>, ReadError> {
    let images = ome::multiscales(attributes).map_err(|what| corrupt(root, node, what))?;
    let Some(image) = images.first() else {
        return Ok(None);
    };
    let number = options.level.unwrap_or(0);
    let Some(level) = image.datasets.get(number) else {
        let count = image.datasets.len();
        return Err(ReadError::Choice {
            path: root.join(node),
            problem: format!("has {count} levels, but level = {number} was given"),
            key: "level",
            choices: (0..count).map(|level| level.to_string()).collect(),
        });
    };
    let path = plain(&level.path)
        .ok_or_else(|| corrupt(root, node, format!("has a level at {:?}", level.path)))?;
    let at = below(node, &path);
    match look(root, &at)? {
        Some(Node::Array(array, _)) => Ok(Some(Chosen {
            node: at,
            names: image.names(),
            voxel_nm: image.voxel_nm(level),
            array: *array,
        })),
        _ => Err(corrupt(
            root,
            &at,
            "is announced as a level of an image, but is no array".to_owned(),
        )),
    }
}

/// The array that the options choose, or the only one.
fn choose(root: &Root, options: &ReadOptions) -> Result<Chosen, ReadError> {
    let dataset = options.dataset.as_deref().unwrap_or("");
    let start = plain(dataset).filter(|node| node.is_empty() || root.has(node));
    let node = match &start {
        Some(start) => look(root, start)?.map(|node| (start.clone(), node)),
        None => None,
    };
    let (start, node) = match node {
        Some(found) => found,
        None => {
            return Err(ReadError::Choice {
                path: root.path().to_owned(),
                problem: format!("holds no dataset {dataset:?}"),
                key: "dataset",
                choices: candidates(root, "")?,
            });
        }
    };
    let attributes = match node {
        Node::Array(array, attributes) => {
            return Ok(of_pyramid(root, &start, &array)
                .unwrap_or_else(|| Chosen::alone(start, *array, &attributes)));
        }
        Node::Group(attributes) => attributes,
    };
    let is_image = !matches!(ome::of_attributes(&attributes)["multiscales"], Value::Null);
    // Labels of an image are what is wanted of it, unless the image itself is named.
    if is_image && options.dataset.is_none() {
        let labels = below(&start, "labels");
        let images = candidates(root, &labels)?;
        match &images[..] {
            [] => {}
            [only] => return choose_named(root, only, options),
            _ => return Err(several(root, images)),
        }
    }
    if let Some(chosen) = level(root, &start, &attributes, options)? {
        return Ok(chosen);
    }
    if !matches!(
        ome::of_attributes(&attributes)["bioformats2raw.layout"],
        Value::Null
    ) {
        let series = options.series.unwrap_or(0).to_string();
        return choose_named(root, &below(&start, &series), options);
    }
    let found = candidates(root, &start)?;
    match &found[..] {
        [] => Err(corrupt(
            root,
            &start,
            "holds no array of numbers".to_owned(),
        )),
        [only] => choose_named(root, only, options),
        _ => Err(several(root, found)),
    }
}

fn several(root: &Root, choices: Vec<String>) -> ReadError {
    ReadError::Choice {
        path: root.path().to_owned(),
        problem: format!("holds {} volumes", choices.len()),
        key: "dataset",
        choices,
    }
}

fn choose_named(root: &Root, name: &str, options: &ReadOptions) -> Result<Chosen, ReadError> {
    let options = ReadOptions {
        dataset: Some(name.to_owned()),
        ..options.clone()
    };
    choose(root, &options)
}

/// A level that was named by itself: what its group says of it.
fn of_pyramid(root: &Root, node: &str, array: &Array) -> Option<Chosen> {
    let (group, name) = node.rsplit_once('/').unwrap_or(("", node));
    if name.is_empty() {
        return None;
    }
    let Ok(Some(Node::Group(attributes))) = look(root, group) else {
        return None;
    };
    let images = ome::multiscales(&attributes).ok()?;
    images.iter().find_map(|image| {
        let level = image.datasets.iter().find(|level| level.path == name)?;
        Some(Chosen {
            node: node.to_owned(),
            array: array.clone(),
            names: image.names(),
            voxel_nm: image.voxel_nm(level),
        })
    })
}

/// Images and arrays below a node that may be volumes.
fn candidates(root: &Root, start: &str) -> Result<Vec<String>, ReadError> {
    root.search(start, |node| {
        Ok(match look(root, node) {
            Ok(Some(Node::Array(array, _))) => match array.sizes.len() >= 2 {
                true => Searched::Volumes(vec![node.clone()]),
                false => Searched::Nothing,
            },
            // What cannot be read is no candidate.
            Err(_) => Searched::Nothing,
            Ok(Some(Node::Group(attributes))) => {
                match ome::multiscales(&attributes).is_ok_and(|images| !images.is_empty()) {
                    true => {
                        let mut images = vec![node.clone()];
                        images.extend(candidates(root, &below(node, "labels"))?);
                        Searched::Volumes(images)
                    }
                    false => Searched::Inside,
                }
            }
            Ok(None) if node == start => Searched::Inside,
            Ok(None) => Searched::Nothing,
        })
    })
}
