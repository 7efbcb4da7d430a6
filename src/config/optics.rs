//! `[optics]` and its channels: the microscope.

use std::collections::BTreeMap;

use serde::Serialize;

use super::kind::{above, at_least, band_nm, between, choice, number};
use super::section::Section;
use crate::optics::psf::Microscope;

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
    /// m.
    #[serde(rename = "objective_back_aperture")]
    pub objective_back_aperture_m: f64,
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
    /// Radius of the pinhole in its own plane, in um, at least 0.
    #[serde(rename = "pinhole_radius")]
    pub pinhole_radius_um: f64,
    /// Mean number of background photons in the middle of a slice, at least 0.
    pub baseline_noise: f64,
    /// Channels by name, `[optics.channels.NAME]`, in the order of the output; at least one.
    pub channels: BTreeMap<String, Channel>,
}

/// `[optics.channels.NAME]`: a laser and a filter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Channel {
    /// Wavelength of the laser in nm, 200 to 1000.
    #[serde(rename = "laser_wavelength")]
    pub laser_wavelength_nm: f64,
    /// Power of the laser in W, above 0.
    #[serde(rename = "laser_power")]
    pub laser_power_w: f64,
    /// Share of the power that is used, 0 to 1; the key is SimExm's, but no percentage.
    #[serde(rename = "laser_percentage")]
    pub laser_share: f64,
    /// Band `[min, max]` of wavelengths that reaches the detector, in nm, min below max.
    #[serde(rename = "laser_filter")]
    pub laser_filter_nm: [f64; 2],
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
            objective_back_aperture_m: 1.0,
            exposure_time_s: 0.1,
            objective_efficiency: 0.8,
            detector_efficiency: 0.6,
            objective_factor: 60.0,
            pixel_size_nm: 6500.0,
            pinhole_radius_um: 50.0,
            baseline_noise: 1.0,
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
            laser_power_w: 50.0,
            laser_share: 0.25,
            laser_filter_nm: [440.0, 550.0],
        }
    }
}

pub(super) fn read(section: &mut Section<'_>) -> Option<Optics> {
    let share = || number(between(0.0, 1.0));
    let microscope = section.required("type", choice());
    let numerical_aperture = section.required("numerical_aperture", number(above(0.0)));
    let refractive_index = section.required("refractory_index", number(at_least(1.0)));
    let focal_plane_depth_nm =
        section.required("focal_plane_depth", number(at_least(1.0).unit("nm")));
    let objective_back_aperture_m =
        section.required("objective_back_aperture", number(above(0.0).unit("m")));
    let exposure_time_s = section.required("exposure_time", number(at_least(0.0).unit("s")));
    let objective_efficiency = section.required("objective_efficiency", share());
    let detector_efficiency = section.required("detector_efficiency", share());
    let objective_factor = section.required("objective_factor", number(at_least(1.0)));
    let pixel_size_nm = section.required("pixel_size", number(at_least(1.0).unit("nm")));
    let pinhole_radius_um = section.required("pinhole_radius", number(at_least(0.0).unit("um")));
    let baseline_noise = section.required("baseline_noise", number(at_least(0.0).unit("photons")));
    let channels = section.table("channels", |channels| {
        if !channels.has_named_table() {
            channels.problem("has no channel; add at least one, as a table [optics.channels.NAME]");
        }
        Some(channels.named_tables(|_, channel| read_channel(channel)))
    });
    if let (Some(aperture), Some(index)) = (numerical_aperture, refractive_index)
        && aperture >= index
    {
        let spelling = section.spelling("refractory_index");
        let expected = format!("below {spelling} ({index})");
        section.contradiction("numerical_aperture", "refractory_index", &expected);
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
        channels: channels?,
    })
}

fn read_channel(section: &mut Section<'_>) -> Option<Channel> {
    let laser_wavelength_nm = section.required(
        "laser_wavelength",
        number(between(200.0, 1000.0).unit("nm")),
    );
    let laser_power_w = section.required("laser_power", number(above(0.0).unit("W")));
    let laser_share = section.required("laser_percentage", number(between(0.0, 1.0)));
    let laser_filter_nm = section.required("laser_filter", band_nm());
    Some(Channel {
        laser_wavelength_nm: laser_wavelength_nm?,
        laser_power_w: laser_power_w?,
        laser_share: laser_share?,
        laser_filter_nm: laser_filter_nm?,
    })
}
