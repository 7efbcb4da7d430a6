//! What a plane of the sample gives to the image, averaged over the thickness of its voxels
//! (docs/physical.md section 3.1).

use super::error::OpticsError;
use super::focus::Focus;
use super::kappa::Row;
use super::microscopes::{Imaging, Microscope};
use super::radial::{FARTHER, has_faded, light_within};
use crate::optics::quadrature::gauss_legendre_of;

/// Planes whose tables are computed together: they share Bessel functions, and the nearer ones do
/// not pay for the farther ones.
const TOGETHER: usize = 32;

/// Phase in radians along z over one panel of the average, of three nodes: its error is below 1e-3
/// of the finest, faintest structure.
const PHASE_PER_PANEL: f64 = 6.0;

/// Electrons per um^2 over the radius that a fluorophore somewhere in the thickness of a plane
/// gives.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    /// Values at equal steps from the axis on.
    pub values: Vec<f64>,
    /// Integral over the plane, to infinity.
    pub light: f64,
    /// Radius in um that holds the share of light demanded, or the farthest of interest.
    pub radius_um: f64,
}

/// Planes of voxels before an objective in focus.
pub(super) struct Planes<'a> {
    pub imaging: &'a Imaging,
    pub focus: Focus,
    pub voxel_um: [f64; 3],
    /// Share of a plane's light that may lie outside its radius.
    pub truncation: f64,
    /// Farthest radius of interest in um.
    pub farthest_um: f64,
}

impl Planes<'_> {
    /// The profiles of planes whose middles lie at these distances from the focus.
    pub fn profiles(&self, middles_um: &[f64]) -> Result<Vec<Profile>, OpticsError> {
        let blocks = middles_um.chunks(TOGETHER).map(|block| self.block(block));
        Ok(blocks.collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// The light of a plane where it is known without a table.
    pub fn known_light(&self, middle_um: f64) -> Option<f64> {
        let nodes = self.nodes().into_iter();
        let light = nodes.map(|(z, dz)| Some(dz * self.imaging.known_light(middle_um + z)?));
        light.sum()
    }

    /// Places in the thickness of a plane, from its middle, and their weights in the average.
    fn nodes(&self) -> Vec<(f64, f64)> {
        let thickness = self.voxel_um[0];
        let objective = &self.imaging.objective;
        let (n, s) = (objective.media.sample_index, objective.s_max());
        let factors = match self.imaging.microscope {
            Microscope::Widefield { .. } | Microscope::LightSheet { .. } => 1.0,
            _ => 2.0,
        };
        let shortest = self.imaging.emission_um.min(self.imaging.excitation_um);
        let band = std::f64::consts::TAU / shortest * (n - ((n - s) * (n + s)).sqrt());
        let mut panels = (factors * band * thickness / PHASE_PER_PANEL)
            .ceil()
            .max(1.0);
        if let Microscope::LightSheet { sheet, .. } = &self.imaging.microscope {
            panels = panels.max((thickness / sheet.thinnest_um()).ceil());
        }
        let nodes = gauss_legendre_of(3, -0.5 * thickness, 0.5 * thickness, panels as usize);
        nodes.iter().map(|(z, dz)| (*z, dz / thickness)).collect()
    }

    fn block(&self, middles_um: &[f64]) -> Result<Vec<Profile>, OpticsError> {
        let mut found: Vec<Option<Profile>> = vec![None; middles_um.len()];
        let first = middles_um.iter().map(|z| self.first_radius_um(*z));
        let mut radii: Vec<f64> = first.collect();
        let step_um = self.imaging.step_um();
        loop {
            let missing: Vec<usize> = (0..found.len()).filter(|at| found[*at].is_none()).collect();
            if missing.is_empty() {
                return Ok(found.into_iter().flatten().collect());
            }
            let places: Vec<(f64, f64)> = missing
                .iter()
                .map(|at| (middles_um[*at], radii[*at]))
                .collect();
            for (at, profile) in missing.into_iter().zip(self.averaged(&places)?) {
                let farther = radii[at] * FARTHER;
                let enough = if self.sums_up() {
                    has_faded(&profile.values, step_um)
                } else {
                    profile.radius_um < radii[at] || radii[at] >= self.farthest_um
                };
                radii[at] = if self.sums_up() {
                    farther
                } else {
                    farther.min(self.farthest_um)
                };
                found[at] = enough.then_some(profile);
            }
        }
    }

    /// Radius that a table reaches to at first.
    fn first_radius_um(&self, middle_um: f64) -> f64 {
        let z = middle_um + self.voxel_um[0].copysign(middle_um) * 0.5;
        let first = self.imaging.first_radius_um(self.focus, z).unwrap_or(0.0);
        if self.sums_up() {
            return first;
        }
        let seen = self.imaging.emission();
        let rays = seen.geometric_radius_um(self.focus, z, 1.0 - 0.5 * self.truncation);
        let spread = 1.1 * seen.diffraction_radius_um(self.truncation);
        // What a disc's own pinhole gives beyond the farthest radius is little there.
        (rays + spread).max(first).min(self.farthest_um)
    }

    /// True where a plane's light is known by its table alone, whatever is kept of it.
    fn sums_up(&self) -> bool {
        self.imaging.scans() && !self.imaging.never_fades()
    }

    /// Profiles of planes at (middle, radius): tables to a voxel beyond the radius, averaged over
    /// the thickness.
    fn averaged(&self, places: &[(f64, f64)]) -> Result<Vec<Profile>, OpticsError> {
        let nodes = self.nodes();
        let step = self.imaging.step_um();
        let [_, x, y] = self.voxel_um;
        let count = |radius: f64| ((radius + x + y) / step).ceil() as usize + 3;
        let z_um = places
            .iter()
            .flat_map(|(z, _)| nodes.iter().map(move |(dz, _)| z + dz));
        let counts = places
            .iter()
            .flat_map(|(_, radius)| nodes.iter().map(|_| count(*radius)));
        let (z_um, counts): (Vec<f64>, Vec<usize>) = (z_um.collect(), counts.collect());
        let rows = self.imaging.rows(self.focus, &z_um, step, &counts)?;
        let planes = rows.chunks(nodes.len()).zip(places);
        let profile = |(rows, (_, radius)): (&[Row], &(f64, f64))| {
            let mut values = vec![0.0; rows[0].values.len()];
            let mut light = 0.0;
            for (row, (_, weight)) in rows.iter().zip(&nodes) {
                light += weight * row.light;
                for (value, other) in values.iter_mut().zip(&row.values) {
                    *value += weight * other;
                }
            }
            let radius_um = radius_holding(&values, step, (1.0 - self.truncation) * light);
            Profile {
                light,
                radius_um: radius_um.min(*radius),
                values,
            }
        };
        Ok(planes.map(profile).collect())
    }
}

/// Radius in um within which this much of a table's light falls, or where the table ends.
fn radius_holding(values: &[f64], step_um: f64, wanted: f64) -> f64 {
    let within = light_within(values, step_um);
    let outer = within.partition_point(|light| *light < wanted);
    if outer == 0 || outer == within.len() {
        return outer as f64 * step_um;
    }
    let (inner, outer_light) = (within[outer - 1], within[outer]);
    let share = (wanted - inner) / (outer_light - inner);
    (outer as f64 - 1.0 + share) * step_um
}
