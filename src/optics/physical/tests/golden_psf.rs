use super::*;

/// A microscope of the golden tables, and the scale of its kappa.
fn case(name: &str) -> (Imaging, f64) {
    let air = Objective {
        numerical_aperture: 0.8,
        media: Media::new(1.333, 1.0),
    };
    match name {
        "widefield_water115" => (widefield(water(1.15)), 1.0),
        "widefield_oil14_gel10" => (widefield(oil_on_gel()), 1.0),
        "widefield_air08_gel50" => (widefield(air), 1.0),
        "confocal_water115_1au" => (confocal(water(1.15), 1.0), 1.0),
        "spinning_water115" => (spinning_disk(water(1.15)), 1.0),
        "twophoton_water10" => {
            // Excitations per second at a density of 1/um^2; their square law holds.
            let imaging = two_photon();
            let factor = imaging.objective.fluence_factor(Some(1.0));
            let flux = 1e-6 / photons::photon_energy_j(0.9) * factor * 1e8;
            let pulses = Pulses::default();
            let rate = pulses.rate_hz * pulses.excitations_per_pulse(50.0, flux);
            (imaging, rate)
        }
        other => panic!("{other}"),
    }
}

fn depth_um(name: &str) -> f64 {
    match name {
        "widefield_oil14_gel10" => 10.0,
        "widefield_air08_gel50" => 50.0,
        _ => 0.0,
    }
}

fn field(model: &str) -> FieldModel {
    match model {
        "scalar" => FieldModel::Scalar,
        _ => FieldModel::Vectorial,
    }
}

/// Rows of a case in `psf.csv`, and the focus that they were computed with.
struct Golden {
    name: String,
    imaging: Imaging,
    scale: f64,
    focus: Focus,
    z_um: Vec<f64>,
    rows: Vec<Vec<f64>>,
    figures: Vec<Option<f64>>,
}

const RADII: usize = 16;

fn radii() -> Vec<f64> {
    (0..RADII).map(|at| at as f64 * 0.08).collect()
}

fn goldens() -> Vec<Golden> {
    let rows = table(include_str!("../../../../tests/data/physical/psf.csv"));
    let figures = table(include_str!(
        "../../../../tests/data/physical/psf_figures.csv"
    ));
    let golden = |line: Vec<&str>| {
        let figure = |word: &&str| (!word.is_empty()).then(|| number(word));
        let figures: Vec<Option<f64>> = line[2..].iter().map(figure).collect();
        let (mut imaging, scale) = case(line[0]);
        imaging.field = field(line[1]);
        let shift_um = figures[1].or(figures[0]).unwrap();
        let own = rows.iter().filter(|row| row[..2] == line[..2]);
        let own: Vec<Vec<f64>> = own
            .map(|row| row[2..].iter().map(|word| number(word)).collect())
            .collect();
        assert_eq!(own.len(), 15);
        Golden {
            name: format!("{} {}", line[0], line[1]),
            imaging,
            scale,
            focus: Focus {
                depth_um: depth_um(line[0]),
                shift_um,
            },
            z_um: own.iter().map(|row| row[0]).collect(),
            rows: own.into_iter().map(|row| row[1..].to_vec()).collect(),
            figures,
        }
    };
    figures.into_iter().map(golden).collect()
}

/// Largest difference, of the greatest value.
fn error(values: &[Vec<f64>], expected: &[Vec<f64>]) -> f64 {
    let expected = expected.concat();
    let peak = expected.iter().copied().fold(0.0, f64::max);
    let pairs = values.concat().into_iter().zip(expected);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / peak
}

#[test]
fn densities() {
    for golden in goldens() {
        let light = match golden.imaging.microscope {
            Microscope::Widefield { .. } => golden.imaging.emission(),
            Microscope::TwoPhoton { .. } => golden.imaging.excitation(),
            _ => continue,
        };
        let mut h = light.density(golden.focus, &golden.z_um, &radii()).unwrap();
        if matches!(golden.imaging.microscope, Microscope::TwoPhoton { .. }) {
            h.iter_mut().flatten().for_each(|h| *h *= *h);
        }
        let error = error(&h, &golden.rows);
        assert!(error < 1e-6, "{}: {error}", golden.name);
    }
}

#[test]
fn kappas_of_all_microscopes() {
    for golden in goldens() {
        let imaging = &golden.imaging;
        let mut kappa = imaging.kappa(golden.focus, &golden.z_um, &radii()).unwrap();
        if let Microscope::SpinningDisk { .. } = imaging.microscope {
            // The table lacks the neighbours' light, whose share of emission is known by its sum.
            without_pedestal(&golden, &mut kappa);
        }
        kappa.iter_mut().flatten().for_each(|k| *k /= golden.scale);
        let error = error(&kappa, &golden.rows);
        let pinhole = matches!(
            imaging.microscope,
            Microscope::Confocal { .. } | Microscope::SpinningDisk { .. }
        );
        let demand = if pinhole { 1e-3 } else { 2e-5 };
        assert!(error < demand, "{}: {error}", golden.name);
    }
}

/// Light of a plane that a spinning disc's neighbouring pinholes excite.
fn neighbours(imaging: &Imaging, focus: Focus, z_um: f64) -> f64 {
    imaging
        .rows(focus, &[z_um], imaging.step_um(), &[8])
        .unwrap()[0]
        .neighbours
}

/// Takes from a spinning disc's kappa what neighbouring pinholes light: a multiple of the emission.
fn without_pedestal(golden: &Golden, kappa: &mut [Vec<f64>]) {
    let imaging = &golden.imaging;
    let h = imaging
        .emission()
        .density(golden.focus, &golden.z_um, &radii())
        .unwrap();
    for ((row, h), z_um) in kappa.iter_mut().zip(h).zip(&golden.z_um) {
        let pedestal = neighbours(imaging, golden.focus, *z_um);
        for (value, h) in row.iter_mut().zip(h) {
            *value -= pedestal * h;
        }
    }
}

#[test]
fn shifts_and_factors() {
    for golden in goldens() {
        let [em, ex, fluence, peak] = [0, 1, 2, 3].map(|at| golden.figures[at]);
        let depth = golden.focus.depth_um;
        let imaging = &golden.imaging;
        let shift = imaging.emission().best_shift_um(depth).unwrap();
        assert!(
            (shift - em.unwrap()).abs() < 2e-4,
            "{}: {shift}",
            golden.name
        );
        if let Some(ex) = ex {
            assert_eq!(imaging.excitation().best_shift_um(depth).unwrap(), ex);
        }
        let fill = imaging.excitation().beam_fill;
        if let Some(expected) = fluence {
            let factor = imaging.objective.fluence_factor(fill);
            assert!((factor / expected - 1.0).abs() < 1e-7);
        }
        if let Some(expected) = peak {
            let h = imaging
                .excitation()
                .density(golden.focus, &[0.0], &[0.0])
                .unwrap();
            assert!((h[0][0] / expected - 1.0).abs() < 1e-7, "{}", golden.name);
        }
    }
}

/// Full width at half the greatest value, by lines between samples; from 0 on it counts twice.
fn fwhm(places: &[f64], values: &[f64]) -> f64 {
    let top = (0..values.len())
        .max_by(|a, b| values[*a].total_cmp(&values[*b]))
        .unwrap();
    let half = 0.5 * values[top];
    let cross = |inner: usize, outer: usize| {
        let share = (values[inner] - half) / (values[inner] - values[outer]);
        places[inner] + share * (places[outer] - places[inner])
    };
    let right = (top..values.len()).find(|at| values[*at] < half).unwrap();
    let right = cross(right - 1, right);
    if top == 0 {
        return 2.0 * right;
    }
    let left = (0..top).rev().find(|at| values[*at] < half).unwrap();
    right - cross(left + 1, left)
}

#[test]
fn widths() {
    for golden in goldens() {
        let [peak, lateral, axial] = [6, 7, 8].map(|at| golden.figures[at]);
        let imaging = &golden.imaging;
        let disc = matches!(imaging.microscope, Microscope::SpinningDisk { .. });
        let r: Vec<f64> = (0..120).map(|at| f64::from(at) * 0.005).collect();
        let row = imaging.kappa(golden.focus, &[0.0], &r).unwrap().remove(0);
        // The neighbours' light hardly counts in the focal plane.
        let demand = if disc { 0.01 } else { 1e-3 };
        assert!(
            (row[0] / golden.scale / peak.unwrap() - 1.0).abs() < demand,
            "{}",
            golden.name
        );
        let width = fwhm(&r, &row);
        assert!(
            (width / lateral.unwrap() - 1.0).abs() < 3e-3,
            "{}: {width}",
            golden.name
        );
        if let Some(axial) = axial {
            let z: Vec<f64> = (-240..=240).map(|at| f64::from(at) * 0.025).collect();
            let on_axis = imaging.kappa(golden.focus, &z, &[0.0]).unwrap().concat();
            let width = fwhm(&z, &on_axis);
            assert!(
                (width / axial - 1.0).abs() < 3e-3,
                "{}: {width}",
                golden.name
            );
        }
    }
}

#[test]
fn integrals_over_planes() {
    let rows = table(include_str!(
        "../../../../tests/data/physical/psf_planes.csv"
    ));
    for row in rows {
        let (imaging, scale) = case(row[0]);
        let z_um = number(row[1]);
        let focus = imaging.focus(0.0).unwrap();
        let light = imaging.light(focus, z_um).unwrap() / scale;
        let mut expected = number(row[2]);
        if let Microscope::SpinningDisk { .. } = imaging.microscope {
            expected += neighbours(&imaging, focus, z_um);
        }
        assert!((light / expected - 1.0).abs() < 3e-3, "{row:?}: {light}");
    }
}
