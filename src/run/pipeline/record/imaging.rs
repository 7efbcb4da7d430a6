//! From counts to blurred slices, as every model has it.

use super::Recorder;
use crate::engine::compute::Buffer;
use crate::engine::stages::blur::{Epilogue, FilteredSlice, Filtering, RingSlices};
use crate::engine::stages::emit;
use std::ops::Range;

impl Recorder<'_> {
    /// The light of an emitter and its spectra.
    pub(super) fn forward(&mut self, slices: &Range<usize>, number: usize) {
        let emitter = self.model.emitters[number];
        let (counts, counts_ring) =
            self.counts_of_round(slices, emitter.fluorophore, emitter.round);
        let (b, blur) = (&self.plan.buffers, &self.plan.blur);
        let (size_x, size_y, _) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let params = emit::EmitParams {
            size_x,
            size_y,
            origin_z,
            origin_x,
            origin_y,
            first_z: slices.start as u32,
            slices: slices.len() as u32,
            counts_ring: counts_ring as u32,
            photons: emitter.table,
            key: emitter.key,
        };
        let buffers = [counts, b.tables, b.emission];
        let shape = [slices.len(), size_x as usize, size_y as usize];
        self.recording
            .dispatch_voxels(&emit::EMIT, params, &buffers, shape);
        if slices.is_empty() {
            return;
        }
        let z = RingSlices {
            first_z: slices.start,
            slices: slices.len(),
            ring: self.plan.schedule.spectra_ring,
        };
        for (block, &spectra) in blur.blocks().iter().zip(&b.spectra[number]) {
            let buffers = [b.emission, b.fourier, b.rows, spectra];
            blur.forward(&mut self.recording, block, z, buffers);
        }
    }

    /// From spectra to the blurred slices of a channel: those of its sources are filtered and
    /// added, and go back through the model's epilogue.
    pub(super) fn blur(
        &mut self,
        images: &Range<usize>,
        number: usize,
        dark: bool,
        epilogue: impl Epilogue,
        buffers: &[Buffer],
    ) {
        let (b, blur) = (&self.plan.buffers, &self.plan.blur);
        let (planes, depth) = (self.model.camera.planes, self.model.volume.shape[0]);
        let (channel, count) = (&self.model.channels[number], images.len());
        // Rounds have the point spread functions of the first one.
        let psfs = &b.psf[number % b.psf.len()];
        // What is first in an image replaces what was there.
        let mut begun = vec![false; count];
        let mut list = Vec::new();
        let mut filterings = Vec::new();
        for (source, psfs) in channel.sources.iter().zip(psfs) {
            for (foci, &psf) in source.foci(images, planes).into_iter().zip(psfs) {
                let at = list.len();
                list.extend(foci.iter().map(|focus| FilteredSlice {
                    z: focus.slice as u32,
                    to: focus.image as u32,
                    weight: focus.weight,
                    adds: std::mem::replace(&mut begun[focus.image], true).into(),
                }));
                filterings.push((source.emitter, psf, at..list.len()));
            }
        }
        let recording = &mut self.recording;
        if !list.is_empty() {
            recording.write(b.filtered_slices, 0, bytemuck::cast_slice(&list).to_vec());
        }
        for (number_of_block, block) in blur.blocks().iter().enumerate() {
            for (emitter, psf, range) in &filterings {
                let filtering = Filtering {
                    slices: &list[range.clone()],
                    at: range.start,
                    filtered: count,
                    ring: self.plan.schedule.spectra_ring,
                    depth,
                    dark,
                };
                let spectra = b.spectra[*emitter][number_of_block];
                let buffers = [spectra, *psf, b.filtered_slices, b.filtered];
                blur.filter(recording, filtering, buffers);
            }
            if channel.sources.is_empty() {
                let words = blur.rows_inverse_words(block, count);
                recording.clear(b.rows, 0..words);
            } else {
                let buffers = [b.filtered, b.fourier, b.rows];
                blur.columns_inverse(recording, block, count, buffers);
            }
            blur.rows_inverse(recording, block, epilogue, buffers);
        }
    }
}
