//! Voxels that are not cubes.

use super::{LIGHT, configured, layer, real_labels, sum};
use crate::support::{cpu, simulate, whole};
use ndarray::Array3;

#[test]
fn a_point_is_seen_as_the_point_spread_function() {
    let shape = [33; 3];
    let mut labels = Array3::zeros(shape);
    labels[[16, 16, 16]] = 5;
    let entries: &[&str] = &[
        "groundtruth.voxel_dim=[40, 20, 32]",
        "expansion.factor=4",
        "optics.pixel_size=96",
        "optics.focal_plane_depth=160",
        "labeling.a.protein_density=1e-2",
        "labeling.a.antibody_amp=20",
    ];
    let config = configured(&[&LIGHT, entries], &[layer("a", "ATTO425", "full")]);
    // Its last two entries replace those of the layer.
    let run = simulate(&config, &labels, whole(shape), 4, &mut cpu());
    assert_eq!(run.model.image_shape(), shape);
    let photons = f64::from(run.emission[(16 * 33 + 16) * 33 + 16]);
    assert!(photons > 5_000.0, "{photons}");
    let psf = run.model.channels[0].sources[0].psf();
    let at = |z: usize, x: usize, y: usize| f64::from(psf.at(15 + z, x, y));
    for (voxel, &value) in run.images[0].iter().enumerate() {
        let away = [voxel / 33 / 33, voxel / 33 % 33, voxel % 33].map(|at| at.abs_diff(16));
        let share = if away.contains(&16) {
            0.0
        } else {
            at(away[0], away[1], away[2])
        };
        let off = (f64::from(value) - photons * share).abs();
        assert!(off <= 1.0, "{value} at {away:?}, not {}", photons * share);
    }
    // q = sqrt(x^2 + (y voxel_y / voxel_x)^2): 5 voxels along y are 8 along x, and (6, 5) is (10,
    // 0).
    assert_eq!(at(0, 0, 5), at(0, 8, 0));
    assert_eq!(at(2, 6, 5), at(2, 10, 0));
    assert_ne!(at(0, 0, 5), at(0, 5, 0));
}

#[test]
fn pixels_have_their_own_step_along_each_axis() {
    let labels = real_labels();
    let (_, size_x, size_y) = labels.dim();
    let run = |pixel_nm: u32, depth_nm: u32| {
        let [pixel, depth] = [
            format!("optics.pixel_size={pixel_nm}"),
            format!("optics.focal_plane_depth={depth_nm}"),
        ];
        let entries: &[&str] = &["groundtruth.voxel_dim=[40, 20, 32]", &pixel, &depth];
        let config = configured(&[&LIGHT, entries], &[layer("a", "ATTO425", "membrane")]);
        simulate(&config, &labels, whole([12, 40, 44]), 6, &mut cpu())
    };
    // 24 / 20 and 24 / 32: one to one.
    let fine = run(24, 40);
    assert_eq!(fine.model.image_shape(), [12, size_x, size_y]);
    let is_coarse = |warning: &String| warning.contains("too coarse");
    let told = &fine.model.warnings;
    assert!(!told.iter().any(is_coarse), "{told:?}");
    let voxels = fine.images[0].chunks_exact(size_y);

    // 100 / 20 = 5 voxels along x, 100 / 32 = 3.1 along y, every second slice.
    let coarse = run(100, 80);
    assert_eq!(coarse.model.image_shape(), [6, 8, 15]);
    let mut expected = vec![0; 6 * 8 * 15];
    for (row, values) in voxels.clone().enumerate() {
        let (z, x) = (row / size_x, row % size_x);
        for (y, value) in values.iter().enumerate().filter(|_| z % 2 == 0) {
            expected[(z / 2 * 8 + x / 5) * 15 + y / 3] += value;
        }
    }
    assert!(coarse.images[0] == expected && sum(&expected) > 0);

    // 15 / 20 is one to one along x, and 15 / 32 two pixels along y, where a row keeps its photons.
    let mixed = run(15, 40);
    assert_eq!(mixed.model.image_shape(), [12, size_x, 2 * size_y]);
    let pixels = mixed.images[0].chunks_exact(2 * size_y);
    assert!(
        voxels
            .zip(pixels)
            .all(|(voxels, pixels)| sum(voxels) == sum(pixels))
    );
    // Voxels that are too coarse for their pixels are told about.
    let warning = mixed.model.warnings.join("\n");
    assert!(
        warning.contains("too coarse") && warning.contains("along y"),
        "{warning}"
    );
    assert!(!warning.contains("along x"), "{warning}");
}
