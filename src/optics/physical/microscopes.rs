//! Electrons per area of image that one fluorophore gives, by type of microscope
//! (docs/physical.md section 3).

use super::error::{OpticsError, positive, within};
use super::focus::{FieldModel, Focus, Light};
use super::photons::{Emitter, Pulses};
use super::pupil::Objective;
use super::radial;
use super::sheet::Sheet;

/// Type of microscope, and what only it has. Lengths are those in the gel.
#[derive(Clone, Debug, PartialEq)]
pub enum Microscope {
    /// A camera, and light everywhere.
    Widefield {
        /// Fluence rate of the light in W/m^2.
        irradiance_w_m2: f64,
    },
    /// A camera, and light in a sheet about the focal plane.
    LightSheet {
        /// Fluence rate in the sheet's brightest plane, in W/m^2.
        irradiance_w_m2: f64,
        /// The sheet along the axis.
        sheet: Sheet,
    },
    /// A scanned focus that is seen through a pinhole.
    Confocal {
        /// Power behind the back aperture in W.
        power_w: f64,
        /// e^-2 radius of the beam over the aperture's.
        beam_fill: f64,
        /// Radius of the pinhole in um, as seen in the gel.
        pinhole_radius_um: f64,
        /// Area of a pixel in um^2: the focus travels over it in the exposure time.
        pixel_area_um2: f64,
    },
    /// A scanned focus that excites with two photons; all light is collected.
    TwoPhoton {
        /// Mean power behind the back aperture in W.
        power_w: f64,
        /// e^-2 radius of the beam over the aperture's.
        beam_fill: f64,
        /// The laser's pulses.
        pulses: Pulses,
        /// Area of a pixel in um^2.
        pixel_area_um2: f64,
    },
    /// A camera behind a disc of pinholes in a square pattern, which light and detect.
    SpinningDisk {
        /// Mean fluence rate over the field behind the disc, without the factor of oblique rays
        /// ([`Objective::fluence_factor`]), in W/m^2.
        irradiance_w_m2: f64,
        /// Radius of a pinhole in um, as seen in the gel.
        pinhole_radius_um: f64,
        /// Distance of neighbouring pinholes in um, as seen in the gel.
        pinhole_spacing_um: f64,
    },
}

/// A fluorophore in a channel of a microscope.
#[derive(Clone, Debug, PartialEq)]
pub struct Imaging {
    /// The objective.
    pub objective: Objective,
    /// Vectorial or scalar diffraction.
    pub field: FieldModel,
    /// The type of microscope.
    pub microscope: Microscope,
    /// The fluorophore.
    pub emitter: Emitter,
    /// Wavelength of the laser in vacuum, in um.
    pub excitation_um: f64,
    /// Mean wavelength of the counted photons in vacuum, in um.
    pub emission_um: f64,
    /// Exposure time of a frame, or dwell time of a pixel where a focus scans, in s.
    pub exposure_s: f64,
    /// Electrons per emitted photon: collected share, glass, filters and detector.
    pub detected_share: f64,
}

/// Returns the radius in um of a pinhole of so many Airy units, one of which is the diameter of
/// the first dark ring in focus, 1.22 wavelengths over the numerical aperture.
pub fn airy_pinhole_um(units: f64, emission_um: f64, numerical_aperture: f64) -> f64 {
    units * 0.61 * emission_um / numerical_aperture
}

impl Imaging {
    /// Where the objective is focused to see this depth: cameras focus what they see, scanning
    /// microscopes and discs what they light.
    ///
    /// # Errors
    /// A quantity makes no sense.
    pub fn focus(&self, depth_um: f64) -> Result<Focus, OpticsError> {
        let light = if self.scans() {
            self.excitation()
        } else {
            self.emission()
        };
        let shift_um = light.best_shift_um(depth_um)?;
        Ok(Focus { depth_um, shift_um })
    }

    /// Electrons per um^2 of image plane (gel units) at these places, as rows of `z_um`.
    ///
    /// # Errors
    /// A quantity makes no sense, or a place is too far from the focus.
    pub fn kappa(
        &self,
        focus: Focus,
        z_um: &[f64],
        r_um: &[f64],
    ) -> Result<Vec<Vec<f64>>, OpticsError> {
        self.validate()?;
        let step = self.step_um();
        let farthest = r_um.iter().copied().fold(0.0, f64::max);
        let count = (farthest / step) as usize + 4;
        let rows = self.rows(focus, z_um, step, &vec![count; z_um.len()])?;
        let at = |row: &super::kappa::Row| {
            let value = |r: &f64| radial::interpolate(&row.values, r / step);
            r_um.iter().map(value).collect()
        };
        Ok(rows.iter().map(at).collect())
    }

    /// Returns true where the kernel is its mirror image along z.
    pub fn symmetric_along_z(&self) -> bool {
        let even = match &self.microscope {
            Microscope::LightSheet { sheet, .. } => sheet.symmetric(),
            _ => true,
        };
        even && self.objective.media.matched()
    }

    /// Returns true where planes give light however far they are from the focus: no reach along z
    /// holds most of it, and beyond the loaded box the sample is dark.
    pub fn never_fades(&self) -> bool {
        matches!(
            self.microscope,
            Microscope::Widefield { .. } | Microscope::SpinningDisk { .. }
        )
    }

    /// Checks all quantities.
    ///
    /// # Errors
    /// One makes no sense.
    pub fn validate(&self) -> Result<(), OpticsError> {
        self.emission().validate()?;
        self.emitter.validate()?;
        positive("laser_wavelength (um)", self.excitation_um)?;
        within("exposure_time (s)", self.exposure_s, [0.0, 1e9])?;
        within(
            "the detected share of photons",
            self.detected_share,
            [0.0, 1.0],
        )?;
        let any = [0.0, 1e15];
        match &self.microscope {
            Microscope::Widefield { irradiance_w_m2 }
            | Microscope::LightSheet {
                irradiance_w_m2, ..
            } => within("irradiance (W/m^2)", *irradiance_w_m2, any),
            Microscope::Confocal {
                power_w,
                pinhole_radius_um,
                pixel_area_um2,
                ..
            } => {
                within("laser power (W)", *power_w, any)?;
                positive("the area of a pixel (um^2)", *pixel_area_um2)?;
                within(
                    "pinhole_radius in the gel (um)",
                    *pinhole_radius_um,
                    [1e-4, 1e3],
                )?;
                self.excitation().validate()
            }
            Microscope::TwoPhoton {
                power_w,
                pulses,
                pixel_area_um2,
                ..
            } => {
                within("laser power (W)", *power_w, any)?;
                positive("the area of a pixel (um^2)", *pixel_area_um2)?;
                pulses.validate()?;
                self.excitation().validate()
            }
            Microscope::SpinningDisk {
                irradiance_w_m2,
                pinhole_radius_um,
                pinhole_spacing_um,
            } => {
                within("irradiance (W/m^2)", *irradiance_w_m2, any)?;
                within(
                    "pinhole_radius in the gel (um)",
                    *pinhole_radius_um,
                    [1e-4, 1e3],
                )?;
                let apart = [2.0 * pinhole_radius_um, 1e4];
                within(
                    "pinhole_spacing in the gel (um)",
                    *pinhole_spacing_um,
                    apart,
                )
            }
        }
    }

    /// Light that is seen.
    pub fn emission(&self) -> Light {
        Light {
            objective: self.objective,
            field: self.field,
            wavelength_um: self.emission_um,
            beam_fill: None,
        }
    }

    /// Light that is focused on the sample.
    pub fn excitation(&self) -> Light {
        let beam_fill = match self.microscope {
            Microscope::Confocal { beam_fill, .. } | Microscope::TwoPhoton { beam_fill, .. } => {
                Some(beam_fill)
            }
            _ => None,
        };
        Light {
            wavelength_um: self.excitation_um,
            beam_fill,
            ..self.emission()
        }
    }

    /// True where a focus is scanned, or many are.
    pub(super) fn scans(&self) -> bool {
        !matches!(
            self.microscope,
            Microscope::Widefield { .. } | Microscope::LightSheet { .. }
        )
    }

    pub(super) fn pinhole_um(&self) -> f64 {
        match self.microscope {
            Microscope::Confocal {
                pinhole_radius_um, ..
            }
            | Microscope::SpinningDisk {
                pinhole_radius_um, ..
            } => pinhole_radius_um,
            _ => 0.0,
        }
    }
}
