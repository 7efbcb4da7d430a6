//! Users' own dyes, and the catalogue that they and the built-in dyes make up.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use serde::Serialize;
use thiserror::Error;

use super::table::{Spectra, TableProblem};
use super::{
    Fluorophore, TwoPhoton, USUAL_BLEACH_YIELD, USUAL_LIFETIME_NS, catalogue, find, written,
};
use crate::base::files;
use crate::base::path::absolute_path;

/// A dye that is not built in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OwnFluorophore {
    /// Photons emitted per photon absorbed, above 0, at most 1.
    pub quantum_yield: f64,
    /// Molar decadic extinction coefficient at the excitation maximum, in 1/(M cm), above 0.
    pub extinction_coefficient: f64,
    /// Lifetime of the excited state in ns; `None` takes 4. Only the model `physical` uses it.
    #[serde(rename = "lifetime", skip_serializing_if = "Option::is_none")]
    pub lifetime_ns: Option<f64>,
    /// Two-photon cross-section at the laser in GM (1e-50 cm^4 s); only the model `physical` uses
    /// it, which guesses without.
    #[serde(
        rename = "two_photon_cross_section",
        skip_serializing_if = "Option::is_none"
    )]
    pub two_photon_gm: Option<f64>,
    /// Molecules that bleach per photon absorbed; `None` takes 5e-6. Only the model `physical` uses
    /// it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bleach_yield: Option<f64>,
    /// CSV file of the spectra: columns of wavelength (nm), excitation and emission, or a table
    /// exported from FPbase; absolute once read.
    #[serde(serialize_with = "absolute_path")]
    pub spectra: PathBuf,
}

/// The user's own dyes, by name.
pub type OwnFluorophores = BTreeMap<String, OwnFluorophore>;

/// Why there is no dye of the user's own.
#[derive(Debug, Error)]
pub enum OwnFluorophoreError {
    /// The table of spectra cannot be read.
    #[error("[fluorophores.{name}] spectra: {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Name of the dye.
        name: String,
        /// File of its spectra.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The file is longer than any table of spectra.
    #[error(
        "[fluorophores.{name}] spectra: {} is longer than {limit_bytes} bytes: that is no table of spectra",
        path.display()
    )]
    TooLong {
        /// Name of the dye.
        name: String,
        /// File of its spectra.
        path: PathBuf,
        /// Size of the longest file that is read, in bytes.
        limit_bytes: u64,
    },
    /// The file is not a table of spectra, or a cell of it is wrong.
    #[error(
        "[fluorophores.{name}] spectra: {}{}: {}",
        path.display(),
        line(problem),
        problem.message
    )]
    Table {
        /// Name of the dye.
        name: String,
        /// File of its spectra.
        path: PathBuf,
        /// Line and cell that are wrong.
        problem: TableProblem,
    },
}

fn line(problem: &TableProblem) -> String {
    problem
        .line
        .map_or_else(String::new, |line| format!(":{line}"))
}

impl Fluorophore {
    /// Reads the spectra of a user's own dye.
    ///
    /// # Errors
    /// The file cannot be read or is not a table of spectra.
    pub fn from_own(name: &str, own: &OwnFluorophore) -> Result<Self, OwnFluorophoreError> {
        let (name, path) = (name.to_owned(), own.spectra.clone());
        let bytes = match files::read_text(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                let limit_bytes = files::MOST_TEXT_BYTES;
                return Err(OwnFluorophoreError::TooLong {
                    name,
                    path,
                    limit_bytes,
                });
            }
            Err(source) => return Err(OwnFluorophoreError::Unreadable { name, path, source }),
        };
        let spectra = match Spectra::parse(&bytes, &name) {
            Ok(spectra) => spectra,
            Err(problem) => {
                return Err(OwnFluorophoreError::Table {
                    name,
                    path,
                    problem,
                });
            }
        };
        let file = path.file_name().unwrap_or(path.as_os_str());
        Ok(Self {
            name,
            maker: format!("own ({})", file.to_string_lossy()),
            quantum_yield: own.quantum_yield,
            quantum_yield_is_guess: false,
            extinction_coefficient: own.extinction_coefficient,
            extinction_is_guess: false,
            lifetime_ns: own.lifetime_ns.unwrap_or(USUAL_LIFETIME_NS),
            lifetime_is_guess: own.lifetime_ns.is_none(),
            two_photon: own.two_photon_gm.map(TwoPhoton::AtLaser),
            bleach_yield: own.bleach_yield.unwrap_or(USUAL_BLEACH_YIELD),
            excitation: spectra.excitation,
            emission: spectra.emission,
            spectra_are_gaussian: false,
        })
    }

    /// Finds the dye of this name, the configuration's own or a built-in one; `None` if there is
    /// none. Of the configuration's own dyes only this one is read. Built-in ones are found by the
    /// other ways in which their names are written, too, as "Alexa Fluor 488" for Alexa488.
    ///
    /// # Errors
    /// The dye is the configuration's own and its spectra cannot be read.
    pub fn of(own: &OwnFluorophores, name: &str) -> Result<Option<Self>, OwnFluorophoreError> {
        match own.get(name) {
            Some(own) => Self::from_own(name, own).map(Some),
            None => Ok(find(written(name).unwrap_or(name)).cloned()),
        }
    }
}

/// All dyes of a run: the built-in ones and then the user's own, both in the order of their names.
///
/// # Errors
/// The spectra of one of the user's dyes cannot be read.
pub fn all(own: &OwnFluorophores) -> Result<Vec<Fluorophore>, OwnFluorophoreError> {
    let mut dyes = catalogue().to_vec();
    for (name, own) in own {
        dyes.push(Fluorophore::from_own(name, own)?);
    }
    Ok(dyes)
}

/// Picks the `names` that are close to `name`, the closest first and three at most.
pub fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let found = plain(name);
    let distances: Vec<(usize, &str)> = names
        .map(|name| (strsim::damerau_levenshtein(&found, &plain(name)), name))
        .collect();
    let least = distances.iter().map(|(distance, _)| *distance).min();
    // About one slip in three letters; a longer distance means another word.
    let limit = (found.chars().count() / 3).clamp(1, 3);
    let near = distances
        .into_iter()
        .filter(|(distance, _)| Some(*distance) == least && *distance <= limit);
    near.map(|(_, name)| name).take(3).collect()
}
