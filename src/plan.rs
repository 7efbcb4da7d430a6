//! Slabs and buffers: what a run allocates, and how deep its slabs are so that it fits.

use crate::compute::{Buffer, BufferSpec, Limits};
use crate::fft::{FourierTables, Layout, LineVariant, SliceTransform};
use crate::model::Model;
use crate::schedule::{Schedule, kept};
use crate::stages::blur::TAPS;
use crate::stages::blur::psf_spectra::OCTANT;

/// Why a run does not fit a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Even one slice at a time needs more.
    #[error(
        "a run with slabs of one slice needs {needed_bytes} bytes (the largest buffer, {buffer}, {buffer_bytes}) \
         where {total_bytes} bytes in buffers of at most {binding_bytes} are to be had"
    )]
    TooLarge {
        /// Sum of all buffers.
        needed_bytes: u64,
        /// The largest buffer.
        buffer: String,
        /// Its size.
        buffer_bytes: u64,
        /// What the device offers.
        total_bytes: u64,
        /// The largest buffer it offers.
        binding_bytes: u64,
    },
    /// A line of the transform does not fit a workgroup.
    #[error(
        "slices of {size_x} x {size_y} voxels need lines of {line_bytes} bytes in workgroup memory, \
         where {workgroup_bytes} are to be had"
    )]
    LinesTooLong {
        /// Rows of a slice.
        size_x: usize,
        /// Columns of a slice.
        size_y: usize,
        /// What a line needs.
        line_bytes: usize,
        /// What the device offers.
        workgroup_bytes: u32,
    },
}

/// The buffers of a run.
#[derive(Clone, Debug)]
pub struct Buffers {
    /// Labels, a ring for each sheet of cells that do not overlap.
    pub labels: Vec<Buffer>,
    /// Bits of annotated regions, a ring (one word where there are none).
    pub annotations: Buffer,
    /// Region bits of a slab, for each sheet.
    pub regions: Vec<Buffer>,
    /// Voxels per region and cell.
    pub voxels: Buffer,
    /// Keys of the cells.
    pub cells: Buffer,
    /// Bits of the labelled cells.
    pub selection: Buffer,
    /// Tables of distributions.
    pub tables: Buffer,
    /// Counts of proteins, a ring for each fluorophore.
    pub counts: Vec<Buffer>,
    /// Emission of a slab.
    pub emission: Buffer,
    /// Spectra of rows, forward and back.
    pub rows: Buffer,
    /// Spectra of slices, a ring for each channel and source.
    pub spectra: Vec<Vec<Buffer>>,
    /// Spectra of the point spread function, for each channel and source.
    pub psf: Vec<Vec<Buffer>>,
    /// Values of the point spread function that becomes spectra.
    pub octant: Buffer,
    /// Filtered spectra of the kept slices of a slab.
    pub filtered: Buffer,
    /// Blurred kept slices of a slab.
    pub blurred: Buffer,
    /// Tables of the transforms.
    pub fourier: Buffer,
    /// Profile of the baseline.
    pub profile: Buffer,
    /// Flags.
    pub status: Buffer,
    /// Images of a slab: one for each channel when the run is one step, else one for all.
    pub images: Vec<Buffer>,
    /// Grey values of a slab's images.
    pub grey: Buffer,
    /// Thresholds of each channel.
    pub thresholds: Buffer,
    /// Maximum of each channel.
    pub maximum: Buffer,
    /// Ground truth of a slab's images.
    pub truth: Buffer,
}

/// How a run is cut, and what it allocates.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Slices per slab.
    pub slab: usize,
    /// The steps.
    pub schedule: Schedule,
    /// Lengths of the transforms.
    pub transform: SliceTransform,
    /// Tables of the transforms.
    pub fourier: FourierTables,
    /// The generated transform of rows.
    pub row_lines: LineVariant,
    /// The generated transform of columns.
    pub column_lines: LineVariant,
    /// Most images of a step.
    pub images_per_step: usize,
    /// Buffers by use.
    pub buffers: Buffers,
    /// Buffers by number.
    pub specs: Vec<BufferSpec>,
    /// Most that a submission reads back.
    pub staging_bytes: u64,
}

/// Submissions that are under way together: the host prepares one while the device works on another.
pub const IN_FLIGHT: usize = 2;

impl Plan {
    /// The deepest slabs, evened out, that the limits allow for a volume with this many cells
    /// (background included) in this many sheets; never deeper than `deepest`.
    ///
    /// # Errors
    /// When not even slabs of one slice fit.
    pub fn new(
        model: &Model,
        cells: usize,
        sheets: usize,
        limits: &Limits,
        deepest: usize,
    ) -> Result<Self, PlanError> {
        let [depth, size_x, size_y] = model.volume.shape;
        let transform = SliceTransform::new(size_x, size_y, model.reach.blur);
        if transform.line_bytes() > limits.workgroup_bytes as usize {
            return Err(PlanError::LinesTooLong {
                size_x,
                size_y,
                line_bytes: transform.line_bytes(),
                workgroup_bytes: limits.workgroup_bytes,
            });
        }
        let lines = Lines::new(&transform, limits);
        let with_slab = |slab| Self::with_slab(model, cells, sheets, transform, &lines, slab);
        let fits = |plan: &Self, bytes: u64| {
            plan.total_bytes() <= bytes
                && plan.staging_bytes <= limits.buffer_bytes
                && plan
                    .largest()
                    .is_some_and(|b| b.bytes() <= limits.binding_bytes)
        };
        // Slices so large that not one fits the budget get more of what there is, in steps.
        let budgets = [1, 4, 16].map(|factor| limits.wanted_bytes.saturating_mul(factor));
        for budget in budgets.into_iter().chain([u64::MAX]) {
            let budget = budget.min(limits.total_bytes);
            // Buffers grow with the slab: bisect.
            let (mut low, mut high) = (0, deepest.clamp(1, depth));
            while low < high {
                let middle = (low + high).div_ceil(2);
                if fits(&with_slab(middle), budget) {
                    low = middle;
                } else {
                    high = middle - 1;
                }
            }
            if low > 0 {
                // Evened out; where images are dropped along z this can keep one more of them.
                let even = with_slab(depth.div_ceil(depth.div_ceil(low)));
                return Ok(if fits(&even, budget) {
                    even
                } else {
                    with_slab(low)
                });
            }
        }
        let smallest = with_slab(1);
        let largest = smallest.largest();
        Err(PlanError::TooLarge {
            needed_bytes: smallest.total_bytes(),
            buffer: largest.map_or_else(String::new, |b| b.name.clone()),
            buffer_bytes: largest.map_or(0, BufferSpec::bytes),
            total_bytes: limits.total_bytes,
            binding_bytes: limits.binding_bytes,
        })
    }

    fn largest(&self) -> Option<&BufferSpec> {
        self.specs.iter().max_by_key(|spec| spec.words)
    }

    /// Bytes of all buffers, and of what the submissions under way read back.
    pub fn total_bytes(&self) -> u64 {
        let buffers = self.specs.iter().map(BufferSpec::bytes);
        let staging = self.staging_bytes.saturating_mul(IN_FLIGHT as u64);
        buffers.fold(staging, u64::saturating_add)
    }

    /// True when the whole volume is one slab: nothing is spilled.
    pub fn is_one_step(&self) -> bool {
        self.schedule.steps.len() == 1
    }

    fn with_slab(
        model: &Model,
        cells: usize,
        sheets: usize,
        transform: SliceTransform,
        lines: &Lines,
        slab: usize,
    ) -> Self {
        let [depth, size_x, size_y] = model.volume.shape;
        let plane = size_x * size_y;
        let schedule = Schedule::new(depth, slab, model.reach);
        let image_shape = model.image_shape();
        let image = image_shape[1].saturating_mul(image_shape[2]);
        let steps = || schedule.steps.iter();
        let images_of = |range| kept(range, model.camera.step_z).1;
        let images_per_step = steps()
            .map(|s| images_of(&s.images))
            .max()
            .unwrap_or(0)
            .max(1);
        let truths = steps()
            .map(|s| images_of(&s.regions))
            .max()
            .unwrap_or(0)
            .max(1);
        let one_step = schedule.steps.len() == 1;

        let mut specs = Vec::new();
        let mut add = |name: String, words: usize| {
            specs.push(BufferSpec {
                name,
                words: words.max(1),
            });
            Buffer(specs.len() - 1)
        };
        let sheet = |name: &str, sheet: usize| format!("{name} {sheet}");
        let sets = model.layers.len() + model.fluorophores.len();
        let annotated = usize::from(!model.annotations.is_empty());
        let half_x = transform.length_x / 2 + 1;
        let rows = (schedule.emission * size_x * transform.frequencies())
            .max(images_per_step * size_x * transform.blocks() * crate::fft::BLOCK);
        let labels_ring = schedule.labels_ring;
        let buffers = Buffers {
            labels: (0..sheets)
                .map(|s| add(sheet("labels", s), labels_ring * plane))
                .collect(),
            annotations: add("annotations".into(), annotated * labels_ring * plane),
            regions: (0..sheets)
                .map(|s| add(sheet("regions", s), schedule.regions * plane))
                .collect(),
            voxels: add(
                "voxels per cell".into(),
                model.layer_regions().len() * cells,
            ),
            cells: add("cells".into(), cells),
            selection: add("selection".into(), sets * cells.div_ceil(32)),
            tables: add("tables".into(), model.tables.len()),
            counts: model
                .fluorophores
                .iter()
                .map(|f| {
                    add(
                        format!("counts of {}", f.name),
                        schedule.counts_ring * plane,
                    )
                })
                .collect(),
            emission: add("emission".into(), schedule.emission * plane),
            rows: add("spectra of rows".into(), 2 * rows),
            spectra: per_source(model, |name| {
                let words = 2 * schedule.spectra_ring * transform.spectrum();
                add(format!("spectra of {name}"), words)
            }),
            psf: per_source(model, |name| {
                let words = transform.blocks() * half_x * TAPS * crate::fft::BLOCK;
                add(format!("point spread function of {name}"), words)
            }),
            octant: add("point spread function's values".into(), OCTANT),
            filtered: add(
                "filtered spectra".into(),
                2 * images_per_step * transform.spectrum(),
            ),
            blurred: add("blurred slices".into(), images_per_step * plane),
            fourier: add("transform tables".into(), lines.fourier.words.len()),
            profile: add("baseline profile".into(), size_x + size_y),
            status: add("status".into(), 1),
            images: (0..if one_step { model.channels.len() } else { 1 })
                .map(|c| add(sheet("images", c), images_per_step.saturating_mul(image)))
                .collect(),
            grey: add(
                "grey values".into(),
                images_per_step
                    .saturating_mul(image)
                    .div_ceil(32 / model.bit_depth.bits() as usize),
            ),
            thresholds: add(
                "thresholds".into(),
                model.channels.len() * model.bit_depth.largest() as usize,
            ),
            maximum: add("maxima".into(), model.channels.len()),
            truth: add("ground truth".into(), truths.saturating_mul(image)),
        };
        let spilled = if one_step {
            0
        } else {
            images_per_step * model.channels.len()
        };
        let truth_volumes = model.fluorophores.len() * model.truth_volumes(sheets);
        let read_images = truths.saturating_mul(truth_volumes).saturating_add(spilled);
        let staging_bytes = (read_images as u64)
            .saturating_mul(image as u64)
            .saturating_mul(4);
        Self {
            staging_bytes,
            slab,
            schedule,
            transform,
            fourier: lines.fourier.clone(),
            row_lines: lines.rows.clone(),
            column_lines: lines.columns.clone(),
            images_per_step,
            buffers,
            specs,
        }
    }
}

/// What does not depend on the slabs: tables and code of the line transforms.
struct Lines {
    fourier: FourierTables,
    rows: LineVariant,
    columns: LineVariant,
}

impl Lines {
    fn new(transform: &SliceTransform, limits: &Limits) -> Self {
        let fourier = transform.tables();
        let workgroup = limits.workgroup_bytes;
        let twiddles = [fourier.rows_twiddle_at, fourier.columns_twiddle_at];
        Self {
            rows: LineVariant::new(&fourier.rows, Layout::Rows, twiddles[0], workgroup),
            columns: LineVariant::new(&fourier.columns, Layout::Columns, twiddles[1], workgroup),
            fourier,
        }
    }
}

/// A buffer for each source of each channel.
fn per_source(model: &Model, mut add: impl FnMut(&str) -> Buffer) -> Vec<Vec<Buffer>> {
    let name = |channel: &str, fluorophore: usize| {
        format!("{} in {channel}", model.fluorophores[fluorophore].name)
    };
    model
        .channels
        .iter()
        .map(|channel| {
            let sources = channel.sources.iter();
            sources
                .map(|source| add(&name(&channel.name, source.fluorophore)))
                .collect()
        })
        .collect()
}
