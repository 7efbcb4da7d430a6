use std::f64::consts::{PI, TAU};

use super::*;
use crate::optics::physical::disc::Disc;
use crate::optics::physical::radial;

/// A beam without an edge: all of its light is near.
fn narrow(objective: Objective, field: FieldModel) -> Light {
    Light {
        beam_fill: Some(0.25),
        ..light(objective, field, 0.488)
    }
}

#[test]
fn every_plane_has_all_the_light() {
    let step = 0.01;
    let r: Vec<f64> = (0..2000).map(|at| f64::from(at) * step).collect();
    for objective in [water(1.15), oil_on_gel()] {
        for field in [FieldModel::Vectorial, FieldModel::Scalar] {
            let light = narrow(objective, field);
            let depth_um = 10.0;
            let focus = Focus {
                depth_um,
                shift_um: light.best_shift_um(depth_um).unwrap(),
            };
            let rows = light.density(focus, &[-6.0, 0.0, 0.4, 6.0], &r).unwrap();
            for row in rows {
                let whole = radial::light(&row, step);
                assert!(
                    (whole - 1.0).abs() < 1e-6,
                    "{objective:?} {field:?}: {whole}"
                );
            }
        }
    }
}

#[test]
fn light_beyond_a_radius_follows_the_law_of_the_edge() {
    let light = light(water(1.15), FieldModel::Vectorial, 0.525);
    let focus = Focus {
        depth_um: 0.0,
        shift_um: 0.0,
    };
    let step = 0.006;
    for radius in [3.0, 6.0, 12.0] {
        let r: Vec<f64> = (0..=(radius / step) as usize)
            .map(|at| at as f64 * step)
            .collect();
        let row = light.density(focus, &[0.0], &r).unwrap().remove(0);
        let beyond = 1.0 - radial::light(&row, step);
        let share = light.diffraction_radius_um(1.0) / radius;
        assert!(
            (beyond / share - 1.0).abs() < 0.1,
            "{radius}: {beyond} {share}"
        );
    }
}

#[test]
fn planes_before_and_behind_the_focus() {
    let places: Vec<f64> = (0..10).map(|at| f64::from(at) * 0.1).collect();
    let row = |objective, z: f64| {
        let light = light(objective, FieldModel::Vectorial, 0.525);
        let focus = Focus {
            depth_um: 10.0,
            shift_um: light.best_shift_um(10.0).unwrap(),
        };
        light.density(focus, &[z], &places).unwrap().remove(0)
    };
    let difference = |objective| {
        let pairs = row(objective, 1.0).into_iter().zip(row(objective, -1.0));
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    assert!(difference(water(1.15)) < 1e-12);
    assert!(difference(oil_on_gel()) > 0.1);
}

#[test]
fn panels_do_not_show() {
    // Far planes in the same table bring more panels for the near ones.
    let light = light(oil_on_gel(), FieldModel::Vectorial, 0.525);
    let focus = Focus {
        depth_um: 20.0,
        shift_um: 1.0,
    };
    let r = [0.0, 0.3, 1.7];
    let near = light.density(focus, &[0.5, -0.5], &r).unwrap();
    let both = light.density(focus, &[0.5, -0.5, 300.0], &r).unwrap();
    for (a, b) in near.concat().iter().zip(both.concat()) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
    let far = light.density(focus, &[1e6], &r);
    assert!(matches!(far, Err(OpticsError::TooFar { .. })));
}

#[test]
fn a_disc_takes_a_gaussian_as_calculus_does() {
    // exp(-q^2/w^2)/(pi w^2) through a disc about its middle, and one far aside.
    let (width, step, count) = (0.3, 0.004, 400);
    let gaussian = |q: f64| libm::exp(-q * q / (width * width)) / (PI * width * width);
    let values: Vec<f64> = (0..1000).map(|at| gaussian(f64::from(at) * step)).collect();
    for radius in [0.02, 0.1, 0.2785, 1.0] {
        let disc = Disc::new(radius, step, 30.0, count);
        let passed = disc.through(&values, count);
        let middle = 1.0 - libm::exp(-radius * radius / (width * width));
        assert!((passed[0] - middle).abs() < 1e-7, "{radius}: {}", passed[0]);
        // All places of the emitter together see the whole disc.
        let whole = radial::light(&passed, step);
        if radius < 0.3 {
            assert!(
                (whole / (PI * radius * radius) - 1.0).abs() < 1e-6,
                "{radius}: {whole}"
            );
        }
        // By sectors of circles about the disc's middle.
        let at = 75;
        let (r, n) = (f64::from(at) * step, 400);
        let mut sum = 0.0;
        for i in 0..n {
            let rho = radius * (f64::from(i) + 0.5) / f64::from(n);
            for j in 0..n {
                let angle = TAU * (f64::from(j) + 0.5) / f64::from(n);
                let q = (r * r + rho * rho + 2.0 * r * rho * libm::cos(angle)).sqrt();
                sum += gaussian(q) * rho;
            }
        }
        sum *= radius / f64::from(n) * TAU / f64::from(n);
        assert!(
            (passed[at as usize] - sum).abs() < 1e-5,
            "{radius}: {}",
            passed[at as usize]
        );
    }
}

#[test]
fn tables_of_an_even_function() {
    let step = 0.1;
    let value = |r: f64| libm::exp(-r * r);
    let values: Vec<f64> = (0..80).map(|at| value(f64::from(at) * step)).collect();
    for r in [0.0, 0.03, 0.1, 0.17, 1.234] {
        assert!((radial::interpolate(&values, r / step) - value(r)).abs() < 5e-5);
    }
    assert_eq!(radial::interpolate(&values, 81.5), 0.0);
    assert!((radial::light(&values, step) - PI).abs() < 1e-4);
}

#[test]
fn sheets() {
    let sheet = Sheet::gaussian(1.0).unwrap();
    assert_eq!((sheet.at(0.0), sheet.symmetric()), (1.0, true));
    assert!((sheet.at(0.5) - 0.5).abs() < 1e-15);
    assert!((sheet.at(1.0) - 0.0625).abs() < 1e-15);
    let lobe = |z_um, weight| Lobe {
        z_um,
        weight,
        fwhm_um: 0.5,
    };
    let lattice = Sheet::of_lobes(vec![lobe(0.0, 4.0), lobe(2.0, 1.0), lobe(-2.0, 1.0)]).unwrap();
    assert!(lattice.symmetric());
    assert!((lattice.at(0.0) - 1.0).abs() < 1e-9 && (lattice.at(2.0) - 0.25).abs() < 1e-9);
    let lopsided = Sheet::of_lobes(vec![lobe(0.0, 4.0), lobe(2.0, 1.0)]).unwrap();
    assert!(!lopsided.symmetric());
    assert_eq!(Sheet::of_lobes(Vec::new()), Err(OpticsError::NoSheet));
    assert!(Sheet::gaussian(0.0).is_err());
}

#[test]
fn quantities_that_make_no_sense() {
    let wide = water(1.4).validate().unwrap_err();
    assert_eq!(
        wide.to_string(),
        "immersion_index is 1.333, which light of numerical_aperture 1.4 does not pass; choose a \
         smaller aperture, or an index above it"
    );
    assert!(water(f64::NAN).validate().is_err());
    assert!(water(0.0).validate().is_err());
    assert!(oil_on_gel().validate().is_ok() && oil_on_gel().cut_by_sample());
    let mut imaging = confocal(water(1.15), 1.0);
    imaging.detected_share = 1.5;
    assert!(
        imaging
            .kappa(imaging.focus(0.0).unwrap(), &[0.0], &[0.0])
            .is_err()
    );
    let mut imaging = spinning_disk(water(1.15));
    if let Microscope::SpinningDisk {
        pinhole_spacing_um, ..
    } = &mut imaging.microscope
    {
        *pinhole_spacing_um = 1.0;
    }
    assert!(imaging.validate().is_err());
}
