//! `[expansion]`: swelling of the gel.

use std::path::PathBuf;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::kind::{ValueKind, at_least, number_or_zxy, numbers, voxels_zxy};
use super::rounds;
use super::section::Section;
use crate::base::path::absolute_path;

/// Expansion of the specimen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expansion {
    /// How far the gel swells: `factor` or `rounds`.
    #[serde(flatten)]
    pub factor: Factor,
    /// How unevenly it swells; default evenly.
    #[serde(flatten)]
    pub distortion: Distortion,
}

/// Linear expansion factors, each at least 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Factor {
    /// Alike along all axes.
    #[serde(rename = "factor")]
    Uniform(f64),
    /// Along (z, x, y).
    #[serde(rename = "factor")]
    PerAxis([f64; 3]),
    /// One after the other, at least one: a gel that is expanded, cast into another and expanded
    /// again. The factors multiply.
    #[serde(rename = "rounds")]
    Rounds(Vec<f64>),
}

/// Displacements in a gel that swells unevenly, in tissue.
#[derive(Clone, Debug, PartialEq)]
pub enum Distortion {
    /// None.
    None,
    /// As papers on expansion state it: any length below 10 um is wrong by 2 per cent.
    Mild,
    /// As in the demonstration of LICONN, an upper bound below 1 um.
    Liconn,
    /// The sum of Gaussian fields: for each the length over which it is alike and the standard
    /// deviation of a component, both above 0 in um; at least one.
    Scales(Vec<[f64; 2]>),
    /// A field that was measured: a TIFF stack or a Zarr folder of three channels, displacements
    /// along z, x and y in voxels.
    File {
        /// The stack.
        path: PathBuf,
        /// Voxels between its nodes along (z, x, y), powers of two up to 512.
        pitch: [usize; 3],
    },
}

impl Distortion {
    /// Returns the lengths and standard deviations of the fields of which it is the sum, in um.
    pub(crate) fn scales_um(&self) -> Vec<[f64; 2]> {
        match self {
            Self::None | Self::File { .. } => Vec::new(),
            Self::Mild => vec![[20.0, 0.4]],
            Self::Liconn => vec![[0.3, 0.0377], [1.5, 0.0718], [20.0, 0.2292]],
            Self::Scales(scales) => scales.clone(),
        }
    }
}

impl Serialize for Distortion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut keys = serializer.serialize_map(None)?;
        match self {
            Self::None => {}
            Self::Mild => keys.serialize_entry("distortion", "mild")?,
            Self::Liconn => keys.serialize_entry("distortion", "liconn")?,
            Self::Scales(scales) => keys.serialize_entry("distortion", scales)?,
            Self::File { path, pitch } => {
                keys.serialize_entry("distortion_file", &PathText(path))?;
                if *pitch != [1; 3] {
                    keys.serialize_entry("distortion_pitch", pitch)?;
                }
            }
        }
        keys.end()
    }
}

/// A path as configurations hold it.
struct PathText<'p>(&'p PathBuf);

impl Serialize for PathText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        absolute_path(self.0, serializer)
    }
}

impl From<f64> for Factor {
    fn from(factor: f64) -> Self {
        Self::Uniform(factor)
    }
}

impl Default for Expansion {
    /// Expands 4.5 times, as far as the first gels swell.
    fn default() -> Self {
        Self {
            factor: Factor::Uniform(4.5),
            distortion: Distortion::None,
        }
    }
}

impl Expansion {
    /// Returns the linear factor of the first of several rounds; `None` where there is but one.
    pub(crate) fn first_round(&self) -> Option<f64> {
        match &self.factor {
            Factor::Rounds(rounds) if rounds.len() > 1 => rounds.first().copied(),
            _ => None,
        }
    }

    /// Returns the linear factor of all rounds together along (z, x, y).
    pub fn factors(&self) -> [f64; 3] {
        match &self.factor {
            Factor::Uniform(factor) => [*factor; 3],
            Factor::PerAxis(factors) => *factors,
            Factor::Rounds(rounds) => [rounds.iter().product(); 3],
        }
    }
}

pub(super) fn read(section: &mut Section<'_>) -> Option<Expansion> {
    let in_rounds = section.has("rounds");
    let factor = if in_rounds {
        section.forbid("factor", "beside rounds, which multiply to it");
        None
    } else {
        section.required("factor", number_or_zxy(at_least(1.0)))
    };
    let rounds = section.optional("rounds", numbers(at_least(1.0)));
    let distortion = read_distortion(section);
    let factor = match factor {
        None => Factor::Rounds(rounds?),
        Some([z, x, y]) if z == x && z == y => Factor::Uniform(z),
        Some(factors) => Factor::PerAxis(factors),
    };
    Some(Expansion {
        factor,
        distortion: distortion?,
    })
}

/// Takes a word, or scales.
fn distortion() -> ValueKind<'static, Distortion> {
    let expected = "\"none\", \"mild\", \"liconn\" or a list of two numbers above 0 each, [[length, displacement], ...]";
    let mut kind = ValueKind::new(expected, move |value| match value.as_text() {
        Some("none") => Some(Distortion::None),
        Some("mild") => Some(Distortion::Mild),
        Some("liconn") => Some(Distortion::Liconn),
        _ => {
            let scales = value.as_list().filter(|scales| !scales.is_empty())?;
            let scales: Option<Vec<_>> = scales.iter().map(rounds::scale).collect();
            Some(Distortion::Scales(scales?))
        }
    });
    kind.candidates = ["none", "mild", "liconn"].map(str::to_owned).to_vec();
    kind
}

/// Takes the pitch of a lattice.
fn pitch() -> ValueKind<'static, [usize; 3]> {
    let voxels = voxels_zxy(1);
    let expected = "three whole numbers [z, x, y], each a power of two from 1 to 512";
    ValueKind::new(expected, move |value| {
        let fits = |voxels: &usize| voxels.is_power_of_two() && *voxels <= 512;
        (voxels.parse)(value).filter(|pitch| pitch.iter().all(fits))
    })
}

fn read_distortion(section: &mut Section<'_>) -> Option<Distortion> {
    let measured = section.has("distortion_file");
    let drawn = match measured {
        true => {
            section.forbid("distortion", "beside distortion_file, which says it");
            None
        }
        false => section.optional("distortion", distortion()),
    };
    let path = section.optional_path("distortion_file");
    let pitch = section.optional("distortion_pitch", pitch());
    if !measured {
        section.forbid("distortion_pitch", "without distortion_file");
    }
    if measured {
        let pitch = pitch.unwrap_or([1; 3]);
        return Some(Distortion::File { path: path?, pitch });
    }
    Some(drawn.unwrap_or(Distortion::None))
}
