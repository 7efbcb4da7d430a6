//! The microscope that the keys of a configuration describe.

use super::optics::Sight;
use crate::config::{Channel, PsfModel};
use crate::optics::microscope::Microscope as Type;
use crate::optics::physical::microscopes::airy_pinhole_um;
use crate::optics::physical::{
    Emitter, FieldModel, Imaging, Lobe, Microscope, OpticsError, Pulses, SeenLight, Sheet,
};

/// Radius of a spinning disk's pinholes on the disk, in um, where none is given.
const DISK_PINHOLE_UM: f64 = 25.0;

impl Sight<'_> {
    /// A dye behind the filter of a channel.
    pub(super) fn imaging(
        &self,
        channel: &Channel,
        emitter: Emitter,
        seen: SeenLight,
    ) -> Result<Imaging, OpticsError> {
        let optics = &self.config.optics;
        let emission_um = seen.centroid_nm / 1e3;
        Ok(Imaging {
            objective: self.objective,
            field: match self.physical.psf {
                PsfModel::Scalar => FieldModel::Scalar,
                PsfModel::Vectorial | PsfModel::Measured => FieldModel::Vectorial,
            },
            microscope: self.microscope(channel, emission_um)?,
            emitter,
            excitation_um: channel.laser_wavelength_nm / 1e3,
            emission_um,
            exposure_s: optics.exposure_time_s,
            detected_share: self.objective.collected_share()
                * optics.objective_efficiency
                * seen.share,
        })
    }

    /// The type of microscope, in units of the gel.
    fn microscope(&self, channel: &Channel, emission_um: f64) -> Result<Microscope, OpticsError> {
        let (optics, physical) = (&self.config.optics, &self.physical);
        let in_gel = |um: f64| um / optics.objective_factor;
        let power_w = channel.laser_power_w.unwrap_or(0.0) * channel.laser_share.unwrap_or(1.0);
        // 1 W/cm^2 is 1e4 W/m^2.
        let irradiance_w_m2 = 1e4 * channel.irradiance_w_cm2.unwrap_or(0.0);
        let pixel_um = in_gel(optics.pixel_size_nm / 1e3);
        let pixel_area_um2 = pixel_um * pixel_um;
        let beam_fill = physical.beam_fill;
        let pinhole_radius_um = |usual: f64| {
            let airy = |units| airy_pinhole_um(units, emission_um, optics.numerical_aperture);
            let given = optics.pinhole_radius_um.map(in_gel);
            given.or(physical.pinhole_airy.map(airy)).unwrap_or(usual)
        };
        Ok(match optics.microscope {
            Type::Widefield => Microscope::Widefield { irradiance_w_m2 },
            Type::LightSheet => Microscope::LightSheet {
                irradiance_w_m2,
                sheet: self.sheet()?,
            },
            Type::Confocal => Microscope::Confocal {
                power_w,
                beam_fill,
                pinhole_radius_um: pinhole_radius_um(airy_pinhole_um(
                    1.0,
                    emission_um,
                    optics.numerical_aperture,
                )),
                pixel_area_um2,
            },
            Type::TwoPhoton => Microscope::TwoPhoton {
                power_w,
                beam_fill,
                pulses: Pulses {
                    rate_hz: physical.pulse_rate_hz,
                    duration_s: physical.pulse_duration_s,
                    shape_factor: physical.pulse_factor,
                },
                pixel_area_um2,
            },
            Type::SpinningDisk => Microscope::SpinningDisk {
                irradiance_w_m2,
                pinhole_radius_um: pinhole_radius_um(in_gel(DISK_PINHOLE_UM)),
                pinhole_spacing_um: in_gel(physical.pinhole_spacing_um),
            },
        })
    }

    fn sheet(&self) -> Result<Sheet, OpticsError> {
        let lobes = &self.physical.sheet_lobes;
        if lobes.is_empty() {
            return Sheet::gaussian(self.physical.sheet_thickness_um);
        }
        let lobe = |&[z_um, weight, fwhm_um]: &[f64; 3]| Lobe {
            z_um,
            weight,
            fwhm_um,
        };
        Sheet::of_lobes(lobes.iter().map(lobe).collect())
    }
}
