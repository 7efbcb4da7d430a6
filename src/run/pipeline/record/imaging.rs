//! From counts to blurred slices, as every model has it.

use super::Recorder;
use crate::engine::compute::Buffer;
use crate::engine::stages::blur::{Epilogue, Mixture, RingSlices};
use crate::engine::stages::emit;
use crate::model::FilterRun;
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
        let z = self.ring_slices(slices.start, slices.len(), false);
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
        let runs: Vec<Vec<FilterRun>> = {
            let sources = channel.sources.iter();
            sources.map(|source| source.runs(images, planes)).collect()
        };
        let ring = |run: &FilterRun| self.ring_slices(run.first_z, run.images.len(), dark);
        let ring: Vec<Vec<RingSlices>> = runs
            .iter()
            .map(|runs| runs.iter().map(ring).collect())
            .collect();
        let recording = &mut self.recording;
        for (number_of_block, block) in blur.blocks().iter().enumerate() {
            // What is first in a slice replaces what was there.
            let mut fresh = 0;
            for (number, (source, psfs)) in channel.sources.iter().zip(psfs).enumerate() {
                let spectra = b.spectra[source.emitter][number_of_block];
                for (run, &z) in runs[number].iter().zip(&ring[number]) {
                    let mixture = Mixture {
                        slices: count,
                        first: run.images.start,
                        accumulate: run.images.start < fresh,
                        weight: run.weight,
                    };
                    fresh = fresh.max(run.images.end);
                    let buffers = [spectra, psfs[run.function], b.filtered];
                    blur.filter(recording, z, run.step, depth, mixture, buffers);
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

    fn ring_slices(&self, first_z: usize, slices: usize, dark: bool) -> RingSlices {
        RingSlices {
            first_z,
            slices,
            ring: self.plan.schedule.spectra_ring,
            dark,
        }
    }
}
