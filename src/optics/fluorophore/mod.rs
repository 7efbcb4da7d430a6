//! Dyes: their spectra, and the photons that a labelled protein gives.
//!
//! Some dyes are built in ([`catalogue`], [`find`]): eleven with the spectra that their makers,
//! ATTO-TEC and Thermo Fisher Scientific (Molecular Probes), measured, and others with Gaussians in
//! their place ([`Fluorophore::spectra_are_gaussian`]). A figure that was not seen in print is a
//! guess, and says so ([`Fluorophore::quantum_yield_is_guess`]). A configuration may add dyes of
//! its own, whose spectra come from a text file ([`Fluorophore::of`], [`all`]).

mod catalogue;
mod gaussian;
mod own;
mod photons;
mod spectrum;
pub mod table;
mod two_photon;

pub use catalogue::{catalogue, find, names, written};
pub use own::{OwnFluorophore, OwnFluorophoreError, OwnFluorophores, all, nearest};
pub use photons::{Illumination, Photons, mean_photons};
pub use spectrum::{Spectrum, SpectrumError};
pub use two_photon::TwoPhoton;

#[cfg(test)]
mod tests;

/// Lower limit in nm of the search for a dye's excitation maximum: bands below it are ultraviolet.
const ULTRAVIOLET_NM: f64 = 300.0;

/// A fluorescent dye.
#[derive(Clone, Debug, PartialEq)]
pub struct Fluorophore {
    /// Name by which a configuration refers to the dye.
    pub name: String,
    /// Company that sells the dye and measured its figures; for a user's own dye the file of its
    /// spectra.
    pub maker: String,
    /// Photons emitted per photon absorbed, 0 to 1.
    pub quantum_yield: f64,
    /// True where the quantum yield is a guess: it was not seen in print.
    pub quantum_yield_is_guess: bool,
    /// Molar decadic extinction coefficient at the excitation maximum, in 1/(M cm).
    pub extinction_coefficient: f64,
    /// True where the extinction coefficient is a guess.
    pub extinction_is_guess: bool,
    /// Lifetime of the excited state in ns; only the model `physical` uses it.
    pub lifetime_ns: f64,
    /// True where the lifetime is a guess.
    pub lifetime_is_guess: bool,
    /// Two-photon cross-section, if it is known; only the model `physical` uses it.
    pub two_photon: Option<TwoPhoton>,
    /// Molecules that bleach per photon absorbed; only the model `physical` uses it.
    pub bleach_yield: f64,
    /// Excitation relative to its maximum above 300 nm: a band in the ultraviolet may exceed 1.
    pub excitation: Spectrum,
    /// Emission relative to its maximum.
    pub emission: Spectrum,
    /// True where both spectra are Gaussians of the right maxima and widths, without shoulders and
    /// tails.
    pub spectra_are_gaussian: bool,
}

/// Lifetime in ns of a dye that states none: those of common dyes are 1 to 5 ns.
pub const USUAL_LIFETIME_NS: f64 = 4.0;

/// Molecules that bleach per photon absorbed, of a dye that states none: good dyes have 1e-6 to
/// 1e-5.
pub const USUAL_BLEACH_YIELD: f64 = 5e-6;

impl Fluorophore {
    /// Returns extinction coefficient times quantum yield, in 1/(M cm): the brightness of a dye at
    /// its best laser, for comparison with others.
    pub fn brightness(&self) -> f64 {
        self.extinction_coefficient * self.quantum_yield
    }

    /// Returns the wavelength of the excitation maximum above 300 nm, in nm.
    pub fn excitation_peak_nm(&self) -> f64 {
        self.excitation.peak_above(ULTRAVIOLET_NM).0
    }

    /// Returns the wavelength of the emission maximum, in nm.
    pub fn emission_peak_nm(&self) -> f64 {
        self.emission.peak_nm()
    }
}
