//! `[tissue]`: light of the tissue itself, and what it leaves of the dyes'.

use std::collections::BTreeMap;

use serde::Serialize;

use super::groundtruth::CellPart;
use super::kind::{ValueKind, above, at_least, between, number};
use super::labeling::{Layer, fluorophore};
use super::optics::OF_PHYSICAL;
use super::section::Section;
use super::stain::{LayerExtras, Stain, density_of, usual_densities};
use super::tree::Value;
use super::{Config, ModelKind};

/// Name of the layer of autofluorescence, beside the user's.
const AUTOFLUORESCENCE: &str = "autofluorescence";

/// What tissue that is not labelled sends, and what it leaves of light. The default is clear and
/// dark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tissue {
    /// Molecules per nm^3 that shine by themselves, 0 to 1, where `autofluorescence_of` is 1;
    /// `None` where there are none.
    #[serde(rename = "autofluorescence", skip_serializing_if = "Option::is_none")]
    pub autofluorescence_per_nm3: Option<f64>,
    /// The dye that they are like; default Flavin.
    #[serde(skip_serializing_if = "is_usual_dye")]
    pub autofluorescence_dye: String,
    /// Their density in regions over `autofluorescence`, as that of a stain of all protein.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub autofluorescence_of: BTreeMap<String, f64>,
    /// For channels that say nothing of it: length in the gel over which the tissue leaves 1/e of
    /// the light, there and back, in um; `None` where it is clear.
    #[serde(rename = "attenuation_length", skip_serializing_if = "Option::is_none")]
    pub attenuation_length_um: Option<f64>,
    /// For channels that say nothing of it: light from elsewhere in the gel; `None` without. Only
    /// the model `physical` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub haze: Option<Haze>,
}

/// Electrons per s of a pixel by light from elsewhere in the gel, as a haze over images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Haze {
    /// Alike in all images.
    Even(f64),
    /// At some depths in the gel `[um, electrons per s]`, by ascending depth; linear between them,
    /// and beyond as at the nearest.
    ByDepth(Vec<[f64; 2]>),
}

impl From<f64> for Haze {
    fn from(per_s: f64) -> Self {
        Self::Even(per_s)
    }
}

impl Haze {
    /// Returns the electrons per s of a pixel at a depth.
    pub(crate) fn at(&self, depth_um: f64) -> f64 {
        let depths = match self {
            Self::Even(per_s) => return *per_s,
            Self::ByDepth(depths) => depths,
        };
        let deeper = depths.partition_point(|[depth, _]| *depth <= depth_um);
        match (
            deeper.checked_sub(1).map(|at| depths[at]),
            depths.get(deeper),
        ) {
            (Some([from, one]), Some([to, other])) => {
                one + (other - one) * (depth_um - from) / (to - from)
            }
            (Some([_, per_s]), None) | (None, Some(&[_, per_s])) => per_s,
            (None, None) => 0.0,
        }
    }
}

const USUAL_DYE: &str = "Flavin";

fn is_usual_dye(name: &str) -> bool {
    name == USUAL_DYE
}

impl Default for Tissue {
    fn default() -> Self {
        Self {
            autofluorescence_per_nm3: None,
            autofluorescence_dye: USUAL_DYE.to_owned(),
            autofluorescence_of: BTreeMap::new(),
            attenuation_length_um: None,
            haze: None,
        }
    }
}

impl Tissue {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Config {
    /// All layers: those of `[labeling]`, and autofluorescence where there is some.
    pub(crate) fn layers(&self) -> BTreeMap<String, Layer> {
        let mut layers = self.labeling.layers.clone();
        if let Some(per_nm3) = self.tissue.autofluorescence_per_nm3 {
            let own = Layer {
                fluorophore: self.tissue.autofluorescence_dye.clone(),
                region: CellPart::Full,
                labeling_density: 1.0,
                protein_density_per_nm3: per_nm3,
                antibody_amp: 1.0,
                extras: LayerExtras {
                    stain: Stain::Protein,
                    density_of: self.tissue.autofluorescence_of.clone(),
                    ..LayerExtras::default()
                },
                ..Layer::default()
            };
            layers.insert(AUTOFLUORESCENCE.to_owned(), own);
        }
        layers
    }

    /// The length over which the tissue leaves 1/e of a channel's light, in um of the gel.
    pub(crate) fn attenuation_length_um(&self, channel: &str) -> Option<f64> {
        let own = self.optics.channels.get(channel);
        own.and_then(|own| own.attenuation_length_um)
            .or(self.tissue.attenuation_length_um)
    }

    /// The haze of a channel.
    pub(crate) fn haze(&self, channel: &str) -> Option<&Haze> {
        let own = self.optics.channels.get(channel);
        own.and_then(|own| own.haze.as_ref())
            .or(self.tissue.haze.as_ref())
    }
}

/// Takes a haze.
pub(super) fn haze() -> ValueKind<'static, Haze> {
    let per_s = number(at_least(0.0).unit("electrons per s"));
    let expected = format!(
        "{}, or a list of depths in um of at least 0, ascending, and such numbers, [[depth, haze], ...]",
        per_s.expected
    );
    let units = per_s.units.clone();
    let at_depth = |value: &Value| match value.as_list()?.as_ref() {
        [depth, per_s] => {
            let pair = [depth.as_number()?, per_s.as_number()?];
            pair.iter().all(|number| *number >= 0.0).then_some(pair)
        }
        _ => None,
    };
    let mut kind = ValueKind::new(expected, move |value| {
        if let Some(per_s) = (per_s.parse)(value) {
            return Some(Haze::Even(per_s));
        }
        let depths = value.as_list().filter(|depths| !depths.is_empty())?;
        let depths: Vec<[f64; 2]> = depths.iter().map(at_depth).collect::<Option<_>>()?;
        let ascend = depths.windows(2).all(|two| two[0][0] < two[1][0]);
        ascend.then_some(Haze::ByDepth(depths))
    });
    kind.units = units;
    kind
}

/// Reads the section; `overlap` where cells may, and `is_layer` tells layers by their names.
pub(super) fn read(
    section: &mut Section<'_>,
    model: ModelKind,
    overlap: bool,
    is_layer: impl Fn(&str) -> bool,
) -> Option<Tissue> {
    let context = section.context;
    let default = Tissue::default();
    let molecules = number(between(0.0, 1.0).unit("per nm^3"));
    let autofluorescence_per_nm3 = section.optional(AUTOFLUORESCENCE, molecules);
    let dye = section.optional("autofluorescence_dye", fluorophore(context));
    let density_of = section.optional("autofluorescence_of", density_of(context));
    if !section.has(AUTOFLUORESCENCE) {
        for key in ["autofluorescence_dye", "autofluorescence_of"] {
            section.forbid(key, "without autofluorescence");
        }
    } else if overlap {
        let why = "where cells may overlap ([groundtruth] gt_cells = \"split\")";
        section.forbid(AUTOFLUORESCENCE, why);
    } else if is_layer(AUTOFLUORESCENCE) {
        section.problem("has autofluorescence, and [labeling.autofluorescence] is a layer by that name; choose another name for the layer");
    }
    let attenuation_length_um =
        section.optional("attenuation_length", number(above(0.0).unit("um")));
    let haze = match model {
        ModelKind::Physical => section.optional("haze", haze()),
        ModelKind::Simexm => {
            section.forbid("haze", OF_PHYSICAL);
            None
        }
    };
    for key in ["stripes", "stripe_width", "lost_images"] {
        section.forbid(key, "here, since it is a key of [optics]");
    }
    Some(Tissue {
        autofluorescence_of: match (autofluorescence_per_nm3, density_of) {
            (Some(_), None) => usual_densities(),
            (_, given) => given.unwrap_or_default(),
        },
        autofluorescence_per_nm3,
        autofluorescence_dye: dye.unwrap_or(default.autofluorescence_dye),
        attenuation_length_um,
        haze,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hazes_are_linear_between_depths() {
        let haze = Haze::ByDepth(vec![[10.0, 4.0], [20.0, 8.0], [40.0, 0.0]]);
        for (depth, expected) in [
            (0.0, 4.0),
            (10.0, 4.0),
            (15.0, 6.0),
            (20.0, 8.0),
            (30.0, 4.0),
            (50.0, 0.0),
        ] {
            assert_eq!(haze.at(depth), expected, "{depth}");
        }
        assert_eq!(Haze::from(3.0).at(7.0), 3.0);
    }
}
