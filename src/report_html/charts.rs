//! Charts as SVG.

use std::fmt::Write;

/// A histogram of 256 classes of grey values up to `largest`; its height is logarithmic.
pub(super) fn histogram(counts: &[u64; 256], largest: u32) -> String {
    const WIDTH: usize = 512;
    const HEIGHT: f64 = 160.0;
    const BELOW: f64 = 18.0;
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let scale = HEIGHT / ((most + 1) as f64).log10();
    let mut path = format!("M0 {HEIGHT}");
    for (class, &count) in counts.iter().enumerate() {
        let top = HEIGHT - ((count + 1) as f64).log10() * scale;
        let left = class * WIDTH / 256;
        let _ = write!(path, "V{top:.1}H{}", left + WIDTH / 256);
    }
    let _ = write!(path, "V{HEIGHT}Z");
    let height = HEIGHT + BELOW;
    let below = HEIGHT + 14.0;
    format!(
        "<svg role=\"img\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\"><path d=\"{path}\" \
         fill=\"#0072b2\"/><g font-family=\"sans-serif\" font-size=\"12\"><text x=\"0\" y=\"{below}\">0</text><text \
         x=\"{WIDTH}\" y=\"{below}\" text-anchor=\"end\">{largest}</text><text x=\"256\" y=\"12\" \
         text-anchor=\"middle\">{most} pixels at most</text></g></svg>"
    )
}
