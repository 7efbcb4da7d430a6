//! GPU-first simulation of expansion microscopy: what would an expansion microscope show of this
//! tissue?
//!
//! A segmented volume is the ground truth. Cells are labelled with fluorophores, the tissue swells,
//! a microscope images it. Every stage is a compute shader with a twin on the CPU, and the two
//! agree: to the bit wherever integers are concerned, within rounding in the convolution.
//!
//! [`run::simulation::simulate`] runs a [`config::Config`] from files to files. Beneath it, in the
//! order in which a run meets them: [`io`] reads and writes volumes, [`run::ground_truth`] loads
//! the cells, [`model`] derives tables and point spread functions from [`optics`], [`run::plan`]
//! cuts the volume into slabs, [`run::pipeline`] sends them through the [`engine::stages`] on a
//! [`engine::compute::Backend`].
//!
//! Axes are (z, x, y) everywhere: x is the row of an image and y its column. Lengths are nm unless
//! a name says otherwise.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod apps;
pub mod base;
pub mod config;
pub mod engine;
pub mod io;
pub mod model;
pub mod optics;
pub mod phantom;
pub mod run;
pub mod show;
