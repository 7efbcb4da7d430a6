//! Labels of an uneven expansion, and proteins where rounds of imaging find them.

use super::Recorder;
use crate::engine::compute::Buffer;
use crate::engine::stages::deform::{DEFORM, DeformParams};
use crate::model::DisplacementField;
use crate::run::plan::lattice_nodes;
use std::ops::Range;

impl Recorder<'_> {
    /// Takes the labels and annotations of these slices from where they were before the expansion.
    pub(super) fn deform(&mut self, slices: &Range<usize>) {
        let b = &self.plan.buffers;
        let (Some(field), Some(before)) = (&self.model.distortion, &b.distortion) else {
            return;
        };
        if slices.is_empty() {
            return;
        }
        self.write_nodes(slices, field, before.nodes);
        let rings = [
            self.plan.schedule.source_ring,
            self.plan.schedule.labels_ring,
        ];
        let annotated = !self.model.labelling.annotations.is_empty();
        let annotations = annotated.then_some((before.annotations, b.annotations));
        let labels = before.labels.iter().copied().zip(b.labels.iter().copied());
        for (from, to) in labels.chain(annotations) {
            self.pull(slices, field, [before.nodes, from, to], rings);
        }
    }

    /// Brings the displacements of all rounds of imaging to the device, for proteins of these
    /// slices.
    pub(super) fn write_rounds(&mut self, slices: &Range<usize>) {
        let Some(own) = &self.plan.buffers.rounds else {
            return;
        };
        if slices.is_empty() {
            return;
        }
        for (round, &nodes) in self.model.rounds.iter().zip(&own.nodes) {
            self.write_nodes(slices, &round.field, nodes);
        }
    }

    /// The proteins of these slices in a round, and the slices of the ring that they are in.
    pub(super) fn counts_of_round(
        &mut self,
        slices: &Range<usize>,
        fluorophore: usize,
        round: usize,
    ) -> (Buffer, usize) {
        let b = &self.plan.buffers;
        let (counts, ring) = (b.counts[fluorophore], self.plan.schedule.counts_ring);
        let (Some(field), Some(own)) = (self.model.round_field(round), &b.rounds) else {
            return (counts, ring);
        };
        let own_ring = self.plan.schedule.emission;
        if !slices.is_empty() {
            let buffers = [own.nodes[round - 1], counts, own.counts];
            self.pull(slices, field, buffers, [ring, own_ring]);
        }
        (own.counts, own_ring)
    }

    fn write_nodes(&mut self, slices: &Range<usize>, field: &DisplacementField, nodes: Buffer) {
        let ranges = lattice_nodes(self.model, field, self.tile, slices);
        let values = bytemuck::cast_vec::<i32, u32>(field.part(&ranges));
        self.recording.write(nodes, 0, values);
    }

    /// Fills these slices of a ring from another, by displacements: `buffers` are these, the one
    /// ring and the other, `rings` the slices of both.
    fn pull(
        &mut self,
        slices: &Range<usize>,
        field: &DisplacementField,
        buffers: [Buffer; 3],
        rings: [usize; 2],
    ) {
        let (size_x, size_y, _) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let nodes = lattice_nodes(self.model, field, self.tile, slices);
        let [bits_z, bits_x, bits_y] = field.bits;
        let [from_ring, to_ring] = rings.map(|ring| ring as u32);
        let params = DeformParams {
            size_x,
            size_y,
            depth: self.model.volume.shape[0] as u32,
            origin_z,
            origin_x,
            origin_y,
            first_z: slices.start as u32,
            slices: slices.len() as u32,
            from_ring,
            to_ring,
            bits_z,
            bits_x,
            bits_y,
            node_z: nodes[0].start as u32,
            node_x: nodes[1].start as u32,
            node_y: nodes[2].start as u32,
            nodes_x: nodes[1].len() as u32,
            nodes_y: nodes[2].len() as u32,
        };
        let shape = [slices.len(), size_x as usize, size_y as usize];
        self.recording
            .dispatch_voxels(&DEFORM, params, &buffers, shape);
    }
}
