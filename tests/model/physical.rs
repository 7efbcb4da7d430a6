//! The model `physical`, from arrays to grey values: means, variances and covariances of section 1
//! of docs/physical.md, for light that the point spread function says.

use crate::support::physical;
use ndarray::{Array3, s};
use simexm_gpu::config::Config;
use simexm_gpu::psf::{PsfVolume, point_spread_functions};
use simexm_gpu::simulate_arrays;
use simexm_gpu::simulation::{Options, Silent, Tissue};

/// An ideal detector behind a confocal microscope, whose pixels are voxels.
const COUNTING: &[&str] = &[
    "groundtruth.voxel_dim=[40, 32, 32]",
    "expansion.factor=5",
    "optics.focal_plane_depth=200",
    "optics.pixel_size=9600",
    "optics.psf_depth_truncation=0.2",
    "optics.psf_truncation=0.1",
    "optics.exposure_time=1e-4",
    "detector.kind=ideal",
    "labeling.a.fluorophore=ATTO550",
    "labeling.a.region=full",
    "labeling.a.labeling_density=1",
    "labeling.a.antibody_amp=3",
];

fn configured(more: &[&str]) -> Config {
    physical(&[COUNTING, more].concat())
}

fn only(mut functions: Vec<PsfVolume>) -> PsfVolume {
    assert_eq!(functions.len(), 1);
    functions.remove(0)
}

fn images(config: &Config, tissue: &Tissue<'_>) -> Array3<f64> {
    let images = simulate_arrays(config, tissue, Options::default(), &mut Silent).unwrap();
    images.channels[0].grey.mapv(f64::from)
}

/// A uniform block: the mean is the light of all planes, the variance has the labels' own term, and
/// neighbouring slices share it.
#[test]
fn a_block_has_the_moments_of_its_labels_and_of_its_light() {
    // Voxels so coarse that few of them share a molecule's light: neighbours are nearly
    // independent.
    let config = configured(&[
        "labeling.a.protein_density=1e-7",
        "groundtruth.voxel_dim=[100, 60, 60]",
        "optics.focal_plane_depth=500",
        "optics.pixel_size=18000",
        "optics.exposure_time=2e-6",
    ]);
    let kernel = only(point_spread_functions(&config).unwrap());
    let [before, radius_x, radius_y] = kernel.centre;
    let kernel = kernel.values.mapv(f64::from);
    let planes = kernel.dim().0;
    let shape = [60, 260, 260];
    let cells = Array3::from_elem(shape, 1u32);
    let found = images(&config, &Tissue::new(cells.view()));
    // What is reflected at a border counts twice.
    let found = found.slice(s![
        before..shape[0] - before,
        radius_x..shape[1] - radius_x,
        radius_y..shape[2] - radius_y
    ]);
    assert!(found.len() > 1_000_000, "{}", found.len());

    let proteins = 1e-7 * 100.0 * 60.0 * 60.0;
    let amplification = 3.0;
    let mean = proteins * amplification * kernel.sum();
    let squares: f64 = kernel.iter().map(|k| k * k).sum();
    let label_term = proteins * amplification * amplification;
    let variance = mean + label_term * squares;
    let next = kernel.slice(s![1.., .., ..]);
    let pairs = next.iter().zip(kernel.slice(s![..planes - 1, .., ..]));
    let covariance = label_term * pairs.map(|(a, b)| a * b).sum::<f64>();
    assert!(
        mean > 0.5 && label_term * squares > 0.5 * mean,
        "{mean} {squares}"
    );

    let count = found.len() as f64;
    let found_mean = found.sum() / count;
    let deviation = found.mapv(|n| n - mean);
    let found_variance = deviation.iter().map(|d| d * d).sum::<f64>() / count;
    let there = deviation.slice(s![1.., .., ..]);
    let here = deviation.slice(s![..-1, .., ..]);
    let products = here.iter().zip(there.iter()).map(|(a, b)| a * b);
    let found_covariance = products.sum::<f64>() / there.len() as f64;
    println!(
        "mean {found_mean:.4} of {mean:.4}, variance {found_variance:.4} of {variance:.4}, covariance \
         {found_covariance:.4} of {covariance:.4}"
    );
    assert!((found_mean / mean - 1.0).abs() < 0.02);
    assert!((found_variance / variance - 1.0).abs() < 0.05);
    assert!((found_covariance / covariance - 1.0).abs() < 0.1);
}

/// Proteins in one voxel: every pixel is a Poisson number of the kernel's value there.
#[test]
fn a_point_is_the_point_spread_function() {
    // A sheet that lies behind the focus: the function is no mirror image of itself.
    let config = configured(&[
        "labeling.a.protein_density=0",
        "optics.type=light sheet",
        "optics.sheet_lobes=[[0.25, 1, 0.5], [1, 0.3, 0.4]]",
        "optics.channels.channel_1.irradiance=10",
        "optics.exposure_time=0.05",
    ]);
    let kernel = only(point_spread_functions(&config).unwrap());
    let (planes, rows, columns) = kernel.values.dim();
    assert_ne!(planes, 2 * kernel.centre[0] + 1);
    // So much around it that no reflection is seen.
    let shape = [3 * planes, 3 * rows, 3 * columns];
    let before = [planes, rows, columns];
    let mut counts = Array3::<u32>::zeros(shape);
    counts[std::array::from_fn(|axis| before[axis] + kernel.centre[axis])] = 200;
    let cells = Array3::from_elem(shape, 1u32);
    let tissue = Tissue::new(cells.view()).with_counts("ATTO550", counts.view());
    let found = images(&config, &tissue);
    let (mut chi_square, mut pixels) = (0.0, 0.0);
    for ((z, x, y), &grey) in found.indexed_iter() {
        let place = [z, x, y];
        let place: [usize; 3] = std::array::from_fn(|axis| place[axis].wrapping_sub(before[axis]));
        let value = kernel.values.get(place);
        let mean = 200.0 * f64::from(value.copied().unwrap_or(0.0));
        if mean > 10.0 {
            chi_square += (grey - mean).powi(2) / mean;
            pixels += 1.0;
        } else {
            assert!(
                (grey - mean).abs() < 6.0 * mean.max(1.0).sqrt() + 3.0,
                "{grey} of {mean}"
            );
        }
    }
    assert!(pixels > 100.0, "{pixels}");
    let deviate = (chi_square - pixels) / f64::sqrt(2.0 * pixels);
    println!("chi-square {chi_square:.1} of {pixels} pixels, deviate {deviate:.2}");
    assert!(deviate.abs() < 4.0);
}

/// Light that never fades: a plane of dye out of focus gives a wide field as much light as in it,
/// and its neighbours beyond the volume are dark.
#[test]
fn a_widefield_sees_all_planes() {
    let config = configured(&[
        "labeling.a.protein_density=0",
        "optics.type=widefield",
        "optics.channels.channel_1.irradiance=10",
        "optics.exposure_time=0.05",
    ]);
    let shape = [12, 40, 40];
    let cells = Array3::from_elem(shape, 1u32);
    let mut counts = Array3::<u32>::zeros(shape);
    counts.slice_mut(s![3, .., ..]).fill(20);
    let tissue = Tissue::new(cells.view()).with_counts("ATTO550", counts.view());
    let found = images(&config, &tissue);
    let light: Vec<f64> = found
        .outer_iter()
        .map(|slice| slice.mean().unwrap())
        .collect();
    println!("{light:?}");
    let mean = light.iter().sum::<f64>() / light.len() as f64;
    assert!(mean > 20.0);
    for slice in light {
        assert!((slice / mean - 1.0).abs() < 0.01, "{slice} of {mean}");
    }
}

/// Pixels of any size share the light of their voxels: three sizes of pixels see as much light.
#[test]
fn pixels_of_all_sizes_share_the_light() {
    let cells = Array3::from_elem([9, 90, 90], 1u32);
    let counts = Array3::from_elem([9, 90, 90], 5u32);
    let light = |pixel: f64| {
        let config = configured(&[
            "labeling.a.protein_density=0",
            &format!("optics.pixel_size={pixel}"),
            // A camera, whose pixels gather by their area.
            "optics.type=light sheet",
            "optics.channels.channel_1.irradiance=10",
            "optics.exposure_time=0.05",
        ]);
        let tissue = Tissue::new(cells.view()).with_counts("ATTO550", counts.view());
        let found = images(&config, &tissue);
        let area = (pixel / 9600.0).powi(2);
        (found.dim(), found.mean().unwrap() / area)
    };
    let ((_, x, _), whole) = light(9600.0);
    assert_eq!(x, 90);
    for (pixel, size) in [(6500.0, 132), (24_000.0, 36), (31_000.0, 27), (3200.0, 270)] {
        let ((_, x, _), found) = light(pixel);
        assert_eq!(x, size);
        assert!(
            (found / whole - 1.0).abs() < 5e-3,
            "{pixel}: {found} of {whole}"
        );
    }
}

/// Beyond a dark border there is no light: a block is dimmer at its edge, where a reflecting one is
/// as bright as inside.
#[test]
fn a_dark_border_gives_no_light() {
    let cells = Array3::from_elem([30, 60, 60], 1u32);
    let counts = Array3::from_elem([30, 60, 60], 5u32);
    let tissue = Tissue::new(cells.view()).with_counts("ATTO550", counts.view());
    let light = |boundary: &str| {
        let config = configured(&[
            "labeling.a.protein_density=0",
            &format!("optics.boundary={boundary}"),
            "optics.exposure_time=2e-6",
        ]);
        let found = images(&config, &tissue);
        let mean = |part: ndarray::ArrayView3<'_, f64>| part.mean().unwrap();
        [
            mean(found.slice(s![12..18, 20..40, 20..40])),
            mean(found.slice(s![12..18, ..1, 20..40])),
            mean(found.slice(s![..1, 20..40, 20..40])),
        ]
    };
    let [inside, at_edge, at_top] = light("reflect");
    println!("reflect: {inside} {at_edge} {at_top}");
    assert!((at_edge / inside - 1.0).abs() < 0.05 && (at_top / inside - 1.0).abs() < 0.05);
    let [middle, at_edge, at_top] = light("dark");
    println!("dark: {middle} {at_edge} {at_top}");
    assert!((middle / inside - 1.0).abs() < 0.05);
    for edge in [at_edge, at_top] {
        assert!(
            (0.45..0.75).contains(&(edge / inside)),
            "{edge} of {inside}"
        );
    }
}
