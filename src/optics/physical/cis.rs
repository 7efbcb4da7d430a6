//! Cosine and sine in a form that compilers turn into vector instructions, with the same bits on
//! every machine.

use std::f64::consts::FRAC_2_PI;

/// Adding this to a number rounds it to a whole one, whose last bits then stand in the sum's last.
const ROUNDS: f64 = 6_755_399_441_055_744.0;

/// Half of pi in three parts, the first of which keeps 33 bits: its products with quarter turns are
/// exact up to 2^20 of them.
const HALF_PI: [f64; 3] = [
    1.570_796_326_734_125_6,
    6.077_100_506_303_966e-11,
    2.022_266_248_795_950_6e-21,
];

/// Cosine and sine of an angle in radians, to 3e-16 and what a million turns leave of its digits.
#[inline(always)]
pub(super) fn cis(angle: f64) -> [f64; 2] {
    let rounded = angle * FRAC_2_PI + ROUNDS;
    let quarters = rounded - ROUNDS;
    let quadrant = rounded.to_bits();
    let x = ((angle - quarters * HALF_PI[0]) - quarters * HALF_PI[1]) - quarters * HALF_PI[2];
    let y = x * x;
    // Taylor's series to the 17th and 16th power, enough up to an eighth of a turn.
    let series = |factors: [f64; 8]| {
        let nest = |sum: f64, factor: f64| 1.0 - y * factor * sum;
        factors.into_iter().fold(1.0, nest)
    };
    let of = |first: f64, second: f64| 1.0 / (first * second);
    let sin = x * series([
        of(16.0, 17.0),
        of(14.0, 15.0),
        of(12.0, 13.0),
        of(10.0, 11.0),
        of(8.0, 9.0),
        of(6.0, 7.0),
        of(4.0, 5.0),
        of(2.0, 3.0),
    ]);
    let cos = series([
        of(15.0, 16.0),
        of(13.0, 14.0),
        of(11.0, 12.0),
        of(9.0, 10.0),
        of(7.0, 8.0),
        of(5.0, 6.0),
        of(3.0, 4.0),
        of(1.0, 2.0),
    ]);
    let [c, s] = if quadrant & 1 == 0 {
        [cos, sin]
    } else {
        [sin, cos]
    };
    let signed = |value: f64, quadrant: u64| f64::from_bits(value.to_bits() ^ (quadrant & 2) << 62);
    [signed(c, quadrant.wrapping_add(1)), signed(s, quadrant)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_cosine_and_sine() {
        for at in -200_000..=200_000 {
            let angle = f64::from(at).powi(3) * 1.9e-10;
            let [cos, sin] = cis(angle);
            let (expected_sin, expected_cos) = libm::sincos(angle);
            let error = (cos - expected_cos).abs().max((sin - expected_sin).abs());
            assert!(error < 1e-15, "{error:e} at {angle}");
        }
    }
}
