//! GPU-first simulation of expansion microscopy: what would an expansion microscope show of this
//! tissue?
//!
//! A segmented volume is the ground truth. Cells are labelled with fluorophores, the tissue swells,
//! a microscope images it.
//!
//! # From arrays to arrays
//! ```
//! use simexm_gpu::ndarray::Array3;
//! use simexm_gpu::phantom::Phantom;
//! use simexm_gpu::simulation::{Options, Silent, Tissue};
//! use simexm_gpu::{Config, simulate_arrays};
//!
//! // Tissue is an array (z, x, y) of cell ids, 0 between the cells; here a made-up piece of brain.
//! let (size, voxel_nm) = ([8, 64, 64], [40.0, 24.0, 24.0]);
//! let mut config = Config::default();
//! config.groundtruth.voxel_nm = Some(voxel_nm);
//! let phantom = Phantom { size, voxel_nm, seed: 1, density: 0.85 };
//! let cells = Array3::from_shape_vec(size, phantom.generate()?)?;
//!
//! // The default is a confocal microscope and three dyes on membranes. What differs is set.
//! config.expansion.factor = 4.0.into();
//! config.compute.seed = Some(7);
//!
//! let tissue = Tissue::new(cells.view());
//! let images = simulate_arrays(&config, &tissue, Options::default(), &mut Silent)?;
//!
//! for channel in &images.channels {
//!     // Grey values (z, x, y), and what the brightest of them stands for.
//!     let photons = channel.brightest_pixel_photons;
//!     println!("{}: {:?}, up to {photons} photons", channel.name, channel.grey.dim());
//! }
//! // Which cells carry the first dye, and where they are in the images.
//! let truth = &images.ground_truth[0];
//! assert_eq!(truth.cells.dim(), images.channels[0].grey.dim());
//! println!("{}: cells {:?}", truth.fluorophore, truth.labelled);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # From files to files
//! ```no_run
//! use simexm_gpu::simulation::{Options, Silent};
//! use simexm_gpu::{Config, simulate};
//! use std::path::Path;
//!
//! let config = Config::from_file(Path::new("examples/brainbow.toml"), &[])?;
//! let report = simulate(&config, Options::default(), &mut Silent)?;
//! println!("{}: seed {}, on {}", report.folder.display(), report.seed, report.device);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Conventions
//! Axes are (z, x, y) everywhere: x is the row of an image and y its column. Lengths are nm unless
//! a name says otherwise. The same seed gives the same labels, counts and ground truth on every
//! device, and images that agree within rounding.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod api;
mod apps;
mod base;
pub mod config;
mod engine;
mod io;
mod model;
mod optics;
pub mod phantom;
mod run;
mod show;

#[doc(hidden)]
pub use api::findings;
pub use api::{convolution, device, error, fluorophore, plot, psf, read, simulation, write};
pub use config::Config;
pub use ndarray;
pub use run::simulation::{simulate, simulate_arrays};

/// The layers, for the programs, tests and benchmarks of this project. They change without notice.
#[cfg(not(simexm_public_only))]
#[doc(hidden)]
pub mod internals {
    macro_rules! layers {
        ($($layer:ident)*) => {
            $( pub mod $layer { pub use crate::$layer::*; } )*
        };
    }
    layers!(apps base engine io model optics run show);
    pub mod config {
        pub use crate::config::*;
        pub mod keys {
            pub use crate::config::keys::*;
        }
    }
}
