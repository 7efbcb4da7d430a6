//! Parts of the page.

use super::{charts, escaped};

#[test]
fn text_cannot_become_markup() {
    assert_eq!(escaped("<b a=\"&\">µ"), "&lt;b a=&quot;&amp;&quot;&gt;µ");
}

#[test]
fn a_histogram_has_all_its_classes() {
    let mut counts = vec![0; 65_536];
    counts[0] = 999;
    counts[255] = 9;
    let chart = charts::histogram(&counts);
    // The logarithm of 1000 is all of the height, that of 10 a third of it.
    assert!(chart.contains("M0 160V0.0H2V160.0H4"), "{chart}");
    assert!(chart.contains("V106.7H512V160Z"), "{chart}");
    // It ends at the brightest pixel.
    assert!(chart.contains(">255<") && chart.contains("999 pixels"));
    // Of more values several share a bar, and none is left out.
    counts[1000] = 99;
    let chart = charts::histogram(&counts);
    assert!(
        chart.contains(">1000<") && chart.contains("V53.3H512V160Z"),
        "{chart}"
    );
    // Few values have wide bars.
    let chart = charts::histogram(&[9, 0, 99, 0]);
    assert!(
        chart.contains("M0 160V80.0H170V160.0H341V0.0H512"),
        "{chart}"
    );
    charts::histogram(&[0; 256]);
}
