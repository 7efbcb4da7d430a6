//! Text on pictures, in the font that the program carries.

use super::Picture;
use plotters::backend::BitMapBackend;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Magnification at which text is drawn before it is reduced, which puts letters between whole
/// pixels.
const FINER: usize = 4;

/// Rows above the corner of a line, where letters reach at times.
const ABOVE: usize = 8;

/// Returns the width of a line of text, in pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    if !crate::show::plot::font_is_there() {
        return 0.0;
    }
    let font = (crate::show::plot::FONT, size * FINER as f64).into_font();
    let wide = font.box_size(text).map_or(0, |(wide, _)| wide);
    f64::from(wide) / FINER as f64
}

/// Writes a line of text, its upper left corner at (row, column). A font that cannot be drawn
/// leaves the picture as it is: the picture means the same without words.
pub(super) fn write(
    picture: &mut Picture,
    text: &str,
    row: f64,
    column: f64,
    size: f64,
    colour: [u8; 3],
) {
    let (rows, columns) = (
        (2.0 * size).ceil() as usize + ABOVE,
        width(text, size).ceil() as usize + 2,
    );
    let Some(coverage) = coverage(text, size, rows, columns) else {
        return;
    };
    let top = row.round() as isize - ABOVE as isize;
    let left = column.round() as isize;
    for (i, line) in coverage.chunks_exact(columns).enumerate() {
        let Some(row) = top
            .checked_add_unsigned(i)
            .filter(|row| (0..picture.rows as isize).contains(row))
        else {
            continue;
        };
        for (j, &covered) in line.iter().enumerate() {
            let column = left.saturating_add_unsigned(j);
            if (0..picture.columns as isize).contains(&column) {
                let at = 3 * (row as usize * picture.columns + column as usize);
                for (ground, ink) in picture.rgb[at..at + 3].iter_mut().zip(colour) {
                    let mixed =
                        f32::from(*ground) + (f32::from(ink) - f32::from(*ground)) * covered;
                    *ground = mixed.round() as u8;
                }
            }
        }
    }
}

/// Returns the share of each pixel that letters cover, 0 to 1.
fn coverage(text: &str, size: f64, rows: usize, columns: usize) -> Option<Vec<f32>> {
    if !crate::show::plot::font_is_there() {
        return None;
    }
    let fine = [rows * FINER, columns * FINER].map(u32::try_from);
    let [Ok(high), Ok(wide)] = fine else {
        return None;
    };
    let mut rgb = vec![0; 3 * (rows * FINER) * (columns * FINER)];
    let area = BitMapBackend::with_buffer(&mut rgb, (wide, high)).into_drawing_area();
    let style = (crate::show::plot::FONT, size * FINER as f64)
        .into_font()
        .color(&WHITE)
        .pos(Pos::new(HPos::Left, VPos::Top));
    let drawn = area.draw(&Text::new(
        text.to_owned(),
        (0, (ABOVE * FINER) as i32),
        style,
    ));
    let presented = area.present();
    drop(area);
    drawn.ok()?;
    presented.ok()?;
    let mut coverage = vec![0.0; rows * columns];
    for (at, pixel) in rgb.chunks_exact(3).enumerate() {
        let (row, column) = (
            at / (columns * FINER) / FINER,
            at % (columns * FINER) / FINER,
        );
        coverage[row * columns + column] += f32::from(pixel[0]) / 255.0 / (FINER * FINER) as f32;
    }
    Some(coverage)
}
