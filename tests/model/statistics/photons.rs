//! Emission and baseline.

use super::{LIGHT, configured, layer, real_labels, sum};
use crate::support::{assert_distribution, assert_mean, backends, cpu, poisson, simulate, whole};
use ndarray::Array3;

#[test]
fn a_voxel_emits_proteins_times_poisson_photons() {
    let labels = Array3::from_elem([20, 30, 40], 1);
    let config = configured(&[&LIGHT], &[layer("a", "ATTO425", "full")]);
    let run = simulate(&config, &labels, whole([20, 30, 40]), 3, &mut cpu());
    let mean = run.model.channels[0].photons[0].mean_photons;
    assert!((1.0..20.0).contains(&mean), "{mean} photons per protein");
    let mut counted = vec![0; 200];
    for (&photons, &proteins) in run.emission.iter().zip(&run.counts[0]) {
        if proteins == 0 {
            assert_eq!(photons, 0.0);
            continue;
        }
        let per_protein = photons / proteins as f32;
        assert_eq!(per_protein.fract(), 0.0);
        counted[per_protein as usize] += 1;
    }
    counted.truncate(counted.iter().rposition(|&n| n > 0).unwrap() + 1);
    assert_distribution(&counted, &poisson(mean), "photons per protein");
}

#[test]
fn the_baseline_is_poisson_under_a_gaussian() {
    const NOISE: f64 = 30.0;
    let shape = [400, 12, 17];
    let labels = Array3::zeros(shape);
    let layers = [layer("a", "ATTO425", "full")];
    let entries: &[&str] = &[
        "optics.baseline_noise=30",
        "optics.channels.c2.laser_wavelength=425",
        "optics.channels.c2.laser_power=50",
        "optics.channels.c2.laser_percentage=0.25",
        "optics.channels.c2.laser_filter=[440, 550]",
    ];
    let config = configured(&[entries], &layers);
    let weights = poisson(NOISE);
    for mut backend in backends() {
        let run = simulate(&config, &labels, whole(shape), 8, backend.as_mut());
        assert_ne!(run.images[0], run.images[1], "two channels, one baseline");
        let [w, h] = [12.0, 17.0];
        let (mut worst, mut squares) = (0.0f64, 0.0);
        for pixel in 0..12 * 17 {
            let (x, y) = ((pixel / 17) as f64, (pixel % 17) as f64);
            let exponent =
                (x - w / 2.0).powi(2) / (w * w / 2.0) + (y - h / 2.0).powi(2) / (h * h / 2.0);
            let gain = (-exponent).exp();
            // Mean and variance of round(b gain).
            let moment = |power: i32| -> f64 {
                let value = |b: usize| (b as f64 * gain).round_ties_even().powi(power);
                weights
                    .iter()
                    .enumerate()
                    .map(|(b, weight)| weight * value(b))
                    .sum()
            };
            let (expected, variance) = (moment(1), moment(2) - moment(1).powi(2));
            let slices = run.images[0].iter().skip(pixel).step_by(12 * 17);
            let mean = slices.map(|&v| f64::from(v)).sum::<f64>() / 400.0;
            let off = (mean - expected) / (variance / 400.0).sqrt();
            worst = worst.max(off.abs());
            squares += off * off / (12.0 * 17.0);
        }
        let name = backend.name();
        println!(
            "baseline: off by {worst:.2} standard errors at most, {squares:.3} mean square, {name}"
        );
        assert!(
            worst < 5.0,
            "a pixel is off by {worst} standard errors, {name}"
        );
        assert_mean(
            squares,
            1.0,
            (2.0f64 / 204.0).sqrt(),
            "mean square of the errors",
        );
    }
}

#[test]
fn the_baseline_is_added_to_the_blurred_volume() {
    let labels = real_labels();
    let layers = [layer("a", "ATTO425", "full")];
    let run = |parts: &[&[&str]]| {
        let config = configured(parts, &layers);
        simulate(&config, &labels, whole([12, 40, 44]), 2, &mut cpu())
    };
    let noise: &[&str] = &["optics.baseline_noise=30"];
    let (light, dark) = (run(&[&LIGHT]), run(&[noise]));
    let both = run(&[&LIGHT, noise]);
    let added: Vec<u32> = std::iter::zip(&light.images[0], &dark.images[0])
        .map(|(a, b)| a + b)
        .collect();
    assert!(both.images[0] == added && sum(&dark.images[0]) > 0);
    assert_eq!(both.counts, dark.counts, "light moves no protein");
}
