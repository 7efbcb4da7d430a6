//! Point spread functions of the model `simexm`: images of one point of light in a scanning
//! microscope.
//!
//! The vectorial diffraction integral of a focused beam (Richards and Wolf 1959) is computed for
//! the excitation and for the emission; microscope type and pinhole decide how the two are joined.
//! The conventions are those of C. Gohlke's Python package `psf`, which SimExm calls, quirks
//! included, with two differences: the integral is converged, and the Bessel functions are exact.

mod diffraction;
mod pinhole;

use crate::engine::psf::{Psf, PsfShape};
pub use crate::optics::microscope::Microscope;
use diffraction::{Beam, SampleSpacing};
use thiserror::Error;

#[cfg(test)]
mod tests;

/// Voxels from the centre of a point spread function to its last voxel, along every axis: as many
/// as the convolution takes.
pub const RADIUS: usize = 15;

/// Voxels that the function holds.
pub const SHAPE: PsfShape = PsfShape::symmetric([RADIUS; 3]);

/// Samples of the quarter plane along z and along r, the centre included.
const SAMPLES: usize = RADIUS + 1;

/// Values over (z, r), both from 0 outwards.
type Quarter = [[f64; SAMPLES]; SAMPLES];

/// Radius, in excitation wavelengths over the numerical aperture, beyond which a confocal pinhole
/// counts as open (8 Airy units).
const OPEN_PINHOLE: f64 = 9.76;

/// Largest phase in radians, along z or r, between the centre and the last sample. It refuses
/// unreasonable parameters, whose integral would take seconds or endless memory.
const MAX_PHASE: f64 = 1e6;

/// Parameters of a [`PointSpreadFunction`].
#[derive(Clone, Debug, PartialEq)]
pub struct PsfParameters {
    /// The type of microscope.
    pub microscope: Microscope,
    /// Wavelength of the laser in vacuum, in nm.
    pub excitation_nm: f64,
    /// Wavelength of the dye's emission peak in vacuum, in nm; two-photon microscopes do not use
    /// it.
    pub emission_nm: f64,
    /// Numerical aperture of the objective.
    pub numerical_aperture: f64,
    /// Refractive index of the medium.
    pub refractive_index: f64,
    /// Radius of the round pinhole as seen in the sample (divided by the objective's
    /// magnification), in um; only confocal microscopes use it.
    pub pinhole_radius_um: f64,
    /// Size of a voxel (z, x, y) before expansion, in nm.
    pub voxel_nm: [f64; 3],
    /// Linear expansion along (z, x, y) of the sample when it is imaged.
    pub expansion_factors: [f64; 3],
}

/// Error of parameters without a point spread function.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PsfError {
    /// The light cone would be wider than any cone.
    #[error(
        "numerical_aperture {numerical_aperture} is not below refractive_index {refractive_index}; \
         choose a smaller aperture or the index of the objective's immersion medium"
    )]
    ApertureTooWide {
        /// Numerical aperture.
        numerical_aperture: f64,
        /// Refractive index.
        refractive_index: f64,
    },
    /// A type of microscope that SimExm does not have.
    #[error("the model simexm has no {0} microscope; the model physical has one")]
    NoScanner(Microscope),
    /// The light cone is so narrow that no light is left.
    #[error(
        "numerical_aperture {numerical_aperture} lets no light through; objectives have 0.01 or more"
    )]
    NoLight {
        /// Numerical aperture.
        numerical_aperture: f64,
    },
    /// A quantity is not a positive number.
    #[error("{quantity} is {value}; it should be a number above 0")]
    NotPositive {
        /// Name of the quantity, with its unit.
        quantity: &'static str,
        /// Value of the quantity.
        value: f64,
    },
    /// The pinhole radius is negative or not a number.
    #[error("the pinhole radius is {0} um; it should be 0 or more")]
    BadPinhole(f64),
    /// The voxels are so much larger than the wavelength that the integral is out of reach.
    #[error(
        "voxels of {size_nm} nm after expansion are too coarse for light of {wavelength_nm} nm; \
         choose a smaller voxel_dim or expansion factor"
    )]
    TooCoarse {
        /// Largest edge of an expanded voxel in nm.
        size_nm: f64,
        /// Wavelength in nm.
        wavelength_nm: f64,
    },
}

impl PsfParameters {
    /// Returns true where the emission peak lies below the laser's wavelength: the function is
    /// computed all the same, but the pair of laser and dye deserves a warning. Always false for
    /// two photons, whose emission lies below as a rule.
    pub fn emission_below_excitation(&self) -> bool {
        self.microscope != Microscope::TwoPhoton && self.emission_nm < self.excitation_nm
    }

    fn validate(&self) -> Result<(), PsfError> {
        if !self.microscope.is_simexm() {
            return Err(PsfError::NoScanner(self.microscope));
        }
        let positive = [
            ("laser_wavelength (nm)", self.excitation_nm),
            ("the emission peak (nm)", self.emission_nm),
            ("numerical_aperture", self.numerical_aperture),
            ("refractive_index", self.refractive_index),
            ("voxel_dim along z (nm)", self.voxel_nm[0]),
            ("voxel_dim along x (nm)", self.voxel_nm[1]),
            ("voxel_dim along y (nm)", self.voxel_nm[2]),
            ("the expansion factor", self.expansion_factors[0]),
            ("the expansion factor along x", self.expansion_factors[1]),
            ("the expansion factor along y", self.expansion_factors[2]),
        ];
        for (quantity, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return Err(PsfError::NotPositive { quantity, value });
            }
        }
        if self.numerical_aperture >= self.refractive_index {
            return Err(PsfError::ApertureTooWide {
                numerical_aperture: self.numerical_aperture,
                refractive_index: self.refractive_index,
            });
        }
        if self.pinhole_radius_um.is_nan() || self.pinhole_radius_um < 0.0 {
            return Err(PsfError::BadPinhole(self.pinhole_radius_um));
        }
        let [z_nm, x_nm, _] = self.gel_voxel_nm();
        let size_nm = z_nm.max(x_nm);
        let wavelength_nm = self.excitation_nm.min(self.emission_nm);
        let wavenumber = std::f64::consts::TAU * self.refractive_index / wavelength_nm;
        if wavenumber * SAMPLES as f64 * size_nm > MAX_PHASE {
            return Err(PsfError::TooCoarse {
                size_nm,
                wavelength_nm,
            });
        }
        Ok(())
    }

    /// Returns the distance between voxels along (z, x) after expansion, in um.
    fn voxel_um(&self) -> [f64; 2] {
        let [z_nm, x_nm, _] = self.gel_voxel_nm();
        [z_nm, x_nm].map(|nm| nm / 1e3)
    }

    fn gel_voxel_nm(&self) -> [f64; 3] {
        std::array::from_fn(|axis| self.voxel_nm[axis] * self.expansion_factors[axis])
    }

    fn beam(&self, wavelength_nm: f64) -> Beam {
        Beam {
            wavelength_um: wavelength_nm / 1e3,
            numerical_aperture: self.numerical_aperture,
            refractive_index: self.refractive_index,
        }
    }
}

/// Point spread function, symmetric about its centre, where it is 1.
#[derive(Clone, Debug, PartialEq)]
pub struct PointSpreadFunction {
    quarter: Quarter,
    /// Ratio of a voxel's edges, y over x.
    y_over_x: f64,
}

impl PointSpreadFunction {
    /// Computes the function; it takes about a millisecond.
    ///
    /// # Errors
    /// The numerical aperture is not below the refractive index, a quantity is not positive, or the
    /// voxels are unreasonably coarse.
    pub fn new(parameters: &PsfParameters) -> Result<Self, PsfError> {
        parameters.validate()?;
        // SimExm's grid extends over 16 voxels, and its 16 samples reach to its end: their pitch is
        // 16/15 of a voxel.
        let [step_z_um, step_r_um] = parameters
            .voxel_um()
            .map(|um| um * SAMPLES as f64 / RADIUS as f64);
        let spacing = SampleSpacing {
            step_z_um,
            step_r_um,
        };
        let excitation = parameters
            .beam(parameters.excitation_nm)
            .excitation(&spacing);
        let emission = || parameters.beam(parameters.emission_nm).emission(&spacing);
        let quarter = image_of_point(parameters, &excitation, emission);
        if !quarter.as_flattened().iter().all(|value| value.is_finite()) {
            return Err(PsfError::NoLight {
                numerical_aperture: parameters.numerical_aperture,
            });
        }
        Ok(Self {
            quarter,
            y_over_x: parameters.voxel_nm[2] / parameters.voxel_nm[1]
                * (parameters.expansion_factors[2] / parameters.expansion_factors[1]),
        })
    }

    /// Returns the quarter plane: [`RADIUS`] + 1 values along r for each of [`RADIUS`] + 1 places
    /// along z, r contiguous.
    pub fn quarter(&self) -> &[f64] {
        self.quarter.as_flattened()
    }

    /// The function on voxels, 1 at its centre, as the convolution takes it.
    pub fn on_voxels(&self) -> Psf {
        let octant = self.octant();
        Psf::from_fn(SHAPE, |z, x, y| {
            octant[(z * SAMPLES + x) * SAMPLES + y] as f32
        })
    }

    /// Interpolates the octant (z, x, y) of the cube, each axis from 0 to [`RADIUS`] voxels, y
    /// contiguous.
    ///
    /// Values are linear along r, and 0 beyond the quarter plane. Where voxels differ along x and
    /// y, r is counted in voxels along x.
    pub fn octant(&self) -> Vec<f64> {
        let mut octant = Vec::with_capacity(SAMPLES * SAMPLES * SAMPLES);
        for row in &self.quarter {
            for x in 0..SAMPLES {
                for y in 0..SAMPLES {
                    octant.push(at_radius(row, distance(x as f64, y as f64 * self.y_over_x)));
                }
            }
        }
        octant
    }
}

/// Joins excitation and emission into the microscope's image of a point.
fn image_of_point(
    parameters: &PsfParameters,
    excitation: &Quarter,
    emission: impl Fn() -> Quarter,
) -> Quarter {
    let product = |seen: &Quarter| {
        normalised(std::array::from_fn(|z| {
            std::array::from_fn(|r| excitation[z][r] * seen[z][r])
        }))
    };
    let open_um = OPEN_PINHOLE * parameters.excitation_nm / 1e3 / parameters.numerical_aperture;
    match parameters.microscope {
        Microscope::TwoPhoton => product(excitation),
        Microscope::Confocal if parameters.pinhole_radius_um <= open_um => {
            // Here the pitch is a voxel, not 16/15 of one: the two conventions differ in SimExm.
            let radius_px = parameters.pinhole_radius_um / parameters.voxel_um()[1];
            product(&pinhole::through(radius_px, &emission()))
        }
        // The other types are refused before.
        _ => product(&pinhole::open(&emission())),
    }
}

/// Divides the quarter plane by its value at the centre.
fn normalised(mut quarter: Quarter) -> Quarter {
    let centre = quarter[0][0];
    quarter
        .as_flattened_mut()
        .iter_mut()
        .for_each(|value| *value /= centre);
    quarter
}

/// Interpolates a row at a radius in samples: linear in between, the last value up to one sample
/// beyond it, then 0.
fn at_radius(row: &[f64; SAMPLES], radius: f64) -> f64 {
    let inner = radius as usize;
    match (row.get(inner), row.get(inner + 1)) {
        (Some(&a), Some(&b)) => a + (radius - inner as f64) * (b - a),
        (Some(&a), None) => a,
        _ => 0.0,
    }
}

/// Returns the distance of (x, y) from the axis. `f64::hypot` would depend on the platform.
fn distance(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}
