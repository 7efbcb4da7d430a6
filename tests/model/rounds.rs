//! Rounds of imaging: what each sees, and what is told of where it finds the gel (docs/model.md
//! section 4.1).

use crate::support::{cuts, whole};
use ndarray::{Array3, s};
use simexm_gpu::config::{Config, Rounds};
use simexm_gpu::internals::model::{DisplacementField, Model};
use simexm_gpu::internals::run::simulation::{Images, Options, Silent, Simulator, Tissue};

const SHAPE: [usize; 3] = [12, 60, 50];

/// A voxel for a pixel and an image for a slice, of proteins that are given.
fn physical(rounds: Option<Rounds>) -> Config {
    let entries = [
        "groundtruth.voxel_dim=[60, 60, 60]",
        "labeling.bodies.labeling_density=0",
        "expansion.factor=4.5",
        "optics.focal_plane_depth=270",
        "optics.objective_factor=60",
        "optics.pixel_size=16200",
        "optics.psf_depth_truncation=0.3",
        "output.expected=true",
    ];
    let mut config = cuts::physical_configuration(&entries.map(str::to_owned));
    config.labeling.global_density = 0.0;
    config.rounds = rounds;
    config.validate().unwrap();
    config
}

fn rounds(shift_um: [f64; 3], rotation_degrees: f64, warp_um: &[[f64; 2]]) -> Rounds {
    Rounds {
        number: 3,
        shift_um,
        rotation_degrees,
        warp_um: warp_um.to_vec(),
    }
}

/// A few proteins in some voxels.
fn proteins() -> Array3<u32> {
    Array3::from_shape_fn(SHAPE, |(z, x, y)| {
        let hash = (z * 7919 + x * 104_729 + y * 1_299_709) % 101;
        if hash < 7 { 50 + hash as u32 } else { 0 }
    })
}

fn image(simulator: &mut Simulator, config: &Config, counts: &Array3<u32>) -> Images {
    let cells = Array3::from_elem(SHAPE, 1u32);
    let tissue = Tissue::new(cells.view()).with_counts("ATTO550", counts.view());
    let images = simulator.simulate(config, &tissue, Options::default(), &mut Silent);
    images.expect("it runs")
}

/// What lies so far before each voxel as the field says.
fn warp(counts: &Array3<u32>, field: &DisplacementField) -> Array3<u32> {
    Array3::from_shape_fn(SHAPE, |(z, x, y)| {
        let moved = field.at([z, x, y]);
        let from: [usize; 3] = std::array::from_fn(|axis| {
            let from = [z, x, y][axis] as i64 - (moved[axis] + 0.5).floor() as i64;
            usize::try_from(from).unwrap_or(usize::MAX)
        });
        counts.get(from).copied().unwrap_or(0)
    })
}

#[test]
fn a_round_sees_the_proteins_where_its_field_says() {
    let counts = proteins();
    let all = rounds([0.3, 0.5, 0.7], 3.0, &[[4.0, 0.4]]);
    let config = physical(Some(all));
    let model = Model::new(&config, whole(SHAPE), 7).unwrap();
    let far: Vec<_> = model
        .rounds
        .iter()
        .map(|round| round.field.farthest)
        .collect();
    assert_eq!(far.len(), 2);
    assert!(far.iter().flatten().all(|&far| far > 0), "{far:?}");
    for mut simulator in cuts::simulators() {
        let found = image(&mut simulator, &config, &counts);
        let plain = image(&mut simulator, &physical(None), &counts);
        let names: Vec<_> = found.channels.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "round_1_channel_1",
                "round_2_channel_1",
                "round_3_channel_1"
            ]
        );
        assert_eq!(found.ground_truth, plain.ground_truth);
        for (told, round) in found.rounds.iter().zip(&model.rounds) {
            assert_eq!(told.shift_um, round.shift_um);
            let displacement = told.displacement.as_ref().unwrap();
            let at = [0, 1, 2].map(|axis| displacement[[axis, 3, 20, 30]]);
            assert_eq!(at, round.field.at([3, 20, 30]));
        }
        assert_eq!(found.rounds.len(), 2);
        // The first round is a run without rounds, noise and all.
        assert_eq!(found.channels[0].grey, plain.channels[0].grey);
        assert_eq!(found.channels[0].expected, plain.channels[0].expected);
        for (round, image_of) in model.rounds.iter().zip(&found.channels[1..]) {
            let warped = warp(&counts, &round.field);
            assert_ne!(warped, counts);
            let expected = image(&mut simulator, &physical(None), &warped);
            assert_eq!(image_of.expected, expected.channels[0].expected);
            // Its noise is its own.
            assert_ne!(image_of.grey, expected.channels[0].grey);
        }
    }
}

#[test]
fn the_first_round_of_simexm_is_a_run_without_rounds() {
    let cells = cuts::tissue([7, 60, 50]);
    let mut config = cuts::configuration(&[]);
    let mut simulator = cuts::simulators().remove(0);
    let mut run = |config: &Config| {
        let tissue = Tissue::new(cells.view());
        let images = simulator.simulate(config, &tissue, Options::default(), &mut Silent);
        images.expect("it runs")
    };
    let plain = run(&config);
    config.rounds = Some(rounds([0.0; 3], 0.0, &[]));
    let found = run(&config);
    assert_eq!(found.channels.len(), 3 * plain.channels.len());
    for (number, channel) in found.channels.iter().enumerate() {
        let of_plain = &plain.channels[number % plain.channels.len()];
        let round = number / plain.channels.len();
        // Each round draws its own photons.
        assert_eq!(
            channel.grey == of_plain.grey,
            round == 0,
            "{}",
            channel.name
        );
    }
}

/// Of pixels that are no voxels, the table's matrix says where the first round shows the same.
#[test]
fn the_affine_part_is_that_of_the_field() {
    let mut config = physical(Some(rounds([0.4, 1.0, 1.0], 8.0, &[])));
    config.optics.pixel_size_nm = 23_000.0;
    config.optics.focal_plane_depth_nm = 400.0;
    config.groundtruth.voxel_nm = Some([70.0, 60.0, 50.0]);
    let mut volume = whole([9, 40, 30]);
    volume.offset = [2, 10, 15];
    let model = Model::of_part(&config, [12, 60, 50], volume, 5, &[]).unwrap();
    let voxel_um = [70.0, 60.0, 50.0].map(|nm| nm * 4.5 / 1e3);
    let camera = &model.camera;
    let steps = [camera.planes.step(), camera.x.step(), camera.y.step()];
    let starts = [0.0, (steps[1] - 1.0) / 2.0, (steps[2] - 1.0) / 2.0];
    for round in &model.rounds {
        let affine = round.affine(model.volume, camera, voxel_um);
        let mut farthest = 0.0f64;
        for voxel in [[0, 0, 0], [8, 39, 29], [3, 7, 22], [5, 30, 1]] {
            let source = std::array::from_fn(|axis| voxel[axis] + volume.offset[axis]);
            let moved = round.field.at(source);
            let pixel: [f64; 3] =
                std::array::from_fn(|axis| (voxel[axis] as f64 - starts[axis]) / steps[axis]);
            for axis in 0..3 {
                let row = affine[axis];
                let from = row[0] * pixel[0] + row[1] * pixel[1] + row[2] * pixel[2] + row[3];
                let found = from * steps[axis] + starts[axis];
                let expected = voxel[axis] as f64 - f64::from(moved[axis]);
                assert!(
                    (found - expected).abs() < 0.02,
                    "{axis}: {found}, {expected}"
                );
                farthest = farthest.max(f64::from(moved[axis]).abs());
            }
        }
        assert!(farthest > 1.0, "{farthest}");
    }
}

/// Shifts and rotations have the deviations that are asked for, and warps the law of an uneven
/// expansion's fields.
#[test]
fn rounds_lie_as_far_apart_as_they_are_said_to() {
    let mut config = physical(Some(Rounds {
        number: 64,
        ..rounds([0.2, 0.5, 0.0], 0.3, &[[3.0, 0.2]])
    }));
    let (mut squares, mut count) = ([0.0; 4], 0.0);
    let (mut warps, mut pairs) = (0.0, 0.0);
    for seed in 0..8 {
        let model = Model::new(&config, whole([5, 60, 50]), seed).unwrap();
        for round in &model.rounds {
            let [z, x, y] = round.shift_um;
            for (square, found) in squares.iter_mut().zip([z, x, y, round.rotation_degrees]) {
                *square += found * found;
            }
            count += 1.0;
        }
    }
    let found = squares.map(|square| (square / count).sqrt());
    for (found, expected) in found.into_iter().zip([0.2, 0.5, 0.0, 0.3]) {
        assert!(
            (found - expected).abs() <= 0.1 * expected,
            "{found}, not {expected}"
        );
    }
    // A warp alone: how wrong a length of 10 voxels is.
    config.rounds = Some(Rounds {
        number: 64,
        ..rounds([0.0; 3], 0.0, &[[3.0, 0.2]])
    });
    for seed in 0..8 {
        let model = Model::new(&config, whole([5, 60, 50]), seed).unwrap();
        for round in &model.rounds {
            let voxel_um = 0.06 * 4.5;
            let at = |x: usize, y: usize| round.field.at([2, x, y]).map(f64::from);
            for (a, b) in [(at(5, 5), at(15, 5)), (at(40, 30), at(40, 40))] {
                for axis in 0..3 {
                    warps += ((b[axis] - a[axis]) * voxel_um).powi(2);
                    pairs += 1.0;
                }
            }
        }
    }
    let um: f64 = 10.0 * 0.06 * 4.5;
    let law = 2.0 * 0.2 * 0.2 * (1.0 - (-um * um / (2.0 * 9.0)).exp());
    let ratio = (warps / pairs / law).sqrt();
    assert!((ratio - 1.0).abs() < 0.06, "{ratio}");
}

/// Without noise to tell them apart, what a shift leaves in view is the same picture elsewhere.
#[test]
fn a_shift_of_whole_voxels_moves_the_picture() {
    let config = physical(Some(rounds([0.0, 1.5, 1.5], 0.0, &[])));
    let model = Model::new(&config, whole(SHAPE), 7).unwrap();
    assert_eq!(model.image_shape(), SHAPE);
    let mut counts = Array3::zeros(SHAPE);
    counts
        .slice_mut(s![3..9, 25..35, 20..30])
        .assign(&proteins().slice(s![3..9, 25..35, 20..30]));
    let images = image(&mut cuts::simulators()[0], &config, &counts);
    let sums = |image: &Array3<f32>| -> [f64; 3] {
        let (mut sum, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
        for ((_, x, y), &electrons) in image.indexed_iter() {
            let electrons = f64::from(electrons);
            sum += electrons;
            x_sum += electrons * x as f64;
            y_sum += electrons * y as f64;
        }
        [sum, x_sum / sum, y_sum / sum]
    };
    let of = |round: usize| sums(images.channels[round].expected.as_ref().unwrap());
    for (number, round) in model.rounds.iter().enumerate() {
        let [sum, x, y] = of(0);
        let [sum_there, x_there, y_there] = of(number + 1);
        let moved = round
            .field
            .at([5, 30, 25])
            .map(|voxels| f64::from(voxels).round());
        assert!(moved[1].abs() + moved[2].abs() > 1.0, "{moved:?}");
        assert!((sum_there / sum - 1.0).abs() < 0.05, "{sum_there}, {sum}");
        assert!(
            (x_there - x - moved[1]).abs() < 0.5,
            "{x_there}, {x}, {moved:?}"
        );
        assert!(
            (y_there - y - moved[2]).abs() < 0.5,
            "{y_there}, {y}, {moved:?}"
        );
    }
}
