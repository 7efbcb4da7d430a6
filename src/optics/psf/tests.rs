use std::f64::consts::{FRAC_PI_2, PI};

use super::diffraction::{Ray, intensity};
use super::*;
use crate::optics::quadrature::{PANEL_NODES, gauss_legendre};

/// PSF as the package computes it, to 10 digits, with the parameters that it was computed from.
struct Golden {
    parameters: PsfParameters,
    quarter: Vec<f64>,
}

fn golden() -> Vec<Golden> {
    let cases = include_str!("../../../tests/data/psf_cases.csv")
        .lines()
        .skip(1);
    let rows: Vec<Vec<f64>> = include_str!("../../../tests/data/psf_quarters.csv")
        .lines()
        .map(|line| line.split(',').map(|word| word.parse().unwrap()).collect())
        .collect();
    cases
        .zip(rows.chunks(SAMPLES))
        .map(|(line, rows)| {
            let (microscope, figures) = line.split_once(',').unwrap();
            let f: Vec<f64> = figures
                .split(',')
                .map(|word| word.parse().unwrap())
                .collect();
            Golden {
                parameters: PsfParameters {
                    microscope: match microscope {
                        "confocal" => Microscope::Confocal,
                        "widefield" => Microscope::Widefield,
                        "two photon" => Microscope::TwoPhoton,
                        other => panic!("{other}"),
                    },
                    voxel_nm: [f[0], f[1], f[2]],
                    expansion_factors: [f[3]; 3],
                    excitation_nm: f[4],
                    emission_nm: f[5],
                    numerical_aperture: f[6],
                    refractive_index: f[7],
                    pinhole_radius_um: f[8],
                },
                quarter: rows.concat(),
            }
        })
        .collect()
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

fn spacing(parameters: &PsfParameters) -> SampleSpacing {
    let [step_z_um, step_r_um] = parameters.voxel_um().map(|um| um * 16.0 / 15.0);
    SampleSpacing {
        step_z_um,
        step_r_um,
    }
}

/// The package's J0, J1 and J2: a table of step 0.1 from Bessel's integral, interpolated.
struct BesselTable(Vec<[f64; 3]>);

impl BesselTable {
    fn new() -> Self {
        let even = |order: f64, x: f64| {
            let node = |j: usize| j as f64 * PI / 60.0;
            (0..60)
                .map(|j| libm::cos(order * node(j) - x * libm::sin(node(j))))
                .sum::<f64>()
                / 60.0
        };
        let first = |x: f64| {
            let node = |j: usize| j as f64 * PI / 59.0;
            (0..60)
                .map(|j| libm::cos(node(j) - x * libm::sin(node(j))))
                .sum::<f64>()
                / 59.0
        };
        let row = |i: usize| i as f64 / 10.0;
        Self(
            (0..=1000)
                .map(|i| [even(0.0, row(i)), first(row(i)), even(2.0, row(i))])
                .collect(),
        )
    }

    fn at(&self, x: f64) -> [f64; 3] {
        let place = x * 10.0;
        let (i, f) = (place as usize, place.fract());
        match (self.0.get(i), self.0.get(i + 1)) {
            (Some(a), Some(b)) => std::array::from_fn(|k| a[k] + f * (b[k] - a[k])),
            (Some(a), None) => *a,
            _ => [0.0; 3],
        }
    }
}

/// Returns the 80 equally spaced rays of the package.
fn trapezoid_rays(beam: &Beam, apodisation: impl Fn(f64, f64) -> f64) -> Vec<Ray> {
    let half_angle = libm::asin(beam.sin_aperture());
    (0..80)
        .map(|i| {
            let theta = half_angle * i as f64 / 79.0;
            let (sin, cos) = (libm::sin(theta), libm::cos(theta));
            let end = if i == 0 || i == 79 { 0.5 } else { 1.0 };
            Ray {
                sin,
                cos,
                weight: end * apodisation(sin, cos) * sin,
            }
        })
        .collect()
}

/// With the package's coarse integral and Bessel table put in, every formula around them gives the
/// package's figures.
#[test]
fn reproduces_the_package_with_its_own_quadrature() {
    let table = BesselTable::new();
    for (case, golden) in golden().iter().enumerate() {
        let parameters = &golden.parameters;
        let spacing = spacing(parameters);
        let field = |beam: &Beam, rays: &[Ray]| {
            intensity(beam.wavenumber(), rays, &spacing, |x| table.at(x))
        };
        let laser = parameters.beam(parameters.excitation_nm);
        let excitation = field(
            &laser,
            &trapezoid_rays(&laser, |sin, cos| laser.laser_apodisation(sin, cos)),
        );
        let light = parameters.beam(parameters.emission_nm);
        let emission = || field(&light, &trapezoid_rays(&light, |_, _| 1.0));
        let quarter = image_of_point(parameters, &excitation, emission);
        let difference = largest_difference(quarter.as_flattened(), &golden.quarter);
        assert!(difference < 1e-10, "case {case}: {difference:e}");
    }
}

fn confocal() -> PsfParameters {
    PsfParameters {
        microscope: Microscope::Confocal,
        excitation_nm: 488.0,
        emission_nm: 525.0,
        numerical_aperture: 1.15,
        refractive_index: 1.33,
        pinhole_radius_um: 1.25,
        voxel_nm: [40.0, 16.0, 16.0],
        expansion_factors: [4.0; 3],
    }
}

#[test]
fn twice_the_nodes_change_nothing() {
    let mut hardest = 0;
    for (numerical_aperture, refractive_index) in [
        (0.1, 1.0),
        (0.8, 1.33),
        (1.15, 1.33),
        (1.32, 1.33),
        (1.49, 1.515),
        (1.3299999, 1.33),
    ] {
        for voxel_nm in [
            [1.0; 3],
            [8.0; 3],
            [2000.0, 10.0, 10.0],
            [10.0, 2000.0, 2000.0],
            [1000.0; 3],
        ] {
            let parameters = PsfParameters {
                numerical_aperture,
                refractive_index,
                voxel_nm,
                ..confocal()
            };
            let (spacing, beam) = (spacing(&parameters), parameters.beam(488.0));
            let panels = beam.panels(&spacing);
            let at = |panels| {
                let rays = beam.rays(panels, |sin, cos| beam.laser_apodisation(sin, cos));
                intensity(beam.wavenumber(), &rays, &spacing, diffraction::bessel)
            };
            let difference =
                largest_difference(at(panels).as_flattened(), at(2 * panels).as_flattened());
            assert!(
                difference < 1e-12,
                "NA {numerical_aperture}, {voxel_nm:?}, {panels} panels: {difference:e}"
            );
            hardest = hardest.max(panels);
        }
    }
    assert!(hardest > 10, "no case needs many panels");
}

#[test]
fn usual_parameters_need_few_panels() {
    let beam = confocal().beam(488.0);
    assert_eq!(
        beam.panels(&spacing(&PsfParameters {
            voxel_nm: [8.0; 3],
            ..confocal()
        })),
        1
    );
    assert!(
        beam.panels(&spacing(&PsfParameters {
            voxel_nm: [500.0, 125.0, 125.0],
            ..confocal()
        })) <= 6
    );
}

#[test]
fn quadrature_integrates_polynomials_and_waves() {
    let integral = |panels, f: &dyn Fn(f64) -> f64| -> f64 {
        gauss_legendre(-1.0, 3.0, panels)
            .iter()
            .map(|&(x, weight)| weight * f(x))
            .sum()
    };
    assert_eq!(gauss_legendre(0.0, 1.0, 3).len(), 3 * PANEL_NODES);
    for panels in [1, 2, 5] {
        assert!((integral(panels, &|_| 1.0) - 4.0).abs() < 1e-13);
        assert!((integral(panels, &|x| x * x * x) - 20.0).abs() < 1e-12);
        let exact = (libm::sin(30.0) + libm::sin(10.0)) / 10.0;
        assert!((integral(panels, &|x| libm::cos(10.0 * x)) - exact).abs() < 1e-13);
    }
    // Degree 2 n - 1 is exact.
    let degree = 2 * PANEL_NODES as i32 - 2;
    let power: f64 = gauss_legendre(-1.0, 1.0, 1)
        .iter()
        .map(|&(x, weight)| weight * x.powi(degree))
        .sum();
    assert!((power - 2.0 / (degree + 1) as f64).abs() < 1e-14);
}

#[test]
fn bessel_functions_have_their_known_values() {
    for (x, known) in [
        (0.0, [1.0, 0.0, 0.0]),
        (
            1.0,
            [0.7651976865579666, 0.4400505857449335, 0.1149034849319005],
        ),
        (
            10.0,
            [-0.2459357644513483, 0.0434727461688614, 0.2546303136851206],
        ),
    ] {
        let difference = largest_difference(&diffraction::bessel(x), &known);
        assert!(difference < 1e-15, "x = {x}: {difference:e}");
    }
}

#[test]
fn pinhole_widens_from_a_point_to_the_open_one() {
    let at = |pinhole_radius_um| {
        PointSpreadFunction::new(&PsfParameters {
            pinhole_radius_um,
            ..confocal()
        })
        .unwrap()
    };
    let beyond = OPEN_PINHOLE * 0.488 / 1.15;
    let widefield = PointSpreadFunction::new(&PsfParameters {
        microscope: Microscope::Widefield,
        ..confocal()
    })
    .unwrap();
    assert_eq!(at(beyond * 1.001), widefield);
    assert_ne!(at(beyond * 0.999), widefield);
    assert_eq!(at(f64::INFINITY), widefield);
    // A point pinhole sees excitation times emission; a wider one sees more beside the focus.
    let sum = |psf: &PointSpreadFunction| psf.quarter().iter().sum::<f64>();
    assert!(sum(&at(0.0)) < sum(&at(0.2)) && sum(&at(0.2)) < sum(&at(0.5)));
}

#[test]
fn two_photons_square_the_excitation() {
    let parameters = PsfParameters {
        microscope: Microscope::TwoPhoton,
        excitation_nm: 800.0,
        ..confocal()
    };
    let psf = PointSpreadFunction::new(&parameters).unwrap();
    let excitation = parameters.beam(800.0).excitation(&spacing(&parameters));
    let squared: Vec<f64> = excitation
        .as_flattened()
        .iter()
        .map(|value| value * value)
        .collect();
    assert!(largest_difference(psf.quarter(), &squared) < 1e-15);
    assert!(!parameters.emission_below_excitation());
}

#[test]
fn emission_below_excitation_is_computed_and_told() {
    let parameters = PsfParameters {
        excitation_nm: 561.0,
        ..confocal()
    };
    assert!(parameters.emission_below_excitation() && !confocal().emission_below_excitation());
    let psf = PointSpreadFunction::new(&parameters).unwrap();
    assert_eq!(psf.quarter()[0], 1.0);
    assert!(
        psf.quarter()
            .iter()
            .all(|value| (0.0..=1.0).contains(value))
    );
}

#[test]
fn octant_samples_the_quarter_by_radius() {
    let even = PointSpreadFunction::new(&confocal()).unwrap();
    let octant = even.octant();
    let index = |z: usize, x: usize, y: usize| (z * SAMPLES + x) * SAMPLES + y;
    for z in 0..SAMPLES {
        for r in 0..SAMPLES {
            assert_eq!(octant[index(z, r, 0)], even.quarter()[z * SAMPLES + r]);
            assert_eq!(octant[index(z, 0, r)], even.quarter()[z * SAMPLES + r]);
        }
        assert_eq!(octant[index(z, 12, 9)], even.quarter()[z * SAMPLES + 15]);
        assert_eq!(octant[index(z, 12, 11)], 0.0);
    }

    // Twice the step along y: the function narrows by two along it, and stays along x.
    let wide = PsfParameters {
        voxel_nm: [40.0, 16.0, 32.0],
        ..confocal()
    };
    let wide = PointSpreadFunction::new(&wide).unwrap();
    assert_eq!(wide.quarter(), even.quarter());
    let stretched = wide.octant();
    for y in 0..=RADIUS / 2 {
        assert_eq!(stretched[index(2, 3, y)], octant[index(2, 3, 2 * y)]);
    }
    assert_eq!(stretched[index(2, 0, 8)], 0.0);
}

#[test]
fn refuses_what_has_no_point_spread_function() {
    let refused = |change: &dyn Fn(&mut PsfParameters)| {
        let mut parameters = confocal();
        change(&mut parameters);
        PointSpreadFunction::new(&parameters).unwrap_err()
    };
    let error = refused(&|p| p.numerical_aperture = 1.33);
    assert!(matches!(error, PsfError::ApertureTooWide { .. }));
    assert!(
        error.to_string().contains("numerical_aperture 1.33")
            && error.to_string().contains("refractive_index")
    );
    assert!(matches!(
        refused(&|p| p.numerical_aperture = 0.0),
        PsfError::NotPositive { .. }
    ));
    assert!(matches!(
        refused(&|p| p.excitation_nm = f64::NAN),
        PsfError::NotPositive { .. }
    ));
    assert!(matches!(
        refused(&|p| p.voxel_nm[2] = -1.0),
        PsfError::NotPositive { .. }
    ));
    assert!(matches!(
        refused(&|p| p.pinhole_radius_um = -1.0),
        PsfError::BadPinhole(_)
    ));
    assert!(matches!(
        refused(&|p| p.expansion_factors = [1e6; 3]),
        PsfError::TooCoarse { .. }
    ));
}

#[test]
fn bounded_by_its_aperture() {
    // The interval of integration ends where the cone does.
    let beam = confocal().beam(488.0);
    let rays = beam.rays(1, |_, _| 1.0);
    let half_angle = libm::asin(1.15 / 1.33);
    assert!(
        rays.iter()
            .all(|ray| ray.cos > libm::cos(half_angle) && ray.cos < 1.0)
    );
    let solid: f64 = rays.iter().map(|ray| ray.weight).sum();
    assert!((solid - (1.0 - libm::cos(half_angle))).abs() < 1e-14 && half_angle < FRAC_PI_2);
}

/// Tiny voxels put an enormous pinhole on the grid: no memory may hang on its size.
#[test]
fn enormous_pinholes_in_pixels_are_no_trouble() {
    let parameters = PsfParameters {
        voxel_nm: [1e-6; 3],
        pinhole_radius_um: 1.0,
        ..confocal()
    };
    let psf = PointSpreadFunction::new(&parameters).unwrap();
    assert!(psf.quarter().iter().all(|value| value.is_finite()));
}
