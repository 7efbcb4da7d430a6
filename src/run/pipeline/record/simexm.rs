//! The end of the model `simexm`: photons with a baseline, bins or jitter, and the channel's
//! maximum.

use super::Recorder;
use crate::engine::stages::blur::photons::baseline_profile;
use crate::engine::stages::blur::rows_to_photons::RowsToPhotonsParams;
use crate::engine::stages::{bin, magnify, maximum};
use crate::model::simexm::Imaging;
use crate::optics::camera::AxisSampling;
use crate::run::plan::{Quantisation, Tile, TileAxis};
use bytemuck::Zeroable;
use std::ops::Range;

impl Recorder<'_> {
    /// The profile of the baseline.
    pub(super) fn start_simexm(&mut self) {
        let [_, size_x, size_y] = self.model.volume.shape;
        // In the middle of the tissue, not of its part.
        let profile = baseline_profile(size_x, size_y);
        let (across, along) = profile.split_at(size_x);
        let Tile { x, y } = self.tile;
        let profile = [&across[x.imaged.clone()], &along[y.imaged.clone()]].concat();
        let profile = bytemuck::cast_vec::<f32, u32>(profile);
        self.recording.write(self.plan.buffers.profile, 0, profile);
    }

    /// From spectra to the images of a channel, and its maximum.
    pub(super) fn image_simexm(&mut self, images: &Range<usize>, number: usize, imaging: &Imaging) {
        let b = &self.plan.buffers;
        let [origin_z, origin_x, origin_y] = self.imaged_origin();
        let planes = self.model.camera.planes;
        let finish = RowsToPhotonsParams {
            origin_z,
            origin_x,
            origin_y,
            first_z: planes.slice(images.start) as u32,
            step_z: planes.step() as u32,
            slices: images.len() as u32,
            baseline: imaging.baseline.is_some().into(),
            baseline_key: imaging.keys[number].baseline,
            baseline_photons: imaging.baseline.unwrap_or_default(),
            ..RowsToPhotonsParams::zeroed()
        };
        let buffers = [b.rows, b.fourier, b.tables, b.profile, b.blurred, b.status];
        self.blur(images, number, false, finish, &buffers);
        self.sample(images, number, imaging);
    }

    /// From blurred slices to images, and the channel's maximum.
    fn sample(&mut self, images: &Range<usize>, number: usize, imaging: &Imaging) {
        let b = &self.plan.buffers;
        let [size_x, size_y] = self.tile.imaged_size().map(|size| size as u32);
        let [origin_z, origin_x, origin_y] = self.imaged_origin();
        let [image_x, image_y] = self.tile.image_size();
        let camera = &self.model.camera;
        let image = self.image_buffer(number);
        let count = images.len();
        let pixels = count * image_x * image_y;
        if camera.magnifies() && !imaging.spreads {
            let [jitter_x, jitter_y] = imaging.jitter;
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
                first_z: camera.planes.slice(images.start) as u32,
                step_z: camera.planes.step() as u32,
                slices: count as u32,
                key: imaging.keys[number].jitter,
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
                repeat_x: camera.x.magnification(),
                repeat_y: camera.y.magnification(),
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
