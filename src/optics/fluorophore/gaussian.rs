//! Dyes whose measured spectra may not be copied: constants, and Gaussians in the spectra's place.
//!
//! A band is a Gaussian of one width on the short side of its maximum and of another on the long
//! side. It has no shoulder and no tail: what it says of light far from the maximum, as of bleed
//! through into another channel, is too little. The widths were fitted (least squares on each
//! side) to the spectra that the makers publish, as FPbase collects them (Lambert, Nat. Methods
//! 16, 277, 2019); where a dye has none there, they are those of a similar dye,
//! which is named.
//!
//! A figure that was not seen in print is a guess, and says so, however likely it is. Lifetimes of
//! Alexa488, 546 and 647, Cy3, Cy5, fluorescein, and of DAPI and Hoechst33342 on double-stranded
//! DNA, are those of ISS (iss.com/resources, "Lifetime data of selected fluorophores").

use super::{Fluorophore, Spectrum, SpectrumError, TwoPhoton};

/// A figure, and whether it was seen in print.
#[derive(Clone, Copy)]
enum Figure {
    Stated(f64),
    Guess(f64),
}

use Figure::{Guess, Stated};

impl Figure {
    fn value(self) -> f64 {
        match self {
            Stated(value) | Guess(value) => value,
        }
    }

    fn is_guess(self) -> bool {
        matches!(self, Guess(_))
    }
}

/// Maximum of a band, and its half widths at half the height on the short and on the long side, all
/// in nm.
type Band = [f64; 3];

/// The constants of a dye.
struct Constants {
    name: &'static str,
    source: &'static str,
    excitation: Band,
    emission: Band,
    /// In 1/(M cm).
    extinction: Figure,
    quantum_yield: Figure,
    lifetime_ns: Figure,
}

const MOLECULAR_PROBES: &str = "Thermo Fisher Scientific (Molecular Probes)";
const FPBASE: &str = "protein (FPbase)";

/// In the order of the names' code points.
const DYES: [Constants; 25] = [
    // Widths of ATTO 550.
    Constants {
        name: "ATTO565",
        source: "ATTO-TEC",
        excitation: [564.0, 24.0, 14.0],
        emission: [590.0, 15.0, 30.0],
        extinction: Guess(120_000.0),
        quantum_yield: Guess(0.9),
        lifetime_ns: Guess(4.0),
    },
    Constants {
        name: "Alexa488",
        source: MOLECULAR_PROBES,
        excitation: [499.0, 24.0, 15.0],
        emission: [520.0, 15.5, 29.0],
        extinction: Guess(73_000.0),
        quantum_yield: Guess(0.92),
        lifetime_ns: Stated(4.1),
    },
    Constants {
        name: "Alexa546",
        source: MOLECULAR_PROBES,
        excitation: [561.0, 23.0, 14.0],
        emission: [572.0, 13.0, 25.0],
        extinction: Guess(112_000.0),
        quantum_yield: Guess(0.79),
        lifetime_ns: Stated(4.0),
    },
    Constants {
        name: "Alexa568",
        source: MOLECULAR_PROBES,
        excitation: [579.0, 37.5, 18.0],
        emission: [603.0, 18.5, 32.0],
        extinction: Stated(88_000.0),
        quantum_yield: Stated(0.69),
        lifetime_ns: Stated(3.6),
    },
    Constants {
        name: "Alexa594",
        source: MOLECULAR_PROBES,
        excitation: [590.0, 35.5, 19.0],
        emission: [618.0, 18.5, 36.0],
        extinction: Guess(92_000.0),
        quantum_yield: Guess(0.66),
        lifetime_ns: Guess(3.9),
    },
    Constants {
        name: "Alexa647",
        source: MOLECULAR_PROBES,
        excitation: [653.0, 33.0, 16.0],
        emission: [668.0, 16.0, 21.0],
        extinction: Guess(270_000.0),
        quantum_yield: Guess(0.33),
        lifetime_ns: Stated(1.0),
    },
    // Widths of ATTO 550, a rhodamine too.
    Constants {
        name: "CF568",
        source: "Biotium",
        excitation: [562.0, 24.0, 14.0],
        emission: [583.0, 15.0, 30.0],
        extinction: Stated(100_000.0),
        quantum_yield: Guess(0.7),
        lifetime_ns: Guess(3.6),
    },
    // Widths of Alexa 594, a rhodamine too.
    Constants {
        name: "CF633",
        source: "Biotium",
        excitation: [630.0, 35.5, 19.0],
        emission: [650.0, 18.5, 36.0],
        extinction: Stated(100_000.0),
        quantum_yield: Guess(0.5),
        lifetime_ns: Guess(3.2),
    },
    // Maxima on antibodies: Jackson ImmunoResearch. Widths of Alexa 555, the same chromophore
    // (Berlier et al., J. Histochem. Cytochem. 51, 1699, 2003). The yield is that of labelled
    // proteins; free in water it is 0.04 (Mujumdar et al., Bioconjugate Chem. 4, 105, 1993).
    Constants {
        name: "Cy3",
        source: "Cytiva (Amersham)",
        excitation: [550.0, 32.5, 12.0],
        emission: [570.0, 13.0, 34.0],
        extinction: Guess(150_000.0),
        quantum_yield: Guess(0.15),
        lifetime_ns: Stated(0.3),
    },
    // Maxima on antibodies: Jackson ImmunoResearch; widths of Alexa 647, the same chromophore.
    // Yield free in water: Mujumdar et al. (1993).
    Constants {
        name: "Cy5",
        source: "Cytiva (Amersham)",
        excitation: [650.0, 33.0, 16.0],
        emission: [670.0, 16.0, 21.0],
        extinction: Guess(250_000.0),
        quantum_yield: Stated(0.27),
        lifetime_ns: Stated(1.0),
    },
    // Bound to double-stranded DNA, as the next one.
    Constants {
        name: "DAPI",
        source: MOLECULAR_PROBES,
        excitation: [358.0, 45.0, 27.0],
        emission: [461.0, 39.0, 56.0],
        extinction: Guess(24_000.0),
        quantum_yield: Guess(0.58),
        lifetime_ns: Stated(2.2),
    },
    Constants {
        name: "EBFP2",
        source: FPBASE,
        excitation: [383.0, 27.0, 24.5],
        emission: [448.0, 27.0, 44.0],
        extinction: Stated(32_000.0),
        quantum_yield: Stated(0.56),
        lifetime_ns: Stated(3.0),
    },
    Constants {
        name: "ECFP",
        source: FPBASE,
        excitation: [434.0, 32.0, 32.0],
        emission: [477.0, 12.5, 53.5],
        extinction: Stated(26_000.0),
        quantum_yield: Stated(0.4),
        lifetime_ns: Stated(3.0),
    },
    Constants {
        name: "EGFP",
        source: FPBASE,
        excitation: [488.0, 39.0, 16.5],
        emission: [507.0, 13.0, 23.0],
        extinction: Stated(55_900.0),
        quantum_yield: Stated(0.6),
        lifetime_ns: Stated(2.6),
    },
    Constants {
        name: "EYFP",
        source: FPBASE,
        excitation: [513.0, 22.0, 11.0],
        emission: [527.0, 11.0, 22.0],
        extinction: Stated(83_400.0),
        quantum_yield: Stated(0.61),
        lifetime_ns: Stated(3.1),
    },
    // Flavin mononucleotide, free in water: what shines in most tissue.
    Constants {
        name: "Flavin",
        source: "cells",
        excitation: [450.0, 40.0, 30.0],
        emission: [530.0, 25.0, 45.0],
        extinction: Guess(12_200.0),
        quantum_yield: Guess(0.26),
        lifetime_ns: Guess(4.7),
    },
    // In 0.1 M NaOH (yield: Lakowicz, Principles of Fluorescence Spectroscopy, 1999); widths and
    // lifetime of its isothiocyanate.
    Constants {
        name: "Fluorescein",
        source: "any maker",
        excitation: [494.0, 24.5, 15.0],
        emission: [517.0, 15.5, 30.0],
        extinction: Guess(76_900.0),
        quantum_yield: Stated(0.95),
        lifetime_ns: Stated(4.1),
    },
    // Widths of Hoechst 33258.
    Constants {
        name: "Hoechst33342",
        source: MOLECULAR_PROBES,
        excitation: [352.0, 28.0, 25.0],
        emission: [461.0, 36.0, 55.5],
        extinction: Guess(45_000.0),
        quantum_yield: Guess(0.38),
        lifetime_ns: Stated(2.21),
    },
    // Free in water, as the next one; on HaloTag both lie 8 nm farther (Grimm et al., Nat. Methods
    // 12, 244, 2015). Widths of tetramethylrhodamine.
    Constants {
        name: "JF549",
        source: "Janelia",
        excitation: [549.0, 25.5, 18.0],
        emission: [571.0, 16.0, 27.0],
        extinction: Guess(101_000.0),
        quantum_yield: Guess(0.88),
        lifetime_ns: Guess(3.8),
    },
    // The extinction is that of the open, coloured form, which it has on HaloTag. Widths of ATTO
    // 647N.
    Constants {
        name: "JF646",
        source: "Janelia",
        excitation: [646.0, 26.0, 15.5],
        emission: [664.0, 17.0, 31.0],
        extinction: Guess(152_000.0),
        quantum_yield: Guess(0.54),
        lifetime_ns: Guess(3.0),
    },
    // Bound to DNA; widths of fluorescein.
    Constants {
        name: "SYTOXGreen",
        source: MOLECULAR_PROBES,
        excitation: [504.0, 24.5, 15.0],
        emission: [523.0, 15.5, 30.0],
        extinction: Guess(67_000.0),
        quantum_yield: Guess(0.53),
        lifetime_ns: Guess(4.0),
    },
    Constants {
        name: "mCherry",
        source: FPBASE,
        excitation: [587.0, 45.5, 16.5],
        emission: [610.0, 18.5, 44.5],
        extinction: Stated(72_000.0),
        quantum_yield: Stated(0.22),
        lifetime_ns: Stated(1.4),
    },
    Constants {
        name: "mCitrine",
        source: FPBASE,
        excitation: [516.0, 21.0, 10.0],
        emission: [529.0, 11.0, 26.0],
        extinction: Stated(77_000.0),
        quantum_yield: Stated(0.76),
        lifetime_ns: Stated(3.6),
    },
    // Widths of mRuby2.
    Constants {
        name: "mRuby3",
        source: FPBASE,
        excitation: [558.0, 32.5, 17.0],
        emission: [592.0, 24.5, 50.5],
        extinction: Stated(128_000.0),
        quantum_yield: Stated(0.45),
        lifetime_ns: Guess(2.5),
    },
    Constants {
        name: "tdTomato",
        source: FPBASE,
        excitation: [554.0, 44.0, 17.0],
        emission: [581.0, 17.0, 49.0],
        extinction: Stated(138_000.0),
        quantum_yield: Stated(0.69),
        lifetime_ns: Guess(3.2),
    },
];

/// Share of the maximum at which a band ends.
const END: f64 = 1e-3;

/// A Gaussian of different widths on both sides of its maximum, at every nm.
pub(super) fn split_gaussian(
    [peak_nm, short_nm, long_nm]: Band,
) -> Result<Spectrum, SpectrumError> {
    let reach = (-END.log2()).sqrt();
    let first = -(short_nm * reach).floor() as i32;
    let last = (long_nm * reach).floor() as i32;
    let value = |off_nm: f64| {
        let half_width = if off_nm < 0.0 { short_nm } else { long_nm };
        libm::exp2(-(off_nm / half_width) * (off_nm / half_width))
    };
    let wavelengths_nm = (first..=last).map(|nm| peak_nm + f64::from(nm)).collect();
    let values = (first..=last).map(|nm| value(f64::from(nm))).collect();
    Spectrum::new(wavelengths_nm, values)
}

/// The dyes.
pub(super) fn dyes() -> impl Iterator<Item = Result<Fluorophore, SpectrumError>> {
    DYES.iter().map(|dye| {
        Ok(Fluorophore {
            name: dye.name.to_owned(),
            maker: dye.source.to_owned(),
            quantum_yield: dye.quantum_yield.value(),
            quantum_yield_is_guess: dye.quantum_yield.is_guess(),
            extinction_coefficient: dye.extinction.value(),
            extinction_is_guess: dye.extinction.is_guess(),
            lifetime_ns: dye.lifetime_ns.value(),
            lifetime_is_guess: dye.lifetime_ns.is_guess(),
            bleach_yield: super::USUAL_BLEACH_YIELD,
            two_photon: TwoPhoton::measured(dye.name),
            excitation: split_gaussian(dye.excitation)?,
            emission: split_gaussian(dye.emission)?,
            spectra_are_gaussian: true,
        })
    })
}
