//! Warnings of blank pictures, before and after a run: silent emptiness is a defect (docs/model.md
//! D10).

use super::Watcher;
use crate::config::{Config, Normalization, SingleNeuron, WrittenIds};
use crate::io::write::{IdStorage, ManifestEntry, PixelType, writer};
use crate::model::cells::{CellIndex, LayerOutcome};
use crate::model::{LayerModel, Model};
use crate::run::ground_truth::LoadedVolume;
use crate::run::pipeline::Outcome;
use std::collections::BTreeMap;
use std::path::Path;

/// Warns of faults that the configuration alone shows.
pub(crate) fn before(model: &Model, watcher: &mut dyn Watcher) {
    for warning in &model.warnings {
        watcher.warn(warning);
    }
    for fluorophore in &model.fluorophores {
        if fluorophore.quantum_yield_is_guess {
            watcher.note(&format!(
                "the quantum yield of {} ({}) is a guess: it was not seen in print",
                fluorophore.name, fluorophore.quantum_yield
            ));
        }
        if fluorophore.extinction_is_guess {
            watcher.note(&format!(
                "the extinction coefficient of {} ({}) is a guess: it was not seen in print",
                fluorophore.name, fluorophore.extinction_coefficient
            ));
        }
        if fluorophore.spectra_are_gaussian {
            watcher.note(&format!(
                "the spectra of {} are Gaussians of the right maxima and widths: its bleed-through into other channels is \
                 underrated; measured spectra can be read as a dye of your own, [fluorophores.NAME]",
                fluorophore.name
            ));
        }
    }
    for layer in model
        .labelling
        .layers
        .iter()
        .filter(|layer| layer.never_a_protein)
    {
        watcher.warn(&format!(
            "layer {} labels nothing: protein_density is so low that no voxel ever holds a protein",
            layer.name
        ));
    }
}

/// Warns of faults that the volume shows once it is read.
pub(crate) fn of_volume(
    config: &Config,
    model: &Model,
    volume: &LoadedVolume,
    watcher: &mut dyn Watcher,
) {
    if volume.cells.is_empty() {
        watcher.warn(
            "the ground truth is empty: every voxel is 0, the background (look at offset and bounds)",
        );
    }
    if let Some(number) = volume.cells.zero_cell() {
        watcher.warn(&format!(
            "cell 0 is written as {number}, since 0 is the background of every ground truth; if it is the background here, too, \
             add 0 to the list [groundtruth] background"
        ));
    }
    let cells = volume.cells.len() - 1;
    if cells == 1 && volume.stacks > 1 {
        watcher.warn(&format!(
            "all {} volumes of cells hold the id {}, and so count as one cell: the id is the value of the voxels; if they \
             are different cells, give each a value of its own",
            volume.stacks, volume.cells.ids()[1]
        ));
    } else if volume.stacks > cells {
        watcher.note(&format!(
            "{} volumes hold {cells} cells: volumes with the same id are one cell",
            volume.stacks
        ));
    }
    let (looks, ids) = (&volume.looks, volume.cells.ids());
    if let Some(per_cent) = looks.grey_per_cent(cells, config.groundtruth.upsample) {
        watcher.warn(&format!(
            "{per_cent} per cent of the voxels of cells differ from those beside them, as grey values do: is [groundtruth] image_path \
             a picture rather than its labels? Of a mask, label = \"components\" makes cells"
        ));
    } else if looks.is_mask(ids) {
        watcher.warn(&format!(
            "the ground truth holds one id, {}, as a mask does: if its pieces are the cells, say [groundtruth] \
             label = \"components\"",
            volume.cells.largest_id()
        ));
    } else if matches!(ids, [0, 1]) && volume.stacks == 0 {
        watcher.note(
            "the ground truth holds one cell, of id 1: if it is a mask whose pieces are the cells, say [groundtruth] \
             label = \"components\"",
        );
    } else if let Some(id) = looks.other_background(ids) {
        watcher.warn(&format!(
            "the id {id} has more voxels than 0, the background: if it is the background, say [groundtruth] \
             background = [0, {id}]"
        ));
    }
    const NAMED: usize = 5;
    if let Some((first, rest)) = volume.blank_stacks.split_first() {
        let named = rest.iter().take(NAMED - 1);
        let names: Vec<String> = [first]
            .into_iter()
            .chain(named)
            .map(|path| path.display().to_string())
            .collect();
        let more = match volume.blank_stacks.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        watcher.warn(&format!(
            "no cell is in {}{more}: every voxel there is 0 in the part that was loaded",
            names.join(", ")
        ));
    }
    for (name, &(voxels, inside)) in model
        .labelling
        .annotations
        .iter()
        .zip(&volume.annotated_voxels)
    {
        if voxels == 0 {
            watcher.warn(&format!(
                "the region {name} is empty here: its volume is 0 everywhere"
            ));
        } else if inside == 0 {
            watcher.warn(&format!(
                "the region {name} touches no cell: its {voxels} voxels all lie in the background"
            ));
        }
    }
}

/// Warns of ids that ImageJ confuses: it reads those of 32 bits as floating point numbers.
pub(crate) fn of_ids(config: &Config, cells: &CellIndex, watcher: &mut dyn Watcher) {
    let numbers = matches!(writer(config.output.format).ids(), IdStorage::Numbers(_));
    if !numbers || config.output.ids == WrittenIds::Compact {
        return;
    }
    let ids = cells.ids();
    let pixel = PixelType::for_ids(cells.largest_id());
    let confused = ids
        .windows(2)
        .filter(|pair| pair[0] as f32 == pair[1] as f32);
    let way = "[output] ids = \"compact\" numbers the cells from 1 on, with a table of their ids";
    match (pixel, confused.count()) {
        (PixelType::Gray64, _) => watcher.warn(&format!(
            "ids up to {} are written in 64 bits, which ImageJ does not read; {way}",
            cells.largest_id()
        )),
        (PixelType::Gray32, confused @ 1..) => watcher.warn(&format!(
            "ImageJ reads ids of 32 bits as floating point numbers: it takes {confused} of the {} cells for others; {way}",
            cells.len() - 1
        )),
        _ => {}
    }
}

/// Warns of faults that the result shows.
pub(super) fn after(
    model: &Model,
    outcome: &Outcome,
    blank_truths: &[usize],
    watcher: &mut dyn Watcher,
) {
    for &fluorophore in blank_truths {
        if !outcome.selection.labelled_with(fluorophore).is_empty() {
            watcher.warn(&format!(
                "the ground truth of {} is empty: no labelled cell has a voxel of [output] gt_region there",
                model.fluorophores[fluorophore].name
            ));
        }
    }
    of_layers(model, &outcome.selection.outcomes, watcher);
    let (bits, largest) = (
        model.output.bit_depth.bits(),
        model.output.bit_depth.largest(),
    );
    if let Some(imaging) = model.physical() {
        let top = imaging.detector.full_grey();
        for (channel, &maximum) in model.channels.iter().zip(&outcome.maxima) {
            if maximum >= top {
                watcher.warn(&format!(
                    "channel {} is saturated: its brightest pixel has the grey value of a full one, {top}; less light, a \
                     shorter exposure_time or more [detector] bits spares it",
                    channel.name
                ));
            }
        }
        return;
    }
    for (channel, &maximum) in model.channels.iter().zip(&outcome.maxima) {
        if model.output.normalize == Normalization::None && maximum > largest {
            let deeper = if bits < 16 {
                "bit_depth = 16 (not as gif), "
            } else {
                ""
            };
            watcher.warn(&format!(
                "channel {} is saturated: its brightest pixel holds {maximum} photons, {bits} bits hold {largest}; \
                 choose {deeper}normalize = \"channel\" or a lower exposure_time",
                channel.name
            ));
        }
    }
    let whole = model.output.normalize == Normalization::None;
    let brightest = outcome.maxima.iter().zip(&outcome.dark);
    for (channel, (&maximum, &dark)) in model.channels.iter().zip(brightest) {
        let is_blank = dark || whole && maximum == 0;
        // A channel without sources was announced before the run.
        if !is_blank || channel.sources.is_empty() {
            continue;
        }
        let sources: Vec<String> = channel
            .sources
            .iter()
            .map(|source| {
                let name = &model.fluorophores[source.fluorophore].name;
                let photons = channel.photons[source.fluorophore].mean_photons;
                let cells = outcome.selection.labelled_with(source.fluorophore).len();
                let mut layers = model.labelling.layers.iter().filter(|l| l.fluorophore == source.fluorophore);
                match cells {
                    0 => format!("no cell carries {name}"),
                    _ if layers.all(|layer| layer.never_a_protein) => {
                        format!("no voxel holds a protein with {name}")
                    }
                    _ => format!(
                        "{name} on {cells} cells sends {photons:.2e} photons per protein, too few to see"
                    ),
                }
            })
            .collect();
        let reasons = sources.join("; ");
        watcher.warn(&format!("channel {} is blank: {reasons}", channel.name));
    }
}

/// Warns of layers that label nothing, and says why; `outcomes` are by layer.
pub(crate) fn of_layers(model: &Model, outcomes: &[LayerOutcome], watcher: &mut dyn Watcher) {
    for (layer, found) in model.labelling.layers.iter().zip(outcomes) {
        if let Some(reason) = unlabelled(layer, found) {
            watcher.warn(&format!("layer {} labels nothing: {reason}", layer.name));
        }
    }
}

fn unlabelled(layer: &LayerModel, found: &LayerOutcome) -> Option<String> {
    if found.labelled > 0 || layer.never_a_protein {
        return None;
    }
    Some(if found.in_region == 0 {
        format!("no cell has a voxel in its region, {}", layer.region)
    } else if found.eligible == 0 {
        format!(
            "global_density drew none of the {} cells with voxels in its region",
            found.in_region
        )
    } else {
        let neuron = match layer.single_neuron {
            SingleNeuron::Off => "",
            _ => ", so that single_neuron has nothing to choose from",
        };
        format!(
            "labeling_density ({}) drew none of the {} eligible cells{neuron}",
            layer.labeling_density, found.eligible
        )
    })
}

/// Warns of an earlier run's files among those of this one: names each, or where they are many
/// their folder.
pub(super) fn of_stale_files(root: &Path, stale: &[ManifestEntry], watcher: &mut dyn Watcher) {
    const NAMED: usize = 3;
    let mut folders: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for path in stale.iter().map(|entry| Path::new(&entry.path)) {
        // For a ground truth the folder of the fluorophore, for channels the folder of all
        // channels.
        let parents: Vec<&Path> = path.ancestors().skip(1).collect();
        let depth = if path.starts_with("groundtruth") {
            2
        } else {
            1
        };
        let folder = parents.iter().rev().nth(depth).or(parents.first());
        folders
            .entry(folder.copied().unwrap_or(Path::new("")))
            .or_default()
            .push(path);
    }
    for (folder, files) in folders {
        if files.len() > NAMED {
            watcher.warn(&format!(
                "{} files in {} are left from an earlier run and do not belong to this one",
                files.len(),
                root.join(folder).display()
            ));
            continue;
        }
        for file in files {
            watcher.warn(&format!(
                "{} is left from an earlier run and does not belong to this one",
                root.join(file).display()
            ));
        }
    }
}
