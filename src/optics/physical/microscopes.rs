//! Electrons per area of image that one fluorophore gives, by type of microscope
//! (docs/physical.md section 3).

use super::error::{OpticsError, positive, within};
use super::focus::{FieldModel, Focus, Light};
use super::photons::{self, Emitter, Pulses};
use super::pupil::Objective;
use super::radial;
use super::sheet::Sheet;
use crate::optics::microscope::Microscope as Type;
use crate::optics::quadrature::gauss_legendre_of;

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

impl Microscope {
    /// Its type.
    pub fn kind(&self) -> Type {
        match self {
            Self::Widefield { .. } => Type::Widefield,
            Self::LightSheet { .. } => Type::LightSheet,
            Self::Confocal { .. } => Type::Confocal,
            Self::TwoPhoton { .. } => Type::TwoPhoton,
            Self::SpinningDisk { .. } => Type::SpinningDisk,
        }
    }
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

    /// Returns the share of the focal plane's light that a confocal pinhole passes, where
    /// `electrons` pass it; 1 for other types.
    ///
    /// # Errors
    /// A quantity makes no sense.
    pub fn pinhole_share(&self, depth_um: f64, electrons: f64) -> Result<f64, OpticsError> {
        let Microscope::Confocal {
            power_w,
            beam_fill,
            pixel_area_um2,
            ..
        } = self.microscope
        else {
            return Ok(1.0);
        };
        self.validate()?;
        let power = power_w * self.objective.fluence_factor(Some(beam_fill));
        // Densities are per um^2, fluence rates W/m^2.
        let per_density = self
            .emitter
            .absorption_rate(1e12 * power, self.excitation_um);
        // The density integrates to 1 over the plane. What saturation takes is left where the light
        // is: within a few wavelengths.
        let farthest_um = 4.0 * self.excitation_um / self.objective.numerical_aperture;
        let nodes = gauss_legendre_of(8, 0.0, farthest_um, 64);
        let radii: Vec<f64> = nodes.iter().map(|(r, _)| *r).collect();
        let focus = self.focus(depth_um)?;
        let density = self.excitation().density(focus, &[0.0], &radii)?.remove(0);
        let lost = nodes.iter().zip(&density).map(|((r, dr), h)| {
            let rate = per_density * h;
            (rate - self.emitter.saturated(rate)) * std::f64::consts::TAU * r * dr
        });
        let rate = per_density - lost.sum::<f64>();
        let passed = self.emitter.quantum_yield * self.exposure_s * self.detected_share;
        let all = passed * rate / pixel_area_um2;
        Ok(if all > 0.0 { electrons / all } else { 0.0 })
    }

    /// Returns the share of the excitations that a molecule in the focus misses because it is
    /// excited already: 0 far from saturation.
    ///
    /// # Errors
    /// A quantity makes no sense.
    pub fn saturation_in_focus(&self, depth_um: f64) -> Result<f64, OpticsError> {
        self.validate()?;
        let focus = self.focus(depth_um)?;
        let peak = || -> Result<f64, OpticsError> {
            Ok(self.excitation().density(focus, &[0.0], &[0.0])?[0][0])
        };
        // Fluence rate in W/m^2: densities are per um^2.
        let scanned = |power_w: f64, beam_fill: f64| -> Result<f64, OpticsError> {
            let factor = self.objective.fluence_factor(Some(beam_fill));
            Ok(power_w * factor * peak()? * 1e12)
        };
        let one_photon = |fluence: f64| {
            let cycles = self.emitter.absorption_rate(fluence, self.excitation_um);
            let busy = cycles * self.emitter.lifetime_s;
            busy / (1.0 + busy)
        };
        Ok(match &self.microscope {
            Microscope::Widefield { irradiance_w_m2 }
            | Microscope::LightSheet {
                irradiance_w_m2, ..
            } => one_photon(*irradiance_w_m2),
            Microscope::Confocal {
                power_w, beam_fill, ..
            } => one_photon(scanned(*power_w, *beam_fill)?),
            Microscope::TwoPhoton {
                power_w,
                beam_fill,
                pulses,
                ..
            } => {
                let fluence = scanned(*power_w, *beam_fill)?;
                // From 1/(m^2 s) to 1/(cm^2 s).
                let flux = fluence / photons::photon_energy_j(self.excitation_um) * 1e-4;
                let excitations = pulses.excitations_per_pulse(self.emitter.two_photon_gm, flux);
                1.0 + libm::expm1(-excitations) / excitations.max(f64::MIN_POSITIVE)
            }
            // The light of a pinhole lies on its area for the share of the time that it is lit.
            Microscope::SpinningDisk {
                irradiance_w_m2,
                pinhole_radius_um,
                pinhole_spacing_um,
            } => {
                let factor = self.objective.fluence_factor(None);
                let area = std::f64::consts::PI * pinhole_radius_um * pinhole_radius_um;
                let lit = pinhole_spacing_um * pinhole_spacing_um / area;
                one_photon(irradiance_w_m2 * factor * lit)
            }
        })
    }

    /// Returns true where the kernel is its mirror image along z.
    pub fn symmetric_along_z(&self) -> bool {
        let even = match &self.microscope {
            Microscope::LightSheet { sheet, .. } => sheet.symmetric(),
            _ => true,
        };
        even && self.objective.media.matched()
    }

    /// See [`Type::never_fades`].
    pub fn never_fades(&self) -> bool {
        self.microscope.kind().never_fades()
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
