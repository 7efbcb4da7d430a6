//! `[groundtruth]`: the label volume and its further regions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::kind::{ValueKind, above, boolean, choice, numbers_zxy, voxels_zxy, whole};
use super::section::{Context, Section};
use super::serialize;
use super::tree::{Table, Value};
use crate::base::choice::{Choice, alternatives, choice};
use crate::base::formats::{InputFormat, StoredIds};
use crate::base::text::is_unseen;
use crate::base::volume::Arrangement;

/// Source of the cells. Axes are (z, x, y): x is the row of an image, y its column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroundTruth {
    /// Label volume, absolute once read; for split cells a folder with one volume per cell.
    #[serde(serialize_with = "serialize::path")]
    pub image_path: PathBuf,
    /// First voxel that is loaded, (z, x, y) in voxels, each at least 0; default (0, 0, 0).
    #[serde(rename = "offset", serialize_with = "serialize::voxels")]
    pub offset_voxels: [usize; 3],
    /// Size of the part that is loaded, (z, x, y) in voxels, each at least 1; `None` takes the rest
    /// of the volume.
    #[serde(
        rename = "bounds",
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::voxels_if_any"
    )]
    pub bounds_voxels: Option<[usize; 3]>,
    /// Format of the volume; `None` recognises it from `image_path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<InputFormat>,
    /// Arrangement of the cells: one volume for all, or one for each; default merged.
    pub gt_cells: Arrangement,
    /// True to find membranes among all 26 neighbours of a voxel, false among the 8 in its slice.
    pub isotropic: bool,
    /// Size of a voxel before expansion, (z, x, y) in nm, each above 0; `None` takes what the
    /// volume's file tells.
    #[serde(rename = "voxel_dim", skip_serializing_if = "Option::is_none")]
    pub voxel_nm: Option<[f64; 3]>,
    /// Voxels that are simulated in place of one of the volume, along (z, x, y), each 1 to 64;
    /// default (1, 1, 1).
    #[serde(
        skip_serializing_if = "is_whole_voxel",
        serialize_with = "serialize::voxels"
    )]
    pub upsample: [usize; 3],
    /// How ids are stored; default as one number.
    #[serde(skip_serializing_if = "is_default")]
    pub ids: StoredIds,
    /// Stored numbers that are background; 0 alone where there are none.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "serialize::whole_numbers"
    )]
    pub background: Vec<i128>,
    /// What a cell is; default the voxels of an id.
    #[serde(skip_serializing_if = "is_default")]
    pub label: CellsFrom,
    /// Series of a file that holds several, from 0; `None` takes the first.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::number_if_any"
    )]
    pub series: Option<usize>,
    /// Channel of a file that holds several, from 0.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::number_if_any"
    )]
    pub channel: Option<usize>,
    /// Time point of a file that holds several, from 0.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::number_if_any"
    )]
    pub time: Option<usize>,
    /// Array or image of a container that holds several, as a path in it; `None` takes the only
    /// one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Level of a pyramid, from 0; `None` takes the finest.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::number_if_any"
    )]
    pub level: Option<usize>,
    /// Further regions by name; never called full, membrane or cytosol.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub regions: BTreeMap<String, RegionVolume>,
}

impl Default for GroundTruth {
    /// Takes a TIFF stack `tissue.tif` of merged cells in voxels of 40 x 24 x 24 nm, as a whole.
    fn default() -> Self {
        Self {
            image_path: PathBuf::from("tissue.tif"),
            offset_voxels: [0; 3],
            bounds_voxels: None,
            format: None,
            gt_cells: Arrangement::Merged,
            isotropic: false,
            voxel_nm: Some([40.0, 24.0, 24.0]),
            upsample: [1; 3],
            ids: StoredIds::default(),
            background: Vec::new(),
            label: CellsFrom::default(),
            series: None,
            channel: None,
            time: None,
            dataset: None,
            level: None,
            regions: BTreeMap::new(),
        }
    }
}

impl GroundTruth {
    /// Returns the size of a voxel that is simulated, (z, x, y) in nm: that of the volume's, or a
    /// part of it where these are cut up; of a configuration that leaves the size to the volume's
    /// file no numbers.
    pub fn voxel_or_nan(&self) -> [f64; 3] {
        let volume = self.voxel_nm.unwrap_or([f64::NAN; 3]);
        std::array::from_fn(|axis| volume[axis] / self.upsample[axis] as f64)
    }

    /// Writes down what is loaded, of which the grid of `upsample` has so many voxels.
    pub(crate) fn set_bounds(&mut self, loaded: [usize; 3]) {
        let parts = self.upsample;
        self.bounds_voxels = Some(std::array::from_fn(|axis| loaded[axis] / parts[axis]));
    }
}

choice! {
    /// What makes a cell.
    #[derive(Default)]
    pub enum CellsFrom {
        /// An id: all voxels that have it.
        #[default]
        Ids = "ids",
        /// A piece: voxels of one id that touch by their faces. What was one cell of several pieces
        /// becomes several.
        Components = "components",
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `[groundtruth.regions.NAME]`: a region given by a volume of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RegionVolume {
    /// Volume that is not 0 where the region is; absolute once read.
    #[serde(serialize_with = "serialize::path")]
    pub region_path: PathBuf,
    /// Array or image of a container that holds several, as a path in it; `None` takes the only
    /// one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Level of a pyramid, from 0; `None` takes the finest.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::number_if_any"
    )]
    pub level: Option<usize>,
}

/// Part of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CellPart {
    /// All voxels of the cell.
    Full,
    /// The voxels of the cell that have a neighbour of another value.
    Membrane,
    /// The voxels of the cell that are not membrane.
    Cytosol,
    /// The voxels of the cell where the volume of `[groundtruth.regions.NAME]` is not 0.
    Named(String),
}

choice! {
    /// Parts that every cell has.
    pub enum BuiltInPart {
        /// All voxels, [`CellPart::Full`].
        Full = "full",
        /// Membrane, [`CellPart::Membrane`].
        Membrane = "membrane",
        /// Cytosol, [`CellPart::Cytosol`].
        Cytosol = "cytosol",
    }
}

impl CellPart {
    /// Returns the name of the part in a configuration.
    pub fn name(&self) -> &str {
        match self {
            Self::Full => BuiltInPart::Full.as_str(),
            Self::Membrane => BuiltInPart::Membrane.as_str(),
            Self::Cytosol => BuiltInPart::Cytosol.as_str(),
            Self::Named(name) => name,
        }
    }

    /// Returns the part of a name, which is a region of the ground truth when it is no built-in
    /// part.
    pub fn from_name(name: &str) -> Self {
        match name.parse() {
            Ok(BuiltInPart::Full) => Self::Full,
            Ok(BuiltInPart::Membrane) => Self::Membrane,
            Ok(BuiltInPart::Cytosol) => Self::Cytosol,
            Err(_) => Self::Named(name.to_owned()),
        }
    }
}

impl GroundTruth {
    /// Returns true where a voxel may belong to several cells.
    pub(super) fn may_overlap(&self) -> bool {
        self.gt_cells == Arrangement::Split
    }
}

impl Serialize for CellPart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Takes a region that the ground truth has.
pub(super) fn region<'k>(context: &Context<'_>) -> ValueKind<'k, CellPart> {
    let built_in = BuiltInPart::all()
        .into_iter()
        .map(|region| region.as_str().to_owned());
    let candidates: Vec<_> = built_in.chain(context.regions.iter().cloned()).collect();
    let expected = format!(
        "{} (a table [groundtruth.regions.NAME] adds one)",
        alternatives(&candidates)
    );
    let known = candidates.clone();
    let parse = move |value: &Value| {
        let name = value
            .as_text()
            .filter(|name| known.iter().any(|known| known == name))?;
        Some(CellPart::from_name(name))
    };
    ValueKind {
        expected,
        candidates,
        units: Vec::new(),
        parse: Box::new(parse),
    }
}

/// Returns the names of `[groundtruth.regions]`, be the rest of the tables right or wrong.
pub(super) fn region_names(root: &Table) -> Vec<String> {
    let regions = ["groundtruth", "regions"]
        .iter()
        .try_fold(root, |table, key| match &table.get(*key)?.value {
            Value::Table(table) => Some(table),
            _ => None,
        });
    regions
        .map(|regions| regions.keys().cloned().collect())
        .unwrap_or_default()
}

/// Most voxels that are simulated in place of one, along an axis.
pub(crate) const MOST_PARTS: usize = 64;

fn is_whole_voxel(upsample: &[usize; 3]) -> bool {
    *upsample == [1; 3]
}

/// Takes the parts of a voxel: a number for all axes, or one for each.
fn parts() -> ValueKind<'static, [usize; 3]> {
    let part = |value: &Value| {
        let parts = usize::try_from(value.as_whole()?).ok();
        parts.filter(|parts| (1..=MOST_PARTS).contains(parts))
    };
    ValueKind::new(
        format!("a whole number from 1 to {MOST_PARTS}, or three [z, x, y]"),
        move |value| match value.as_list() {
            Some(items) => match &*items {
                [z, x, y] => Some([part(z)?, part(x)?, part(y)?]),
                _ => None,
            },
            None => Some([part(value)?; 3]),
        },
    )
}

/// Largest number of a series, channel or time point.
const MOST: i128 = u32::MAX as i128;

/// Takes whole numbers of any type that a volume has, one or a list. Those beyond 63 bits may be
/// strings of digits.
fn background() -> ValueKind<'static, Vec<i128>> {
    let number = |value: &Value| -> Option<i128> {
        let number = match value {
            Value::String(digits) => digits.trim().parse().ok()?,
            value => value.as_whole()?,
        };
        (i128::from(i64::MIN)..=i128::from(u64::MAX))
            .contains(&number)
            .then_some(number)
    };
    ValueKind::new(
        "a whole number from -2^63 to 2^64 - 1, or a list of such",
        move |value| match value.as_list() {
            Some(items) => items.iter().map(number).collect(),
            None => Some(vec![number(value)?]),
        },
    )
}

/// Takes a path in a container.
fn in_container() -> ValueKind<'static, String> {
    let expected = "a path in the container, such as \"volumes/labels/neuron_ids\"";
    ValueKind::new(expected, |value| {
        let path = value.as_text()?;
        let leads_out = path.split(['/', '\\']).any(|part| part == "..");
        let is_path = !path.is_empty() && !leads_out && !path.chars().any(is_unseen);
        is_path.then(|| path.to_owned())
    })
}

pub(super) fn read(section: &mut Section<'_>) -> Option<GroundTruth> {
    let image_path = section.required_path("image_path");
    let default = GroundTruth::default();
    let offset_voxels = section
        .optional("offset", voxels_zxy(0))
        .unwrap_or(default.offset_voxels);
    let bounds_voxels = section.optional("bounds", voxels_zxy(1));
    let format = section.optional("format", choice());
    let gt_cells = section
        .optional("gt_cells", choice())
        .unwrap_or(default.gt_cells);
    let isotropic = section.required("isotropic", boolean());
    let voxel_nm = section.optional("voxel_dim", numbers_zxy(above(0.0).unit("nm")));
    let upsample = section
        .optional("upsample", parts())
        .unwrap_or(default.upsample);
    let ids = section.optional("ids", choice()).unwrap_or(default.ids);
    let background = section
        .optional("background", background())
        .unwrap_or(default.background);
    let label = section.optional("label", choice()).unwrap_or(default.label);
    let [series, channel, time] =
        ["series", "channel", "time"].map(|key| section.optional(key, whole(0, MOST)));
    let dataset = section.optional("dataset", in_container());
    let level = section.optional("level", whole(0, MOST));
    let regions = section.optional_table("regions", |regions| {
        Some(regions.named_tables(|name, region| {
            if !matches!(CellPart::from_name(name), CellPart::Named(_)) {
                region
                    .problem("is the name of a region that every ground truth has; choose another");
            }
            let region_path = region.required_path("region_path");
            let dataset = region.optional("dataset", in_container());
            let level = region.optional("level", whole(0, MOST));
            Some(RegionVolume {
                region_path: region_path?,
                dataset,
                level,
            })
        }))
    });
    Some(GroundTruth {
        image_path: image_path?,
        offset_voxels,
        bounds_voxels,
        format,
        gt_cells,
        isotropic: isotropic?,
        voxel_nm,
        upsample,
        ids,
        background,
        label,
        series,
        channel,
        time,
        dataset,
        level,
        regions: regions?,
    })
}
