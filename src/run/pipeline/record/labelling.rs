//! Proteins of the layers.

use super::Recorder;
use crate::engine::compute::Buffer;
use crate::engine::stages::proteins::{PROTEINS, ProteinsParams};
use crate::engine::stages::scatter::{SCATTER, ScatterParams};
use crate::model::{LayerModel, OwnProteins};
use std::ops::Range;

impl Recorder<'_> {
    /// The first word of the levels of a layer's cells in the selection.
    pub(super) fn levels_at(&self, layer: usize) -> u32 {
        let cells = self.input.volume.cells.len();
        self.model.levels_at(layer, cells).unwrap_or(0) as u32
    }

    /// The proteins of a layer at the sites of these slices. Of the selection, the layer's bits
    /// and the levels of its cells start at these words.
    pub(super) fn scatter(
        &mut self,
        slices: &Range<usize>,
        layer: &LayerModel,
        selected: (u32, u32),
    ) {
        let b = &self.plan.buffers;
        let sheets: Vec<(Buffer, Buffer)> = (b.labels.iter().copied())
            .zip(b.regions.iter().copied())
            .collect();
        let counts = b.counts[layer.fluorophore];
        let shape = [slices.len(), self.tile.size()[0], self.tile.size()[1]];
        let (plain, own) = match &layer.own {
            None => (Some(self.scatter_params(slices, layer, selected.0)), None),
            Some(own) => (
                None,
                Some(self.proteins_params(slices, layer, own, selected)),
            ),
        };
        for (labels, regions) in sheets {
            let b = &self.plan.buffers;
            let buffers = [
                labels,
                regions,
                b.cells,
                b.selection,
                b.tables,
                counts,
                b.status,
            ];
            if let Some(params) = plain {
                self.recording
                    .dispatch_voxels(&SCATTER, params, &buffers, shape);
            }
            if let Some(params) = own {
                self.recording
                    .dispatch_voxels(&PROTEINS, params, &buffers, shape);
            }
        }
    }

    fn scatter_params(
        &self,
        slices: &Range<usize>,
        layer: &LayerModel,
        selection_at: u32,
    ) -> ScatterParams {
        let (size_x, size_y, _) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let [moved_z, moved_x, moved_y] = self.model.labelling.displacements;
        ScatterParams {
            size_x,
            size_y,
            depth: self.model.volume.shape[0] as u32,
            origin_z,
            origin_x,
            origin_y,
            first_z: slices.start as u32,
            slices: slices.len() as u32,
            labels_ring: self.plan.schedule.labels_ring as u32,
            counts_ring: self.plan.schedule.counts_ring as u32,
            region: layer.region_bit,
            selection_at,
            proteins: layer.proteins,
            displacement: layer.displacement,
            count: layer.count,
            displaced: layer.displaced,
            moved_z,
            moved_x,
            moved_y,
        }
    }

    fn proteins_params(
        &self,
        slices: &Range<usize>,
        layer: &LayerModel,
        own: &OwnProteins,
        (selection_at, levels_at): (u32, u32),
    ) -> ProteinsParams {
        let (size_x, size_y, _) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let [moved_z, moved_x, moved_y] = self.model.labelling.displacements;
        let [linked_z, linked_x, linked_y] = own.linked;
        ProteinsParams {
            size_x,
            size_y,
            depth: self.model.volume.shape[0] as u32,
            origin_z,
            origin_x,
            origin_y,
            first_z: slices.start as u32,
            slices: slices.len() as u32,
            labels_ring: self.plan.schedule.labels_ring as u32,
            counts_ring: self.plan.schedule.counts_ring as u32,
            region: if own.everywhere { 0 } else { layer.region_bit },
            selection_at,
            levels_at,
            levels: own.brightness.factors().len() as u32,
            by: own.by,
            weights_at: own.weights_at,
            densities_at: own.densities_at,
            densities: own.densities,
            amplification: own.amplification,
            apart: u32::from(own.apart) + u32::from(own.members.is_some()),
            proteins: layer.proteins,
            displacement: layer.displacement,
            linkage: own.linkage,
            cluster: own.cluster,
            displaced: layer.displaced,
            moved_z,
            moved_x,
            moved_y,
            linked_z,
            linked_x,
            linked_y,
            members: own.members.unwrap_or(layer.displaced),
        }
    }
}
