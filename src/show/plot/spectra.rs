//! Spectra of a dye, with the lasers and filters of a configuration.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::render::{Drawn, FONT, Figure, Scale, render};
use super::{ChannelBand, ImageFormat, PlotError, ticks, wavelengths_nm};
use crate::optics::fluorophore::{Fluorophore, Spectrum};

const EXCITATION: RGBColor = RGBColor(0, 114, 178);
const EMISSION: RGBColor = RGBColor(213, 94, 0);

/// Colours of channels, one after another.
const CHANNELS: [RGBColor; 5] = [
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];
const INK: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(225, 225, 225);

/// Width and margins of the drawing, in units.
const WIDTH: f64 = 860.0;
const PLOT_HEIGHT: f64 = 360.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 24.0;
const TITLE: f64 = 76.0;
const BAND: f64 = 38.0;
const BELOW: f64 = 58.0;

/// Draws excitation and emission of a dye over the wavelength; above them a line per channel with
/// its laser and its filter, which go on through the plot.
///
/// # Errors
/// The drawing library refuses.
pub fn spectra(
    dye: &Fluorophore,
    bands: &[ChannelBand],
    format: ImageFormat,
) -> Result<Vec<u8>, PlotError> {
    let figure = SpectraFigure {
        dye,
        bands,
        range_nm: wavelengths_nm(dye, bands),
        largest: dye.excitation.values().iter().copied().fold(1.0, f64::max),
    };
    render(&figure, format)
}

struct SpectraFigure<'f> {
    dye: &'f Fluorophore,
    bands: &'f [ChannelBand],
    /// Range of the axis.
    range_nm: [f64; 2],
    /// Largest value of the spectra.
    largest: f64,
}

impl SpectraFigure<'_> {
    /// Returns the upper edge of the plot.
    fn top(&self) -> f64 {
        TITLE + BAND * self.bands.len() as f64
    }

    fn x(&self, wavelength_nm: f64) -> f64 {
        let [low, high] = self.range_nm;
        LEFT + (wavelength_nm.clamp(low, high) - low) / (high - low) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        self.top() + PLOT_HEIGHT * (1.0 - value / (1.06 * self.largest))
    }

    fn curve(&self, spectrum: &Spectrum) -> Vec<(f64, f64)> {
        let samples = spectrum.wavelengths_nm().iter().zip(spectrum.values());
        samples
            .map(|(&nm, &value)| (self.x(nm), self.y(value)))
            .collect()
    }
}

impl Figure for SpectraFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, (self.top() + PLOT_HEIGHT + BELOW) as u32)
    }

    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: Scale) -> Drawn<DB> {
        area.fill(&WHITE)?;
        let pen = Pen { area, scale };
        self.draw_grid(&pen)?;
        self.draw_bands(&pen)?;
        let emission = self.curve(&self.dye.emission);
        let mut filled = emission.clone();
        let bottom = self.y(0.0);
        filled.extend(emission.last().map(|&(x, _)| (x, bottom)));
        filled.extend(emission.first().map(|&(x, _)| (x, bottom)));
        pen.area(&filled, EMISSION.mix(0.22))?;
        pen.line(&emission, EMISSION, 2.0)?;
        pen.line(&self.curve(&self.dye.excitation), EXCITATION, 2.0)?;
        self.draw_frame(&pen)?;
        self.draw_titles(&pen)
    }
}

impl SpectraFigure<'_> {
    fn draw_grid<DB: DrawingBackend>(&self, pen: &Pen<'_, DB>) -> Drawn<DB> {
        let (top, bottom) = (self.y(1.06 * self.largest), self.y(0.0));
        for nm in ticks(self.range_nm, 12.0) {
            let x = self.x(nm);
            pen.line(&[(x, top), (x, bottom)], GRID, 1.0)?;
            pen.line(&[(x, bottom), (x, bottom + 5.0)], INK, 1.0)?;
            pen.text(
                &format!("{nm}"),
                (x, bottom + 8.0),
                16.0,
                HPos::Center,
                VPos::Top,
            )?;
        }
        for value in ticks([0.0, 1.06 * self.largest], 7.0) {
            let y = self.y(value);
            pen.line(&[(LEFT, y), (WIDTH - RIGHT, y)], GRID, 1.0)?;
            pen.line(&[(LEFT - 5.0, y), (LEFT, y)], INK, 1.0)?;
            pen.text(
                &format!("{value:.1}"),
                (LEFT - 9.0, y),
                16.0,
                HPos::Right,
                VPos::Center,
            )?;
        }
        Ok(())
    }

    /// Draws for each channel a label and a line below the titles, and its shade and its laser in
    /// the plot.
    fn draw_bands<DB: DrawingBackend>(&self, pen: &Pen<'_, DB>) -> Drawn<DB> {
        let (top, bottom) = (self.top(), self.y(0.0));
        for (i, band) in self.bands.iter().enumerate() {
            let colour = CHANNELS[i % CHANNELS.len()];
            let row = TITLE + BAND * (i as f64 + 1.0) - 12.0;
            let [low, high] = band.filter_nm.map(|nm| self.x(nm));
            let laser = self.x(band.laser_nm);
            pen.area(&corners(low, row - 5.0, high, row + 5.0), colour.mix(1.0))?;
            pen.area(&corners(low, top, high, bottom), colour.mix(0.13))?;
            let arrow = [
                (laser - 6.0, row - 5.0),
                (laser + 6.0, row - 5.0),
                (laser, row + 7.0),
            ];
            pen.area(&arrow, colour.mix(1.0))?;
            pen.line(&[(laser, top), (laser, bottom)], colour, 2.0)?;
            let label = band.label();
            // A letter is narrower than this.
            let width = 9.0 * label.chars().count() as f64;
            let left = laser.min(low).min(WIDTH - width).max(0.0);
            pen.text(&label, (left, row - 18.0), 16.0, HPos::Left, VPos::Center)?;
        }
        Ok(())
    }

    fn draw_frame<DB: DrawingBackend>(&self, pen: &Pen<'_, DB>) -> Drawn<DB> {
        let bottom = self.y(0.0);
        pen.line(
            &[(LEFT, self.top()), (LEFT, bottom), (WIDTH - RIGHT, bottom)],
            INK,
            1.0,
        )?;
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        pen.text(
            "wavelength (nm)",
            (middle, bottom + 32.0),
            16.0,
            HPos::Center,
            VPos::Top,
        )?;
        let place = (10.0, (self.top() + bottom) / 2.0);
        pen.upwards("relative to the maximum", place, 16.0)
    }

    fn draw_titles<DB: DrawingBackend>(&self, pen: &Pen<'_, DB>) -> Drawn<DB> {
        let dye = self.dye;
        pen.text(&dye.name, (LEFT, 12.0), 24.0, HPos::Left, VPos::Top)?;
        let guess = if dye.quantum_yield_is_guess {
            " (a guess)"
        } else {
            ""
        };
        let figures = format!(
            "extinction coefficient {} /(M cm), quantum yield {}{guess}; {}",
            dye.extinction_coefficient, dye.quantum_yield, dye.maker
        );
        pen.text(&figures, (LEFT, 46.0), 16.0, HPos::Left, VPos::Top)?;
        let entries = [
            (EXCITATION, "excitation", dye.excitation_peak_nm()),
            (EMISSION, "emission", dye.emission_peak_nm()),
        ];
        for (row, (colour, what, peak_nm)) in entries.into_iter().enumerate() {
            let (x, y) = (WIDTH - RIGHT - 220.0, 20.0 + 20.0 * row as f64);
            pen.line(&[(x, y), (x + 28.0, y)], colour, 3.0)?;
            let text = format!("{what}, peak {peak_nm} nm");
            pen.text(&text, (x + 36.0, y), 16.0, HPos::Left, VPos::Center)?;
        }
        Ok(())
    }
}

fn corners(left: f64, top: f64, right: f64, bottom: f64) -> [(f64, f64); 4] {
    [(left, top), (right, top), (right, bottom), (left, bottom)]
}

/// Pen that draws in units of the figure.
pub(super) struct Pen<'a, DB: DrawingBackend> {
    pub area: &'a DrawingArea<DB, Shift>,
    pub scale: Scale,
}

impl<DB: DrawingBackend> Pen<'_, DB> {
    fn dots(&self, points: &[(f64, f64)]) -> Vec<(i32, i32)> {
        let dot = |&(x, y): &(f64, f64)| {
            (
                (x * self.scale.unit).round() as i32,
                (y * self.scale.unit).round() as i32,
            )
        };
        points.iter().map(dot).collect()
    }

    /// Draws a line through points.
    pub fn line(&self, points: &[(f64, f64)], colour: RGBColor, width: f64) -> Drawn<DB> {
        let style = colour.stroke_width((width * self.scale.unit).round() as u32);
        self.area.draw(&PathElement::new(self.dots(points), style))
    }

    /// Draws a filled polygon.
    pub fn area(&self, points: &[(f64, f64)], colour: RGBAColor) -> Drawn<DB> {
        self.area
            .draw(&Polygon::new(self.dots(points), colour.filled()))
    }

    /// Draws a filled rectangle, which shares its edges with its neighbours.
    pub fn rectangle(&self, from: (f64, f64), to: (f64, f64), colour: RGBColor) -> Drawn<DB> {
        let dots = self.dots(&[from, to]);
        self.area
            .draw(&Rectangle::new([dots[0], dots[1]], colour.filled()))
    }

    /// Draws a line of text of a size in units, anchored at a point.
    pub fn text(&self, text: &str, at: (f64, f64), size: f64, h: HPos, v: VPos) -> Drawn<DB> {
        let style = (FONT, size * self.scale.unit)
            .into_font()
            .color(&INK)
            .pos(Pos::new(h, v));
        // Bitmaps centre text on all that letters could take, which is too high.
        let lower = match v {
            VPos::Center if self.scale.bitmap => 0.18 * size,
            _ => 0.0,
        };
        let at = self.dots(&[(at.0, at.1 + lower)])[0];
        self.area.draw(&Text::new(text.to_owned(), at, style))
    }

    /// Draws a line of text that runs upwards, its middle left of a point.
    pub fn upwards(&self, text: &str, at: (f64, f64), size: f64) -> Drawn<DB> {
        let font = (FONT, size * self.scale.unit)
            .into_font()
            .transform(FontTransform::Rotate270);
        let style = font.color(&INK).pos(Pos::new(HPos::Center, VPos::Top));
        let at = self.dots(&[at])[0];
        self.area.draw(&Text::new(text.to_owned(), at, style))
    }
}
