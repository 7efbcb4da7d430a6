//! Quantiles of the gamma distribution, in f64.

use std::f64::consts::SQRT_2;

/// The deviate from which on the upper tail is inverted, where the lower one is too near 1.
const UPPER: f64 = 2.0;

/// The value that a gamma variate of this shape, at least 1, and scale 1 exceeds as often as a
/// normal one exceeds `deviate`, which is at most 8 in size.
///
/// Newton's steps on the logarithm of the tail: that of the lower tail is concave in the logarithm
/// of the value, that of the upper one in the value, so that they approach from one side.
pub(super) fn gamma_quantile(shape: f64, deviate: f64) -> f64 {
    // Wilson and Hilferty 1931.
    let ninth = 1.0 / (9.0 * shape);
    let near = shape * (1.0 - ninth + deviate * ninth.sqrt()).powi(3);
    let upper = deviate > UPPER;
    let mut value = near.max(if upper { shape + 1.0 } else { 1e-3 * shape });
    let tail = if upper { deviate } else { -deviate };
    let wanted = libm::log(0.5 * libm::erfc(tail / SQRT_2));
    for _ in 0..200 {
        // value times the density.
        let log_slope = shape * libm::log(value) - value - libm::lgamma(shape);
        let step = if upper {
            let log_tail = log_slope + libm::log(upper_over_slope(shape, value));
            (log_tail - wanted) * libm::exp(log_tail - log_slope)
        } else {
            let log_tail = log_slope + libm::log(lower_over_slope(shape, value));
            libm::expm1((wanted - log_tail) * libm::exp(log_tail - log_slope))
        };
        value += step * value;
        if step.abs() < 1e-13 {
            break;
        }
    }
    value
}

/// The lower tail over value times density: the series 1/s (1 + x/(s + 1) + x^2/((s + 1)(s + 2)) +
/// ...) (DLMF 8.11.4).
fn lower_over_slope(shape: f64, value: f64) -> f64 {
    let (mut term, mut sum) = (1.0 / shape, 1.0 / shape);
    let mut divisor = shape;
    while term > 1e-17 * sum {
        divisor += 1.0;
        term *= value / divisor;
        sum += term;
    }
    sum
}

/// The upper tail over value times density: the continued fraction 1/(x + 1 - s - 1 (1 - s)/(x + 3
/// - s - ...)) (DLMF 8.9.2, contracted), by the method of Lentz; value above shape + 1.
fn upper_over_slope(shape: f64, value: f64) -> f64 {
    let mut divisor = value + 1.0 - shape;
    let mut c = f64::INFINITY;
    let mut d = 1.0 / divisor;
    let mut fraction = d;
    for n in 1..10_000 {
        let n = f64::from(n);
        let numerator = -n * (n - shape);
        divisor += 2.0;
        d = 1.0 / (numerator * d + divisor);
        c = divisor + numerator / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}
