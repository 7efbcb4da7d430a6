//! Columns of a table, told apart by their names.

use super::short;

/// Form of the first line, for messages.
pub(super) const WANTED: &str = "its first line must name the columns: wavelength, excitation, emission \
     (or, as FPbase writes them, wavelength, NAME ex, NAME em)";

/// Columns to read, by their index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// Names of all columns.
    pub names: Vec<String>,
    /// Index of the wavelengths.
    pub wavelength: usize,
    /// Index of the excitation, or of the absorption in its stead.
    pub excitation: usize,
    /// Index of the emission.
    pub emission: usize,
}

/// Content of a column, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SpectrumColumn {
    Excitation,
    Absorption,
    Emission,
}

/// Columns of one dye.
struct Dye {
    /// Text before `ex` or `em` in the columns' names; empty where there is none.
    name: String,
    columns: Vec<(SpectrumColumn, usize)>,
}

impl Columns {
    /// Finds the columns of the dye `name` in the first line of a table.
    ///
    /// # Errors
    /// A column is missing, or several could be meant; the message lists what there is.
    pub fn find(header: &csv::StringRecord, name: &str) -> Result<Self, String> {
        let names: Vec<String> = header.iter().map(short).collect();
        let listed = || format!("the columns are {names:?}");
        if names
            .iter()
            .all(|name| name.replace(',', ".").parse::<f64>().is_ok())
        {
            return Err(format!("starts with numbers; {WANTED}"));
        }
        let wavelengths: Vec<usize> = (0..names.len())
            .filter(|&column| is_wavelength(&names[column]))
            .collect();
        let wavelength = match wavelengths[..] {
            [column] => column,
            [] => {
                return Err(format!(
                    "no column is named wavelength; {}; {WANTED}",
                    listed()
                ));
            }
            _ => return Err(format!("several columns hold wavelengths; {}", listed())),
        };
        let dyes = dyes(&names);
        let dye = choose(&dyes, name).map_err(|why| format!("{why}; {}; {WANTED}", listed()))?;
        let one = |kind: SpectrumColumn| -> Result<Option<usize>, String> {
            let of_kind = dye.columns.iter().filter(|(found, _)| *found == kind);
            match of_kind.map(|&(_, column)| column).collect::<Vec<_>>()[..] {
                [] => Ok(None),
                [column] => Ok(Some(column)),
                [first, second, ..] => Err(format!(
                    "columns {:?} and {:?} could both be meant; keep one of them",
                    names[first], names[second]
                )),
            }
        };
        let missing = |what: &str| {
            let of = if dye.name.is_empty() {
                String::new()
            } else {
                format!(" of {}", dye.name)
            };
            format!("no column holds the {what}{of}; {}; {WANTED}", listed())
        };
        let excitation = match one(SpectrumColumn::Excitation)? {
            Some(column) => Some(column),
            None => one(SpectrumColumn::Absorption)?,
        };
        let excitation = excitation.ok_or_else(|| missing("excitation"))?;
        let emission = one(SpectrumColumn::Emission)?.ok_or_else(|| missing("emission"))?;
        Ok(Self {
            names,
            wavelength,
            excitation,
            emission,
        })
    }
}

/// Groups columns by the dyes that they belong to.
fn dyes(names: &[String]) -> Vec<Dye> {
    let mut dyes: Vec<Dye> = Vec::new();
    for (column, name) in names.iter().enumerate() {
        let Some((prefix, kind)) = kind_of(name) else {
            continue;
        };
        match dyes
            .iter_mut()
            .find(|dye| letters(&dye.name) == letters(&prefix))
        {
            Some(dye) => dye.columns.push((kind, column)),
            None => dyes.push(Dye {
                name: prefix,
                columns: vec![(kind, column)],
            }),
        }
    }
    dyes
}

/// Picks the only dye, or the one of that name.
fn choose<'d>(dyes: &'d [Dye], name: &str) -> Result<&'d Dye, String> {
    match dyes {
        [] => return Err("no column holds an excitation or emission".to_owned()),
        [dye] => return Ok(dye),
        _ => {}
    }
    let exact = dyes.iter().find(|dye| dye.name == name);
    let similar = || dyes.iter().find(|dye| letters(&dye.name) == letters(name));
    exact.or_else(similar).ok_or_else(|| {
        let names: Vec<&str> = dyes.iter().map(|dye| dye.name.as_str()).collect();
        format!(
            "the table holds several dyes ({}) and none of them is {name:?}: name the dye like its columns, or \
             remove the others",
            names.join(", ")
        )
    })
}

/// Reduces a name to its letters and digits, in lower case.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn is_wavelength(name: &str) -> bool {
    let words = plain(name);
    // The spectra viewer of FPbase calls the wavelengths "Category".
    let known = [
        "wavelength",
        "wavelengths",
        "wavelength nm",
        "nm",
        "lambda",
        "λ",
        "wl",
        "category",
    ];
    known.contains(&words.as_str())
}

/// Returns the dye that a column belongs to, and the column's content.
fn kind_of(name: &str) -> Option<(String, SpectrumColumn)> {
    let name = without_unit(name);
    let last = name.rsplit([' ', '_', '-', '.']).next()?;
    let kind = match last.to_lowercase().as_str() {
        "ex" | "exc" | "excitation" => SpectrumColumn::Excitation,
        "ab" | "abs" | "absorption" | "absorbance" => SpectrumColumn::Absorption,
        "em" | "emi" | "emission" => SpectrumColumn::Emission,
        _ => return None,
    };
    let prefix = &name[..name.len() - last.len()];
    Some((
        prefix.trim_end_matches([' ', '_', '-', '.']).to_owned(),
        kind,
    ))
}

/// Puts a name into lower case, with single blanks and no unit.
fn plain(name: &str) -> String {
    let name = without_unit(name).to_lowercase().replace('_', " ");
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cuts a unit in brackets off the end of a name.
fn without_unit(name: &str) -> &str {
    for (open, close) in [('(', ')'), ('[', ']')] {
        if let Some(inner) = name.strip_suffix(close)
            && let Some(start) = inner.rfind(open)
        {
            return name[..start].trim_end();
        }
    }
    name
}
