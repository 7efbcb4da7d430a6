//! Tissue that is being made: which voxel belongs to which cell, and the fronts along which cells
//! grow.

use super::grid::VoxelGrid;
use super::noise::{Noise, NoiseFrame};
use super::random::{Stream, StreamPurpose, Vec3};

/// Buckets of the queue per unit of time.
const BUCKETS_PER_UNIT: f32 = 256.0;
/// Most buckets: later times share the last one.
const MAX_BUCKETS: usize = 64 * 256;
/// Distance that a front advances in a unit of time once it has its radius: the same for thick and
/// thin processes, so that thick ones do not swallow their neighbours where there is room.
const CREEP_NM: f32 = 120.0;
/// Size of the patches in which cells touch, or stay apart.
const PATCH_NM: f64 = 300.0;
/// Height of the noise above which cells may touch: in about one place of seven.
const TOUCH_ABOVE: f32 = 0.3;
/// Share by which the noise speeds up or slows down a front.
const ROUGHNESS: f32 = 0.4;

/// Origin of a front: a point of a process's centre line, or of a soma's surface.
pub(super) struct FrontOrigin {
    position_nm: [f32; 3],
    per_radius: f32,
    cell: u32,
}

/// Front about to enter a voxel.
struct Arrival {
    voxel: u32,
    origin: u32,
}

/// Labels and fronts. A front that started at a point of radius r arrives at distance d < r at time
/// d / r, bent by noise: at time 1 every process has about the radius it was planned with. From
/// then on all fronts are equally slow.
///
/// A voxel is only ever given to a cell that holds one of its six face neighbours already, or
/// continues the chain of face neighbours of a process, so that every cell is connected by
/// construction.
pub(super) struct GrowingTissue {
    pub(super) grid: VoxelGrid,
    /// Cell ids, 0 where no cell is.
    pub(super) labels: Vec<u32>,
    /// Voxels that the cells hold in the end.
    pub(super) target: usize,
    claimed: usize,
    origins: Vec<FrontOrigin>,
    outlines: Vec<NoiseFrame>,
    patches: NoiseFrame,
    noise: Noise,
    buckets: Vec<Vec<Arrival>>,
    first_bucket: usize,
    seed: u64,
}

impl GrowingTissue {
    /// Makes tissue without cells; `labels` is all 0, one per voxel of the grid.
    pub(super) fn new(grid: VoxelGrid, labels: Vec<u32>, target: usize, seed: u64) -> Self {
        Self {
            grid,
            labels,
            target,
            claimed: 0,
            origins: Vec::new(),
            outlines: Vec::new(),
            patches: NoiseFrame::draw(&mut Stream::new(seed, StreamPurpose::Outline, 0), PATCH_NM),
            noise: Noise::new(seed),
            buckets: Vec::new(),
            first_bucket: 0,
            seed,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.claimed >= self.target
    }

    pub(super) fn cells(&self) -> u32 {
        self.outlines.len() as u32
    }

    pub(super) fn noise(&self) -> &Noise {
        &self.noise
    }

    /// Adds a cell whose outline is rough on the scale of `feature_nm`; returns its id.
    pub(super) fn new_cell(&mut self, feature_nm: f64) -> u32 {
        let id = self.cells() + 1;
        let mut stream = Stream::new(self.seed, StreamPurpose::Outline, id);
        self.outlines
            .push(NoiseFrame::draw(&mut stream, feature_nm));
        id
    }

    /// Takes back the newest cell, which must hold no voxel.
    pub(super) fn forget_newest_cell(&mut self) {
        self.outlines.pop();
    }

    /// Gives a free voxel to a cell; the caller sees to it that the cell stays connected.
    pub(super) fn claim(&mut self, voxel: usize, cell: u32) {
        debug_assert_eq!(self.labels[voxel], 0);
        self.labels[voxel] = cell;
        self.claimed += 1;
    }

    pub(super) fn release(&mut self, voxel: usize) {
        self.labels[voxel] = 0;
        self.claimed -= 1;
    }

    /// Starts a front of `cell` at a voxel it holds. The front reaches `radius_nm` one unit of time
    /// later.
    pub(super) fn start_front(
        &mut self,
        voxel: usize,
        cell: u32,
        position_nm: Vec3,
        radius_nm: f64,
    ) {
        let origin = self.origins.len() as u32;
        let position_nm = position_nm.map(|p| p as f32);
        self.origins.push(FrontOrigin {
            position_nm,
            per_radius: (1.0 / radius_nm) as f32,
            cell,
        });
        self.first_bucket = 0;
        self.spread(self.grid.coordinates(voxel), origin);
    }

    /// Queues the free neighbours of a voxel.
    fn spread(&mut self, voxel: [usize; 3], origin: u32) {
        let from = &self.origins[origin as usize];
        let outline = &self.outlines[from.cell as usize - 1];
        let grid = self.grid;
        let here = grid.centre_nm(voxel).map(|p| p as f32);
        let bend = 1.0 + ROUGHNESS * self.noise.at(outline, here);
        grid.for_each_neighbour(voxel, |index, [z, x, y]| {
            if self.labels[index] != 0 {
                return;
            }
            let point = grid.centre_nm([z, x, y]).map(|p| p as f32);
            let [dz, dx, dy] = [0, 1, 2].map(|a| point[a] - from.position_nm[a]);
            let distance = (dz * dz + dx * dx + dy * dy).sqrt();
            let reach = distance * from.per_radius;
            let beyond_nm = (distance - 1.0 / from.per_radius).max(0.0);
            let time = bend * (reach.min(1.0) + beyond_nm / CREEP_NM);
            let bucket = ((time * BUCKETS_PER_UNIT) as usize).clamp(self.first_bucket, MAX_BUCKETS);
            if bucket >= self.buckets.len() {
                self.buckets.resize_with(bucket + 1, Vec::new);
            }
            self.buckets[bucket].push(Arrival {
                voxel: index as u32,
                origin,
            });
        });
    }

    /// Lets the cells grow until `time`, or until they fill the volume as far as they shall, with a
    /// gap of one voxel where two of them meet, except in the patches where they may touch.
    pub(super) fn grow(&mut self, time: f32) {
        let end = (time * BUCKETS_PER_UNIT) as usize;
        while self.first_bucket < self.buckets.len().min(end) {
            // A bucket may receive more while it is worked on.
            let arrivals = std::mem::take(&mut self.buckets[self.first_bucket]);
            if arrivals.is_empty() {
                self.first_bucket += 1;
            }
            for arrival in arrivals {
                if self.is_full() {
                    return;
                }
                self.arrive(&arrival);
            }
        }
    }

    fn arrive(&mut self, arrival: &Arrival) {
        let index = arrival.voxel as usize;
        if self.labels[index] != 0 {
            return;
        }
        let cell = self.origins[arrival.origin as usize].cell;
        let voxel = self.grid.coordinates(index);
        let meets_another = self.meets_another(voxel, cell);
        if !meets_another || self.patch_height(index) > TOUCH_ABOVE {
            self.claim(index, cell);
            self.spread(voxel, arrival.origin);
        }
    }

    /// Returns true where a face neighbour of a voxel belongs to another cell than this one.
    pub(super) fn meets_another(&self, voxel: [usize; 3], cell: u32) -> bool {
        let mut meets = false;
        self.grid.for_each_neighbour(voxel, |neighbour, _| {
            let label = self.labels[neighbour];
            meets |= label != 0 && label != cell;
        });
        meets
    }

    /// Returns the noise that decides where cells touch (above) and where they are apart (below),
    /// -1 to 1.
    pub(super) fn patch_height(&self, index: usize) -> f32 {
        let point = self.grid.centre_nm(self.grid.coordinates(index));
        self.noise.at(&self.patches, point.map(|p| p as f32))
    }

    /// Returns the number of voxels that the cells have too many.
    pub(super) fn excess(&self) -> usize {
        self.claimed.saturating_sub(self.target)
    }
}
