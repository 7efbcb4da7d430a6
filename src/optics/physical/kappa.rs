//! Tables of kappa, the electrons per area of image that one fluorophore gives, for each type of
//! microscope (docs/physical.md section 3).

use std::f64::consts::PI;

use super::disc::Disc;
use super::error::OpticsError;
use super::focus::{Focus, Light};
use super::microscopes::{Imaging, Microscope};
use super::photons::{Pulses, photon_energy_j};
use super::radial::{FARTHER, has_faded, light, light_within};

/// Square um per square m, and per square cm.
const UM2_PER_M2: f64 = 1e12;
const UM2_PER_CM2: f64 = 1e8;

/// Steps of a table in a quarter of the shortest period of the light in the image: cubics between
/// them are wrong by about 1e-5 of the peak.
pub(super) const STEPS: f64 = 10.0;

/// Electrons per um^2 at equal steps from the axis on, in a plane.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub values: Vec<f64>,
    /// Integral over the plane, to infinity.
    pub light: f64,
    /// Part of `light` that a spinning disc's other pinholes excite, spread as the emission is.
    pub neighbours: f64,
}

/// Planes along z and the radii of their tables.
struct Tables<'a> {
    focus: Focus,
    z_um: &'a [f64],
    step_um: f64,
    counts: &'a [usize],
}

impl Tables<'_> {
    /// Densities of light, each so many radii longer.
    fn density(&self, light: Light, beyond: usize) -> Result<Vec<Vec<f64>>, OpticsError> {
        let counts: Vec<usize> = self.counts.iter().map(|count| count + beyond).collect();
        light.table(self.focus, self.z_um, self.step_um, &counts)
    }

    fn longest(&self) -> usize {
        self.counts.iter().copied().max().unwrap_or(0)
    }

    /// A row whose light is that of its table.
    fn measured(&self, values: Vec<f64>) -> Row {
        Row {
            light: light(&values, self.step_um),
            values,
            neighbours: 0.0,
        }
    }
}

impl Imaging {
    /// Integral of kappa over the plane at this distance from the focus: electrons of one
    /// fluorophore.
    ///
    /// # Errors
    /// A quantity makes no sense, or the plane is too far from the focus.
    pub fn light(&self, focus: Focus, z_um: f64) -> Result<f64, OpticsError> {
        self.validate()?;
        if let Some(light) = self.known_light(z_um) {
            return Ok(light);
        }
        let step_um = self.step_um();
        let mut radius_um = self.first_radius_um(focus, z_um).unwrap_or(0.0);
        loop {
            let count = (radius_um / step_um) as usize + 4;
            let row = self.rows(focus, &[z_um], step_um, &[count])?.remove(0);
            if has_faded(&row.values, step_um) || self.never_fades() {
                return Ok(row.light);
            }
            radius_um *= FARTHER;
        }
    }

    /// Step of a table over the radius, in um.
    pub(super) fn step_um(&self) -> f64 {
        let shortest = match self.microscope {
            Microscope::Widefield { .. } | Microscope::LightSheet { .. } => self.emission_um,
            Microscope::TwoPhoton { .. } => self.excitation_um,
            _ => self.emission_um.min(self.excitation_um),
        };
        shortest / (4.0 * self.objective.s_max()) / STEPS
    }

    /// Radius in um that a table should reach to at first where the integral over a plane is not
    /// known beforehand.
    pub(super) fn first_radius_um(&self, focus: Focus, z_um: f64) -> Option<f64> {
        if !self.scans() {
            return None;
        }
        let light = self.excitation();
        let periods = 5.0 * light.wavelength_um / self.objective.s_max();
        // Of the edge of a pupil that the sample cuts, rays go far aside, where little is seen.
        let [half, most] = [0.5, 0.95].map(|share| light.geometric_radius_um(focus, z_um, share));
        Some(most.min(2.2 * half) + periods + 2.0 * self.pinhole_um())
    }

    /// The integral of kappa over a plane where it is known without a table.
    pub(super) fn known_light(&self, z_um: f64) -> Option<f64> {
        match &self.microscope {
            Microscope::Widefield { irradiance_w_m2 } => {
                Some(self.brightness() * self.rate(*irradiance_w_m2))
            }
            Microscope::LightSheet {
                irradiance_w_m2,
                sheet,
            } => Some(self.brightness() * self.rate(irradiance_w_m2 * sheet.at(z_um))),
            _ => None,
        }
    }

    /// Tables of kappa in these planes, each of so many radii.
    pub(super) fn rows(
        &self,
        focus: Focus,
        z_um: &[f64],
        step_um: f64,
        counts: &[usize],
    ) -> Result<Vec<Row>, OpticsError> {
        let tables = Tables {
            focus,
            z_um,
            step_um,
            counts,
        };
        match &self.microscope {
            Microscope::Widefield { .. } | Microscope::LightSheet { .. } => self.by_camera(&tables),
            Microscope::Confocal {
                power_w,
                pinhole_radius_um,
                pixel_area_um2,
                ..
            } => {
                let brightness = self.brightness() / pixel_area_um2;
                self.through_pinhole(&tables, *power_w, *pinhole_radius_um, brightness)
            }
            Microscope::TwoPhoton {
                power_w,
                pulses,
                pixel_area_um2,
                ..
            } => {
                let brightness = self.brightness() / pixel_area_um2;
                self.by_two_photons(&tables, *power_w, pulses, brightness)
            }
            Microscope::SpinningDisk {
                irradiance_w_m2,
                pinhole_radius_um,
                pinhole_spacing_um,
            } => {
                let pinholes = [*pinhole_radius_um, *pinhole_spacing_um];
                self.through_disc(&tables, *irradiance_w_m2, pinholes)
            }
        }
    }

    fn by_camera(&self, tables: &Tables) -> Result<Vec<Row>, OpticsError> {
        let row = |(mut values, z): (Vec<f64>, &f64)| {
            let light = self.known_light(*z).unwrap_or(0.0);
            values.iter_mut().for_each(|value| *value *= light);
            Row {
                values,
                light,
                neighbours: 0.0,
            }
        };
        let seen = tables.density(self.emission(), 0)?;
        Ok(seen.into_iter().zip(tables.z_um).map(row).collect())
    }

    fn through_pinhole(
        &self,
        tables: &Tables,
        power_w: f64,
        radius_um: f64,
        brightness: f64,
    ) -> Result<Vec<Row>, OpticsError> {
        let step_um = tables.step_um;
        let focused = tables.density(self.excitation(), 0)?;
        let emitted = tables.density(self.emission(), Disc::reach(radius_um, step_um))?;
        let band = self.emission().finest_wavenumber();
        let pinhole = Disc::new(radius_um, step_um, band, tables.longest());
        let fluence = power_w * self.fluence_factor() * UM2_PER_M2;
        let row = |(focused, emitted): (Vec<f64>, Vec<f64>)| {
            let passed = pinhole.through(&emitted, focused.len());
            let value = |(h, share): (&f64, f64)| brightness * self.rate(fluence * h) * share;
            tables.measured(focused.iter().zip(passed).map(value).collect())
        };
        Ok(focused.into_iter().zip(emitted).map(row).collect())
    }

    fn by_two_photons(
        &self,
        tables: &Tables,
        power_w: f64,
        pulses: &Pulses,
        brightness: f64,
    ) -> Result<Vec<Row>, OpticsError> {
        let photons = power_w / photon_energy_j(self.excitation_um);
        let flux = photons * self.fluence_factor() * UM2_PER_CM2;
        let rate = |h: f64| pulses.excitation_rate(self.emitter.two_photon_gm, flux * h);
        let row = |mut values: Vec<f64>| {
            values.iter_mut().for_each(|h| *h = brightness * rate(*h));
            tables.measured(values)
        };
        let focused = tables.density(self.excitation(), 0)?;
        Ok(focused.into_iter().map(row).collect())
    }

    /// While a pinhole lights a molecule, this pinhole alone is seen to light it; what the others
    /// light is spread evenly, which is right far from the focus, and little near it.
    fn through_disc(
        &self,
        tables: &Tables,
        irradiance_w_m2: f64,
        [radius_um, spacing_um]: [f64; 2],
    ) -> Result<Vec<Row>, OpticsError> {
        let step_um = tables.step_um;
        let fluence = irradiance_w_m2 * self.fluence_factor();
        let (pinhole_area, cell) = (PI * radius_um * radius_um, spacing_um * spacing_um);
        let reach = Disc::reach(radius_um, step_um);
        // The neighbours' light is what falls farther than half the way to them.
        let half_way = 0.5 * spacing_um / step_um;
        let beyond = (half_way as usize + 2).max(reach);
        let band = self.excitation().finest_wavenumber();
        let disc = Disc::new(radius_um, step_um, band, tables.longest() + beyond);
        let focused = tables.density(self.excitation(), beyond + reach)?;
        let emitted = tables.density(self.emission(), 0)?;
        let brightness = self.brightness();
        let row = |(emitted, focused): (Vec<f64>, Vec<f64>)| {
            let mut one = disc.through(&focused, emitted.len() + beyond);
            one.iter_mut().for_each(|h| *h /= pinhole_area);
            let own = light_to(&one, step_um, half_way).min(1.0);
            // Excitations per second and area of disc that this pinhole brings in a scan.
            one.iter_mut()
                .for_each(|h| *h = self.rate(fluence * cell * *h) / cell);
            let seen = disc.through(&one, emitted.len()).into_iter();
            let sectioned = seen.zip(&emitted).map(|(k, h)| brightness * k * h);
            let mut row = tables.measured(sectioned.collect());
            let others = pinhole_area / cell * (1.0 - own) * self.unsaturated_rate(fluence);
            row.neighbours = brightness * others;
            row.light += row.neighbours;
            for (value, h) in row.values.iter_mut().zip(&emitted) {
                *value += row.neighbours * h;
            }
            row
        };
        Ok(emitted.into_iter().zip(focused).map(row).collect())
    }

    /// Photons that a fluorophore absorbs in an exposure, without saturation, wherever along z it
    /// lies; `None` where that depends on its place.
    pub fn absorptions(&self) -> Option<f64> {
        let fluence_w_m2 = match &self.microscope {
            Microscope::Widefield { irradiance_w_m2 } => *irradiance_w_m2,
            Microscope::SpinningDisk {
                irradiance_w_m2, ..
            } => irradiance_w_m2 * self.fluence_factor(),
            // The beam dwells on every pixel for the exposure time.
            Microscope::Confocal {
                power_w,
                pixel_area_um2,
                ..
            } => power_w * self.fluence_factor() * UM2_PER_M2 / pixel_area_um2,
            Microscope::LightSheet { .. } | Microscope::TwoPhoton { .. } => return None,
        };
        Some(self.unsaturated_rate(fluence_w_m2) * self.exposure_s)
    }

    fn fluence_factor(&self) -> f64 {
        self.objective.fluence_factor(self.excitation().beam_fill)
    }

    /// Electrons per excitation, times the exposure time.
    fn brightness(&self) -> f64 {
        self.emitter.quantum_yield * self.exposure_s * self.detected_share
    }

    /// Excitations per second at a fluence rate in W/m^2.
    fn rate(&self, fluence_w_m2: f64) -> f64 {
        self.emitter.saturated(self.unsaturated_rate(fluence_w_m2))
    }

    fn unsaturated_rate(&self, fluence_w_m2: f64) -> f64 {
        self.emitter
            .absorption_rate(fluence_w_m2, self.excitation_um)
    }
}

/// The integral over the disc of a radius in steps.
fn light_to(values: &[f64], step_um: f64, radius: f64) -> f64 {
    let within = light_within(values, step_um);
    let inner = (radius as usize).min(within.len() - 2);
    within[inner] + (radius - inner as f64) * (within[inner + 1] - within[inner])
}
