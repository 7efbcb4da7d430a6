use super::*;

fn grid(voxel_um: [f64; 3], slices: usize, reach: usize) -> VoxelGrid {
    VoxelGrid {
        voxel_um,
        slices,
        reach: [reach; 2],
    }
}

fn plane_sums(kernel: &Kernel) -> Vec<f64> {
    let whole = kernel.psf.whole();
    let sum = |plane: ndarray::ArrayView2<f32>| plane.iter().map(|v| f64::from(*v)).sum();
    whole.outer_iter().map(sum).collect()
}

fn assert_sums(kernel: &Kernel) {
    for (sum, light) in plane_sums(kernel).iter().zip(&kernel.plane_light) {
        assert!((sum / light - 1.0).abs() < 1e-6, "{sum} {light}");
    }
}

#[test]
fn voxels_of_the_golden_chain() {
    let rows = table(include_str!("../../../../tests/data/physical/voxels.csv"));
    for (name, imaging) in [
        ("widefield", widefield(water(1.15))),
        ("confocal", confocal(water(1.15), 1.0)),
    ] {
        let grid = grid([0.18, 0.036, 0.036], 9, 400);
        let made = kernel(&imaging, &grid, &Accuracy::default(), 0.0, 0).unwrap();
        let shape = made.psf.shape();
        assert!(shape.symmetric && shape.before >= 4);
        let own = rows.iter().filter(|row| row[0] == name);
        let mut peak = 0f64;
        let mut error = 0f64;
        for row in own {
            let (z, x): (usize, usize) = (row[1].parse().unwrap(), row[2].parse().unwrap());
            let tap = shape.before + z;
            let scale = 1.0 - made.outside[tap];
            for (y, word) in row[3..].iter().enumerate() {
                let expected = number(word);
                let inside = x <= shape.radius[0] && y <= shape.radius[1];
                let value = if inside { made.psf.at(tap, x, y) } else { 0.0 };
                // Voxels outside a plane's radius are 0.
                if value > 0.0 {
                    error = error.max((f64::from(value) * scale - expected).abs());
                }
                peak = peak.max(expected);
            }
        }
        assert!(error < 1e-3 * peak, "{name}: {error} of {peak}");
    }
}

#[test]
fn planes_sum_to_their_light() {
    let cases = [
        (widefield(water(1.15)), 21),
        (confocal(water(1.15), 1.0), 0),
        (two_photon(), 0),
        (spinning_disk(water(1.15)), 11),
        (confocal(oil_on_gel(), 1.0), 0),
    ];
    for (imaging, slices) in cases {
        let grid = grid([0.3, 0.1, 0.12], slices, 200);
        for phase in [0, 1] {
            let matched = imaging.objective.media.matched();
            let accuracy = Accuracy {
                // Light that oil sends far along the axis takes its time.
                depth_truncation: if matched { 0.02 } else { 0.1 },
                ..Accuracy::default()
            };
            let made = kernel(&imaging, &grid, &accuracy, 8.0, phase).unwrap();
            assert_sums(&made);
            assert_eq!(made.psf.shape().symmetric, phase == 0 && matched);
            for outside in &made.outside {
                assert!((-1e-3..0.021).contains(outside), "{:?}", made.outside);
            }
            assert!(!made.capped.contains(&true));
        }
    }
}

#[test]
fn phases_keep_the_light_of_a_block() {
    let imaging = confocal(water(1.15), 1.0);
    let grid = grid([0.4, 0.12, 0.12], 0, 200);
    let total = |phase| {
        let made = kernel(&imaging, &grid, &Accuracy::default(), 0.0, phase).unwrap();
        made.plane_light.iter().sum::<f64>()
    };
    let whole = total(0);
    for phase in 1..4 {
        let other = total(phase);
        assert!(
            (other / whole - 1.0).abs() < 1e-3,
            "{phase}: {other} {whole}"
        );
    }
    // And the phases beyond the middle mirror those before it.
    let [quarter, three] = [1, 3].map(|phase| {
        let made = kernel(&imaging, &grid, &Accuracy::default(), 0.0, phase).unwrap();
        (made.psf.shape(), made.plane_light)
    });
    let at = |(shape, light): &(crate::engine::psf::PsfShape, Vec<f64>), plane: isize| {
        light[shape.before.checked_add_signed(plane).unwrap()]
    };
    // -1/4 and 1 - 3/4; the planes next to the middle.
    assert!((at(&quarter, 0) / at(&three, 1) - 1.0).abs() < 1e-9);
    assert!((at(&quarter, 1) / at(&three, 0) - 1.0).abs() < 1e-9);
}

#[test]
fn light_of_a_block_does_not_depend_on_what_is_cut() {
    let imaging = confocal(water(1.15), 1.0);
    let grid = grid([0.3, 0.1, 0.1], 0, 400);
    let total = |truncation, depth_truncation| {
        let accuracy = Accuracy {
            truncation,
            depth_truncation,
            keep_light: true,
        };
        let made = kernel(&imaging, &grid, &accuracy, 0.0, 0).unwrap();
        assert_sums(&made);
        made.plane_light.iter().sum::<f64>()
    };
    let exact = total(0.01, 0.004);
    for (truncation, depth) in [(0.05, 0.02), (0.02, 0.05), (0.1, 0.1)] {
        let light = total(truncation, depth);
        assert!((light / exact - 1.0).abs() < 3e-3, "{truncation} {depth}");
    }
}

#[test]
fn planes_wider_than_the_reach() {
    let imaging = widefield(water(1.15));
    let grid = grid([1.0, 0.1, 0.1], 6, 30);
    let accuracy = |keep_light| Accuracy {
        keep_light,
        ..Accuracy::default()
    };
    let kept = kernel(&imaging, &grid, &accuracy(true), 0.0, 0).unwrap();
    assert_sums(&kept);
    assert!(
        kept.plane_light
            .iter()
            .all(|light| (light - 1.0).abs() < 1e-12)
    );
    assert_eq!(kept.psf.shape().radius, [30, 30]);
    assert!(
        kept.capped[0] && kept.outside[0] > 0.5,
        "{:?}",
        kept.outside
    );
    let lost = kernel(&imaging, &grid, &accuracy(false), 0.0, 0).unwrap();
    assert_sums(&lost);
    for tap in 0..lost.capped.len() {
        let light = if lost.capped[tap] {
            1.0 - lost.outside[tap]
        } else {
            1.0
        };
        assert!((lost.plane_light[tap] - light).abs() < 1e-9);
    }
}

#[test]
fn reach_along_z() {
    // A camera sees all of the box.
    let grid = grid([0.5, 0.2, 0.2], 7, 100);
    let made = kernel(&widefield(water(0.8)), &grid, &Accuracy::default(), 0.0, 0).unwrap();
    assert_eq!((made.psf.shape().before, made.psf.shape().after), (6, 6));
    assert_eq!(made.beyond, [0.0; 2]);
    // A sheet of 1 um ends where its light does.
    let sheet = plain(
        water(0.8),
        Microscope::LightSheet {
            irradiance_w_m2: 1.0,
            sheet: Sheet::gaussian(1.0).unwrap(),
        },
    );
    let made = kernel(&sheet, &grid, &Accuracy::default(), 0.0, 0).unwrap();
    assert_eq!(made.psf.shape().after, 2);
    let total: f64 = made.plane_light.iter().sum();
    let area = 0.5 * (std::f64::consts::PI / std::f64::consts::LN_2).sqrt();
    assert!((total * 0.5 / area - 1.0).abs() < 1e-4, "{total} {area}");
    assert_sums(&made);
    // A pinhole of 1 Airy unit leaves 2 % of a block's light beyond 7.5 um.
    let grid = VoxelGrid {
        voxel_um: [0.3, 0.1, 0.1],
        ..grid
    };
    let made = kernel(
        &confocal(water(1.15), 1.0),
        &grid,
        &Accuracy::default(),
        0.0,
        0,
    )
    .unwrap();
    let reach_um = 0.3 * made.psf.shape().after as f64;
    assert!((6.0..9.0).contains(&reach_um), "{reach_um}");
    let total: f64 = made.plane_light.iter().sum();
    let beyond = made.beyond[0] + made.beyond[1];
    assert!(
        (0.014..=0.02).contains(&(beyond / total)),
        "{}",
        beyond / total
    );
}

#[test]
fn saturation_flattens_the_focus() {
    let faint = confocal(water(1.15), 1.0);
    let mut bright = faint.clone();
    bright.emitter.lifetime_s = 0.1;
    let grid = grid([0.3, 0.1, 0.1], 0, 200);
    let centre = |imaging: &Imaging| {
        let made = kernel(imaging, &grid, &Accuracy::default(), 0.0, 0).unwrap();
        let before = made.psf.shape().before;
        (
            f64::from(made.psf.at(before, 0, 0)),
            made.plane_light[before],
        )
    };
    let (faint, bright) = (centre(&faint), centre(&bright));
    assert!(bright.0 < 0.6 * faint.0);
    assert!(bright.0 / bright.1 < faint.0 / faint.1);
}

#[test]
fn voxels_longer_along_one_axis() {
    let imaging = confocal(water(1.15), 1.0);
    let made = |x, y| {
        let grid = grid([0.3, x, y], 0, 200);
        kernel(&imaging, &grid, &Accuracy::default(), 0.0, 0)
            .unwrap()
            .psf
    };
    let (wide, high) = (made(0.15, 0.05), made(0.05, 0.15));
    assert_eq!(wide.shape().radius[0], high.shape().radius[1]);
    let tap = wide.shape().before;
    for (x, y) in [(0, 0), (1, 4), (3, 2)] {
        let (a, b) = (wide.at(tap, x, y), high.at(tap, y, x));
        assert!((a - b).abs() <= 1e-6 * a.abs(), "{a} {b}");
    }
    // Three short voxels make a square one.
    let square = made(0.15, 0.15);
    let (a, b) = (square.at(square.shape().before, 0, 0), wide.at(tap, 0, 0));
    assert!(b < a && a < 3.0 * b);
}

#[test]
fn averages_under_a_triangle() {
    for phase in [0.1, 1.0, 1.2, 1.3, 2.5, 2.6, 4.0, 8.0, 20.0] {
        let rule = voxels::triangle_rule(phase);
        let weights: f64 = rule.iter().map(|(_, weight)| weight).sum();
        assert!((weights - 1.0).abs() < 1e-14);
        let wave = |(node, weight): &(f64, f64)| weight * libm::cos(phase * node);
        let average: f64 = rule.iter().map(wave).sum();
        let half = libm::sin(phase / 2.0) / (phase / 2.0);
        assert!((average - half * half).abs() < 4e-4, "{phase}: {average}");
    }
}
