//! Image and ground truth lie on one another, whatever the expansion and the tissue's voxels.

use crate::support::{bare, physical};
use ndarray::{Array2, Array3, Axis, s};
use simexm_gpu::config::Config;
use simexm_gpu::simulate_arrays;
use simexm_gpu::simulation::{Options, Silent, Tissue};

/// Farthest shift that is looked at, in pixels.
const FAR: isize = 5;

/// Pixels of the camera in the gel, behind its objective.
const PIXEL_NM: f64 = 6500.0 / 40.0;

const SIMEXM: &[&str] = &[
    "optics.channels.c.laser_wavelength=550",
    "optics.channels.c.laser_power=50",
    "optics.channels.c.laser_percentage=0.25",
    "optics.channels.c.laser_filter=[560, 650]",
];

const PHYSICAL: &[&str] = &[
    "optics.psf_depth_truncation=0.3",
    "optics.psf_truncation=0.1",
    "optics.objective_factor=40",
];

const LAYER: &[&str] = &[
    "labeling.a.fluorophore=ATTO550",
    "labeling.a.region=full",
    "labeling.a.labeling_density=1",
];

fn configured(is_physical: bool, voxel_nm: f64, factor: f64, more: &[&str]) -> Config {
    let dim = format!("groundtruth.voxel_dim=[{voxel_nm}, {voxel_nm}, {voxel_nm}]");
    let own = [
        dim,
        // Two proteins in a voxel: cells are filled, whatever the voxels' size.
        format!("labeling.a.protein_density={}", 2.0 / voxel_nm.powi(3)),
        format!("expansion.factor={factor}"),
        format!("optics.focal_plane_depth={}", voxel_nm * factor),
    ];
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    // The more voxels there are in a pixel, the shorter: no pixel is full.
    let step = PIXEL_NM / (voxel_nm * factor);
    let exposure = format!("optics.exposure_time={}", (5e-6 / step.powi(2)).min(1e-4));
    match is_physical {
        true => physical(&[LAYER, PHYSICAL, &own, &[&exposure], more].concat()),
        false => bare(&[LAYER, SIMEXM, &own, more].concat()),
    }
}

/// Cells scattered over slices that are all alike, a few pixels wide.
fn cells(step: f64) -> Array3<u32> {
    let radius = (2.5 * step).max(2.5);
    let size = ((48.0 * step) as usize).clamp(96, 1000);
    // Places of no order: multiples of irrational numbers.
    let places: Vec<[f64; 2]> = (1..=12)
        .map(|n| [0.618_034, 0.754_878].map(|share| (f64::from(n) * share).fract() * size as f64))
        .collect();
    Array3::from_shape_fn((3, size, size), |(_, x, y)| {
        let near = |place: &[f64; 2]| (x as f64 - place[0]).hypot(y as f64 - place[1]) < radius;
        places.iter().position(near).map_or(0, |n| n as u32 + 1)
    })
}

/// How far, in pixels along x and y, an image lies from the ground truth: where their correlation
/// coefficient, which is returned too, is largest, by the parabola through the three values around
/// it.
fn shift(image: &Array2<f64>, truth: &Array2<f64>) -> ([f64; 2], f64) {
    let (rows, columns) = image.dim();
    let part = |all: &Array2<f64>, [dx, dy]: [isize; 2]| {
        let inside = |size: usize, by: isize| FAR + by..size as isize - FAR + by;
        let part = all.slice(s![inside(rows, dx), inside(columns, dy)]);
        &part - part.sum() / part.len() as f64
    };
    let length = |part: &Array2<f64>| part.iter().map(|value| value * value).sum::<f64>().sqrt();
    let truth = part(truth, [0, 0]);
    let value = |shift: [isize; 2]| {
        let image = part(image, shift);
        (&image * &truth).sum() / (length(&image) * length(&truth))
    };
    let shifts = -FAR + 1..FAR;
    let all = shifts
        .clone()
        .flat_map(|dx| shifts.clone().map(move |dy| [dx, dy]));
    let best = all.max_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap();
    let moved = [[1, 0], [0, 1]].map(|along: [isize; 2]| {
        let at = |by: isize| value([best[0] + by * along[0], best[1] + by * along[1]]);
        let [before, here, after] = [at(-1), at(0), at(1)];
        let whole = best[0] * along[0] + best[1] * along[1];
        whole as f64 + (before - after) / (2.0 * (before - 2.0 * here + after))
    });
    (moved, value(best))
}

fn found(config: &Config, step: f64) -> ([f64; 2], f64) {
    let cells = cells(step);
    let tissue = Tissue::new(cells.view());
    let images = simulate_arrays(config, &tissue, Options::default(), &mut Silent).unwrap();
    let image = images.channels[0].grey.mapv(f64::from);
    let truth = images.ground_truth[0]
        .cells
        .mapv(|id| f64::from(u8::from(id != 0)));
    assert_eq!(image.dim(), truth.dim());
    let middle = image.dim().0 / 2;
    let slice = |all: &Array3<f64>| all.index_axis(Axis(0), middle).to_owned();
    shift(&slice(&image), &slice(&truth))
}

#[test]
fn image_and_truth_lie_on_one_another() {
    for voxel_nm in [32.0, 8.0] {
        for factor in [1.0, 4.0, 10.0, 20.0] {
            let step = PIXEL_NM / (voxel_nm * factor);
            let area = configured(false, voxel_nm, factor, &["optics.magnify=area"]);
            for (model, config) in [
                ("simexm", area),
                ("physical", configured(true, voxel_nm, factor, &[])),
            ] {
                let (shift, alike) = found(&config, step);
                assert!(alike > 0.6, "{model}, {voxel_nm} nm, {factor}x: {alike}");
                assert!(
                    shift.iter().all(|pixels| pixels.abs() <= 0.5),
                    "{model}, {voxel_nm} nm, {factor}x: {shift:?}"
                );
            }
        }
    }
    // SimExm's jitter does not, where voxels are larger than pixels: it leaves loose dots.
    let (shift, alike) = found(
        &configured(false, 32.0, 20.0, &[]),
        PIXEL_NM / (32.0 * 20.0),
    );
    assert!(shift.iter().all(|pixels| *pixels > 1.0), "{shift:?}");
    assert!(alike < 0.5, "{alike}");
}

/// A voxel's photons are those of its pixels together, none of them lost, and each pixel has its
/// share.
#[test]
fn light_is_spread_evenly() {
    let light = |pixel: f64, more: &[&str]| {
        let size = format!("optics.pixel_size={pixel}");
        let more = [
            &["output.normalize=none", "output.bit_depth=16", &size],
            more,
        ]
        .concat();
        let config = configured(false, 32.0, 4.0, &more);
        let cells = cells(2.0);
        let tissue = Tissue::new(cells.view());
        let images = simulate_arrays(&config, &tissue, Options::default(), &mut Silent).unwrap();
        images.channels[0].clone()
    };
    let voxel = 32.0 * 4.0 * 40.0;
    let (whole, parts) = (
        light(voxel, &[]),
        light(voxel / 3.0, &["optics.magnify=area"]),
    );
    let (slices, rows, columns) = whole.grey.dim();
    assert_eq!(parts.grey.dim(), (slices, 3 * rows, 3 * columns));
    for ((z, x, y), &photons) in parts.grey.indexed_iter() {
        let voxel = u32::from(whole.grey[[z, x / 3, y / 3]]);
        assert_eq!(u32::from(photons), (2 * voxel + 9) / 18, "{z} {x} {y}");
    }
    let brightest = whole.brightest_pixel_photons;
    assert_eq!(parts.brightest_pixel_photons, brightest.div_ceil(9));
}
