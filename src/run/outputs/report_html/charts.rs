//! Charts as SVG.

use std::fmt::Write;

/// Most bars of a histogram.
const MOST_BARS: usize = 256;

/// Draws a histogram of pixels by their grey value, up to the brightest one that there is, in at
/// most 256 classes; its height is logarithmic, with a line at every power of ten.
pub(super) fn histogram(counts: &[u64]) -> String {
    const WIDTH: usize = 512;
    const HEIGHT: f64 = 160.0;
    const BELOW: f64 = 24.0;
    let brightest = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
    let width = (brightest + 1).div_ceil(MOST_BARS);
    let classes = counts[..=brightest].chunks(width);
    let counts: Vec<u64> = classes.map(|class| class.iter().sum()).collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let scale = HEIGHT / ((most + 1) as f64).log10();
    let mut path = format!("M0 {HEIGHT}");
    for (class, &count) in counts.iter().enumerate() {
        let top = HEIGHT - ((count + 1) as f64).log10() * scale;
        let right = (class + 1) * WIDTH / counts.len();
        let _ = write!(path, "V{top:.1}H{right}");
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
         x=\"{WIDTH}\" y=\"{below}\" text-anchor=\"end\">{brightest}</text><text x=\"256\" y=\"{below}\" \
         text-anchor=\"middle\">grey value</text><text x=\"{WIDTH}\" y=\"18\" text-anchor=\"end\">fullest class: {most} \
         pixels</text></g></svg>"
    )
}
