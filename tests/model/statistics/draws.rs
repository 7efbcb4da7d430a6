//! On what draws depend, and on what they do not.

use super::magnification::{magnify, magnifying};
use super::{LIGHT, configured, layer, real_labels};
use crate::support::{backends, cpu, gpu, simulate, whole};
use ndarray::Array3;
use simexm_gpu::internals::base::volume::VoxelBox;
use simexm_gpu::internals::engine::compute::Backend;

#[test]
fn a_seed_says_everything() {
    let labels = real_labels();
    let layers = [layer("a", "ATTO425", "membrane")];
    let entries: &[&str] = &[
        "labeling.a.protein_noise=0.3",
        "labeling.a.labeling_density=0.7",
        "optics.baseline_noise=3",
        "optics.pixel_size=25",
    ];
    let config = configured(&[&LIGHT, entries], &layers);
    let run = |seed: u64, backend: &mut dyn Backend| {
        simulate(&config, &labels, whole([12, 40, 44]), seed, backend)
    };
    let first = run(1, &mut cpu());
    let again = run(1, &mut cpu());
    assert_eq!(first.labelled(0), again.labelled(0));
    assert!(first.counts == again.counts && first.emission == again.emission);
    assert!(first.images == again.images && first.grey == again.grey && first.truth == again.truth);
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    for threads in [1, 3] {
        let alone = pool(threads).install(|| run(1, &mut cpu()));
        assert!(
            first.images == alone.images && first.grey == alone.grey,
            "{threads} threads"
        );
    }
    for seed in [2, 1 << 32 | 1] {
        let other = run(seed, &mut cpu());
        let differ = std::iter::zip(&first.counts[0], &other.counts[0]).filter(|(a, b)| a != b);
        let labelled = first.counts[0].iter().filter(|&&count| count > 0).count();
        assert!(differ.count() > labelled / 2, "seed {seed}");
        assert_ne!(first.grey, other.grey, "seed {seed}");
    }
    if let Some(mut gpu) = gpu() {
        let there = run(1, &mut gpu);
        assert_eq!(first.labelled(0), there.labelled(0));
        assert!(
            first.counts == there.counts,
            "counts differ between devices"
        );
        assert!(
            first.emission == there.emission,
            "emissions differ between devices"
        );
        assert!(
            first.truth == there.truth,
            "ground truths differ between devices"
        );
    }
}

#[test]
fn a_crop_draws_what_the_whole_draws_there() {
    let labels = real_labels();
    let whole_shape = [12, 40, 44];
    let crop = VoxelBox {
        offset: [2, 5, 7],
        shape: [8, 20, 24],
    };
    let densities: &[&str] = &["labeling.global_density=0.9", "output.gt_region=membrane"];
    for (region, border) in [("full", 0), ("membrane", 1), ("cytosol", 1)] {
        let layers = [layer("a", "ATTO425", region)];
        let config = configured(
            &[&LIGHT, densities, &["labeling.a.labeling_density=0.7"]],
            &layers,
        );
        for mut backend in backends() {
            let all = simulate(&config, &labels, whole(whole_shape), 12, backend.as_mut());
            let part = simulate(&config, &labels, crop, 12, backend.as_mut());
            let (mut compared, mut proteins) = (0, 0);
            for at in 0..crop.voxels() {
                let place = [at / 24 / 20, at / 24 % 20, at % 24];
                let inside =
                    |axis: usize| (border..crop.shape[axis] - border).contains(&place[axis]);
                if !(0..3).all(inside) {
                    continue;
                }
                let [z, x, y]: [usize; 3] = std::array::from_fn(|i| place[i] + crop.offset[i]);
                let there = (z * 40 + x) * 44 + y;
                assert_eq!(
                    part.counts[0][at], all.counts[0][there],
                    "{region} at {place:?}"
                );
                assert_eq!(
                    part.emission[at], all.emission[there],
                    "{region} at {place:?}"
                );
                compared += 1;
                proteins += part.counts[0][at];
            }
            assert!(
                compared > 2000 && proteins > 1000,
                "{compared} voxels, {proteins} proteins"
            );
        }
    }
}

#[test]
fn a_crop_jitters_as_the_whole_does_there() {
    let whole_shape = [3, 12, 14];
    let crop = VoxelBox {
        offset: [1, 2, 3],
        shape: [2, 9, 10],
    };
    // Lit voxels that no jitter takes to a border.
    let mut lit = Array3::zeros(whole_shape);
    lit.slice_mut(ndarray::s![1..3, 2..5, 3..6]).fill(1);
    let values = lit.as_slice().unwrap();
    let cropped = lit.slice(ndarray::s![1..3, 2..11, 3..13]).to_owned();
    for mut backend in backends() {
        let all = magnify(backend.as_mut(), values, &magnifying(whole(whole_shape)), 0);
        let cropped = cropped.as_slice().unwrap();
        let part = magnify(backend.as_mut(), cropped, &magnifying(crop), 0);
        let all = Array3::from_shape_vec([3, 36, 28], all).unwrap();
        let part = Array3::from_shape_vec([2, 27, 20], part).unwrap();
        assert_eq!(all.slice(ndarray::s![1..3, 6..33, 6..26]), part);
        assert_eq!(part.sum(), 18);
        // Draws at places counted from the crop's corner would give another picture.
        let moved = VoxelBox {
            offset: [0; 3],
            shape: crop.shape,
        };
        let moved = magnify(backend.as_mut(), cropped, &magnifying(moved), 0);
        assert_ne!(moved, part.into_raw_vec_and_offset().0);
    }
}
