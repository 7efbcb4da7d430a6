//! The order in which people number files: s2 before s10.

use std::cmp::Ordering;

/// Compares names so that runs of digits count as numbers of any length; s2 < s10, and s2 < s02
/// where nothing else differs.
#[must_use]
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (number_a, number_b) = (digits(rest_a), digits(rest_b));
        let ordering = if number_a > 0 && number_b > 0 {
            let (value_a, value_b) = (
                significant(&rest_a[..number_a]),
                significant(&rest_b[..number_b]),
            );
            (rest_a, rest_b) = (&rest_a[number_a..], &rest_b[number_b..]);
            value_a
                .len()
                .cmp(&value_b.len())
                .then_with(|| value_a.cmp(value_b))
        } else {
            match (rest_a.split_first(), rest_b.split_first()) {
                (Some((byte_a, tail_a)), Some((byte_b, tail_b))) => {
                    (rest_a, rest_b) = (tail_a, tail_b);
                    byte_a.cmp(byte_b)
                }
                // One name, or both, is used up: equal so far, the shorter goes first.
                (one, other) => {
                    return (one.is_some().cmp(&other.is_some()))
                        .then_with(|| a.len().cmp(&b.len()))
                        .then_with(|| a.cmp(b));
                }
            }
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len())
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().position(|&digit| digit != b'0');
    &number[zeros.unwrap_or(number.len())..]
}
