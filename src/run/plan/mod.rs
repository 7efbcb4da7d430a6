//! Slabs, tiles and buffers: what a run allocates, and how it is cut so that it fits.
//!
//! A [`Plan`] is about a tile whose slices are worked on whole: it lists every buffer for a depth
//! of slab, and takes the deepest slabs that fit the budgets of device and host. A [`RunPlan`] cuts
//! the volume along x and y as well where not even one slice at a time fits. What is planned is
//! what is allocated.

mod account;
mod budget;
mod buffers;
mod error;
mod host;
mod part;
mod run;
mod tile;

#[cfg(test)]
mod tests;

pub use account::{SetAside, Transfers};
pub use budget::Budgets;
pub use buffers::Buffers;
pub(crate) use buffers::lattice_nodes;
pub use error::PlanError;
pub use host::HostMemory;
pub use part::ImageBox;
pub use run::{RunPlan, TilePlan};
pub use tile::{Tile, TileAxis};

use crate::config::Normalization;
use crate::engine::compute::{BufferSpec, IN_FLIGHT, Limits, MemoryKind};
use crate::engine::schedule::Schedule;
use crate::engine::stages::blur::SLICE_WORDS;
use crate::engine::stages::blur::{Blur, BlurPart};
use crate::model::{DisplacementField, Model};
use crate::run::ground_truth::LoadedVolume;
use buffers::{Shape, most_kept, node_words};
use host::HostSizes;
use std::ops::Range;

/// How a run is cut, and what it allocates.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Slices per slab.
    pub slab: usize,
    /// The steps.
    pub schedule: Schedule,
    /// The passes of the convolution.
    pub blur: Blur,
    /// Most images of a step.
    pub images_per_step: usize,
    /// Most images that are handed on together.
    pub batch: usize,
    /// Buffers by use.
    pub buffers: Buffers,
    /// Buffers by number.
    pub specs: Vec<BufferSpec>,
    /// Most that a submission takes from the host, in bytes.
    pub write_bytes: u64,
    /// Most that a submission reads back, in bytes.
    pub read_bytes: u64,
    /// Where the buffers lie.
    pub residence: MemoryKind,
    /// What the run takes of the host's memory.
    pub host: HostMemory,
    /// Where pixels become grey values.
    pub quantisation: Quantisation,
}

/// Where the pixels of images become grey values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantisation {
    /// On the device, once all images are there: the volume is one slab, and they lie there.
    AtTheEnd,
    /// On the device, slab by slab: grey values are photons, and depend on no other slab.
    InSteps,
    /// On the host, where images wait for their channel's maximum, or for those of other tiles.
    OnHost,
}

impl Quantisation {
    fn of(model: &Model, tiled: bool, steps: usize) -> Self {
        if model.physical().is_some() && !tiled {
            // Exposed pixels depend on no other.
            return Self::InSteps;
        }
        match (tiled, steps, model.output.normalize) {
            (false, ..=1, _) => Self::AtTheEnd,
            (false, _, Normalization::None) => Self::InSteps,
            _ => Self::OnHost,
        }
    }

    /// True where images leave the device as counts.
    pub fn is_on_host(self) -> bool {
        self == Self::OnHost
    }
}

/// Grey values of a channel that are handed on together take at most this, or are one image:
/// allocators hold on to blocks of this size, while pages of larger ones come from the system each
/// time.
const BATCH_BYTES: usize = 28 << 20;

/// Most slices that are read for each image of a slab, in the mean, whatever a device likes best.
const READ_BY_IMAGE: usize = 4;

/// Slices of a slab that are many: as many as the CPU's slabs have.
const MANY_SLICES: usize = 16;

/// Most slices of a slab: they are a dimension of dispatches.
const MOST_SLICES: usize = crate::engine::compute::MOST_WORKGROUPS as usize;

/// What a volume holds, as far as plans depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Contents {
    /// Cells, background included.
    pub cells: usize,
    /// Volumes of labels without overlap.
    pub sheets: usize,
}

impl Contents {
    /// Those of a volume.
    pub fn of(volume: &LoadedVolume) -> Self {
        Self {
            cells: volume.cells.len(),
            sheets: volume.sheets(),
        }
    }
}

impl Plan {
    /// The buffer that takes most.
    pub fn largest(&self) -> Option<&BufferSpec> {
        self.specs.iter().max_by_key(|spec| spec.words)
    }

    /// Bytes of all buffers.
    pub fn buffer_bytes(&self) -> u64 {
        let buffers = self.specs.iter().map(BufferSpec::bytes);
        buffers.fold(0, u64::saturating_add)
    }

    /// What the device holds at most: all buffers, and on a GPU what the submissions under way
    /// bring and take.
    pub fn device_bytes(&self) -> u64 {
        let under_way = match self.residence {
            MemoryKind::Host => 0,
            MemoryKind::Discrete | MemoryKind::Unified => IN_FLIGHT as u64,
        };
        let staged = self.read_bytes.saturating_add(self.write_bytes);
        self.buffer_bytes()
            .saturating_add(staged.saturating_mul(under_way))
    }

    /// True when the volume, or the tile, is one slab.
    pub fn is_one_step(&self) -> bool {
        self.schedule.steps.len() == 1
    }
}

/// Makes plans of a tile for a device.
pub(crate) struct Planner<'a> {
    model: &'a Model,
    contents: Contents,
    tile: &'a Tile,
    /// Tiles of the run.
    tiles: usize,
    /// Rows and columns of the images that are made of all tiles.
    image: [usize; 2],
    /// Voxels of the slices that are loaded.
    slice_voxels: usize,
    limits: &'a Limits,
    blur: Blur,
}

impl<'a> Planner<'a> {
    /// For one of so many tiles.
    pub(crate) fn new(
        model: &'a Model,
        contents: Contents,
        tile: &'a Tile,
        tiles: usize,
        limits: &'a Limits,
    ) -> Result<Self, PlanError> {
        let part = BlurPart {
            grid: model.blocks(),
            blocks: [tile.x.blocks.clone(), tile.y.blocks.clone()],
            voxels: [tile.x.voxels.clone(), tile.y.voxels.clone()],
        };
        let blur = Blur::new(&part, model.psf, limits.workgroup_bytes);
        let line_bytes = blur.transform().line_bytes();
        if line_bytes > limits.workgroup_bytes as usize {
            let [_, size_x, size_y] = model.volume.shape;
            return Err(PlanError::LinesTooLong {
                size_x,
                size_y,
                line_bytes,
                workgroup_bytes: limits.workgroup_bytes,
            });
        }
        let [_, rows, columns] = model.image_shape();
        Ok(Self {
            model,
            contents,
            tile,
            tiles,
            image: [rows, columns],
            slice_voxels: model.volume.slice_voxels(),
            limits,
            blur,
        })
    }

    /// Where only a part of the images is made, of which the tiles are.
    pub(crate) fn of_part(self, part: &ImageBox) -> Self {
        Self {
            image: part.size(),
            slice_voxels: part.voxels(self.model).slice_voxels(),
            ..self
        }
    }

    /// True where what is made is cut along x or y, or from more than it.
    fn is_tiled(&self) -> bool {
        self.tiles > 1 || self.tile.image_size() != self.image
    }

    /// The deepest slabs that fit, evened out.
    pub(crate) fn deepest(&self, deepest: usize) -> Result<Plan, PlanError> {
        let depth = self.model.volume.shape[0];
        // The images of a slab read all slices within their reach: where these are many, it takes
        // more images together, since memory is slower than what is computed of it.
        let reach = self.model.reach;
        let read = (reach.blur_before + 1 + reach.blur_after).min(depth);
        let deepest = match read / READ_BY_IMAGE {
            few if few < MANY_SLICES => deepest,
            many => deepest.max(many),
        };
        // Slices so large that not one fits the budget get more of what there is, in steps.
        let budgets = [1, 4, 16].map(|factor| self.limits.wanted_bytes.saturating_mul(factor));
        for budget in budgets.into_iter().chain([u64::MAX]) {
            let budget = budget.min(self.limits.total_bytes);
            // Buffers grow with the slab: bisect.
            let (mut low, mut high) = (0, deepest.clamp(1, depth.min(MOST_SLICES)));
            while low < high {
                let middle = (low + high).div_ceil(2);
                if self.fits(&self.with_slab(middle), budget) {
                    low = middle;
                } else {
                    high = middle - 1;
                }
            }
            if low > 0 {
                // Evened out; where images are dropped along z this can keep one more of them.
                let even = self.with_slab(depth.div_ceil(depth.div_ceil(low)));
                return Ok(if self.fits(&even, budget) {
                    even
                } else {
                    self.with_slab(low)
                });
            }
        }
        Err(self.refusal(&self.with_slab(1)))
    }

    /// Whether a plan keeps to the limits, and its device to this budget.
    fn fits(&self, plan: &Plan, budget: u64) -> bool {
        plan.device_bytes() <= budget && self.is_possible(plan)
    }

    /// Whether a plan keeps to the limits of single buffers and of the host.
    fn is_possible(&self, plan: &Plan) -> bool {
        let limits = self.limits;
        plan.read_bytes <= limits.buffer_bytes
            && plan.host.peak_bytes() <= limits.host_bytes
            && plan
                .largest()
                .is_some_and(|buffer| buffer.bytes() <= limits.binding_bytes)
    }

    /// Why the smallest plan does not fit.
    fn refusal(&self, smallest: &Plan) -> PlanError {
        let limits = self.limits;
        let largest = smallest.largest();
        let buffer_bytes = largest.map_or(0, BufferSpec::bytes);
        let device = smallest.device_bytes() <= limits.total_bytes
            && buffer_bytes <= limits.binding_bytes
            && smallest.read_bytes <= limits.buffer_bytes;
        if device || limits.residence == MemoryKind::Host {
            return PlanError::HostTooSmall {
                tiles: self.tiles,
                needed_bytes: smallest.host.peak_bytes(),
                budget_bytes: limits.host_bytes,
            };
        }
        PlanError::TooLarge {
            tiles: self.tiles,
            needed_bytes: smallest.device_bytes(),
            buffer: largest.map_or_else(String::new, |buffer| buffer.name.clone()),
            buffer_bytes,
            total_bytes: limits.total_bytes,
            binding_bytes: limits.binding_bytes,
        }
    }

    /// The plan for slabs of so many slices, whether it fits or not.
    pub(crate) fn with_slab(&self, slab: usize) -> Plan {
        let Self {
            model,
            contents,
            tile,
            blur,
            ..
        } = self;
        let depth = model.volume.shape[0];
        let schedule = Schedule::new(depth, slab, model.reach);
        let (images_per_step, _) = most_kept(&schedule, model);
        let quantisation = Quantisation::of(model, self.is_tiled(), schedule.steps.len());
        let (buffers, specs) = Shape {
            model,
            contents: *contents,
            tile,
            blur,
            schedule: &schedule,
            quantisation,
        }
        .buffers();
        let [whole_x, whole_y] = self.image;
        let batch = if quantisation.is_on_host() {
            let image = whole_x.saturating_mul(whole_y);
            let most = BATCH_BYTES / image.saturating_mul(model.output.grey_bytes()).max(1);
            (images_per_step / self.tiles).min(most).max(1)
        } else {
            images_per_step
        };
        let mut plan = Plan {
            slab,
            blur: blur.clone(),
            images_per_step,
            batch,
            buffers,
            specs,
            write_bytes: 0,
            read_bytes: 0,
            residence: self.limits.residence,
            host: HostMemory::default(),
            quantisation,
            schedule,
        };
        self.add_traffic(&mut plan);
        plan
    }

    /// What submissions bring and take, and what the host holds of it.
    fn add_traffic(&self, plan: &mut Plan) {
        let model = self.model;
        let Contents { cells, sheets } = self.contents;
        let channels = model.channels.len() as u64;
        let plane = self.tile.size().iter().product::<usize>() as u64;
        let [image_x, image_y] = self.tile.image_size();
        let image = (image_x as u64).saturating_mul(image_y as u64);
        let [whole_x, whole_y] = self.image;
        let whole_image = (whole_x as u64).saturating_mul(whole_y as u64);
        let words = |buffer: crate::engine::compute::Buffer| plan.specs[buffer.0].words as u64;
        let b = &plan.buffers;

        // The image sweep: constants with the first step, labels with each.
        let constants = cells as u64
            + model.selection_words(cells) as u64
            + model.tables.len() as u64
            + words(b.fourier)
            + (plan.blur.psf_host_words() * b.psf.iter().flatten().flatten().count()) as u64
            + words(b.shown)
            + match b.physical {
                Some(physical) => words(physical.areas) + words(physical.detector),
                None => words(b.profile),
            }
            + model
                .physical()
                .map_or(0, |imaging| self.tile.map_words(imaging) as u64);
        let volumes = sheets as u64 + u64::from(!model.labelling.annotations.is_empty());
        let nodes = |field: &DisplacementField, slices: &Range<usize>| {
            node_words(model, field, self.tile, slices) as u64
        };
        // With the first step come the constants.
        let loads = plan
            .schedule
            .steps
            .iter()
            .enumerate()
            .map(|(number, step)| {
                let distorted = model.distortion.iter();
                let distorted = distorted.map(|field| nodes(field, &step.deform));
                let rounds = model.rounds.iter();
                let rounds = rounds.map(|round| nodes(&round.field, &step.emission));
                let images = model.images_of(step);
                let sources = model.channels.iter().flat_map(|channel| &channel.sources);
                let foci = sources.map(|source| source.focus_count(&images, model.camera.planes));
                let filtered = (foci.sum::<usize>() * SLICE_WORDS) as u64;
                (step.load.len() as u64)
                    .saturating_mul(plane)
                    .saturating_mul(volumes)
                    .saturating_add(distorted.chain(rounds).sum())
                    .saturating_add(filtered)
                    .saturating_add(if number == 0 { constants } else { 0 })
            });
        let loads = loads.max().unwrap_or(constants);
        let truths = (model.fluorophores.len() * model.output.truth_volumes(sheets)) as u64;
        let per_word = u64::from(32 / model.output.bit_depth.bits());
        let grey = |images: u64| images.saturating_mul(image).div_ceil(per_word);
        let steps = plan.schedule.steps.iter().map(|step| {
            let kept = model.images_of(step).len() as u64;
            let images = match plan.quantisation {
                Quantisation::AtTheEnd => 0,
                Quantisation::InSteps => grey(kept),
                Quantisation::OnHost => kept.saturating_mul(image),
            };
            let truths = (model.truths_of(step).len() as u64 * truths).saturating_mul(image);
            let expected = kept.saturating_mul(image) * model.output.expected_volumes() as u64;
            truths.saturating_add(images.saturating_add(expected).saturating_mul(channels))
        });
        let image_reads = steps.max().unwrap_or(0).saturating_add(1 + channels);
        let survey_reads = (model.layer_regions().len() * cells) as u64;
        // Of a layer of clusters their number in each voxel, and the labels.
        let clustered = (2 * model.labelling.clustered().count() * sheets) as u64;
        let puncta_reads = (plan.schedule.regions as u64)
            .saturating_mul(plane)
            .saturating_mul(clustered);
        let (thresholds, grey_reads) = match plan.quantisation {
            Quantisation::AtTheEnd => {
                let images = grey(plan.batch as u64).saturating_mul(channels);
                (0, images)
            }
            Quantisation::InSteps if b.physical.is_some() => (0, 0),
            Quantisation::InSteps => (words(b.thresholds), 0),
            Quantisation::OnHost => (0, 0),
        };
        let bytes = |words: u64| words.saturating_mul(4);
        let writes = loads.saturating_add(thresholds);
        plan.write_bytes = bytes(writes.max(words(b.thresholds)));
        let reads = image_reads.max(puncta_reads);
        plan.read_bytes = bytes(reads.max(survey_reads).max(grey_reads));
        // Grey values on their way to the sink: of all images of a run in one slab, of a batch of
        // those that waited.
        let batch = (plan.batch as u64).saturating_mul(whole_image);
        let grey_bytes = match plan.quantisation {
            Quantisation::InSteps => 0,
            _ => batch
                .saturating_mul(channels)
                .saturating_mul(model.output.grey_bytes() as u64),
        };
        // Slices that wait until they are encoded together; ids of the widest type.
        let piece = match model.output.piece_slices {
            1 => 0,
            slices => whole_image.saturating_mul(slices as u64),
        };
        let ids = model.fluorophores.len() as u64;
        let piece_bytes = [
            piece
                .saturating_mul(channels)
                .saturating_mul(model.output.grey_bytes() as u64),
            piece.saturating_mul(8),
        ];
        let sizes = HostSizes {
            waiting_bytes: piece_bytes[1]
                .saturating_mul(ids)
                .saturating_add(piece_bytes[0]),
            encoded_bytes: piece_bytes[0].max(piece_bytes[1]),
            slice_voxels: self.slice_voxels as u64,
            annotations: model.labelling.annotations.len() as u64,
            stores: SetAside::of(model, self.contents, plan.quantisation)
                .memory_bytes()
                .saturating_add(model.field_bytes()),
            buffer_bytes: plan.buffer_bytes(),
            write_bytes: bytes(writes),
            read_bytes: bytes(reads),
            grey_bytes,
            image_pixels: whole_image,
        };
        plan.host = HostMemory::new(&sizes, plan.residence);
    }
}
