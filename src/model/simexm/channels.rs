//! Channels: the photons that fluorophores send to them, and their point spread functions.

use crate::config::Config;
use crate::engine::rng::{DiscreteTable, Purpose, StreamKey};
use crate::model::channel::{ChannelModel, EmissionSource, Emitter};
use crate::model::{ModelError, Tables, advice, warnings};
use crate::optics::fluorophore::{Fluorophore, Illumination, Photons};
use crate::optics::psf::{PointSpreadFunction, PsfParameters};
use rayon::prelude::*;

/// Mean photons per labelled voxel below which a channel shows nothing.
const DARK: f64 = 1e-4;

/// Random streams of a channel.
#[derive(Clone, Copy, Debug)]
pub struct ChannelKeys {
    /// That of the jitter.
    pub jitter: StreamKey,
    /// That of the baseline.
    pub baseline: StreamKey,
}

/// Channels, their emitters and their random streams.
pub(super) struct Channels {
    pub(super) channels: Vec<ChannelModel>,
    pub(super) emitters: Vec<Emitter>,
    pub(super) keys: Vec<ChannelKeys>,
}

/// Builds the channels. `proteins_per_voxel` is the mean of each fluorophore in a labelled voxel;
/// `told` collects warnings for the user.
pub(super) fn channels(
    config: &Config,
    seed: u64,
    fluorophores: &[Fluorophore],
    tables: &mut Tables,
    proteins_per_voxel: &[f64],
    told: &mut Vec<String>,
) -> Result<Channels, ModelError> {
    let (mut models, mut emitters, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for (name, channel) in &config.optics.channels {
        let optics = &config.optics;
        let illumination = Illumination {
            objective_back_aperture: optics.objective_back_aperture_m.unwrap_or(f64::NAN),
            objective_factor: optics.objective_factor,
            exposure_time_s: optics.exposure_time_s,
            objective_efficiency: optics.objective_efficiency,
            detector_efficiency: optics.detector_efficiency,
            laser_wavelength_nm: channel.laser_wavelength_nm,
            laser_power_w: channel.laser_power_w.unwrap_or(f64::NAN),
            laser_share: channel.laser_share.unwrap_or(f64::NAN),
            laser_filter_nm: channel.laser_filter_nm,
        };
        let photons: Vec<Photons> = fluorophores
            .iter()
            .map(|f| illumination.photons(f))
            .collect();
        let most = photons
            .iter()
            .map(|photons| photons.mean_photons)
            .fold(0.0, f64::max);
        let mut sources = Vec::new();
        for (number, (fluorophore, photons)) in std::iter::zip(fluorophores, &photons).enumerate() {
            let mean = photons.mean_photons;
            let table = DiscreteTable::poisson(mean).map_err(|_| ModelError::TooManyPhotons {
                channel: name.clone(),
                fluorophore: fluorophore.name.clone(),
                mean,
            })?;
            if !table.is_always_zero() {
                let parameters = psf_parameters(config, channel.laser_wavelength_nm, fluorophore);
                // Crosstalk deserves no warning.
                let matters = mean >= 0.01 * most;
                if matters && parameters.emission_below_excitation() {
                    told.push(format!(
                        "channel {name}: the laser ({} nm) lies above the emission peak of {} ({} nm)",
                        channel.laser_wavelength_nm, fluorophore.name, parameters.emission_nm
                    ));
                }
                emitters.push(Emitter {
                    fluorophore: number,
                    round: 0,
                    table: tables.add(&table),
                    key: StreamKey::new(seed, Purpose::Emission, &[name, &fluorophore.name]),
                });
                sources.push((number, emitters.len() - 1, parameters));
            }
        }
        let sources = sources
            .into_par_iter()
            .map(|(number, emitter, parameters)| {
                let fluorophore = &fluorophores[number].name;
                let function = PointSpreadFunction::new(&parameters);
                let psf = function.map(|function| function.on_voxels());
                let psf = psf.map_err(|source| ModelError::Psf {
                    channel: name.clone(),
                    fluorophore: fluorophore.clone(),
                    source,
                })?;
                Ok(EmissionSource::new(number, emitter, psf))
            })
            .collect::<Result<Vec<_>, ModelError>>()?;
        let expected = |source: &EmissionSource| {
            photons[source.fluorophore].mean_photons * proteins_per_voxel[source.fluorophore]
        };
        let brightest = sources.iter().map(expected).fold(0.0, f64::max);
        if sources.is_empty() {
            let blank = warnings::dark_channel(config, name, fluorophores, &photons);
            told.push(blank);
        } else if brightest < DARK {
            told.push(warnings::dim_channel(name, fluorophores, &photons));
        }
        models.push(ChannelModel {
            name: name.clone(),
            configured: name.clone(),
            round: 0,
            photons,
            sources,
        });
        let keyed = |purpose| StreamKey::new(seed, purpose, &[name]);
        keys.push(ChannelKeys {
            jitter: keyed(Purpose::Jitter),
            baseline: keyed(Purpose::Baseline),
        });
    }
    told.extend(advice::advice(config, fluorophores, &models));
    Ok(Channels {
        channels: models,
        emitters,
        keys,
    })
}

fn psf_parameters(config: &Config, laser_nm: f64, fluorophore: &Fluorophore) -> PsfParameters {
    let optics = &config.optics;
    PsfParameters {
        microscope: optics.microscope,
        excitation_nm: laser_nm,
        emission_nm: fluorophore.emission_peak_nm(),
        numerical_aperture: optics.numerical_aperture,
        refractive_index: optics.refractive_index,
        pinhole_radius_um: optics.pinhole_radius_um.unwrap_or(f64::NAN) / optics.objective_factor,
        voxel_nm: config.groundtruth.voxel_or_nan(),
        expansion_factors: config.expansion.factors(),
    }
}
