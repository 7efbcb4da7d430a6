//! Labels of an uneven expansion.

use super::Recorder;
use crate::engine::stages::deform::{DEFORM, DeformParams};
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
        let (size_x, size_y, _) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let nodes = lattice_nodes(self.model, field, self.tile, slices);
        let values = bytemuck::cast_vec::<i32, u32>(field.part(&nodes));
        self.recording.write(before.nodes, 0, values);
        let [bits_z, bits_x, bits_y] = field.bits;
        let params = DeformParams {
            size_x,
            size_y,
            depth: self.model.volume.shape[0] as u32,
            origin_z,
            origin_x,
            origin_y,
            first_z: slices.start as u32,
            slices: slices.len() as u32,
            from_ring: self.plan.schedule.source_ring as u32,
            to_ring: self.plan.schedule.labels_ring as u32,
            bits_z,
            bits_x,
            bits_y,
            node_z: nodes[0].start as u32,
            node_x: nodes[1].start as u32,
            node_y: nodes[2].start as u32,
            nodes_x: nodes[1].len() as u32,
            nodes_y: nodes[2].len() as u32,
        };
        let annotated = !self.model.labelling.annotations.is_empty();
        let annotations = annotated.then_some((before.annotations, b.annotations));
        let labels = before.labels.iter().copied().zip(b.labels.iter().copied());
        let shape = [slices.len(), size_x as usize, size_y as usize];
        for (from, to) in labels.chain(annotations) {
            self.recording
                .dispatch_voxels(&DEFORM, params, &[before.nodes, from, to], shape);
        }
    }
}
