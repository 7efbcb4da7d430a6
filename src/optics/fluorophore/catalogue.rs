//! The built-in dyes: those read from the text files in `data/`, and those of `gaussian.rs`.
//!
//! A file has lines `key: value`, `#` comments, and under `excitation: FIRST PER_NM` and `emission:
//! FIRST PER_NM` the spectrum's samples: sample i lies at FIRST + i / PER_NM nm, and only the
//! ratios of the samples matter.

use std::sync::LazyLock;

use super::{Fluorophore, Spectrum, TwoPhoton, ULTRAVIOLET_NM, USUAL_LIFETIME_NS, gaussian};

/// Contents of the files.
const FILES: [&str; 11] = [
    include_str!("data/ATTO390.txt"),
    include_str!("data/ATTO425.txt"),
    include_str!("data/ATTO430LS.txt"),
    include_str!("data/ATTO465.txt"),
    include_str!("data/ATTO488.txt"),
    include_str!("data/ATTO490LS.txt"),
    include_str!("data/ATTO550.txt"),
    include_str!("data/ATTO647N.txt"),
    include_str!("data/ATTO700.txt"),
    include_str!("data/Alexa350.txt"),
    include_str!("data/Alexa790.txt"),
];

static CATALOGUE: LazyLock<Vec<Fluorophore>> = LazyLock::new(|| {
    let measured = FILES.iter().map(|text| parse(text));
    let gaussian = gaussian::dyes().map(|dye| dye.map_err(|why| why.to_string()));
    let mut dyes: Vec<Fluorophore> = measured
        .chain(gaussian)
        // They are part of the program and a test reads each: no user can meet this error.
        .map(|dye| dye.unwrap_or_else(|why| panic!("a built-in dye is damaged: {why}")))
        .collect();
    dyes.sort_by(|a, b| a.name.cmp(&b.name));
    dyes
});

/// What a name may begin with, and what the catalogue has in its place.
const BEGINNINGS: [[&str; 2]; 5] = [
    ["AlexaFluor", "Alexa"],
    ["AF", "Alexa"],
    ["Atto", "ATTO"],
    ["JaneliaFluor", "JF"],
    ["eGFP", "EGFP"],
];

/// Finds the name of the built-in dye that people also write like this: blanks, hyphens and
/// underscores count for nothing, and "Alexa Fluor 488", "AF488" and "Alexa-488" are Alexa488.
pub fn written(name: &str) -> Option<&'static str> {
    let plain: String = name.chars().filter(|c| !" -_".contains(*c)).collect();
    let usual = BEGINNINGS.iter().find_map(|[also, ours]| {
        let rest = plain.strip_prefix(also)?;
        Some(format!("{ours}{rest}"))
    });
    let dye = usual
        .and_then(|usual| find(&usual))
        .or_else(|| find(&plain));
    dye.map(|dye| dye.name.as_str())
}

/// Returns the built-in dyes, sorted by name.
pub fn catalogue() -> &'static [Fluorophore] {
    &CATALOGUE
}

/// Returns the names of the built-in dyes, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    catalogue().iter().map(|dye| dye.name.as_str())
}

/// Finds the built-in dye of exactly this name.
pub fn find(name: &str) -> Option<&'static Fluorophore> {
    catalogue().iter().find(|dye| dye.name == name)
}

/// Samples of a spectrum on a regular grid: sample i lies at (first_nm + i / per_nm) nm.
struct GridSamples {
    first_nm: f64,
    per_nm: f64,
    values: Vec<f64>,
}

impl GridSamples {
    fn into_spectrum(self) -> Result<Spectrum, String> {
        let start = self.first_nm * self.per_nm;
        let wavelengths_nm = (0..self.values.len())
            .map(|i| (start + i as f64) / self.per_nm)
            .collect();
        Spectrum::new(wavelengths_nm, self.values).map_err(|why| why.to_string())
    }
}

/// Reads one dye; the error says which line or key is wrong.
pub(super) fn parse(text: &str) -> Result<Fluorophore, String> {
    let (mut name, mut maker) = (None, None);
    let (mut extinction_coefficient, mut quantum_yield) = (None, None);
    let mut quantum_yield_is_guess = false;
    let mut lifetime_ns = None;
    let (mut excitation, mut emission): (Option<GridSamples>, Option<GridSamples>) = (None, None);
    let mut in_emission = false;

    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            let spectrum = if in_emission {
                &mut emission
            } else {
                &mut excitation
            };
            let samples = spectrum
                .as_mut()
                .ok_or_else(|| format!("samples before a spectrum: {line}"))?;
            for word in line.split_whitespace() {
                samples.values.push(number(word)?);
            }
            continue;
        };
        let value = value.trim();
        match key {
            "name" => name = Some(value.to_owned()),
            "maker" => maker = Some(value.to_owned()),
            "extinction_coefficient" => extinction_coefficient = Some(number(value)?),
            "quantum_yield" => quantum_yield = Some(number(value)?),
            "lifetime_guess" => lifetime_ns = Some(number(value)?),
            "quantum_yield_is_guess" => quantum_yield_is_guess = value == "true",
            "excitation" | "emission" => {
                let (first, per_nm) = value
                    .split_once(' ')
                    .ok_or_else(|| format!("{key}: want FIRST PER_NM"))?;
                let samples = GridSamples {
                    first_nm: number(first)?,
                    per_nm: number(per_nm)?,
                    values: Vec::new(),
                };
                in_emission = key == "emission";
                *(if in_emission {
                    &mut emission
                } else {
                    &mut excitation
                }) = Some(samples);
            }
            _ => return Err(format!("unknown key {key}")),
        }
    }

    let missing = |key: &str| format!("no {key}");
    let name = name.ok_or_else(|| missing("name"))?;
    Ok(Fluorophore {
        two_photon: TwoPhoton::measured(&name),
        name,
        maker: maker.ok_or_else(|| missing("maker"))?,
        quantum_yield: quantum_yield.ok_or_else(|| missing("quantum_yield"))?,
        quantum_yield_is_guess,
        lifetime_ns: lifetime_ns.unwrap_or(USUAL_LIFETIME_NS),
        lifetime_is_guess: true,
        bleach_yield: super::USUAL_BLEACH_YIELD,
        extinction_coefficient: extinction_coefficient
            .ok_or_else(|| missing("extinction_coefficient"))?,
        extinction_is_guess: false,
        excitation: excitation
            .ok_or_else(|| missing("excitation"))?
            .into_spectrum()?
            .normalised_above(ULTRAVIOLET_NM),
        emission: emission
            .ok_or_else(|| missing("emission"))?
            .into_spectrum()?
            .normalised_above(0.0),
        spectra_are_gaussian: false,
    })
}

fn number(word: &str) -> Result<f64, String> {
    word.parse().map_err(|_| format!("{word} is not a number"))
}
