//! Keys of a layer beyond SimExm's: how far fluorophores lie from what they label, what is kept,
//! stains of all protein, sheets, clusters, and brightness that differs between cells.

use std::collections::BTreeMap;

use serde::Serialize;

use super::groundtruth::{BuiltInPart, CellPart};
use super::kind::{ValueKind, above, at_least, between, boolean, choice, number, share};
use super::section::{Context, Section};
use super::tree::Value;
use crate::base::choice::{Choice, any_of, choice};

choice! {
    /// What a layer labels.
    pub enum Stain {
        /// Proteins of some cells.
        Cells = "cells",
        /// All protein there is, of every cell and outside (NHS esters, pan-ExM, LICONN).
        Protein = "protein",
    }
}

choice! {
    /// When fluorophores are attached.
    pub enum Labelled {
        /// Before expansion: the distance to the protein grows with the gel.
        Before = "before",
        /// After the first of several rounds of expansion.
        Between = "between",
        /// After expansion.
        After = "after",
    }
}

/// Name, in `density_of`, of what lies outside all cells.
pub(crate) const OUTSIDE: &str = "outside";

/// What a layer has beyond SimExm's keys. The default changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerExtras {
    /// What is labelled; default cells.
    #[serde(skip_serializing_if = "is_default")]
    pub stain: Stain,
    /// Distance of a fluorophore from what it labels when it is attached, root mean square, in nm;
    /// default 0. Every protein then has a place of its own.
    #[serde(rename = "linkage", skip_serializing_if = "is_zero")]
    pub linkage_nm: f64,
    /// When it is attached; default before expansion.
    #[serde(skip_serializing_if = "is_default")]
    pub labelled: Labelled,
    /// Share of the labels that digestion and washes leave, 0 to 1; default 1.
    #[serde(skip_serializing_if = "is_one")]
    pub retention: f64,
    /// Proteins per nm^2 of membrane, in place of those per nm^3.
    #[serde(rename = "membrane_density", skip_serializing_if = "Option::is_none")]
    pub membrane_density_per_nm2: Option<f64>,
    /// Standard deviation of a cell's brightness, log-normal, over the mean; default 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub cell_variation: f64,
    /// True where the layer is one of those that barcodes are made of; default false.
    #[serde(skip_serializing_if = "is_default")]
    pub barcode: bool,
    /// Mean number of proteins of a cluster; `None` where proteins do not cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub puncta_proteins: Option<f64>,
    /// Distance of a cluster's proteins from its middle, root mean square, in nm; default 0.
    #[serde(rename = "puncta_spread", skip_serializing_if = "is_zero")]
    pub puncta_spread_nm: f64,
    /// For a stain of all protein, its density in a region over `protein_density`, at least 0: by
    /// the name of the region, or `outside`; 0 for regions that are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub density_of: BTreeMap<String, f64>,
}

impl Default for LayerExtras {
    fn default() -> Self {
        Self {
            stain: Stain::Cells,
            linkage_nm: 0.0,
            labelled: Labelled::Before,
            retention: 1.0,
            membrane_density_per_nm2: None,
            cell_variation: 0.0,
            barcode: false,
            puncta_proteins: None,
            puncta_spread_nm: 0.0,
            density_of: BTreeMap::new(),
        }
    }
}

impl LayerExtras {
    /// Returns the key that takes the choice of cells from a layer's own, as messages write it.
    pub(super) fn chooses_cells(&self) -> Option<[&'static str; 2]> {
        match (self.stain, self.barcode) {
            (Stain::Protein, _) => Some(["stain", "stain = \"protein\""]),
            (Stain::Cells, true) => Some(["barcode", "barcode = true"]),
            (Stain::Cells, false) => None,
        }
    }

    /// Returns true where each protein has a place of its own.
    pub(crate) fn lie_apart(&self) -> bool {
        self.linkage_nm > 0.0 || self.puncta_proteins.is_some()
    }
}

/// Densities of a stain of all protein where the configuration gives none: guesses, to be set by
/// who knows the stain.
pub(super) fn usual_densities() -> BTreeMap<String, f64> {
    [("cytosol", 1.0), ("membrane", 0.5), (OUTSIDE, 0.15)]
        .map(|(name, share)| (name.to_owned(), share))
        .into()
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

fn is_one(number: &f64) -> bool {
    *number == 1.0
}

fn is_default<T: PartialEq + Implied>(value: &T) -> bool {
    *value == T::IMPLIED
}

/// What a key means where it is left out.
trait Implied {
    const IMPLIED: Self;
}

impl Implied for Stain {
    const IMPLIED: Self = Self::Cells;
}

impl Implied for Labelled {
    const IMPLIED: Self = Self::Before;
}

impl Implied for bool {
    const IMPLIED: Self = false;
}

/// Takes a table of regions with a number each.
pub(super) fn density_of(context: &Context<'_>) -> ValueKind<'static, BTreeMap<String, f64>> {
    let built_in = BuiltInPart::all().into_iter().map(Choice::as_str);
    let built_in = built_in.map(str::to_owned).chain([OUTSIDE.to_owned()]);
    let known: Vec<String> = built_in.chain(context.regions.iter().cloned()).collect();
    let expected = format!(
        "a table of numbers of at least 0 by regions, {}",
        any_of(&known)
    );
    ValueKind::new(expected, move |value| {
        let Value::Table(table) = value else {
            return None;
        };
        let entries = table.iter().map(|(name, entry)| {
            let number = entry.value.as_number().filter(|number| *number >= 0.0)?;
            known.contains(name).then(|| (name.clone(), number))
        });
        entries.collect()
    })
}

/// Reads what a layer has beyond SimExm's keys.
pub(super) fn read(section: &mut Section<'_>, region: &CellPart) -> LayerExtras {
    let context = section.context;
    let default = LayerExtras::default();
    let nm = || number(at_least(0.0).unit("nm"));
    let stain = section.optional("stain", choice()).unwrap_or(default.stain);
    let sheet = number(between(0.0, 10.0).unit("per nm^2"));
    let extras = LayerExtras {
        stain,
        linkage_nm: section.optional("linkage", nm()).unwrap_or(0.0),
        labelled: section
            .optional("labelled", choice())
            .unwrap_or(default.labelled),
        retention: section
            .optional("retention", share())
            .unwrap_or(default.retention),
        membrane_density_per_nm2: section.optional("membrane_density", sheet),
        cell_variation: section
            .optional("cell_variation", number(between(0.0, 10.0)))
            .unwrap_or(default.cell_variation),
        barcode: section
            .optional("barcode", boolean())
            .unwrap_or(default.barcode),
        puncta_proteins: section.optional("puncta_proteins", number(above(0.0).at_most(1e6))),
        puncta_spread_nm: section.optional("puncta_spread", nm()).unwrap_or(0.0),
        density_of: section
            .optional("density_of", density_of(context))
            .unwrap_or_else(|| match stain {
                Stain::Cells => BTreeMap::new(),
                Stain::Protein => usual_densities(),
            }),
    };
    if stain == Stain::Protein {
        let why = "with stain = \"protein\", which labels every voxel";
        for key in [
            "membrane_density",
            "cell_variation",
            "barcode",
            "puncta_proteins",
        ] {
            section.forbid(key, why);
        }
        if *region != CellPart::Full {
            let expected =
                "\"full\", or left out, with stain = \"protein\": density_of tells regions apart";
            section.contradiction("region", "stain", expected);
        }
    } else {
        section.forbid("density_of", "without stain = \"protein\"");
    }
    if extras.membrane_density_per_nm2.is_some() && *region == CellPart::Cytosol {
        let places = "\"membrane\", or a region of membranes, beside membrane_density";
        section.contradiction("region", "membrane_density", places);
    }
    if extras.puncta_spread_nm > 0.0 && extras.puncta_proteins.is_none() {
        section.forbid("puncta_spread", "without puncta_proteins");
    }
    extras
}
