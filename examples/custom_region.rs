//! A region of one's own: layers can label any part of the cells that a mask marks. Here the core
//! of each cell, the voxels that lie far from its surface, in one colour, its membrane in another.
//!
//! ```text
//! cargo run --release --example custom_region -- examples/output/custom_region.png
//! ```

use image::{Rgb, RgbImage};
use ndarray::{Array3, ArrayView3};
use simexm_gpu::config::{CellPart, Config, Layer};
use simexm_gpu::phantom::Phantom;
use simexm_gpu::simulation::{ChannelImage, Options, Silent, Tissue, simulate_arrays};
use std::error::Error;
use std::path::PathBuf;

/// How far the core keeps from the surface, in voxels of a slice.
const DEPTH_VOXELS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let picture = std::env::args_os().nth(1).map(PathBuf::from);
    let picture = picture.ok_or("usage: custom_region PICTURE.png")?;
    let size = [16, 160, 160];
    let mut config = Config::default();
    config.groundtruth.voxel_nm = Some([40.0, 32.0, 32.0]);
    let phantom = Phantom {
        size,
        voxel_nm: config.groundtruth.voxel_or_nan(),
        seed: 5,
        density: 0.85,
    };
    let cells = Array3::from_shape_vec(size, phantom.generate()?)?;
    let core = core(cells.view());

    // Every cell carries both dyes.
    let layer = |fluorophore: &str, region: CellPart| Layer {
        fluorophore: fluorophore.to_owned(),
        region,
        labeling_density: 1.0,
        protein_density_per_nm3: 1e-4,
        ..Layer::default()
    };
    config.labeling.layers = [
        (
            "core".to_owned(),
            layer("ATTO488", CellPart::Named("core".to_owned())),
        ),
        ("surface".to_owned(), layer("ATTO647N", CellPart::Membrane)),
    ]
    .into();
    let channel = |laser_nm: f64, filter_nm: [f64; 2]| simexm_gpu::config::Channel {
        laser_wavelength_nm: laser_nm,
        laser_filter_nm: filter_nm,
        ..Default::default()
    };
    config.optics.channels = [
        ("green".to_owned(), channel(488.0, [500.0, 550.0])),
        ("red".to_owned(), channel(640.0, [655.0, 700.0])),
    ]
    .into();
    config.compute.seed = Some(1);

    let tissue = Tissue::new(cells.view()).with_region("core", core.view());
    let images = simulate_arrays(&config, &tissue, Options::default(), &mut Silent)?;
    let [green, red] = images.channels.as_slice() else {
        return Err("two channels were asked for".into());
    };
    save(&picture, green, red)?;
    println!("{}", picture.display());
    Ok(())
}

/// The voxels whose square neighbourhood in the slice lies in the same cell.
fn core(cells: ArrayView3<u32>) -> Array3<bool> {
    let (_, rows, columns) = cells.dim();
    Array3::from_shape_fn(cells.dim(), |(z, x, y)| {
        let near = |at: usize, size: usize| {
            at.saturating_sub(DEPTH_VOXELS)..(at + DEPTH_VOXELS + 1).min(size)
        };
        let id = cells[(z, x, y)];
        let mut around = near(x, rows).flat_map(|x| near(y, columns).map(move |y| (z, x, y)));
        id != 0 && around.all(|voxel| cells[voxel] == id)
    })
}

/// The middle slice in colour.
fn save(path: &PathBuf, green: &ChannelImage, red: &ChannelImage) -> Result<(), Box<dyn Error>> {
    let (slices, rows, columns) = green.grey.dim();
    let picture = RgbImage::from_fn(columns as u32, rows as u32, |y, x| {
        let pixel = (slices / 2, x as usize, y as usize);
        let [green, red] = [green, red].map(|channel| channel.grey[pixel].min(255) as u8);
        Rgb([red, green, red / 2])
    });
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    picture.save(path)?;
    Ok(())
}
