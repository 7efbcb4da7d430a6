//! Spectra as text: a chart of braille patterns, which have two dots by four in each character.

use super::{ChannelBand, ticks, wavelengths_nm};
use crate::optics::fluorophore::{Fluorophore, Spectrum};

/// Characters left of the chart.
const MARGIN: usize = 6;

/// Lines of the chart.
const LINES: usize = 15;

/// Style of a chart on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalStyle {
    /// Characters per line; at least 40 are used.
    pub width: usize,
    /// True where escape codes colour the curves.
    pub coloured: bool,
}

/// Draws excitation (a line) and emission (filled) of a dye over the wavelength, and below them a
/// line per channel with its laser and its filter. Curves differ in more than their colour. Every
/// line ends in a newline.
pub fn terminal(dye: &Fluorophore, bands: &[ChannelBand], style: TerminalStyle) -> String {
    let columns = style.width.max(40) - MARGIN - 2;
    let range_nm = wavelengths_nm(dye, bands);
    let largest = dye.excitation.values().iter().copied().fold(1.0, f64::max);
    let mut canvas = BrailleChart::new(columns);
    let height = |value: f64| (value / largest * (4 * LINES - 1) as f64).round() as usize;
    for (i, heights) in canvas.sampled(&dye.emission, range_nm, height) {
        for j in (0..heights[1]).filter(|j| i % 2 == 0 && j % 4 == 1) {
            canvas.set(i, j, Curve::Emission);
        }
        canvas.column(i, heights, Curve::Emission);
    }
    for (i, heights) in canvas.sampled(&dye.excitation, range_nm, height) {
        canvas.column(i, heights, Curve::Excitation);
    }
    let mut text = format!(
        "{:MARGIN$}  {} excitation, peak {} nm    {} emission (filled), peak {} nm\n",
        "",
        Curve::Excitation.paint("──", style.coloured),
        dye.excitation_peak_nm(),
        Curve::Emission.paint("⠄⠄", style.coloured),
        dye.emission_peak_nm(),
    );
    let marks = ticks([0.0, largest], 5.0);
    for line in 0..LINES {
        let mark = marks
            .iter()
            .find(|&&value| LINES - 1 - height(value) / 4 == line);
        match mark {
            Some(value) => text += &format!("{value:>width$.1} ┤", width = MARGIN - 1),
            None => text += &format!("{:MARGIN$}│", ""),
        }
        canvas.write_line(line, style.coloured, &mut text);
        text.push('\n');
    }
    write_axis(range_nm, columns, &mut text);
    for band in bands {
        write_band(band, range_nm, columns, &mut text);
    }
    text
}

/// Curve of a spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Curve {
    Excitation,
    Emission,
}

impl Curve {
    fn paint(self, text: &str, coloured: bool) -> String {
        // Blue and yellow, which people tell apart however they see colours.
        let code = match self {
            Self::Excitation => 94,
            Self::Emission => 33,
        };
        if coloured {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Chart of dots, counted from the left and from below.
struct BrailleChart {
    columns: usize,
    /// Patterns of dots, and the curve that was drawn last, line by line.
    cells: Vec<(u8, Curve)>,
}

impl BrailleChart {
    fn new(columns: usize) -> Self {
        Self {
            columns,
            cells: vec![(0, Curve::Emission); columns * LINES],
        }
    }

    /// Returns the lowest and the highest dot of a spectrum in each column that it covers, so that
    /// steep curves hold together.
    fn sampled(
        &self,
        spectrum: &Spectrum,
        [low, high]: [f64; 2],
        height: impl Fn(f64) -> usize,
    ) -> Vec<(usize, [usize; 2])> {
        let dots = 2 * self.columns;
        let nm = |i: f64| low + (high - low) * i / dots as f64;
        let [first, last] = spectrum.range_nm();
        let inside = (0..dots).filter(|&i| (first..=last).contains(&nm(i as f64 + 0.5)));
        inside
            .map(|i| {
                let ends = [0.0, 0.5, 1.0].map(|part| nm(i as f64 + part).clamp(first, last));
                let heights = ends.map(|nm| height(spectrum.at(nm)));
                let least = heights.into_iter().min().unwrap_or(0);
                (i, [least, heights.into_iter().max().unwrap_or(0)])
            })
            .collect()
    }

    fn column(&mut self, i: usize, [low, high]: [usize; 2], curve: Curve) {
        for j in low..=high {
            self.set(i, j, curve);
        }
    }

    fn set(&mut self, i: usize, j: usize, curve: Curve) {
        const BITS: [[u8; 2]; 4] = [[0x40, 0x80], [0x04, 0x20], [0x02, 0x10], [0x01, 0x08]];
        let line = LINES - 1 - (j / 4).min(LINES - 1);
        if let Some(cell) = self.cells.get_mut(line * self.columns + i / 2) {
            cell.0 |= BITS[j % 4][i % 2];
            cell.1 = curve;
        }
    }

    fn write_line(&self, line: usize, coloured: bool, text: &mut String) {
        let cells = &self.cells[line * self.columns..][..self.columns];
        let used = cells
            .iter()
            .rposition(|cell| cell.0 != 0)
            .map_or(0, |last| last + 1);
        for group in cells[..used].chunk_by(|a, b| (a.1 == b.1) && (a.0 == 0) == (b.0 == 0)) {
            let drawn: String = group.iter().map(|cell| pattern(cell.0)).collect();
            let blank = group[0].0 == 0;
            *text += &group[0].1.paint(&drawn, coloured && !blank);
        }
    }
}

fn pattern(dots: u8) -> char {
    match dots {
        0 => ' ',
        _ => char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' '),
    }
}

/// Returns the column of a wavelength.
fn column(nm: f64, [low, high]: [f64; 2], columns: usize) -> usize {
    let place = (nm - low) / (high - low) * columns as f64;
    (place.max(0.0) as usize).min(columns - 1)
}

fn write_axis(range_nm: [f64; 2], columns: usize, text: &mut String) {
    let (mut line, mut numbers) = (vec!['─'; columns], vec![' '; columns]);
    for nm in ticks(range_nm, columns as f64 / 9.0) {
        let at = column(nm, range_nm, columns);
        line[at] = '┬';
        put(&mut numbers, at.saturating_sub(1), &format!("{nm}"));
    }
    *text += &format!("{:MARGIN$}└{}\n", "", line.iter().collect::<String>());
    let numbers: String = numbers.iter().collect();
    *text += &format!("{:>MARGIN$} {}\n", "nm", numbers.trim_end());
}

fn write_band(band: &ChannelBand, range_nm: [f64; 2], columns: usize, text: &mut String) {
    let mut line = vec![' '; columns];
    let [low, high] = band.filter_nm.map(|nm| column(nm, range_nm, columns));
    line[low..=high].fill('━');
    let laser = column(band.laser_nm, range_nm, columns);
    line[laser] = '▲';
    let label = band.label();
    let length = label.chars().count();
    let (right, left) = (laser.max(high) + 2, laser.min(low));
    if right + length <= columns {
        put(&mut line, right, &label);
    } else if length < left {
        put(&mut line, left - length - 1, &label);
    } else {
        // Beside so wide a band there is no room.
        *text += &format!("{:MARGIN$} {label}\n", "");
    }
    let line: String = line.iter().collect();
    *text += &format!("{:MARGIN$} {}\n", "", line.trim_end());
}

fn put(line: &mut [char], at: usize, text: &str) {
    for (place, c) in line.iter_mut().skip(at).zip(text.chars()) {
        *place = c;
    }
}
