use super::*;
use crate::optics::fluorophore::Spectrum;

#[test]
fn collected_shares() {
    for row in table(include_str!(
        "../../../../tests/data/physical/collection.csv"
    )) {
        let f: Vec<f64> = row.into_iter().map(number).collect();
        let glass = if f[1] < 1.5 { 1.5255 } else { 1.515 };
        let mut media = Media::new(f[2], f[1]);
        media.coverslip_index = glass;
        media.coverslip_design_index = glass;
        let objective = Objective {
            numerical_aperture: f[0],
            media,
        };
        let share = objective.collected_share();
        assert!((share - f[4]).abs() < 1e-7, "{f:?}: {share}");
        let sine = objective.s_max() / f[2];
        let cone = 0.5 * (1.0 - (1.0 - sine * sine).max(0.0).sqrt());
        assert!((cone - f[3]).abs() < 1e-9, "{f:?}");
    }
}

#[test]
fn fluence_factors() {
    for row in table(include_str!("../../../../tests/data/physical/fluence.csv")) {
        let fill = (!row[1].is_empty()).then(|| number(row[1]));
        let factor = water(number(row[0])).fluence_factor(fill);
        let expected = number(row[2]);
        assert!((factor / expected - 1.0).abs() < 1e-7, "{row:?}: {factor}");
    }
    // Light beyond the critical angle enters the aperture, but not the gel.
    let mut oil = oil_on_gel();
    oil.media.coverslip_index = 1.515;
    let factors = [None, Some(1.0)].map(|fill| oil.fluence_factor(fill));
    assert!((factors[0] - 1.591).abs() < 2e-3, "{factors:?}");
    assert!((factors[1] - 1.375).abs() < 2e-3, "{factors:?}");
}

#[test]
fn absorption_and_saturation() {
    let rates = [
        (9e4, 3.4411792521678635e-20, 84537.69172788567),
        (1.2e5, 4.5882390028904854e-20, 112716.92230384759),
        (1.5e5, 5.735298753613107e-20, 140896.1528798095),
    ];
    let emitter = |extinction: f64| Emitter {
        cross_section_m2: photons::absorption_cross_section_m2(extinction),
        lifetime_s: 4.1e-9,
        ..plain_emitter(0.488)
    };
    for (extinction, cross_section, rate) in rates {
        let dye = emitter(extinction);
        assert!((dye.cross_section_m2 / cross_section - 1.0).abs() < 1e-12);
        assert!((dye.absorption_rate(1e6, 0.488) / rate - 1.0).abs() < 1e-9);
        assert!((dye.absorption_rate(1e4, 0.488) / rate - 0.01).abs() < 1e-11);
    }
    // In the focus of a confocal microscope, at 1, 10 and 100 uW.
    let focused = [
        (1e-6, 16192143.892279165, 1361207.0068203532),
        (1e-5, 161921438.9227917, 12961055.207065128),
        (1e-4, 1619214389.2279167, 87677603.77010301),
    ];
    let objective = water(1.15);
    let laser = Light {
        beam_fill: Some(1.0),
        ..light(objective, FieldModel::Vectorial, 0.488)
    };
    let at_rest = Focus {
        depth_um: 0.0,
        shift_um: 0.0,
    };
    let peak = laser.density(at_rest, &[0.0], &[0.0]).unwrap()[0][0];
    let dye = emitter(9e4);
    for (power, fluence, rate) in focused {
        let lit = power * objective.fluence_factor(Some(1.0)) * peak * 1e12;
        assert!((lit / fluence - 1.0).abs() < 1e-7, "{lit}");
        let saturated = dye.saturated(dye.absorption_rate(lit, 0.488));
        assert!((saturated / rate - 1.0).abs() < 1e-7, "{saturated}");
    }
}

#[test]
fn two_photons() {
    let pulses = Pulses::default();
    let flux = 8.098117978037894e24;
    let per_pulse = pulses.excitations_per_pulse(50.0, flux);
    assert!((per_pulse / 0.01127147910388166 - 1.0).abs() < 1e-9);
    let rate = pulses.excitation_rate(50.0, flux);
    assert!((rate / 896655.518302234 - 1.0).abs() < 1e-9);
}

#[test]
fn a_dye_under_its_laser() {
    let dye = crate::optics::fluorophore::find("ATTO488").unwrap();
    let emitter = Emitter::of(dye, 488.0, 4.1, None);
    let full = photons::absorption_cross_section_m2(dye.extinction_coefficient);
    let share = emitter.cross_section_m2 / full;
    assert!((share - dye.excitation.at(488.0)).abs() < 1e-12);
    let guessed = Emitter::of(dye, 976.0, 4.0, None).two_photon_gm;
    assert!((guessed - 50.0 * share).abs() < 1e-9);
    assert_eq!(Emitter::of(dye, 976.0, 4.0, Some(7.0)).two_photon_gm, 7.0);
}

fn band(filter_nm: [f64; 2]) -> Band {
    Band {
        filter_nm,
        filter: Curve::Constant(1.0),
        dichroic: Curve::Constant(1.0),
        detector: Curve::Constant(1.0),
    }
}

#[test]
fn what_a_band_passes() {
    let dye = crate::optics::fluorophore::find("ATTO488").unwrap();
    let seen = band([505.0, 552.5]).seen(&dye.emission).unwrap();
    let share = dye.emission.fraction_within([505.0, 552.5]);
    assert!((seen.share - share).abs() < 1e-12);
    assert!((505.0..552.5).contains(&seen.centroid_nm));
    let none = band([900.0, 950.0]).seen(&dye.emission);
    assert!(matches!(none, Err(OpticsError::NoEmission { .. })));
}

#[test]
fn curves_multiply() {
    let flat = Spectrum::new(vec![500.0, 600.0], vec![1.0, 1.0]).unwrap();
    let rising = Spectrum::new(vec![500.0, 600.0], vec![0.0, 1.0]).unwrap();
    let mut way = band([500.0, 600.0]);
    way.detector = Curve::Table(rising);
    way.dichroic = Curve::Constant(0.5);
    let seen = way.seen(&flat).unwrap();
    assert!((seen.share - 0.25).abs() < 1e-12);
    assert!((seen.centroid_nm - (500.0 + 200.0 / 3.0)).abs() < 1e-9);
    way.dichroic = Curve::Constant(1.5);
    assert!(way.seen(&flat).is_err());
}

#[test]
fn parts_of_a_band_have_equal_light() {
    let rising = Spectrum::new(vec![500.0, 550.0, 600.0], vec![0.0, 0.5, 1.0]).unwrap();
    let way = band([500.0, 600.0]);
    let whole = way.seen(&rising).unwrap();
    let parts = way.split(&rising, 4).unwrap();
    assert_eq!(parts.len(), 4);
    // Light grows as the square of the way through the band.
    for (part, seen) in parts.iter().enumerate() {
        let edge = |at: usize| f64::sqrt(at as f64 / 4.0);
        let (a, b) = (edge(part), edge(part + 1));
        let centre = 2.0 / 3.0 * (b * b * b - a * a * a) / (b * b - a * a);
        assert!((seen.centroid_nm - 500.0 - 100.0 * centre).abs() < 1e-6);
        assert!((seen.share - 0.25 * whole.share).abs() < 1e-12);
    }
    let mean = parts.iter().map(|part| part.centroid_nm).sum::<f64>() / 4.0;
    assert!((mean - whole.centroid_nm).abs() < 1e-9);
}
