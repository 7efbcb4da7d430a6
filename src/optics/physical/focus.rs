//! How dense light is around the focus (docs/physical.md section 4).
//!
//! The diffraction integral of an aplanatic lens (B. Richards and E. Wolf, Proc. R. Soc. Lond. A
//! 253, 358, 1959), averaged over the azimuth, through media that do not match (P. Torok and P.
//! Varga, Appl. Opt. 36, 2305, 1997). With s = n sin(theta) the pupil's coordinate, g the beam, W
//! the path of [`super::pupil`], A_s and A_p = sqrt(T/cos) for both polarisations, k = 2 pi over
//! the wavelength in vacuum:
//!
//! ```text
//! I0 = int g (A_s + A_p cos) J0(k r s) exp(i k W) s ds
//! I1 = int g  A_p sin        J1(k r s) exp(i k W) s ds
//! I2 = int g (A_s - A_p cos) J2(k r s) exp(i k W) s ds
//! h  = (|I0|^2 + 2 |I1|^2 + |I2|^2) / norm
//! ```
//!
//! Read forwards it is circularly polarised light in the focus, read backwards the image of a
//! dipole that turns freely. By Parseval's theorem a norm that does not depend on z gives h the
//! integral 1 over every plane, whatever the aberration. The scalar form keeps I0 alone, with the
//! mean transmission.

use std::f64::consts::{FRAC_PI_2, TAU};

use rayon::prelude::*;

use super::bessel::Bessel;
use super::between::{AROUND, Between, FINE};
use super::cis::cis;
use super::error::{OpticsError, positive, within};
use super::pupil::{Objective, PupilRay, beam_amplitude};
use crate::base::choice::choice;

/// Largest phase in radians over one panel of the integral, were its slope everywhere the largest.
const PHASE_PER_PANEL: f64 = 150.0;

/// Largest number of panels; more would take minutes.
const MAX_PANELS: f64 = 2e3;

/// Radii whose fields are summed side by side.
const LANES: usize = 8;

/// Real and imaginary parts of the three integrals.
const PARTS: usize = 6;

/// What the square of each part counts in the intensity.
const PART_WEIGHTS: [f64; PARTS] = [1.0, 1.0, 2.0, 2.0, 1.0, 1.0];

choice! {
    /// Which field the diffraction integral has.
    pub enum FieldModel {
        /// All three components of the field.
        Vectorial = "vectorial",
        /// One component without polarisation.
        Scalar = "scalar",
    }
}

/// Light of one wavelength that an objective focuses or gathers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    /// The objective.
    pub objective: Objective,
    /// Vectorial or scalar.
    pub field: FieldModel,
    /// Wavelength in vacuum, in um.
    pub wavelength_um: f64,
    /// e^-2 radius of a Gaussian laser beam over the aperture's; `None` for an evenly filled
    /// aperture, and for emission.
    pub beam_fill: Option<f64>,
}

/// Where an objective is focused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Focus {
    /// Depth of the focus under the coverslip, in um.
    pub depth_um: f64,
    /// What the objective advances beyond the paraxial place of that depth, in um of sample.
    pub shift_um: f64,
}

/// A node of the diffraction integral.
struct FieldRay {
    /// Argument of the Bessel functions per um of radius.
    radial: f64,
    /// Weights of I0, I1 and I2.
    weights: [f64; 3],
    /// Phase at z = 0 and per um of z, in radians.
    phase: [f64; 2],
}

impl Light {
    /// Returns h in 1/um^2 at these places along the axis and across it, as rows of `z_um`. An
    /// emitter above the coverslip (negative depth) counts as in a sample that reaches on.
    ///
    /// # Errors
    /// The objective or the wavelength make no sense, or a place is too far from the focus.
    pub fn density(
        &self,
        focus: Focus,
        z_um: &[f64],
        r_um: &[f64],
    ) -> Result<Vec<Vec<f64>>, OpticsError> {
        let fields = self.fields(focus, z_um, r_um, &vec![r_um.len(); z_um.len()])?;
        let row = |row: usize| {
            let place = |r: usize| fields.at(row, r / LANES).intensity(fields.norm)[r % LANES];
            (0..r_um.len()).map(place).collect()
        };
        Ok((0..z_um.len()).map(row).collect())
    }

    /// As [`Light::density`] at equal steps from the axis on, so many in each row, of which a wave
    /// of the light has forty or more (`Imaging::step_um`): the field has no structure finer than a
    /// wave, so that every eighth place is enough, and the others lie between.
    pub(super) fn table(
        &self,
        focus: Focus,
        z_um: &[f64],
        step_um: f64,
        counts: &[usize],
    ) -> Result<Vec<Vec<f64>>, OpticsError> {
        let coarse = |count: usize| count.div_ceil(FINE) + AROUND;
        let longest = counts.iter().copied().max().unwrap_or(0);
        let r_um: Vec<f64> = (0..coarse(longest))
            .map(|at| (at * FINE) as f64 * step_um)
            .collect();
        let coarse_counts: Vec<usize> = counts.iter().map(|count| coarse(*count)).collect();
        let fields = self.fields(focus, z_um, &r_um, &coarse_counts)?;
        let between = Between::new();
        let row = |(row, count): (usize, &usize)| {
            let mut intensity = vec![0.0; count.next_multiple_of(FINE)];
            let (mut around, mut values) = (Vec::new(), Vec::new());
            for (part, weight) in PART_WEIGHTS.into_iter().enumerate() {
                fields.along(row, part, coarse(*count), &mut around);
                between.fill(&around, &mut values);
                let factor = weight / fields.norm;
                for (sum, value) in intensity.iter_mut().zip(values.as_flattened()) {
                    *sum += factor * (value * value);
                }
            }
            intensity.truncate(*count);
            intensity
        };
        Ok(counts.par_iter().enumerate().map(row).collect())
    }

    /// The fields at these places, where each row ends after its own count of radii.
    fn fields(
        &self,
        focus: Focus,
        z_um: &[f64],
        r_um: &[f64],
        counts: &[usize],
    ) -> Result<Fields, OpticsError> {
        self.validate()?;
        let range = |values: &[f64]| {
            let fold = |[low, high]: [f64; 2], v: &f64| [low.min(*v), high.max(*v)];
            values.iter().fold([f64::INFINITY, f64::NEG_INFINITY], fold)
        };
        if z_um.is_empty() || r_um.is_empty() {
            return Ok(Fields {
                groups: Vec::new(),
                norm: 1.0,
            });
        }
        let (rays, norm) = self.field_rays(focus, range(z_um), range(r_um)[1])?;
        let phases: Vec<Vec<[f64; 2]>> = z_um.par_iter().map(|z| phases(&rays, *z)).collect();
        let finest = rays.iter().map(|ray| ray.radial).fold(0.0, f64::max);
        let bessel = Bessel::new(finest * range(r_um)[1]);
        // Bessel functions depend on r alone and phases on z alone: each is computed once.
        let groups = r_um.par_chunks(LANES).enumerate();
        let groups = groups.map(|(group, radii)| {
            let components = |ray: &FieldRay| ray.components(radii, &bessel);
            let table: Vec<[[f64; LANES]; 3]> = rays.iter().map(components).collect();
            let rows = phases.iter().zip(counts);
            let row = |(phases, count): (&Vec<[f64; 2]>, &usize)| match *count > group * LANES {
                true => field(&table, phases),
                false => Field::default(),
            };
            rows.map(row).collect()
        });
        Ok(Fields {
            groups: groups.collect(),
            norm,
        })
    }

    /// Returns the radius in um within which rays of this share of the light cross a plane: the
    /// extent of the light far from the focus, where diffraction adds little.
    pub(super) fn geometric_radius_um(&self, focus: Focus, z_um: f64, share: f64) -> f64 {
        let rays = self.objective.rays(1);
        let crossing = |ray: &PupilRay| (path_slope(ray, focus, z_um).abs(), self.energy(ray));
        let mut crossings: Vec<(f64, f64)> = rays.iter().map(crossing).collect();
        crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
        let whole: f64 = crossings.iter().map(|(_, energy)| energy).sum();
        let mut inside = 0.0;
        for (radius, energy) in &crossings {
            inside += energy;
            if inside >= share * whole {
                return *radius;
            }
        }
        crossings.last().map_or(0.0, |(radius, _)| *radius)
    }

    /// Radius in um beyond which diffraction at the pupil's edge leaves a share of the light in
    /// focus: an edge of amplitude A sends A^2/(pi^2 k r^3) per area and unit of pupil.
    pub(super) fn diffraction_radius_um(&self, share: f64) -> f64 {
        let rays = self.objective.rays(1);
        let area: f64 = rays.iter().map(|ray| ray.s * ray.weight).sum();
        let mean: f64 = rays.iter().map(|ray| self.energy(ray)).sum::<f64>() / area;
        let edge = rays
            .last()
            .map_or(1.0, |ray| self.energy(ray) / (ray.s * ray.weight) / mean);
        2.0 * edge / (0.5 * TAU * self.wavenumber() * self.objective.s_max() * share)
    }

    /// Wavenumber across the axis, in rad/um, of the finest structure that the intensity has.
    pub(super) fn finest_wavenumber(&self) -> f64 {
        2.0 * self.wavenumber() * self.objective.s_max()
    }

    pub(super) fn wavenumber(&self) -> f64 {
        TAU / self.wavelength_um
    }

    pub(super) fn validate(&self) -> Result<(), OpticsError> {
        self.objective.validate()?;
        positive("the wavelength (um)", self.wavelength_um)?;
        match self.beam_fill {
            Some(fill) => within("beam_fill", fill, [0.05, 1e3]),
            None => Ok(()),
        }
    }

    /// Weights of the three integrals at a ray, without Bessel functions and phase.
    pub(super) fn weights(&self, ray: &PupilRay) -> [f64; 3] {
        let amplitude = beam_amplitude(ray.s / self.objective.numerical_aperture, self.beam_fill);
        let weight = amplitude * ray.s * ray.weight;
        let [across, inside] = ray.passed.map(|passed| (passed / ray.cos).sqrt());
        let sin = ray.s / self.objective.media.sample_index;
        match self.field {
            FieldModel::Vectorial => [
                weight * (across + inside * ray.cos),
                weight * inside * sin,
                weight * (across - inside * ray.cos),
            ],
            FieldModel::Scalar => {
                let mean = 0.5 * (ray.passed[0] + ray.passed[1]);
                [weight * (mean / ray.cos).sqrt(), 0.0, 0.0]
            }
        }
    }

    /// Light of a ray, up to a factor common to all.
    fn energy(&self, ray: &PupilRay) -> f64 {
        let [i0, i1, i2] = self.weights(ray);
        (i0 * i0 + 2.0 * i1 * i1 + i2 * i2) / (ray.s * ray.weight)
    }

    /// Nodes of the integral for all these places, and the norm of h.
    fn field_rays(
        &self,
        focus: Focus,
        z_um: [f64; 2],
        r_um: f64,
    ) -> Result<(Vec<FieldRay>, f64), OpticsError> {
        let k = self.wavenumber();
        let rays = self.objective.rays(self.panels(focus, z_um, r_um)?);
        let energy: f64 = rays.iter().map(|ray| self.energy(ray)).sum();
        let advance = focus.depth_um + focus.shift_um;
        let node = |ray: &PupilRay| FieldRay {
            radial: k * ray.s,
            weights: self.weights(ray),
            phase: [
                k * (focus.depth_um * ray.sample_path - advance * ray.immersion_path
                    + ray.design_path_um),
                k * ray.sample_path,
            ],
        };
        Ok((rays.iter().map(node).collect(), TAU / (k * k) * energy))
    }

    /// Panels that follow the oscillation at all these places: one rule for all, so that they share
    /// rays and Bessel functions.
    pub(super) fn panels(
        &self,
        focus: Focus,
        z_um: [f64; 2],
        r_um: f64,
    ) -> Result<usize, OpticsError> {
        let slope = |step: usize| {
            let t = FRAC_PI_2 * (step as f64 + 0.5) / 256.0;
            let ray = self.objective.ray(t, 1.0);
            let path = z_um.map(|z| path_slope(&ray, focus, z).abs());
            // The weight of the ray is ds/dt.
            (path[0].max(path[1]) + r_um) * ray.weight
        };
        let slope = (0..256).map(slope).fold(0.0, f64::max);
        let panels = (self.wavenumber() * slope * FRAC_PI_2 / PHASE_PER_PANEL).ceil();
        if panels <= MAX_PANELS {
            Ok((panels as usize).max(1))
        } else {
            Err(OpticsError::TooFar {
                wavelength_um: self.wavelength_um,
                distance_um: z_um[0].abs().max(z_um[1].abs()).max(r_um),
            })
        }
    }
}

/// Derivative by s of the path of a ray, which is the radius where it crosses the plane.
fn path_slope(ray: &PupilRay, focus: Focus, z_um: f64) -> f64 {
    let [sample, immersion, design] = ray.slopes;
    (focus.depth_um + z_um) * sample - (focus.depth_um + focus.shift_um) * immersion + design
}

impl FieldRay {
    /// Its share of I0, I1 and I2 at these radii, without the phase.
    fn components(&self, r_um: &[f64], bessel: &Bessel) -> [[f64; LANES]; 3] {
        let mut components = [[0.0; LANES]; 3];
        for (lane, r_um) in r_um.iter().enumerate() {
            let bessels = bessel.at(self.radial * r_um);
            for (component, bessel) in components.iter_mut().zip(bessels.iter().zip(self.weights)) {
                component[lane] = bessel.0 * bessel.1;
            }
        }
        components
    }
}

/// The real and imaginary parts of I0, I1 and I2 at neighbouring radii.
#[derive(Clone, Copy, Default)]
struct Field([[f64; LANES]; PARTS]);

impl Field {
    fn intensity(&self, norm: f64) -> [f64; LANES] {
        std::array::from_fn(|lane| {
            let parts = self.0.iter().zip(PART_WEIGHTS);
            let sum: f64 = parts
                .map(|(part, weight)| weight * (part[lane] * part[lane]))
                .sum();
            sum / norm
        })
    }
}

/// Fields by groups of neighbouring radii and places along the axis.
struct Fields {
    groups: Vec<Vec<Field>>,
    /// Integral of the intensity over a plane.
    norm: f64,
}

impl Fields {
    fn at(&self, row: usize, group: usize) -> &Field {
        &self.groups[group][row]
    }

    /// One part along a row's first radii, and before the axis, where I1 is odd and the others
    /// even.
    fn along(&self, row: usize, part: usize, count: usize, values: &mut Vec<f64>) {
        let value = |r: usize| self.at(row, r / LANES).0[part][r % LANES];
        let sign = if matches!(part, 2 | 3) { -1.0 } else { 1.0 };
        values.clear();
        values.extend((1..AROUND).rev().map(|r| sign * value(r)));
        values.extend((0..count).map(value));
    }
}

/// Phases of rays at a place along the axis. Nothing is fused: every machine has the same values.
#[pulp::with_simd(phases = pulp::Arch::new())]
#[inline(always)]
fn phases_simd<S: pulp::Simd>(_: S, rays: &[FieldRay], z_um: f64) -> Vec<[f64; 2]> {
    let phase = |ray: &FieldRay| cis(ray.phase[0] + z_um * ray.phase[1]);
    rays.iter().map(phase).collect()
}

/// Sums of rays at neighbouring radii. Products are not fused with sums: every machine has the same
/// values.
#[pulp::with_simd(field = pulp::Arch::new())]
#[inline(always)]
fn field_simd<'a, S: pulp::Simd>(
    _: S,
    table: &'a [[[f64; LANES]; 3]],
    phases: &'a [[f64; 2]],
) -> Field {
    let mut sums = [[0.0; LANES]; PARTS];
    for (ray, phase) in table.iter().zip(phases) {
        for (part, sums) in sums.iter_mut().enumerate() {
            for (sum, amplitude) in sums.iter_mut().zip(&ray[part / 2]) {
                *sum += amplitude * phase[part % 2];
            }
        }
    }
    Field(sums)
}
