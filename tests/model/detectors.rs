//! A million exposures by each kind of detector, from arrays to grey values, against the
//! distribution that section 6 of docs/physical.md gives them.

use crate::support::physical;
use ndarray::Array3;
use simexm_gpu::psf::point_spread_functions;
use simexm_gpu::simulate_arrays;
use simexm_gpu::simulation::{Options, Silent, Tissue};

const SHAPE: [usize; 3] = [16, 256, 256];

/// Fewest expected exposures of a bin.
const FEWEST: f64 = 100.0;

/// Exposures of tissue that is alike everywhere: how often each grey value came, and the expected
/// electrons of light.
fn exposures(detector: &[&str]) -> (Vec<f64>, f64) {
    let base = [
        "groundtruth.voxel_dim=[100, 60, 60]",
        "expansion.factor=5",
        "optics.focal_plane_depth=500",
        "optics.pixel_size=18000",
        "optics.psf_depth_truncation=0.2",
        "optics.psf_truncation=0.1",
        "optics.exposure_time=2e-6",
        "labeling.a.fluorophore=ATTO550",
        "labeling.a.protein_density=0",
        "output.expected=true",
        "output.bit_depth=16",
    ];
    let config = physical(&[&base, detector].concat());
    let cells = Array3::from_elem(SHAPE, 1u32);
    let counts = Array3::from_elem(SHAPE, 1u32);
    let tissue = Tissue::new(cells.view()).with_counts("ATTO550", counts.view());
    let images = simulate_arrays(&config, &tissue, Options::default(), &mut Silent).unwrap();
    let channel = &images.channels[0];
    let mut found = vec![0.0; 1 << 16];
    for &grey in &channel.grey {
        found[usize::from(grey)] += 1.0;
    }
    let expected = channel.expected.as_ref().unwrap();
    let mean = expected.iter().map(|&e| f64::from(e)).sum::<f64>() / expected.len() as f64;
    let uneven = expected
        .iter()
        .map(|e| (f64::from(*e) / mean - 1.0).abs())
        .fold(0.0, f64::max);
    assert!(uneven < 1e-4, "{uneven}");
    (found, mean)
}

/// Compares with `below(d, n)`, the share of grey values up to d where n electrons were counted;
/// `dark` electrons come beside those of light.
fn check(detector: &[&str], dark: f64, below: impl Fn(f64, u32) -> f64) {
    let (found, light) = exposures(detector);
    let mean = light + dark;
    assert!((1.0..12.0).contains(&mean), "{mean}");
    let total: f64 = found.iter().sum();
    let electrons: Vec<f64> = (0..80)
        .map(|n| (-mean + f64::from(n) * mean.ln() - libm::lgamma(f64::from(n) + 1.0)).exp())
        .collect();
    let up_to = |grey: usize| -> f64 {
        let likely = electrons
            .iter()
            .enumerate()
            .filter(|(_, share)| **share > 1e-12);
        let of = |(n, share): (usize, &f64)| share * below(grey as f64 + 0.5, n as u32);
        likely.map(of).sum()
    };
    let (mut chi_square, mut bins) = (0.0, 0.0);
    let (mut before, mut counted) = (0.0, 0.0);
    for (grey, &found) in found.iter().enumerate() {
        counted += found;
        let share = up_to(grey);
        let expected = (share - before) * total;
        if expected >= FEWEST {
            chi_square += (counted - expected).powi(2) / expected;
            bins += 1.0;
            (before, counted) = (share, 0.0);
        }
        if (1.0 - share) * total < FEWEST {
            break;
        }
    }
    // The bins' shares sum up to 1, but for the rest behind the last.
    let deviate = (chi_square - bins) / f64::sqrt(2.0 * bins);
    println!(
        "{detector:?}: mean {mean:.4}, chi-square {chi_square:.1} of {bins} bins, deviate {deviate:.2}"
    );
    assert!(bins >= 5.0 && deviate.abs() < 4.0);
}

fn normal(deviate: f64) -> f64 {
    0.5 * libm::erfc(-deviate / std::f64::consts::SQRT_2)
}

/// The regularised lower incomplete gamma function P(a, x): its series, or the continued fraction
/// of its complement (Abramowitz and Stegun, 6.5.29 and 6.5.31).
fn gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = (a * x.ln() - x - libm::lgamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..500 {
            term *= x / (a + f64::from(n));
            sum += term;
            if term < 1e-15 * sum {
                break;
            }
        }
        return front * sum;
    }
    // Lentz's method.
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut fraction = d;
    for n in 1..500 {
        let n = f64::from(n);
        let numerator = -n * (n - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    1.0 - front * fraction
}

/// The mean of `share` over a normal deviate.
fn over_noise(share: impl Fn(f64) -> f64) -> f64 {
    // Of a smooth function the sum over equal steps is the integral.
    let nodes = (-60..=60).map(|n| f64::from(n) / 10.0);
    let weight = |w: f64| (-0.5 * w * w).exp();
    let all: f64 = nodes.clone().map(weight).sum();
    nodes.map(|w| weight(w) * share(w)).sum::<f64>() / all
}

#[test]
fn an_ideal_one_counts() {
    check(&["detector.kind=ideal"], 0.0, |grey, n| {
        f64::from(u8::from(f64::from(n) < grey))
    });
}

#[test]
fn cameras_have_gain_offset_and_read_noise() {
    let linear = |gain: f64, noise: f64, offset: f64, full_well: f64| {
        move |grey: f64, n: u32| {
            let signal = gain * f64::from(n).min(full_well) + offset;
            normal((grey - signal) / (gain * noise))
        }
    };
    let scmos = [
        "detector.kind=scmos",
        "detector.gain=2.17",
        "detector.read_noise=1.6",
        "detector.offset=100",
    ];
    check(&scmos, 2e-6 * 0.06, linear(2.17, 1.6, 100.0, 30_000.0));
    let ccd = [
        "detector.kind=ccd",
        "detector.gain=3.5",
        "detector.read_noise=2.5",
        "detector.offset=300",
        "detector.full_well=6",
        "detector.dark_current=200000",
        "detector.clock_induced=0.5",
    ];
    check(&ccd, 0.4 + 0.5, linear(3.5, 2.5, 300.0, 6.0));
}

#[test]
fn a_hybrid_one_counts_no_more_than_its_dead_time_allows() {
    // 2 us over 0.5 us: four.
    let hybrid = ["detector.kind=hybrid", "detector.dead_time=5e-7"];
    check(&hybrid, 0.0, |grey, n| {
        f64::from(u8::from(f64::from(n.min(4)) < grey))
    });
}

#[test]
fn a_register_multiplies_by_the_gamma_law() {
    let emccd = [
        "detector.kind=emccd",
        "detector.gain=0.1",
        "detector.em_gain=300",
        "detector.read_noise=50",
        "detector.offset=200",
        "detector.register_full_well=400000",
    ];
    check(&emccd, 0.0, |grey, n| match n {
        0 => normal((grey - 200.0) / (0.1 * 50.0)),
        n => over_noise(|w| gamma(n.into(), ((grey - 200.0) / 0.1 - 50.0 * w) / 300.0)),
    });
    let pmt = [
        "detector.kind=pmt",
        "detector.gain=20",
        "detector.read_noise=0.2",
        "detector.offset=50",
        "detector.excess_noise=1.25",
    ];
    // a = 1/(F^2 - 1) = 4.
    check(&pmt, 0.0, |grey, n| match n {
        0 => normal((grey - 50.0) / (20.0 * 0.2)),
        n => over_noise(|w| gamma(4.0 * f64::from(n), 4.0 * ((grey - 50.0) / 20.0 - 0.2 * w))),
    });
}

/// Maps that say of every pixel what the keys say of all change nothing; in others each pixel has
/// its own gain and offset.
#[test]
fn pixels_have_their_own_gain_and_offset() {
    let folder = tempfile::tempdir().unwrap();
    let shape = [40, 48];
    let write = |name: &str, value: &dyn Fn(usize, usize) -> f32| {
        let path = folder.path().join(name);
        let file = std::fs::File::create(&path).unwrap();
        let mut encoder = tiff::encoder::TiffEncoder::new(file).unwrap();
        let pixel = |at: usize| value(at / shape[1], at % shape[1]);
        let values: Vec<f32> = (0..shape[0] * shape[1]).map(pixel).collect();
        let [rows, columns] = shape.map(|size| size as u32);
        let written =
            encoder.write_image::<tiff::encoder::colortype::Gray32Float>(columns, rows, &values);
        written.unwrap();
        path.display().to_string()
    };
    let base = [
        "groundtruth.voxel_dim=[100, 60, 60]",
        "expansion.factor=5",
        "optics.focal_plane_depth=500",
        "optics.pixel_size=18000",
        "optics.psf_depth_truncation=0.3",
        "labeling.a.fluorophore=ATTO550",
        "labeling.a.protein_density=1e-5",
        "detector.kind=scmos",
        "detector.gain=2",
        "detector.offset=100",
        "detector.read_noise=1.5",
        "compute.seed=3",
    ];
    let cells = Array3::from_elem([6, shape[0], shape[1]], 1u32);
    let run = |more: &[String]| {
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let tissue = Tissue::new(cells.view());
        let config = physical(&[&base[..], &more].concat());
        simulate_arrays(&config, &tissue, Options::default(), &mut Silent)
    };
    let plain = run(&[]).unwrap().channels.remove(0).grey;
    let same = [
        format!("detector.gain_map={}", write("gain.tif", &|_, _| 2.0)),
        format!("detector.offset_map={}", write("offset.tif", &|_, _| 100.0)),
        format!(
            "detector.read_noise_map={}",
            write("noise.tif", &|_, _| 1.5)
        ),
    ];
    assert_eq!(run(&same).unwrap().channels.remove(0).grey, plain);
    let own = [format!(
        "detector.offset_map={}",
        write("own.tif", &|x, y| 100.0 + (3 * x + y) as f32)
    )];
    let found = run(&own).unwrap().channels.remove(0).grey;
    for ((z, x, y), &grey) in found.indexed_iter() {
        assert_eq!(usize::from(grey), usize::from(plain[[z, x, y]]) + 3 * x + y);
    }
    // Point spread functions are those of a volume of another size, to which no map belongs.
    let mapped = physical(&[&base[..], &[own[0].as_str()]].concat());
    assert_eq!(
        point_spread_functions(&mapped).unwrap(),
        point_spread_functions(&physical(&base)).unwrap()
    );
    let wrong = [format!(
        "detector.gain_map={}",
        folder.path().join("none.tif").display()
    )];
    let error = run(&wrong).unwrap_err().to_string();
    assert!(
        error.contains("gain_map") && error.contains("none.tif"),
        "{error}"
    );
}
