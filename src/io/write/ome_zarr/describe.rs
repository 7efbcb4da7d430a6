//! The texts of an OME-Zarr.

use serde_json::{Map, Value, json};

use super::super::{About, Content, PixelType, VolumeLayout};
use super::levels::Level;
use super::part::Stored;
use crate::base::formats::ChunkCodec;

/// Cells of which an image of labels tells their colours and sizes itself.
const MOST_IN_JSON: usize = 10_000;

/// What the texts of a volume are made of.
#[derive(Clone)]
pub(super) struct Description {
    /// Its folder below the store; empty for the store's own.
    pub name: String,
    pub levels: Vec<Level>,
    pub codec: ChunkCodec,
    pub layout: VolumeLayout,
    pub about: About,
}

fn text(value: &Value) -> Vec<u8> {
    // A value of ours has a form in JSON.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

/// `zarr.json` of the group of labels.
pub(super) fn labels(names: &[String]) -> Vec<u8> {
    text(&json!({
        "zarr_format": 3, "node_type": "group",
        "attributes": {"ome": {"version": "0.5", "labels": names}},
    }))
}

/// A table of cells and their voxels.
fn table(cells: &[(u64, u64)]) -> String {
    let rows = cells.iter().map(|(id, voxels)| format!("{id},{voxels}\n"));
    std::iter::once("id,voxels\n".to_owned())
        .chain(rows)
        .collect()
}

/// A colour for an id, of which neighbours have other ones: the hue goes on by the golden angle.
fn colour(id: u64) -> [u8; 4] {
    let hue = (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24) * 6.0;
    let part = |shift: f64| {
        let distance = ((hue + shift).rem_euclid(6.0) - 3.0).abs();
        (255.0 * (distance - 1.0).clamp(0.0, 1.0).mul_add(0.8, 0.2)).round() as u8
    };
    [part(0.0), part(4.0), part(2.0), 255]
}

impl Description {
    /// Whether there is an axis of channels.
    fn has_channels(&self) -> bool {
        self.layout.content == Content::Intensity
    }

    pub fn below(&self, name: &str) -> String {
        match &self.name[..] {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        }
    }

    /// The name of a shard below the store, by its numbers along (z, x, y).
    pub fn shard(&self, level: usize, plane: usize, [z, x, y]: [usize; 3]) -> String {
        let plane = match self.has_channels() {
            true => format!("{plane}/"),
            false => String::new(),
        };
        self.below(&format!("{level}/c/{plane}{z}/{x}/{y}"))
    }

    /// All texts of the volume, by their names: those of its levels, and what tells of its
    /// contents.
    pub fn texts(&self, found: &Stored) -> Vec<(String, Vec<u8>)> {
        let cells = found.voxels.iter().map(|(&id, &voxels)| (id, voxels));
        let cells: Vec<(u64, u64)> = cells.filter(|&(id, _)| id != 0).collect();
        let mut texts = Vec::new();
        if cells.len() > MOST_IN_JSON {
            texts.push((self.below("cells.csv"), table(&cells).into_bytes()));
        }
        texts.extend(self.arrays());
        let told = if cells.len() > MOST_IN_JSON {
            &[][..]
        } else {
            &cells
        };
        texts.push((self.below("zarr.json"), self.group(&found.largest, told)));
        texts
    }

    /// Those of its levels.
    pub fn arrays(&self) -> impl Iterator<Item = (String, Vec<u8>)> {
        let name = |level| self.below(&format!("{level}/zarr.json"));
        (0..self.levels.len()).map(move |level| (name(level), self.array(level)))
    }

    /// With a number for the channels in front, where there are such.
    fn with_channels<T: Into<Value>>(&self, channels: T, zxy: [T; 3]) -> Value {
        let channels = self.has_channels().then_some(channels);
        channels.into_iter().chain(zxy).map(Into::into).collect()
    }

    /// `zarr.json` of a level.
    fn array(&self, level: usize) -> Vec<u8> {
        let level = &self.levels[level];
        let bytes = self.layout.pixel.bytes();
        let data_type = match self.layout.pixel {
            PixelType::Gray8 | PixelType::Rgb8 => "uint8",
            PixelType::Gray16 | PixelType::Rgb16 => "uint16",
            PixelType::Gray32 => "uint32",
            PixelType::Float32 => "float32",
            PixelType::Gray64 => "uint64",
        };
        let names: &[&str] = match self.has_channels() {
            true => &["c", "z", "y", "x"],
            false => &["z", "y", "x"],
        };
        text(&json!({
            "zarr_format": 3, "node_type": "array",
            "shape": self.with_channels(self.layout.planes(), level.shape),
            "data_type": data_type,
            "chunk_grid": {"name": "regular", "configuration": {
                "chunk_shape": self.with_channels(1, level.shard),
            }},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": 0,
            "codecs": [{"name": "sharding_indexed", "configuration": {
                "chunk_shape": self.with_channels(1, level.chunk),
                "codecs": self.codec.json(bytes),
                "index_codecs": [
                    {"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"},
                ],
                "index_location": "end",
            }}],
            "attributes": {},
            "dimension_names": names,
        }))
    }

    fn multiscale(&self) -> Value {
        let pixel_nm = self.layout.metadata.voxel_nm;
        let offset_nm = self.about.offset_nm;
        let datasets = self.levels.iter().enumerate().map(|(number, level)| {
            let scale = std::array::from_fn(|axis| pixel_nm[axis] * level.factor[axis] as f64);
            // A pixel lies where the middle of those lies that it stands for.
            let translation = std::array::from_fn(|axis| {
                offset_nm[axis] + (level.factor[axis] - 1) as f64 / 2.0 * pixel_nm[axis]
            });
            json!({
                "path": number.to_string(),
                "coordinateTransformations": [
                    {"type": "scale", "scale": self.with_channels(1.0, scale)},
                    {"type": "translation", "translation": self.with_channels(0.0, translation)},
                ],
            })
        });
        let (method, meaning) = match self.layout.content {
            Content::Intensity => (
                "mean",
                "mean of the pixels of the level before, rounded half up",
            ),
            Content::Labels => (
                "mode",
                "the id that most pixels of the level before have, of several the largest; background counts",
            ),
        };
        let space = |name: &str| json!({"name": name, "type": "space", "unit": "nanometer"});
        let channels = self
            .has_channels()
            .then(|| json!({"name": "c", "type": "channel"}));
        let axes = channels.into_iter().chain(["z", "y", "x"].map(space));
        let mut image = json!({
            "axes": axes.collect::<Value>(),
            "datasets": datasets.collect::<Value>(),
            "type": method,
            "metadata": {"description": meaning},
        });
        // Viewers put the name of an image before those of its channels.
        if let Some((_, name)) = self.name.rsplit_once('/') {
            image["name"] = json!(name);
        }
        image
    }

    /// `zarr.json` of the volume: of channels with the largest value of each, of labels with cells
    /// and their voxels.
    fn group(&self, largest: &[u64], cells: &[(u64, u64)]) -> Vec<u8> {
        let mut ome = Map::new();
        ome.insert("version".to_owned(), json!("0.5"));
        ome.insert("multiscales".to_owned(), json!([self.multiscale()]));
        if self.has_channels() {
            ome.insert("omero".to_owned(), self.omero(largest));
        } else {
            let colours = cells
                .iter()
                .map(|&(id, _)| json!({"label-value": id, "rgba": colour(id)}));
            let properties =
                (cells.iter()).map(|&(id, voxels)| json!({"label-value": id, "voxels": voxels}));
            let mut label = Map::new();
            label.insert("version".to_owned(), json!("0.5"));
            if !cells.is_empty() {
                label.insert("colors".to_owned(), colours.collect());
                label.insert("properties".to_owned(), properties.collect());
            }
            if !self.name.is_empty() {
                label.insert("source".to_owned(), json!({"image": "../../"}));
            }
            ome.insert("image-label".to_owned(), label.into());
        }
        let mut attributes = Map::new();
        attributes.insert("ome".to_owned(), ome.into());
        if self.name.is_empty() {
            attributes.insert("simexm".to_owned(), self.own());
        }
        text(&json!({"zarr_format": 3, "node_type": "group", "attributes": attributes}))
    }

    fn omero(&self, largest: &[u64]) -> Value {
        let range = match self.layout.pixel {
            PixelType::Gray8 => u64::from(u8::MAX),
            PixelType::Gray32 => u64::from(u32::MAX),
            _ => u64::from(u16::MAX),
        };
        let channels = self.layout.metadata.channels.iter().zip(largest);
        let channels = channels.map(|(channel, &largest)| {
            let [red, green, blue] = channel.colour;
            let (least, range) = match self.layout.pixel {
                PixelType::Float32 => (-(largest.max(1) as i64), largest.max(1)),
                _ => (0, range),
            };
            json!({
                "label": channel.name,
                "color": format!("{red:02X}{green:02X}{blue:02X}"),
                "window": {"min": least, "max": range, "start": least, "end": largest.max(1)},
                "active": true, "coefficient": 1, "family": "linear", "inverted": false,
            })
        });
        json!({"channels": channels.collect::<Value>(), "rdefs": {"model": "color"}})
    }

    /// What OME has no place for.
    fn own(&self) -> Value {
        let about = &self.about;
        let mut own = Map::new();
        own.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
        own.insert(
            "description".to_owned(),
            json!(self.layout.metadata.description),
        );
        if let Some(tissue_nm) = about.tissue_nm {
            own.insert("pixel_in_tissue_nm".to_owned(), json!(tissue_nm));
        }
        let known = [
            (
                "expansion_factor",
                about.factors.map(|factors| match factors {
                    [z, x, y] if z == x && z == y => json!(z),
                    factors => json!(factors),
                }),
            ),
            // Beyond 2^53 a number of JSON may not come back.
            ("seed", about.seed.map(|seed| json!(seed.to_string()))),
            (
                "configuration",
                about.configuration.as_ref().map(|text| json!(text)),
            ),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                own.insert(name.to_owned(), value);
            }
        }
        own.into()
    }
}
