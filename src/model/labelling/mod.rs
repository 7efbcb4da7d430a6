//! Labelling: which cells and voxels get proteins, how many, and how far they are displaced.

mod area;
mod brightness;
mod proteins;

pub use brightness::Brightness;
pub use proteins::OwnProteins;

use super::{ModelError, Tables};
use crate::base::region_bits;
use crate::config::{CellPart, Config, SingleNeuron, Stain};
use crate::engine::rng::{DiscreteTable, Purpose, StreamKey, TableRef};
use crate::engine::stages::proteins::BY_AREA;
use crate::optics::fluorophore::Fluorophore;
use proteins::{Maker, site_bit};

/// Standard deviation of a protein's displacement, in nm of tissue (docs/model.md section 2).
const DISPLACEMENT_NM: f64 = 100.0;

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
    /// Proteins of which one density and common displacements do not say all.
    pub own: Option<OwnProteins>,
    /// True where the layer is one of those of barcodes.
    pub barcode: bool,
}

/// The labelling of a configuration.
#[derive(Clone, Debug)]
pub struct Labelling {
    /// True where all 26 neighbours decide on membranes, false where the 8 of the slice do.
    pub isotropic: bool,
    /// Probability that a cell is eligible.
    pub global_density: f64,
    /// Layers of a cell's barcode.
    pub barcode_layers: usize,
    /// Layers in the order of their names.
    pub layers: Vec<LayerModel>,
    /// Names of the annotated regions, in the order of their bits.
    pub annotations: Vec<String>,
    /// Tables of displacements along (z, x, y).
    pub displacements: [TableRef; 3],
    /// The farthest displacement along (z, x, y), in voxels.
    pub farthest: [usize; 3],
}

impl Labelling {
    /// Derives the labelling with these fluorophores; its tables are added to `tables`.
    pub(super) fn new(
        config: &Config,
        seed: u64,
        fluorophores: &[Fluorophore],
        tables: &mut Tables,
    ) -> Result<Self, ModelError> {
        let annotations: Vec<String> = config.groundtruth.regions.keys().cloned().collect();
        if annotations.len() > region_bits::MOST_ANNOTATIONS {
            return Err(ModelError::TooManyRegions(annotations.len()));
        }
        if config.groundtruth.voxel_nm.is_none() {
            return Err(ModelError::NoVoxelSize);
        }
        let voxel_nm = config.groundtruth.voxel_or_nan();
        if let Some(axis) = voxel_nm.iter().position(|&voxel| voxel < LEAST_VOXEL_NM) {
            let parts = config.groundtruth.upsample[axis];
            return Err(ModelError::TinyVoxel {
                voxel_nm: voxel_nm[axis] * parts as f64,
                parts,
                voxels: DISPLACEMENT_NM / voxel_nm[axis],
                least_nm: LEAST_VOXEL_NM * parts as f64,
            });
        }
        let layers = layers(config, seed, fluorophores, &annotations, tables)?;
        let of_config = config.layers();
        let mut of_config = of_config.values();
        let displaces = of_config.any(|layer| layer.protein_noise > 0.0);
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
        let farthest = deviation.map(|voxels| {
            if displaces {
                DiscreteTable::displacement_reach(voxels) as usize
            } else {
                0
            }
        });
        let own = || layers.iter().filter_map(|layer| layer.own.as_ref());
        let apart = |axis: usize| own().map(|own| own.farthest[axis]).max().unwrap_or(0);
        let farthest = std::array::from_fn(|axis| farthest[axis] + apart(axis));
        Ok(Self {
            barcode_layers: config.labeling.barcode_layers.unwrap_or(0),
            isotropic: config.groundtruth.isotropic,
            global_density: config.labeling.global_density,
            layers,
            annotations,
            displacements,
            farthest,
        })
    }

    /// The layers whose cells differ in brightness.
    pub(super) fn levelled(&self) -> impl Iterator<Item = usize> {
        let differ = |layer: &LayerModel| {
            let own = layer.own.as_ref();
            own.is_some_and(|own| own.brightness.factors().len() > 1)
        };
        let layers = self.layers.iter().enumerate();
        layers.filter_map(move |(number, layer)| differ(layer).then_some(number))
    }

    /// The layers whose proteins cluster, by number.
    pub(crate) fn clustered(&self) -> impl Iterator<Item = (usize, &OwnProteins)> {
        let layers = self.layers.iter().enumerate();
        layers.filter_map(|(number, layer)| {
            let own = layer.own.as_ref().filter(|own| own.members.is_some())?;
            Some((number, own))
        })
    }

    /// True where layers ask for a voxel's neighbours in the slices around it.
    pub(super) fn looks_around(&self) -> bool {
        let by_area = |layer: &LayerModel| layer.own.as_ref().is_some_and(|own| own.by == BY_AREA);
        self.isotropic || self.layers.iter().any(by_area)
    }

    /// Bit of a part of the cell.
    pub(super) fn bit(&self, part: &CellPart) -> u32 {
        region_bit(part, &self.annotations)
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

fn layers(
    config: &Config,
    seed: u64,
    fluorophores: &[Fluorophore],
    annotations: &[String],
    tables: &mut Tables,
) -> Result<Vec<LayerModel>, ModelError> {
    let voxel_nm3: f64 = config.groundtruth.voxel_or_nan().iter().product();
    let mut models = Vec::new();
    for (name, layer) in &config.layers() {
        let own = Maker {
            config,
            seed,
            name,
            layer,
            annotations,
            tables,
        };
        let own = own.make()?;
        let mean = match own {
            // Its own tables say how many.
            Some(_) => 0.0,
            None => layer.protein_density_per_nm3 * voxel_nm3 * layer.extras.retention,
        };
        let count = DiscreteTable::scaled_poisson(mean, layer.antibody_amp).map_err(|_| {
            ModelError::TooManyProteins {
                layer: name.clone(),
                voxel_nm: config.groundtruth.voxel_or_nan(),
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
            region: match layer.extras.stain {
                Stain::Cells => layer.region.name().to_owned(),
                Stain::Protein => "everywhere".to_owned(),
            },
            region_bit: site_bit(layer, annotations),
            labeling_density: layer.labeling_density,
            single_neuron: layer.single_neuron,
            never_a_protein: own.is_none() && count.is_always_zero(),
            count: tables.add(&count),
            displaced: tables.add(&DiscreteTable::bernoulli(layer.protein_noise)),
            proteins: StreamKey::new(seed, Purpose::Proteins, &[name]),
            displacement: StreamKey::new(seed, Purpose::Displacement, &[name]),
            own,
            barcode: layer.extras.barcode,
        });
    }
    Ok(models)
}
