//! Against references of NumPy, SciPy and scikit-image (tests/data/make_metrics.py), and where the
//! answer is known.

use super::correlation::{resolution_nm, rings};
use super::light::{noise_of_one, noise_of_two, signal_to_noise};
use super::profiles::{full_width, membrane_width_nm, point_width_nm, separability};
use super::regions::{depths, membranes};
use super::tracing::{Score, score, smoothed};
use super::watershed::{levels, watershed};
use super::*;
use crate::base::choice::Choice;
use serde_json::Value;

const SHAPE: (usize, usize, usize) = (3, 24, 30);

fn reference() -> Value {
    let text = include_str!("../../../tests/data/metrics/reference.json");
    serde_json::from_str(text).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// A digit for each voxel.
fn ids(value: &Value) -> Array3<u64> {
    let digits = value.as_str().expect("digits").bytes();
    let ids = digits.map(|digit| u64::from(digit - b'0')).collect();
    Array3::from_shape_vec(SHAPE, ids).expect("as many as voxels")
}

/// The whole numbers of the script.
fn mixed(shape: (usize, usize, usize), number: u64) -> Array3<u64> {
    let count = (shape.0 * shape.1 * shape.2) as u64;
    let values = (0..count).map(|at| {
        let mut x = (at * 2_654_435_761 + number * 40_503) & 0xffff_ffff;
        for _ in 0..2 {
            x = ((x ^ (x >> 16)) * 0x045d_9f3b) & 0xffff_ffff;
        }
        (x ^ (x >> 16)) >> 8
    });
    Array3::from_shape_vec(shape, values.collect()).expect("as many as voxels")
}

fn noise(number: u64) -> Array3<f64> {
    mixed(SHAPE, number).mapv(|value| value as f64 / f64::from(1 << 24))
}

fn close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        "{found}, but {expected}"
    );
}

#[test]
fn regions_are_those_of_scikit_image() {
    let reference = reference();
    let cells = ids(&reference["cells"]);
    let edges = membranes(cells.view()).iter().filter(|edge| **edge).count();
    assert_eq!(edges as u64, reference["membranes"]);
    let depths: u64 = depths(cells.view()).iter().map(|&d| u64::from(d)).sum();
    assert_eq!(depths, reference["depths"]);
}

#[test]
fn watershed_and_scores_are_those_of_scikit_image() {
    let reference = reference();
    let cells = ids(&reference["cells"]);
    let (few, order) = (mixed(SHAPE, 2), mixed(SHAPE, 3));
    let markers = Zip::from(&few).and(&cells).map_collect(|few, id| {
        match (*few as f64) < 0.03 * f64::from(1 << 24) {
            true => *id,
            false => 0,
        }
    });
    // Which of two is higher is all that matters; no two are as high.
    let sorted = |values: Array3<u64>| {
        let values = values.into_raw_vec_and_offset().0;
        let mut places: Vec<usize> = (0..values.len()).collect();
        places.sort_by_key(|&place| values[place]);
        places
    };
    let mut heights = Array3::<u16>::zeros(SHAPE);
    let ranks = heights.as_slice_mut().expect("in order");
    for (rank, place) in sorted(mixed(SHAPE, 1)).into_iter().enumerate() {
        ranks[place] = 29 * rank as u16;
    }
    let flooded = watershed(heights.view(), markers.view()).expect("one size");
    assert_eq!(flooded, ids(&reference["flooded"]));

    let places = sorted(order);
    let flat = cells.clone().into_raw_vec_and_offset().0;
    let shuffled = places.iter().map(|&place| flat[place]).collect();
    let shuffled = Array3::from_shape_vec(SHAPE, shuffled).expect("as many");
    let segmentations = [
        ("truth", cells.clone()),
        ("flooded", flooded),
        ("merged", cells.mapv(|id| if id == 2 { 1 } else { id })),
        (
            "halves",
            Array3::from_shape_fn(SHAPE, |(z, x, y)| {
                cells[[z, x, y]] + 10 * u64::from(y >= 15)
            }),
        ),
        ("shuffled", shuffled),
    ];
    let mut errors = Vec::new();
    for (name, segmentation) in segmentations {
        let Score {
            rand_error,
            split_bits,
            merge_bits,
        } = score(cells.view(), segmentation.view()).expect("cells");
        let expected = &reference["scores"][name];
        for (at, found) in [rand_error, split_bits, merge_bits].into_iter().enumerate() {
            close(found, number(&expected[at]));
        }
        errors.push(rand_error);
    }
    // The truth is best, and what is shuffled is worst.
    assert_eq!(errors[0], 0.0);
    assert!(
        errors[..4].iter().all(|error| *error < errors[4]),
        "{errors:?}"
    );
}

/// The rule by which voxels are flooded, as it is written: of those that wait the lowest, of equal
/// ones the first, one after the other.
fn flooded_by_rule(height: &Array3<u16>, seeds: &Array3<u64>) -> Array3<u64> {
    let mut basins = seeds.clone();
    let mut age = 0;
    let mut waiting = std::collections::BTreeMap::new();
    for (at, _) in seeds.indexed_iter().filter(|(_, seed)| **seed != 0) {
        waiting.insert((height[at], age), at);
        age += 1;
    }
    while let Some((_, (z, x, y))) = waiting.pop_first() {
        let moves = [
            (z.wrapping_sub(1), x, y),
            (z + 1, x, y),
            (z, x.wrapping_sub(1), y),
            (z, x + 1, y),
            (z, x, y.wrapping_sub(1)),
            (z, x, y + 1),
        ];
        for next in moves {
            if basins.get(next) == Some(&0) {
                basins[next] = basins[(z, x, y)];
                waiting.insert((height[next], age), next);
                age += 1;
            }
        }
    }
    basins
}

#[test]
fn equal_heights_are_flooded_in_the_order_in_which_they_are_reached() {
    for (steps, seeds_of) in [(1, 40), (3, 200), (60_000, 15), (70, 3)] {
        let heights = mixed(SHAPE, steps).mapv(|value| (value % steps * (65_535 / steps)) as u16);
        let seeds = mixed(SHAPE, 17).mapv(|value| match value % seeds_of {
            0 => 1 + value % 5,
            _ => 0,
        });
        let found = watershed(heights.view(), seeds.view()).expect("one size");
        assert_eq!(found, flooded_by_rule(&heights, &seeds), "{steps}");
        assert!(found.iter().all(|basin| *basin != 0));
    }
    let seeds = Array3::zeros(SHAPE);
    let none = watershed(Array3::zeros(SHAPE).view(), seeds.view());
    assert_eq!(none, Some(seeds));
    assert_eq!(
        watershed(Array3::zeros((1, 2, 3)).view(), mixed(SHAPE, 1).view()),
        None
    );
}

#[test]
fn levels_go_from_the_least_height_to_the_greatest() {
    let heights = ndarray::arr3(&[[[-1.0_f64, 3.0, 1.0, -0.5]]]);
    let rising = levels(heights.view(), false);
    assert_eq!(rising, ndarray::arr3(&[[[0_u16, 65_535, 32_768, 8_192]]]));
    let falling = levels(heights.view(), true);
    assert_eq!(falling, ndarray::arr3(&[[[65_535_u16, 0, 32_768, 57_343]]]));
    let flat = levels(Array3::from_elem((1, 1, 2), 7.0).view(), true);
    assert_eq!(flat, Array3::<u16>::zeros((1, 1, 2)));
}

#[test]
fn blur_noise_and_correlation_are_those_of_scipy_and_numpy() {
    let reference = reference();
    let smooth = smoothed(noise(4).view());
    for (at, place) in [[0, 0, 0], [1, 12, 7], [2, 23, 29]].into_iter().enumerate() {
        close(smooth[place], number(&reference["smoothed"][at]));
    }
    let grey = noise(1).mapv(|value| value as f32);
    let everywhere = Array3::from_elem(SHAPE, true);
    let found = noise_of_one(grey.view(), everywhere.view()).expect("pixels");
    close(found, number(&reference["noise_of_one"]));
    let exposure = |number| (&smooth + &(noise(number) * 0.3)).mapv(|value| value as f32);
    let rings = rings(exposure(5).view(), exposure(6).view(), [30.0, 20.0]);
    let expected = reference["rings"].as_array().expect("rings");
    assert_eq!(rings.correlation.len(), expected.len());
    for (found, expected) in rings.correlation.iter().zip(expected) {
        assert!((found - number(expected)).abs() < 1e-6, "{rings:?}");
    }
    let found = resolution_nm(&rings).expect("a crossing");
    assert!((found - number(&reference["resolution_nm"])).abs() < 1e-3);
}

#[test]
fn doubled_noise_halves_the_signal_to_noise() {
    let shape = (4, 40, 40);
    let structure = Array3::from_shape_fn(shape, |(_, x, _)| x % 10 == 5);
    let background = structure.mapv(|inside| !inside);
    let ratio = |scale: f32| {
        let exposure = |number| {
            let noise = mixed(shape, number).mapv(|value| value as f32 / (1 << 23) as f32 - 1.0);
            let signal = structure.mapv(|inside| if inside { 100.0 } else { 0.0 });
            signal + noise * scale
        };
        let (first, second) = (exposure(1), exposure(2));
        let noise = noise_of_two(first.view(), second.view(), structure.view()).expect("noise");
        // A uniform number from -1 to 1.
        assert!((noise / (f64::from(scale) / 3f64.sqrt()) - 1.0).abs() < 0.05);
        let second = Some(second.view());
        signal_to_noise(first.view(), second, structure.view(), background.view()).expect("ratio")
    };
    let halved = ratio(3.0) / ratio(6.0);
    assert!((halved - 2.0).abs() < 0.02, "{halved}");
}

/// Two sheets of a blurred point each, so far apart, in slices of 1 nm pixels.
fn sheets(distance: f64, deviation: f64) -> (Array3<f32>, Array3<u64>) {
    let shape = (1, 8, 400);
    let middle = 199.5;
    let places = [middle - distance / 2.0, middle + distance / 2.0];
    let grey = Array3::from_shape_fn(shape, |(_, _, y)| {
        let light = places.map(|place| (-0.5 * ((y as f64 - place) / deviation).powi(2)).exp());
        1000.0 * (light[0] + light[1]) as f32
    });
    let cells = Array3::from_shape_fn(shape, |(_, _, y)| match y as f64 {
        y if y <= places[0] => 1,
        y if y >= places[1] => 2,
        _ => 0,
    });
    (grey, cells)
}

/// Two Gaussians have a dip between them from a distance of two standard deviations on.
#[test]
fn sheets_are_told_apart_from_the_sparrow_limit_on() {
    for deviation in [15.0, 22.0, 40.0] {
        let is_separable = |distance: &f64| {
            let (grey, cells) = sheets(*distance, deviation);
            let share = separability(grey.view(), cells.view(), [1.0; 2], 0.0, 0.0).share();
            share.expect("they touch") > 0.5
        };
        let mut distances = (40..400).map(|step| f64::from(step) * 0.01 * deviation);
        let first = distances.find(is_separable).expect("at last") / deviation;
        assert!((first / 2.0 - 1.0).abs() < 0.05, "{deviation}: {first}");
    }
}

#[test]
fn noise_alone_tells_no_cells_apart() {
    let shape = (4, 60, 60);
    let cells = Array3::from_shape_fn(shape, |(_, _, y)| match y % 20 {
        0..3 => 0,
        _ => 1 + (y / 20) as u64,
    });
    let noise = mixed(shape, 9).mapv(|value| value as f32 / (1 << 23) as f32 - 1.0);
    let found = separability(
        noise.view(),
        cells.view(),
        [10.0; 2],
        0.0,
        1.0 / 3f64.sqrt(),
    );
    assert_eq!(found.profiles, 4 * 60 * 2);
    assert!(found.share().expect("they touch") < 0.05, "{found:?}");
}

#[test]
fn a_membrane_is_as_wide_as_the_function_that_blurs_it() {
    let deviation = 30.0;
    let profile: Vec<f64> = (-200..=200)
        .map(|at| (-0.5 * (f64::from(at) / deviation).powi(2)).exp())
        .collect();
    let expected = deviation * 2.0 * (2.0 * 2f64.ln()).sqrt();
    let found = full_width(&profile).expect("a peak");
    assert!((found / expected - 1.0).abs() < 0.01, "{found}, {expected}");

    let shape = crate::engine::psf::PsfShape::symmetric([3, 12, 40]);
    let psf = crate::engine::psf::Psf::from_fn(shape, |z, x, y| {
        let [x, y] = [x as f64 * 20.0, y as f64 * 6.0].map(|at| at / deviation);
        (-0.5 * (x * x + y * y)).exp() as f32 / (1.0 + z as f32)
    });
    let found = point_width_nm(&psf, [20.0, 6.0]).expect("a peak");
    assert!((found / expected - 1.0).abs() < 0.01, "{found}, {expected}");

    // A cell that fills half of each slice, its membrane in the middle; 10 nm pixels.
    let shape = (3, 60, 60);
    let cells = Array3::from_shape_fn(shape, |(_, x, _)| u64::from(x < 30));
    let grey = Array3::from_shape_fn(shape, |(_, x, _)| {
        let from = (x as f64 - 29.0) * 10.0;
        (-0.5 * (from / deviation).powi(2)).exp() as f32
    });
    let found = membrane_width_nm(grey.view(), cells.view(), [10.0; 2]).expect("isolated");
    assert!((found / expected - 1.0).abs() < 0.02, "{found}, {expected}");
    // Another cell nearby, and it is not isolated any more.
    let cells = Array3::from_shape_fn(shape, |(_, x, _)| match x {
        0..30 => 1,
        35..60 => 2,
        _ => 0,
    });
    assert_eq!(
        membrane_width_nm(grey.view(), cells.view(), [10.0; 2]),
        None
    );
}

#[test]
fn of_several_channels_the_worst_counts() {
    let shape = (2, 40, 40);
    let truth = |first: usize| {
        Array3::from_shape_fn(shape, |(_, x, y)| {
            u64::from((first..first + 12).contains(&x) && (8..30).contains(&y)) * (1 + first as u64)
        })
    };
    let truths = vec![truth(4), truth(22)];
    let edges: Vec<Array3<bool>> = truths.iter().map(|t| membranes(t.view())).collect();
    let channel = |number: usize, bright: f32| {
        let exposure = |seed| {
            let noise = mixed(shape, seed).mapv(|value| value as f32 / (1 << 23) as f32);
            let lit = |on: &bool, light: f32| if *on { light } else { 0.0 };
            let own = edges[number].mapv(|on| lit(&on, bright));
            let other = edges[1 - number].mapv(|on| lit(&on, 0.25 * bright));
            own + other + noise
        };
        ChannelVolume {
            name: format!("c{number}"),
            grey: exposure(3 + number as u64),
            second: Some(exposure(7 + number as u64)),
            truth: Some(number),
            stains: false,
            dose: Some(10.0 * f64::from(bright)),
            point_nm: Some(f64::from(bright)),
        }
    };
    let volumes = Volumes {
        channels: vec![channel(0, 50.0), channel(1, 20.0)],
        truths: truths.clone(),
        voxel_nm: [40.0, 50.0, 50.0],
        membranes: true,
        zero: 0.0,
    };
    let metrics: Vec<Metric> = Metric::all();
    let measured = volumes.measure(&metrics);
    let of = |metric, channel: usize| measured.channels[channel].values[&metric].expect("a value");
    assert_eq!(measured.values[&Metric::Snr], Some(of(Metric::Snr, 1)));
    assert!(of(Metric::Snr, 0) > 2.0 * of(Metric::Snr, 1));
    assert_eq!(measured.values[&Metric::Dose], Some(500.0));
    assert_eq!(measured.values[&Metric::Point], Some(50.0));
    for channel in 0..2 {
        assert!((of(Metric::Crosstalk, channel) - 0.25).abs() < 0.02);
        assert_eq!(of(Metric::Coverage, channel), 1.0);
    }
    // Bright membranes around cells that do not touch: hardly anything is wrong.
    let error = measured.values[&Metric::RandError].expect("cells");
    assert!(error < 0.2, "{error}");
    // Nothing touches, and nothing is asked of a channel that is of all.
    assert_eq!(measured.values[&Metric::Separability], None);
    assert!(!measured.channels[0].values.contains_key(&Metric::RandError));
    // A channel that sees no dye is the worst of all; one of stains of all proteins is none.
    let with = |stains: bool| {
        let (truth, dose, point_nm) = (None, None, None);
        let mut volumes = volumes.clone();
        volumes.channels.push(ChannelVolume {
            truth,
            dose,
            point_nm,
            stains,
            ..channel(0, 9.0)
        });
        volumes.measure(&metrics).values
    };
    let mut dark = volumes.clone();
    let noise = dark.channels[1].second.clone().expect("two exposures");
    dark.channels[1].grey = noise.mapv(|_| 1.0);
    dark.channels[1].second = Some(noise.mapv(|_| 1.0));
    let dark = dark.measure(&metrics).values;
    for metric in [Metric::Snr, Metric::Coverage] {
        assert_eq!(with(false)[&metric], Some(0.0));
        assert_eq!(dark[&metric], Some(0.0));
        assert_eq!(with(true)[&metric], measured.values[&metric]);
    }
    for metric in [Metric::Crosstalk, Metric::Dose, Metric::Frc] {
        assert_eq!(with(false)[&metric], None);
        assert_eq!(with(true)[&metric], measured.values[&metric]);
    }
    for metric in [Metric::Crosstalk, Metric::Frc] {
        assert_eq!(dark[&metric], None);
    }
}
