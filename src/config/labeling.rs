//! `[labeling]` and its layers: the proteins that carry fluorophores.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::groundtruth::{CellPart, region};
use super::kind::{ValueKind, at_least, between, number};
use super::section::{Context, Section};
use super::tree::Value;
use crate::optics::fluorophore::written;

/// Labelling of the cells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Labeling {
    /// Probability that a cell is eligible for any label, 0 to 1; default 1.
    pub global_density: f64,
    /// Layers by name, `[labeling.NAME]`, in the order in which they are applied; at least one.
    #[serde(flatten)]
    pub layers: BTreeMap<String, Layer>,
}

/// `[labeling.NAME]`: one application of a fluorophore.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Name of the dye; default ATTO425.
    pub fluorophore: String,
    /// Part of the cell whose proteins are labelled; default full.
    pub region: CellPart,
    /// Probability that an eligible cell is labelled in this layer, 0 to 1; default 0.5.
    pub labeling_density: f64,
    /// Mean number of labelled proteins per nm^3, 0 to 1; default 0.2.
    #[serde(rename = "protein_density")]
    pub protein_density_per_nm3: f64,
    /// Probability that a protein is displaced, 0 to 1; default 0.
    pub protein_noise: f64,
    /// Factor by which antibodies multiply the fluorophores of a protein, at least 1; default 5.
    pub antibody_amp: f64,
    /// Choice of one of the labelled cells, if only one is kept; default off.
    pub single_neuron: SingleNeuron,
}

impl Default for Labeling {
    /// Brainbow: three dyes, each on the membranes of a third of the cells, where half take up any.
    fn default() -> Self {
        let layer = |fluorophore: &str| Layer {
            fluorophore: fluorophore.to_owned(),
            region: CellPart::Membrane,
            labeling_density: 0.35,
            protein_density_per_nm3: 2e-4,
            protein_noise: 0.1,
            ..Layer::default()
        };
        Self {
            global_density: 0.5,
            layers: [
                ("layer_1", "ATTO425"),
                ("layer_2", "ATTO550"),
                ("layer_3", "ATTO700"),
            ]
            .map(|(name, dye)| (name.to_owned(), layer(dye)))
            .into(),
        }
    }
}

impl Default for Layer {
    /// Takes SimExm's defaults, which hold for every key that a configuration leaves out.
    fn default() -> Self {
        Self {
            fluorophore: "ATTO425".to_owned(),
            region: CellPart::Full,
            labeling_density: 0.5,
            protein_density_per_nm3: 0.2,
            protein_noise: 0.0,
            antibody_amp: 5.0,
            single_neuron: SingleNeuron::Off,
        }
    }
}

/// Restriction of a layer to one cell. In a configuration `false`, `true` (the same as "random"),
/// "random" or "largest".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SingleNeuron {
    /// Every labelled cell stays.
    Off,
    /// One of the cells that have voxels in the region, at random.
    Random,
    /// The cell with the most voxels in the region; the smaller id where two have as many.
    Largest,
}

impl Serialize for SingleNeuron {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_bool(false),
            Self::Random => serializer.serialize_str("random"),
            Self::Largest => serializer.serialize_str("largest"),
        }
    }
}

fn single_neuron() -> ValueKind<'static, SingleNeuron> {
    let parse = |value: &Value| match (value.as_boolean(), value.as_text()) {
        (Some(false), _) => Some(SingleNeuron::Off),
        (Some(true), _) | (_, Some("random")) => Some(SingleNeuron::Random),
        (_, Some("largest")) => Some(SingleNeuron::Largest),
        _ => None,
    };
    ValueKind {
        expected: "true, false, \"random\" (the same as true) or \"largest\"".to_owned(),
        candidates: ["true", "false", "random", "largest"]
            .map(str::to_owned)
            .to_vec(),
        units: Vec::new(),
        parse: Box::new(parse),
    }
}

/// Takes the name of a fluorophore that exists, a built-in one's as it is also written.
fn fluorophore<'k>(context: &'k Context<'_>) -> ValueKind<'k, String> {
    let names = &context.fluorophores;
    let parse = |value: &Value| {
        let name = value.as_text()?;
        let exact = names.iter().find(|known| *known == name).cloned();
        exact.or_else(|| written(name).map(str::to_owned))
    };
    ValueKind {
        expected: format!(
            "one of the fluorophores {}, or a dye of your own, as a table [fluorophores.NAME] with its spectra",
            names.join(", ")
        ),
        candidates: names.clone(),
        units: Vec::new(),
        parse: Box::new(parse),
    }
}

pub(super) fn read(section: &mut Section<'_>) -> Option<Labeling> {
    let global_density = section.optional("global_density", number(between(0.0, 1.0)));
    if !section.has_named_table() {
        section.problem("has no layer; add at least one, as a table [labeling.NAME]");
    }
    let layers = section.named_tables(|_, layer| Some(read_layer(layer)));
    Some(Labeling {
        global_density: global_density.unwrap_or(1.0),
        layers,
    })
}

fn read_layer(section: &mut Section<'_>) -> Layer {
    let context = section.context;
    let share = || number(between(0.0, 1.0));
    let density = number(between(0.0, 1.0).unit("per nm^3"));
    let default = Layer::default();
    Layer {
        fluorophore: section
            .optional("fluorophore", fluorophore(context))
            .unwrap_or(default.fluorophore),
        region: section
            .optional("region", region(context))
            .unwrap_or(default.region),
        labeling_density: section
            .optional("labeling_density", share())
            .unwrap_or(default.labeling_density),
        protein_density_per_nm3: section
            .optional("protein_density", density)
            .unwrap_or(default.protein_density_per_nm3),
        protein_noise: section
            .optional("protein_noise", share())
            .unwrap_or(default.protein_noise),
        antibody_amp: section
            .optional("antibody_amp", number(at_least(1.0)))
            .unwrap_or(default.antibody_amp),
        single_neuron: section
            .optional("single_neuron", single_neuron())
            .unwrap_or(default.single_neuron),
    }
}
