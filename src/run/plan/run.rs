//! The plan of a whole run: of a volume at once, or of tiles of it along x and y.

use super::{Contents, HostMemory, ImageBox, Plan, PlanError, Planner, Tile};
use crate::engine::compute::{BufferSpec, Limits};
use crate::engine::schedule::Step;
use crate::model::Model;
use std::ops::Range;

/// How a run is cut along x, y and z, and what it allocates for each part.
#[derive(Clone, Debug)]
pub struct RunPlan {
    /// What the volume holds.
    pub contents: Contents,
    /// The part of the images that is made.
    pub part: ImageBox,
    /// Tiles along x and along y.
    pub cut: [usize; 2],
    /// The tiles, at least one; those of a row of tiles follow one another.
    pub tiles: Vec<TilePlan>,
}

/// A tile, and its plan.
#[derive(Clone, Debug)]
pub struct TilePlan {
    /// Where it lies.
    pub tile: Tile,
    /// Its slabs and buffers.
    pub plan: Plan,
    /// The images that are made.
    pub images: Range<usize>,
}

impl TilePlan {
    /// The images that a step makes.
    pub fn images_of(&self, model: &Model, step: &Step) -> Range<usize> {
        self.within(model.images_of(step))
    }

    /// The images whose ground truth a step makes.
    pub fn truths_of(&self, model: &Model, step: &Step) -> Range<usize> {
        self.within(model.truths_of(step))
    }

    /// Those of some images that are made.
    fn within(&self, images: Range<usize>) -> Range<usize> {
        let start = images.start.max(self.images.start);
        start..images.end.min(self.images.end).max(start)
    }
}

impl RunPlan {
    /// The fewest tiles, and in them the deepest slabs, that the limits allow for a volume of these
    /// contents: slabs of at most `deepest` slices, and at least `least` tiles along x and y.
    ///
    /// # Errors
    /// When not even a slice of the smallest tile fits.
    pub fn new(
        model: &Model,
        contents: Contents,
        limits: &Limits,
        deepest: usize,
        least: [usize; 2],
    ) -> Result<Self, PlanError> {
        let whole = ImageBox::whole(model);
        Self::of_part(model, contents, limits, deepest, least, &whole)
    }

    /// As [`RunPlan::new`], of a part of the images.
    ///
    /// # Errors
    /// As [`RunPlan::new`].
    pub fn of_part(
        model: &Model,
        contents: Contents,
        limits: &Limits,
        deepest: usize,
        least: [usize; 2],
        part: &ImageBox,
    ) -> Result<Self, PlanError> {
        let cuts = Self::cuts_of(part.most_tiles(model), least);
        let attempt =
            |number: usize| Self::with_cut(model, contents, limits, deepest, cuts[number], part);
        let last = cuts.len() - 1;
        let refused = match attempt(0) {
            Ok(plan) => return Ok(Self::deeper(plan, 0, last, limits, attempt)),
            Err(refused) => refused,
        };
        // More tiles are smaller ones, down to a block: double them, and bisect.
        let (mut too_few, mut enough) = (0, None);
        while enough.is_none() && too_few < last {
            let number = (2 * too_few + 1).min(last);
            match attempt(number) {
                Ok(plan) => enough = Some((number, plan)),
                Err(error) if number == last => return Err(error),
                Err(_) => too_few = number,
            }
        }
        let Some((mut number, mut plan)) = enough else {
            return Err(refused);
        };
        while number - too_few > 1 {
            let middle = too_few.midpoint(number);
            match attempt(middle) {
                Ok(fewer) => (number, plan) = (middle, fewer),
                Err(_) => too_few = middle,
            }
        }
        Ok(Self::deeper(plan, number, last, limits, attempt))
    }

    /// A plan, or where its slabs have one slice because the longest ring fills a binding, while the
    /// device has memory for more, one with the fewest tiles whose rings leave room for several.
    fn deeper(
        plan: Self,
        number: usize,
        last: usize,
        limits: &Limits,
        attempt: impl Fn(usize) -> Result<Self, PlanError>,
    ) -> Self {
        let own = &plan.widest().plan;
        let ring = own.largest().map_or(0, BufferSpec::bytes);
        let has_room = own.device_bytes().saturating_mul(2) <= limits.wanted_bytes;
        let is_full = ring > limits.binding_bytes / 2;
        if own.slab > 1 || own.is_one_step() || !is_full || !has_room {
            return plan;
        }
        let more = (number + 1..=last).filter_map(|number| attempt(number).ok());
        let deep = |plan: &Self| plan.widest().plan.slab > 1;
        more.into_iter().find(deep).unwrap_or(plan)
    }

    /// The cuts (x, y) of a model's volume from `least` on, coarsest first: along x as far as its
    /// blocks allow, then along y. No two have as many tiles.
    pub fn cuts(model: &Model, least: [usize; 2]) -> Vec<[usize; 2]> {
        Self::cuts_of(Tile::most(model), least)
    }

    fn cuts_of([most_x, most_y]: [usize; 2], least: [usize; 2]) -> Vec<[usize; 2]> {
        let (least_x, least_y) = (least[0].clamp(1, most_x), least[1].clamp(1, most_y));
        let along_x = (least_x..=most_x).map(|x| [x, least_y]);
        let along_y = (least_y + 1..=most_y).map(|y| [most_x, y]);
        along_x.chain(along_y).collect()
    }

    fn with_cut(
        model: &Model,
        contents: Contents,
        limits: &Limits,
        deepest: usize,
        cut: [usize; 2],
        part: &ImageBox,
    ) -> Result<Self, PlanError> {
        let tiles = part.split(model, cut);
        let voxels = |tile: &Tile| tile.size().iter().product::<usize>();
        // The largest one decides on the slabs of all.
        let largest = tiles.iter().max_by_key(|tile| voxels(tile));
        let planner = |tile| {
            let planner = Planner::new(model, contents, tile, tiles.len(), limits)?;
            Ok(planner.of_part(part))
        };
        let largest = largest.map(planner);
        let slab = match largest.transpose()? {
            Some(planner) => planner.deepest(deepest)?.slab,
            None => 1,
        };
        let planned = tiles.iter().map(|tile| {
            Ok(TilePlan {
                tile: tile.clone(),
                plan: planner(tile)?.with_slab(slab),
                images: part.images.clone(),
            })
        });
        Ok(Self {
            contents,
            part: part.clone(),
            cut,
            tiles: planned.collect::<Result<_, PlanError>>()?,
        })
    }

    /// The first tile, most often the only one.
    pub fn first(&self) -> &TilePlan {
        &self.tiles[0]
    }

    /// True where what is made is cut along x or y, or from more than it.
    pub fn is_tiled(&self) -> bool {
        let [x, y] = self.part.size();
        self.tiles.len() > 1 || self.first().tile.image_size() != [x, y]
    }

    /// The tile that needs most.
    pub fn widest(&self) -> &TilePlan {
        let needs = |tile: &&TilePlan| tile.plan.device_bytes();
        self.tiles.iter().max_by_key(needs).unwrap_or(self.first())
    }

    /// What the device holds at most, in bytes.
    pub fn device_bytes(&self) -> u64 {
        self.widest().plan.device_bytes()
    }

    /// What the run takes of the host's memory, where it takes most.
    pub fn host(&self) -> HostMemory {
        let all = self.tiles.iter().map(|tile| tile.plan.host);
        all.max_by_key(HostMemory::peak_bytes).unwrap_or_default()
    }
}
