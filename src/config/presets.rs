//! Microscopes by name and objectives as they are engraved: `[optics] microscope` and `objective`
//! give keys that are left out. They do so in the tree, before it is read: what reads the keys knows
//! nothing of it, and records have the keys alone.

use std::path::Path;

use super::kind::{ValueKind, choice};
use super::physical::ModelKind;
use super::section::Section;
use super::tree::{Entry, Position, Table, Value};
use super::{Config, ConfigError, toml_source};
use crate::base::choice::Choice;
use crate::optics::detector::CameraModel;
use crate::optics::microscope::Microscope;
use crate::optics::objective::Engraving;

crate::base::choice::choice! {
    /// A microscope that laboratories have.
    pub enum MicroscopePreset {
        /// A focus that is scanned, a pinhole, and a detector that counts.
        PointScanning = "point-scanning confocal",
        /// A disk of pinholes (Yokogawa CSU-W1).
        SpinningDisk = "spinning disk",
        /// A lamp and a camera.
        Widefield = "widefield",
        /// A sheet of a cylindrical lens.
        LightSheet = "light sheet",
        /// A sheet of Bessel beams.
        Lattice = "lattice light sheet",
        /// A scanned focus of a pulsed laser.
        TwoPhoton = "two photon",
    }
}

/// What a microscope gives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    pub microscope: Microscope,
    pub objective: &'static str,
    pub detector: CameraModel,
    /// Size of a pixel on the camera; where a focus is scanned, the step of the scan times the
    /// magnification.
    pub pixel_nm: f64,
    /// Of a pixel where a focus is scanned, else of an image.
    pub exposure_s: f64,
    /// Distance of the images in the gel.
    pub step_nm: f64,
    /// Keys that only microscopes of its type have.
    pub own: &'static [(&'static str, f64)],
    /// What the figures stand for.
    pub meaning: &'static str,
}

/// Share of the light that glass and mirrors pass, for each of them: what is usual.
const OBJECTIVE_EFFICIENCY: f64 = 0.8;

impl MicroscopePreset {
    /// What its figures stand for.
    pub fn meaning(self) -> &'static str {
        self.figures().meaning
    }

    pub(super) fn figures(self) -> Figures {
        let figures = |microscope, objective, detector| Figures {
            microscope,
            objective,
            detector,
            pixel_nm: 6500.0,
            exposure_s: 0.1,
            step_nm: 300.0,
            own: &[],
            meaning: "",
        };
        match self {
            Self::PointScanning => Figures {
                pixel_nm: 5000.0,
                exposure_s: 2e-6,
                own: &[("pinhole_airy", 1.0)],
                meaning: "a scanning confocal microscope with hybrid detectors",
                ..figures(Microscope::Confocal, "63x/1.2W", CameraModel::GenericHybrid)
            },
            Self::SpinningDisk => Figures {
                own: &[("pinhole_radius", 25.0), ("pinhole_spacing", 250.0)],
                meaning: "Yokogawa CSU-W1 with pinholes of 50 um",
                ..figures(
                    Microscope::SpinningDisk,
                    "60x/1.2W",
                    CameraModel::OrcaFusionBt,
                )
            },
            Self::Widefield => Figures {
                meaning: "an inverted stand with a camera at its port",
                ..figures(Microscope::Widefield, "60x/1.2W", CameraModel::OrcaFlash4V3)
            },
            Self::LightSheet => Figures {
                exposure_s: 0.03,
                step_nm: 1000.0,
                own: &[("sheet_thickness", 4.0)],
                meaning: "a Gaussian sheet from the side, for cleared and expanded tissue of millimetres",
                ..figures(Microscope::LightSheet, "20x/1.0W", CameraModel::PcoEdge42)
            },
            Self::Lattice => Figures {
                exposure_s: 0.02,
                own: &[("sheet_thickness", 0.7)],
                meaning: "25x/1.1W before a tube lens of 500 mm: B.-C. Chen et al., Science 346, 1257998 (2014); a sheet without its side lobes",
                ..figures(
                    Microscope::LightSheet,
                    "62.5x/1.1W",
                    CameraModel::OrcaFlash4V3,
                )
            },
            Self::TwoPhoton => Figures {
                pixel_nm: 5000.0,
                exposure_s: 4e-6,
                step_nm: 500.0,
                meaning: "a tunable pulsed laser and photomultipliers behind the objective",
                ..figures(Microscope::TwoPhoton, "25x/1.05W", CameraModel::GenericPmt)
            },
        }
    }
}

impl Config {
    /// Returns the plain configuration of the model `physical` at a microscope and with an objective,
    /// with light as it is usual there; where two photons excite, at twice the wavelengths.
    ///
    /// # Errors
    /// The aperture is none of the gel's light.
    pub fn physical_at(
        microscope: Option<MicroscopePreset>,
        objective: Option<Engraving>,
    ) -> Result<Self, ConfigError> {
        const NAME: &str = "the plain configuration";
        let mut plain = Self::physical();
        if let Some(preset) = microscope {
            let kind = preset.figures().microscope;
            for channel in plain.optics.channels.values_mut() {
                if !kind.scans_a_focus() {
                    channel.irradiance_w_cm2 = Some(6.0);
                    (channel.laser_power_w, channel.laser_share) = (None, None);
                } else if kind == Microscope::TwoPhoton {
                    channel.laser_wavelength_nm *= 2.0;
                    channel.laser_power_w = Some(8e-3);
                }
            }
        }
        let text = plain.to_toml();
        let mut tree = toml_source::parse(&text, NAME).map_err(ConfigError::Syntax)?;
        if microscope.is_some() {
            tree.remove("detector");
        }
        if let Some(optics) = table_mut(&mut tree, "optics") {
            let name = microscope.map(|preset| preset.to_string());
            if name.is_some() {
                optics.retain(|key, _| ["refractory_index", "channels"].contains(&key.as_str()));
            } else if objective.is_some() {
                optics.retain(|key, _| !OF_OBJECTIVE.contains(&key.as_str()));
            }
            let objective = objective.map(|engraving| engraving.to_string());
            for (key, word) in [("microscope", name), ("objective", objective)] {
                if let Some(word) = word {
                    add(optics, key, Value::String(word), &Position::Document);
                }
            }
        }
        Self::from_tree(tree, NAME, Path::new(""), &[])
    }
}

/// The keys that an objective gives.
const OF_OBJECTIVE: [&str; 3] = ["objective_factor", "numerical_aperture", "immersion_index"];

/// Takes an objective as it is engraved.
fn engraving() -> ValueKind<'static, Engraving> {
    ValueKind::new(
        "an objective as it is engraved, with an aperture below the immersion's index, like 60x/1.2W, 100x/1.45O or 20x/0.8",
        |value| value.as_text()?.parse().ok(),
    )
}

/// Knows the two keys, and reports wrong values.
pub(super) fn read(section: &mut Section<'_>) {
    section.optional("microscope", choice::<MicroscopePreset>());
    section.optional("objective", engraving());
}

/// Adds the keys that a microscope or an objective gives and that are left out. A wrong name, which
/// [`read`] reports, gives those of any, so that it is all that is reported.
pub(super) fn expand(tree: &mut Table) {
    let model = table(tree, "model").and_then(|model| model.get("kind"));
    if model.and_then(|kind| kind.value.as_text()) != Some(ModelKind::Physical.as_str()) {
        return;
    }
    let camera = table(tree, "detector").and_then(|detector| detector.get("camera"));
    let camera = camera.and_then(|entry| entry.value.as_text()?.parse::<CameraModel>().ok());
    let has_detector = table(tree, "detector")
        .is_some_and(|detector| detector.contains_key("camera") || detector.contains_key("kind"));
    let Some(optics) = table_mut(tree, "optics") else {
        return;
    };
    if let Some(entry) = optics.get("objective").cloned() {
        let text = entry.value.as_text().unwrap_or_default();
        add_objective(
            optics,
            text.parse().unwrap_or(ANY),
            &OF_OBJECTIVE,
            &entry.value_position,
        );
    }
    let Some(entry) = optics.get("microscope").cloned() else {
        return;
    };
    let position = &entry.value_position;
    let name = entry.value.as_text().and_then(|name| name.parse().ok());
    let by_light = || match uses_irradiance(optics) {
        true => MicroscopePreset::Widefield,
        false => MicroscopePreset::PointScanning,
    };
    let figures = name.unwrap_or_else(by_light).figures();
    // An aperture of one's own belongs to an immersion of one's own.
    let given = match optics.contains_key("numerical_aperture") {
        true => &OF_OBJECTIVE[..1],
        false => &OF_OBJECTIVE,
    };
    add_objective(
        optics,
        figures.objective.parse().unwrap_or(ANY),
        given,
        position,
    );
    if has_detector && camera.is_none() {
        let share = figures.detector.data_sheet().quantum_efficiency;
        add(optics, "detector_efficiency", Value::Float(share), position);
    }
    let pixel_nm = camera.and_then(|camera| camera.data_sheet().pixel_nm);
    for (key, value) in [
        ("focal_plane_depth", figures.step_nm),
        ("exposure_time", figures.exposure_s),
        ("objective_efficiency", OBJECTIVE_EFFICIENCY),
        ("pixel_size", pixel_nm.unwrap_or(figures.pixel_nm)),
    ] {
        add(optics, key, Value::Float(value), position);
    }
    for (key, value) in figures.own {
        let other = match *key {
            "pinhole_airy" => "pinhole_radius",
            "pinhole_radius" => "pinhole_airy",
            "sheet_thickness" => "sheet_lobes",
            _ => key,
        };
        if !optics.contains_key(other) {
            add(optics, key, Value::Float(*value), position);
        }
    }
    let word = |word: &str| Value::String(word.to_owned());
    add(optics, "type", word(figures.microscope.as_str()), position);
    if !has_detector {
        add(tree, "detector", Value::Table(Table::new()), position);
        if let Some(detector) = table_mut(tree, "detector") {
            add(
                detector,
                "camera",
                word(figures.detector.as_str()),
                position,
            );
        }
    }
}

/// What stands in for an objective that cannot be read.
const ANY: Engraving = Engraving {
    magnification: 60.0,
    numerical_aperture: 0.1,
    immersion_index: 1.333,
};

/// Adds those of [`OF_OBJECTIVE`] that are left out.
fn add_objective(optics: &mut Table, objective: Engraving, keys: &[&str], position: &Position) {
    let figures = [
        objective.magnification,
        objective.numerical_aperture,
        objective.immersion_index,
    ];
    for (key, value) in keys.iter().zip(figures) {
        add(optics, key, Value::Float(value), position);
    }
}

fn add(table: &mut Table, key: &str, value: Value, position: &Position) {
    table.entry(key.to_owned()).or_insert_with(|| Entry {
        value,
        key_position: position.clone(),
        value_position: position.clone(),
    });
}

fn uses_irradiance(optics: &Table) -> bool {
    let channels = table(optics, "channels").into_iter().flatten();
    let has =
        |value: &Value| matches!(value, Value::Table(keys) if keys.contains_key("irradiance"));
    channels.into_iter().any(|(_, entry)| has(&entry.value))
}

fn table<'t>(tree: &'t Table, name: &str) -> Option<&'t Table> {
    match &tree.get(name)?.value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

fn table_mut<'t>(tree: &'t mut Table, name: &str) -> Option<&'t mut Table> {
    match &mut tree.get_mut(name)?.value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}
