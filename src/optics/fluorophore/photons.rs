//! Photons detected per labelled protein (docs/model.md section 3).

use std::f64::consts::PI;

use super::Fluorophore;

/// Avogadro's constant times Planck's constant times the speed of light, in J m/mol.
const MOLAR_PLANCK_LIGHT: f64 = 0.119626566;

/// Laser, objective, filter and detector of one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Illumination {
    /// Radius of the objective's back aperture. Divided by the magnification it is taken as the
    /// radius of the illuminated disc in m, as SimExm does.
    pub objective_back_aperture: f64,
    /// Magnification of the objective.
    pub objective_factor: f64,
    /// Exposure time of a slice in s.
    pub exposure_time_s: f64,
    /// Part of the photons that passes the objective, 0 to 1.
    pub objective_efficiency: f64,
    /// Part of the photons that the detector counts, 0 to 1.
    pub detector_efficiency: f64,
    /// Wavelength of the laser in nm.
    pub laser_wavelength_nm: f64,
    /// Full power of the laser in W.
    pub laser_power_w: f64,
    /// Share of the laser's power in use, 0 to 1.
    pub laser_share: f64,
    /// Band (first, last wavelength) that the emission filter passes, in nm.
    pub laser_filter_nm: [f64; 2],
}

/// Response of a dye to an [`Illumination`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Photons {
    /// Excitation at the laser's wavelength, relative to its maximum; 0 where the laser misses the
    /// dye.
    pub excitation: f64,
    /// Part of the emission inside the filter, 0 to 1; 0 where the filter misses the dye.
    pub emission: f64,
    /// Mean number of photons detected per protein; often below 1 and never rounded.
    pub mean_photons: f64,
}

impl Illumination {
    /// Computes the photons that one protein labelled with `dye` gives.
    pub fn photons(&self, dye: &Fluorophore) -> Photons {
        let excitation = dye.excitation.at(self.laser_wavelength_nm);
        let emission = dye.emission.fraction_within(self.laser_filter_nm);
        let mean_photons = mean_photons(
            self,
            excitation,
            emission,
            dye.quantum_yield,
            dye.extinction_coefficient,
        );
        Photons {
            excitation,
            emission,
            mean_photons,
        }
    }
}

/// Computes the mean number of photons detected per protein, from a relative `excitation`, the part
/// `emission` of the emission inside the filter, a quantum yield, and an extinction coefficient in
/// 1/(M cm).
///
/// Photons absorbed = molar cross-section x intensity x time / energy of a mole of photons (N_A h c
/// / wavelength). The model `simexm` takes the decadic extinction coefficient for the
/// cross-section, without the factor ln 10.
pub fn mean_photons(
    illumination: &Illumination,
    excitation: f64,
    emission: f64,
    quantum_yield: f64,
    extinction_coefficient: f64,
) -> f64 {
    let radius_m = illumination.objective_back_aperture / illumination.objective_factor;
    let intensity =
        illumination.laser_power_w * illumination.laser_share / (PI * radius_m * radius_m);
    let wavelength_m = illumination.laser_wavelength_nm * 1e-9;
    // From 1/(M cm) to m^2/mol.
    let cross_section = extinction_coefficient * 100.0 / 1e3;
    let absorbed =
        excitation * cross_section * illumination.exposure_time_s * intensity * wavelength_m
            / MOLAR_PLANCK_LIGHT;
    absorbed
        * quantum_yield
        * emission
        * illumination.objective_efficiency
        * illumination.detector_efficiency
}
