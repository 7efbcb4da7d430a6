//! What a plan, its tasks and its end have in common: the model, and the form of what is written.

use super::super::input::{OpenVolumes, Settled, open_volumes, settle};
use super::super::sink::{self, Layouts, id_pixel, number_of_bits};
use super::super::{SimulationError, Watcher, check_light};
use crate::config::{CellsFrom, Compute, Config, SingleNeuron};
use crate::io::write::{Container, PixelType};
use crate::model::Model;
use crate::run::pipeline::needs_survey;

/// A configuration whose volumes are open, and its model.
pub(super) struct Setup {
    pub config: Config,
    pub model: Model,
    pub volumes: OpenVolumes,
    /// The type of ids in labels.
    pub pixel: PixelType,
    pub settled: Settled,
}

impl Setup {
    /// Opens the volumes and derives the model; the seed must be known.
    pub(super) fn open(
        mut config: Config,
        watcher: &mut dyn Watcher,
    ) -> Result<Self, SimulationError> {
        check_light(&config)?;
        let volumes = open_volumes(&config)?;
        let settled = settle(&mut config, &volumes.0)?;
        let (ref source, _, region) = volumes;
        config.groundtruth.set_bounds(region.shape);
        let seed = config.compute.seed.unwrap_or_default();
        let model = Model::watched(&config, source.shape(), region, seed, &[], watcher)?;
        let pixel = id_pixel(&config, number_of_bits(source.bits()))?;
        Ok(Self {
            config,
            model,
            volumes,
            pixel,
            settled,
        })
    }

    /// The configuration without what is the device's and the folder's.
    pub(super) fn resolved(&self) -> String {
        let mut config = self.config.clone();
        config.compute = Compute {
            seed: config.compute.seed,
            ..Compute::default()
        };
        config.output.path = "/".into();
        config.to_toml()
    }

    pub(super) fn layouts(&self) -> Layouts<'_> {
        Layouts::new(&self.config, &self.model, self.pixel)
    }

    /// The OME-Zarr: the channels, then the ground truth of each fluorophore.
    pub(super) fn container(&self) -> Result<Container, SimulationError> {
        let layouts = self.layouts();
        let mut volumes = layouts.channels();
        let dyes = 0..self.model.fluorophores.len();
        volumes.extend(dyes.map(|dye| layouts.truth_of_all(dye)));
        Container::new(volumes, &layouts.about()).ok_or_else(|| {
            SimulationError::Unsupported("the run has neither channels nor dyes".to_owned())
        })
    }

    /// Whether what a task does depends on cells that it does not see.
    pub(super) fn needs_survey(&self) -> bool {
        let layers = &self.model.labelling.layers;
        needs_survey(&self.model)
            || sink::has_codes(&self.config)
            || layers
                .iter()
                .any(|layer| layer.single_neuron != SingleNeuron::Off)
    }

    /// Fails for what tasks cannot do, and says what would be right.
    pub(super) fn check(&self) -> Result<(), SimulationError> {
        let (output, truth) = (&self.config.output, &self.config.groundtruth);
        let zero_is_a_cell = !truth.background.is_empty() && !truth.background.contains(&0);
        let wrong = [
            (
                output.format.name != "ome-zarr",
                format!(
                    "[output] format = \"{}\": tasks write shards of an OME-Zarr: set format = \"ome-zarr\"",
                    output.format.name
                ),
            ),
            (
                sink::is_compact(&self.config),
                "[output] ids = \"compact\" numbers the cells of all tasks: set ids = \"kept\"".to_owned(),
            ),
            (
                output.expected,
                "[output] expected is not made by tasks: leave it out".to_owned(),
            ),
            (
                truth.label == CellsFrom::Components,
                "[groundtruth] label = \"components\" needs the whole volume: label it before, and leave the key out"
                    .to_owned(),
            ),
            (
                zero_is_a_cell,
                "[groundtruth] background without 0 makes 0 a cell, whose number depends on the whole volume: store it \
                 under a number of its own"
                    .to_owned(),
            ),
        ];
        match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
            Some((_, problem)) => Err(SimulationError::Unsupported(problem)),
            None => Ok(()),
        }
    }
}
