//! Where the clusters of proteins lie: a sweep of its own, since it belongs to the tissue and not
//! to a part of the run that may have been finished before.

use super::record::Recorder;
use super::{Pipeline, RunError, check_interrupt};
use crate::engine::compute::drive;
use crate::engine::rng::cell_key;
use crate::model::cells::Selection;
use crate::model::{LayerModel, OwnProteins};
use crate::run::plan::TilePlan;
use std::ops::Range;

/// A cluster of proteins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Punctum {
    /// Index of the layer.
    pub layer: usize,
    /// The voxel (z, x, y) of its middle in the part that is simulated.
    pub voxel: [usize; 3],
    /// Index of its cell.
    pub cell: usize,
    /// How many clusters of the cell lie in the voxel before it.
    pub number: u32,
    /// Its proteins.
    pub proteins: u32,
}

impl Pipeline<'_> {
    /// The clusters of all layers, in the order of layers and voxels.
    pub(super) fn puncta(&mut self, selection: &Selection) -> Result<Vec<Punctum>, RunError> {
        let (model, plan, input) = (self.model, self.plan, self.input);
        let mut puncta = Vec::new();
        if model.labelling.clustered().next().is_none() {
            return Ok(puncta);
        }
        let extent = plan.part.clusters(model);
        let slices = extent.regions.len() * plan.tiles.len();
        self.observer.begin("places of the clusters", slices);
        let own = plan.part.own_voxels(model);
        for tile in &plan.tiles {
            self.enter(tile)?;
            let observer = &mut *self.observer;
            let mut start = Recorder::new(model, tile, input).start_labelling(selection);
            drive(
                self.backend,
                &tile.plan.schedule.window(&extent),
                |step| {
                    let recording = Recorder::new(model, tile, input).puncta(step, selection)?;
                    let mut all = std::mem::take(&mut start);
                    all.commands.extend(recording.commands);
                    Ok::<_, RunError>(all)
                },
                |step, reads| {
                    let slices = reads.chunks_exact(2).map(|two| [&two[0], &two[1]]);
                    let of_layers = slices.zip(Recorder::new(model, tile, input).read_puncta(step));
                    for ([counts, labels], (layer, z)) in of_layers {
                        let own = &own;
                        let found = Found {
                            tile,
                            own,
                            layer,
                            z,
                        };
                        found.puncta(
                            self.model,
                            input.volume.cells.ids(),
                            counts,
                            labels,
                            &mut puncta,
                        );
                    }
                    Ok(())
                },
                |step| {
                    observer.advance(step.map_or(0, |step| step.regions.len()));
                    check_interrupt(observer)
                },
            )?;
        }
        self.observer.end();
        puncta.sort_unstable();
        Ok(puncta)
    }
}

/// A slice of a tile in which a layer's clusters were counted.
struct Found<'a> {
    tile: &'a TilePlan,
    /// The voxels that are made.
    own: &'a [Range<usize>; 3],
    layer: usize,
    z: usize,
}

impl Found<'_> {
    /// Adds the clusters of the tile's core, as far as it is made.
    fn puncta(
        &self,
        model: &crate::model::Model,
        ids: &[u64],
        counts: &[u32],
        labels: &[u32],
        puncta: &mut Vec<Punctum>,
    ) {
        let layer: &LayerModel = &model.labelling.layers[self.layer];
        let Some(own) = &layer.own else { return };
        let (axis_x, axis_y) = (&self.tile.tile.x, &self.tile.tile.y);
        let columns = axis_y.voxels.len();
        let [own_z, own_x, own_y] = self.own;
        if !own_z.contains(&self.z) {
            return;
        }
        let is_own_row = |x: usize| axis_x.core.contains(&x) && own_x.contains(&x);
        let is_own_column = |y: usize| axis_y.core.contains(&y) && own_y.contains(&y);
        for (place, (&count, &cell)) in counts.iter().zip(labels).enumerate() {
            let x = axis_x.voxels.start + place / columns;
            let y = axis_y.voxels.start + place % columns;
            if count == 0 || !is_own_row(x) || !is_own_column(y) {
                continue;
            }
            let voxel = [self.z, x, y];
            for number in 0..count {
                let proteins = members(
                    own,
                    &model.tables,
                    model.volume.offset,
                    voxel,
                    number,
                    ids[cell as usize],
                );
                puncta.push(Punctum {
                    layer: self.layer,
                    voxel,
                    cell: cell as usize,
                    number,
                    proteins,
                });
            }
        }
    }
}

/// Proteins of a cluster, as the kernel draws them.
fn members(
    own: &OwnProteins,
    tables: &[u32],
    offset: [usize; 3],
    voxel: [usize; 3],
    number: u32,
    id: u64,
) -> u32 {
    let source = std::array::from_fn(|axis| (offset[axis] + voxel[axis]) as u32);
    let word = own.cluster.numbered(number).at(source, cell_key(id))[0];
    own.members.map_or(1, |members| members.draw(tables, word))
}
