//! Optics in f64: dyes and photons, point spread functions, and the pixels of a camera.

pub mod camera;
pub mod detector;
pub mod fluorophore;
pub mod focal_planes;
pub mod microscope;
pub mod objective;
pub mod physical;
pub mod psf;
mod quadrature;
