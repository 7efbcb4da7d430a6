//! Labelling of the volume: cells, their regions, and the number of cells that the layers label.

use super::report::{Labelling, LayerFacts, RegionFacts};
use super::{Diagnostics, regions};
use crate::config::{CellPart, Config, SingleNeuron};
use crate::engine::compute::Backend;
use crate::engine::compute::cpu::CpuBackend;
use crate::io::read::{CellSource, VolumeSource};
use crate::model::cells::{LayerOutcome, Selection};
use crate::model::{LayerModel, Model};
use crate::run::ground_truth::LoadedVolume;
use crate::run::pipeline::{Input, NoCounts, Pipeline};
use crate::run::plan::{Budgets, Contents, RunPlan};
use crate::run::simulation::{self, SimulationError, Watcher};
use crate::run::store::SpillPolicy;

/// Volume, and the counts of its voxels.
pub(super) struct Counted {
    pub(super) volume: LoadedVolume,
    /// Labelling of each layer with the configuration's seed. Without a seed one is made up, and
    /// only the numbers of cells in the region mean anything.
    outcomes: Vec<LayerOutcome>,
    pub(super) facts: Labelling,
}

/// Reads the volumes and counts their voxels on the CPU, with the survey of a run.
pub(super) fn count(
    config: &Config,
    model: &Model,
    source: &CellSource<'_>,
    annotations: &[Box<dyn VolumeSource>],
    told: &mut Diagnostics<'_>,
) -> Result<Counted, SimulationError> {
    // Only data that memory cannot hold goes there, unnamed.
    let folder = std::env::temp_dir();
    let annotations: Vec<&dyn VolumeSource> = annotations.iter().map(AsRef::as_ref).collect();
    let volume = LoadedVolume::load_as(
        source,
        &annotations,
        model.volume,
        config.groundtruth.label,
        SpillPolicy::new(&folder).reading_within(Budgets::of(&config.compute).host_memory()),
        told,
    )?;
    let regions = regions(model);
    let bits: Vec<u32> = regions.iter().map(|&(_, bit)| bit).collect();
    let surveyed = survey(model, &volume, &bits, told)?;
    let voxels = |bit: u32| {
        let place = bits.iter().position(|&known| known == bit);
        place.map_or(&[][..], |place| &surveyed[place][1..])
    };
    let with_voxels = |bit| voxels(bit).iter().filter(|&&voxels| voxels > 0).count();
    let region_facts = regions.iter().enumerate().map(|(number, (region, bit))| {
        let inside = voxels(*bit).iter().sum();
        // The annotated ones follow the three of every ground truth.
        let annotated = number.checked_sub(regions.len() - model.labelling.annotations.len());
        let annotated = annotated.and_then(|number| volume.annotated_voxels.get(number));
        RegionFacts {
            name: region.name().to_owned(),
            voxels: annotated.map_or(inside, |&(voxels, _)| voxels),
            voxels_in_cells: inside,
            cells: with_voxels(*bit),
        }
    });
    let region_facts = region_facts.collect();
    let by_layer: Vec<Vec<u64>> = model
        .layer_regions()
        .into_iter()
        .map(|bit| {
            std::iter::once(0)
                .chain(voxels(bit).iter().copied())
                .collect()
        })
        .collect();
    let outcomes = Selection::draw(model, &volume.cells, Some(&by_layer)).outcomes;
    let layers = model.labelling.layers.iter().zip(&outcomes);
    let layers = layers.map(|(layer, found)| {
        let labelled = model.labelling.global_density * layer.labeling_density;
        let cells = found.in_region as f64;
        LayerFacts {
            name: layer.name.clone(),
            fluorophore: model.fluorophores[layer.fluorophore].name.clone(),
            region: layer.region.clone(),
            cells_in_region: found.in_region,
            expected_eligible_cells: cells * model.labelling.global_density,
            expected_labelled_cells: match layer.single_neuron {
                SingleNeuron::Off => cells * labelled,
                _ => 1.0 - (1.0 - labelled).powf(cells),
            },
            labelled_cells: None,
        }
    });
    let cells = volume.cells.len() - 1;
    let facts = Labelling {
        cells,
        expected_eligible_cells: cells as f64 * model.labelling.global_density,
        regions: region_facts,
        layers: layers.collect(),
    };
    Ok(Counted {
        volume,
        outcomes,
        facts,
    })
}

/// Counts the voxels of each cell, by index, in each region.
fn survey(
    model: &Model,
    volume: &LoadedVolume,
    bits: &[u32],
    told: &mut Diagnostics<'_>,
) -> Result<Vec<Vec<u64>>, SimulationError> {
    let Some(any_layer) = model.labelling.layers.first() else {
        return Ok(vec![vec![0; volume.cells.len()]; bits.len()]);
    };
    // A model without light that labels every region once.
    let mut model = model.clone();
    model.channels.clear();
    model.rounds.clear();
    model.emitters.clear();
    model.fluorophores.clear();
    model.reach.displacement = 0;
    model.reach.rounds = 0;
    let layer = |&region_bit: &u32| LayerModel {
        region_bit,
        ..any_layer.clone()
    };
    model.labelling.layers = bits.iter().map(layer).collect();
    let mut backend = CpuBackend::new(simulation::CPU_BYTES);
    let (limits, deepest) = (backend.limits(), backend.deepest_slab());
    let plan = RunPlan::new(&model, Contents::of(volume), limits, deepest, [1; 2])?;
    let folder = std::env::temp_dir();
    let input = Input {
        volume,
        counts: &NoCounts,
        aside: SpillPolicy::new(&folder),
        journal: None,
    };
    let counted = Pipeline::new(&model, &plan, input, &mut backend, told, false)?.survey()?;
    let place = |bit: &u32| model.region_number(*bit);
    Ok(bits.iter().map(|bit| counted[place(bit)].clone()).collect())
}

/// Warns of what the labelling will lack, and notes the numbers of labelled cells where a seed
/// decides them.
pub(super) fn warn(
    config: &Config,
    model: &Model,
    counted: &mut Counted,
    told: &mut Diagnostics<'_>,
) {
    simulation::warnings::of_volume(config, model, &counted.volume, told);
    simulation::warnings::of_ids(config, &counted.volume.cells, told);
    let seeded = config.compute.seed.is_some();
    for (layer, found) in counted.facts.layers.iter_mut().zip(&mut counted.outcomes) {
        if seeded {
            layer.labelled_cells = Some(found.labelled);
            continue;
        }
        // The draws are not known yet: only results that no seed changes count.
        let never = layer.expected_labelled_cells == 0.0;
        if !never {
            (found.eligible, found.labelled) = (found.in_region, found.in_region);
            if layer.expected_labelled_cells < 1.0 {
                told.warn(&format!(
                    "layer {} labels {} cells on average: without a seed it may well label none",
                    layer.name,
                    super::sampling::digits(layer.expected_labelled_cells)
                ));
            }
        }
    }
    simulation::warnings::of_layers(model, &counted.outcomes, told);
    let shown = &config.output.gt_region;
    let region = counted
        .facts
        .regions
        .iter()
        .find(|r| r.name == shown.name());
    if region.is_some_and(|region| region.voxels_in_cells == 0)
        && !counted.volume.cells.is_empty()
        && *shown != CellPart::Full
    {
        told.warn(&format!(
            "the ground truth will be empty: no cell has a voxel of [output] gt_region, {}",
            shown.name()
        ));
    }
}
