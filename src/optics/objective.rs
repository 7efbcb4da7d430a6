//! Objectives as they are engraved.

use std::fmt;
use std::str::FromStr;

/// Immersions with the letters and words by which they are engraved, the first as it is written,
/// and their refractive indices at 23 degrees Celsius and 589 nm.
const IMMERSIONS: [(&[&str], f64); 5] = [
    (&["", "air", "dry"], 1.0),
    (&["W", "water", "H2O"], 1.333),
    (&["S", "sil", "silicone"], 1.406),
    (&["G", "gly", "glyc", "glycerol"], 1.455),
    (&["O", "oil", "oel"], 1.518),
];

/// What is engraved on an objective: 60x/1.2W.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Engraving {
    /// Magnification, from 1 to 250.
    pub magnification: f64,
    /// Numerical aperture, above 0 and below the immersion's index.
    pub numerical_aperture: f64,
    /// Refractive index of the immersion.
    pub immersion_index: f64,
}

impl FromStr for Engraving {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            // What else is engraved stands before the magnification and behind the immersion.
            let is_times = |(at, c): &(usize, char)| {
                let digit = |c: char| c.is_ascii_digit();
                matches!(c, 'x' | 'X' | '\u{d7}') && text[..*at].trim_end().ends_with(digit)
            };
            let (at, times) = text.char_indices().find(is_times)?;
            let (before, rest) = (&text[..at], &text[at + times.len_utf8()..]);
            let magnification = before.split_whitespace().next_back()?;
            let rest = rest.trim().trim_start_matches('/').trim();
            let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ','));
            let (aperture, medium) = rest.split_at(end.unwrap_or(rest.len()));
            let medium = medium.trim().split([' ', '/', '-']).next()?;
            let is_it = |word: &&str| word.eq_ignore_ascii_case(medium);
            let (_, immersion_index) = IMMERSIONS
                .into_iter()
                .find(|(words, _)| words.iter().any(is_it))?;
            Some(Self {
                magnification: magnification.parse().ok()?,
                numerical_aperture: aperture.replace(',', ".").parse().ok()?,
                immersion_index,
            })
        };
        let found: Self = parse().ok_or(
            "an objective is its magnification, its aperture and its immersion, like 60x/1.2W, 100x/1.45O or 20x/0.8",
        )?;
        if !(found.magnification >= 1.0 && found.magnification <= 250.0) {
            return Err("objectives magnify 1 to 250 times".to_owned());
        }
        if !(found.numerical_aperture > 0.0 && found.numerical_aperture < found.immersion_index) {
            return Err(format!(
                "an aperture of {} needs an immersion of a higher index, and {text} has {}",
                found.numerical_aperture, found.immersion_index
            ));
        }
        Ok(found)
    }
}

impl fmt::Display for Engraving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_index = |(_, index): &(&[&str], f64)| *index == self.immersion_index;
        let letter = IMMERSIONS.into_iter().find(of_index);
        let letter = letter.map_or("", |(words, _)| words[0]);
        write!(
            f,
            "{}x/{}{letter}",
            self.magnification, self.numerical_aperture
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_are_read_as_they_are_engraved() {
        for (text, expected, written) in [
            ("60x/1.2W", [60.0, 1.2, 1.333], "60x/1.2W"),
            ("100X / 1.45 Oil", [100.0, 1.45, 1.518], "100x/1.45O"),
            ("20x0.8", [20.0, 0.8, 1.0], "20x/0.8"),
            ("30x/1.05S", [30.0, 1.05, 1.406], "30x/1.05S"),
            ("Plan Apo 60x/1.20 W", [60.0, 1.2, 1.333], "60x/1.2W"),
            ("XLPLN 25x/1.05 W", [25.0, 1.05, 1.333], "25x/1.05W"),
            ("63 x/1,4 Oil DIC M27", [63.0, 1.4, 1.518], "63x/1.4O"),
            ("25\u{d7}/1.05w/0.17", [25.0, 1.05, 1.333], "25x/1.05W"),
            ("16x 0.8 H2O dipping", [16.0, 0.8, 1.333], "16x/0.8W"),
        ] {
            let read: Engraving = text.parse().unwrap();
            let figures = [
                read.magnification,
                read.numerical_aperture,
                read.immersion_index,
            ];
            assert_eq!(figures, expected, "{text}");
            assert_eq!(read.to_string(), written);
        }
        for (text, word) in [
            ("60/1.2W", "like 60x"),
            ("60x", "like 60x"),
            ("60x/1.2K", "like 60x"),
            ("60x/1.2", "higher index"),
            ("0.5x/0.1", "1 to 250"),
            ("nanx/1.2W", "like 60x"),
        ] {
            let told = text.parse::<Engraving>().unwrap_err();
            assert!(told.contains(word), "{told}");
        }
    }
}
