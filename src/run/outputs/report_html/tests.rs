//! Parts of the page.

use super::{charts, escaped};

#[test]
fn text_cannot_become_markup() {
    assert_eq!(escaped("<b a=\"&\">µ"), "&lt;b a=&quot;&amp;&quot;&gt;µ");
}

#[test]
fn a_histogram_has_all_its_classes() {
    let mut counts = [0; 256];
    counts[0] = 999;
    counts[255] = 9;
    let chart = charts::histogram(&counts, 65_535);
    // The logarithm of 1000 is all of the height, that of 10 a third of it.
    assert!(chart.contains("M0 160V0.0H2V160.0H4"), "{chart}");
    assert!(chart.contains("V106.7H512V160Z"), "{chart}");
    assert!(chart.contains(">65535<") && chart.contains("999 pixels"));
    charts::histogram(&[0; 256], 255);
}
