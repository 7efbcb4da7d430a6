//! An objective's pupil behind sample, coverslip and immersion (docs/physical.md sections 2 and 4).
//!
//! A ray keeps s = n sin(theta) through all media (Snell), so that s is the coordinate of the
//! pupil. Fresnel's amplitudes of the coverslip's two faces say what passes; the path is that of
//! S. F. Gibson and F. Lanni, J. Opt. Soc. Am. A 8, 1601 (1991).

use std::f64::consts::FRAC_PI_2;

use super::error::{OpticsError, positive, within};
use crate::optics::quadrature::gauss_legendre;

/// Least numerical aperture; the light of narrower cones is none.
const LEAST_APERTURE: f64 = 0.01;

/// What lies between the emitter and the objective's front lens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Media {
    /// Refractive index of the sample, the gel.
    pub sample_index: f64,
    /// Refractive index of the immersion.
    pub immersion_index: f64,
    /// Index of the immersion that the objective is corrected for.
    pub immersion_design_index: f64,
    /// Refractive index of the coverslip.
    pub coverslip_index: f64,
    /// Index of the coverslip that the objective is corrected for.
    pub coverslip_design_index: f64,
    /// Thickness of the coverslip in um.
    pub coverslip_um: f64,
    /// Thickness of the coverslip that the objective is corrected for, in um.
    pub coverslip_design_um: f64,
    /// Working distance that the objective is corrected for, in um.
    pub working_distance_um: f64,
}

impl Media {
    /// A sample behind a coverslip of 170 um and an immersion, and an objective that is corrected
    /// for both, of a working distance of 150 um.
    pub fn new(sample_index: f64, immersion_index: f64) -> Self {
        Self {
            sample_index,
            immersion_index,
            immersion_design_index: immersion_index,
            coverslip_index: 1.5255,
            coverslip_design_index: 1.5255,
            coverslip_um: 170.0,
            coverslip_design_um: 170.0,
            working_distance_um: 150.0,
        }
    }

    /// Returns true where the sample continues the immersion and all is as the objective wants it:
    /// the focus is then the same at any depth, and symmetric along z.
    pub fn matched(&self) -> bool {
        self.sample_index == self.immersion_index
            && self.immersion_index == self.immersion_design_index
            && self.coverslip_index == self.coverslip_design_index
            && self.coverslip_um == self.coverslip_design_um
    }
}

/// An objective before its sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// Numerical aperture.
    pub numerical_aperture: f64,
    /// What lies before it.
    pub media: Media,
}

/// A ray through the pupil, one node of an integral over s.
#[derive(Clone, Copy, Debug)]
pub(super) struct PupilRay {
    /// Pupil coordinate n sin(theta).
    pub s: f64,
    /// Weight of the node: integral of f(s) ds = sum of f(s) weight.
    pub weight: f64,
    /// Cosine of the angle to the axis in the sample.
    pub cos: f64,
    /// Shares of the power that pass the coverslip, polarised across and in the plane of incidence.
    pub passed: [f64; 2],
    /// Path in the sample per um of depth, n cos(theta).
    pub sample_path: f64,
    /// Path in the immersion, per um of sample that the objective advances by paraxially.
    pub immersion_path: f64,
    /// Path through coverslip and immersion beyond that of the objective's design, in um.
    pub design_path_um: f64,
    /// Derivatives by s of the three paths.
    pub slopes: [f64; 3],
}

impl Objective {
    /// Returns the largest s that leaves the sample: the numerical aperture, or the sample's index
    /// where that is smaller.
    pub fn s_max(&self) -> f64 {
        self.numerical_aperture.min(self.media.sample_index)
    }

    /// Returns true where the sample's index cuts the aperture, which deserves a warning: light
    /// that an emitter within 0.1 um of the glass sends beyond the critical angle is left out.
    pub fn cut_by_sample(&self) -> bool {
        self.numerical_aperture > self.media.sample_index
    }

    /// Returns the share of an isotropic emitter's photons that enters the objective.
    pub fn collected_share(&self) -> f64 {
        let n = self.media.sample_index;
        let share = |ray: &PupilRay| {
            let passed = 0.5 * (ray.passed[0] + ray.passed[1]);
            passed * ray.s / (n * n * ray.cos) * ray.weight
        };
        0.5 * self.rays(2).iter().map(share).sum::<f64>()
    }

    /// Returns the integral of the fluence rate over a plane of the sample, per power that enters
    /// the back aperture: oblique rays cross a plane's molecules on a longer way, so that it may
    /// exceed 1, and light beyond the critical angle is lost. `beam_fill` is the e^-2 radius of a
    /// Gaussian beam over the aperture's; `None` is an evenly filled aperture.
    pub fn fluence_factor(&self, beam_fill: Option<f64>) -> f64 {
        let aperture = self.numerical_aperture;
        let focused = |ray: &PupilRay| {
            let passed = 0.5 * (ray.passed[0] + ray.passed[1]);
            let beam = beam_amplitude(ray.s / aperture, beam_fill);
            passed / ray.cos * beam * beam * ray.s * ray.weight
        };
        let focused: f64 = self.rays(2).iter().map(focused).sum();
        let entered = match beam_fill {
            None => 0.5 * aperture * aperture,
            Some(fill) => {
                let squared = fill * fill;
                -0.25 * aperture * aperture * squared * libm::expm1(-2.0 / squared)
            }
        };
        focused / entered
    }

    /// Checks the objective and what lies before it.
    ///
    /// # Errors
    /// An index or length makes no sense, or a medium does not let the aperture's light through.
    pub fn validate(&self) -> Result<(), OpticsError> {
        let media = &self.media;
        let aperture = self.numerical_aperture;
        within("numerical_aperture", aperture, [LEAST_APERTURE, 4.0])?;
        let indices = [
            ("refractory_index", media.sample_index),
            ("immersion_index", media.immersion_index),
            ("immersion_index_design", media.immersion_design_index),
            ("coverslip_index", media.coverslip_index),
            ("coverslip_index_design", media.coverslip_design_index),
        ];
        for (quantity, value) in indices {
            within(quantity, value, [1.0, 4.0])?;
        }
        positive("working_distance (um)", media.working_distance_um)?;
        for (quantity, um) in [
            ("coverslip_thickness (um)", media.coverslip_um),
            ("coverslip_thickness_design (um)", media.coverslip_design_um),
        ] {
            within(quantity, um, [0.0, 1e5])?;
        }
        let barriers = [
            (aperture, indices[1]),
            (self.s_max(), indices[2]),
            (self.s_max(), indices[3]),
            (self.s_max(), indices[4]),
        ];
        for (aperture, (medium, index)) in barriers {
            if aperture >= index {
                return Err(OpticsError::ApertureTooWide {
                    medium,
                    index,
                    aperture,
                });
            }
        }
        Ok(())
    }

    /// Returns the rays that turn an integral over s into a sum. The substitution s = s_max sin(t)
    /// smooths the square roots at the edge of a pupil that the sample cuts.
    pub(super) fn rays(&self, panels: usize) -> Vec<PupilRay> {
        let nodes = gauss_legendre(0.0, FRAC_PI_2, panels);
        nodes.into_iter().map(|(t, dt)| self.ray(t, dt)).collect()
    }

    /// The ray at s = s_max sin(t).
    pub(super) fn ray(&self, t: f64, dt: f64) -> PupilRay {
        let media = &self.media;
        let (sin_t, cos_t) = libm::sincos(t);
        let s = self.s_max() * sin_t;
        // n cos(theta); (n - s)(n + s) keeps its digits near the critical angle.
        let path = |n: f64| ((n - s) * (n + s)).max(0.0).sqrt();
        let [sample, glass, immersion] = [
            path(media.sample_index),
            path(media.coverslip_index),
            path(media.immersion_index),
        ];
        let glass_design = path(media.coverslip_design_index);
        let immersion_design = path(media.immersion_design_index);
        let ratio = media.immersion_index / media.sample_index;
        let slope = |path: f64| -s / path;
        PupilRay {
            s,
            weight: self.s_max() * cos_t * dt,
            cos: sample / media.sample_index,
            passed: self.passed(sample, glass, immersion),
            sample_path: sample,
            immersion_path: ratio * immersion,
            design_path_um: media.coverslip_um * glass - media.coverslip_design_um * glass_design
                + media.working_distance_um * (immersion - immersion_design),
            slopes: [
                slope(sample),
                ratio * slope(immersion),
                media.coverslip_um * slope(glass) - media.coverslip_design_um * slope(glass_design)
                    + media.working_distance_um * (slope(immersion) - slope(immersion_design)),
            ],
        }
    }

    /// Fresnel's shares of power through both faces of the coverslip, from n cos(theta) in the
    /// three media. Reflections back and forth within it are left out.
    fn passed(&self, sample: f64, glass: f64, immersion: f64) -> [f64; 2] {
        let media = &self.media;
        let [n_s, n_g, n_i] = [
            media.sample_index,
            media.coverslip_index,
            media.immersion_index,
        ];
        let [c_s, c_g, c_i] = [sample / n_s, glass / n_g, immersion / n_i];
        let across = 2.0 * sample / (sample + glass) * 2.0 * glass / (glass + immersion);
        let inside = 2.0 * sample / (n_g * c_s + n_s * c_g) * 2.0 * glass / (n_i * c_g + n_g * c_i);
        [across, inside].map(|amplitude| amplitude * amplitude * immersion / sample)
    }
}

/// Amplitude of a laser beam at a radius in the pupil, relative to the aperture's.
pub(super) fn beam_amplitude(radius: f64, beam_fill: Option<f64>) -> f64 {
    match beam_fill {
        None => 1.0,
        Some(fill) => libm::exp(-(radius / fill) * (radius / fill)),
    }
}
