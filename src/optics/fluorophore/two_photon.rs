//! Two-photon cross-sections that were measured, over the laser's wavelength.
//!
//! Laboratories agree on the shapes of these spectra and not on their heights: of EGFP at 960 nm,
//! 35 and 175 GM have been published, of its yellow variants 9 and 228.

use super::{Fluorophore, Spectrum};

/// How well a dye absorbs two photons at once; only the model `physical` uses it.
#[derive(Clone, Debug, PartialEq)]
pub enum TwoPhoton {
    /// Cross-section in GM (1e-50 cm^4 s) at the laser, whatever its wavelength.
    AtLaser(f64),
    /// Cross-sections in GM over the laser's wavelength.
    Measured {
        /// The table.
        spectrum: Spectrum,
        /// Where it is published.
        source: &'static str,
    },
}

/// How far in nm beyond its ends a table holds: the pulses of a laser (100 fs) are as wide.
const BEYOND_NM: f64 = 10.0;

/// A table: wavelength of the first value and the step to the next one, in nm, and values in GM.
struct Table {
    dye: &'static str,
    source: &'static str,
    first_nm: f64,
    step_nm: f64,
    gm: &'static [f64],
}

/// Of the fluorophores of W. Zipfel's laboratory (Cornell); cf. Zipfel et al., Nat. Biotechnol. 21,
/// 1369, 2003. Fluorescein is in water of pH 11, on the grid of Xu and Webb, J. Opt. Soc. Am. B 13,
/// 481, 1996, who measured its cross-section itself; of most others they have the product of
/// cross-section and quantum yield, and the tables do not say which it is.
const CORNELL: &str = "Zipfel laboratory, Cornell University (drbio.cornell.edu)";

/// Given by the authors, who tell the cross-sections, which these are, from their products with the
/// quantum yield. That of tdTomato is per chromophore: a protein, whose extinction coefficient is
/// that of both, has twice as much: 278 GM at 1050 nm, as is quoted from the paper. mCitrine is
/// Citrine.
const DROBIZHEV: &str = "Drobizhev et al., Nat. Methods 8, 393 (2011)";

#[rustfmt::skip]
const TABLES: [Table; 12] = [
    Table { dye: "Alexa350", source: CORNELL, first_nm: 700.0, step_nm: 20.0, gm: &[34.28, 24.5, 15.84, 5.83, 2.6, 0.61, 0.054, 0.023, 0.018] },
    Table { dye: "Alexa488", source: CORNELL, first_nm: 700.0, step_nm: 20.0, gm: &[91.7, 97.9, 90.8, 95.6, 77.7, 29.8, 10.7, 8.9, 10.0, 13.6, 26.2, 35.0, 33.5, 36.5, 36.5, 21.4] },
    Table { dye: "Alexa568", source: CORNELL, first_nm: 740.0, step_nm: 20.0, gm: &[118.0, 157.0, 173.0, 83.3, 47.7, 25.2, 8.6, 3.8, 2.1, 1.5, 2.4, 6.3, 10.7, 9.3] },
    Table { dye: "Alexa594", source: CORNELL, first_nm: 760.0, step_nm: 20.0, gm: &[72.6, 99.8, 85.1, 69.6, 32.8, 9.5, 3.6, 1.5, 0.71, 0.81, 1.8, 2.9, 3.5] },
    Table { dye: "EBFP2", source: DROBIZHEV, first_nm: 700.0, step_nm: 20.0, gm: &[4.8, 7.6, 13.4, 12.5, 10.2, 8.5, 3.4, 0.89, 0.092, 0.031] },
    Table { dye: "ECFP", source: DROBIZHEV, first_nm: 700.0, step_nm: 20.0, gm: &[4.3, 3.6, 3.4, 4.1, 5.7, 13.6, 19.2, 22.1, 24.0, 19.7, 16.6, 8.7, 2.2, 0.29] },
    Table { dye: "EGFP", source: DROBIZHEV, first_nm: 740.0, step_nm: 20.0, gm: &[6.4, 11.0, 14.6, 18.3, 26.5, 30.2, 41.6, 47.3, 53.8, 54.9, 51.0, 35.3, 27.2, 14.1, 4.3, 0.96] },
    Table { dye: "EYFP", source: CORNELL, first_nm: 700.0, step_nm: 20.0, gm: &[46.3, 20.3, 13.4, 3.5, 2.3, 2.5, 6.0, 13.7, 18.5, 32.7, 59.9, 71.1, 115.0, 228.0, 180.0, 109.0] },
    Table { dye: "Fluorescein", source: CORNELL, first_nm: 690.0, step_nm: 10.0, gm: &[15.96, 17.2, 18.77, 19.23, 25.2, 29.86, 33.6, 36.4, 37.33, 37.33, 37.33, 36.4, 32.0, 28.84, 19.14, 12.51, 9.8, 7.59, 8.79, 11.36, 13.94, 16.19, 22.95, 25.99, 22.77, 21.3, 18.17, 15.5, 17.02, 16.32, 13.76, 8.27, 4.79, 3.16, 1.58, 0.34, 0.31] },
    Table { dye: "mCherry", source: DROBIZHEV, first_nm: 740.0, step_nm: 20.0, gm: &[102.0, 71.4, 42.4, 22.3, 4.7, 1.0, 0.48, 0.55, 0.85, 1.4, 2.1, 3.0, 4.2, 6.2, 9.3, 13.3, 20.9, 26.6, 24.5, 20.7, 19.1, 18.9, 14.8, 8.4, 3.1, 1.0] },
    Table { dye: "mCitrine", source: DROBIZHEV, first_nm: 700.0, step_nm: 20.0, gm: &[6.7, 5.9, 2.9, 1.1, 1.3, 0.25, 0.56, 1.1, 2.1, 3.4, 5.4, 5.5, 6.5, 9.1, 8.4, 4.5, 4.3, 4.4, 1.6, 0.33] },
    Table { dye: "tdTomato", source: DROBIZHEV, first_nm: 700.0, step_nm: 20.0, gm: &[218.0, 139.0, 123.0, 81.6, 22.6, 15.6, 8.28, 14.1, 21.4, 30.8, 45.1, 64.8, 90.0, 99.3, 120.0, 145.0, 217.0, 272.0, 268.0, 244.0, 209.0, 140.0, 44.9, 19.4, 4.46, 1.31] },
];

impl TwoPhoton {
    /// The cross-sections of a built-in dye, if they are known.
    pub(super) fn measured(dye: &str) -> Option<Self> {
        let table = TABLES.iter().find(|table| table.dye == dye)?;
        let wavelengths = (0..table.gm.len()).map(|i| table.first_nm + table.step_nm * i as f64);
        let spectrum = Spectrum::new(wavelengths.collect(), table.gm.to_vec()).ok()?;
        let source = table.source;
        Some(Self::Measured { spectrum, source })
    }
}

impl Fluorophore {
    /// Returns the two-photon cross-section in GM (1e-50 cm^4 s) at a laser's wavelength, on the
    /// line between the values that were measured next to it; `None` where it is not known.
    pub fn two_photon_gm_at(&self, laser_nm: f64) -> Option<f64> {
        match self.two_photon.as_ref()? {
            TwoPhoton::AtLaser(gm) => Some(*gm),
            TwoPhoton::Measured { spectrum, .. } => {
                let [first, last] = spectrum.range_nm();
                let known = (first - BEYOND_NM..=last + BEYOND_NM).contains(&laser_nm);
                known.then(|| spectrum.at(laser_nm.clamp(first, last)))
            }
        }
    }

    /// Tells why the cross-section at a wavelength is not known.
    pub(crate) fn why_no_two_photon(&self) -> String {
        match &self.two_photon {
            Some(TwoPhoton::Measured { spectrum, .. }) => {
                let [first, last] = spectrum.range_nm();
                format!("measured from {first} to {last} nm only")
            }
            _ => "not measured".to_owned(),
        }
    }
}
