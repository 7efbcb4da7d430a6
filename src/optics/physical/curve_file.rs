//! Curves of filters, mirrors and detectors from text files: a wavelength in nm and a share on each
//! line.

use std::path::Path;

use super::photons::Curve;
use crate::base::files;
use crate::optics::fluorophore::Spectrum;

impl Curve {
    /// Reads a CSV file of two columns, wavelength in nm and share from 0 to 1, in the order of the
    /// wavelengths; a first line of words is a header.
    ///
    /// # Errors
    /// What is wrong, with file and line, in a sentence.
    pub fn read(path: &Path) -> Result<Self, String> {
        let file = path.display();
        let bytes = files::read_text(path).map_err(|error| format!("{file}: {error}"))?;
        Self::parse(&bytes).map_err(|(line, problem)| format!("{file}:{line}: {problem}"))
    }

    /// Reads the bytes of such a file; an error has its line.
    fn parse(bytes: &[u8]) -> Result<Self, (u64, String)> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .comment(Some(b'#'));
        let (mut wavelengths, mut values) = (Vec::new(), Vec::new());
        for (row, record) in reader.from_reader(bytes).records().enumerate() {
            let record = record.map_err(|error| {
                let line = error.position().map_or(row as u64 + 1, |at| at.line());
                (line, "is no line of text".to_owned())
            })?;
            let line = record.position().map_or(row as u64 + 1, |at| at.line());
            let numbers: Vec<Option<f64>> = record.iter().map(|cell| cell.parse().ok()).collect();
            match numbers[..] {
                [Some(nm), Some(share)] if nm.is_finite() && (0.0..=1.0).contains(&share) => {
                    if wavelengths.last().is_some_and(|last| *last >= nm) {
                        let problem = format!(
                            "{nm} nm does not follow the wavelength before it; wavelengths must ascend"
                        );
                        return Err((line, problem));
                    }
                    wavelengths.push(nm);
                    values.push(share);
                }
                [Some(_), Some(share)] => {
                    let problem = format!(
                        "{share} is no share; a curve says which part of the light passes, from 0 to 1"
                    );
                    return Err((line, problem));
                }
                _ if row == 0 && numbers.iter().all(Option::is_none) => {}
                _ => {
                    let problem = "must be two numbers, a wavelength in nm and a share from 0 to 1";
                    return Err((line, problem.to_owned()));
                }
            }
        }
        if wavelengths.len() < 2 {
            return Err((1, "a curve needs two wavelengths or more".to_owned()));
        }
        let table = Spectrum::new(wavelengths, values).map_err(|error| (1, error.to_string()))?;
        Ok(Self::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_tables_with_or_without_a_header() {
        let table = |text: &str| Curve::parse(text.as_bytes());
        let plain = table("500,0\n510, 0.5\n520,1\n").unwrap();
        assert_eq!(
            table("\u{feff}nm,T\n# a comment\n500,0\n510,0.5\n520,1\n").unwrap(),
            plain
        );
        let wrong = [
            ("500,0\n490,1\n", 2, "ascend"),
            ("500,0\n510,97\n", 2, "from 0 to 1"),
            ("nm;T\n500;1\n", 2, "two numbers"),
            ("500,1\n", 1, "two wavelengths"),
            ("500,nan\n510,1\n", 1, "from 0 to 1"),
        ];
        for (text, line, word) in wrong {
            let (found, problem) = table(text).unwrap_err();
            assert!(
                found == line && problem.contains(word),
                "{text}: {found} {problem}"
            );
        }
    }
}
