//! Kept slices, bins and grey values of the golden blurred volume.

use crate::support::{allocate, backends, execute, read_counts};
use simexm_gpu::internals::engine::compute::Recording;
use simexm_gpu::internals::engine::stages::bin::{BIN, BinParams};
use simexm_gpu::internals::engine::stages::maximum::{MAXIMUM, MaximumParams};
use simexm_gpu::internals::engine::stages::normalise::{NORMALISE, NormaliseParams, thresholds};
use simexm_gpu::internals::optics::camera::Camera;

/// The camera of the golden data's README over voxels of 8 nm.
struct Sampling {
    factor: f64,
    objective: f64,
    pixel_nm: f64,
    focal_plane_nm: f64,
    file: &'static str,
}

const SAMPLINGS: [Sampling; 3] = [
    Sampling {
        factor: 20.0,
        objective: 40.0,
        pixel_nm: 6500.0,
        focal_plane_nm: 500.0,
        file: "binned_step1_z3",
    },
    Sampling {
        factor: 5.0,
        objective: 10.0,
        pixel_nm: 2000.0,
        focal_plane_nm: 130.0,
        file: "binned_step5_z3",
    },
    Sampling {
        factor: 5.0,
        objective: 20.0,
        pixel_nm: 2000.0,
        focal_plane_nm: 30.0,
        file: "binned_step2_z1",
    },
];

#[test]
fn camera_is_that_of_simexm() {
    let (shape, convolved) = read_counts("convolve/convolved.tif");
    let [_, size_x, size_y] = shape;
    for mut backend in backends() {
        for sampling in &SAMPLINGS {
            let camera = Camera::new(
                [8.0; 3],
                [sampling.factor; 3],
                sampling.objective,
                sampling.pixel_nm,
                sampling.focal_plane_nm,
            );
            let name = format!("{}, {}", sampling.file, backend.name());
            let (image_shape, expected) = read_counts(&format!("convolve/{}.tif", sampling.file));
            assert_eq!(camera.image_shape(shape), image_shape, "{name}");
            assert!(!camera.magnifies());
            let slices = convolved.chunks_exact(size_x * size_y);
            let blurred: Vec<u32> = slices
                .step_by(camera.planes.step() as usize)
                .flatten()
                .copied()
                .collect();
            let pixels = expected.len();
            let grey_words = pixels.div_ceil(4);
            let words = [blurred.len(), pixels, 1, 2, 2 * 255, grey_words];
            let [volume, image, status, maximum, limits, grey] = allocate(backend.as_mut(), words);
            let mut recording = Recording::default();
            recording.write(volume, 0, blurred);
            recording.clear(status, 0..1);
            recording.clear(maximum, 0..2);
            let params = BinParams {
                size_x: size_x as u32,
                size_y: size_y as u32,
                image_x: image_shape[1] as u32,
                image_y: image_shape[2] as u32,
                bin_x: camera.x.bin(),
                bin_y: camera.y.bin(),
                repeat_x: 1,
                repeat_y: 1,
                slices: image_shape[0] as u32,
            };
            recording.dispatch_voxels(&BIN, params, &[volume, image, status], image_shape);
            let params = MaximumParams {
                pixels: pixels as u32,
                maximum_at: 1,
            };
            recording.dispatch(&MAXIMUM, params, &[image, maximum], pixels);
            for (buffer, words) in [(image, pixels), (status, 1), (maximum, 2)] {
                recording.read(buffer, 0..words);
            }
            let found = execute(backend.as_mut(), recording);
            assert!(found[0] == expected, "{name}");
            let brightest = *expected.iter().max().unwrap();
            assert_eq!(
                (&found[1], &found[2]),
                (&vec![0], &vec![0, brightest]),
                "{name}"
            );

            if sampling.file != "binned_step5_z3" {
                continue;
            }
            // The second of two channels, so that its place in the thresholds counts.
            let mut both = thresholds(1, 255);
            both.extend(thresholds(brightest, 255));
            let mut recording = Recording::default();
            recording.write(limits, 0, both);
            let params = NormaliseParams {
                pixels: pixels as u32,
                thresholds_at: 255,
                largest: 255,
                per_word: 4,
            };
            recording.dispatch(&NORMALISE, params, &[image, limits, grey], grey_words);
            recording.read(grey, 0..grey_words);
            let found = execute(backend.as_mut(), recording).concat();
            let found: Vec<u8> = bytemuck::pod_collect_to_vec(&found);
            let (norm_shape, norm) = read_counts("convolve/norm.tif");
            assert_eq!(norm_shape, image_shape);
            let found: Vec<u32> = found[..pixels].iter().map(|&v| v.into()).collect();
            assert!(found == norm, "norm, {}", backend.name());
        }
    }
}
