//! `[fluorophores.NAME]`: users' own dyes.

use std::collections::BTreeMap;

use super::kind::{above, between, number};
use super::output::folder_name;
use super::section::Section;
use super::tree::{Table, Value};
use crate::optics::fluorophore::OwnFluorophore;

/// Returns the names of `[fluorophores]`, be the rest of the tables right or wrong.
pub(super) fn names(root: &Table) -> Vec<String> {
    match root.get("fluorophores").map(|entry| &entry.value) {
        Some(Value::Table(table)) => table.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

pub(super) fn read(section: &mut Section<'_>) -> Option<BTreeMap<String, OwnFluorophore>> {
    let built_in = section.context.built_in_fluorophores;
    Some(section.named_tables(|name, dye| {
        if built_in.contains(&name) {
            dye.problem("is the name of a built-in dye; choose another");
        }
        if !folder_name().accepts(name) {
            dye.problem(
                "names the folder of the dye's ground truth: it must be a plain folder name",
            );
        }
        let quantum_yield = dye.required("quantum_yield", number(above(0.0).at_most(1.0)));
        let extinction = number(above(0.0).unit("L/(mol cm)"));
        let extinction_coefficient = dye.required("extinction_coefficient", extinction);
        let lifetime_ns = dye.optional("lifetime", number(above(0.0).unit("ns")));
        let gm = number(above(0.0).unit("GM"));
        let two_photon_gm = dye.optional("two_photon_cross_section", gm);
        let bleach_yield = dye.optional("bleach_yield", number(between(0.0, 1.0)));
        let spectra = dye.required_path("spectra");
        Some(OwnFluorophore {
            quantum_yield: quantum_yield?,
            extinction_coefficient: extinction_coefficient?,
            lifetime_ns,
            two_photon_gm,
            bleach_yield,
            spectra: spectra?,
        })
    }))
}
