//! Units of length as programs spell them.

/// Nanometres of a unit; `None` for what is no length, such as a pixel.
pub(super) fn nanometres(unit: &str) -> Option<f64> {
    let unit = unit.trim().trim_matches('\0').to_lowercase();
    Some(match unit.as_str() {
        // The micro sign, the Greek letter, both as Java escapes them, and as UTF-8 that was taken
        // for Latin-1.
        "um" | "\u{b5}m" | "\u{3bc}m" | "\\u00b5m" | "\\u03bcm" | "\u{c2}\u{b5}m"
        | "\u{e2}\u{b5}m" | "\u{ce}\u{bc}m" | "\u{ee}\u{bc}m" | "micron" | "microns"
        | "micrometer" | "micrometers" | "micrometre" | "micrometres" => 1e3,
        "nm" | "nanometer" | "nanometers" | "nanometre" | "nanometres" => 1.0,
        "pm" | "picometer" | "picometre" => 1e-3,
        "\u{e5}" | "\u{212b}" | "angstrom" | "angstroms" | "\u{e5}ngstr\u{f6}m" => 0.1,
        "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => 1e6,
        "cm" | "centimeter" | "centimeters" | "centimetre" | "centimetres" => 1e7,
        "in" | "inch" | "inches" | "\"" => 2.54e7,
        "m" | "meter" | "meters" | "metre" | "metres" => 1e9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::nanometres;

    #[test]
    fn every_spelling_of_a_micrometre_is_one() {
        for unit in [
            "um",
            "UM",
            "\u{b5}m",
            "\u{3bc}m",
            "\\u00B5m",
            "\\u03BCm",
            "micron",
            "Microns",
            "micrometer",
            "micrometre",
            "\u{c2}\u{b5}m",
            " um\0",
        ] {
            assert_eq!(nanometres(unit), Some(1e3), "{unit:?}");
        }
        for (unit, nm) in [
            ("nm", Some(1.0)),
            ("mm", Some(1e6)),
            ("inch", Some(2.54e7)),
            ("\u{212b}", Some(0.1)),
            ("pixel", None),
            ("", None),
        ] {
            assert_eq!(nanometres(unit), nm, "{unit:?}");
        }
    }
}
