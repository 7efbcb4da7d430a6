//! From counts to blurred slices, as every model has it.

use super::Recorder;
use crate::engine::compute::Buffer;
use crate::engine::stages::blur::{Epilogue, Mixture, RingSlices};
use crate::engine::stages::emit;
use std::ops::Range;

impl Recorder<'_> {
    /// The light of an emitter and its spectra.
    pub(super) fn forward(&mut self, slices: &Range<usize>, number: usize) {
        let (b, blur) = (&self.plan.buffers, &self.plan.blur);
        let emitter = self.model.emitters[number];
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
            counts_ring: self.plan.schedule.counts_ring as u32,
            photons: emitter.table,
            key: emitter.key,
        };
        let buffers = [b.counts[emitter.fluorophore], b.tables, b.emission];
        let shape = [slices.len(), size_x as usize, size_y as usize];
        self.recording
            .dispatch_voxels(&emit::EMIT, params, &buffers, shape);
        if slices.is_empty() {
            return;
        }
        let z = self.ring_slices((slices.start, slices.len()), false);
        for (block, &spectra) in blur.blocks().iter().zip(&b.spectra[number]) {
            let buffers = [b.emission, b.fourier, b.rows, spectra];
            blur.forward(&mut self.recording, block, z, buffers);
        }
    }

    /// From spectra to the blurred slices of a channel: those of its sources are filtered and
    /// added, and go back through the model's epilogue.
    pub(super) fn blur(
        &mut self,
        images: (usize, usize),
        number: usize,
        dark: bool,
        epilogue: impl Epilogue,
        buffers: &[Buffer],
    ) {
        let (b, blur) = (&self.plan.buffers, &self.plan.blur);
        let (step_z, depth) = (self.model.camera.step_z, self.model.volume.shape[0]);
        let z = self.ring_slices(images, dark);
        let (channel, count) = (&self.model.channels[number], images.1);
        let recording = &mut self.recording;
        for (number_of_block, block) in blur.blocks().iter().enumerate() {
            // What is first in a slice replaces what was there.
            let mut fresh = 0;
            for (source, psfs) in channel.sources.iter().zip(&b.psf[number]) {
                let spectra = b.spectra[source.emitter][number_of_block];
                for (run, function, weight) in source.mixtures(images, step_z) {
                    let z = RingSlices {
                        first_z: z.first_z + run.start * step_z,
                        slices: run.len(),
                        ..z
                    };
                    let mixture = Mixture {
                        slices: count,
                        first: run.start,
                        accumulate: run.start < fresh,
                        weight,
                    };
                    fresh = fresh.max(run.end);
                    let buffers = [spectra, psfs[function], b.filtered];
                    blur.filter(recording, z, step_z, depth, mixture, buffers);
                }
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

    fn ring_slices(&self, (first_z, slices): (usize, usize), dark: bool) -> RingSlices {
        RingSlices {
            first_z,
            slices,
            ring: self.plan.schedule.spectra_ring,
            dark,
        }
    }
}
