//! `[optics]` and its channels: the microscope.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::keys::of_physical_alone;
use super::kind::{ValueKind, above, at_least, band_nm, between, choice, number, share};
use super::physical::{self, ModelKind, PhysicalOptics};
use super::presets;
use super::section::Section;
use super::serialize;
use super::tissue::{self, Haze};
use super::tree::Value;
use crate::optics::detector::CameraModel;
use crate::optics::microscope::Microscope;
use crate::optics::physical::microscopes::airy_pinhole_um;

/// Microscope. Lengths count in the expanded specimen or on the camera, as each field says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Optics {
    /// Type of the microscope.
    #[serde(rename = "type")]
    pub microscope: Microscope,
    /// Numerical aperture of the objective, above 0 and below `refractive_index`.
    pub numerical_aperture: f64,
    /// Refractive index of the medium, at least 1.
    #[serde(rename = "refractory_index")]
    pub refractive_index: f64,
    /// Distance between the image's slices in the expanded specimen, in nm, at least 1.
    #[serde(rename = "focal_plane_depth")]
    pub focal_plane_depth_nm: f64,
    /// Back aperture of the objective, above 0; over `objective_factor` it is the laser's radius in
    /// m. Only the model `simexm` has one, and needs it.
    #[serde(
        rename = "objective_back_aperture",
        skip_serializing_if = "Option::is_none"
    )]
    pub objective_back_aperture_m: Option<f64>,
    /// Exposure time in s, at least 0.
    #[serde(rename = "exposure_time")]
    pub exposure_time_s: f64,
    /// Share of the light that the objective passes on, 0 to 1.
    pub objective_efficiency: f64,
    /// Share of the light that the detector sees, 0 to 1.
    pub detector_efficiency: f64,
    /// Magnification of the objective, at least 1.
    pub objective_factor: f64,
    /// Size of a pixel on the camera, in nm, at least 1.
    #[serde(rename = "pixel_size")]
    pub pixel_size_nm: f64,
    /// Radius of the pinhole in its own plane, in um, at least 0; the model `simexm` needs it.
    #[serde(rename = "pinhole_radius", skip_serializing_if = "Option::is_none")]
    pub pinhole_radius_um: Option<f64>,
    /// Mean number of background photons in the middle of a slice, at least 0. Only the model
    /// `simexm` has it, and needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_noise: Option<f64>,
    /// Of the model `simexm`: true to spread a voxel that covers several pixels over them evenly,
    /// false to jitter it as SimExm does, which moves images against the ground truth; default
    /// false.
    #[serde(
        rename = "magnify",
        skip_serializing_if = "std::ops::Not::not",
        serialize_with = "magnify"
    )]
    pub magnify_evenly: bool,
    /// What only the model `physical` asks; `None` takes its defaults there.
    #[serde(flatten)]
    pub physical: Option<PhysicalOptics>,
    /// Channels by name, `[optics.channels.NAME]`, in the order of the output; at least one.
    pub channels: BTreeMap<String, Channel>,
}

crate::base::choice::choice! {
    /// The words of `magnify`.
    pub enum Magnify {
        /// A voxel is spread over its pixels evenly.
        Area = "area",
        /// A voxel falls as a whole on one pixel, a Poisson number of them away along each axis.
        Jitter = "jitter",
    }
}

fn magnify<S: Serializer>(evenly: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    match evenly {
        true => Magnify::Area,
        false => Magnify::Jitter,
    }
    .serialize(serializer)
}

/// `[optics.channels.NAME]`: a laser and a filter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Channel {
    /// Wavelength of the laser in nm, 200 to 1000.
    #[serde(rename = "laser_wavelength")]
    pub laser_wavelength_nm: f64,
    /// Power of the laser in W, above 0; in the model `physical` that of a scanning laser behind
    /// the back aperture.
    #[serde(rename = "laser_power", skip_serializing_if = "Option::is_none")]
    pub laser_power_w: Option<f64>,
    /// Share of the power that is used, 0 to 1; the key is SimExm's, but no percentage.
    #[serde(rename = "laser_percentage", skip_serializing_if = "Option::is_none")]
    pub laser_share: Option<f64>,
    /// In the model `physical`, where a camera sees: light in the sample in W/cm^2.
    #[serde(rename = "irradiance", skip_serializing_if = "Option::is_none")]
    pub irradiance_w_cm2: Option<f64>,
    /// Band `[min, max]` of wavelengths that reaches the detector, in nm, min below max.
    #[serde(rename = "laser_filter")]
    pub laser_filter_nm: [f64; 2],
    /// CSV file of what the filter passes inside its band, for the model `physical`: wavelength
    /// (nm) and share; absolute once read.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::path_if_any"
    )]
    pub filter_curve: Option<PathBuf>,
    /// As `filter_curve`, of the dichroic mirror.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::path_if_any"
    )]
    pub dichroic_curve: Option<PathBuf>,
    /// As `filter_curve`, of the detector's electrons per photon, in place of
    /// `detector_efficiency`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::path_if_any"
    )]
    pub efficiency_curve: Option<PathBuf>,
    /// Length in the gel over which the tissue leaves 1/e of the light, there and back, in um;
    /// `None` takes the tissue's.
    #[serde(rename = "attenuation_length", skip_serializing_if = "Option::is_none")]
    pub attenuation_length_um: Option<f64>,
    /// Light from elsewhere in the gel, as a haze over images; `None` takes the tissue's. Only the
    /// model `physical` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub haze: Option<Haze>,
}

impl Default for Optics {
    /// Takes a confocal microscope with a water objective (60 x, 1.15) and three channels, for
    /// ATTO425, ATTO550 and ATTO700: with the other defaults a pixel is a voxel wide, and every
    /// slice is imaged.
    fn default() -> Self {
        let channel = |laser_wavelength_nm, laser_filter_nm| Channel {
            laser_wavelength_nm,
            laser_filter_nm,
            ..Channel::default()
        };
        Self {
            microscope: Microscope::Confocal,
            numerical_aperture: 1.15,
            refractive_index: 1.33,
            focal_plane_depth_nm: 180.0,
            objective_back_aperture_m: Some(1.0),
            exposure_time_s: 0.1,
            objective_efficiency: 0.8,
            detector_efficiency: 0.6,
            objective_factor: 60.0,
            pixel_size_nm: 6500.0,
            pinhole_radius_um: Some(50.0),
            baseline_noise: Some(1.0),
            magnify_evenly: false,
            physical: None,
            channels: [
                ("channel_1", channel(425.0, [440.0, 550.0])),
                ("channel_2", channel(550.0, [560.0, 650.0])),
                ("channel_3", channel(700.0, [705.0, 800.0])),
            ]
            .map(|(name, channel)| (name.to_owned(), channel))
            .into(),
        }
    }
}

impl Default for Channel {
    /// Takes a quarter of a laser of 50 W at 425 nm, and a filter for ATTO425.
    fn default() -> Self {
        Self {
            laser_wavelength_nm: 425.0,
            laser_power_w: Some(50.0),
            laser_share: Some(0.25),
            irradiance_w_cm2: None,
            laser_filter_nm: [440.0, 550.0],
            filter_curve: None,
            dichroic_curve: None,
            efficiency_curve: None,
            attenuation_length_um: None,
            haze: None,
        }
    }
}

/// What a key that only the other model has means here.
pub(super) const OF_PHYSICAL: &str = "with [model] kind = \"simexm\"";
const OF_SIMEXM: &str = "with [model] kind = \"physical\"";

/// Reads the section; the efficiency of a `camera` stands where none is given.
pub(super) fn read(
    section: &mut Section<'_>,
    model: ModelKind,
    camera: Option<CameraModel>,
) -> Option<Optics> {
    let simexm = model.is_simexm();
    if !simexm {
        presets::read(section);
    }
    let mut types = choice::<Microscope>();
    if simexm {
        types.expected = Microscope::words_of_simexm();
    }
    let microscope = section.required("type", types);
    let numerical_aperture = section.required("numerical_aperture", number(above(0.0)));
    let refractive_index = section.required("refractory_index", number(at_least(1.0)));
    let focal_plane_depth_nm =
        section.required("focal_plane_depth", number(at_least(1.0).unit("nm")));
    // Of keys that only one model has: none where something is wrong, else the value if there is.
    let back_aperture = number(above(0.0).unit("m"));
    let objective_back_aperture_m = if simexm {
        section
            .required("objective_back_aperture", back_aperture)
            .map(Some)
    } else {
        section.forbid("objective_back_aperture", OF_SIMEXM);
        Some(None)
    };
    let exposure_time_s = section.required("exposure_time", number(at_least(0.0).unit("s")));
    let objective_efficiency = section.required("objective_efficiency", share());
    let detector_efficiency = match camera {
        None => section.required("detector_efficiency", share()),
        Some(camera) => {
            let given = section.optional("detector_efficiency", share());
            given.or(Some(camera.data_sheet().quantum_efficiency))
        }
    };
    let objective_factor = section.required("objective_factor", number(at_least(1.0)));
    let pixel_size_nm = section.required("pixel_size", number(at_least(1.0).unit("nm")));
    let pinhole = if simexm {
        section.required("pinhole_radius", pinhole()).map(Some)
    } else {
        Some(section.optional("pinhole_radius", pinhole()))
    };
    let baseline = number(at_least(0.0).unit("photons"));
    let baseline_noise = if simexm {
        section.required("baseline_noise", baseline).map(Some)
    } else {
        section.forbid("baseline_noise", OF_SIMEXM);
        Some(None)
    };
    let magnify = if simexm {
        section.optional("magnify", choice())
    } else {
        let why =
            "with [model] kind = \"physical\", where pixels always take of voxels their shares";
        section.forbid("magnify", why);
        None
    };
    let mut physical = if simexm {
        for key in of_physical_alone("optics") {
            section.forbid(key, OF_PHYSICAL);
        }
        None
    } else {
        Some(physical::read_optics(section))
    };
    let light = Light {
        model,
        microscope: microscope.unwrap_or(Microscope::Confocal),
    };
    let channels = section.table("channels", |channels| {
        if !channels.has_named_table() {
            channels.problem("has no channel; add at least one, as a table [optics.channels.NAME]");
        }
        Some(channels.named_tables(|_, channel| read_channel(channel, light)))
    });
    if simexm && microscope.is_some_and(|microscope| !microscope.is_simexm()) {
        let expected = format!("{} {OF_PHYSICAL}", Microscope::words_of_simexm());
        section.contradiction("type", "type", &expected);
    }
    if let Some(index) = refractive_index
        && simexm
    {
        beyond_index(section, numerical_aperture, index, "refractory_index");
    }
    let airy_um = |units: f64| {
        let seen = channels.iter().flat_map(BTreeMap::values);
        let seen = seen.map(|channel| channel.laser_filter_nm.iter().sum::<f64>() / 2.0);
        let mean_um = seen.clone().sum::<f64>() / seen.count().max(1) as f64 / 1e3;
        Some(airy_pinhole_um(units, mean_um, numerical_aperture?) * objective_factor?)
    };
    // Of a key that only one model needs: none where something is wrong.
    let pinhole_radius_um = pinhole.and_then(|pinhole| match (pinhole, &mut physical) {
        (None, _) => Some(None),
        (Some(Pinhole::Um(radius)), _) => Some(Some(radius)),
        (Some(Pinhole::Airy(units)), None) => airy_um(units).map(Some),
        // Beside pinhole_airy it is one too many, as is told below.
        (Some(Pinhole::Airy(units)), Some(physical)) => match physical.pinhole_airy {
            Some(_) => Some(Some(units)),
            None => {
                physical.pinhole_airy = Some(units);
                Some(None)
            }
        },
    });
    if let Some(physical) = &physical {
        if let Some(microscope) = microscope {
            physical::check_optics(section, physical, microscope);
        }
        let index = physical.immersion_index.or(refractive_index);
        let key = match physical.immersion_index {
            Some(_) => "immersion_index",
            None => "refractory_index",
        };
        if let Some(index) = index {
            beyond_index(section, numerical_aperture, index, key);
        }
        if pinhole_radius_um.flatten().is_some() && physical.pinhole_airy.is_some() {
            section.contradiction(
                "pinhole_airy",
                "pinhole_radius",
                "left out beside pinhole_radius",
            );
        }
    }
    Some(Optics {
        microscope: microscope?,
        numerical_aperture: numerical_aperture?,
        refractive_index: refractive_index?,
        focal_plane_depth_nm: focal_plane_depth_nm?,
        objective_back_aperture_m: objective_back_aperture_m?,
        exposure_time_s: exposure_time_s?,
        objective_efficiency: objective_efficiency?,
        detector_efficiency: detector_efficiency?,
        objective_factor: objective_factor?,
        pixel_size_nm: pixel_size_nm?,
        pinhole_radius_um: pinhole_radius_um?,
        baseline_noise: baseline_noise?,
        magnify_evenly: magnify == Some(Magnify::Area),
        physical,
        channels: channels?,
    })
}

impl Optics {
    /// Returns how far the focus moves in the gel from an image to the next, in nm. A stage's steps
    /// are shortened as rays near the axis are where they enter the gel.
    pub fn focus_step_nm(&self) -> f64 {
        let physical = self
            .physical
            .as_ref()
            .filter(|physical| physical.stage_steps);
        let immersion = physical.and_then(|physical| physical.immersion_index);
        let ratio = immersion.map_or(1.0, |immersion| self.refractive_index / immersion);
        self.focal_plane_depth_nm * ratio
    }
}

/// The size of a pinhole, as it is given.
enum Pinhole {
    /// Its radius in its own plane.
    Um(f64),
    /// Its diameter in Airy units.
    Airy(f64),
}

/// Takes the radius of a pinhole, or its diameter in Airy units, "1 AU".
fn pinhole() -> ValueKind<'static, Pinhole> {
    const MOST_AIRY: f64 = 100.0;
    let radius = number(at_least(0.0).unit("um"));
    let airy = |value: &Value| {
        let units = value
            .as_text()?
            .trim()
            .strip_suffix("AU")?
            .trim()
            .parse()
            .ok()?;
        (units > 0.0 && units <= MOST_AIRY).then_some(Pinhole::Airy(units))
    };
    ValueKind {
        expected: radius.expected.clone(),
        candidates: Vec::new(),
        units: radius
            .units
            .iter()
            .copied()
            .chain(["AU (above 0 up to 100)"])
            .collect(),
        parse: Box::new(move |value| {
            let um = (radius.parse)(value).map(Pinhole::Um);
            um.or_else(|| airy(value))
        }),
    }
}

/// Reports an aperture that the medium of an index does not have.
fn beyond_index(section: &mut Section<'_>, aperture: Option<f64>, index: f64, key: &'static str) {
    if aperture.is_some_and(|aperture| aperture >= index) {
        let expected = format!("below {} ({index})", section.spelling(key));
        section.contradiction("numerical_aperture", key, &expected);
    }
}

/// What decides how a channel's light is given.
#[derive(Clone, Copy)]
struct Light {
    model: ModelKind,
    microscope: Microscope,
}

fn read_channel(section: &mut Section<'_>, light: Light) -> Option<Channel> {
    let simexm = light.model.is_simexm();
    let longest_nm = if simexm { 1000.0 } else { 1400.0 };
    let laser_wavelength_nm = section.required(
        "laser_wavelength",
        number(between(200.0, longest_nm).unit("nm")),
    );
    let power = number(above(0.0).unit("W"));
    let irradiance = number(above(0.0).unit("W/cm^2"));
    let (laser_power_w, laser_share, irradiance_w_cm2);
    if simexm {
        laser_power_w = section.required("laser_power", power).map(Some);
        laser_share = section.required("laser_percentage", share()).map(Some);
        section.forbid("irradiance", OF_PHYSICAL);
        irradiance_w_cm2 = Some(None);
    } else if light.microscope.scans_a_focus() {
        laser_power_w = section.required("laser_power", power).map(Some);
        laser_share = Some(Some(
            section.optional("laser_percentage", share()).unwrap_or(1.0),
        ));
        section.forbid(
            "irradiance",
            "where a focus is scanned; laser_power says how much light there is",
        );
        irradiance_w_cm2 = Some(None);
    } else {
        let why = "where a camera sees the whole field; irradiance says how much light there is";
        section.forbid("laser_power", why);
        section.forbid("laser_percentage", why);
        (laser_power_w, laser_share) = (Some(None), Some(None));
        irradiance_w_cm2 = section.required("irradiance", irradiance).map(Some);
    }
    let laser_filter_nm = section.required("laser_filter", band_nm());
    let curves = ["filter_curve", "dichroic_curve", "efficiency_curve"];
    let [filter_curve, dichroic_curve, efficiency_curve] = curves.map(|key| {
        if simexm {
            section.forbid(key, OF_PHYSICAL);
            None
        } else {
            section.optional_path(key)
        }
    });
    let attenuation_length_um =
        section.optional("attenuation_length", number(above(0.0).unit("um")));
    let haze = if simexm {
        section.forbid("haze", OF_PHYSICAL);
        None
    } else {
        section.optional("haze", tissue::haze())
    };
    Some(Channel {
        laser_wavelength_nm: laser_wavelength_nm?,
        laser_power_w: laser_power_w?,
        laser_share: laser_share?,
        irradiance_w_cm2: irradiance_w_cm2?,
        laser_filter_nm: laser_filter_nm?,
        filter_curve,
        dichroic_curve,
        efficiency_curve,
        attenuation_length_um,
        haze,
    })
}
