//! Ground truth of a run on arrays beside the volumes of cells: barcodes, clusters, displacements
//! and rounds of imaging.

use crate::config::Config;
use crate::model::{DisplacementField, Model};
use crate::run::pipeline::Outcome;
use ndarray::Array4;
use std::collections::BTreeMap;

/// Barcode of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct CellCode {
    /// Id of the cell.
    pub cell: u64,
    /// Brightness in each layer of barcodes over the layer's, by the name of the layer; 0 where the
    /// cell does not have it.
    pub levels: BTreeMap<String, f64>,
}

/// Cluster of proteins.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Name of the layer.
    pub layer: String,
    /// Id of the cell.
    pub cell: u64,
    /// Voxel (z, x, y) of its middle in the part that is simulated.
    pub voxel: [usize; 3],
    /// Number of its proteins.
    pub proteins: u32,
}

/// Round of imaging, and how to bring it onto the first.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundTruth {
    /// Its shift along (z, x, y), in um of the gel.
    pub shift_um: [f64; 3],
    /// Its rotation from x to y about the middle of the volume, in degrees.
    pub rotation_degrees: f64,
    /// Without its warp, the place (z, x, y) of the first round's images that a place of its own
    /// shows: in each row the factors of the place, and what is added, in pixels.
    pub affine: [[f64; 4]; 3],
    /// All of it, where it is warped: (component, z, x, y) at the size of the images, in voxels; a
    /// voxel shows what the first round shows so far before it.
    pub displacement: Option<Array4<f32>>,
}

/// The barcodes of a run.
pub(super) fn codes(model: &Model, outcome: &Outcome, ids: &[u64]) -> Vec<CellCode> {
    let layers = || model.labelling.layers.iter().filter(|layer| layer.barcode);
    let code = |code: &crate::model::cells::Code| CellCode {
        cell: ids[code.cell],
        levels: layers()
            .map(|layer| layer.name.clone())
            .zip(code.levels.iter().copied())
            .collect(),
    };
    outcome.selection.codes.iter().map(code).collect()
}

/// The clusters of a run.
pub(super) fn puncta(model: &Model, outcome: &Outcome, ids: &[u64]) -> Vec<Cluster> {
    let puncta = outcome.puncta.iter().map(|punctum| Cluster {
        layer: model.labelling.layers[punctum.layer].name.clone(),
        cell: ids[punctum.cell],
        voxel: punctum.voxel,
        proteins: punctum.proteins,
    });
    puncta.collect()
}

/// The displacements of a field where the ground truth shows voxels.
pub(super) fn displacement(model: &Model, field: &DisplacementField) -> Array4<f32> {
    let [slices, rows, columns] = model.image_shape();
    let mut all = Array4::zeros([3, slices, rows, columns]);
    for image in 0..slices {
        let shown = model.shown_displacements(field, image);
        let mut slice = all.index_axis_mut(ndarray::Axis(1), image);
        slice
            .iter_mut()
            .zip(shown)
            .for_each(|(to, voxels)| *to = voxels);
    }
    all
}

/// The rounds of a run but for the first.
pub(super) fn rounds(config: &Config, model: &Model) -> Vec<RoundTruth> {
    let voxel_um = config.voxel_in_gel_nm().map(|nm| nm / 1e3);
    let round = |round: &crate::model::Round| RoundTruth {
        shift_um: round.shift_um,
        rotation_degrees: round.rotation_degrees,
        affine: round.affine(model.volume, &model.camera, voxel_um),
        displacement: round.warped.then(|| displacement(model, &round.field)),
    };
    model.rounds.iter().map(round).collect()
}
