//! Spectra in a text table: a line that names the columns, then a line per wavelength.
//!
//! One column holds wavelengths in nm, one the excitation (or the absorption, which stands for it),
//! one the emission. FPbase's tables are such tables; there a column's name starts with its dye
//! (`EGFP ex`), and several dyes may share a table. A blank cell says that nothing was measured
//! there: a spectrum reaches from its first cell to its last, and is straight across gaps. Columns
//! are separated by commas, or by semicolons or tabs, and with the latter two a number may have a
//! decimal comma, as spreadsheets write it in much of Europe.

mod columns;
#[cfg(test)]
mod tests;

use super::{Spectrum, SpectrumError, ULTRAVIOLET_NM};
use columns::Columns;

/// Largest share of the maximum by which a value may be negative and counts as 0: a background that
/// was subtracted leaves noise about zero. Values beyond it are refused.
const NEGATIVE_NOISE: f64 = 0.05;

/// Wavelengths that a table may hold, in nm; any others are in another unit.
const WAVELENGTHS_NM: std::ops::RangeInclusive<f64> = 100.0..=3000.0;

/// Error in a table of spectra.
#[derive(Clone, Debug, PartialEq)]
pub struct TableProblem {
    /// Line of the error, from 1; `None` where the table as a whole is meant.
    pub line: Option<usize>,
    /// Column, value found, and what would be right.
    pub message: String,
}

impl TableProblem {
    fn whole(message: impl Into<String>) -> Self {
        Self {
            line: None,
            message: message.into(),
        }
    }

    fn at(line: usize, message: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            message: message.into(),
        }
    }
}

/// Excitation and emission of a dye, normalised like the built-in dyes.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectra {
    /// Excitation relative to its maximum above 300 nm.
    pub excitation: Spectrum,
    /// Emission relative to its maximum.
    pub emission: Spectrum,
}

/// Number of a column, and the line it was read from.
#[derive(Clone, Copy, Debug)]
struct TableSample {
    line: usize,
    wavelength_nm: f64,
    value: f64,
}

impl Spectra {
    /// Reads the spectra of the dye `name` from a table. Of a table of several dyes it takes the
    /// columns that start with the name.
    ///
    /// # Errors
    /// The bytes are no such table, a column is missing or cannot be told from others, or a cell is
    /// wrong.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, TableProblem> {
        let text = text_of(bytes)?;
        let separator = separator_of(&text);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(text.as_bytes());
        let mut record = csv::StringRecord::new();
        let mut next = |record: &mut csv::StringRecord| match reader.read_record(record) {
            // The reader stands behind the line's end, on the next one.
            Ok(more) => Ok(more.then(|| reader.position().line() as usize - 1)),
            Err(error) => Err(TableProblem::whole(error.to_string())),
        };
        let Some(header) = next(&mut record)? else {
            return Err(TableProblem::whole(format!(
                "is empty; {}",
                columns::WANTED
            )));
        };
        let columns = Columns::find(&record, name).map_err(|why| TableProblem::at(header, why))?;
        let (mut excitation, mut emission) = (Vec::new(), Vec::new());
        while let Some(line) = next(&mut record)? {
            let cells = LineCells {
                line,
                record: &record,
                columns: &columns,
                decimal_comma: separator != b',',
            };
            cells.check_length()?;
            let values = [columns.excitation, columns.emission].map(|column| cells.number(column));
            let [ex, em] = values;
            let values = [ex?, em?];
            let Some(wavelength_nm) = cells.wavelength_nm(&values)? else {
                continue;
            };
            for (samples, value) in [&mut excitation, &mut emission].into_iter().zip(values) {
                samples.extend(value.map(|value| TableSample {
                    line,
                    wavelength_nm,
                    value,
                }));
            }
        }
        let name_of = |column: usize| columns.names[column].as_str();
        Ok(Self {
            excitation: spectrum(excitation, name_of(columns.excitation), ULTRAVIOLET_NM)?,
            emission: spectrum(emission, name_of(columns.emission), 0.0)?,
        })
    }
}

/// Cells of one line.
struct LineCells<'t> {
    line: usize,
    record: &'t csv::StringRecord,
    columns: &'t Columns,
    decimal_comma: bool,
}

impl LineCells<'_> {
    /// Refuses more cells than columns: as a rule they come from decimal commas.
    fn check_length(&self) -> Result<(), TableProblem> {
        let columns = self.columns.names.len();
        let found = self.record.len();
        if self.record.iter().skip(columns).all(str::is_empty) {
            return Ok(());
        }
        let hint = if self.decimal_comma {
            ""
        } else {
            "; numbers with decimal commas need semicolons between the columns"
        };
        Err(TableProblem::at(
            self.line,
            format!("has {found} cells, but the first line names {columns} columns{hint}"),
        ))
    }

    fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or("")
    }

    /// Reads the number in a cell; `None` where it is blank.
    fn number(&self, column: usize) -> Result<Option<f64>, TableProblem> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let with_point;
        let plain = if self.decimal_comma && !text.contains('.') {
            with_point = text.replacen(',', ".", 1);
            &with_point
        } else {
            text
        };
        match plain.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.wrong(
                column,
                "must be a number, or blank where nothing was measured",
            )),
        }
    }

    /// Reads the line's wavelength; `None` for a line without any number.
    fn wavelength_nm(&self, values: &[Option<f64>; 2]) -> Result<Option<f64>, TableProblem> {
        let column = self.columns.wavelength;
        match self.number(column)? {
            Some(nm) if WAVELENGTHS_NM.contains(&nm) => Ok(Some(nm)),
            None if values.iter().all(Option::is_none) => Ok(None),
            _ => {
                let [low, high] = [WAVELENGTHS_NM.start(), WAVELENGTHS_NM.end()];
                Err(self.wrong(
                    column,
                    &format!("must be a wavelength in nm, {low} to {high}"),
                ))
            }
        }
    }

    fn wrong(&self, column: usize, expected: &str) -> TableProblem {
        let (name, found) = (&self.columns.names[column], short(self.text(column)));
        TableProblem::at(self.line, format!("column {name:?}: {found:?} {expected}"))
    }
}

/// Makes a spectrum of a column, its largest value at or above `low_nm` set to 1.
fn spectrum(
    mut samples: Vec<TableSample>,
    column: &str,
    low_nm: f64,
) -> Result<Spectrum, TableProblem> {
    let wrong = |line, what: String| TableProblem {
        line,
        message: format!("column {column:?}: {what}"),
    };
    samples.sort_by(|a, b| a.wavelength_nm.total_cmp(&b.wavelength_nm));
    for pair in samples.windows(2) {
        if pair[0].wavelength_nm == pair[1].wavelength_nm {
            let (nm, first) = (pair[0].wavelength_nm, pair[0].line);
            let what =
                format!("{nm} nm was given before, in line {first}; each wavelength has one value");
            return Err(wrong(Some(pair[1].line), what));
        }
    }
    let maximum = samples
        .iter()
        .map(|sample| sample.value)
        .fold(0.0, f64::max);
    for sample in &mut samples {
        if sample.value < -NEGATIVE_NOISE * maximum {
            let what = format!(
                "{} must be 0 or more (noise down to -{} per cent of the maximum counts as 0)",
                sample.value,
                100.0 * NEGATIVE_NOISE
            );
            return Err(wrong(Some(sample.line), what));
        }
        sample.value = sample.value.max(0.0);
    }
    let (wavelengths_nm, values) = samples
        .iter()
        // Dividing by the maximum keeps sums of the largest numbers finite.
        .map(|sample| (sample.wavelength_nm, sample.value / maximum))
        .unzip();
    let spectrum = match Spectrum::new(wavelengths_nm, values) {
        Ok(spectrum) => spectrum,
        Err(SpectrumError::TooShort(found)) => {
            let what = format!("has {found} value(s); a spectrum needs at least 2");
            return Err(wrong(None, what));
        }
        Err(_) => return Err(wrong(None, "has no value above 0".to_owned())),
    };
    let spectrum = spectrum.normalised_above(low_nm);
    if spectrum.values().iter().all(|value| value.is_finite()) {
        Ok(spectrum)
    } else {
        let what = format!("next to nothing at {low_nm} nm and above, where its maximum is sought");
        Err(wrong(None, what))
    }
}

/// Decodes a file to text with `
/// ` at the end of every line.
fn text_of(bytes: &[u8]) -> Result<String, TableProblem> {
    let wanted = "save the table as CSV (text, UTF-8)";
    let refuse = |what: &str| Err(TableProblem::whole(format!("is {what}; {wanted}")));
    match bytes {
        [b'P', b'K', 3, 4, ..] => return refuse("an Excel workbook or another zip archive"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => return refuse("an old Excel workbook"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return refuse("UTF-16 text"),
        _ if bytes.contains(&0) => return refuse("not text"),
        _ => {}
    }
    // Numbers are ASCII: names of columns in an older encoding do no harm.
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.push('\n');
    Ok(text)
}

/// Finds the separator of columns in the line that names them.
fn separator_of(text: &str) -> u8 {
    let header = text
        .lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .unwrap_or("");
    // Semicolons and tabs in names of columns are rarer than commas.
    let separators = [b';', b'\t'].into_iter();
    let found = separators.map(|separator| {
        (
            header.bytes().filter(|&b| b == separator).count(),
            separator,
        )
    });
    match found.max() {
        Some((count, separator)) if count > 0 => separator,
        _ => b',',
    }
}

/// Cuts a long text to its beginning.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}
