//! Numbers with a unit, such as "5 mW": read in the unit of their key.

/// Units of one kind, each with the power of ten that it is of the first.
type Family = &'static [(&'static str, i32)];

const LENGTHS: Family = &[("nm", 0), ("um", 3), ("mm", 6), ("cm", 7), ("m", 9)];
const TIMES: Family = &[
    ("fs", 0),
    ("ps", 3),
    ("ns", 6),
    ("us", 9),
    ("ms", 12),
    ("s", 15),
];
const RATES: Family = &[("Hz", 0), ("kHz", 3), ("MHz", 6), ("GHz", 9)];
const POWERS: Family = &[("nW", 0), ("uW", 3), ("mW", 6), ("W", 9), ("kW", 12)];
const IRRADIANCES: Family = &[
    ("mW/cm^2", 0),
    ("W/cm^2", 3),
    ("kW/cm^2", 6),
    ("MW/cm^2", 9),
];

/// The units that a value may have whose key has this one; the key's own alone where it has no
/// others.
fn family(unit: &'static str) -> Vec<(&'static str, i32)> {
    let families = [LENGTHS, TIMES, RATES, POWERS, IRRADIANCES];
    let found = families
        .into_iter()
        .find(|family| family.iter().any(|(known, _)| *known == unit));
    found.map_or_else(|| vec![(unit, 0)], <[_]>::to_vec)
}

/// The names of the units that a value may have whose key has this one.
pub(super) fn units(unit: &'static str) -> Vec<&'static str> {
    family(unit).into_iter().map(|(name, _)| name).collect()
}

/// Reads a number with a unit, in the unit of its key; `None` where the text is none.
pub(super) fn parse(text: &str, unit: &'static str) -> Option<f64> {
    let text = text.trim();
    // The letter e may belong to the number, as in 5e-3 W: the longest number counts.
    let (number, found) = (1..text.len())
        .rev()
        .filter(|&end| text.is_char_boundary(end))
        .map(|end| text.split_at(end))
        .find_map(|(number, rest)| {
            let is_plain = number.ends_with(|c: char| c.is_ascii_digit() || c == '.' || c == ' ');
            let number = number.trim().replace('_', "");
            Some((
                number.parse::<f64>().ok().filter(|_| is_plain)?,
                rest.trim(),
            ))
        })?;
    // Two characters look like this one.
    let found = found.replace(['\u{b5}', '\u{3bc}'], "u");
    let family = family(unit);
    let power = |name: &str| family.iter().find(|(known, _)| *known == name);
    let ((_, from), (_, to)) = (power(&found)?, power(unit)?);
    // Powers of ten are exact; their inverses are not.
    let scaled = match from - to {
        power @ 0.. => number * 10f64.powi(power),
        power => number / 10f64.powi(-power),
    };
    scaled.is_finite().then_some(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_the_unit_of_their_key() {
        for (text, unit, value) in [
            ("5 mW", "W", 0.005),
            ("5e-3 W", "W", 0.005),
            ("50W", "W", 50.0),
            ("0.5 um", "nm", 500.0),
            ("0.5 \u{b5}m", "nm", 500.0),
            ("6.5\u{3bc}m", "nm", 6500.0),
            ("50 um", "um", 50.0),
            ("9 mm", "m", 0.009),
            ("10 us", "s", 1e-5),
            (" 1_000 ms ", "s", 1.0),
            ("100 fs", "s", 1e-13),
            ("80 MHz", "Hz", 8e7),
            ("2 kW/cm^2", "W/cm^2", 2000.0),
            ("3 photons", "photons", 3.0),
        ] {
            assert_eq!(parse(text, unit), Some(value), "{text}");
        }
        for (text, unit) in [
            ("5", "W"),
            ("mW", "W"),
            ("", "W"),
            ("5 s", "W"),
            ("5 mw", "W"),
            ("5 m W", "W"),
            ("1e999 W", "W"),
            ("nan W", "W"),
            ("five W", "W"),
            ("3 um", "photons"),
        ] {
            assert_eq!(parse(text, unit), None, "{text}");
        }
        assert_eq!(units("s"), ["fs", "ps", "ns", "us", "ms", "s"]);
        assert_eq!(units("photons"), ["photons"]);
    }
}
