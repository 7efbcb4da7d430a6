//! Draws against figures of an independent emulation, and what the sum of them says.

use super::deviate::{Deviate, Powers, root, whole_root};
use super::shot::fixed;
use super::*;

/// The numbers of a table of tests/data/physical, without its heading.
macro_rules! figures {
    ($name:literal) => {
        include_str!(concat!("../../../tests/data/physical/", $name))
            .lines()
            .skip(1)
            .map(|line| -> Vec<i64> {
                let number = |text: &str| text.parse().expect("a whole number");
                line.split(',').map(number).collect()
            })
    };
}

/// Words at which something ends.
const EDGES: [u32; 8] = [
    0,
    1,
    (1 << 31) - 1,
    1 << 31,
    (1 << 31) + 1,
    u32::MAX - 1,
    u32::MAX,
    1 << 16,
];

fn signed(deviate: Deviate) -> i64 {
    let size = i64::from(deviate.size);
    if deviate.negative { -size } else { size }
}

#[test]
fn knots_of_the_deviate_are_those_of_the_figures() {
    let knots = deviate::knots();
    assert_eq!(knots.len(), 8225);
    assert_eq!(knots[8223], knots[8224]);
    let mut seen = 0;
    for row in figures!("deviate_knots.csv") {
        for (cell, figure) in (0..).step_by(8).zip(&row[1..]) {
            let knot = i64::from(knots[(257 * row[0]) as usize + cell]);
            assert!((knot - figure).abs() <= 1, "{row:?}: {knot} at {cell}");
            seen += 1;
        }
    }
    assert_eq!(seen, 32 * 33);
}

#[test]
fn deviates_are_those_of_the_figures() {
    let tables = tables(None);
    for row in figures!("deviates.csv") {
        let found = signed(Deviate::new(&tables, row[0] as u32));
        assert!((found - row[1]).abs() <= 2, "{row:?}: {found}");
    }
    // Odd in the word, and monotone.
    for word in EDGES.into_iter().chain((0..1 << 31).step_by(99_991)) {
        let deviate = signed(Deviate::new(&tables, word));
        assert_eq!(deviate, -signed(Deviate::new(&tables, !word)), "{word}");
        let next = signed(Deviate::new(&tables, word.saturating_add(1)));
        assert!(next >= deviate, "{word}");
    }
}

#[test]
fn roots_are_exact() {
    for root in 1..=u32::from(u16::MAX) {
        let around = [root * root - 1, root * root, root * root + 2 * root];
        assert_eq!(around.map(whole_root), around.map(u32::isqrt), "{root}");
    }
}

/// No power, root or term of the expansions overflows at the largest deviates and the ends of the
/// means: the arithmetic of the tests is checked.
#[test]
fn powers_are_powers() {
    let tables = tables(None);
    let scaled = |value: u32, bits: i32| f64::from(value) / f64::from(bits).exp2();
    for word in EDGES.into_iter().chain((0..u32::MAX).step_by(9_999_991)) {
        let size = Deviate::new(&tables, word).size;
        let (w, powers) = (scaled(size, 24), Powers::new(size));
        assert!((scaled(powers.first, 20) - w).abs() < 1e-6);
        assert!((scaled(powers.second, 24) - w * w).abs() < 1e-6);
        assert!((scaled(powers.third, 20) - w.powi(3)).abs() < 1e-4);
        for mean in [16 << 14, 32 << 14, 250_000 << 14] {
            let l = scaled(mean, 14);
            let exact = (3.0 * w.powi(4) + 7.0 * w * w - 16.0) / (810.0 * l);
            let found = f64::from(powers.last_term(mean)) / 16_384.0;
            assert!((found - exact).abs() < 3e-4, "{w} {l}: {found} {exact}");
            assert!((scaled(root(mean), 18) - l.sqrt()).abs() < 1e-4);
        }
    }
}

#[test]
fn electrons_are_those_of_the_figures() {
    let tables = tables(None);
    let mut rows = 0;
    for row in figures!("shot_draws.csv") {
        let [mean, shot, rest, expected] = [0, 1, 2, 3].map(|at| row[at] as u32);
        let found = shot::electrons(&tables, mean, [shot, rest]);
        assert_eq!(found, expected, "{row:?}");
        rows += 1;
    }
    assert!(rows > 250);
    // As many thresholds as the emulation has.
    assert_eq!(tables.len() as u32, STARTS_AT + 2305 + 94_339);
}

/// At the ends of the words and the means nothing overflows, and more light is never fewer
/// electrons.
#[test]
fn electrons_grow_with_word_and_mean() {
    let tables = tables(None);
    let split = NODES << REST_BITS;
    let last = (1 << 14) * 250_000;
    assert_eq!(last, MOST_MEAN);
    let means = [
        0,
        1,
        255,
        256,
        257,
        split - 1,
        split,
        split + 1,
        1 << 24,
        last - 1,
        last,
    ];
    let words: Vec<u32> = (0..1000u32).map(|at| at * 4_294_967).chain(EDGES).collect();
    for mean in means {
        let drawn = |&word: &u32| shot::electrons(&tables, mean, [word, word]);
        let mut sorted = words.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().map(drawn).is_sorted(), "{mean}");
        let (least, most) = (drawn(&0), drawn(&u32::MAX));
        let l = f64::from(mean) / 16_384.0;
        assert!(
            f64::from(least) <= l && f64::from(most) >= l.floor(),
            "{mean}"
        );
        assert!(
            f64::from(most) < l + 8.0 * l.sqrt() + 16.0,
            "{mean}: {most}"
        );
    }
    assert_eq!(shot::electrons(&tables, split, [0, 0]), 4);
    // Where the mean is cut, every full well is full.
    assert!(shot::electrons(&tables, last, [0, 0]) > 246_000);
    for word in words {
        let (mut before, step) = (0, split / 8 + 77);
        for mean in (split..last - step).step_by(step as usize) {
            let electrons = shot::electrons(&tables, mean, [word, word]);
            assert!(electrons >= before, "{mean} {word}");
            before = electrons;
        }
    }
}

#[test]
fn means_are_rounded_halves_up_and_cut() {
    let one = 1 << 14;
    assert_eq!(fixed(0.0), 0);
    assert_eq!(fixed(-1.0), 0);
    assert_eq!(fixed(1.0), one);
    assert_eq!(fixed(0.5 / one as f32), 1);
    assert_eq!(fixed(0.499_999 / one as f32), 0);
    // The largest f32 below a half: with 1/2 added it would be rounded to 1.
    assert_eq!(fixed(0.499_999_97 / one as f32), 0);
    // Halves of 18 fractional bits and more are whole.
    assert_eq!(fixed(512.031_25), 512 * one + 512);
    let odd = (1 << 23) + 1;
    assert_eq!(fixed(odd as f32 / one as f32), odd);
    assert_eq!(fixed(1e9), MOST_MEAN);
}

#[test]
fn knots_of_the_register_are_those_of_the_figures() {
    let tables = [1.0, 5.0].map(|shape| (shape as i64, register::knots(shape)));
    for row in figures!("register_knots.csv") {
        let (_, knots) = tables.iter().find(|(shape, _)| *shape == row[0]).unwrap();
        let knots = &knots[((row[1] - 1) * 225) as usize..][..225];
        for (knot, figure) in knots.iter().step_by(4).zip(&row[2..]) {
            assert!((i64::from(*knot) - figure).abs() <= 1, "{row:?}: {knot}");
        }
    }
}

/// Knots may differ by one, and so may what is interpolated between them.
#[test]
fn outputs_are_those_of_the_figures() {
    let tables = [1, 5].map(|shape| (shape, tables(Some(shape as f64))));
    let mut rows = 0;
    for row in figures!("register_draws.csv") {
        let (shape, tables) = tables.iter().find(|(shape, _)| *shape == row[0]).unwrap();
        let (electrons, word) = (row[1] as u32, row[2] as u32);
        let found = register::output(tables, electrons, word, 256 * *shape as u32);
        let bound = i64::from((1..=TABULATED).contains(&electrons));
        assert!(
            (i64::from(found) - row[3]).abs() <= bound,
            "{row:?}: {found}"
        );
        rows += 1;
    }
    assert!(rows > 140);
}

#[test]
fn outputs_have_mean_and_variance_of_the_gamma_law() {
    for (shape, fixed) in [(1.0, 256), (4.0, 1024), (20.0, 5120)] {
        let tables = tables(Some(shape));
        for electrons in [1u32, 2, 5, 16, 17, 40, 300, 5000] {
            // A fixed grid of words: the moments of the law that the words make.
            let step = (1u64 << 32) / 65_536;
            let words = (0..65_536).map(|at| (at * step + step / 2) as u32);
            let draws: Vec<f64> = words
                .map(|word| f64::from(register::output(&tables, electrons, word, fixed)) / 256.0)
                .collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let squares: f64 = draws.iter().map(|draw| (draw - mean).powi(2)).sum();
            let variance = squares / draws.len() as f64;
            let (n, exact) = (f64::from(electrons), f64::from(electrons) / shape);
            assert!(
                (mean - n).abs() < 0.004 + 1e-4 * exact.sqrt(),
                "{shape} {n}: {mean}"
            );
            assert!(
                (variance / exact - 1.0).abs() < 3e-3,
                "{shape} {n}: {variance}"
            );
        }
        // The ends, where most would overflow first.
        let most = (250_000.0 / shape) as u32;
        for electrons in [1, 16, 17, most] {
            let drawn = |word| register::output(&tables, electrons, word, fixed);
            assert!(EDGES.iter().all(|&word| drawn(word) <= drawn(u32::MAX)));
            assert!(f64::from(drawn(u32::MAX)) < 256.0 * 1.016 * 250_000.0);
            assert!(electrons < 17 || drawn(0) > 2 * 256 / shape as u32);
        }
    }
}

/// Against quantiles of the exponential law, and of Erlang's by its sum.
#[test]
fn gamma_quantiles_invert_their_law() {
    for deviate in [-7.0, -3.0, -0.5, 0.0, 1.9, 2.1, 5.0, 7.0] {
        let tail = 0.5 * libm::erfc(deviate / std::f64::consts::SQRT_2);
        let exponential = gamma::gamma_quantile(1.0, deviate);
        let exact = if deviate < 0.0 {
            -libm::log1p(-0.5 * libm::erfc(-deviate / std::f64::consts::SQRT_2))
        } else {
            -libm::log(tail)
        };
        assert!((exponential / exact - 1.0).abs() < 1e-12, "{deviate}");
        for shape in [2u32, 16, 80, 320] {
            let x = gamma::gamma_quantile(f64::from(shape), deviate);
            if deviate > -3.5 {
                let (mut term, mut sum) = (libm::exp(-x), 0.0);
                for k in 1..=shape {
                    sum += term;
                    term *= x / f64::from(k);
                }
                assert!(
                    (sum / tail - 1.0).abs() < 1e-9,
                    "{shape} {deviate}: {sum} {tail}"
                );
            }
        }
    }
}
