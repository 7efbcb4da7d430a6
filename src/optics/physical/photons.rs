//! How often a fluorophore is excited, and which share of its photons is counted
//! (docs/physical.md section 2).

use super::error::{OpticsError, positive, within};
use crate::optics::fluorophore::{Fluorophore, Spectrum};

/// Planck's constant in J s (exact in the SI of 2019, as the two that follow).
const PLANCK: f64 = 6.626_070_15e-34;

/// Speed of light in m/s.
const LIGHT_SPEED: f64 = 299_792_458.0;

/// Avogadro's constant in 1/mol.
const AVOGADRO: f64 = 6.022_140_76e23;

/// Two-photon cross-section in GM at the one-photon maximum of a dye that states none: tens of GM
/// are usual (Xu and Webb, J. Opt. Soc. Am. B 13, 481, 1996).
pub const GUESSED_TWO_PHOTON_GM: f64 = 50.0;

/// Returns the energy of a photon in J, for a wavelength in vacuum in um.
pub fn photon_energy_j(wavelength_um: f64) -> f64 {
    PLANCK * LIGHT_SPEED / (wavelength_um * 1e-6)
}

/// Returns the absorption cross-section in m^2 of a molecule with this molar decadic extinction
/// coefficient in 1/(M cm): Lambert-Beer's law, the decadic turned into the natural exponent.
pub fn absorption_cross_section_m2(extinction_coefficient: f64) -> f64 {
    std::f64::consts::LN_10 * 0.1 * extinction_coefficient / AVOGADRO
}

/// A fluorophore under light of one wavelength.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Emitter {
    /// Absorption cross-section at the laser, in m^2.
    pub cross_section_m2: f64,
    /// Two-photon cross-section at the laser, in GM (1e-50 cm^4 s); only two-photon microscopes use
    /// it.
    pub two_photon_gm: f64,
    /// Photons emitted per photon absorbed, 0 to 1.
    pub quantum_yield: f64,
    /// Fluorescence lifetime in s.
    pub lifetime_s: f64,
}

impl Emitter {
    /// A dye under a laser, with the lifetime of its excited state in ns. `two_photon_gm` is the
    /// dye's two-photon cross-section at the laser; without it the guess is
    /// [`GUESSED_TWO_PHOTON_GM`] times the excitation at half the wavelength, which deserves a
    /// warning: a two-photon spectrum is not the doubled one-photon spectrum.
    pub fn of(
        dye: &Fluorophore,
        laser_nm: f64,
        lifetime_ns: f64,
        two_photon_gm: Option<f64>,
    ) -> Self {
        let guess = || GUESSED_TWO_PHOTON_GM * dye.excitation.at(laser_nm / 2.0);
        Self {
            cross_section_m2: absorption_cross_section_m2(dye.extinction_coefficient)
                * dye.excitation.at(laser_nm),
            two_photon_gm: two_photon_gm.unwrap_or_else(guess),
            quantum_yield: dye.quantum_yield,
            lifetime_s: lifetime_ns * 1e-9,
        }
    }

    /// Returns the photons absorbed per second at a fluence rate in W/m^2, without saturation.
    pub fn absorption_rate(&self, fluence_w_m2: f64, wavelength_um: f64) -> f64 {
        self.cross_section_m2 * fluence_w_m2 / photon_energy_j(wavelength_um)
    }

    /// Returns the excitations per second where `rate` photons would be absorbed without
    /// saturation: a molecule with two levels absorbs none while it is excited.
    pub fn saturated(&self, rate: f64) -> f64 {
        rate / (1.0 + rate * self.lifetime_s)
    }

    pub(super) fn validate(&self) -> Result<(), OpticsError> {
        let any = [0.0, f64::MAX];
        within(
            "the absorption cross-section (m^2)",
            self.cross_section_m2,
            any,
        )?;
        within("two_photon_cross_section (GM)", self.two_photon_gm, any)?;
        within("quantum_yield", self.quantum_yield, [0.0, 1.0])?;
        within("lifetime (s)", self.lifetime_s, any)
    }
}

/// Pulses of a laser for two photons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pulses {
    /// Pulses per second.
    pub rate_hz: f64,
    /// Length of a pulse at half its height, in s.
    pub duration_s: f64,
    /// Second-order coherence of a pulse's shape: 0.66 for a Gaussian, 0.59 for a sech^2.
    pub shape_factor: f64,
}

impl Default for Pulses {
    /// A titanium-sapphire laser: 80 MHz, 150 fs, Gaussian.
    fn default() -> Self {
        Self {
            rate_hz: 80e6,
            duration_s: 150e-15,
            shape_factor: 0.66,
        }
    }
}

impl Pulses {
    /// Returns the mean number of excitations per pulse without saturation (Xu and Webb, J. Opt.
    /// Soc. Am. B 13, 481, 1996), for a cross-section in GM and a mean photon flux in
    /// 1/(cm^2 s). Two photons make one excitation, hence the half.
    pub fn excitations_per_pulse(&self, two_photon_gm: f64, flux_cm2_s: f64) -> f64 {
        let pulse_flux = flux_cm2_s / self.rate_hz;
        0.5 * two_photon_gm * 1e-50 * self.shape_factor * pulse_flux * pulse_flux / self.duration_s
    }

    /// Returns the excitations per second; a molecule is excited once per pulse at most.
    pub fn excitation_rate(&self, two_photon_gm: f64, flux_cm2_s: f64) -> f64 {
        -self.rate_hz * libm::expm1(-self.excitations_per_pulse(two_photon_gm, flux_cm2_s))
    }

    pub(super) fn validate(&self) -> Result<(), OpticsError> {
        positive("pulse_rate (Hz)", self.rate_hz)?;
        positive("pulse_duration (s)", self.duration_s)?;
        positive("pulse_factor", self.shape_factor)
    }
}

/// Share of light that passes, over wavelength.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// The same at every wavelength.
    Constant(f64),
    /// A table; nothing passes beyond it.
    Table(Spectrum),
}

impl Curve {
    fn at(&self, wavelength_nm: f64) -> f64 {
        match self {
            Curve::Constant(value) => *value,
            Curve::Table(table) => table.at(wavelength_nm),
        }
    }

    fn nodes(&self) -> &[f64] {
        match self {
            Curve::Constant(_) => &[],
            Curve::Table(table) => table.wavelengths_nm(),
        }
    }

    fn validate(&self, quantity: &'static str) -> Result<(), OpticsError> {
        let values = match self {
            Curve::Constant(value) => std::slice::from_ref(value),
            Curve::Table(table) => table.values(),
        };
        let mut values = values.iter();
        values.try_for_each(|value| within(quantity, *value, [0.0, 1.0]))
    }
}

/// Way of the emission from the objective to the detector.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// First and last wavelength that pass the emission filter, in nm.
    pub filter_nm: [f64; 2],
    /// What the filter passes inside the band.
    pub filter: Curve,
    /// What the dichroic mirror passes.
    pub dichroic: Curve,
    /// Electrons per photon at the detector.
    pub detector: Curve,
}

/// Emission as a detector sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeenLight {
    /// Electrons per photon that entered the objective, without the losses of its glass.
    pub share: f64,
    /// Mean wavelength of these electrons' photons, in nm.
    pub centroid_nm: f64,
}

impl Band {
    /// Returns the share of an emission (photons per nm) that is counted, and its mean wavelength.
    ///
    /// # Errors
    /// Nothing is counted, or a curve leaves 0 to 1.
    pub fn seen(&self, emission: &Spectrum) -> Result<SeenLight, OpticsError> {
        Ok(self.split(emission, 1)?[0])
    }

    /// As [`Band::seen`] for so many parts of the band with equal light, by ascending wavelength.
    ///
    /// The spectra's product counts as linear between the nodes of all tables.
    ///
    /// # Errors
    /// Nothing is counted, there are no parts, or a curve leaves 0 to 1.
    pub fn split(&self, emission: &Spectrum, parts: usize) -> Result<Vec<SeenLight>, OpticsError> {
        self.filter.validate("a value of filter_curve")?;
        self.dichroic.validate("a value of dichroic_curve")?;
        self.detector
            .validate("detector_efficiency or a value of efficiency_curve")?;
        within("spectral_bins", parts as f64, [1.0, 1e3])?;
        let samples = self.samples(emission);
        let light: f64 = samples.windows(2).map(|pair| area(pair[0], pair[1])).sum();
        let [low_nm, high_nm] = self.filter_nm;
        if light.is_nan() || light <= 0.0 {
            return Err(OpticsError::NoEmission { low_nm, high_nm });
        }
        let emitted: f64 = emission
            .wavelengths_nm()
            .windows(2)
            .zip(emission.values().windows(2))
            .map(|(w, v)| area((w[0], v[0]), (w[1], v[1])))
            .sum();
        let each = light / parts as f64;
        let mut seen = Vec::with_capacity(parts);
        // Light and its first moment in the part that is being filled.
        let (mut filled, mut moment) = (0.0, 0.0);
        for pair in samples.windows(2) {
            let (mut from, to) = (pair[0], pair[1]);
            while seen.len() + 1 < parts && filled + area(from, to) >= each {
                let cut = cut_after(from, to, each - filled);
                moment += first_moment(from, cut);
                seen.push(moment / each);
                (filled, moment, from) = (0.0, 0.0, cut);
            }
            filled += area(from, to);
            moment += first_moment(from, to);
        }
        seen.push(moment / filled);
        let share = each / emitted;
        let part = |centroid_nm| SeenLight { share, centroid_nm };
        Ok(seen.into_iter().map(part).collect())
    }

    /// Wavelengths of all tables inside the band and the band's ends, with the light seen there.
    fn samples(&self, emission: &Spectrum) -> Vec<(f64, f64)> {
        let [low, high] = self.filter_nm;
        let curves = [&self.filter, &self.dichroic, &self.detector];
        let tables = curves.iter().flat_map(|curve| curve.nodes());
        let mut nodes: Vec<f64> = tables.chain(emission.wavelengths_nm()).copied().collect();
        nodes.retain(|node| (low..=high).contains(node));
        nodes.extend([low, high].iter().filter(|_| low < high));
        nodes.sort_by(f64::total_cmp);
        nodes.dedup();
        let passed = |nm: f64| curves.iter().map(|curve| curve.at(nm)).product::<f64>();
        let sample = |nm: f64| (nm, emission.at(nm) * passed(nm));
        nodes.into_iter().map(sample).collect()
    }
}

/// Area under the line between two samples.
fn area((w0, v0): (f64, f64), (w1, v1): (f64, f64)) -> f64 {
    0.5 * (v0 + v1) * (w1 - w0)
}

/// Integral of wavelength times value along the line between two samples.
fn first_moment((w0, v0): (f64, f64), (w1, v1): (f64, f64)) -> f64 {
    (w1 - w0) * (v0 * (2.0 * w0 + w1) + v1 * (w0 + 2.0 * w1)) / 6.0
}

/// The sample on the line between two others before which it has this area.
fn cut_after(from: (f64, f64), to: (f64, f64), wanted: f64) -> (f64, f64) {
    let slope = (to.1 - from.1) / (to.0 - from.0);
    // from.1 x + slope x^2 / 2 = wanted, in the form that holds for a slope of 0 too.
    let root = (from.1 * from.1 + 2.0 * slope * wanted).max(0.0).sqrt();
    let width = if from.1 + root > 0.0 {
        (2.0 * wanted / (from.1 + root)).clamp(0.0, to.0 - from.0)
    } else {
        0.0
    };
    (from.0 + width, from.1 + slope * width)
}
