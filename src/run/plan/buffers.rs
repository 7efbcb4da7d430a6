//! The buffers of a run, by use and by number.

use super::{Contents, Quantisation, Tile};
use crate::engine::compute::{Buffer, BufferSpec};
use crate::engine::schedule::{Schedule, Step};
use crate::engine::stages::blur::{Blur, SLICE_WORDS};
use crate::model::{ChannelModel, DisplacementField, EmissionSource, Model};
use std::ops::Range;

/// The buffers of a run.
#[derive(Clone, Debug)]
pub struct Buffers {
    /// Where the expansion is uneven.
    pub distortion: Option<DistortionBuffers>,
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
    /// Where imaging has rounds.
    pub rounds: Option<RoundBuffers>,
    /// Emission of a slab.
    pub emission: Buffer,
    /// Spectra of rows, forward and back.
    pub rows: Buffer,
    /// Spectra of slices, for each emitter a ring for each block.
    pub spectra: Vec<Vec<Buffer>>,
    /// Spectra of the point spread functions, for each channel of a round, source and function.
    pub psf: Vec<Vec<Vec<Buffer>>>,
    /// Values of the point spread function that becomes spectra.
    pub psf_values: Buffer,
    /// The slices of a channel that are filtered.
    pub filtered_slices: Buffer,
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
    /// Rows and columns that the ground truth shows at each row and column of pixels.
    pub shown: Buffer,
    /// Ground truth of a slab's images.
    pub truth: Buffer,
    /// What only the model `physical` has.
    pub physical: Option<PhysicalBuffers>,
}

/// The buffers of an uneven expansion: what there is before it.
#[derive(Clone, Debug)]
pub struct DistortionBuffers {
    /// Displacements around a slab.
    pub nodes: Buffer,
    /// Labels, a ring for each sheet.
    pub labels: Vec<Buffer>,
    /// Bits of annotated regions, a ring (one word where there are none).
    pub annotations: Buffer,
}

/// The buffers of rounds of imaging but for the first.
#[derive(Clone, Debug)]
pub struct RoundBuffers {
    /// Displacements around a slab, for each of them.
    pub nodes: Vec<Buffer>,
    /// Counts of proteins of a slab where a round finds them.
    pub counts: Buffer,
}

/// The buffers of the model `physical`.
#[derive(Clone, Copy, Debug)]
pub struct PhysicalBuffers {
    /// Shares of voxels in each row and column of pixels.
    pub areas: Buffer,
    /// Tables of the detector.
    pub detector: Buffer,
    /// Maps of the detector's pixels.
    pub maps: Buffer,
}

/// What decides about the buffers.
pub(super) struct Shape<'a> {
    pub model: &'a Model,
    pub contents: Contents,
    pub tile: &'a Tile,
    pub blur: &'a Blur,
    pub schedule: &'a Schedule,
    /// Where pixels become grey values.
    pub quantisation: Quantisation,
}

/// Most images of a step, and most slices of ground truth.
pub(super) fn most_kept(schedule: &Schedule, model: &Model) -> (usize, usize) {
    let steps = || schedule.steps.iter();
    let images = steps().map(|step| model.images_of(step).len()).max();
    let truths = steps().map(|step| model.truths_of(step).len()).max();
    (images.unwrap_or(0).max(1), truths.unwrap_or(0).max(1))
}

impl Shape<'_> {
    /// The buffers, and what to allocate for them.
    pub(super) fn buffers(&self) -> (Buffers, Vec<BufferSpec>) {
        let Self {
            model,
            schedule,
            tile,
            blur,
            ..
        } = *self;
        let Contents { cells, sheets } = self.contents;
        let plane: usize = tile.size().iter().product();
        let imaged = tile.imaged_size();
        let imaged_plane: usize = imaged.iter().product();
        let [image_x, image_y] = tile.image_size();
        let image = image_x.saturating_mul(image_y);
        let (images_per_step, truths) = most_kept(schedule, model);

        let profile_words = match model.physical() {
            Some(_) => 0,
            None => imaged[0] + imaged[1],
        };
        let area_words = tile.area_words(model).map(|(words, _)| words);
        let area_words = area_words.into_iter().fold(0, usize::saturating_add);

        let mut specs = Vec::new();
        let mut add = |name: String, words: usize| {
            specs.push(BufferSpec {
                name,
                words: words.max(1),
            });
            Buffer(specs.len() - 1)
        };
        let sheet = |name: &str, sheet: usize| format!("{name} {sheet}");
        let annotated = usize::from(!model.labelling.annotations.is_empty());
        let labels_ring = schedule.labels_ring;
        let on_device = usize::from(!self.quantisation.is_on_host());
        let image_buffers = match self.quantisation {
            Quantisation::AtTheEnd => model.channels.len(),
            _ => 1,
        };
        let source_ring = schedule.source_ring;
        let distortion = model.distortion.as_ref().map(|field| DistortionBuffers {
            nodes: add(
                "displacements".into(),
                lattice_words(model, field, tile, schedule, |step| step.deform.clone()),
            ),
            labels: (0..sheets)
                .map(|s| add(sheet("labels before distortion", s), source_ring * plane))
                .collect(),
            annotations: add(
                "annotations before distortion".into(),
                annotated * source_ring * plane,
            ),
        });
        let buffers = Buffers {
            distortion,
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
            selection: add("selection".into(), model.selection_words(cells)),
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
            rounds: (!model.rounds.is_empty()).then(|| RoundBuffers {
                nodes: (model.rounds.iter().enumerate())
                    .map(|(number, round)| {
                        let nodes = |step: &Step| step.emission.clone();
                        add(
                            format!("displacements of round {}", number + 2),
                            lattice_words(model, &round.field, tile, schedule, nodes),
                        )
                    })
                    .collect(),
                counts: add("counts of a round".into(), schedule.emission * plane),
            }),
            emission: add("emission".into(), schedule.emission * plane),
            rows: add(
                "spectra of rows".into(),
                blur.rows_words(schedule.emission, images_per_step),
            ),
            spectra: model
                .emitter_names()
                .map(|name| {
                    let blocks = 0..blur.blocks().len();
                    let ring = |block: usize| {
                        let block = match blur.blocks().len() {
                            1 => String::new(),
                            _ => format!(", block {block}"),
                        };
                        let words = schedule.spectra_ring * blur.spectrum_words();
                        add(format!("spectra of {name}{block}"), words)
                    };
                    blocks.map(ring).collect()
                })
                .collect(),
            psf: per_source(model, |name, functions| {
                let of = |number: usize| {
                    let depth = match functions {
                        1 => String::new(),
                        _ => format!(", depth {number}"),
                    };
                    let name = format!("point spread function of {name}{depth}");
                    add(name, blur.psf_words())
                };
                (0..functions).map(of).collect()
            }),
            psf_values: add(
                "point spread function's values".into(),
                blur.psf_value_words(),
            ),
            filtered_slices: add(
                "filtered slices".into(),
                images_per_step * functions_of_image(model) * SLICE_WORDS,
            ),
            filtered: add(
                "filtered spectra".into(),
                images_per_step * blur.spectrum_words(),
            ),
            blurred: add("blurred slices".into(), images_per_step * imaged_plane),
            fourier: add("transform tables".into(), blur.tables().words.len()),
            profile: add("baseline profile".into(), profile_words),
            status: add("status".into(), 1),
            images: (0..image_buffers)
                .map(|c| add(sheet("images", c), images_per_step.saturating_mul(image)))
                .collect(),
            grey: add(
                "grey values".into(),
                self.grey_words(images_per_step, image),
            ),
            thresholds: add(
                "thresholds".into(),
                on_device
                    * usize::from(model.physical().is_none())
                    * model.channels.len()
                    * model.output.bit_depth.largest() as usize,
            ),
            maximum: add("maxima".into(), model.channels.len()),
            shown: add("shown voxels".into(), image_x.saturating_add(image_y)),
            truth: add("ground truth".into(), truths.saturating_mul(image)),
            physical: model.physical().map(|imaging| PhysicalBuffers {
                areas: add("shares of voxels".into(), area_words),
                detector: add("detector tables".into(), imaging.tables.len()),
                maps: add("detector maps".into(), tile.map_words(imaging)),
            }),
        };
        (buffers, specs)
    }
}

/// Most functions that an image of a channel is made of.
fn functions_of_image(model: &Model) -> usize {
    let of_source = |source: &EmissionSource| source.functions_of_image();
    let of_channel = |channel: &ChannelModel| channel.sources.iter().map(of_source).sum();
    model.channels.iter().map(of_channel).max().unwrap_or(0)
}

impl Shape<'_> {
    /// Words of the grey values that the device makes of so many images.
    fn grey_words(&self, images: usize, pixels: usize) -> usize {
        let pixels = images.saturating_mul(pixels);
        match (self.quantisation.is_on_host(), self.model.physical()) {
            (false, _) => pixels.div_ceil(32 / self.model.output.bit_depth.bits() as usize),
            // Those of tiles are put together on the host.
            (true, Some(_)) => pixels,
            (true, None) => 0,
        }
    }
}

/// The nodes of a tile's lattice around some slices of the volume.
pub(crate) fn lattice_nodes(
    model: &Model,
    field: &DisplacementField,
    tile: &Tile,
    slices: &Range<usize>,
) -> [Range<usize>; 3] {
    let offset = model.volume.offset;
    let voxels = [slices, &tile.x.voxels, &tile.y.voxels];
    std::array::from_fn(|axis| {
        let voxels = offset[axis] + voxels[axis].start..offset[axis] + voxels[axis].end;
        field.nodes_along(axis, voxels)
    })
}

/// Most words of displacements of a step, of which these slices are displaced.
fn lattice_words(
    model: &Model,
    field: &DisplacementField,
    tile: &Tile,
    schedule: &Schedule,
    displaced: impl Fn(&Step) -> Range<usize>,
) -> usize {
    let steps = schedule.steps.iter();
    let words = steps.map(|step| node_words(model, field, tile, &displaced(step)));
    words.max().unwrap_or(0)
}

/// Words of the displacements of these slices.
pub(super) fn node_words(
    model: &Model,
    field: &DisplacementField,
    tile: &Tile,
    slices: &Range<usize>,
) -> usize {
    if slices.is_empty() {
        return 0;
    }
    let nodes = lattice_nodes(model, field, tile, slices);
    3 * nodes.iter().map(|range| range.len()).product::<usize>()
}

/// Buffers for each source of each channel of a round.
fn per_source<T>(model: &Model, mut add: impl FnMut(&str, usize) -> T) -> Vec<Vec<T>> {
    let name = |channel: &str, fluorophore: usize| {
        format!("{} in {channel}", model.fluorophores[fluorophore].name)
    };
    model.channels[..model.channels_of_a_round()]
        .iter()
        .map(|channel| {
            let sources = channel.sources.iter();
            sources
                .map(|source| {
                    let name = name(&channel.configured, source.fluorophore);
                    add(&name, source.psfs.len())
                })
                .collect()
        })
        .collect()
}
