//! A made-up piece of brain: label volumes of entangled neurites and somata.
//!
//! A stand-in for a segmented electron-microscopy volume of cortex. Somata come first, ellipsoids
//! of 2 to 5 um radius in the number that cortex has; then dendrites (200 to 600 nm, tapering,
//! branching, with spines) and axons (50 to 150 nm, with varicosities), whose centre lines are
//! smooth random walks through the volume that steer towards room. From the centre lines, cells
//! grow outwards until they meet, at a speed in proportion to their planned radius, as in a
//! multiplicatively weighted Voronoi diagram. The extracellular space is what remains between them:
//! thin sheets and pockets, and here and there two cells that touch.
//!
//! The same parameters give the same volume on every platform: the arithmetic is that of IEEE 754
//! basic operations and square roots, done in one fixed order.

mod crowding;
mod gaps;
mod grid;
mod neurites;
mod noise;
mod organelles;
mod process;
mod random;
mod soma;
#[cfg(test)]
mod tests;
mod tissue;

use crowding::Crowding;
use grid::VoxelGrid;
use neurites::Branch;
use process::Grower;
use random::{Stream, StreamPurpose};
use soma::Soma;
use tissue::GrowingTissue;

/// Share of cortex that cells fill.
const CORTEX_DENSITY: f64 = 0.85;
/// Up to this density, cells that found no neighbour to grow against stay apart.
const SPARSE: f64 = 0.55;
/// From this density on, all space between cells is gaps.
const PACKED: f64 = 0.75;
/// Dendrites' share of the volume of all neurites.
const DENDRITE_SHARE: f64 = 0.42;
/// Largest share of the cells' volume for somata: a volume of little more than a soma shows
/// nothing.
const MAX_SOMA_SHARE: f64 = 0.4;
/// Largest share of the cells' volume for a soma in a volume smaller than a soma.
const MAX_CORNER_SHARE: f64 = 0.25;
/// Growth of a cell before the next one is placed, in units of its planned radius: later ones go
/// round it.
const CORE: f32 = 0.5;
/// Axons in a row that may find no room before the volume counts as full.
const MAX_FAILURES: u32 = 48;

/// The parameters of a phantom.
#[derive(Clone, Debug, PartialEq)]
pub struct Phantom {
    /// Voxels along (z, x, y).
    pub size: [usize; 3],
    /// Voxel edges along (z, x, y) in nm, each 1 to 1000.
    pub voxel_nm: [f64; 3],
    /// Seed of all draws: every seed gives another piece of tissue.
    pub seed: u64,
    /// Share of the voxels that belong to cells, 0 to 1. Cortex has 0.8 to 0.9.
    pub density: f64,
}

/// Error in the parameters of a phantom.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PhantomError {
    /// The size has an axis of 0 voxels.
    #[error("size {size:?} (z, x, y): every size must be at least 1")]
    EmptySize {
        /// Size asked for, (z, x, y).
        size: [usize; 3],
    },
    /// The size has more voxels than 32 bits count.
    #[error("size {size:?} (z, x, y): a phantom has at most 4294967295 voxels")]
    TooLarge {
        /// Size asked for, (z, x, y).
        size: [usize; 3],
    },
    /// The system refuses the memory for the labels.
    #[error(
        "size {size:?} (z, x, y): no memory for its {mebibytes} MiB of labels; choose a smaller size"
    )]
    OutOfMemory {
        /// Size asked for, (z, x, y).
        size: [usize; 3],
        /// Memory of the labels.
        mebibytes: usize,
    },
    /// A voxel edge is no number or outside its range.
    #[error("voxel size {voxel_nm:?} nm (z, x, y): every edge must be between 1 and 1000 nm")]
    VoxelSize {
        /// Voxel edges asked for, (z, x, y).
        voxel_nm: [f64; 3],
    },
    /// The density is no share.
    #[error("density {density}: must be between 0 and 1")]
    Density {
        /// Density asked for.
        density: f64,
    },
}

impl Phantom {
    /// Makes the volume: one cell id per voxel (z, x, y), y contiguous. Id 0 is extracellular;
    /// cells are numbered from 1 without gaps, somata first, then dendrites, then axons.
    ///
    /// Every cell is one piece, connected across voxel faces. The cells fill the share `density` of
    /// the voxels to the nearest voxel, or slightly more where all of them are too thin to lose
    /// one. Needs about 10 bytes a voxel, more where voxels are as coarse as neurites, and runs on
    /// one thread.
    ///
    /// # Errors
    /// Parameters outside their range, and a size whose labels do not fit the memory.
    pub fn generate(&self) -> Result<Vec<u32>, PhantomError> {
        let voxels = self.check()?;
        let mut labels = Vec::new();
        labels
            .try_reserve_exact(voxels)
            .map_err(|_| PhantomError::OutOfMemory {
                size: self.size,
                mebibytes: voxels.div_ceil(1 << 18),
            })?;
        labels.resize(voxels, 0);
        let grid = VoxelGrid {
            size: self.size,
            voxel_nm: self.voxel_nm,
        };
        let share = |density: f64| (density * voxels as f64).round() as usize;
        let target = share(self.density);
        // Dense tissue grows beyond its density and shrinks back, which leaves gaps between all
        // cells in place of hollows where cells happened to be few. Sparse cells end where they
        // are.
        let packed = ((self.density - SPARSE) / (PACKED - SPARSE)).clamp(0.0, 1.0);
        let full = share(self.density + packed * (1.0 - self.density));
        let mut making = Making {
            phantom: self,
            crowding: Crowding::new(&grid, self.density),
            tissue: GrowingTissue::new(grid, labels, target, self.seed),
            volume_nm3: 0.0,
            target_nm3: target as f64 * grid.voxel_volume_nm3(),
        };
        making.add_somata();
        making.add_dendrites();
        making.add_axons();
        // One cell alone has nothing to grow against.
        if making.tissue.cells() > 1 {
            making.tissue.target = full;
        }
        making.tissue.grow(f32::INFINITY);
        making.tissue.fill_hollows();
        making.tissue.target = target;
        making.tissue.widen_gaps();
        making.tissue.close_gaps();
        Ok(making.tissue.labels)
    }

    /// Checks the parameters; returns the number of voxels.
    fn check(&self) -> Result<usize, PhantomError> {
        let size = self.size;
        if size.contains(&0) {
            return Err(PhantomError::EmptySize { size });
        }
        let voxels = size.iter().try_fold(1_usize, |n, &s| n.checked_mul(s));
        let voxels = voxels
            .filter(|&n| u32::try_from(n).is_ok())
            .ok_or(PhantomError::TooLarge { size })?;
        if !self
            .voxel_nm
            .iter()
            .all(|edge| (1.0..=1_000.0).contains(edge))
        {
            return Err(PhantomError::VoxelSize {
                voxel_nm: self.voxel_nm,
            });
        }
        if !(0.0..=1.0).contains(&self.density) {
            return Err(PhantomError::Density {
                density: self.density,
            });
        }
        Ok(voxels)
    }
}

/// Phantom that is being made.
struct Making<'a> {
    phantom: &'a Phantom,
    tissue: GrowingTissue,
    crowding: Crowding,
    /// Planned volume of the cells so far.
    volume_nm3: f64,
    /// Planned volume of all cells.
    target_nm3: f64,
}

impl Making<'_> {
    fn stream(&self, purpose: StreamPurpose, index: u32) -> Stream {
        Stream::new(self.phantom.seed, purpose, index)
    }

    fn add_somata(&mut self) {
        /// Volume of a soma of 3.5 um.
        const TYPICAL_NM3: f64 = 1.8e11;
        let extent_nm = self.tissue.grid.extent_nm();
        let whole = extent_nm.iter().product::<f64>() > TYPICAL_NM3;
        let share = if whole {
            MAX_SOMA_SHARE
        } else {
            MAX_CORNER_SHARE
        };
        let most_nm3 = share * self.target_nm3;
        let expected = soma::expected(extent_nm) * self.phantom.density / CORTEX_DENSITY;
        let count = self.stream(StreamPurpose::Soma, 0).rounded(expected);
        let mut stems = Vec::new();
        for index in 1..=count {
            let mut stream = self.stream(StreamPurpose::Soma, index);
            let soma = Soma::place(extent_nm, &mut stream);
            let room_nm3 = most_nm3 - self.volume_nm3;
            if let Some((cell, soma_nm3)) =
                soma.paint(&mut self.tissue, &mut self.crowding, room_nm3)
            {
                self.volume_nm3 += soma_nm3;
                stems.push((cell, soma.stems(&mut stream), stream));
            }
        }
        for (cell, stems, mut stream) in stems {
            let stems_nm3 = neurites::dendrite(&mut self.grower(cell, &mut stream), stems, 500.0);
            self.volume_nm3 += stems_nm3.unwrap_or(0.0);
            self.tissue.grow(CORE);
        }
    }

    fn add_dendrites(&mut self) {
        let goal_nm3 = self.volume_nm3 + DENDRITE_SHARE * (self.target_nm3 - self.volume_nm3);
        // Model: a dendrite of 350 nm right through; 4 V / S is the mean length of a random chord.
        let [z, x, y] = self.tissue.grid.extent_nm();
        let typical_nm3 = 3.8e5 * 2.0 * z * x * y / (z * x + z * y + x * y);
        let mut failures = 0;
        for index in 0.. {
            let mut stream = self.stream(StreamPurpose::Dendrite, index);
            let room = (goal_nm3 - self.volume_nm3) / typical_nm3;
            if room <= 0.0
                || stream.unit() > room
                || failures == MAX_FAILURES
                || self.tissue.is_full()
            {
                break;
            }
            let radius_nm = 220.0 + 380.0 * stream.unit() * stream.unit();
            let cell = self.tissue.new_cell(500.0);
            let trunk = self.trunk(&mut stream, radius_nm);
            let min_length_nm = self.min_length_nm(radius_nm);
            let drawn = neurites::dendrite(
                &mut self.grower(cell, &mut stream),
                vec![trunk],
                min_length_nm,
            );
            failures = self.book(drawn, failures);
        }
    }

    fn add_axons(&mut self) {
        let mut failures = 0;
        for index in 0.. {
            let planned = self.volume_nm3 >= self.target_nm3 && self.tissue.cells() > 0;
            if planned || failures == MAX_FAILURES || self.tissue.is_full() {
                break;
            }
            let mut stream = self.stream(StreamPurpose::Axon, index);
            let radius_nm = 55.0 + 95.0 * stream.unit();
            let cell = self.tissue.new_cell(220.0);
            let trunk = self.trunk(&mut stream, radius_nm);
            // A volume too small for anything long still gets its first cell.
            let fits = failures < MAX_FAILURES / 2 || cell > 1;
            let min_length_nm = if fits {
                self.min_length_nm(4.0 * radius_nm)
            } else {
                0.0
            };
            let drawn = neurites::axon(&mut self.grower(cell, &mut stream), trunk, min_length_nm);
            failures = self.book(drawn, failures);
        }
    }

    fn grower<'b>(&'b mut self, cell: u32, stream: &'b mut Stream) -> Grower<'b> {
        Grower {
            tissue: &mut self.tissue,
            crowding: &mut self.crowding,
            stream,
            cell,
        }
    }

    fn trunk(&self, stream: &mut Stream, radius_nm: f64) -> Branch {
        let (start, direction) = neurites::entrance(&self.tissue, &self.crowding, stream);
        Branch {
            start,
            direction,
            radius_nm,
            order: 0,
        }
    }

    /// Returns the least length of a neurite worth having; in a thin volume none is long.
    fn min_length_nm(&self, radius_nm: f64) -> f64 {
        let thinnest = self
            .tissue
            .grid
            .extent_nm()
            .iter()
            .fold(f64::INFINITY, |a, &b| a.min(b));
        (3.0 * radius_nm).min(0.5 * thinnest)
    }

    /// Counts the newest cell in, or forgets it if it found no room. Returns the failures in a row.
    fn book(&mut self, drawn_nm3: Option<f64>, failures: u32) -> u32 {
        match drawn_nm3 {
            Some(volume_nm3) => {
                self.volume_nm3 += volume_nm3;
                self.tissue.grow(CORE);
                0
            }
            None => {
                self.tissue.forget_newest_cell();
                failures + 1
            }
        }
    }
}
