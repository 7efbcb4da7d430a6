//! Which lengths are transformed, and in which factors.

/// The largest radix of a pass: its butterfly lives in registers.
const LARGEST_RADIX: usize = 16;

/// How a transform of one length is done: passes of these radices, in place, decimating in
/// frequency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The length.
    pub length: usize,
    /// Radix of each pass; their product is the length.
    pub radices: Vec<usize>,
}

impl Recipe {
    /// The fewest passes for a length of the form 2^a 3^b 5^c 7^d, since every pass costs a
    /// barrier; among these the ones with the smallest sum of radices.
    ///
    /// # Panics
    /// When the length has another prime factor; [`good_length`] gives lengths that have not.
    pub fn new(length: usize) -> Self {
        let radices = factors_up_to(length, LARGEST_RADIX);
        let radices = radices.unwrap_or_else(|| panic!("no transform of length {length}"));
        Self { length, radices }
    }

    /// The radices of the passes; a line of one point has one pass all the same.
    pub(super) fn passes(&self) -> &[usize] {
        if self.radices.is_empty() {
            &[1]
        } else {
            &self.radices
        }
    }

    /// Where output k of the transform in place is found.
    pub fn order(&self) -> Vec<usize> {
        let place = |mut k: usize| {
            let mut stride = self.length;
            let mut at = 0;
            for &radix in &self.radices {
                stride /= radix;
                at += (k % radix) * stride;
                k /= radix;
            }
            at
        };
        (0..self.length).map(place).collect()
    }

    /// WGSL for where output `k`, below the product of these first radices, is found:
    /// [`Self::order`].
    pub(super) fn place(&self, k: &str, radices: &[usize]) -> String {
        let mut below = 1;
        let digits = radices.iter().map(|radix| {
            let digit = format!("{k} / {below}u % {radix}u");
            below *= radix;
            format!("{digit} * {}u", self.length / below)
        });
        let digits: Vec<String> = digits.collect();
        if digits.is_empty() {
            "0u".to_owned()
        } else {
            digits.join(" + ")
        }
    }
}

/// Radices in descending order, so that each set of them is tried once.
fn factors_up_to(length: usize, largest: usize) -> Option<Vec<usize>> {
    if length == 1 {
        return Some(Vec::new());
    }
    (2..=largest)
        .filter(|&radix| is_smooth(radix) && length.is_multiple_of(radix))
        .filter_map(|radix| {
            let mut rest = factors_up_to(length / radix, radix)?;
            rest.insert(0, radix);
            Some(rest)
        })
        .min_by_key(|radices| (radices.len(), radices.iter().sum::<usize>()))
}

fn is_smooth(length: usize) -> bool {
    let mut rest = length;
    for prime in [2, 3, 5, 7] {
        while rest.is_multiple_of(prime) {
            rest /= prime;
        }
    }
    rest == 1
}

/// The length of the form 2^a 3^b 5^c 7^d, not below `least`, that takes the least work: the length
/// times the sum of its prime factors' costs, the operations per point of a butterfly.
pub fn good_length(least: usize) -> usize {
    let least = least.max(1);
    let cost = |length: usize| {
        let mut rest = length;
        let mut per_point = 1.0;
        for (prime, cost) in [(2, 1.0), (3, 1.8), (5, 3.0), (7, 4.4)] {
            while rest.is_multiple_of(prime) {
                rest /= prime;
                per_point += cost;
            }
        }
        length as f64 * per_point
    };
    // A power of two is never farther than this.
    (least..=2 * least)
        .filter(|&length| is_smooth(length))
        .take(24)
        .min_by(|&a, &b| cost(a).total_cmp(&cost(b)))
        .unwrap_or_else(|| least.next_power_of_two())
}
