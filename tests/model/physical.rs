//! The model `physical`, from arrays to grey values: means, variances and covariances of section 1
//! of docs/physical.md, for light that the point spread function says.

use crate::support::physical;
use ndarray::{Array3, s};
use simexm_gpu::config::Config;
use simexm_gpu::internals::optics::fluorophore::find;
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

/// What is expected of a pixel is the mean of what is counted, and has no noise of its own.
#[test]
fn expected_electrons_are_the_means_of_the_counted() {
    let cells = Array3::from_elem([9, 60, 60], 1u32);
    let counts = Array3::from_shape_fn([9, 60, 60], |(z, x, y)| {
        ((7 * z + 5 * x + 3 * y) % 11) as u32
    });
    let tissue = Tissue::new(cells.view()).with_counts("ATTO550", counts.view());
    let run = |seed: u64| {
        let config = configured(&[
            "labeling.a.protein_density=0",
            "output.expected=true",
            "detector.background=1000",
            "optics.exposure_time=1e-5",
            &format!("compute.seed={seed}"),
        ]);
        let images = simulate_arrays(&config, &tissue, Options::default(), &mut Silent).unwrap();
        images.channels.into_iter().next().unwrap()
    };
    let (one, other) = (run(1), run(2));
    assert_eq!(one.expected, other.expected);
    assert_ne!(one.grey, other.grey);
    let expected = one.expected.unwrap().mapv(f64::from);
    // Stray light is the detector's.
    let means = expected.mapv(|light| light + 0.01);
    let squares = one
        .grey
        .iter()
        .zip(&means)
        .map(|(&n, mean)| (f64::from(n) - mean).powi(2) / mean);
    let chi_square = squares.sum::<f64>() / means.len() as f64;
    let (sum, mean) = (one.grey.mapv(f64::from).sum(), means.sum());
    println!("{sum} of {mean} electrons, chi-square {chi_square} per pixel");
    assert!(mean > 1e4 && ((sum - mean) / mean.sqrt()).abs() < 4.0);
    // The deviations of the fourth moment: 2 + 1/mean of each pixel.
    let spread = means
        .iter()
        .map(|mean| 2.0 + 1.0 / mean)
        .sum::<f64>()
        .sqrt()
        / means.len() as f64;
    assert!(
        (chi_square - 1.0).abs() < 5.0 * spread,
        "{chi_square} +- {spread}"
    );
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

/// Images at a quarter, a half and three quarters of a slice: a point looks there as one does whose
/// voxel is that much nearer, and a block is as bright in all of them.
#[test]
fn images_between_slices_are_those_of_their_place() {
    let of = |step: f64| {
        // Slices of 40 nm swell to 200.
        configured(&[
            "labeling.a.protein_density=0",
            &format!("optics.focal_plane_depth={}", 200.0 * step),
        ])
    };
    let cells = Array3::from_elem([24, 40, 40], 1u32);
    let block = Array3::from_elem([24, 40, 40], 20u32);
    let mut point = Array3::<u32>::zeros([24, 40, 40]);
    point[[9, 20, 20]] = 300;
    let seen = |config: &Config, counts: &Array3<u32>| {
        images(
            config,
            &Tissue::new(cells.view()).with_counts("ATTO550", counts.view()),
        )
    };
    let light =
        |found: &Array3<f64>| -> Vec<f64> { found.outer_iter().map(|slice| slice.sum()).collect() };
    let quarters = of(0.25);
    let of_block = light(&seen(&quarters, &block));
    assert_eq!(of_block.len(), 93);
    let mean = of_block[20..70].iter().sum::<f64>() / 50.0;
    for light in &of_block[20..70] {
        assert!((light / mean - 1.0).abs() < 0.01, "{light} of {mean}");
    }
    // The focus passes the point's slice at image 36; whole slices are those of a whole step.
    let fine = light(&seen(&quarters, &point));
    let whole = light(&seen(&of(1.0), &point));
    for (image, whole) in whole.iter().enumerate() {
        let fine = fine[4 * image];
        assert!(
            (fine - whole).abs() < 6.0 * whole.max(1.0).sqrt() + 3.0,
            "{fine} of {whole}"
        );
    }
    let brightest = (0..fine.len())
        .max_by(|a, b| fine[*a].total_cmp(&fine[*b]))
        .unwrap();
    assert!(brightest.abs_diff(36) <= 1, "{brightest}");
    // What lies between two whole slices is between them, and smooth.
    for image in 28..44 {
        let middle = 0.5 * (fine[image - 1] + fine[image + 1]);
        assert!(
            (fine[image] / middle - 1.0).abs() < 0.12,
            "{image}: {} of {middle}",
            fine[image]
        );
    }
}

/// Light that fades: molecules that a share of 0.05 per exposure bleaches.
#[test]
fn exposures_bleach() {
    let cells = Array3::from_elem([20, 40, 40], 1u32);
    let counts = Array3::from_elem([20, 40, 40], 20u32);
    let light = |bleaching: bool| {
        let config = configured(&[
            "labeling.a.protein_density=0",
            "optics.type=widefield",
            "optics.channels.channel_1.irradiance=1000",
            "optics.detector_efficiency=0.01",
            "optics.exposure_time=0.01",
            &format!("optics.bleaching={bleaching}"),
        ]);
        let found = images(
            &config,
            &Tissue::new(cells.view()).with_counts("ATTO550", counts.view()),
        );
        let sums = found.outer_iter().map(|slice| slice.sum());
        sums.collect::<Vec<f64>>()
    };
    let (steady, fading) = (light(false), light(true));
    // sigma = ln 10 x 1000 cm^3 / N_A x 120000 / (M cm) = 4.588e-20 m^2 at the maximum; a photon of
    // 550 nm has 3.612e-19 J.
    let excitation = find("ATTO550").unwrap().excitation.at(550.0);
    let bleached = 5e-6 * 4.588e-20 * excitation * 1e7 / 3.612e-19 * 0.01;
    for (image, (steady, fading)) in steady.iter().zip(&fading).enumerate() {
        let left = fading / steady;
        let expected = (-bleached * (image as f64 + 0.5)).exp();
        println!("{image}: {left} of {expected}");
        assert!(
            (left / expected - 1.0).abs() < 0.005,
            "{left} of {expected}"
        );
    }
}

/// A function that the program itself has made, given back as a measured one, gives the same
/// picture.
#[test]
fn a_measured_function_is_the_one_that_was_measured() {
    let light = [
        "labeling.a.protein_density=0",
        "optics.type=light sheet",
        "optics.sheet_lobes=[[0, 1, 0.5], [1, 0.3, 0.4]]",
        "optics.channels.channel_1.irradiance=10",
        "optics.exposure_time=0.05",
        // Small voxels: averages over them change little.
        "groundtruth.voxel_dim=[10, 4, 4]",
        "optics.focal_plane_depth=50",
        "optics.pixel_size=1200",
        "optics.psf_reach=80",
        "optics.psf_depth_truncation=0.01",
    ];
    let made = only(point_spread_functions(&configured(&light)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bead.tif");
    let (planes, rows, columns) = made.values.dim();
    {
        let file = std::fs::File::create(&path).unwrap();
        let mut encoder = tiff::encoder::TiffEncoder::new(file).unwrap();
        for plane in made.values.outer_iter() {
            // With a background that is told.
            let values: Vec<f32> = plane.iter().map(|value| 1e5 * value + 100.0).collect();
            encoder
                .write_image::<tiff::encoder::colortype::Gray32Float>(
                    columns as u32,
                    rows as u32,
                    &values,
                )
                .unwrap();
        }
    }
    let [z, x, y] = made.gel_voxel_nm();
    let measured = [
        "optics.psf=measured".to_owned(),
        format!("optics.psf_file={}", path.display()),
        format!("optics.psf_voxel=[{z}, {x}, {y}]"),
        "optics.psf_background=100".to_owned(),
    ];
    let measured: Vec<&str> = light
        .into_iter()
        .chain(measured.iter().map(String::as_str))
        .collect();
    let again = only(point_spread_functions(&configured(&measured)).unwrap());
    let centre = |made: &PsfVolume| made.values[made.centre];
    assert!(
        (centre(&again) / centre(&made) - 1.0).abs() < 0.02,
        "{} {}",
        centre(&again),
        centre(&made)
    );
    let mut most = 0.0f32;
    for ((z, x, y), value) in made.values.indexed_iter() {
        let place = [
            z + again.centre[0],
            x + again.centre[1],
            y + again.centre[2],
        ];
        let place: [usize; 3] =
            std::array::from_fn(|axis| place[axis].wrapping_sub(made.centre[axis]));
        let other = again.values.get(place).copied().unwrap_or(0.0);
        most = most.max((other - value).abs());
    }
    // What is averaged over voxels twice is a little flatter.
    println!(
        "off by {:.4} of the peak, {planes} planes",
        most / centre(&made)
    );
    assert!(most < 0.02 * centre(&made));
}
