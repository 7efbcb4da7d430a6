//! Images of OME-Zarr folders: their channels in their colours, then their labels.

use super::{Opened, grey};
use crate::apps::view::ViewError;
use crate::apps::view::metadata::Metadata;
use crate::base::files::read_text;
use crate::io::read::{self, ReadOptions};
use crate::io::write::Content;
use crate::show::picture::PixelSize;
use serde_json::Value;
use std::path::Path;

/// What describes a group, of Zarr 3 and 2.
const GROUPS: [&str; 2] = ["zarr.json", ".zattrs"];

/// The attributes of a group that are OME's.
fn attributes(folder: &Path) -> Option<Value> {
    let text = GROUPS
        .iter()
        .find_map(|name| read_text(&folder.join(name)).ok())?;
    let mut group: Value = serde_json::from_slice(&text).ok()?;
    let ome = group["attributes"]["ome"].take();
    Some(if ome.is_null() { group } else { ome })
}

/// Opens an image and its labels; `None` where a path is no image.
pub(super) fn open(path: &Path) -> Result<Option<Vec<Opened>>, ViewError> {
    let Some(attributes) = attributes(path).filter(|ome| ome["multiscales"].is_array()) else {
        return Ok(None);
    };
    let mut opened = Vec::new();
    let read_as = |dataset: &str, channel: Option<usize>| {
        let options = ReadOptions {
            dataset: Some(dataset.to_owned()),
            channel,
            ..ReadOptions::default()
        };
        read::open_as(path, &options)
    };
    let mut add = |name: String, content, channel, source: Box<dyn read::VolumeSource>| {
        let pixel = match source.facts().voxel_nm {
            [Some(z), Some(x), Some(y)] => Some(PixelSize {
                gel_nm: [z, x, y],
                expansion: None,
            }),
            _ => None,
        };
        opened.push(Opened {
            name,
            path: path.to_owned(),
            content,
            metadata: Metadata {
                pixel,
                content: Some(content),
                channels: channel,
            },
            planes: grey(source),
            notes: Vec::new(),
        });
    };
    let channels = attributes["omero"]["channels"].as_array();
    let is_label = !attributes["image-label"].is_null();
    match channels.filter(|channels| channels.len() > 1 || !is_label) {
        Some(channels) if !channels.is_empty() => {
            for (number, channel) in channels.iter().enumerate() {
                let name = match channel["label"].as_str() {
                    Some(name) => name.to_owned(),
                    None => format!("channel {number}"),
                };
                let colour = channel["color"].as_str().and_then(colour);
                let colour = colour.unwrap_or([255; 3]);
                let number = (channels.len() > 1).then_some(number);
                let source = read_as(".", number)?;
                add(
                    name.clone(),
                    Content::Intensity,
                    vec![(name, colour)],
                    source,
                );
            }
        }
        _ => {
            let name = path
                .file_stem()
                .unwrap_or(path.as_os_str())
                .to_string_lossy();
            let source = read_as(".", None)?;
            let content = match is_label || source.bits() > 16 {
                true => Content::Labels,
                false => Content::Intensity,
            };
            add(name.into_owned(), content, Vec::new(), source);
        }
    }
    let labels = attributes_of_labels(path);
    for name in labels {
        let source = read_as(&format!("labels/{name}"), None)?;
        add(format!("{name} ids"), Content::Labels, Vec::new(), source);
    }
    Ok(Some(opened))
}

/// Names of the labels of an image.
fn attributes_of_labels(path: &Path) -> Vec<String> {
    let group = attributes(&path.join("labels")).unwrap_or_default();
    let names = group["labels"].as_array().into_iter().flatten();
    names
        .filter_map(|name| Some(name.as_str()?.to_owned()))
        .collect()
}

/// A colour of six hexadecimal digits.
fn colour(digits: &str) -> Option<[u8; 3]> {
    let number = u32::from_str_radix(digits, 16)
        .ok()
        .filter(|_| digits.len() == 6)?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some([red, green, blue])
}
