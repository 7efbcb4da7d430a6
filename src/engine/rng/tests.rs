use super::*;

/// Known answers of philox4x32 with 10 rounds, from the authors' Random123 distribution.
#[test]
fn philox_known_answers() {
    let cases = [
        (
            [0; 4],
            [0; 2],
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
        ),
        (
            [u32::MAX; 4],
            [u32::MAX; 2],
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
        ),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];
    for (counter, key, expected) in cases {
        assert_eq!(philox4x32_10(counter, key), expected);
    }
}

#[test]
fn keys_differ_by_seed_purpose_and_names() {
    let keys = [
        StreamKey::new(1, Purpose::Emission, &["a", "b"]),
        StreamKey::new(2, Purpose::Emission, &["a", "b"]),
        StreamKey::new(1 << 40, Purpose::Emission, &["a", "b"]),
        StreamKey::new(1, Purpose::Jitter, &["a", "b"]),
        StreamKey::new(1, Purpose::Emission, &["ab", ""]),
        StreamKey::new(1, Purpose::Emission, &["", "ab"]),
        StreamKey::new(1, Purpose::Emission, &["ab"]),
        StreamKey::new(1, Purpose::Emission, &["a\0b"]),
        StreamKey::new(1, Purpose::Emission, &["b", "a"]),
    ];
    for (i, a) in keys.iter().enumerate() {
        for b in &keys[..i] {
            assert_ne!(a, b);
        }
    }
}

/// Keys are part of what a seed means: a change here changes every user's results.
#[test]
fn keys_are_stable() {
    let key = StreamKey::new(42, Purpose::Proteins, &["layer1"]);
    assert_eq!(key, StreamKey([0xeb20_cc86, 0x04ac_a573]));
}

#[test]
fn wide_ids_get_keys_of_their_own() {
    assert_eq!(cell_key(7), 7);
    assert_ne!(cell_key((1 << 32) + 7), cell_key(7));
    assert_ne!(cell_key((1 << 32) + 7), cell_key((2 << 32) + 7));
}

/// Ids of 32 bits draw as a cell at the first voxel does; wider ones share no draw, even where
/// their words do.
#[test]
fn cells_draw_with_all_their_bits() {
    let key = StreamKey::new(42, Purpose::Labelled, &["layer1"]);
    assert_eq!(key.of_cell(7), key.at([0; 3], 7));
    let mut words = std::collections::HashMap::new();
    let ids = (1..200_000u64).map(|n| n << 32 | 7);
    let twins = ids.filter_map(|id| words.insert(cell_key(id), id).map(|other| (id, other)));
    let twins: Vec<(u64, u64)> = twins.collect();
    assert!(!twins.is_empty(), "of so many some have the same word");
    for (id, other) in twins {
        assert_ne!(key.of_cell(id), key.of_cell(other), "{id} {other}");
    }
}

/// Mean and variance of a table, exactly, from the widths of its outcomes.
fn moments(table: &DiscreteTable, value: impl Fn(u32) -> f64) -> (f64, f64) {
    let words: Vec<u32> = table.words().collect();
    let (thresholds, values) = words.split_at(table.len() as usize);
    let mut edges: Vec<u64> = vec![0];
    edges.extend(thresholds.iter().map(|&t| u64::from(t)));
    edges.push(1 << 32);
    let share = |i: usize| (edges[i + 1] - edges[i]) as f64 / 4_294_967_296.0;
    let mean: f64 = (0..values.len()).map(|i| share(i) * value(values[i])).sum();
    let variance = (0..values.len())
        .map(|i| share(i) * (value(values[i]) - mean).powi(2))
        .sum();
    (mean, variance)
}

#[test]
fn poisson_has_mean_and_variance() {
    for mean in [1e-6, 0.013, 0.5, 1.0, 3.7, 42.0, 1e3, 1.56e6, 2e8] {
        let table = DiscreteTable::poisson(mean).expect("tabulated");
        let (m, v) = moments(&table, f64::from);
        let resolution = 1e-9 * (1.0 + mean * mean);
        assert!(
            (m / mean - 1.0).abs() < 1e-6 + resolution / mean / (1.0 + mean),
            "{mean}: {m}"
        );
        assert!((v / mean - 1.0).abs() < 1e-3, "{mean}: variance {v}");
    }
}

#[test]
fn poisson_of_small_means_matches_the_exponential() {
    let table = DiscreteTable::poisson(0.5).expect("tabulated");
    let first = table.words().next().expect("a threshold");
    let expected = (libm::exp(-0.5) * 4_294_967_296.0).round_ties_even();
    assert!((f64::from(first) - expected).abs() <= 1.0);
    assert_eq!(table.draw(first - 1), 0);
    assert_eq!(table.draw(first), 1);
}

#[test]
fn degenerate_tables_draw_the_one_outcome() {
    for word in [0, 1, u32::MAX] {
        assert_eq!(DiscreteTable::bernoulli(0.0).draw(word), 0);
        assert_eq!(DiscreteTable::bernoulli(1.0).draw(word), 1);
        assert_eq!(DiscreteTable::poisson(0.0).expect("zero").draw(word), 0);
    }
    assert!(
        DiscreteTable::poisson(1e-12)
            .expect("tiny")
            .is_always_zero()
    );
    assert!(
        !DiscreteTable::poisson(1e-9)
            .expect("small")
            .is_always_zero()
    );
}

#[test]
fn bernoulli_is_exact_to_the_resolution() {
    let table = DiscreteTable::bernoulli(0.3);
    let (mean, _) = moments(&table, f64::from);
    assert!((mean - 0.3).abs() < 2.4e-10);
}

#[test]
fn counts_beyond_32_bits_are_refused() {
    assert!(DiscreteTable::scaled_poisson(1e9, 5.0).is_err());
    assert!(DiscreteTable::poisson(f64::INFINITY).is_err());
    assert!(DiscreteTable::poisson(f64::NAN).is_err());
    assert!(DiscreteTable::scaled_poisson(1e8, 5.0).is_ok());
}

#[test]
fn amplified_counts_round_half_to_even() {
    let table = DiscreteTable::scaled_poisson(1.0, 2.5).expect("tabulated");
    let values: Vec<u32> = table.words().skip(table.len() as usize).collect();
    assert_eq!(values[..5], [0, 2, 5, 8, 10]);
}

#[test]
fn displacement_is_symmetric_and_cut() {
    for sd in [0.1, 0.2, 2.5, 12.5] {
        let table = DiscreteTable::displacement(sd);
        let signed = |v: u32| f64::from(v as i32);
        let (mean, variance) = moments(&table, signed);
        assert!(mean.abs() < 1e-8 * (1.0 + sd), "{sd}: {mean}");
        if sd > 2.0 {
            // Rounding to whole voxels adds 1/12 (Sheppard).
            assert!(
                (variance / (sd * sd + 1.0 / 12.0) - 1.0).abs() < 1e-4,
                "{sd}: {variance}"
            );
        }
        let farthest = table.words().skip(table.len() as usize);
        let reach = DiscreteTable::displacement_reach(sd);
        for value in farthest {
            assert!((value as i32).abs() <= reach);
        }
    }
}
