//! What can be known before a run: sizes, light, cells, memory and disk, and what will go wrong.
//!
//! [`check`] looks at a configuration and, unless told otherwise, at the volumes it names; it
//! writes nothing but what memory cannot hold of a large ground truth, to an unnamed file among the
//! system's temporary ones.

mod experiment;
mod labelling;
mod obstacles;
pub mod planning;
mod report;
mod resources;
mod sampling;
mod text;
mod volumes;

#[cfg(test)]
mod tests;

pub use report::{
    CheckReport, DeviceMemory, DyeFacts, Labelling, LayerFacts, Memory, OutputFacts, OutputVolume,
    PhotonFacts, RegionFacts, VolumeFacts, Volumes,
};
pub use sampling::Sampling;

use crate::base::progress::Observer;
use crate::base::volume::VoxelBox;
use crate::config::{CellPart, Channel, Config};
use crate::model::Model;
use crate::run::ground_truth::LoadError;
use crate::run::simulation::{self, SimulationError, Watcher};

/// How much is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// Read no voxel, only the headers of the volumes that are there: no labelling is reported, and
    /// a volume that is missing is a warning.
    pub no_volumes: bool,
}

/// Finds out what can be known before a run of this configuration. Reading the volumes is shown to
/// `observer`.
///
/// # Errors
/// Where the run would fail for the configuration ([`SimulationError::is_configuration`]) or for
/// volumes that cannot be read. Whatever else would stop it (memory, the output folder) is a
/// warning of the report.
pub fn check(
    config: &Config,
    options: CheckOptions,
    observer: &mut dyn Observer,
) -> Result<CheckReport, SimulationError> {
    simulation::check_light(config)?;
    let mut told = Diagnostics::new(observer);
    let mut config = config.clone();
    let opened = volumes::open(&mut config, options, &mut told)?;
    if let Some(region) = opened.region {
        config.groundtruth.set_bounds(region.shape);
    }
    // Nothing that is told of a volume of unknown size depends on it, or on the seed.
    let region = opened.region.unwrap_or(VoxelBox {
        offset: [0; 3],
        shape: [1; 3],
    });
    let source = opened.source_shape(region);
    let model = Model::watched(
        &config,
        source,
        region,
        config.compute.seed.unwrap_or(0),
        &[],
        &mut told,
    )?;
    simulation::warnings::before(&model, &mut told);
    if let Some(note) = simexm_light(&config) {
        told.note(&note);
    }
    let sampling = Sampling::new(&config, &model.camera);
    sampling.warn(&config, &mut told);
    experiment::warn_of_camera(&config, &mut told);

    let light = experiment::Light::new(&config, &model)?;
    light.warn(&mut told);

    let counted = match &opened.sources {
        Some((source, annotations)) if !options.no_volumes => {
            match labelling::count(&config, &model, source, annotations, &mut told) {
                Ok(mut counted) => {
                    labelling::warn(&config, &model, &mut counted, &mut told);
                    Some(counted)
                }
                Err(SimulationError::Load(error @ LoadError::SliceTooLarge { .. })) => {
                    told.warn(&error.to_string());
                    None
                }
                Err(error) => return Err(error),
            }
        }
        _ => None,
    };
    let sized = opened.region.is_some();
    let bits = opened.sources.as_ref().map(|(source, _)| source.bits());
    let (ids, sheets) = counted.as_ref().map_or((None, 1), |counted| {
        (Some(&counted.volume.cells), counted.volume.sheets())
    });
    let mut output = resources::output(&config, &model, (ids, bits), sized);
    let memory = sized.then(|| resources::memory(&config, &model, ids, sheets, &mut told));
    resources::warn(&output, memory.as_ref(), &mut told);
    obstacles::look(&config, &model, ids, &mut output, &mut told);
    let Diagnostics {
        notes, warnings, ..
    } = told;
    Ok(CheckReport {
        version: env!("CARGO_PKG_VERSION"),
        fluorophores: dyes(&model),
        photons: photons(&model),
        light_budget: light.budget,
        expected_pixels: light.pixels,
        resolution: light.resolution,
        volumes: opened.facts,
        sampling,
        labelling: counted.map(|counted| counted.facts),
        output,
        memory,
        notes,
        warnings,
        configuration: config,
    })
}

/// What is to be said of the light of a configuration that is SimExm's own.
fn simexm_light(config: &Config) -> Option<String> {
    let (power_w, aperture_m) = (50.0, 1.0);
    let is_its = |channel: &Channel| channel.laser_power_w == Some(power_w);
    let all = config.optics.channels.values().all(is_its);
    (all && config.optics.objective_back_aperture_m == Some(aperture_m)).then(|| {
        format!(
            "laser_power = {power_w} W and objective_back_aperture = {aperture_m} m are SimExm's own, and no laser's nor \
             objective's: together they give a plausible light"
        )
    })
}

fn dyes(model: &Model) -> Vec<DyeFacts> {
    let facts = model.fluorophores.iter().map(|dye| DyeFacts {
        name: dye.name.clone(),
        excitation_peak_nm: dye.excitation_peak_nm(),
        emission_peak_nm: dye.emission_peak_nm(),
        quantum_yield: dye.quantum_yield,
        quantum_yield_is_guess: dye.quantum_yield_is_guess,
        extinction_coefficient_per_m_cm: dye.extinction_coefficient,
    });
    facts.collect()
}

fn photons(model: &Model) -> Vec<PhotonFacts> {
    let mut facts = Vec::new();
    for channel in &model.channels[..model.channels_of_a_round()] {
        for (dye, photons) in std::iter::zip(&model.fluorophores, &channel.photons) {
            facts.push(PhotonFacts {
                channel: channel.configured.clone(),
                fluorophore: dye.name.clone(),
                excitation: photons.excitation,
                emission: photons.emission,
                mean_photons: photons.mean_photons,
            });
        }
    }
    facts
}

/// The regions that a report counts: the three of every ground truth, then the annotated ones.
fn regions(model: &Model) -> Vec<(CellPart, u32)> {
    use crate::base::region_bits::{CYTOSOL, FIRST_ANNOTATION, FULL, MEMBRANE};
    let mut regions = vec![
        (CellPart::Full, FULL),
        (CellPart::Membrane, MEMBRANE),
        (CellPart::Cytosol, CYTOSOL),
    ];
    for (place, name) in model.labelling.annotations.iter().enumerate() {
        regions.push((CellPart::Named(name.clone()), FIRST_ANNOTATION << place));
    }
    regions
}

/// Collects what the user is told, and lets the observer watch.
struct Diagnostics<'a> {
    observer: &'a mut dyn Observer,
    notes: Vec<String>,
    warnings: Vec<String>,
}

impl<'a> Diagnostics<'a> {
    fn new(observer: &'a mut dyn Observer) -> Self {
        Self {
            observer,
            notes: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl Observer for Diagnostics<'_> {
    fn begin(&mut self, stage: &str, total: usize) {
        self.observer.begin(stage, total);
    }

    fn advance(&mut self, amount: usize) {
        self.observer.advance(amount);
    }

    fn end(&mut self) {
        self.observer.end();
    }

    fn interrupted(&self) -> bool {
        self.observer.interrupted()
    }
}

impl Watcher for Diagnostics<'_> {
    fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }

    fn warn(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
    }
}
