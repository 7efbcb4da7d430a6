//! Stripes: light that comes from the side of the gel and is shadowed on its way, so that the rows
//! of pixels along its path are brighter or darker than others.

use crate::config::Config;
use crate::engine::rng::{Purpose, StreamKey};
use std::f64::consts::TAU;

/// Waves of the profile.
const WAVES: u32 = 32;

/// Width of a stripe where none is given, in um of the gel.
const USUAL_UM: f64 = 2.0;

/// The light of each column of pixels over its mean: a sum of waves, normal with the deviation that
/// is asked for, but never below 0.
pub(super) fn stripes(config: &Config, seed: u64, columns: usize) -> Vec<f32> {
    let optics = &config.optics;
    let physical = optics.physical.as_ref();
    let Some(deviation) = physical.and_then(|physical| physical.stripes) else {
        return Vec::new();
    };
    let width_um = physical.and_then(|physical| physical.stripe_width_um);
    let pixel_um = optics.pixel_size_nm / optics.objective_factor / 1e3;
    let key = StreamKey::new(seed, Purpose::Stripes, &[]);
    let share = |word: u32| (f64::from(word) + 1.0) / 4_294_967_296.0;
    let waves: Vec<[f64; 2]> = (0..WAVES)
        .map(|wave| {
            let [a, b, c, _] = key.at([wave, 0, 0], 0).map(share);
            let normal = (-2.0 * libm::log(a)).sqrt() * libm::cos(TAU * b);
            [normal * pixel_um / width_um.unwrap_or(USUAL_UM), TAU * c]
        })
        .collect();
    let amplitude = deviation * (2.0 / f64::from(WAVES)).sqrt();
    let light = |column: usize| {
        let sum: f64 = waves
            .iter()
            .map(|[angle, phase]| libm::cos(angle * column as f64 + phase))
            .sum();
        (1.0 + amplitude * sum).max(0.0) as f32
    };
    (0..columns).map(light).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_have_the_deviation_that_is_asked_for() {
        let mut config = Config::physical();
        assert_eq!(stripes(&config, 1, 10), Vec::<f32>::new());
        if let Some(physical) = &mut config.optics.physical {
            (physical.stripes, physical.stripe_width_um) = (Some(0.2), Some(1.0));
        }
        let (mut mean, mut square, mut steps) = (0.0, 0.0, 0.0);
        for seed in 0..20 {
            let light = stripes(&config, seed, 2000);
            mean += light.iter().map(|l| f64::from(*l)).sum::<f64>() / 40_000.0;
            square += light
                .iter()
                .map(|l| (f64::from(*l) - 1.0).powi(2))
                .sum::<f64>()
                / 40_000.0;
            let step = |pair: &[f32]| f64::from(pair[1] - pair[0]).powi(2);
            steps += light.windows(2).map(step).sum::<f64>() / 40_000.0;
        }
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        assert!((square.sqrt() - 0.2).abs() < 0.02, "{square}");
        // A pixel of 0.108 um is a tenth of a stripe.
        let slope = steps.sqrt() / (0.2 * 6.5 / 60.0);
        assert!((slope - 1.0).abs() < 0.15, "{slope}");
    }
}
