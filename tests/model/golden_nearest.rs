//! Ground truth brought to the camera's grid, against SimExm's resizing by whole factors, up and
//! down.

use crate::support::{allocate, backends, execute, read_counts};
use simexm_gpu::internals::base::region_bits::{FULL, MEMBRANE};
use simexm_gpu::internals::engine::compute::Recording;
use simexm_gpu::internals::engine::stages::truth::{TRUTH, TruthParams};
use simexm_gpu::internals::optics::camera::AxisSampling;

#[test]
fn ground_truth_takes_the_same_voxels_as_simexm() {
    let ([_, size_x, size_y], source) = read_counts("nearest/source.tif");
    let cells = source.iter().max().unwrap() + 1;
    for mut backend in backends() {
        for (image_x, image_y) in [(80, 88), (20, 22), (120, 132), (8, 11)] {
            let name = format!("nearest/to_{image_x}x{image_y}.tif");
            let (shape, expected) = read_counts(&name);
            assert_eq!(shape, [1, image_x, image_y]);
            let shown = |image: usize, size: usize| {
                let sampling = match image / size {
                    0 | 1 => AxisSampling::Bin((size / image) as u32),
                    factor => AxisSampling::Magnify(factor as u32),
                };
                (0..image).map(move |pixel| sampling.shown(pixel, size) as u32)
            };
            let shown: Vec<u32> = shown(image_x, size_x)
                .chain(shown(image_y, size_y))
                .collect();
            let params = TruthParams {
                size_x: size_x as u32,
                size_y: size_y as u32,
                image_x: image_x as u32,
                image_y: image_y as u32,
                slab_z: 0,
                first_z: 0,
                step_z: 1,
                slices: 1,
                first_image: 0,
                labels_ring: 1,
                region: FULL,
                selection_at: 0,
                combine: 0,
            };
            let selection = vec![u32::MAX; cells.div_ceil(32) as usize];
            let pixels = image_x * image_y;
            let words = [
                source.len(),
                source.len(),
                selection.len(),
                shown.len(),
                pixels,
            ];
            let buffers = allocate(backend.as_mut(), words);
            let mut recording = Recording::default();
            recording.write(buffers[0], 0, source.clone());
            recording.write(buffers[1], 0, vec![FULL | MEMBRANE; source.len()]);
            recording.write(buffers[2], 0, selection);
            recording.write(buffers[3], 0, shown);
            let shape = [1, image_x, image_y];
            recording.dispatch_voxels(&TRUTH, params, &buffers, shape);
            recording.read(buffers[4], 0..pixels);
            let found = execute(backend.as_mut(), recording).concat();
            let differ = std::iter::zip(&found, &expected).filter(|(a, b)| a != b);
            assert_eq!(differ.count(), 0, "{name}, {}", backend.name());
        }
    }
}
