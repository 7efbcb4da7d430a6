//! Proteins of the layers.

use super::{Recorder, ring_slots};
use crate::engine::compute::{Buffer, Recording};
use crate::engine::schedule::Step;
use crate::engine::stages::proteins::{PROTEINS, ProteinsParams};
use crate::engine::stages::scatter::{SCATTER, ScatterParams};
use crate::model::cells::Selection;
use crate::model::{LayerModel, OwnProteins};
use crate::run::store::StoreError;
use std::ops::Range;

impl Recorder<'_> {
    /// Which cells are labelled, and how proteins are drawn.
    pub(super) fn write_labelling(&mut self, selection: &Selection) {
        let b = &self.plan.buffers;
        let out = &mut self.recording;
        out.write(b.cells, 0, self.input.volume.cells.keys());
        out.write(b.selection, 0, selection.words.clone());
        out.write(b.tables, 0, self.model.tables.clone());
    }

    /// What stays on the device while clusters are counted.
    pub(in crate::run::pipeline) fn start_labelling(
        mut self,
        selection: &Selection,
    ) -> Recording<'static> {
        self.write_labelling(selection);
        self.finish()
    }

    /// The places of the clusters of a step: for each of [`Self::read_puncta`] the number of
    /// clusters whose middle lies in a voxel, and the labels there.
    pub(in crate::run::pipeline) fn puncta(
        mut self,
        step: &Step,
        selection: &Selection,
    ) -> Result<Recording<'static>, StoreError> {
        self.load(step.load.clone())?;
        self.deform(&step.deform);
        self.classify(&step.regions);
        let (_, _, plane) = self.size();
        let shape = [step.regions.len(), self.tile.size()[0], self.tile.size()[1]];
        let (model, plan) = (self.model, self.plan);
        let b = &plan.buffers;
        for (number, own) in model.labelling.clustered() {
            let layer = &model.labelling.layers[number];
            let counts = b.counts[layer.fluorophore];
            let selected = (selection.layer_at(number), self.levels_at(number));
            let mut params = self.proteins_params(&step.regions, layer, own, selected);
            // Clusters are counted where they are.
            (params.apart, params.amplification) = (0, 1);
            for buffers in self.layer_buffers(counts) {
                let [labels, ..] = buffers;
                for slots in ring_slots(&step.regions, plan.schedule.counts_ring) {
                    let words = slots.start * plane..slots.end * plane;
                    self.recording.clear(counts, words);
                }
                self.recording
                    .dispatch_voxels(&PROTEINS, params, &buffers, shape);
                for z in step.regions.clone() {
                    for (buffer, ring) in [
                        (counts, plan.schedule.counts_ring),
                        (labels, plan.schedule.labels_ring),
                    ] {
                        let at = (z % ring) * plane;
                        self.recording.read(buffer, at..at + plane);
                    }
                }
            }
        }
        Ok(self.finish())
    }

    /// The layers and slices whose clusters [`Self::puncta`] reads, in its order.
    pub(in crate::run::pipeline) fn read_puncta(
        &self,
        step: &Step,
    ) -> impl Iterator<Item = (usize, usize)> + use<> {
        let layers: Vec<usize> = (self.model.labelling.clustered())
            .map(|(number, _)| number)
            .collect();
        let (slices, sheets) = (step.regions.clone(), self.plan.buffers.labels.len());
        layers.into_iter().flat_map(move |layer| {
            let slices = slices.clone();
            (0..sheets).flat_map(move |_| slices.clone().map(move |z| (layer, z)))
        })
    }

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
        let counts = self.plan.buffers.counts[layer.fluorophore];
        let shape = [slices.len(), self.tile.size()[0], self.tile.size()[1]];
        for buffers in self.layer_buffers(counts) {
            match &layer.own {
                None => {
                    let params = self.scatter_params(slices, layer, selected.0);
                    self.recording
                        .dispatch_voxels(&SCATTER, params, &buffers, shape);
                }
                Some(own) => {
                    let params = self.proteins_params(slices, layer, own, selected);
                    self.recording
                        .dispatch_voxels(&PROTEINS, params, &buffers, shape);
                }
            }
        }
    }

    /// What the kernels of a layer bind, sheet by sheet; the first one are the labels.
    fn layer_buffers(&self, counts: Buffer) -> Vec<[Buffer; 7]> {
        let b = &self.plan.buffers;
        let sheets = b.labels.iter().zip(&b.regions);
        let bound = |(&labels, &regions): (&Buffer, &Buffer)| {
            [
                labels,
                regions,
                b.cells,
                b.selection,
                b.tables,
                counts,
                b.status,
            ]
        };
        sheets.map(bound).collect()
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
