//! From counts to images: emission, blur, camera.

use super::Recorder;
use crate::engine::fft::BLOCK;
use crate::engine::stages::blur::columns_forward::{COLUMNS_FORWARD, ColumnsForwardParams};
use crate::engine::stages::blur::columns_inverse::{COLUMNS_INVERSE, ColumnsInverseParams};
use crate::engine::stages::blur::filter::{FILTER, FilterParams};
use crate::engine::stages::blur::rows_inverse::RowsInverseParams;
use crate::engine::stages::{bin, emit, magnify, maximum};
use crate::model::ChannelModel;
use crate::run::plan::Quantisation;
use std::ops::Range;

impl Recorder<'_> {
    /// Emission of a channel's sources and its spectra.
    pub(super) fn forward(&mut self, slices: &Range<usize>, number: usize, channel: &ChannelModel) {
        let b = &self.plan.buffers;
        let (size_x, size_y, _) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let transform = &self.plan.transform;
        let rows = slices.len() * size_x as usize;
        for (source, &spectra) in channel.sources.iter().zip(&b.spectra[number]) {
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
            let buffers = [b.emission, b.fourier, b.rows, b.between];
            let row_lines = &self.plan.row_lines;
            row_lines.forward(&mut self.recording, rows, buffers);
            let fourier = &self.plan.fourier;
            let params = ColumnsForwardParams {
                size_x,
                frequencies: transform.frequencies() as u32,
                blocks: transform.blocks() as u32,
                first_z: slices.start as u32,
                slices: slices.len() as u32,
                spectra_ring: self.plan.schedule.spectra_ring as u32,
                radius: transform.radius as u32,
                source_at: fourier.columns_source_at,
            };
            let columns = slices.len() * transform.blocks() * BLOCK;
            let (lines, recording) = (&self.plan.column_lines, &mut self.recording);
            let buffers = [b.rows, b.fourier, spectra];
            lines.dispatch(recording, &COLUMNS_FORWARD, params, &buffers, columns);
        }
    }

    /// From spectra to the blurred slices of a channel.
    pub(super) fn blur(
        &mut self,
        (first, count): (usize, usize),
        number: usize,
        channel: &ChannelModel,
    ) {
        let b = &self.plan.buffers;
        let (size_x, size_y, _) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let transform = &self.plan.transform;
        let fourier = &self.plan.fourier;
        let blocks = transform.blocks();
        let step_z = self.model.camera.step_z as u32;
        let sources = b.spectra[number].iter().zip(&b.psf[number]);
        for (place, (&spectra, &psf)) in sources.enumerate() {
            let params = FilterParams {
                length_x: transform.length_x as u32,
                blocks: blocks as u32,
                depth: self.model.volume.shape[0] as u32,
                spectra_ring: self.plan.schedule.spectra_ring as u32,
                first_z: first as u32,
                step_z,
                slices: count as u32,
                accumulate: (place > 0).into(),
            };
            let buffers = [spectra, psf, b.filtered];
            self.recording
                .dispatch(&FILTER, params, &buffers, transform.spectrum());
        }
        if channel.sources.is_empty() {
            let words = 2 * count * blocks * BLOCK * size_x as usize;
            self.recording.clear(b.rows, 0..words);
        } else {
            let params = ColumnsInverseParams {
                size_x,
                length_x: transform.length_x as u32,
                blocks: blocks as u32,
                slices: count as u32,
            };
            let (lines, recording) = (&self.plan.column_lines, &mut self.recording);
            let (buffers, columns) = ([b.filtered, b.fourier, b.rows], count * blocks * BLOCK);
            lines.dispatch(recording, &COLUMNS_INVERSE, params, &buffers, columns);
        }
        let baseline = self.model.baseline;
        let params = RowsInverseParams {
            size_x,
            size_y,
            blocks: blocks as u32,
            slices: count as u32,
            split_at: fourier.split_at,
            order_at: fourier.rows_order_at,
            origin_z,
            origin_x,
            origin_y,
            first_z: first as u32,
            step_z,
            baseline: baseline.is_some().into(),
            baseline_key: channel.baseline,
            baseline_photons: baseline.unwrap_or_default(),
        };
        let buffers = [
            b.rows, b.fourier, b.tables, b.profile, b.blurred, b.status, b.between,
        ];
        let row_lines = &self.plan.row_lines;
        row_lines.inverse(&mut self.recording, params, buffers);
    }

    /// From blurred slices to images, and the channel's maximum.
    pub(super) fn sample(
        &mut self,
        (first, count): (usize, usize),
        number: usize,
        channel: &ChannelModel,
    ) {
        let b = &self.plan.buffers;
        let (size_x, size_y, _) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let [_, image_x, image_y] = self.model.image_shape();
        let camera = &self.model.camera;
        let image = self.image_buffer(number);
        let pixels = count * image_x * image_y;
        if camera.magnifies() {
            let [jitter_x, jitter_y] = self.model.jitter;
            let params = magnify::MagnifyParams {
                size_x,
                size_y,
                image_x: image_x as u32,
                image_y: image_y as u32,
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
