//! `[sweep]`: the grid of runs that `simexm-gpu sweep` makes of a configuration.

mod axis;
mod metric;
mod requirement;

pub use axis::Axis;
pub use metric::Metric;
pub use requirement::Requirement;

use serde::{Serialize, Serializer};
use std::str::FromStr;

use super::kind::{ValueKind, voxels_zxy, whole};
use super::section::Section;
use super::tree::Value;
use crate::base::choice::{alternatives, words};

/// Most seeds of a setting.
pub const MOST_SEEDS: u64 = 1000;

/// A grid of runs: what the command line does not say of it. A run by itself takes no notice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepKeys {
    /// What varies; the values of the last axis are the columns.
    #[serde(serialize_with = "texts", skip_serializing_if = "Vec::is_empty")]
    pub vary: Vec<Axis>,
    /// Runs of each setting, each with a seed of its own: 1 to [`MOST_SEEDS`].
    #[serde(skip_serializing_if = "is_one")]
    pub seeds: u64,
    /// The piece of tissue.
    #[serde(skip_serializing_if = "Crop::is_first_look")]
    pub crop: Crop,
    /// What is measured; all where it is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// What is asked for, all of it.
    #[serde(serialize_with = "texts", skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<Requirement>,
}

impl Default for SweepKeys {
    fn default() -> Self {
        Self {
            vary: Vec::new(),
            seeds: 1,
            crop: Crop::FirstLook,
            metrics: Vec::new(),
            require: Vec::new(),
        }
    }
}

/// The piece of the loaded part of a volume that a sweep looks at, from its middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Crop {
    /// At most 32 x 128 x 128 voxels.
    #[default]
    FirstLook,
    /// All of it.
    Whole,
    /// So many voxels along (z, x, y), each at least 1.
    Voxels([usize; 3]),
}

impl Crop {
    fn is_first_look(&self) -> bool {
        *self == Self::FirstLook
    }
}

impl Serialize for Crop {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::FirstLook => serializer.serialize_none(),
            Self::Whole => serializer.serialize_str("whole"),
            Self::Voxels(voxels) => super::serialize::voxels(voxels, serializer),
        }
    }
}

fn is_one(number: &u64) -> bool {
    *number == 1
}

/// Writes values as the texts that they are read from.
fn texts<T: ToString, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(T::to_string))
}

/// Takes a list of texts, each of which can be read.
fn list_of<T: FromStr>(expected: impl Into<String>) -> ValueKind<'static, Vec<T>> {
    ValueKind::new(expected, |value| {
        let read = |item: &Value| item.as_text()?.parse().ok();
        match value {
            // One that has commas is no list.
            Value::Raw(text) => Some(vec![text.parse().ok()?]),
            value => value.as_list()?.iter().map(read).collect(),
        }
    })
}

pub(super) const VARY: &str = "a list of \"SECTION.KEY=VALUE,VALUE,...\", each value once, of other sections than groundtruth, \
                               output, compute and sweep";
pub(super) const CROP: &str =
    "\"whole\" or three whole numbers [z, x, y], each from 1 to 4294967295";
pub(super) const REQUIRE: &str = "a list of \"METRIC>NUMBER\" or \"METRIC<NUMBER\"";

/// The range of `metrics`.
pub(super) fn metrics() -> String {
    format!("a list of {}", alternatives(&words::<Metric>()))
}

pub(super) fn read(section: &mut Section<'_>) -> Option<SweepKeys> {
    let crop = ValueKind::new(CROP, |value| match value.as_text() {
        Some("whole") => Some(Crop::Whole),
        _ => (voxels_zxy(1).parse)(value).map(Crop::Voxels),
    });
    let most_seeds = i128::from(MOST_SEEDS);
    Some(SweepKeys {
        vary: section.optional("vary", list_of(VARY)).unwrap_or_default(),
        seeds: section.optional("seeds", whole(1, most_seeds)).unwrap_or(1),
        crop: section.optional("crop", crop).unwrap_or_default(),
        metrics: (section.optional("metrics", list_of(metrics()))).unwrap_or_default(),
        require: (section.optional("require", list_of(REQUIRE))).unwrap_or_default(),
    })
}
