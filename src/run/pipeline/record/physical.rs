//! The end of the model `physical`: expected electrons, shares of voxels in pixels, and exposures.

use super::Recorder;
use crate::engine::stages::area::{AREA, AreaParams};
use crate::engine::stages::blur::rows_to_means::RowsToMeansParams;
use crate::engine::stages::expose::{EXPOSE, ExposeParams, ExposedPart};
use crate::model::physical::Imaging;
use std::ops::Range;

impl Recorder<'_> {
    /// The detector's tables, and the shares of voxels in pixels.
    pub(super) fn start_physical(&mut self, imaging: &Imaging) {
        let Some(b) = self.plan.buffers.physical else {
            return;
        };
        self.recording
            .write(b.areas, 0, self.tile.areas(self.model));
        self.recording.write(b.detector, 0, imaging.tables.clone());
        if !imaging.maps.is_empty() {
            let maps = self.tile.maps(self.model, imaging);
            self.recording.write(b.maps, 0, maps);
        }
    }

    /// From spectra to the grey values of a channel's images, and a read of them: packed, or where
    /// they are those of a tile one in a word. Where they are wanted the expected electrons come
    /// after them.
    pub(super) fn image_physical(
        &mut self,
        images: &Range<usize>,
        number: usize,
        imaging: &Imaging,
    ) {
        let b = &self.plan.buffers;
        let Some(own) = b.physical else { return };
        let count = images.len();
        let buffers = [b.rows, b.fourier, b.blurred];
        let means = RowsToMeansParams::new(count as u32);
        self.blur(images, number, imaging.dark_along_z, means, &buffers);

        let image = self.image_buffer(number);
        let [size_x, size_y] = self.tile.imaged_size().map(|size| size as u32);
        let [image_x, image_y] = self.tile.image_size();
        let [(rows_words, stride_x), (_, stride_y)] = self.tile.area_words(self.model);
        let params = AreaParams {
            size_x,
            size_y,
            image_x: image_x as u32,
            image_y: image_y as u32,
            stride_x: stride_x as u32,
            stride_y: stride_y as u32,
            columns_at: rows_words as u32,
            slices: count as u32,
        };
        let buffers = [b.blurred, own.areas, image];
        self.recording
            .dispatch_voxels(&AREA, params, &buffers, [count, image_x, image_y]);

        let part = ExposedPart {
            first_slice: images.start as u32,
            first: [&self.tile.x, &self.tile.y].map(|axis| axis.image_pixels().start as u32),
            slices: count as u32,
            size: [image_x as u32, image_y as u32],
        };
        let key = imaging.exposures[number];
        let mut params = ExposeParams::new(
            &imaging.detection(number),
            part,
            !imaging.maps.is_empty(),
            key,
        );
        if let Some(at) = imaging.hazes[number].constants_at {
            params = params.with_constants_at(at);
        }
        params.per_word = match self.plan.quantisation.is_on_host() {
            true => 1,
            false => 32 / self.model.output.bit_depth.bits(),
        };
        let words = params.words();
        let buffers = [image, own.detector, own.maps, b.grey];
        self.recording.dispatch(&EXPOSE, params, &buffers, words);
        self.recording.read(b.grey, 0..words);
        if self.model.output.expected {
            self.recording.read(image, 0..params.pixels());
        }
    }
}
