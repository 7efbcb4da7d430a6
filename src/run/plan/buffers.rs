//! The buffers of a run, by use and by number.

use super::{Lines, Quantisation};
use crate::engine::compute::{Buffer, BufferSpec};
use crate::engine::fft::{BLOCK, SliceTransform};
use crate::engine::schedule::{Schedule, kept};
use crate::engine::stages::blur::TAPS;
use crate::engine::stages::blur::psf_spectra::OCTANT;
use crate::model::Model;

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
    /// Lines of long rows between the two passes of their transform.
    pub between: Buffer,
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
    /// Images of a slab: one for each channel where they stay there, else one for all.
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

/// What decides about the buffers.
pub(super) struct Shape<'a> {
    pub model: &'a Model,
    pub cells: usize,
    pub sheets: usize,
    pub transform: &'a SliceTransform,
    pub lines: &'a Lines,
    pub schedule: &'a Schedule,
    /// Where pixels become grey values.
    pub quantisation: Quantisation,
}

/// Most kept slices of a step: images, and ground truth.
pub(super) fn most_kept(schedule: &Schedule, step_z: usize) -> (usize, usize) {
    let steps = || schedule.steps.iter();
    let images = steps().map(|step| kept(&step.images, step_z).1).max();
    let truths = steps().map(|step| kept(&step.regions, step_z).1).max();
    (images.unwrap_or(0).max(1), truths.unwrap_or(0).max(1))
}

impl Shape<'_> {
    /// The buffers, and what to allocate for them.
    pub(super) fn buffers(&self) -> (Buffers, Vec<BufferSpec>) {
        let Self {
            model,
            schedule,
            transform,
            sheets,
            cells,
            ..
        } = *self;
        let [_, size_x, size_y] = model.volume.shape;
        let plane = size_x * size_y;
        let [_, image_x, image_y] = model.image_shape();
        let image = image_x.saturating_mul(image_y);
        let (images_per_step, truths) = most_kept(schedule, model.camera.step_z);

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
            .max(images_per_step * size_x * transform.blocks() * BLOCK);
        let labels_ring = schedule.labels_ring;
        let on_device = usize::from(!self.quantisation.is_on_host());
        let image_buffers = match self.quantisation {
            Quantisation::AtTheEnd => model.channels.len(),
            _ => 1,
        };
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
                let words = transform.blocks() * half_x * TAPS * BLOCK;
                add(format!("point spread function of {name}"), words)
            }),
            octant: add("point spread function's values".into(), OCTANT),
            between: add(
                "lines between two passes".into(),
                self.lines
                    .rows
                    .lines_words(schedule.emission.max(images_per_step)),
            ),
            filtered: add(
                "filtered spectra".into(),
                2 * images_per_step * transform.spectrum(),
            ),
            blurred: add("blurred slices".into(), images_per_step * plane),
            fourier: add("transform tables".into(), self.lines.fourier.words.len()),
            profile: add("baseline profile".into(), size_x + size_y),
            status: add("status".into(), 1),
            images: (0..image_buffers)
                .map(|c| add(sheet("images", c), images_per_step.saturating_mul(image)))
                .collect(),
            grey: add(
                "grey values".into(),
                on_device
                    * images_per_step
                        .saturating_mul(image)
                        .div_ceil(32 / model.bit_depth.bits() as usize),
            ),
            thresholds: add(
                "thresholds".into(),
                on_device * model.channels.len() * model.bit_depth.largest() as usize,
            ),
            maximum: add("maxima".into(), model.channels.len()),
            truth: add("ground truth".into(), truths.saturating_mul(image)),
        };
        (buffers, specs)
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
