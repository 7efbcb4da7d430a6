//! Words on pictures, in the font that the program carries.

use super::Picture;
use plotters::backend::BitMapBackend;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width of a line of text, in pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    if !crate::plot::font_is_there() {
        return 0.0;
    }
    let font = (crate::plot::FONT, size).into_font();
    font.box_size(text).map_or(0.0, |(wide, _)| f64::from(wide))
}

/// Writes a line of text. A font that cannot be drawn leaves the picture as it is: it says the same without.
pub(super) fn write(
    picture: &mut Picture,
    text: &str,
    row: f64,
    column: f64,
    size: f64,
    colour: [u8; 3],
) {
    if !crate::plot::font_is_there() || picture.rgb.is_empty() {
        return;
    }
    let (Ok(rows), Ok(columns)) = (u32::try_from(picture.rows), u32::try_from(picture.columns))
    else {
        return;
    };
    let area = BitMapBackend::with_buffer(&mut picture.rgb, (columns, rows)).into_drawing_area();
    let [red, green, blue] = colour;
    let style = (crate::plot::FONT, size)
        .into_font()
        .color(&RGBColor(red, green, blue))
        .pos(Pos::new(HPos::Left, VPos::Top));
    let at = (column.round() as i32, row.round() as i32);
    let _ = area.draw(&Text::new(text.to_owned(), at, style));
    let _ = area.present();
}
