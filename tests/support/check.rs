//! Whether what was drawn has the distribution that it should have.

/// Weights of Poisson(mean) for 0, 1, ..., as far as they matter.
pub fn poisson(mean: f64) -> Vec<f64> {
    let mut weight = (-mean).exp();
    let mut weights = Vec::new();
    let mut k = 0.0;
    while k < mean || weight > 1e-15 {
        weights.push(weight);
        k += 1.0;
        weight *= mean / k;
    }
    weights
}

/// Pearson's chi-square of counted outcomes against their probabilities, which must stay within 6
/// standard deviations of its mean. Outcomes expected fewer than 5 times are taken together.
pub fn assert_distribution(counted: &[usize], probabilities: &[f64], what: &str) {
    assert!(
        counted.len() <= probabilities.len(),
        "{what}: an outcome that cannot be"
    );
    let draws = counted.iter().sum::<usize>() as f64;
    let (mut chi_square, mut classes) = (0.0, 0.0);
    let (mut rest_counted, mut rest_expected) = (0.0, 0.0);
    for (outcome, probability) in probabilities.iter().enumerate() {
        let expected = draws * probability;
        let found = counted.get(outcome).copied().unwrap_or(0) as f64;
        if expected < 5.0 {
            rest_counted += found;
            rest_expected += expected;
        } else {
            chi_square += (found - expected).powi(2) / expected;
            classes += 1.0;
        }
    }
    // What is expected hardly ever may still happen now and then.
    if rest_expected > 1.0 {
        chi_square += (rest_counted - rest_expected).powi(2) / rest_expected;
        classes += 1.0;
    } else {
        assert!(
            rest_counted <= 6.0,
            "{what}: {rest_counted} outcomes where {rest_expected:.2} are expected"
        );
    }
    let freedom: f64 = classes - 1.0;
    println!("{what}: chi-square {chi_square:.1} with {freedom} degrees of freedom, {draws} draws");
    assert!(
        freedom > 0.0 && draws > 0.0,
        "{what}: nothing to tell apart"
    );
    let most = freedom + 6.0 * (2.0 * freedom).sqrt();
    assert!(
        chi_square <= most,
        "{what}: chi-square {chi_square:.1}, at most {most:.1}; {counted:?}"
    );
}

/// Asserts that `found` is within 5 standard errors of what is expected.
pub fn assert_mean(found: f64, expected: f64, standard_error: f64, what: &str) {
    let off = (found - expected) / standard_error;
    println!("{what}: {found:.5}, expected {expected:.5}, off by {off:.2} standard errors");
    assert!(
        off.abs() <= 5.0,
        "{what}: {found}, not {expected} +- {standard_error}"
    );
}
