//! Barcodes of cells and the places of their rolonies.

use ndarray::{Array3, ArrayView3};
use rand::RngExt;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Normal, Poisson};
use serde::Serialize;
use std::collections::BTreeMap;

/// The dyes that spell the barcodes, in the order of their letters.
pub const LETTERS: [&str; 4] = ["ATTO488", "ATTO550", "ATTO647N", "Alexa790"];

/// Fluorophores of a rolony.
const PROTEINS: usize = 50;

/// Spread of a rolony's fluorophores in the expanded gel.
pub const DEVIATION_GEL_NM: f64 = 100.0;

/// Rolonies of a cell per voxel of its synapses; in its cytosol a hundredth of it.
const PER_SYNAPSE_VOXEL: f64 = 2.0 / 500.0;

/// The barcodes of a tissue.
#[derive(Serialize)]
pub struct Barcodes {
    /// Dye of each letter.
    letters: [&'static str; 4],
    /// By id.
    cells: BTreeMap<u32, Cell>,
}

#[derive(Default, Serialize)]
struct Cell {
    /// One letter for each round, by its number.
    barcode: Vec<usize>,
    /// Voxels (z, x, y) of the rolonies in synapses.
    in_synapses: Vec<[usize; 3]>,
    /// Voxels (z, x, y) of the rolonies in the cytosol.
    in_cytosol: Vec<[usize; 3]>,
    /// Voxels of all fluorophores of all rolonies.
    #[serde(skip)]
    fluorophores: Vec<[usize; 3]>,
}

impl Barcodes {
    /// Gives every cell a barcode and its rolonies: for each of its voxels a Poisson number of
    /// them, which over a region is the same as a Poisson number at uniform places. A rolony is a
    /// normal cloud of fluorophores around its place, the same in all rounds.
    pub fn draw(
        cells: ArrayView3<u32>,
        synapses: ArrayView3<bool>,
        rounds: usize,
        deviation_voxels: [f64; 3],
        random: &mut StdRng,
    ) -> Result<Self, rand_distr::NormalError> {
        let [z, x, y] = deviation_voxels.map(|deviation| Normal::new(0.0, deviation));
        let axes = [z?, x?, y?];
        let mut found: BTreeMap<u32, Cell> = BTreeMap::new();
        for ((voxel, &id), &synapse) in cells.indexed_iter().zip(synapses) {
            if id == 0 {
                continue;
            }
            let cell = found.entry(id).or_default();
            let (mean, places) = if synapse {
                (PER_SYNAPSE_VOXEL, &mut cell.in_synapses)
            } else {
                (PER_SYNAPSE_VOXEL / 100.0, &mut cell.in_cytosol)
            };
            for _ in 0..poisson(mean, random) {
                places.push(voxel.into());
            }
        }
        for cell in found.values_mut() {
            cell.barcode = (0..rounds)
                .map(|_| random.random_range(0..LETTERS.len()))
                .collect();
            for place in cell.in_synapses.iter().chain(&cell.in_cytosol) {
                for _ in 0..PROTEINS {
                    cell.fluorophores.push(std::array::from_fn(|axis| {
                        let shift = axes[axis].sample(random).round() as isize;
                        place[axis].wrapping_add_signed(shift)
                    }));
                }
            }
        }
        Ok(Self {
            letters: LETTERS,
            cells: found,
        })
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// The fluorophores of each letter in a round, per voxel (z, x, y); what leaves the volume is
    /// lost.
    pub fn counts(&self, round: usize, size: [usize; 3]) -> [Array3<u32>; 4] {
        let mut counts = LETTERS.map(|_| Array3::zeros(size));
        for cell in self.cells.values() {
            let counts = &mut counts[cell.barcode[round]];
            for &voxel in &cell.fluorophores {
                if let Some(count) = counts.get_mut(voxel) {
                    *count += 1;
                }
            }
        }
        counts
    }
}

/// A Poisson number; none where the mean is no positive number.
fn poisson(mean: f64, random: &mut StdRng) -> usize {
    Poisson::new(mean).map_or(0, |law| law.sample(random) as usize)
}
