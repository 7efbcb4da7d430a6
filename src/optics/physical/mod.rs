//! Optics of the model `physical`: from a dye and a microscope to the electrons that a fluorophore
//! gives to the voxels around it, in f64.
//!
//! [`photons`] says how often a fluorophore is excited and which share of its photons is counted;
//! [`pupil`] how an objective takes or focuses light through sample, coverslip and immersion;
//! [`focus`] how dense that light is around the focus; [`microscopes`] joins the three into the
//! electrons per area of image, and [`voxels`] sums these over voxels. [`depth`] chooses the depths
//! at which a sample of another index needs a kernel of its own.
//!
//! Lengths are um in the gel. z is the emitter's place minus the focus', positive where the emitter
//! lies deeper, away from the objective. Formulas are those of docs/physical.md, sections 2 to 4.

mod bessel;
mod between;
mod cis;
mod curve_file;
pub mod depth;
mod disc;
mod error;
pub mod focus;
mod kappa;
mod kept;
pub mod measured;
pub mod microscopes;
pub mod photons;
mod profile;
pub mod pupil;
mod radial;
mod reach;
pub mod sheet;
mod shift;
pub mod voxels;

pub use depth::{depth_nodes, mixture};
pub use error::OpticsError;
pub use focus::{FieldModel, Focus, Light};
pub use kept::{keep_kernels, kernel};
pub use measured::Measured;
pub use microscopes::{Imaging, Microscope};
pub use photons::{Band, Curve, Emitter, Pulses, SeenLight};
pub use pupil::{Media, Objective};
pub use sheet::{Lobe, Sheet};
pub use voxels::{Accuracy, Kernel, VoxelGrid};

#[cfg(test)]
mod tests;
