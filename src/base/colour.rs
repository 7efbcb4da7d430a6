//! Colours of wavelengths and of cells.

/// Converts the light of a wavelength in nm to sRGB, as bright as a screen shows it.
///
/// The eye's response is that of C. Wyman, P.-P. Sloan and P. Shirley, "Simple analytic
/// approximations to the CIE XYZ color matching functions" (Journal of Computer Graphics Techniques
/// 2, 2013). No screen shows the purity of spectral light: components outside sRGB are cut off, and
/// the rest is scaled to full brightness. Light that the eye does not see has the colour of the
/// visible light nearest to it: violet, or red.
#[must_use]
pub fn of_wavelength(nm: f64) -> [u8; 3] {
    // Beyond these the response is near 0, where the approximation's hue means nothing.
    let nm = if nm.is_finite() {
        nm.clamp(410.0, 670.0)
    } else {
        670.0
    };
    let lobe = |height: f64, peak: f64, below: f64, above: f64| {
        let width = if nm < peak { below } else { above };
        height * (-0.5 * ((nm - peak) / width).powi(2)).exp()
    };
    let x = lobe(1.056, 599.8, 37.9, 31.0) + lobe(0.362, 442.0, 16.0, 26.7)
        - lobe(0.065, 501.1, 20.4, 26.2);
    let y = lobe(0.821, 568.8, 46.9, 40.5) + lobe(0.286, 530.9, 16.3, 31.1);
    let z = lobe(1.217, 437.0, 11.8, 36.0) + lobe(0.681, 459.0, 26.0, 13.8);
    // IEC 61966-2-1: from XYZ to linear red, green and blue, and the screen's curve.
    let linear = [
        3.2406 * x - 1.5372 * y - 0.4986 * z,
        -0.9689 * x + 1.8758 * y + 0.0415 * z,
        0.0557 * x - 0.2040 * y + 1.0570 * z,
    ]
    .map(|part| part.max(0.0));
    let brightest = linear.into_iter().fold(f64::MIN_POSITIVE, f64::max);
    linear.map(|part| {
        let part = part / brightest;
        let encoded = if part <= 0.003_130_8 {
            12.92 * part
        } else {
            1.055 * part.powf(1.0 / 2.4) - 0.055
        };
        (255.0 * encoded).round() as u8
    })
}

/// Picks a bright colour for a cell, unlike those of the cells before it; black for 0, the
/// background.
///
/// Hues are steps of the golden ratio around the circle, which keeps any run of them apart; three
/// shades in turn help where hues come close.
#[must_use]
pub fn of_cell(index: usize) -> [u8; 3] {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    const SHADES: [(f64, f64); 3] = [(0.75, 1.0), (1.0, 0.95), (0.5, 0.9)];
    if index == 0 {
        return [0; 3];
    }
    let hue = (index as f64 * GOLDEN).fract() * 6.0;
    let (saturation, value) = SHADES[index % SHADES.len()];
    // From hue, saturation and value: each part is full within a sixth of the circle on either side
    // of its own hue, and falls to nothing over the next.
    [0.0, 2.0, 4.0].map(|own: f64| {
        let away = (hue - own).abs();
        let away = away.min(6.0 - away);
        let part = (2.0 - away).clamp(0.0, 1.0);
        (255.0 * value * (1.0 - saturation * (1.0 - part))).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::{of_cell, of_wavelength};

    #[test]
    fn wavelengths_have_the_colours_that_people_know() {
        for (nm, [red, green, blue]) in [
            (405.0, [true, false, true]),
            (450.0, [false, false, true]),
            (490.0, [false, true, true]),
            (525.0, [false, true, false]),
            (580.0, [true, true, false]),
            (650.0, [true, false, false]),
        ] {
            let found = of_wavelength(nm);
            let lit = found.map(|part| part > 90);
            assert_eq!(lit, [red, green, blue], "{nm} nm: {found:?}");
        }
        // Orange has less green than yellow.
        assert!(of_wavelength(610.0)[1] < of_wavelength(580.0)[1]);
    }

    #[test]
    fn all_light_is_bright() {
        for nm in (0..3000)
            .map(f64::from)
            .chain([-1.0, 1e9, f64::NAN, f64::INFINITY])
        {
            assert_eq!(of_wavelength(nm).into_iter().max(), Some(255), "{nm}");
        }
        assert_eq!(of_wavelength(300.0), of_wavelength(380.0));
        assert_eq!(of_wavelength(900.0), [255, 0, 0]);
        let [red, green, blue] = of_wavelength(350.0);
        assert!(green == 0 && red > 60 && red < blue, "violet");
    }

    #[test]
    fn cells_are_bright_and_unlike() {
        assert_eq!(of_cell(0), [0; 3]);
        let colours: Vec<_> = (1..256).map(of_cell).collect();
        let apart = |a: [u8; 3], b: [u8; 3]| -> i32 {
            std::iter::zip(a, b)
                .map(|(a, b)| (i32::from(a) - i32::from(b)).abs())
                .sum()
        };
        for (index, &colour) in colours.iter().enumerate() {
            assert!(colour.into_iter().max() >= Some(225), "{colour:?}");
            for (other, &earlier) in colours[..index].iter().enumerate() {
                let least = if index - other <= 8 { 60 } else { 1 };
                assert!(apart(colour, earlier) >= least, "{other} and {index}");
            }
        }
        assert_ne!(of_cell(usize::MAX), [0; 3]);
    }
}
