//! Which columns of a table hold what, by their names.

use super::short;

/// What the first line has to be, for messages.
pub(super) const WANTED: &str = "its first line must name the columns: wavelength, excitation, emission \
     (or, as FPbase writes them, wavelength, NAME ex, NAME em)";

/// The columns to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// The names of all columns.
    pub names: Vec<String>,
    /// The place of the wavelengths.
    pub wavelength: usize,
    /// The place of the excitation, or of the absorption in its stead.
    pub excitation: usize,
    /// The place of the emission.
    pub emission: usize,
}

/// What a column's name says it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SpectrumColumn {
    Excitation,
    Absorption,
    Emission,
}

/// A dye's columns.
struct Dye {
    /// What stands before `ex` or `em`; empty where nothing does.
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

/// The dyes that columns belong to.
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

/// The dye that is meant: the only one, or the one of that name.
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

/// A name without what people write differently: capitals, blanks and signs.
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

/// The dye that a column belongs to, and what the column holds.
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

/// Lower case, single blanks, no unit.
fn plain(name: &str) -> String {
    let name = without_unit(name).to_lowercase().replace('_', " ");
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name without a unit in brackets at its end.
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
