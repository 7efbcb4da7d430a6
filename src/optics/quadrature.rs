//! Numerical integration by the Gauss-Legendre rule.

use std::borrow::Cow;
use std::f64::consts::PI;
use std::sync::OnceLock;

/// Nodes of one panel.
pub(super) const PANEL_NODES: usize = 64;

/// Returns nodes and weights that integrate over `from..to`, split into `panels` equal panels of
/// [`PANEL_NODES`] each. Faster oscillations need more panels; the cost is linear in them.
pub(super) fn gauss_legendre(from: f64, to: f64, panels: usize) -> Vec<(f64, f64)> {
    gauss_legendre_of(PANEL_NODES, from, to, panels)
}

/// As [`gauss_legendre`], with so many nodes in a panel.
pub(super) fn gauss_legendre_of(
    nodes: usize,
    from: f64,
    to: f64,
    panels: usize,
) -> Vec<(f64, f64)> {
    let half = 0.5 * (to - from) / panels as f64;
    let rule = known_rule(nodes);
    let scaled = |panel: usize| {
        let middle = from + half * (2 * panel + 1) as f64;
        let place = move |&(node, weight): &(f64, f64)| (middle + half * node, half * weight);
        rule.iter().map(place)
    };
    (0..panels).flat_map(scaled).collect()
}

/// The rule on -1..1, which is computed once if it is not too long to be kept.
fn known_rule(nodes: usize) -> Cow<'static, [(f64, f64)]> {
    static KNOWN: [OnceLock<Vec<(f64, f64)>>; 256] = [const { OnceLock::new() }; 256];
    match KNOWN.get(nodes) {
        Some(known) => Cow::Borrowed(known.get_or_init(|| unit_rule(nodes))),
        None => Cow::Owned(unit_rule(nodes)),
    }
}

/// Computes the rule on -1..1. The nodes are the zeros of the Legendre polynomial P_n, found by
/// Newton's method from Tricomi's estimate; the weights are 2 / ((1 - x^2) P_n'(x)^2).
fn unit_rule(nodes: usize) -> Vec<(f64, f64)> {
    let place = |i: usize| {
        let mut x = -libm::cos(PI * (i as f64 + 0.75) / (nodes as f64 + 0.5));
        // Convergence is quadratic from an estimate good to 1e-5, and 1e-2 for few nodes: four
        // steps are enough.
        for _ in 0..4 {
            let (value, slope) = legendre(nodes, x);
            x -= value / slope;
        }
        let (_, slope) = legendre(nodes, x);
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..nodes).map(place).collect()
}

/// Evaluates the Legendre polynomial of a degree and its derivative, by the three-term recurrence.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut previous, mut value) = (1.0, x);
    for degree in 2..=degree {
        let k = degree as f64;
        (previous, value) = (
            value,
            ((2.0 * k - 1.0) * x * value - (k - 1.0) * previous) / k,
        );
    }
    (
        value,
        degree as f64 * (previous - x * value) / (1.0 - x * x),
    )
}
