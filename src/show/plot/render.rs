//! Rendering of drawings into the bytes of a file.

use image::codecs::png::CompressionType;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use std::sync::LazyLock;

use super::{ImageFormat, PlotError};
use crate::show::png::png_file;

/// Family of all text. SVG viewers choose a font for it, PNGs have the one that the program
/// carries.
pub(crate) const FONT: &str = "sans-serif";

/// Pixels of a PNG per unit of the drawing.
const PNG_PIXELS: u32 = 2;

/// Dots per pixel and axis, which are averaged for smooth edges.
const DOTS: u32 = 2;

/// Dots of an SVG per unit: the library draws between whole dots only.
const SVG_DOTS: u32 = 10;

/// Scale of a drawing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Dots per unit.
    pub unit: f64,
    /// True where the dots are those of a bitmap.
    pub bitmap: bool,
}

/// Result of a drawing on the backend `DB`.
pub(super) type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Drawing, laid out in units of which an SVG has one per pixel.
pub(super) trait Figure {
    /// Returns width and height in units.
    fn size(&self) -> (u32, u32);

    /// Draws on an area of that size times the scale's unit.
    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: Scale) -> Drawn<DB>;
}

/// Registers the program's font with the drawing library; returns `false` where the font is
/// damaged.
pub(crate) fn font_is_there() -> bool {
    static REGISTERED: LazyLock<bool> = LazyLock::new(|| {
        let font = epaint_default_fonts::UBUNTU_LIGHT;
        register_font(FONT, FontStyle::Normal, font).is_ok()
    });
    *REGISTERED
}

/// Renders a figure into a file's bytes.
pub(super) fn render(figure: &impl Figure, format: ImageFormat) -> Result<Vec<u8>, PlotError> {
    if !font_is_there() {
        return Err(PlotError::Drawing("the font is damaged".to_owned()));
    }
    let failed = |why: &dyn std::fmt::Display| PlotError::Drawing(why.to_string());
    let (width, height) = figure.size();
    match format {
        ImageFormat::Svg => {
            let mut text = String::new();
            let dots = (width * SVG_DOTS, height * SVG_DOTS);
            {
                let area = SVGBackend::with_string(&mut text, dots).into_drawing_area();
                let unit = f64::from(SVG_DOTS);
                let bitmap = false;
                figure
                    .draw(&area, Scale { unit, bitmap })
                    .map_err(|why| failed(&why))?;
                area.present().map_err(|why| failed(&why))?;
            }
            // The view box stays: viewers show a dot as a part of a pixel.
            let size = |(width, height)| format!("<svg width=\"{width}\" height=\"{height}\"");
            Ok(text
                .replacen(&size(dots), &size((width, height)), 1)
                .into_bytes())
        }
        ImageFormat::Png => {
            let pixels = (width * PNG_PIXELS, height * PNG_PIXELS);
            let dots = (pixels.0 * DOTS, pixels.1 * DOTS);
            let mut rgb = vec![255; dots.0 as usize * dots.1 as usize * 3];
            {
                let area = BitMapBackend::with_buffer(&mut rgb, dots).into_drawing_area();
                let unit = f64::from(PNG_PIXELS * DOTS);
                let bitmap = true;
                figure
                    .draw(&area, Scale { unit, bitmap })
                    .map_err(|why| failed(&why))?;
                area.present().map_err(|why| failed(&why))?;
            }
            let size = [pixels.1 as usize, pixels.0 as usize];
            let pixels = averaged(&rgb, dots.0 as usize);
            png_file(&pixels, size, CompressionType::Default).map_err(|why| failed(&why))
        }
    }
}

/// Averages [`DOTS`] x [`DOTS`] dots to a pixel.
fn averaged(rgb: &[u8], width: usize) -> Vec<u8> {
    let dots = DOTS as usize;
    let mut pixels = Vec::with_capacity(rgb.len() / (dots * dots));
    for rows in rgb.chunks_exact(width * 3 * dots) {
        for start in (0..width * 3).step_by(3 * dots) {
            for colour in 0..3 {
                let sum: u32 = (0..dots * dots)
                    .map(|i| rows[i / dots * width * 3 + start + i % dots * 3 + colour])
                    .map(u32::from)
                    .sum();
                pixels.push((sum / (DOTS * DOTS)) as u8);
            }
        }
    }
    pixels
}
