//! In-situ sequencing of barcodes in an expanded tissue: which cell is it, and where does it touch
//! others?
//!
//! Every cell has a barcode, a word of 15 letters over an alphabet of 4 dyes. Its copies, rolonies,
//! lie at random places: many in synapses, few in the cytosol. In each round of sequencing every
//! rolony carries the dye of the round's letter; the cytosol and the synapses of all cells are
//! stained as well.
//!
//! ```text
//! cargo run --release --example rolonies -- examples/output/rolonies [ROUNDS]
//! ```
//!
//! writes `round_01.tif` ... (ImageJ hyperstacks with the channels synapse, cytosol and the four
//! dyes) and `barcodes.json` with each cell's barcode and the places of its rolonies.

mod barcodes;
mod hyperstack;

use barcodes::{Barcodes, LETTERS};
use ndarray::{Array3, ArrayView3};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use simexm_gpu::config::{CellPart, Channel, Config, Layer};
use simexm_gpu::phantom::Phantom;
use simexm_gpu::simulation::{Options, Silent, Simulator, Tissue};
use std::error::Error;
use std::path::PathBuf;

/// Letters of a barcode, and rounds of sequencing.
const ROUNDS: usize = 15;

/// The dyes, their lasers and filters, so apart that each shows in its own channel only: the four
/// letters, then the stains. Channels are sorted by name.
const CHANNELS: [(&str, &str, f64, [f64; 2]); 6] = [
    ("letter 0", LETTERS[0], 488.0, [500.0, 540.0]),
    ("letter 1", LETTERS[1], 550.0, [565.0, 610.0]),
    ("letter 2", LETTERS[2], 640.0, [655.0, 685.0]),
    ("letter 3", LETTERS[3], 780.0, [795.0, 840.0]),
    ("stain of cytosol", "ATTO390", 390.0, [440.0, 480.0]),
    ("stain of synapses", "ATTO700", 700.0, [710.0, 750.0]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: rolonies FOLDER [ROUNDS]")?);
    let rounds: usize = match arguments.next() {
        Some(rounds) => rounds.to_string_lossy().parse()?,
        None => ROUNDS,
    };
    let mut random = StdRng::seed_from_u64(1);
    let config = config();
    let size = [20, 192, 192];
    let phantom = Phantom {
        size,
        voxel_nm: config.groundtruth.voxel_or_nan(),
        seed: 8,
        density: 0.85,
    };
    let cells = Array3::from_shape_vec(size, phantom.generate()?)?;
    let synapses = synapses(cells.view(), &mut random);
    let [factor, ..] = config.expansion.factors();
    let deviation_nm = barcodes::DEVIATION_GEL_NM / factor;
    let deviation_voxels = config
        .groundtruth
        .voxel_or_nan()
        .map(|nm| deviation_nm / nm);
    let barcodes = Barcodes::draw(
        cells.view(),
        synapses.view(),
        ROUNDS,
        deviation_voxels,
        &mut random,
    )?;
    let mut simulator = Simulator::new(&config.compute, &mut Silent)?;

    std::fs::create_dir_all(&folder)?;
    for round in 0..rounds.min(ROUNDS) {
        let counts = barcodes.counts(round, size);
        let mut tissue = Tissue::new(cells.view()).with_region("synapse", synapses.view());
        for (dye, counts) in LETTERS.iter().zip(&counts) {
            tissue = tissue.with_counts(dye, counts.view());
        }
        let images = simulator.simulate(&config, &tissue, Options::default(), &mut Silent)?;
        let path = folder.join(format!("round_{:02}.tif", round + 1));
        hyperstack::write(&path, &images)?;
        println!("{}", path.display());
    }
    let path = folder.join("barcodes.json");
    std::fs::write(&path, serde_json::to_string_pretty(&barcodes)?)?;
    println!("{}: {} cells", path.display(), barcodes.len());
    Ok(())
}

fn config() -> Config {
    let mut config = Config::default();
    config.groundtruth.voxel_nm = Some([40.0, 32.0, 32.0]);
    config.expansion.factor = 4.0.into();
    config.optics.focal_plane_depth_nm = 160.0;
    config.output.bit_depth = simexm_gpu::config::BitDepth::Sixteen;
    config.compute.seed = Some(1);
    let stain = |fluorophore: &str, region: CellPart| Layer {
        fluorophore: fluorophore.to_owned(),
        region,
        labeling_density: 1.0,
        protein_density_per_nm3: 2e-5,
        ..Layer::default()
    };
    let synapse = CellPart::Named("synapse".to_owned());
    config.labeling.layers = [
        ("cytosol".to_owned(), stain("ATTO390", CellPart::Cytosol)),
        ("synapse".to_owned(), stain("ATTO700", synapse)),
    ]
    .into();
    let channel = |&(name, _, laser_wavelength_nm, laser_filter_nm)| {
        let channel = Channel {
            laser_wavelength_nm,
            laser_filter_nm,
            ..Channel::default()
        };
        (String::from(name), channel)
    };
    config.optics.channels = CHANNELS.iter().map(channel).collect();
    config
}

/// A made-up annotation: discs of about 300 nm where two cells come near one another.
fn synapses(cells: ArrayView3<u32>, random: &mut StdRng) -> Array3<bool> {
    const RADIUS_VOXELS: isize = 5;
    let mut synapses = Array3::from_elem(cells.dim(), false);
    let (slices, rows, columns) = cells.dim();
    for _ in 0..cells.len() / 12_000 {
        let z = random.random_range(0..slices);
        let x = random.random_range(0..rows);
        let y = random.random_range(0..columns);
        let disc = |dz: isize, radius: isize| {
            (-radius..=radius).flat_map(move |dx| {
                (-radius..=radius)
                    .filter(move |dy| dx * dx + dy * dy <= radius * radius)
                    .map(move |dy| [dz, dx, dy])
            })
        };
        let voxel = |[dz, dx, dy]: [isize; 3]| {
            let voxel = (
                z.wrapping_add_signed(dz),
                x.wrapping_add_signed(dx),
                y.wrapping_add_signed(dy),
            );
            cells.get(voxel).map(|&id| (voxel, id))
        };
        let ids: std::collections::BTreeSet<u32> = disc(0, 3)
            .filter_map(voxel)
            .map(|(_, id)| id)
            .filter(|&id| id != 0)
            .collect();
        if ids.len() < 2 {
            continue;
        }
        for (voxel, _) in (-1..=1)
            .flat_map(|dz| disc(dz, RADIUS_VOXELS))
            .filter_map(voxel)
        {
            synapses[voxel] = true;
        }
    }
    synapses
}
