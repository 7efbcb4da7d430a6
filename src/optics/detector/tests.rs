//! Detectors against figures of an independent emulation and of exact sums, and what is refused.

use super::*;
use crate::engine::rng::philox4x32_10;
use DetectorKind::{Ccd, Emccd, Hybrid, Ideal, Pmt, Scmos};

/// Keys of a kind, in the dark.
fn keys(kind: DetectorKind) -> DetectorKeys {
    DetectorKeys {
        dark_current: Some(0.0),
        ..DetectorKeys::new(kind, 0.1)
    }
}

/// The cameras of the figures, by their numbers there.
fn cameras() -> [Detector; 3] {
    let camera = |kind, gain, read_noise, offset, bits, full_well| {
        let keys = DetectorKeys {
            bits,
            gain: Some(gain),
            read_noise: Some(read_noise),
            offset: Some(offset),
            full_well: Some(full_well),
            ..keys(kind)
        };
        Detector::new(&keys).expect("a camera")
    };
    [
        camera(Scmos, 2.17, 1.6, 100.0, 16, 30_000.0),
        camera(Scmos, 0.137, 2.1, 100.0, 12, 30_000.0),
        camera(Ccd, 0.5, 6.0, 200.0, 14, 18_000.0),
    ]
}

fn emccd() -> DetectorKeys {
    DetectorKeys {
        gain: Some(0.1),
        register_full_well: Some(400_000.0),
        ..keys(Emccd)
    }
}

fn figures(text: &str) -> impl Iterator<Item = Vec<f64>> {
    text.lines().skip(1).map(|line| {
        let number = |text: &str| text.parse().expect("a number");
        line.split(',').map(number).collect()
    })
}

/// Grey values of a mean, for words of a fixed stream.
fn draws(detector: &Detector, tables: &[u32], mean: f64, count: u32) -> Vec<f64> {
    let detection = detector.detection();
    let stream = mean.to_bits() as u32 ^ (mean.to_bits() >> 32) as u32;
    let draw = |at| {
        let words = philox4x32_10([at, 0, 0, 0], [stream, 5]);
        f64::from(detection.grey(tables, detection.pixel, mean as f32, words))
    };
    (0..count).map(draw).collect()
}

fn moments(draws: &[f64]) -> [f64; 2] {
    let n = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / n;
    let squares: f64 = draws.iter().map(|draw| (draw - mean).powi(2)).sum();
    [mean, squares / n]
}

#[test]
fn grey_values_are_those_of_the_figures() {
    let (cameras, tables) = (cameras(), tables(None));
    let rows = figures(include_str!(
        "../../../tests/data/physical/readout_draws.csv"
    ));
    let mut seen = 0;
    for row in rows {
        let detection = cameras[row[0] as usize].detection();
        let word = row[2] as u32;
        let found = detection.read(&tables, detection.pixel, row[1] as u32, [word, 0]);
        assert_eq!(f64::from(found), row[3], "{row:?}");
        seen += 1;
    }
    assert!(seen > 170);
}

#[test]
fn cameras_have_the_moments_of_exact_sums() {
    let (cameras, tables) = (cameras(), tables(None));
    let rows = figures(include_str!(
        "../../../tests/data/physical/camera_moments.csv"
    ));
    for row in rows {
        let [camera, electrons, exact_mean, exact_variance, at_top] = row[..] else {
            panic!("five figures");
        };
        const DRAWS: u32 = 100_000;
        let n = f64::from(DRAWS);
        let found = draws(&cameras[camera as usize], &tables, electrons, DRAWS);
        let [mean, variance] = moments(&found);
        let bound = 4.0 * (exact_variance / n).sqrt() + 1.0 / 256.0;
        assert!((mean - exact_mean).abs() < bound, "{row:?}: mean {mean}");
        // Where nearly all are at the top, the variance is that of a few.
        if at_top < 0.5 {
            let bound = 4.0 * exact_variance * (2.0 / n + 1.0 / (n * electrons)).sqrt();
            assert!(
                (variance - exact_variance).abs() < bound,
                "{row:?}: variance {variance}"
            );
        }
    }
}

/// Twice the shot noise behind an EMCCD's register, and F^2 times it behind a photomultiplier's
/// dynodes, beside read noise and the steps of grey values.
#[test]
fn registers_add_their_noise() {
    let pmt = DetectorKeys {
        gain: Some(40.0),
        excess_noise: Some(1.3),
        ..keys(Pmt)
    };
    for (keys, factor) in [(emccd(), 2.0), (pmt, 1.3)] {
        let detector = Detector::new(&keys).expect("a detector");
        let tables = detector.tables();
        let gain = detector.gain * detector.em_gain;
        for mean in [0.3, 4.0, 15.0, 60.0, 700.0] {
            let found = draws(&detector, &tables, mean, 100_000);
            let [light, variance] = moments(&found);
            let around = (detector.gain * detector.read_noise).powi(2) + 1.0 / 12.0;
            let exact = gain * gain * factor * mean + around;
            let bound = 4.0 * (exact / 1e5).sqrt() + 0.01 * gain;
            let (kind, expected) = (detector.kind, gain * mean + detector.offset);
            assert!((light - expected).abs() < bound, "{kind} {mean}: {light}");
            let bound = 4.0 * exact * (2e-5 + 1e-4 / mean).sqrt();
            assert!(
                (variance - exact).abs() < bound,
                "{kind} {mean}: {variance} for {exact}"
            );
        }
    }
}

#[test]
fn constants_wells_and_dead_times_are_kept() {
    let dark = DetectorKeys {
        dark_current: Some(20.0),
        background: 30.0,
        clock_induced: 1.5,
        ..keys(Ideal)
    };
    let dark = Detector::new(&dark).expect("a detector");
    assert_eq!(dark.detection().constant, (6 << 14) + (1 << 13));
    let tables = dark.tables();
    let [mean, _] = moments(&draws(&dark, &tables, 2.0, 40_000));
    assert!((mean - 8.5).abs() < 0.06, "{mean}");

    // 0.1 s of 1 ms: a hundred electrons, at most.
    let counter = DetectorKeys {
        dead_time: Some(1e-3),
        ..keys(Hybrid)
    };
    let counter = Detector::new(&counter).expect("a detector");
    let found = draws(&counter, &tables, 99.0, 1000);
    assert_eq!(found.iter().copied().fold(0.0, f64::max), 100.0);

    let emccd = Detector::new(&emccd()).expect("a detector");
    assert_eq!(emccd.detection().most, 80_000);
    let found = draws(&emccd, &emccd.tables(), 5000.0, 1000);
    let full = 0.1 * 400_000.0 + 100.0;
    assert!(found.iter().all(|grey| (grey - full).abs() < 40.0));
    // More light than any well holds.
    for mean in [249_999.0, 250_000.0, 1e9] {
        let bright = draws(&emccd, &emccd.tables(), mean, 100);
        assert!(bright.iter().all(|grey| (grey - full).abs() < 40.0));
        let counts = draws(&dark, &tables, mean, 100);
        assert!(counts.iter().all(|&grey| grey == 65_535.0));
    }
}

/// At the limits of what is allowed, 32 bits hold everything: the arithmetic of the tests is
/// checked.
#[test]
fn what_is_allowed_does_not_overflow() {
    let camera = DetectorKeys {
        gain: Some(33.3),
        read_noise: Some(1390.0),
        offset: Some(-3000.0),
        full_well: Some(240_000.0),
        ..keys(Ccd)
    };
    let bright = DetectorKeys {
        gain: Some(65_000.0),
        read_noise: Some(0.0),
        offset: Some(299_000.0),
        full_well: Some(123.0),
        ..keys(Ccd)
    };
    let multiplied = DetectorKeys {
        gain: Some(19.9),
        em_gain: Some(3000.0),
        read_noise: Some(2000.0),
        ..emccd()
    };
    let pulses = |excess_noise, gain| DetectorKeys {
        gain: Some(gain),
        excess_noise: Some(excess_noise),
        ..keys(Pmt)
    };
    let all = [
        camera,
        bright,
        multiplied,
        pulses(1.05, 620.0),
        pulses(2.0, 31.0),
    ];
    for keys in all {
        let detector = Detector::new(&keys).expect("at the limits");
        let (detection, tables) = (detector.detection(), detector.tables());
        for word in [0, 1, (1 << 31) - 1, 1 << 31, u32::MAX] {
            for mean in [0.0, 0.01, 31.99, 32.0, 1e4, 249_999.9, 1e9] {
                let grey = detection.grey(&tables, detection.pixel, mean, [word; 4]);
                assert!(grey <= 65_535);
            }
        }
    }
}

#[test]
fn what_cannot_be_is_named() {
    let refused = |keys: DetectorKeys| match Detector::new(&keys) {
        Err(error) => error.to_string(),
        Ok(detector) => panic!("{detector:?}"),
    };
    let scmos = keys(Scmos);
    let with = |gain, full_well| DetectorKeys {
        gain: Some(gain),
        full_well: Some(full_well),
        ..scmos
    };
    let cases = [
        (keys(Ccd), "gain is missing, in grey values per electron"),
        (keys(Hybrid), "dead_time is missing, in seconds"),
        (with(0.0, 1e4), "gain is 0; it should be above 0"),
        (with(f64::NAN, 1e4), "gain is NaN"),
        (
            with(40.0, 240_000.0),
            "gain is 40; it should be above 0 and below 33.333",
        ),
        (
            with(1.0, 240_001.0),
            "full_well is 240001; it should be from 1 to 240000",
        ),
        (
            DetectorKeys {
                read_noise: Some(1e6),
                ..scmos
            },
            "read_noise is 1000000; it should be from 0 to 21594",
        ),
        (
            DetectorKeys {
                offset: Some(-3e5),
                ..scmos
            },
            "offset is -300000",
        ),
        (
            DetectorKeys { bits: 17, ..scmos },
            "bits is 17; it should be from 1 to 16",
        ),
        (
            DetectorKeys {
                em_gain: Some(300.0),
                ..scmos
            },
            "em_gain means nothing for a detector of kind \"scmos\"",
        ),
        (
            DetectorKeys {
                gain: Some(1.0),
                ..keys(Ideal)
            },
            "kind \"ideal\"; leave it out",
        ),
        (
            DetectorKeys {
                em_gain: Some(5.0),
                ..emccd()
            },
            "em_gain is 5; it should be 30 or more",
        ),
        (
            DetectorKeys {
                gain: Some(1.0),
                excess_noise: Some(1.01),
                ..keys(Pmt)
            },
            "excess_noise is 1.01; it should be from 1.05 to 2",
        ),
        (
            DetectorKeys {
                dead_time: Some(1.0),
                ..keys(Hybrid)
            },
            "dead_time is 1; it should be at most exposure_time",
        ),
        (
            DetectorKeys {
                exposure_time: 0.0,
                ..scmos
            },
            "exposure_time is 0",
        ),
        (
            DetectorKeys {
                background: -1.0,
                ..scmos
            },
            "background is -1; it should be 0 or more",
        ),
    ];
    for (keys, expected) in cases {
        let message = refused(keys);
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}

#[test]
fn maps_are_checked_pixel_by_pixel() {
    let [camera, ..] = cameras();
    let gain = [2.0f32, 2.5, 3.0];
    let maps = PixelMaps {
        gain: Some(&gain),
        ..PixelMaps::default()
    };
    let words = camera.pixel_maps(3, &maps).expect("a map");
    let noise = gain.map(|gain| (f64::from(gain) * 1.6 * 65_536.0).round() as u32);
    assert_eq!(words[..3], gain.map(|gain| (gain * 65_536.0) as u32));
    assert_eq!(words[3..6], noise);
    assert_eq!(words[6..], [25_600; 3]);

    let error = |detector: &Detector, pixels, maps| match detector.pixel_maps(pixels, maps) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("maps are taken"),
    };
    assert!(error(&camera, 4, &maps).starts_with("gain_map has 3 pixels"));
    let offset = [0.0, f32::NAN, 1.0];
    let wrong = PixelMaps {
        offset: Some(&offset),
        ..maps
    };
    let message = error(&camera, 3, &wrong);
    assert!(
        message.starts_with("at pixel 1 of the maps: offset is NaN"),
        "{message}"
    );
    let ideal = Detector::new(&keys(Ideal)).expect("a detector");
    assert!(error(&ideal, 3, &maps).contains("gain_map means nothing"));
}
