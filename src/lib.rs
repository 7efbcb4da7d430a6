//! GPU-first simulation of expansion microscopy.

pub mod camera;
pub mod cells;
pub mod compute;
pub mod config;
pub mod fft;
pub mod fluorophore;
pub mod ground_truth;
pub mod host;
pub mod io;
pub mod model;
pub mod phantom;
pub mod pipeline;
pub mod plan;
pub mod psf;
pub mod rng;
pub mod schedule;
pub mod simulation;
pub mod stages;
pub mod store;
pub mod volume;
