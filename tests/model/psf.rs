//! Point spread functions against those that SimExm's Python port computed, for all three
//! microscope types.

use simexm_gpu::internals::optics::psf::{Microscope, PointSpreadFunction, PsfParameters, RADIUS};

const SAMPLES: usize = RADIUS + 1;

/// Places (z, x, y) off the axes whose values psf_cases.csv holds beside the sum of the cube.
const OFF_AXIS: [[usize; 3]; 5] = [[0, 2, 1], [0, 3, 4], [1, 7, 7], [2, 1, 5], [5, 10, 11]];

/// The reference has a coarse integral and a coarse table of Bessel functions, which puts it this
/// far off.
const TOLERANCE: f64 = 2e-3;

/// In the deepest case the reference's 80 nodes are too few, and its sum, 1.1458, is 1.06 % off
/// where the others keep within 1 %. The sum to meet is that of the converged integral, computed
/// apart from this program with SciPy's Bessel functions and 256, 600 and 1200 Gauss-Legendre
/// nodes, which agree to all the digits given.
const ALIASED_CASE: usize = 2;
const ALIASED_CASE_SUM: f64 = 1.1337047155;

#[test]
fn agrees_with_the_reference() {
    let rows: Vec<Vec<f64>> = include_str!("../data/psf_quarters.csv")
        .lines()
        .map(figures)
        .collect();
    let cases: Vec<&str> = include_str!("../data/psf_cases.csv")
        .lines()
        .skip(1)
        .collect();
    assert_eq!((cases.len(), rows.len()), (10, 10 * SAMPLES));

    for (case, (line, rows)) in cases.iter().zip(rows.chunks(SAMPLES)).enumerate() {
        let (microscope, rest) = line.split_once(',').unwrap();
        let figures = figures(rest);
        let (parameters, sum, off_axis) = (&figures[..9], figures[9], &figures[10..]);
        let psf = PointSpreadFunction::new(&PsfParameters {
            microscope: match microscope {
                "confocal" => Microscope::Confocal,
                "widefield" => Microscope::Widefield,
                "two photon" => Microscope::TwoPhoton,
                other => panic!("unknown type {other}"),
            },
            voxel_nm: [parameters[0], parameters[1], parameters[2]],
            expansion_factors: [parameters[3]; 3],
            excitation_nm: parameters[4],
            emission_nm: parameters[5],
            numerical_aperture: parameters[6],
            refractive_index: parameters[7],
            pinhole_radius_um: parameters[8],
        })
        .unwrap();

        assert_eq!(psf.quarter()[0], 1.0);
        let close = |what: &str, got: f64, expected: f64| {
            assert!(
                (got - expected).abs() <= TOLERANCE,
                "case {case}, {what}: {got}, not {expected}"
            );
        };
        for (z, row) in rows.iter().enumerate() {
            assert_eq!(row.len(), SAMPLES);
            for (r, &expected) in row.iter().enumerate() {
                close(
                    &format!("({z}, {r})"),
                    psf.quarter()[z * SAMPLES + r],
                    expected,
                );
            }
        }
        let octant = psf.octant();
        assert_eq!(
            (octant.len(), off_axis.len()),
            (SAMPLES * SAMPLES * SAMPLES, OFF_AXIS.len())
        );
        for ([z, x, y], &expected) in OFF_AXIS.into_iter().zip(off_axis) {
            close(
                &format!("({z}, {x}, {y})"),
                octant[(z * SAMPLES + x) * SAMPLES + y],
                expected,
            );
        }
        let total = cube_sum(&octant);
        let (expected, tolerance) = match case {
            ALIASED_CASE => (ALIASED_CASE_SUM, 1e-9),
            _ => (sum, 0.01),
        };
        assert!(
            (total / expected - 1.0).abs() <= tolerance,
            "case {case}: the cube's sum is {total}, not {expected}"
        );
        if case == ALIASED_CASE {
            assert!((total / sum - 1.0).abs() > 0.01, "no exception is needed");
        }
    }
}

/// Sum of the cube of which `octant` is one eighth, the planes through the centre being shared.
fn cube_sum(octant: &[f64]) -> f64 {
    let twins = |i: usize| if i == 0 { 1.0 } else { 2.0 };
    let place = |i: usize| [i / (SAMPLES * SAMPLES), i / SAMPLES % SAMPLES, i % SAMPLES];
    octant
        .iter()
        .enumerate()
        .map(|(i, value)| value * place(i).map(twins).iter().product::<f64>())
        .sum()
}

fn figures(line: &str) -> Vec<f64> {
    line.split(',').map(|word| word.parse().unwrap()).collect()
}
