//! Discrete distributions as tables of unsigned integers.
//!
//! A 32-bit word is turned into an outcome by comparing integers only, so that every device draws
//! the same. The tables are built in f64 with arithmetic, and with `libm` where a transcendental is
//! needed, so that they are the same on every platform too.

/// Why a distribution cannot be tabulated.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum TableError {
    /// Outcomes would not fit 32 bits.
    #[error("a mean of {mean:.4e} does not fit 32-bit counts (at most {limit:.4e})")]
    TooLarge {
        /// The mean asked for.
        mean: f64,
        /// The largest mean that can be served.
        limit: f64,
    },
}

/// A distribution over 32-bit outcomes with a resolution of 2^-32: outcome `i` is drawn by the
/// words from `thresholds[i - 1]` up to, not including, `thresholds[i]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscreteTable {
    thresholds: Vec<u32>,
    values: Vec<u32>,
}

impl DiscreteTable {
    /// The table of weights given in order of their outcomes. Outcomes narrower than 2^-33 vanish.
    fn from_weights(weights: &[f64], value: impl Fn(usize) -> u32) -> Self {
        let total: f64 = weights.iter().sum();
        let mut table = Self {
            thresholds: Vec::new(),
            values: Vec::new(),
        };
        let mut cumulated = 0.0;
        let mut reached = 0u64;
        for (index, weight) in weights.iter().enumerate() {
            cumulated += weight;
            let end = if index + 1 == weights.len() {
                1 << 32
            } else {
                (cumulated / total * 4_294_967_296.0).round_ties_even() as u64
            };
            if end > reached {
                if reached > 0 {
                    table.thresholds.push(reached as u32);
                }
                table.values.push(value(index));
                reached = end.min(1 << 32);
            }
            if reached == 1 << 32 {
                break;
            }
        }
        table
    }

    /// The largest outcome, read as unsigned.
    pub fn largest(&self) -> u32 {
        self.values.iter().copied().max().unwrap_or(0)
    }

    /// 1 with this probability, else 0.
    pub fn bernoulli(probability: f64) -> Self {
        Self::from_weights(&[1.0 - probability, probability], |index| index as u32)
    }

    /// Poisson(mean). The weights follow from the mode by p(k + 1) = p(k) mean / (k + 1), and are
    /// normalised by their sum: no exponential and no factorial is needed, at any mean.
    pub fn poisson(mean: f64) -> Result<Self, TableError> {
        Self::scaled_poisson(mean, 1.0)
    }

    /// round(scale k), half to even, for k drawn from Poisson(mean).
    ///
    /// # Errors
    /// When an outcome would exceed 32 bits.
    pub fn scaled_poisson(mean: f64, scale: f64) -> Result<Self, TableError> {
        // Beyond this weight, relative to the mode's, nothing reaches 2^-33 of the total.
        const NEGLIGIBLE: f64 = 1e-18;
        let limit = f64::from(u32::MAX) / scale;
        // NaN and infinity fail this comparison too.
        if !(mean >= 0.0 && mean <= limit) {
            return Err(TableError::TooLarge { mean, limit });
        }
        let mode = mean.floor();
        let mut weights = vec![1.0];
        let (mut weight, mut k) = (1.0, mode);
        while k > 0.0 && weight > NEGLIGIBLE {
            weight *= k / mean;
            k -= 1.0;
            weights.push(weight);
        }
        let first = k;
        weights.reverse();
        (weight, k) = (1.0, mode);
        while weight > NEGLIGIBLE {
            k += 1.0;
            weight *= mean / k;
            weights.push(weight);
        }
        // The conversion saturates: an outcome that does not fit shows as the largest number.
        let table = Self::from_weights(&weights, |index| {
            ((first + index as f64) * scale).round_ties_even() as u32
        });
        if table.largest() == u32::MAX {
            return Err(TableError::TooLarge { mean, limit });
        }
        Ok(table)
    }

    /// A normal variate of this standard deviation (in voxels), cut at 5 standard deviations and
    /// rounded to whole voxels. Outcomes are `i32` in the bits of a `u32`.
    pub fn displacement(standard_deviation: f64) -> Self {
        const CUT: f64 = 5.0;
        let cumulated = |voxels: f64| {
            let deviate = (voxels / standard_deviation).clamp(-CUT, CUT);
            0.5 * libm::erfc(-deviate / std::f64::consts::SQRT_2)
        };
        let reach = Self::displacement_reach(standard_deviation);
        let weights: Vec<f64> = (-reach..=reach)
            .map(|d| cumulated(f64::from(d) + 0.5) - cumulated(f64::from(d) - 0.5))
            .collect();
        Self::from_weights(&weights, |index| (index as i32 - reach) as u32)
    }

    /// The farthest whole voxel that [`DiscreteTable::displacement`] can draw.
    pub fn displacement_reach(standard_deviation: f64) -> i32 {
        (5.0 * standard_deviation).ceil() as i32
    }

    /// The outcome that this word draws.
    #[inline]
    pub fn draw(&self, word: u32) -> u32 {
        self.values[self.thresholds.partition_point(|&t| t <= word)]
    }

    /// True when every word draws 0: the distribution is narrower than the table's resolution.
    pub fn is_always_zero(&self) -> bool {
        self.values.iter().all(|&value| value == 0)
    }

    /// Number of thresholds; there is one value more.
    pub fn len(&self) -> u32 {
        self.thresholds.len() as u32
    }

    /// True when there is but one outcome.
    pub fn is_empty(&self) -> bool {
        self.thresholds.is_empty()
    }

    /// The form that the shaders read: the thresholds, then the values.
    pub fn words(&self) -> impl Iterator<Item = u32> + '_ {
        self.thresholds.iter().chain(&self.values).copied()
    }
}

/// A table's place among the tables of a device, in the form of [`DiscreteTable::words`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct TableRef {
    /// First word.
    pub at: u32,
    /// Number of thresholds.
    pub len: u32,
}

impl TableRef {
    /// [`DiscreteTable::draw`] of the table at this place.
    pub(crate) fn draw(self, tables: &[u32], word: u32) -> u32 {
        let (at, len) = (self.at as usize, self.len as usize);
        let reached = tables[at..at + len].partition_point(|&t| t <= word);
        tables[at + len + reached]
    }
}

/// A [`DiscreteTable`] among the tables of a device, made for many draws.
#[derive(Debug)]
pub(crate) struct TableView<'a> {
    thresholds: &'a [u32],
    values: &'a [u32],
    /// How many thresholds the smallest word with these first 8 bits has reached; one more at the
    /// end.
    reached: [u32; 257],
}

impl<'a> TableView<'a> {
    /// The table at this place.
    pub(crate) fn new(tables: &'a [u32], place: TableRef) -> Self {
        let (offset, len) = (place.at as usize, place.len as usize);
        let (thresholds, values) = tables[offset..=offset + 2 * len].split_at(len);
        let mut reached = [len as u32; 257];
        for (bits, reached) in (0u32..256).zip(&mut reached) {
            *reached = thresholds.partition_point(|&t| t <= bits << 24) as u32;
        }
        Self {
            thresholds,
            values,
            reached,
        }
    }

    /// [`DiscreteTable::draw`].
    #[inline]
    pub(crate) fn draw(&self, word: u32) -> u32 {
        let bits = (word >> 24) as usize;
        let (from, to) = (self.reached[bits] as usize, self.reached[bits + 1] as usize);
        // Of most tables but few thresholds have the same first bits.
        let more = if to == from {
            0
        } else {
            self.thresholds[from..to].partition_point(|&t| t <= word)
        };
        self.values[from + more]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_view_draws_what_its_table_draws(
            mean in 0.0f64..2000.0, before in 0usize..5, words in prop::collection::vec(any::<u32>(), 50),
        ) {
            let table = DiscreteTable::poisson(mean).expect("a small mean");
            let tables: Vec<u32> = std::iter::repeat_n(7, before).chain(table.words()).chain([9]).collect();
            let place = TableRef { at: before as u32, len: table.len() };
            let view = TableView::new(&tables, place);
            let edges = table.thresholds.iter().flat_map(|&t| [t - 1, t, t.saturating_add(1)]);
            for word in edges.chain(words).chain([0, u32::MAX]) {
                prop_assert_eq!(view.draw(word), table.draw(word), "{}", word);
                prop_assert_eq!(place.draw(&tables, word), table.draw(word), "{}", word);
            }
        }
    }
}
