//! Model: a configuration turned into what the kernels need. It holds tables, keys, region bits,
//! photons and point spread functions, all computed on the host in f64.

mod advice;
pub mod cells;
mod channels;
mod error;
mod point_spread;
mod warnings;

pub use channels::{ChannelModel, EmissionSource};
pub use error::ModelError;
pub use point_spread::{PsfVolume, point_spread_functions};

use crate::base::region_bits;
use crate::base::volume::Region;
use crate::config::{Arrangement, BitDepth, CellPart, Config, Normalization, SingleNeuron};
use crate::engine::blocks::BlockGrid;
use crate::engine::psf::PsfShape;
use crate::engine::rng::{DiscreteTable, Purpose, StreamKey, TableRef};
use crate::engine::schedule::Reach;
use crate::optics::camera::{AxisSampling, Camera};
use crate::optics::fluorophore::Fluorophore;
use crate::optics::psf;
use std::collections::BTreeSet;

/// Standard deviation of a protein's displacement, in nm of tissue (docs/model.md section 2).
const DISPLACEMENT_NM: f64 = 100.0;

/// Most pixels of an image: as many as a buffer of 2^31 bytes holds.
const MOST_PIXELS: usize = (1 << 29) - 1;

/// Smallest voxel along an axis: an atom's size, far below any microscope's resolution.
const LEAST_VOXEL_NM: f64 = 0.1;

/// A labelling layer.
#[derive(Clone, Debug)]
pub struct LayerModel {
    /// Name of the layer.
    pub name: String,
    /// Index of its fluorophore.
    pub fluorophore: usize,
    /// Region that it labels, by name.
    pub region: String,
    /// Bit of the region.
    pub region_bit: u32,
    /// Probability that an eligible cell is labelled.
    pub labeling_density: f64,
    /// Restriction to one cell.
    pub single_neuron: SingleNeuron,
    /// Table of a site's amplified proteins.
    pub count: TableRef,
    /// Table that decides whether a site is displaced.
    pub displaced: TableRef,
    /// True when the density is so low that no site ever holds a protein.
    pub never_a_protein: bool,
    /// Random stream of the counts.
    pub proteins: StreamKey,
    /// Random stream of the displacements.
    pub displacement: StreamKey,
}

/// How far the stages beside the blur look along an axis of a slice, in voxels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisReach {
    /// In both directions: neighbours decide on membranes, and proteins come from there.
    pub around: usize,
    /// Back: a magnified voxel's light falls on pixels behind its own.
    pub jitter: usize,
}

/// Voxels per pixel up to which blocks of the blur start where a pixel does: larger ones are no microscope's.
const MOST_ALIGNED_BIN: u32 = 64;

/// Everything the kernels need, but for the cells.
#[derive(Clone, Debug)]
pub struct Model {
    /// Box of the simulated volume in its source.
    pub volume: Region,
    /// The seed of all draws.
    pub seed: u64,
    /// True where all 26 neighbours decide on membranes, false where the 8 of the slice do.
    pub isotropic: bool,
    /// Probability that a cell is eligible.
    pub global_density: f64,
    /// Layers in the order of their names.
    pub layers: Vec<LayerModel>,
    /// The layers' fluorophores, each once, in the order of their names.
    pub fluorophores: Vec<Fluorophore>,
    /// Channels in the order of their names.
    pub channels: Vec<ChannelModel>,
    /// Names of the annotated regions, in the order of their bits.
    pub annotations: Vec<String>,
    /// Bit of the region that the ground truth shows.
    pub truth_bit: u32,
    /// Arrangement of the ground truth: one for all cells, or one for each.
    pub truth_cells: Arrangement,
    /// Bits of a grey value.
    pub bit_depth: BitDepth,
    /// Meaning of grey values.
    pub normalize: Normalization,
    /// Pixel grid of the camera.
    pub camera: Camera,
    /// Table of the baseline photons, if there are any.
    pub baseline: Option<TableRef>,
    /// Tables of displacements along (z, x, y).
    pub displacements: [TableRef; 3],
    /// Tables of jitter along x and y.
    pub jitter: [TableRef; 2],
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
    /// Derives the model of a configuration over `volume` of its ground truth.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn new(config: &Config, volume: Region, seed: u64) -> Result<Self, ModelError> {
        Self::with_counts(config, volume, seed, &[])
    }

    /// Derives the model like [`Model::new`], for a run that is given protein counts with the
    /// fluorophores `counted` besides those of the layers.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn with_counts(
        config: &Config,
        volume: Region,
        seed: u64,
        counted: &[&str],
    ) -> Result<Self, ModelError> {
        let mut tables = Tables::default();
        let mut warnings = Vec::new();
        let annotations: Vec<String> = config.groundtruth.regions.keys().cloned().collect();
        if annotations.len() > region_bits::MOST_ANNOTATIONS {
            return Err(ModelError::TooManyRegions(annotations.len()));
        }
        let fluorophores = fluorophores(config, counted)?;
        let voxel_nm = config.groundtruth.voxel_nm;
        if let Some(&voxel_nm) = voxel_nm.iter().find(|&&voxel| voxel < LEAST_VOXEL_NM) {
            return Err(ModelError::TinyVoxel {
                voxel_nm,
                voxels: DISPLACEMENT_NM / voxel_nm,
                least_nm: LEAST_VOXEL_NM,
            });
        }
        let layers = layers(config, seed, &fluorophores, &annotations, &mut tables)?;
        // The number of given proteins is not known: assume enough to see.
        let known = |f: &Fluorophore| {
            if counted.contains(&f.name.as_str()) {
                1.0
            } else {
                0.0
            }
        };
        let mut proteins_per_voxel: Vec<f64> = fluorophores.iter().map(known).collect();
        for (model, layer) in layers.iter().zip(config.labeling.layers.values()) {
            proteins_per_voxel[model.fluorophore] += layer.protein_density_per_nm3
                * voxel_nm.iter().product::<f64>()
                * layer.antibody_amp;
        }
        let channels = channels::channels(
            config,
            seed,
            &fluorophores,
            &mut tables,
            &proteins_per_voxel,
            &mut warnings,
        )?;
        let displaces = config
            .labeling
            .layers
            .values()
            .any(|layer| layer.protein_noise > 0.0);
        let deviation = voxel_nm.map(|voxel| {
            if displaces {
                DISPLACEMENT_NM / voxel
            } else {
                0.0
            }
        });
        let displacements = deviation.map(|voxels| {
            // Without displacement the table is bound but never drawn from.
            tables.add(&DiscreteTable::displacement(voxels.max(1e-3)))
        });
        let farthest = |axis: usize| {
            if displaces {
                DiscreteTable::displacement_reach(deviation[axis]) as usize
            } else {
                0
            }
        };
        let optics = &config.optics;
        let camera = Camera::new(
            voxel_nm,
            config.expansion.factor,
            optics.objective_factor,
            optics.pixel_size_nm,
            optics.focal_plane_depth_nm,
        );
        let [_, x, y] = camera.image_shape(volume.shape);
        if x.checked_mul(y).is_none_or(|pixels| pixels > MOST_PIXELS) {
            return Err(ModelError::HugeImages { x, y });
        }
        let (jitter_x, moved_x) = jitter(camera.x, &mut tables)?;
        let (jitter_y, moved_y) = jitter(camera.y, &mut tables)?;
        let reach = |axis: usize, jitter: usize| AxisReach {
            around: 1 + farthest(axis),
            jitter,
        };
        let reach_in_slice = [reach(1, moved_x), reach(2, moved_y)];
        let baseline =
            DiscreteTable::poisson(optics.baseline_noise).map_err(ModelError::Baseline)?;
        let baseline = (!baseline.is_always_zero()).then(|| tables.add(&baseline));
        if camera.magnifies() {
            warnings.push(warnings::magnification(&camera));
        }
        Ok(Self {
            volume,
            seed,
            isotropic: config.groundtruth.isotropic,
            global_density: config.labeling.global_density,
            truth_bit: region_bit(&config.output.gt_region, &annotations),
            truth_cells: config.output.gt_cells,
            bit_depth: config.output.bit_depth,
            normalize: config.output.normalize,
            layers,
            fluorophores,
            channels,
            annotations,
            camera,
            baseline,
            displacements,
            jitter: [jitter_x, jitter_y],
            tables: tables.words,
            reach: Reach {
                membrane: usize::from(config.groundtruth.isotropic),
                displacement: farthest(0),
                blur_before: psf::SHAPE.before,
                blur_after: psf::SHAPE.after,
            },
            reach_in_slice,
            warnings,
        })
    }

    /// Returns the bits of the regions that layers label, each once, ascending.
    pub fn layer_regions(&self) -> Vec<u32> {
        let bits: BTreeSet<u32> = self.layers.iter().map(|layer| layer.region_bit).collect();
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

    /// Returns the number of ground truth volumes that the device makes for a fluorophore, of cells
    /// in this many sheets.
    pub fn truth_volumes(&self, sheets: usize) -> usize {
        match self.truth_cells {
            Arrangement::Merged => 1,
            Arrangement::Split => sheets,
        }
    }

    /// The blocks in which slices are blurred; they start where a pixel does.
    pub fn blocks(&self) -> BlockGrid {
        let [_, x, y] = self.volume.shape;
        let unit = |axis: AxisSampling| match axis.bin() {
            bin @ ..=MOST_ALIGNED_BIN => bin as usize,
            _ => 1,
        };
        let unit = [unit(self.camera.x), unit(self.camera.y)];
        BlockGrid::new([x, y], self.psf_shape().radius, unit)
    }

    /// The shape of the point spread functions.
    pub fn psf_shape(&self) -> PsfShape {
        psf::SHAPE
    }

    /// Bytes of a grey value.
    pub fn grey_bytes(&self) -> usize {
        self.bit_depth.bits() as usize / 8
    }

    /// Shape (z, x, y) of the images.
    pub fn image_shape(&self) -> [usize; 3] {
        self.camera.image_shape(self.volume.shape)
    }
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
}

fn region_bit(region: &CellPart, annotations: &[String]) -> u32 {
    match region {
        CellPart::Membrane => region_bits::MEMBRANE,
        CellPart::Cytosol => region_bits::CYTOSOL,
        CellPart::Full => region_bits::FULL,
        CellPart::Named(name) => {
            // The configuration was validated: the name is there.
            let place = annotations
                .iter()
                .position(|known| known == name)
                .unwrap_or(0);
            region_bits::FIRST_ANNOTATION << place
        }
    }
}

fn fluorophores(config: &Config, counted: &[&str]) -> Result<Vec<Fluorophore>, ModelError> {
    let layers = config.labeling.layers.values();
    let names: BTreeSet<&str> = layers
        .map(|layer| layer.fluorophore.as_str())
        .chain(counted.iter().copied())
        .collect();
    let find = |name: &str| {
        Fluorophore::of(&config.fluorophores, name)?
            .ok_or_else(|| ModelError::UnknownFluorophore(name.to_owned()))
    };
    names.into_iter().map(find).collect()
}

fn layers(
    config: &Config,
    seed: u64,
    fluorophores: &[Fluorophore],
    annotations: &[String],
    tables: &mut Tables,
) -> Result<Vec<LayerModel>, ModelError> {
    let voxel_nm3: f64 = config.groundtruth.voxel_nm.iter().product();
    let mut models = Vec::new();
    for (name, layer) in &config.labeling.layers {
        let mean = layer.protein_density_per_nm3 * voxel_nm3;
        let count = DiscreteTable::scaled_poisson(mean, layer.antibody_amp).map_err(|_| {
            ModelError::TooManyProteins {
                layer: name.clone(),
                mean,
                largest: 0.9 * f64::from(u32::MAX) / voxel_nm3,
            }
        })?;
        models.push(LayerModel {
            name: name.clone(),
            fluorophore: fluorophores
                .iter()
                .position(|f| f.name == layer.fluorophore)
                .unwrap_or(0),
            region: layer.region.name().to_owned(),
            region_bit: region_bit(&layer.region, annotations),
            labeling_density: layer.labeling_density,
            single_neuron: layer.single_neuron,
            never_a_protein: count.is_always_zero(),
            count: tables.add(&count),
            displaced: tables.add(&DiscreteTable::bernoulli(layer.protein_noise)),
            proteins: StreamKey::new(seed, Purpose::Proteins, &[name]),
            displacement: StreamKey::new(seed, Purpose::Displacement, &[name]),
        });
    }
    Ok(models)
}

/// The table of an axis, and the farthest that it moves light by, in voxels.
fn jitter(axis: AxisSampling, tables: &mut Tables) -> Result<(TableRef, usize), ModelError> {
    let factor = axis.magnification();
    let table = DiscreteTable::poisson(f64::from(factor));
    let table = table.map_err(|_| ModelError::Magnification(factor))?;
    let moved = match factor {
        0..=1 => 0,
        factor => table.largest().div_ceil(factor) as usize,
    };
    Ok((tables.add(&table), moved))
}
