//! Training data without end: images and their ground truth from random places of a volume, each
//! with a seed of its own, as a data loader wants them.
//!
//! ```text
//! cargo run --release --example training_pairs -- examples/output/training_pairs.png
//! ```
//!
//! Makes a picture of the first pairs: images above, the ids of the labelled cells below.

use image::{Rgb, RgbImage};
use ndarray::{Array3, ArrayView3, s};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use simexm_gpu::config::{Config, Layer};
use simexm_gpu::phantom::Phantom;
use simexm_gpu::simulation::{Options, Silent, SimulationError, Simulator, Tissue};
use std::error::Error;
use std::path::PathBuf;

/// An image and what is to be found in it, both (z, x, y).
struct Pair {
    image: Array3<u16>,
    cells: Array3<u64>,
}

/// Draws pairs from a volume, the same ones for the same seed.
struct TrainingPairs<'a> {
    cells: ArrayView3<'a, u32>,
    config: Config,
    /// Size of a pair in voxels, (z, x, y).
    crop: [usize; 3],
    random: StdRng,
    simulator: Simulator,
}

impl Iterator for TrainingPairs<'_> {
    type Item = Result<Pair, SimulationError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.pair())
    }
}

impl TrainingPairs<'_> {
    fn pair(&mut self) -> Result<Pair, SimulationError> {
        // What lies beside the crop shines into it: simulate that too, and cut it off.
        let size: [usize; 3] = self.cells.dim().into();
        let offset = [0, 1, 2].map(|axis| {
            let last = size[axis].saturating_sub(self.crop[axis]);
            self.random.random_range(0..=last)
        });
        let before = offset.map(|first| first.min(REACH));
        let first: [usize; 3] = std::array::from_fn(|axis| offset[axis] - before[axis]);
        let bounds: [usize; 3] = std::array::from_fn(|axis| {
            let last = offset[axis] + self.crop[axis] + REACH;
            last.min(size[axis]) - first[axis]
        });
        self.config.groundtruth.offset_voxels = first;
        self.config.groundtruth.bounds_voxels = Some(bounds);
        self.config.compute.seed = Some(self.random.random());
        let tissue = Tissue::new(self.cells);
        let images =
            self.simulator
                .simulate(&self.config, &tissue, Options::default(), &mut Silent)?;
        // The camera of this example has a pixel for every voxel.
        let [z, x, y] = std::array::from_fn(|axis| {
            let end = (before[axis] + self.crop[axis]).min(bounds[axis]);
            before[axis]..end
        });
        Ok(Pair {
            image: images.channels[0]
                .grey
                .slice(s![z.clone(), x.clone(), y.clone()])
                .to_owned(),
            cells: images.ground_truth[0].cells.slice(s![z, x, y]).to_owned(),
        })
    }
}

/// Voxels from the centre of a point spread function to its last one: light from farther away does
/// not reach a crop.
const REACH: usize = 15;

/// A colour of its own for each id; black for none.
fn colour_of(id: u64) -> Rgb<u8> {
    if id == 0 {
        return Rgb([0; 3]);
    }
    let mix = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Rgb([56, 40, 24].map(|shift| 64 + ((mix >> shift) as u8 % 192)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let picture = std::env::args_os().nth(1).map(PathBuf::from);
    let picture = picture.ok_or("usage: training_pairs PICTURE.png")?;
    let mut config = Config::default();
    let voxel_nm = [40.0, 32.0, 32.0];
    config.groundtruth.voxel_nm = Some(voxel_nm);
    let [factor, ..] = config.expansion.factors();
    config.optics.pixel_size_nm = voxel_nm[1] * factor * config.optics.objective_factor;
    config.optics.focal_plane_depth_nm = voxel_nm[0] * factor;
    let layer = Layer {
        labeling_density: 0.5,
        protein_density_per_nm3: 1e-4,
        ..Layer::default()
    };
    config.labeling.layers = [("cells".to_owned(), layer)].into();

    let size = [48, 256, 256];
    let phantom = Phantom {
        size,
        voxel_nm,
        seed: 2,
        density: 0.85,
    };
    let cells = Array3::from_shape_vec(size, phantom.generate()?)?;
    let pairs = TrainingPairs {
        simulator: Simulator::new(&config.compute, &mut Silent)?,
        cells: cells.view(),
        config,
        crop: [8, 96, 96],
        random: StdRng::seed_from_u64(0),
    };
    let shown = pairs.take(5).collect::<Result<Vec<_>, _>>()?;
    save(&picture, &shown)?;
    println!("{}", picture.display());
    Ok(())
}

/// The middle slices, images above and cells below.
fn save(path: &PathBuf, pairs: &[Pair]) -> Result<(), Box<dyn Error>> {
    const GAP: usize = 4;
    let Some((slices, rows, columns)) = pairs.first().map(|pair| pair.image.dim()) else {
        return Ok(());
    };
    let (width, height) = (pairs.len() * (columns + GAP) - GAP, 2 * rows + GAP);
    let picture = RgbImage::from_fn(width as u32, height as u32, |column, row| {
        let (number, y) = (
            column as usize / (columns + GAP),
            column as usize % (columns + GAP),
        );
        let (below, x) = (row as usize / (rows + GAP), row as usize % (rows + GAP));
        if y >= columns || x >= rows {
            return Rgb([255; 3]);
        }
        let (pair, pixel) = (&pairs[number], (slices / 2, x, y));
        match below {
            0 => Rgb([pair.image[pixel].min(255) as u8; 3]),
            _ => colour_of(pair.cells[pixel]),
        }
    });
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    picture.save(path)?;
    Ok(())
}
