//! Bessel functions of the first kind, from a table where many are wanted.

/// Nodes of the table per unit of the argument. The fourth derivatives are below 1, so that cubics
/// between values and slopes are wrong by less than 1/(384 x 64^4) = 1.6e-10.
const PER_UNIT: f64 = 64.0;

/// Arguments below which J2 is its first term: the recurrence would lose its digits.
const SMALL: f64 = 1e-3;

/// J0 and J1 with their slopes, from 0 to a largest argument.
pub(super) struct Bessel {
    nodes: Vec<Node>,
}

struct Node {
    values: [f64; 2],
    /// Per step from node to node.
    slopes: [f64; 2],
}

impl Bessel {
    /// For arguments from 0 to `most`.
    pub fn new(most: f64) -> Self {
        let count = (most * PER_UNIT) as usize + 2;
        let node = |at: usize| {
            let x = at as f64 / PER_UNIT;
            let values = [libm::j0(x), libm::j1(x)];
            let of_j1 = if at == 0 {
                0.5
            } else {
                values[0] - values[1] / x
            };
            Node {
                values,
                slopes: [-values[1], of_j1].map(|slope| slope / PER_UNIT),
            }
        };
        Self {
            nodes: (0..count).map(node).collect(),
        }
    }

    /// J0, J1 and J2 at an argument of the table; what is beyond it counts as its end.
    pub fn at(&self, x: f64) -> [f64; 3] {
        let place = x * PER_UNIT;
        let at = (place as usize).min(self.nodes.len() - 2);
        let (left, right, t) = (&self.nodes[at], &self.nodes[at + 1], place - at as f64);
        let value = |order: usize| {
            let (start, slope, end) = (left.values[order], left.slopes[order], right.slopes[order]);
            let rise = right.values[order] - start;
            let bend = 3.0 * rise - 2.0 * slope - end;
            start + t * (slope + t * (bend + t * (slope + end - 2.0 * rise)))
        };
        let (j0, j1) = (value(0), value(1));
        let j2 = if x < SMALL {
            0.125 * x * x
        } else {
            2.0 * j1 / x - j0
        };
        [j0, j1, j2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_functions() {
        let table = Bessel::new(300.0);
        for at in 0..=200_000 {
            let x = 300.0 * (f64::from(at) / 200_000.0).powi(2);
            let [j0, j1, j2] = table.at(x);
            assert!((j0 - libm::j0(x)).abs() < 2e-10, "J0({x})");
            assert!((j1 - libm::j1(x)).abs() < 2e-10, "J1({x})");
            assert!((j2 - libm::jn(2, x)).abs() < 2e-9, "J2({x})");
        }
        assert_eq!(Bessel::new(0.0).at(0.0), [1.0, 0.0, 0.0]);
    }
}
