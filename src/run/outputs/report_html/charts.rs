//! Charts as SVG.

use std::fmt::Write;

/// Draws a histogram of 256 classes of grey values up to `largest`; its height is logarithmic, with
/// a line at every power of ten.
pub(super) fn histogram(counts: &[u64; 256], largest: u32) -> String {
    const WIDTH: usize = 512;
    const HEIGHT: f64 = 160.0;
    const BELOW: f64 = 24.0;
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let scale = HEIGHT / ((most + 1) as f64).log10();
    let mut path = format!("M0 {HEIGHT}");
    for (class, &count) in counts.iter().enumerate() {
        let top = HEIGHT - ((count + 1) as f64).log10() * scale;
        let left = class * WIDTH / 256;
        let _ = write!(path, "V{top:.1}H{}", left + WIDTH / 256);
    }
    let _ = write!(path, "V{HEIGHT}Z");
    let mut powers = String::new();
    for power in (1..20)
        .map(|exponent| 10u64.pow(exponent))
        .take_while(|&power| power <= most)
    {
        let y = HEIGHT - ((power + 1) as f64).log10() * scale;
        let _ = write!(powers, "M0 {y:.1}H{WIDTH}");
    }
    let height = HEIGHT + BELOW;
    let below = HEIGHT + 18.0;
    format!(
        "<svg role=\"img\" aria-label=\"histogram\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\"><path d=\"{path}\" \
         fill=\"#0072b2\"/><path d=\"{powers}\" stroke=\"#8888\"/><g font-family=\"sans-serif\" font-size=\"18\"><text x=\"0\" y=\"{below}\">0</text><text \
         x=\"{WIDTH}\" y=\"{below}\" text-anchor=\"end\">{largest}</text><text x=\"256\" y=\"{below}\" \
         text-anchor=\"middle\">grey value</text><text x=\"{WIDTH}\" y=\"18\" text-anchor=\"end\">fullest class: {most} \
         pixels</text></g></svg>"
    )
}
