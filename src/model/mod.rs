//! Model: a configuration turned into what the kernels need. It holds tables, keys, region bits,
//! photons and point spread functions, all computed on the host in f64.
//!
//! What is common to all models of the microscope stands here: labels, cells, channels, the pixel
//! grid and the form of the output. How proteins become grey values is the business of a model of
//! its own, [`simexm`] or [`physical`].

mod advice;
pub mod cells;
mod channel;
mod distortion;
mod error;
mod labelling;
pub mod physical;
pub mod point_spread;
mod rounds;
pub mod simexm;
mod warnings;

pub use channel::{Attenuation, Bleaching, ChannelModel, EmissionSource, Emitter, Focus, SlicePsf};
pub use distortion::DisplacementField;
pub use error::ModelError;
pub use labelling::{Brightness, Labelling, LayerModel, OwnProteins};
pub use point_spread::{PsfVolume, point_spread_functions};
pub use rounds::Round;

use crate::base::progress::{Observer, told_if_slow};
use crate::base::volume::VoxelBox;
use crate::config::{Arrangement, BitDepth, Config, ModelKind, Normalization};
use crate::engine::blocks::BlockGrid;
use crate::engine::psf::PsfShape;
use crate::engine::rng::{DiscreteTable, TableRef};
use crate::engine::schedule::{Reach, Step};
use crate::optics::camera::{AxisSampling, Camera};
use crate::optics::fluorophore::Fluorophore;
use std::collections::BTreeSet;
use std::ops::Range;

/// Most pixels of an image: as many as a buffer of 2^31 bytes holds.
const MOST_PIXELS: usize = (1 << 29) - 1;

/// Most images of a stack: no microscope takes as many.
const MOST_IMAGES: usize = 1 << 20;

/// How far the stages beside the blur look along an axis of a slice, in voxels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisReach {
    /// In both directions: neighbours decide on membranes, and proteins come from there.
    pub around: usize,
    /// Back: a magnified voxel's light falls on pixels behind its own.
    pub jitter: usize,
}

/// Voxels per pixel up to which blocks of the blur start where a pixel does: larger ones are no
/// microscope's.
const MOST_ALIGNED_BIN: u32 = 64;

/// What images and ground truth look like in the output.
#[derive(Clone, Copy, Debug)]
pub struct OutputForm {
    /// Bit of the region that the ground truth shows.
    pub truth_bit: u32,
    /// Arrangement of the ground truth: one for all cells, or one for each.
    pub truth_cells: Arrangement,
    /// Bits of a grey value.
    pub bit_depth: BitDepth,
    /// Meaning of grey values.
    pub normalize: Normalization,
    /// True where the expected electrons of pixels are output, too.
    pub expected: bool,
    /// Slices that the format encodes together.
    pub piece_slices: usize,
}

impl OutputForm {
    /// Bytes of a grey value.
    pub fn grey_bytes(&self) -> usize {
        self.bit_depth.bits() as usize / 8
    }

    /// Number of volumes of expected electrons for each channel: one or none.
    pub fn expected_volumes(&self) -> usize {
        usize::from(self.expected)
    }

    /// Number of ground truth volumes that the device makes for a fluorophore, of cells in this
    /// many sheets.
    pub fn truth_volumes(&self, sheets: usize) -> usize {
        match self.truth_cells {
            Arrangement::Merged => 1,
            Arrangement::Split => sheets,
        }
    }
}

/// What only one model of the microscope has.
#[derive(Clone, Debug)]
pub enum Imaging {
    /// SimExm's.
    Simexm(simexm::Imaging),
    /// That of physics.
    Physical(physical::Imaging),
}

/// What a model of the microscope says of the light.
struct Light {
    channels: Vec<ChannelModel>,
    emitters: Vec<Emitter>,
    psf: PsfShape,
    imaging: Imaging,
}

/// Everything the kernels need, but for the cells.
#[derive(Clone, Debug)]
pub struct Model {
    /// Box of the simulated volume in its source.
    pub volume: VoxelBox,
    /// The seed of all draws.
    pub seed: u64,
    /// Which cells and voxels are labelled.
    pub labelling: Labelling,
    /// Displacements of an uneven expansion.
    pub distortion: Option<DisplacementField>,
    /// The layers' fluorophores, each once, in the order of their names.
    pub fluorophores: Vec<Fluorophore>,
    /// Pixel grid of the camera.
    pub camera: Camera,
    /// Where the rounds of imaging but for the first find the gel.
    pub rounds: Vec<Round>,
    /// Channels in the order of their names, round by round.
    pub channels: Vec<ChannelModel>,
    /// Light that is blurred, each once, for one or more sources.
    pub emitters: Vec<Emitter>,
    /// The shape of the point spread functions.
    pub psf: PsfShape,
    /// From proteins to pixels.
    pub imaging: Imaging,
    /// Form of images and ground truth.
    pub output: OutputForm,
    /// All tables.
    pub tables: Vec<u32>,
    /// Distance that the stages look along z.
    pub reach: Reach,
    /// How far the stages beside the blur look along x and y.
    pub reach_in_slice: [AxisReach; 2],
    /// What the user should know before the run.
    pub warnings: Vec<String>,
}

impl Model {
    /// Derives the model of a configuration over `volume` of its ground truth, which ends where
    /// the volume does.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn new(config: &Config, volume: VoxelBox, seed: u64) -> Result<Self, ModelError> {
        let end = volume.ranges().map(|range| range.end);
        Self::of_part(config, end, volume, seed, &[])
    }

    /// Derives the model like [`Model::of_part`], which is told to `observer` if it takes long.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn watched(
        config: &Config,
        source: [usize; 3],
        volume: VoxelBox,
        seed: u64,
        counted: &[&str],
        observer: &mut dyn Observer,
    ) -> Result<Self, ModelError> {
        told_if_slow(observer, "point spread functions", || {
            Self::of_part(config, source, volume, seed, counted)
        })
    }

    /// Derives the model like [`Model::new`] over a part of a ground truth of `source` voxels, for
    /// a run that is given protein counts with the fluorophores `counted` besides those of the
    /// layers.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn of_part(
        config: &Config,
        source: [usize; 3],
        volume: VoxelBox,
        seed: u64,
        counted: &[&str],
    ) -> Result<Self, ModelError> {
        let mut tables = Tables::default();
        let mut warnings = Vec::new();
        let fluorophores = fluorophores(config, counted)?;
        let labelling = Labelling::new(config, seed, &fluorophores, &mut tables)?;
        if config.model == ModelKind::Physical {
            warnings.extend(warnings::dense_layers(config));
        }
        warnings.extend(warnings::slow_layers(config, &labelling));
        let distortion = DisplacementField::of(config, seed, source, volume)?;
        let warped = distortion.as_ref().map_or([0; 3], |field| field.farthest);
        let optics = &config.optics;
        let camera = Camera::new(
            config.groundtruth.voxel_or_nan(),
            config.expansion.factors(),
            optics.objective_factor,
            optics.pixel_size_nm,
            optics.focus_step_nm(),
        );
        warnings.extend(warnings::coarse_tissue(config, &camera));
        warnings.extend(warnings::implausible(config));
        let camera = match config.model {
            ModelKind::Simexm => camera,
            ModelKind::Physical => camera.with_areas(),
        };
        let count = camera.planes.count(volume.shape[0]);
        if count > MOST_IMAGES {
            return Err(ModelError::HugeStack { count });
        }
        let proteins = proteins_per_voxel(config, &labelling, &fluorophores, counted);
        let mut light = match config.model {
            ModelKind::Simexm => simexm::Imaging::light(
                config,
                seed,
                &fluorophores,
                &proteins,
                &camera,
                &mut tables,
                &mut warnings,
            )?,
            ModelKind::Physical => physical::Imaging::light(
                config,
                seed,
                &fluorophores,
                &proteins,
                (volume.shape, &camera),
                &mut warnings,
            )?,
        };
        attenuate(config, &mut light);
        rounds::repeat(config, &mut light);
        let rounds = Round::all(config, seed, source, volume)?;
        let apart: [usize; 3] = std::array::from_fn(|axis| {
            let far = rounds.iter().map(|round| round.field.farthest[axis]);
            far.max().unwrap_or(0)
        });
        let [_, x, y] = camera.image_shape(volume.shape);
        if x.checked_mul(y).is_none_or(|pixels| pixels > MOST_PIXELS) {
            return Err(ModelError::HugeImages { x, y });
        }
        let reach = |axis: usize| AxisReach {
            around: 1 + labelling.farthest[1 + axis] + warped[1 + axis] + apart[1 + axis],
            jitter: match &light.imaging {
                Imaging::Simexm(imaging) => imaging.farthest_jitter[axis],
                Imaging::Physical(_) => 0,
            },
        };
        Ok(Self {
            volume,
            seed,
            output: OutputForm {
                truth_bit: labelling.bit(&config.output.gt_region),
                truth_cells: config.output.gt_cells,
                bit_depth: config.output.bit_depth,
                normalize: config.output.normalize,
                expected: config.output.expected && config.model == ModelKind::Physical,
                piece_slices: config.output.format.piece_slices,
            },
            reach: Reach {
                distortion: warped[0],
                membrane: usize::from(labelling.looks_around()),
                displacement: labelling.farthest[0],
                rounds: apart[0],
                blur_before: light.psf.before,
                blur_after: light.psf.after,
            },
            reach_in_slice: [reach(0), reach(1)],
            labelling,
            distortion,
            fluorophores,
            camera,
            rounds,
            channels: light.channels,
            emitters: light.emitters,
            psf: light.psf,
            imaging: light.imaging,
            tables: tables.words,
            warnings,
        })
    }

    /// Returns the bits of the regions that layers label, each once, ascending.
    pub fn layer_regions(&self) -> Vec<u32> {
        let layers = self.labelling.layers.iter();
        let bits: BTreeSet<u32> = layers.map(|layer| layer.region_bit).collect();
        bits.into_iter().collect()
    }

    /// Returns the place of a layer's region among [`Model::layer_regions`].
    pub fn region_number(&self, bit: u32) -> usize {
        let regions = self.layer_regions();
        regions
            .iter()
            .position(|&region| region == bit)
            .unwrap_or(0)
    }

    /// Words of what [`cells::Selection`] holds of so many cells.
    pub fn selection_words(&self, cells: usize) -> usize {
        let sets = self.labelling.layers.len() + self.fluorophores.len();
        sets * cells.div_ceil(32) + self.labelling.levelled().count() * cells.div_ceil(4)
    }

    /// The first word there of a layer's levels, where its cells have some.
    pub fn levels_at(&self, layer: usize, cells: usize) -> Option<usize> {
        let place = self.labelling.levelled().position(|other| other == layer)?;
        let sets = self.labelling.layers.len() + self.fluorophores.len();
        Some(sets * cells.div_ceil(32) + place * cells.div_ceil(4))
    }

    /// The blocks in which slices are blurred; they start where a pixel does.
    pub fn blocks(&self) -> BlockGrid {
        let [_, x, y] = self.volume.shape;
        let unit = |axis: AxisSampling| match axis.bin() {
            bin @ ..=MOST_ALIGNED_BIN => bin as usize,
            _ => 1,
        };
        let unit = [unit(self.camera.x), unit(self.camera.y)];
        let dark = self
            .physical()
            .is_some_and(|imaging| imaging.dark_in_slices);
        BlockGrid::new([x, y], self.psf.radius, unit).with_dark_borders(dark)
    }

    /// What each emitter is called in plans: the fluorophore, and its channel where it is one's
    /// own.
    pub fn emitter_names(&self) -> impl Iterator<Item = String> {
        let named = |(number, emitter): (usize, &Emitter)| {
            let sees = |channel: &&ChannelModel| {
                let mut sources = channel.sources.iter();
                sources.any(|source| source.emitter == number)
            };
            let mut channels = self.channels.iter().filter(sees);
            let name = &self.fluorophores[emitter.fluorophore].name;
            match (channels.next(), channels.next(), emitter.round) {
                (Some(channel), None, _) => format!("{name} in {}", channel.name),
                (_, _, 0) => name.clone(),
                (_, _, round) => format!("{name} in round {}", round + 1),
            }
        };
        self.emitters.iter().enumerate().map(named)
    }

    /// What a photon counts in a pixel.
    pub fn counts_per_photon(&self) -> u32 {
        match &self.imaging {
            Imaging::Simexm(imaging) => imaging.counts_per_photon,
            Imaging::Physical(_) => 1,
        }
    }

    /// What the model `physical` says of pixels; `None` in `simexm`.
    pub fn physical(&self) -> Option<&physical::Imaging> {
        match &self.imaging {
            Imaging::Physical(imaging) => Some(imaging),
            Imaging::Simexm(_) => None,
        }
    }

    /// The images that a step makes.
    pub fn images_of(&self, step: &Step) -> Range<usize> {
        let depth = self.volume.shape[0];
        self.camera.planes.imaged_in(&step.images, depth)
    }

    /// The images whose ground truth a step makes.
    pub fn truths_of(&self, step: &Step) -> Range<usize> {
        let depth = self.volume.shape[0];
        self.camera.planes.shown_in(&step.regions, depth)
    }

    /// Shape (z, x, y) of the images.
    pub fn image_shape(&self) -> [usize; 3] {
        self.camera.image_shape(self.volume.shape)
    }
}

/// Notes what the tissue leaves of the channels' light, and the images that hold none.
fn attenuate(config: &Config, light: &mut Light) {
    let slice_um = config.voxel_in_gel_nm()[0] / 1e3;
    let physical = config.optics.physical.as_ref();
    let first_um = physical.map_or(0.0, |physical| physical.depth_um);
    for source in light
        .channels
        .iter_mut()
        .flat_map(|channel| &mut channel.sources)
    {
        source.lost = physical.map_or(Vec::new(), |physical| physical.lost_images.clone());
    }
    for channel in &mut light.channels {
        let Some(length_um) = config.attenuation_length_um(&channel.name) else {
            continue;
        };
        for source in &mut channel.sources {
            source.attenuation = Attenuation {
                first: first_um / length_um,
                slice: slice_um / length_um,
            };
        }
    }
}

/// Mean proteins of each fluorophore in a labelled voxel. The number of given ones is not known:
/// enough to see is assumed.
fn proteins_per_voxel(
    config: &Config,
    labelling: &Labelling,
    fluorophores: &[Fluorophore],
    counted: &[&str],
) -> Vec<f64> {
    let given = |f: &Fluorophore| f64::from(u8::from(counted.contains(&f.name.as_str())));
    let mut proteins: Vec<f64> = fluorophores.iter().map(given).collect();
    let voxel_nm = config.groundtruth.voxel_or_nan();
    for (model, layer) in labelling.layers.iter().zip(config.layers().values()) {
        proteins[model.fluorophore] += layer.fluorophores_per_voxel(voxel_nm);
    }
    proteins
}

/// Tables one after another, as the kernels bind them.
#[derive(Default)]
struct Tables {
    words: Vec<u32>,
}

impl Tables {
    fn add(&mut self, table: &DiscreteTable) -> TableRef {
        let at = self.words.len() as u32;
        self.words.extend(table.words());
        TableRef {
            at,
            len: table.len(),
        }
    }

    /// Adds words that are no table; returns the place of the first.
    fn add_words(&mut self, words: impl IntoIterator<Item = u32>) -> u32 {
        let at = self.words.len() as u32;
        self.words.extend(words);
        at
    }
}

fn fluorophores(config: &Config, counted: &[&str]) -> Result<Vec<Fluorophore>, ModelError> {
    let layers = config.layers();
    let names: BTreeSet<&str> = layers
        .values()
        .map(|layer| layer.fluorophore.as_str())
        .chain(counted.iter().copied())
        .collect();
    let find = |name: &str| {
        Fluorophore::of(&config.fluorophores, name)?
            .ok_or_else(|| ModelError::UnknownFluorophore(name.to_owned()))
    };
    names.into_iter().map(find).collect()
}
