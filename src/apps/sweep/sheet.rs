//! The contact sheet: the same piece of tissue in every cell of the grid, at one scale of tissue.

use super::cell::{Slice, SliceChannel};
use super::{Sweep, SweepFile};
use crate::base::choice::choice;
use crate::config::Axis;
use crate::show::picture::{Contrast, Paint, Picture, PixelSize, Samples, ScaleBar, compose};

/// Longest side of a cell on the sheet, in pixels.
const SIDE: f64 = 240.0;

/// Pixels between cells.
const GAP: usize = 6;

/// Size of the letters, in pixels.
const LETTERS: f64 = 13.0;

choice! {
    /// Which cells share their contrast.
    pub enum SharedContrast {
        /// Those of a column: the same value of the last axis.
        Column = "column",
        /// All.
        All = "all",
        /// None: each has its own.
        None = "none",
    }
}

/// Columns of the grid: the values of the last axis.
pub(super) fn columns(axes: &[Axis]) -> usize {
    axes.last().map_or(1, |axis| axis.values.len().max(1))
}

/// What stands beside a row: the values of all axes but the last.
pub(super) fn row_label(file: &SweepFile, row: usize) -> String {
    let first = file.cells.get(row * columns(&file.axes));
    let settings = first.map_or(&[][..], |cell| &cell.settings);
    let last = file.axes.len().saturating_sub(1);
    super::in_words(&file.axes[..last], &settings[..last.min(settings.len())])
}

/// What stands above a column: the value of the last axis.
pub(super) fn column_label(file: &SweepFile, column: usize) -> String {
    let axis = file.axes.last();
    let value = axis.and_then(|axis| Some((axis, axis.values.get(column)?)));
    value.map_or_else(String::new, |(axis, value)| {
        format!("{} = {value}", axis.key)
    })
}

/// How the pictures of a sweep are drawn: contrasts of their channels, by groups of cells.
pub(super) struct Drawing<'a> {
    sweep: &'a Sweep,
    shared: SharedContrast,
    contrasts: Vec<Vec<Contrast>>,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(sweep: &'a Sweep, shared: SharedContrast) -> Self {
        let mut drawing = Self {
            sweep,
            shared,
            contrasts: Vec::new(),
        };
        let count = sweep.slices.len();
        let channels = sweep.slices.iter().map(|slice| slice.channels.len()).max();
        let groups = (0..count).map(|number| drawing.group(number)).max();
        let of_group = |of: usize| {
            let of_channel = |channel: usize| {
                let cells = (0..count).filter(|number| drawing.group(*number) == of);
                let channels =
                    cells.filter_map(|number| sweep.slices[number].channels.get(channel));
                let grey = channels.flat_map(|channel| channel.grey());
                Contrast::automatic(&Samples::U16(grey.collect()))
            };
            (0..channels.unwrap_or(0)).map(of_channel).collect()
        };
        drawing.contrasts = (0..groups.map_or(0, |last| last + 1))
            .map(of_group)
            .collect();
        drawing
    }

    fn group(&self, number: usize) -> usize {
        match self.shared {
            SharedContrast::Column => number % columns(&self.sweep.file.axes),
            SharedContrast::All => 0,
            SharedContrast::None => number,
        }
    }

    /// The picture of a cell: all are of one size, `side` pixels long, and of one scale of tissue.
    pub(super) fn picture(&self, number: usize, side: f64) -> Option<Picture> {
        let slice = self.sweep.slices.get(number)?;
        let greys: Vec<Vec<u16>> = slice.channels.iter().map(SliceChannel::grey).collect();
        let painted = painted(slice, &greys, &self.contrasts[self.group(number)]);
        let [high, wide] = size(self.sweep, side);
        let [rows, columns] = {
            let largest = tissue_nm(self.sweep);
            let share = |axis: usize, of: usize| {
                let pixels = slice.size_nm[axis] / largest[axis] * of as f64;
                (pixels.round() as usize).clamp(1, of)
            };
            [share(0, high), share(1, wide)]
        };
        let reduced = painted.reduced(rows.min(slice.rows), columns.min(slice.columns));
        // Pixels may not divide the piece: what they leave out is black.
        let mut picture = Picture::new(high, wide, [0; 3]);
        picture.place(&reduced.nearest(rows, columns), 0, 0);
        Some(picture)
    }
}

fn painted(slice: &Slice, greys: &[Vec<u16>], contrasts: &[Contrast]) -> Picture {
    let alone = slice.channels.len() == 1;
    let samples: Vec<Samples> = greys
        .iter()
        .map(|grey| Samples::U16(grey.clone()))
        .collect();
    let layers = std::iter::zip(&slice.channels, std::iter::zip(&samples, contrasts));
    let layers: Vec<(&Samples, Paint)> = layers
        .map(|(channel, (samples, contrast))| {
            let colour = if alone { [255; 3] } else { channel.colour };
            let contrast = *contrast;
            (samples, Paint::Light { colour, contrast })
        })
        .collect();
    let rgb = compose(&layers, slice.rows * slice.columns);
    let black = || Picture::new(slice.rows, slice.columns, [0; 3]);
    Picture::from_rgb(slice.rows, slice.columns, rgb).unwrap_or_else(black)
}

/// Size of the tissue of a slice, in nm: that of the largest, as pixels do not divide it evenly.
fn tissue_nm(sweep: &Sweep) -> [f64; 2] {
    let sizes = sweep.slices.iter().map(|slice| slice.size_nm);
    sizes.fold([1.0, 1.0], |[x, y], [other_x, other_y]| {
        [x.max(other_x), y.max(other_y)]
    })
}

/// Rows and columns of a picture whose longer side has so many pixels.
fn size(sweep: &Sweep, side: f64) -> [usize; 2] {
    let nm = tissue_nm(sweep);
    let longer = nm[0].max(nm[1]);
    nm.map(|nm| ((nm / longer * side).round() as usize).max(1))
}

/// The bar of a picture of so many columns.
pub(super) fn scale_bar(sweep: &Sweep, columns: usize) -> Option<ScaleBar> {
    let nm = tissue_nm(sweep)[1] / columns.max(1) as f64;
    let size = PixelSize {
        gel_nm: [nm; 3],
        expansion: None,
    };
    ScaleBar::new(&size, 1.0, columns as f64 / 2.0)
}

/// Draws the sheet: values of the last axis above the columns, those of the others above each row,
/// and one scale bar below.
#[must_use]
pub fn sheet(sweep: &Sweep, contrast: SharedContrast) -> Picture {
    let file = &sweep.file;
    let drawing = Drawing::new(sweep, contrast);
    let [high, wide] = size(sweep, SIDE);
    let columns = columns(&file.axes);
    let rows = sweep.slices.len().div_ceil(columns);
    let line = (LETTERS * 1.8) as usize;
    // Labels may be wider than a cell.
    let labels =
        (0..columns).map(|column| Picture::text_width(&column_label(file, column), LETTERS));
    let pitch = labels.fold(wide as f64, f64::max).ceil() as usize + GAP;
    let row_labels = (0..rows).map(|row| Picture::text_width(&row_label(file, row), LETTERS));
    let widest = row_labels.fold(0.0, f64::max).ceil() as usize + 2 * GAP;
    let bar = scale_bar(sweep, wide);
    let bar_words = bar.as_ref().map_or(0.0, |bar| {
        bar.pixels.max(Picture::text_width(&bar.label, LETTERS))
    });
    let total = (GAP + columns * pitch)
        .max(widest)
        .max(bar_words as usize + 2 * GAP);
    let (ink, ground) = ([0; 3], [255; 3]);
    let mut sheet = Picture::new(
        line * (2 + rows) + rows * (high + GAP) + line,
        total,
        ground,
    );
    for column in 0..columns {
        let label = column_label(file, column);
        sheet.write(
            &label,
            GAP as f64,
            (GAP + column * pitch) as f64,
            LETTERS,
            ink,
        );
    }
    let mut top = line;
    for row in 0..rows {
        let above = (line as f64 - LETTERS) / 2.0;
        sheet.write(
            &row_label(file, row),
            top as f64 + above,
            GAP as f64,
            LETTERS,
            ink,
        );
        top += line;
        for column in 0..columns {
            if let Some(picture) = drawing.picture(row * columns + column, SIDE) {
                sheet.place(&picture, top, GAP + column * pitch);
            }
        }
        top += high + GAP;
    }
    if let Some(bar) = bar {
        let from = GAP + 2;
        sheet.fill(
            top + 2..top + 6,
            from..from + bar.pixels.round() as usize,
            ink,
        );
        sheet.write(&bar.label, (top + 8) as f64, from as f64, LETTERS, ink);
    }
    sheet
}
