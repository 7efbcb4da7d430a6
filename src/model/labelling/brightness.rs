//! Brightness of cells in a layer: classes of a log-normal law, and levels of barcodes.

use std::f64::consts::SQRT_2;

/// Classes of equal probability in which a log-normal law is cut.
const CLASSES: u32 = 15;

/// Factors by which the cells of a layer are brighter or dimmer than its density says.
#[derive(Clone, Debug, PartialEq)]
pub struct Brightness {
    /// Factors of the classes of variation, each as probable as the others, with mean 1.
    variation: Vec<f64>,
    /// Factors of a barcode's levels; 1 alone for a layer that is none of a barcode's.
    levels: Vec<f64>,
}

impl Brightness {
    /// Factors of this standard deviation over the mean, and of these levels.
    pub(super) fn new(variation: f64, levels: &[f64]) -> Self {
        Self {
            variation: log_normal(variation),
            levels: levels.to_vec(),
        }
    }

    /// The factors that a cell may have, those of a class of variation one after the other; at most
    /// 240.
    pub fn factors(&self) -> Vec<f64> {
        let mut factors = Vec::new();
        for class in &self.variation {
            factors.extend(self.levels.iter().map(|level| class * level));
        }
        factors
    }

    /// Number of the factor of a cell by a word of a class and one of a level.
    pub fn number(&self, class: u32, level: usize) -> usize {
        let classes = self.variation.len() as u64;
        ((u64::from(class) * classes) >> 32) as usize * self.levels.len() + level
    }

    /// Number of the level that a word draws.
    pub fn level(&self, word: u32) -> usize {
        ((u64::from(word) * self.levels.len() as u64) >> 32) as usize
    }

    /// The factor of a level.
    pub fn of_level(&self, level: usize) -> f64 {
        self.levels[level]
    }
}

/// Means of the classes of a log-normal law of mean 1; 1 alone where nothing varies.
fn log_normal(variation: f64) -> Vec<f64> {
    if variation == 0.0 {
        return vec![1.0];
    }
    let sigma = libm::log(1.0 + variation * variation).sqrt();
    // The law's mean up to the quantile of a normal deviate z is Phi(z - sigma).
    let cumulated = |class: u32| match class {
        0 => 0.0,
        CLASSES => 1.0,
        class => phi(deviate(f64::from(class) / f64::from(CLASSES)) - sigma),
    };
    (0..CLASSES)
        .map(|class| f64::from(CLASSES) * (cumulated(class + 1) - cumulated(class)))
        .collect()
}

/// The normal law's distribution function.
fn phi(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// Its inverse, by bisection.
fn deviate(probability: f64) -> f64 {
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if phi(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_have_the_mean_1_and_nearly_the_deviation_asked_for() {
        for variation in [0.0, 0.2, 0.5] {
            let factors = Brightness::new(variation, &[1.0]).factors();
            let count = factors.len() as f64;
            let mean = factors.iter().sum::<f64>() / count;
            let square = factors.iter().map(|f| (f - 1.0) * (f - 1.0)).sum::<f64>() / count;
            assert!((mean - 1.0).abs() < 1e-12, "{mean}");
            assert!(
                square.sqrt() <= variation && square.sqrt() >= 0.9 * variation,
                "{square}"
            );
        }
    }

    #[test]
    fn words_reach_all_factors() {
        let brightness = Brightness::new(0.5, &[0.5, 1.0]);
        let factors = brightness.factors();
        assert_eq!(factors.len(), 30);
        assert_eq!(brightness.number(0, 0), 0);
        let last = brightness.level(u32::MAX);
        assert_eq!(brightness.number(u32::MAX, last), 29);
        assert_eq!(factors[29] / factors[28], 2.0);
    }
}
