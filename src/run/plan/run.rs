//! The plan of a whole run: of a volume at once, or of tiles of it along x.

use super::{Contents, HostMemory, Plan, PlanError, Planner, Tile};
use crate::engine::compute::Limits;
use crate::model::Model;
use std::borrow::Cow;

/// How a run is cut along x and z, and what it allocates for each part.
#[derive(Clone, Debug)]
pub struct RunPlan<'a> {
    /// What the volume holds.
    pub contents: Contents,
    /// The first part along x, most often the only one.
    pub first: TilePlan<'a>,
    /// Those after it.
    pub rest: Vec<TilePlan<'a>>,
}

/// A tile, and its plan.
#[derive(Clone, Debug)]
pub struct TilePlan<'a> {
    /// Where it lies.
    pub tile: Tile,
    /// The model of its part of the tissue.
    pub model: Cow<'a, Model>,
    /// Its slabs and buffers.
    pub plan: Plan,
}

impl<'a> RunPlan<'a> {
    /// The fewest tiles, and in them the deepest slabs, that the limits allow for a volume of these contents:
    /// slabs of at most `deepest` slices, and (for tests) at least `tiles` tiles.
    ///
    /// # Errors
    /// When not even a slice of the narrowest tile fits.
    pub fn new(
        model: &'a Model,
        contents: Contents,
        limits: &Limits,
        deepest: usize,
        tiles: usize,
    ) -> Result<Self, PlanError> {
        let (size_x, sampling) = (model.volume.shape[1], model.camera.x);
        let most = Tile::most(size_x, sampling);
        let least = tiles.clamp(1, most);
        let attempt = |count| Self::with_tiles(model, contents, limits, deepest, count);
        let first = attempt(least);
        let Err(refused) = first else { return first };
        // More tiles are smaller ones, down to the halo: double them, and bisect.
        let (mut too_few, mut enough) = (least, None);
        while enough.is_none() && too_few < most {
            let count = (2 * too_few).min(most);
            match attempt(count) {
                Ok(plan) => enough = Some((count, plan)),
                Err(_) => too_few = count,
            }
        }
        let Some((mut count, mut plan)) = enough else {
            return Err(if most > 1 {
                attempt(most).err().unwrap_or(refused)
            } else {
                refused
            });
        };
        while count - too_few > 1 {
            let middle = too_few.midpoint(count);
            match attempt(middle) {
                Ok(fewer) => (count, plan) = (middle, fewer),
                Err(_) => too_few = middle,
            }
        }
        Ok(plan)
    }

    /// A volume that is worked on as a whole, as planned.
    fn whole(model: &'a Model, contents: Contents, plan: Plan) -> Self {
        let tile = Tile::whole(model.volume.shape[1], model.camera.x);
        Self {
            contents,
            first: TilePlan {
                tile,
                model: Cow::Borrowed(model),
                plan,
            },
            rest: Vec::new(),
        }
    }

    /// The parts along x, in order.
    pub fn tiles(&self) -> impl Iterator<Item = &TilePlan<'a>> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    fn with_tiles(
        model: &'a Model,
        contents: Contents,
        limits: &Limits,
        deepest: usize,
        count: usize,
    ) -> Result<Self, PlanError> {
        if count == 1 {
            let plan = Planner::new(model, contents, 1, limits)?.deepest(deepest)?;
            return Ok(Self::whole(model, contents, plan));
        }
        let split = Tile::split(model.volume.shape[1], model.camera.x, model.halo_x(), count);
        let tiles: Vec<Tile> = split.collect();
        let part = |tile: &Tile| model.part(tile.rows.clone());
        // The widest one decides on the slabs of all.
        let Some(widest) = tiles.iter().max_by_key(|tile| tile.rows.len()) else {
            return Self::with_tiles(model, contents, limits, deepest, 1);
        };
        let widest = part(widest);
        let slab = Planner::new(&widest, contents, count, limits)?
            .deepest(deepest)?
            .slab;
        let mut planned: Vec<TilePlan<'a>> = Vec::with_capacity(count);
        for tile in tiles {
            let part = part(&tile);
            let alike = planned
                .iter()
                .find(|p| p.tile.rows.len() == tile.rows.len());
            let plan = match alike {
                Some(alike) => alike.plan.clone(),
                None => Planner::new(&part, contents, count, limits)?.with_slab(slab),
            };
            planned.push(TilePlan {
                tile,
                model: Cow::Owned(part),
                plan,
            });
        }
        let mut planned = planned.into_iter();
        match planned.next() {
            Some(first) => Ok(Self {
                contents,
                first,
                rest: planned.collect(),
            }),
            None => Self::with_tiles(model, contents, limits, deepest, 1),
        }
    }

    /// Whether the volume is cut along x.
    pub fn is_tiled(&self) -> bool {
        !self.rest.is_empty()
    }

    /// The tile that needs most.
    pub fn widest(&self) -> &TilePlan<'a> {
        let needs = |tile: &TilePlan<'a>| tile.plan.device_bytes();
        let rest = self.rest.iter().max_by_key(|tile| needs(tile));
        rest.filter(|tile| needs(tile) > needs(&self.first))
            .unwrap_or(&self.first)
    }

    /// What the device holds at most, in bytes.
    pub fn device_bytes(&self) -> u64 {
        self.widest().plan.device_bytes()
    }

    /// What the run takes of the host's memory, where it takes most.
    pub fn host(&self) -> HostMemory {
        let all = self.tiles().map(|tile| tile.plan.host);
        all.max_by_key(HostMemory::peak_bytes).unwrap_or_default()
    }
}
