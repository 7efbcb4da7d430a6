//! Whole runs on the GPU against the CPU: integers equal to the bit, images within the bounds of
//! docs/model.md section 6.

use crate::support::{cpu, gpu, in_the_dark, physical, simulate, whole};
use ndarray::Array3;
use simexm_gpu::internals::engine::rng::philox4x32_10;

/// Blocks of cells and background.
fn labels(shape: [usize; 3], seed: u32) -> Array3<u32> {
    Array3::from_shape_fn(shape, |(z, x, y)| {
        let block = [z / 4, x / 5, y / 6].map(|v| v as u32);
        let word = philox4x32_10([block[0], block[1], block[2], 0], [seed, 3])[0];
        if word.is_multiple_of(4) {
            0
        } else {
            1 + word % 1000
        }
    })
}

/// Two dyes that share a layer's dye, two channels with light and crosstalk, displacement,
/// baseline.
const BASE: &[&str] = &[
    "optics.exposure_time=0.1",
    "optics.baseline_noise=3",
    "optics.channels.c2.laser_wavelength=550",
    "optics.channels.c2.laser_power=50",
    "optics.channels.c2.laser_percentage=0.25",
    "optics.channels.c2.laser_filter=[540, 650]",
    "labeling.a.fluorophore=ATTO425",
    "labeling.a.region=membrane",
    "labeling.a.labeling_density=0.9",
    "labeling.a.protein_density=1e-4",
    "labeling.a.protein_noise=0.3",
    "labeling.b.fluorophore=ATTO550",
    "labeling.b.region=cytosol",
    "labeling.b.protein_density=2e-5",
    "labeling.c.fluorophore=ATTO425",
    "labeling.c.protein_density=1e-5",
    "labeling.c.protein_noise=1",
];

const BINNED: &[&str] = &[
    "optics.pixel_size=100",
    "optics.focal_plane_depth=80",
    "expansion.factor=1.5",
];
const MAGNIFIED: &[&str] = &[
    "optics.pixel_size=15",
    "groundtruth.isotropic=false",
    "optics.type=confocal",
];

#[test]
fn gpu_and_cpu_agree() {
    let Some(mut gpu) = gpu() else {
        return;
    };
    let mut cpu = cpu();
    let shapes = [
        [1, 40, 30],
        [3, 1, 50],
        [5, 17, 3],
        [20, 33, 47],
        [40, 9, 21],
        [2, 5, 200],
    ];
    let mut pixels = 0;
    let mut off_by_one = 0;
    for (number, shape) in shapes.into_iter().enumerate() {
        for extra in [BINNED, MAGNIFIED] {
            let entries: Vec<&str> = BASE.iter().chain(extra).copied().collect();
            let config = in_the_dark(&entries);
            let seed = 11 + number as u64;
            let labels = labels(shape, seed as u32);
            let ours = simulate(&config, &labels, whole(shape), seed, &mut cpu);
            let theirs = simulate(&config, &labels, whole(shape), seed, &mut gpu);
            assert_eq!(ours.selection.words, theirs.selection.words, "{shape:?}");
            assert_eq!(ours.counts, theirs.counts, "{shape:?}");
            assert!(
                ours.counts.iter().flatten().any(|count| *count > 0) || shape[0] * shape[1] < 10
            );
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&ours.emission), bits(&theirs.emission), "{shape:?}");
            assert_eq!(ours.truth, theirs.truth, "{shape:?}");
            for (a, b) in ours.images.iter().zip(&theirs.images) {
                // Binned pixels add up voxels that may each differ by the bound of the blur.
                let largest = a.iter().copied().max().unwrap_or(0);
                let bound = (5e-7 * f64::from(largest)).ceil().max(1.0) * 8.0;
                let worst = a
                    .iter()
                    .zip(b)
                    .map(|(a, b)| a.abs_diff(*b))
                    .max()
                    .unwrap_or(0);
                assert!(f64::from(worst) <= bound, "{shape:?}: {worst} of {largest}");
            }
            for (a, b) in ours.grey.iter().flatten().zip(theirs.grey.iter().flatten()) {
                assert!(a.abs_diff(*b) <= 1, "{shape:?}: {a} against {b}");
                off_by_one += usize::from(a != b);
                pixels += 1;
            }
        }
    }
    assert!(
        off_by_one * 1000 <= pixels,
        "{off_by_one} of {pixels} pixels differ"
    );
}

/// The model `physical` on two devices: the same labels; expected electrons within rounding, so
/// that grey values differ where the two means lie on two sides of a step of the draw, rarely
/// (docs/physical.md section 6.1).
#[test]
fn exposures_agree_but_for_means_on_two_sides_of_a_step() {
    let Some(mut gpu) = gpu() else {
        return;
    };
    let mut cpu = cpu();
    for entries in [
        &["detector.kind=ideal"][..],
        &["detector.kind=ideal", "optics.focal_plane_depth=90"],
        &[
            "optics.type=spinning disk",
            "optics.channels.channel_1.irradiance=300",
            "optics.exposure_time=0.1",
            "optics.pixel_size=4000",
            "detector.kind=scmos",
        ],
    ] {
        let base = [
            "labeling.a.fluorophore=ATTO550",
            "labeling.a.region=membrane",
            "labeling.a.protein_density=1e-4",
        ];
        let config = physical(&[&base, entries].concat());
        let shape = [12, 60, 70];
        let labels = labels(shape, 5);
        let ours = simulate(&config, &labels, whole(shape), 3, &mut cpu);
        let theirs = simulate(&config, &labels, whole(shape), 3, &mut gpu);
        assert_eq!(ours.counts, theirs.counts);
        assert_eq!(ours.truth, theirs.truth);
        let means = |run: &crate::support::Run| -> Vec<f32> {
            bytemuck::cast_slice(&run.images[0]).to_vec()
        };
        let (a, b) = (means(&ours), means(&theirs));
        let most = a.iter().copied().fold(0.0, f32::max);
        assert!(most > 5.0, "{most}");
        let mut differ = 0.0;
        for (a, b) in a.iter().zip(&b) {
            let difference = (a - b).abs();
            assert!(difference <= f32::max(1e-6, 5e-7 * most), "{a} {b}");
            // On average over where the steps lie (3 D below 32 electrons).
            differ +=
                f64::from(3.0 * difference) + f64::from(u8::from(difference > 0.0)) / 16_384.0;
        }
        let grey =
            |run: &crate::support::Run| -> Vec<u16> { bytemuck::pod_collect_to_vec(&run.grey[0]) };
        let (ours, theirs) = (grey(&ours), grey(&theirs));
        let found = ours.iter().zip(&theirs).filter(|(a, b)| a != b).count() as f64;
        println!(
            "{found} of {} grey values differ, {differ:.2} expected",
            ours.len()
        );
        assert!(
            found <= differ + 4.0 * differ.sqrt() + 2.0,
            "{found} differ, {differ} expected"
        );
    }
}
