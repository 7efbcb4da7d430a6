//! `[labeling]` and its layers: the proteins that carry fluorophores.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::ModelKind;
use super::groundtruth::{CellPart, region};
use super::kind::{ValueKind, at_least, between, number, share, whole};
use super::section::{Context, Section};
use super::stain::{self, LayerExtras, Stain};
use super::tree::Value;
use crate::optics::fluorophore::written;

/// Labelling of the cells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Labeling {
    /// Probability that a cell is eligible for any label, 0 to 1; default 1.
    pub global_density: f64,
    /// Layers of a cell's barcode, at least 1 where a layer has `barcode`; `None` without barcodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub barcode_layers: Option<usize>,
    /// Brightness of a layer of a barcode over that of the layer, one of these, each above 0;
    /// default 1 alone.
    #[serde(skip_serializing_if = "is_one_alone")]
    pub barcode_levels: Vec<f64>,
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
    /// What SimExm does not have.
    #[serde(flatten)]
    pub extras: LayerExtras,
}

impl Layer {
    /// Mean fluorophores in a voxel of this size (nm along z, x, y) that is labelled; of a stain of
    /// all protein where it is densest, of a sheet where it lies across the voxel.
    pub(crate) fn fluorophores_per_voxel(&self, voxel_nm: [f64; 3]) -> f64 {
        let volume_nm3: f64 = voxel_nm.iter().product();
        let densest = self.extras.density_of.values().copied().fold(0.0, f64::max);
        let proteins = match (self.extras.membrane_density_per_nm2, self.extras.stain) {
            (Some(per_nm2), _) => per_nm2 * volume_nm3.powf(2.0 / 3.0),
            (None, Stain::Cells) => self.protein_density_per_nm3 * volume_nm3,
            (None, Stain::Protein) => self.protein_density_per_nm3 * volume_nm3 * densest,
        };
        proteins * self.extras.retention * self.antibody_amp
    }
}

fn is_one_alone(levels: &[f64]) -> bool {
    levels == [1.0]
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
            barcode_layers: None,
            barcode_levels: vec![1.0],
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
            extras: LayerExtras::default(),
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
pub(super) fn fluorophore<'k>(context: &'k Context<'_>) -> ValueKind<'k, String> {
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

/// Most levels of a barcode's layers.
const MOST_LEVELS: usize = 16;

/// Takes a list of levels.
fn levels() -> ValueKind<'static, Vec<f64>> {
    let expected = format!("a list of 1 to {MOST_LEVELS} numbers, each above 0");
    ValueKind::new(expected, |value| {
        let levels = value.as_list()?;
        let levels: Option<Vec<f64>> = levels.iter().map(Value::as_number).collect();
        levels.filter(|levels| {
            (1..=MOST_LEVELS).contains(&levels.len()) && levels.iter().all(|level| *level > 0.0)
        })
    })
}

pub(super) fn read(section: &mut Section<'_>, model: ModelKind, overlap: bool) -> Option<Labeling> {
    let global_density = section.optional("global_density", share());
    let barcode_layers = section.optional("barcode_layers", whole(1, 64));
    let barcode_levels = section.optional("barcode_levels", levels());
    if !section.has_named_table() {
        section.problem("has no layer; add at least one, as a table [labeling.NAME]");
    }
    let layers = section.named_tables(|_, layer| Some(read_layer(layer, model, overlap)));
    let barcoded = layers.values().filter(|layer| layer.extras.barcode).count();
    match barcode_layers {
        None if barcoded > 0 => section.problem(
            "has layers with barcode: barcode_layers must say how many of them a cell has",
        ),
        Some(_) if barcoded == 0 => {
            section.forbid("barcode_layers", "where no layer has barcode = true");
        }
        Some(most) if most > barcoded => {
            let expected = format!("at most {barcoded}, the layers with barcode = true");
            section.contradiction("barcode_layers", "barcode_layers", &expected);
        }
        _ => {}
    }
    Some(Labeling {
        global_density: global_density.unwrap_or(1.0),
        barcode_layers,
        barcode_levels: barcode_levels.unwrap_or_else(|| vec![1.0]),
        layers,
    })
}

fn read_layer(section: &mut Section<'_>, model: ModelKind, overlap: bool) -> Layer {
    let context = section.context;
    let density = number(between(0.0, 1.0).unit("per nm^3"));
    let default = Layer::default();
    let fluorophore = section.optional("fluorophore", fluorophore(context));
    let region = section.optional("region", region(context));
    let labeling_density = section.optional("labeling_density", share());
    let protein_density = section.optional("protein_density", density);
    let protein_noise = section.optional("protein_noise", share());
    let antibody_amp = section.optional("antibody_amp", number(at_least(1.0)));
    let single_neuron = section.optional("single_neuron", single_neuron());
    let implied_region = match section.has("membrane_density") {
        true => CellPart::Membrane,
        false => default.region,
    };
    let region = region.unwrap_or(implied_region);
    let extras = stain::read(section, &region);
    if overlap && extras.stain == Stain::Protein {
        let expected = "\"cells\" where cells may overlap ([groundtruth] gt_cells = \"split\")";
        section.contradiction("stain", "stain", expected);
    }
    if let Some([key, choice]) = extras.chooses_cells() {
        if labeling_density.is_some_and(|density| density != 1.0) {
            let expected = format!("1, or left out, with {choice}");
            section.contradiction("labeling_density", key, &expected);
        }
        if single_neuron.is_some_and(|single| single != SingleNeuron::Off) {
            let expected = format!("false, or left out, with {choice}");
            section.contradiction("single_neuron", key, &expected);
        }
    }
    let implied_share = match extras.chooses_cells() {
        Some(_) => 1.0,
        None => default.labeling_density,
    };
    let antibody_amp = antibody_amp.unwrap_or(default.antibody_amp);
    if antibody_amp.fract() != 0.0 && (extras.lie_apart() || model == ModelKind::Physical) {
        let expected = match model {
            ModelKind::Simexm => "a whole number beside linkage or puncta_proteins",
            ModelKind::Physical => "a whole number with [model] kind = \"physical\"",
        };
        section.contradiction("antibody_amp", "antibody_amp", expected);
    }
    if extras.puncta_proteins.is_some() && protein_noise.is_some_and(|share| share > 0.0) {
        let expected =
            "0, or left out, beside puncta_proteins: clusters have puncta_spread and linkage";
        section.contradiction("protein_noise", "puncta_proteins", expected);
    }
    let by_area = extras.membrane_density_per_nm2.is_some();
    if by_area && protein_density.is_some_and(|density| density > 0.0) {
        let expected = "0, or left out, beside membrane_density";
        section.contradiction("protein_density", "membrane_density", expected);
    }
    let implied_density = match (extras.stain, model) {
        _ if by_area => 0.0,
        (Stain::Protein, _) => 0.01,
        (Stain::Cells, ModelKind::Simexm) => default.protein_density_per_nm3,
        (Stain::Cells, ModelKind::Physical) => 1e-4,
    };
    Layer {
        fluorophore: fluorophore.unwrap_or(default.fluorophore),
        region,
        labeling_density: labeling_density.unwrap_or(implied_share),
        protein_density_per_nm3: protein_density.unwrap_or(implied_density),
        protein_noise: protein_noise.unwrap_or(default.protein_noise),
        antibody_amp,
        single_neuron: single_neuron.unwrap_or(default.single_neuron),
        extras,
    }
}
