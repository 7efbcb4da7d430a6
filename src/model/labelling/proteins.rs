//! What a layer has beyond one density for all voxels of its region.

use super::area::AreaWeights;
use super::brightness::Brightness;
use super::{ModelError, region_bit};
use crate::base::region_bits;
use crate::config::{CellPart, Config, Labelled, Layer, OUTSIDE, Stain};
use crate::engine::rng::{DiscreteTable, Purpose, StreamKey, TableRef};
use crate::engine::stages::proteins::{AREA_CLASSES, BY_AREA, BY_NOTHING, BY_REGION};
use crate::model::Tables;

/// Least standard deviation of a displacement, in voxels: below, most proteins stay in their voxel.
const LEAST_DEVIATION: f64 = 0.2;

/// Proteins of a layer with densities of their own, or that lie apart.
#[derive(Clone, Debug)]
pub struct OwnProteins {
    /// True where every voxel is labelled, of cells or not.
    pub everywhere: bool,
    /// What decides about the density, as the kernel has it.
    pub by: u32,
    /// First word of the neighbours' weights among the tables.
    pub weights_at: u32,
    /// First word of the densities among the tables.
    pub densities_at: u32,
    /// Number of densities.
    pub densities: u32,
    /// Factors of cells.
    pub brightness: Brightness,
    /// Fluorophores of a protein.
    pub amplification: u32,
    /// True where each protein moves on its own.
    pub apart: bool,
    /// Random stream of these moves.
    pub linkage: StreamKey,
    /// Tables of these moves along (z, x, y).
    pub linked: [TableRef; 3],
    /// The farthest of them along (z, x, y), in voxels.
    pub farthest: [usize; 3],
    /// Random stream of the clusters' sizes.
    pub cluster: StreamKey,
    /// Table of the clusters' sizes, where proteins cluster.
    pub members: Option<TableRef>,
}

/// The places of a layer's parameters.
pub(super) struct Maker<'a> {
    pub config: &'a Config,
    pub seed: u64,
    pub name: &'a str,
    pub layer: &'a Layer,
    pub annotations: &'a [String],
    pub tables: &'a mut Tables,
}

impl Maker<'_> {
    /// The layer's own proteins; `None` where one density and common moves say all.
    pub(super) fn make(mut self) -> Result<Option<OwnProteins>, ModelError> {
        let extras = &self.layer.extras;
        let plain = extras.stain == Stain::Cells
            && extras.membrane_density_per_nm2.is_none()
            && extras.cell_variation == 0.0
            && !extras.barcode
            && !extras.lie_apart();
        if plain {
            return Ok(None);
        }
        let voxel_nm = self.config.groundtruth.voxel_or_nan();
        let deviations = self.deviations(voxel_nm)?;
        let linked = deviations.map(|voxels| {
            let table = match voxels {
                0.0 => DiscreteTable::bernoulli(0.0),
                voxels => DiscreteTable::displacement(voxels),
            };
            self.tables.add(&table)
        });
        let apart = extras.puncta_proteins.is_some() || deviations != [0.0; 3];
        let members = match extras.puncta_proteins {
            Some(mean) => {
                let kept = mean * extras.retention;
                let table = DiscreteTable::poisson(kept).map_err(|_| self.too_many(kept))?;
                Some(self.tables.add(&table))
            }
            None => None,
        };
        let levels: &[f64] = match extras.barcode {
            true => &self.config.labeling.barcode_levels,
            false => &[1.0],
        };
        let brightness = Brightness::new(extras.cell_variation, levels);
        let volume_nm3: f64 = voxel_nm.iter().product();
        let mut weights_at = 0;
        let (by, densities) = match (extras.stain, extras.membrane_density_per_nm2) {
            (Stain::Protein, _) => {
                let proteins = self.layer.protein_density_per_nm3 * volume_nm3;
                (BY_REGION, self.by_region(proteins))
            }
            (Stain::Cells, Some(per_nm2)) => {
                let AreaWeights { weights, class_nm2 } = AreaWeights::new(voxel_nm);
                weights_at = self.tables.add_words(weights);
                let classes = 0..=AREA_CLASSES;
                let density = |class| (0, f64::from(class) * class_nm2 * per_nm2);
                (BY_AREA, classes.map(density).collect())
            }
            (Stain::Cells, None) => {
                let proteins = self.layer.protein_density_per_nm3 * volume_nm3;
                (BY_NOTHING, vec![(0, proteins)])
            }
        };
        let count = densities.len() as u32;
        let densities_at = self.add_densities(&densities, &brightness, apart)?;
        let key = |purpose| StreamKey::new(self.seed, purpose, &[self.name]);
        Ok(Some(OwnProteins {
            everywhere: extras.stain == Stain::Protein,
            by,
            weights_at,
            densities_at,
            densities: count,
            brightness,
            amplification: match apart {
                true => self.layer.antibody_amp as u32,
                false => 1,
            },
            apart,
            linkage: key(Purpose::Linkage),
            linked,
            farthest: deviations.map(|voxels| match voxels {
                0.0 => 0,
                voxels => DiscreteTable::displacement_reach(voxels) as usize,
            }),
            cluster: key(Purpose::Cluster),
            members,
        }))
    }

    /// Standard deviations of the proteins' moves along (z, x, y), in voxels; 0 where they are too
    /// small to see. Of a distance, a third of its mean square lies along each axis.
    fn deviations(&self, voxel_nm: [f64; 3]) -> Result<[f64; 3], ModelError> {
        let extras = &self.layer.extras;
        // What is attached after the tissue has swollen lies closer to its protein in the tissue.
        let swollen = match (extras.labelled, self.config.expansion.first_round()) {
            (Labelled::Before, _) => [1.0; 3],
            (Labelled::Between, Some(first)) => [first; 3],
            (Labelled::Between, None) if extras.linkage_nm > 0.0 => {
                return Err(ModelError::LabelledBetween(self.name.to_owned()));
            }
            (Labelled::Between, None) => [1.0; 3],
            (Labelled::After, _) => self.config.expansion.factors(),
        };
        let along = |axis: usize| {
            let linkage_nm = extras.linkage_nm / swollen[axis];
            let square = linkage_nm * linkage_nm + extras.puncta_spread_nm.powi(2);
            let voxels = (square / 3.0).sqrt() / voxel_nm[axis];
            if voxels < LEAST_DEVIATION {
                0.0
            } else {
                voxels
            }
        };
        Ok(std::array::from_fn(along))
    }

    /// Bits of regions and proteins of a voxel there, the most particular regions first.
    fn by_region(&self, proteins: f64) -> Vec<(u32, f64)> {
        let of = |name: &str| self.layer.extras.density_of.get(name).copied();
        let named = self.annotations.iter();
        let named = named.map(|name| (CellPart::Named(name.clone()), of(name)));
        let built_in = [CellPart::Membrane, CellPart::Cytosol, CellPart::Full];
        let built_in = built_in.into_iter().map(|part| {
            let share = of(part.name());
            (part, share)
        });
        let inside = named.chain(built_in).filter_map(|(part, share)| {
            Some((region_bit(&part, self.annotations), share? * proteins))
        });
        let outside = of(OUTSIDE).map(|share| (0, share * proteins));
        inside.chain(outside).collect()
    }

    /// Adds tables of counts of these densities, for each brightness one, and the list of them.
    fn add_densities(
        &mut self,
        densities: &[(u32, f64)],
        brightness: &Brightness,
        apart: bool,
    ) -> Result<u32, ModelError> {
        let extras = &self.layer.extras;
        let scale = if apart { 1.0 } else { self.layer.antibody_amp };
        // Of a cluster some proteins are lost, not the cluster.
        let counted = match extras.puncta_proteins {
            Some(proteins) => 1.0 / proteins,
            None => extras.retention,
        };
        let factors = brightness.factors();
        let mut words = Vec::new();
        for &(regions, proteins) in densities {
            for factor in &factors {
                let mean = proteins * factor * counted;
                let most = mean * extras.puncta_proteins.unwrap_or(1.0);
                if most * self.layer.antibody_amp > 0.9 * f64::from(u32::MAX) {
                    return Err(self.too_many(most));
                }
                let table =
                    DiscreteTable::scaled_poisson(mean, scale).map_err(|_| self.too_many(mean))?;
                let TableRef { at, len } = self.tables.add(&table);
                words.extend([regions, at, len]);
            }
        }
        Ok(self.tables.add_words(words))
    }

    fn too_many(&self, mean: f64) -> ModelError {
        let voxel_nm = self.config.groundtruth.voxel_or_nan();
        ModelError::TooManyProteins {
            layer: self.name.to_owned(),
            voxel_nm,
            mean,
            largest: 0.9 * f64::from(u32::MAX) / voxel_nm.iter().product::<f64>(),
        }
    }
}

/// The bit of the region whose voxels a layer's kernel looks at.
pub(super) fn site_bit(layer: &Layer, annotations: &[String]) -> u32 {
    match (&layer.region, layer.extras.membrane_density_per_nm2) {
        // Where there is membrane its area says, which is 0 elsewhere.
        (CellPart::Membrane, Some(_)) => region_bits::FULL,
        (region, _) => region_bit(region, annotations),
    }
}
