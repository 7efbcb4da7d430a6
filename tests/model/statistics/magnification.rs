//! Voxels larger than the camera's pixels.

use super::{LIGHT, configured, layer, real_labels, sum};
use crate::support::{
    allocate, assert_distribution, assert_mean, backends, cpu, execute, poisson, simulate, whole,
};
use simexm_gpu::internals::base::volume::VoxelBox;
use simexm_gpu::internals::engine::compute::{Backend, Recording};
use simexm_gpu::internals::engine::stages::magnify::{MAGNIFY, MagnifyParams};
use simexm_gpu::internals::model::{Imaging, Model};

/// Spreads blurred voxels (z, x, y) over the camera of a model.
pub fn magnify(
    backend: &mut dyn Backend,
    blurred: &[u32],
    model: &Model,
    channel: usize,
) -> Vec<u32> {
    let [depth, size_x, size_y] = model.volume.shape.map(|size| size as u32);
    let [origin_z, origin_x, origin_y] = model.volume.offset.map(|offset| offset as u32);
    let [slices, image_x, image_y] = model.image_shape();
    assert_eq!(slices, depth as usize);
    let pixels = slices * image_x * image_y;
    let Imaging::Simexm(imaging) = &model.imaging else {
        panic!("the model simexm");
    };
    let [jitter_x, jitter_y] = imaging.jitter;
    let params = MagnifyParams {
        size_x,
        size_y,
        image_x: image_x as u32,
        image_y: image_y as u32,
        end_x: image_x as u32,
        end_y: image_y as u32,
        bin_x: model.camera.x.bin(),
        bin_y: model.camera.y.bin(),
        magnify_x: model.camera.x.magnification(),
        magnify_y: model.camera.y.magnification(),
        origin_z,
        origin_x,
        origin_y,
        first_z: 0,
        step_z: 1,
        slices: depth,
        key: imaging.keys[channel].jitter,
        jitter_x,
        jitter_y,
    };
    let words = [blurred.len(), model.tables.len(), pixels, 1];
    let buffers = allocate(backend, words);
    let [volume, tables, image, status] = buffers;
    let mut recording = Recording::default();
    recording.write(volume, 0, blurred.to_vec());
    recording.write(tables, 0, model.tables.clone());
    recording.clear(image, 0..pixels);
    recording.clear(status, 0..1);
    let shape = [params.slices, params.size_x, params.size_y].map(|size| size as usize);
    recording.dispatch_voxels(&MAGNIFY, params, &buffers, shape);
    recording.read(image, 0..pixels);
    recording.read(status, 0..1);
    let mut found = execute(backend, recording);
    assert_eq!(found.pop().unwrap(), [0], "status");
    found.concat()
}

/// Three pixels per voxel along x, two along y.
pub fn magnifying(region: VoxelBox) -> Model {
    let entries: &[&str] = &[
        "groundtruth.voxel_dim=[40, 60, 40]",
        "optics.pixel_size=20",
        "optics.channels.c2.laser_wavelength=425",
        "optics.channels.c2.laser_power=50",
        "optics.channels.c2.laser_percentage=0.25",
        "optics.channels.c2.laser_filter=[440, 550]",
    ];
    let config = configured(&[entries], &[layer("a", "ATTO425", "full")]);
    Model::new(&config, region, 21).unwrap()
}

#[test]
fn magnified_voxels_jitter_by_a_poisson_number_of_pixels() {
    let shape = [4000, 7, 9];
    let model = magnifying(whole(shape));
    assert_eq!(model.image_shape(), [4000, 21, 18]);
    let distribution = |mean: f64, most: usize| -> Vec<f64> {
        let mut weights = poisson(mean);
        let beyond: f64 = weights.drain(most..).sum();
        weights.push(beyond);
        weights
    };
    for mut backend in backends() {
        // In the middle, at the first voxel, and at the last, where everything but no jitter meets
        // the border.
        for [x, y] in [[2, 3], [0, 0], [6, 8]] {
            let mut blurred = vec![0; shape.iter().product()];
            blurred
                .chunks_exact_mut(63)
                .for_each(|slice| slice[x * 9 + y] = 7);
            let image = magnify(backend.as_mut(), &blurred, &model, 0);
            // One voxel in each slice: its pixel, with all its photons.
            let jitter: Vec<[usize; 2]> = image
                .chunks_exact(21 * 18)
                .map(|slice| {
                    let pixel = slice.iter().position(|&value| value > 0).unwrap();
                    assert_eq!((slice[pixel], sum(slice)), (7, 7), "photons get lost");
                    let place = [
                        (pixel / 18).checked_sub(3 * x),
                        (pixel % 18).checked_sub(2 * y),
                    ];
                    place.map(|jitter| jitter.expect("no voxel moves backwards"))
                })
                .collect();
            let borders = [20 - 3 * x, 17 - 2 * y];
            let mut means = [0.0; 2];
            for axis in 0..2 {
                let (magnification, border) = ([3.0, 2.0][axis], borders[axis]);
                let expected = distribution(magnification, border.min(15));
                let mut counted = vec![0; 30];
                jitter.iter().for_each(|jitter| counted[jitter[axis]] += 1);
                assert!(
                    counted[border + 1..].iter().all(|&n| n == 0),
                    "beyond the border"
                );
                counted.truncate(expected.len());
                let what = format!("jitter of ({x}, {y}) along axis {axis}");
                assert_distribution(&counted, &expected, &what);
                means[axis] = jitter.iter().map(|j| j[axis] as f64).sum::<f64>() / 4000.0;
            }
            if [x, y] == [2, 3] {
                // By one voxel on average, that is by as many pixels as a voxel has.
                assert_mean(means[0], 3.0, (3.0f64 / 4000.0).sqrt(), "shift along x");
                assert_mean(means[1], 2.0, (2.0f64 / 4000.0).sqrt(), "shift along y");
                let product = |j: &[usize; 2]| (j[0] as f64 - 3.0) * (j[1] as f64 - 2.0);
                let covariance = jitter.iter().map(product).sum::<f64>() / 4000.0;
                assert_mean(
                    covariance,
                    0.0,
                    (6.0f64 / 4000.0).sqrt(),
                    "covariance of the axes",
                );
                let other = magnify(backend.as_mut(), &blurred, &model, 1);
                assert_ne!(other, image, "two channels, one jitter");
            }
        }
    }
}

#[test]
fn magnified_slices_keep_their_photons() {
    let labels = real_labels();
    let entries: &[&str] = &["optics.pixel_size=15"];
    let layers = [layer("a", "ATTO425", "membrane")];
    let run = |entries: &[&str]| {
        let config = configured(&[&LIGHT, entries], &layers);
        simulate(&config, &labels, whole([12, 40, 44]), 9, &mut cpu())
    };
    let (plain, magnified) = (run(&[]), run(entries));
    assert_eq!(magnified.model.image_shape(), [12, 120, 132]);
    let slices =
        |images: &[u32]| -> Vec<u64> { images.chunks_exact(images.len() / 12).map(sum).collect() };
    assert_eq!(slices(&plain.images[0]), slices(&magnified.images[0]));
    assert!(sum(&plain.images[0]) > 0);
}
