//! From counts to images: emission, blur, camera.

use super::Recorder;
use crate::engine::stages::blur::RingSlices;
use crate::engine::stages::blur::rows_to_photons::RowsToPhotonsParams;
use crate::engine::stages::{bin, emit, magnify, maximum};
use crate::model::simexm::ChannelModel;
use crate::optics::camera::AxisSampling;
use crate::run::plan::{Quantisation, TileAxis};
use bytemuck::Zeroable;
use std::ops::Range;

impl Recorder<'_> {
    /// Emission of a channel's sources and its spectra.
    pub(super) fn forward(&mut self, slices: &Range<usize>, number: usize, channel: &ChannelModel) {
        let (b, blur) = (&self.plan.buffers, &self.plan.blur);
        let (size_x, size_y, _) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let z = RingSlices {
            first_z: slices.start,
            slices: slices.len(),
            ring: self.plan.schedule.spectra_ring,
        };
        for (source, spectra) in channel.sources.iter().zip(&b.spectra[number]) {
            let params = emit::EmitParams {
                size_x,
                size_y,
                origin_z,
                origin_x,
                origin_y,
                first_z: slices.start as u32,
                slices: slices.len() as u32,
                counts_ring: self.plan.schedule.counts_ring as u32,
                photons: source.table,
                key: source.key,
            };
            let buffers = [b.counts[source.fluorophore], b.tables, b.emission];
            let shape = [slices.len(), size_x as usize, size_y as usize];
            self.recording
                .dispatch_voxels(&emit::EMIT, params, &buffers, shape);
            if slices.is_empty() {
                continue;
            }
            for (block, &spectra) in blur.blocks().iter().zip(spectra) {
                let buffers = [b.emission, b.fourier, b.rows, spectra];
                blur.forward(&mut self.recording, block, z, buffers);
            }
        }
    }

    /// From spectra to the blurred slices of a channel.
    pub(super) fn blur(
        &mut self,
        (first, count): (usize, usize),
        number: usize,
        channel: &ChannelModel,
    ) {
        let (b, blur) = (&self.plan.buffers, &self.plan.blur);
        let [origin_z, origin_x, origin_y] = self.imaged_origin();
        let (step_z, depth) = (self.model.camera.step_z, self.model.volume.shape[0]);
        let z = RingSlices {
            first_z: first,
            slices: count,
            ring: self.plan.schedule.spectra_ring,
        };
        let baseline = self.model.imaging.baseline;
        let finish = RowsToPhotonsParams {
            origin_z,
            origin_x,
            origin_y,
            first_z: first as u32,
            step_z: step_z as u32,
            slices: count as u32,
            baseline: baseline.is_some().into(),
            baseline_key: channel.baseline,
            baseline_photons: baseline.unwrap_or_default(),
            ..RowsToPhotonsParams::zeroed()
        };
        let recording = &mut self.recording;
        for (number_of_block, block) in blur.blocks().iter().enumerate() {
            let sources = b.spectra[number].iter().zip(&b.psf[number]);
            for (place, (spectra, &psf)) in sources.enumerate() {
                let buffers = [spectra[number_of_block], psf, b.filtered];
                blur.filter(recording, z, step_z, depth, place > 0, buffers);
            }
            if channel.sources.is_empty() {
                let words = blur.rows_inverse_words(block, count);
                recording.clear(b.rows, 0..words);
            } else {
                let buffers = [b.filtered, b.fourier, b.rows];
                blur.columns_inverse(recording, block, count, buffers);
            }
            let buffers = [b.rows, b.fourier, b.tables, b.profile, b.blurred, b.status];
            blur.rows_inverse(recording, block, finish, &buffers);
        }
    }

    /// From blurred slices to images, and the channel's maximum.
    pub(super) fn sample(
        &mut self,
        (first, count): (usize, usize),
        number: usize,
        channel: &ChannelModel,
    ) {
        let b = &self.plan.buffers;
        let [size_x, size_y] = self.tile.imaged_size().map(|size| size as u32);
        let [origin_z, origin_x, origin_y] = self.imaged_origin();
        let [image_x, image_y] = self.tile.image_size();
        let camera = &self.model.camera;
        let image = self.image_buffer(number);
        let pixels = count * image_x * image_y;
        if camera.magnifies() {
            let [jitter_x, jitter_y] = self.model.imaging.jitter;
            let params = magnify::MagnifyParams {
                size_x,
                size_y,
                image_x: image_x as u32,
                image_y: image_y as u32,
                end_x: end(camera.x, self.model.volume.shape[1], &self.tile.x),
                end_y: end(camera.y, self.model.volume.shape[2], &self.tile.y),
                bin_x: camera.x.bin(),
                bin_y: camera.y.bin(),
                magnify_x: camera.x.magnification(),
                magnify_y: camera.y.magnification(),
                origin_z,
                origin_x,
                origin_y,
                first_z: first as u32,
                step_z: camera.step_z as u32,
                slices: count as u32,
                key: channel.jitter,
                jitter_x,
                jitter_y,
            };
            let buffers = [b.blurred, b.tables, image, b.status];
            self.recording.clear(image, 0..pixels);
            let shape = [count, size_x as usize, size_y as usize];
            self.recording
                .dispatch_voxels(&magnify::MAGNIFY, params, &buffers, shape);
        } else {
            let params = bin::BinParams {
                size_x,
                size_y,
                image_x: image_x as u32,
                image_y: image_y as u32,
                bin_x: camera.x.bin(),
                bin_y: camera.y.bin(),
                slices: count as u32,
            };
            let buffers = [b.blurred, image, b.status];
            self.recording
                .dispatch_voxels(&bin::BIN, params, &buffers, [count, image_x, image_y]);
        }
        let params = maximum::MaximumParams {
            pixels: pixels as u32,
            maximum_at: number as u32,
        };
        self.recording
            .dispatch(&maximum::MAXIMUM, params, &[image, b.maximum], pixels);
        match self.plan.quantisation {
            Quantisation::AtTheEnd => {}
            Quantisation::InSteps => self.normalise(number, pixels),
            Quantisation::OnHost => self.recording.read(image, 0..pixels),
        }
    }
}

/// Pixels from the start of a tile's images to the end of the tissue, along an axis of so many
/// voxels.
fn end(sampling: AxisSampling, size: usize, tile: &TileAxis) -> u32 {
    let start = tile.pixels.start - tile.skipped_pixels;
    (sampling.pixels(size) - start) as u32
}
