//! The least that a program needs: tissue in an array, a configuration in code, images in arrays.
//!
//! ```text
//! cargo run --release --example minimal
//! ```

use ndarray::Array3;
use simexm_gpu::config::Config;
use simexm_gpu::phantom::Phantom;
use simexm_gpu::simulation::{Options, Silent, Tissue, simulate_arrays};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    // Any array (z, x, y) of ids will do; here a made-up piece of brain.
    let mut config = Config::default();
    let size = [24, 128, 128];
    let phantom = Phantom {
        size,
        voxel_nm: config.groundtruth.voxel_or_nan(),
        seed: 1,
        density: 0.85,
    };
    let cells = Array3::from_shape_vec(size, phantom.generate()?)?;

    config.expansion.factor = 4.0.into();
    config.compute.seed = Some(7);
    let tissue = Tissue::new(cells.view());
    let images = simulate_arrays(&config, &tissue, Options::default(), &mut Silent)?;

    println!("on {}, seed {}", images.device, images.seed);
    for channel in &images.channels {
        println!(
            "{}: {:?} grey values (z, x, y); the brightest pixel holds {} photons",
            channel.name,
            channel.grey.dim(),
            channel.brightest_pixel_photons
        );
    }
    for truth in &images.ground_truth {
        println!(
            "{} labels {} cells",
            truth.fluorophore,
            truth.labelled.len()
        );
    }
    Ok(())
}
