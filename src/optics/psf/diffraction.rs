//! The intensity near the focus of a lens of high aperture, from the vectorial diffraction
//! integral.
//!
//! B. Richards and E. Wolf, Proc. R. Soc. Lond. A 253, 358 (1959), averaged over the azimuth. With
//! theta the angle of a ray to the axis, A(theta) the apodisation and k = 2 pi n / wavelength:
//!
//! ```text
//! I0 = int A sin(theta) (1 + cos(theta)) J0(k r sin(theta)) exp(i k z cos(theta)) dtheta
//! I1 = int A sin(theta)  2 sin(theta)    J1(k r sin(theta)) exp(i k z cos(theta)) dtheta
//! I2 = int A sin(theta) (1 - cos(theta)) J2(k r sin(theta)) exp(i k z cos(theta)) dtheta
//! ```
//!
//! and the intensity is |I0|^2 + |I1|^2 + |I2|^2. The factor 2 in I1 doubles the longitudinal
//! field; the model `simexm` keeps it, as SimExm has it.

use std::f64::consts::{FRAC_PI_2, TAU};

use super::{Quarter, RADIUS, SAMPLES, normalised};
use crate::optics::quadrature::gauss_legendre;

/// Largest phase in radians over one panel of the integral; with it the error is below 1e-12.
const PHASE_PER_PANEL: f64 = 150.0;

/// Distances between the samples of the quarter plane, in um.
pub(super) struct SampleSpacing {
    pub step_z_um: f64,
    pub step_r_um: f64,
}

/// Light of one wavelength in an objective's cone.
pub(super) struct Beam {
    pub wavelength_um: f64,
    pub numerical_aperture: f64,
    pub refractive_index: f64,
}

/// Ray of the cone: its angle theta to the axis, and its weight A(theta) sin(theta) dtheta in the
/// sum.
pub(super) struct Ray {
    pub sin: f64,
    pub cos: f64,
    pub weight: f64,
}

impl Beam {
    /// Computes the intensity of the focused laser, 1 at the centre.
    pub fn excitation(&self, spacing: &SampleSpacing) -> Quarter {
        let rays = self.rays(self.panels(spacing), |sin, cos| {
            self.laser_apodisation(sin, cos)
        });
        intensity(self.wavenumber(), &rays, spacing, bessel)
    }

    /// Computes the intensity of the emission as seen through the objective, 1 at the centre and
    /// without apodisation.
    pub fn emission(&self, spacing: &SampleSpacing) -> Quarter {
        let rays = self.rays(self.panels(spacing), |_, _| 1.0);
        intensity(self.wavenumber(), &rays, spacing, bessel)
    }

    /// Returns the apodisation of an aplanatic lens, sqrt(cos), times that of a Gaussian beam whose
    /// e^-2 radius is the aperture's.
    pub fn laser_apodisation(&self, sin: f64, cos: f64) -> f64 {
        let beam_radii = sin / self.sin_aperture();
        cos.sqrt() * libm::exp(-beam_radii * beam_radii)
    }

    /// Returns the sine of the cone's half angle.
    pub fn sin_aperture(&self) -> f64 {
        self.numerical_aperture / self.refractive_index
    }

    /// Returns k in the medium, in radians per um.
    pub fn wavenumber(&self) -> f64 {
        TAU * self.refractive_index / self.wavelength_um
    }

    /// Returns the interval of integration in v = sqrt(pi/2 - theta). The apodisation
    /// sqrt(cos(theta)) has an unbounded slope near pi/2 but is smooth in v, so that the integral
    /// converges as fast for the widest cones.
    fn interval(&self) -> [f64; 2] {
        let from = (FRAC_PI_2 - libm::asin(self.sin_aperture())).sqrt();
        [from, FRAC_PI_2.sqrt()]
    }

    /// Returns the number of panels that follow the oscillation at every sample.
    pub fn panels(&self, spacing: &SampleSpacing) -> usize {
        // The phase at the last sample is k (z cos(theta) +- r sin(theta)): bound its slope, then
        // dtheta = 2 v dv.
        let [from, to] = self.interval();
        let slope_um = spacing.step_z_um * self.sin_aperture() + spacing.step_r_um;
        let phase = RADIUS as f64 * self.wavenumber() * slope_um * 2.0 * to * (to - from);
        (phase / PHASE_PER_PANEL).ceil().max(1.0) as usize
    }

    /// Returns the rays that turn the integral into a sum, for an apodisation of (sin(theta),
    /// cos(theta)).
    pub fn rays(&self, panels: usize, apodisation: impl Fn(f64, f64) -> f64) -> Vec<Ray> {
        let [from, to] = self.interval();
        gauss_legendre(from, to, panels)
            .into_iter()
            .map(|(v, dv)| {
                let theta = FRAC_PI_2 - v * v;
                let (sin, cos) = (libm::sin(theta), libm::cos(theta));
                let weight = apodisation(sin, cos) * sin * 2.0 * v * dv;
                Ray { sin, cos, weight }
            })
            .collect()
    }
}

/// Computes the Bessel functions J0, J1 and J2 at x >= 0.
pub(super) fn bessel(x: f64) -> [f64; 3] {
    let (j0, j1) = (libm::j0(x), libm::j1(x));
    let j2 = if x > 0.0 { 2.0 * j1 / x - j0 } else { 0.0 };
    [j0, j1, j2]
}

/// Computes the intensity on the quarter plane, divided by the intensity at the centre.
///
/// The phase of a ray depends on z alone and its Bessel functions on r alone: each is computed once
/// per row or column, not at every point.
pub(super) fn intensity(
    wavenumber: f64,
    rays: &[Ray],
    spacing: &SampleSpacing,
    bessel: impl Fn(f64) -> [f64; 3],
) -> Quarter {
    // Real and imaginary part of I0, I1, I2, by (z, part, r).
    let mut field = [[[0.0; SAMPLES]; 6]; SAMPLES];
    for ray in rays {
        let bessels: [[f64; 3]; SAMPLES] =
            std::array::from_fn(|r| bessel(wavenumber * spacing.step_r_um * r as f64 * ray.sin));
        let factors = [1.0 + ray.cos, 2.0 * ray.sin, 1.0 - ray.cos];
        let radial: [[f64; SAMPLES]; 3] = std::array::from_fn(|component| {
            let factor = ray.weight * factors[component];
            std::array::from_fn(|r| factor * bessels[r][component])
        });
        for (z, row) in field.iter_mut().enumerate() {
            let phase = wavenumber * spacing.step_z_um * z as f64 * ray.cos;
            let (im, re) = libm::sincos(phase);
            for (component, radial) in radial.iter().enumerate() {
                for r in 0..SAMPLES {
                    row[2 * component][r] += radial[r] * re;
                    row[2 * component + 1][r] += radial[r] * im;
                }
            }
        }
    }
    normalised(
        field.map(|row| std::array::from_fn(|r| row.iter().map(|part| part[r] * part[r]).sum())),
    )
}
