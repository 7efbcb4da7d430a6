//! Contrast: maps grey values to brightness.

use super::{SampleKind, Samples};

/// Most samples that automatic contrast looks at.
const LOOKED_AT: usize = 1 << 16;

/// Share of pixels that automatic contrast cuts off at either end.
const CUT: f64 = 0.002;

/// Grey values of black and white, and the curve between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// Largest value that is black.
    pub minimum: f64,
    /// Smallest value at full brightness.
    pub maximum: f64,
    /// Exponent of the share in between: below 1 the dark parts become brighter.
    pub gamma: f64,
}

impl Contrast {
    /// Covers all values of a type; of floating-point numbers 0 to 1.
    #[must_use]
    pub fn full(kind: SampleKind) -> Self {
        let maximum = match kind {
            SampleKind::U8 => 255.0,
            SampleKind::U16 => 65_535.0,
            SampleKind::U32 => f64::from(u32::MAX),
            SampleKind::U64 => u64::MAX as f64,
            SampleKind::F32 => 1.0,
        };
        Self {
            minimum: 0.0,
            maximum,
            gamma: 1.0,
        }
    }

    /// Chooses the contrast that shows these samples best: 0.2 per cent of them are cut off at
    /// either end.
    #[must_use]
    pub fn automatic(samples: &Samples) -> Self {
        let step = samples.len().div_ceil(LOOKED_AT).max(1);
        let numbers = (0..samples.len()).step_by(step).map(|i| samples.number(i));
        let mut numbers: Vec<f64> = numbers.filter(|number| number.is_finite()).collect();
        numbers.sort_unstable_by(f64::total_cmp);
        let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else {
            return Self::full(samples.kind());
        };
        let at = |share: f64| numbers[((numbers.len() - 1) as f64 * share).round() as usize];
        let (mut minimum, mut maximum) = (at(CUT), at(1.0 - CUT));
        if minimum >= maximum {
            // The few pixels unlike the rest are all there is to see.
            (minimum, maximum) = (first, last);
        }
        if minimum >= maximum {
            (minimum, maximum) = (minimum.min(0.0), maximum.max(minimum + 1.0));
        }
        Self {
            minimum,
            maximum,
            gamma: 1.0,
        }
    }

    /// Returns the brightness of a value, from 0 to 1.
    #[must_use]
    pub fn share(&self, value: f64) -> f64 {
        let range = self.maximum - self.minimum;
        let share = if range > 0.0 {
            ((value - self.minimum) / range).clamp(0.0, 1.0)
        } else {
            f64::from(u8::from(value >= self.maximum))
        };
        if self.gamma == 1.0 || share.is_nan() {
            return if share.is_nan() { 0.0 } else { share };
        }
        share.powf(self.gamma.max(1e-3))
    }
}
