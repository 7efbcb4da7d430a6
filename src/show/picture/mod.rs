//! Pictures of volumes: grey values and ids become colours, with a scale bar and words.
//!
//! Nothing here knows of windows or files: the viewer and the quick-look compose with the same
//! code.

mod compose;
mod contrast;
mod samples;
mod scale_bar;
#[cfg(test)]
mod tests;
mod text;

pub use compose::{Paint, compose};
pub use contrast::Contrast;
pub use samples::{SampleKind, Samples};
pub use scale_bar::{PixelSize, ScaleBar, length};

use super::png::png_file;
use image::ImageResult;
use image::codecs::png::CompressionType;
use std::ops::Range;

/// Pixels of red, green and blue, a byte each, row after row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    rows: usize,
    columns: usize,
    rgb: Vec<u8>,
}

impl Picture {
    /// Makes a picture of one colour.
    #[must_use]
    pub fn new(rows: usize, columns: usize, colour: [u8; 3]) -> Self {
        Self {
            rows,
            columns,
            rgb: colour.repeat(rows * columns),
        }
    }

    /// Makes a picture of given pixels; `None` where these are not rows times columns times 3
    /// bytes.
    #[must_use]
    pub fn from_rgb(rows: usize, columns: usize, rgb: Vec<u8>) -> Option<Self> {
        (rows.checked_mul(columns)?.checked_mul(3)? == rgb.len()).then_some(Self {
            rows,
            columns,
            rgb,
        })
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Returns the bytes of all pixels.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Returns a pixel; black beyond the border.
    #[must_use]
    pub fn pixel(&self, row: usize, column: usize) -> [u8; 3] {
        if row >= self.rows || column >= self.columns {
            return [0; 3];
        }
        let at = (row * self.columns + column) * 3;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// Paints a rectangle, cut at the border.
    pub fn fill(&mut self, rows: Range<usize>, columns: Range<usize>, colour: [u8; 3]) {
        let columns = columns.start.min(self.columns)..columns.end.min(self.columns);
        for row in rows.start..rows.end.min(self.rows) {
            let start = row * self.columns;
            let pixels = &mut self.rgb[(start + columns.start) * 3..(start + columns.end) * 3];
            for pixel in pixels.as_chunks_mut().0 {
                *pixel = colour;
            }
        }
    }

    /// Puts another picture here, its first pixel at (row, column), cut at the border.
    pub fn place(&mut self, other: &Self, row: usize, column: usize) {
        let columns = other.columns.min(self.columns.saturating_sub(column));
        for from in 0..other.rows.min(self.rows.saturating_sub(row)) {
            let to = ((row + from) * self.columns + column) * 3;
            let source = &other.rgb[from * other.columns * 3..][..columns * 3];
            self.rgb[to..to + columns * 3].copy_from_slice(source);
        }
    }

    /// Resizes the picture: each pixel is the nearest one.
    #[must_use]
    pub fn nearest(&self, rows: usize, columns: usize) -> Self {
        let from =
            |to: usize, count: usize, of: usize| ((2 * to + 1) * of / (2 * count)).min(of - 1);
        let mut rgb = Vec::with_capacity(rows * columns * 3);
        if self.rgb.is_empty() {
            return Self::new(rows, columns, [0; 3]);
        }
        for row in 0..rows {
            let source = from(row, rows, self.rows) * self.columns;
            for column in 0..columns {
                let at = (source + from(column, columns, self.columns)) * 3;
                rgb.extend_from_slice(&self.rgb[at..at + 3]);
            }
        }
        Self { rows, columns, rgb }
    }

    /// Reduces the picture to a size that is not larger: each pixel is the mean of those that fall
    /// on it.
    #[must_use]
    pub fn reduced(&self, rows: usize, columns: usize) -> Self {
        if rows >= self.rows && columns >= self.columns {
            return self.clone();
        }
        let part = |index: usize, count: usize, of: usize| {
            let start = index * of / count;
            start..((index + 1) * of / count).max(start + 1)
        };
        let mut rgb = Vec::with_capacity(rows * columns * 3);
        for row in 0..rows {
            let from_rows = part(row, rows, self.rows);
            for column in 0..columns {
                let from_columns = part(column, columns, self.columns);
                let mut sum = [0u64; 3];
                for row in from_rows.clone() {
                    let pixels = &self.rgb[(row * self.columns + from_columns.start) * 3..]
                        [..from_columns.len() * 3];
                    for pixel in pixels.as_chunks::<3>().0 {
                        for (sum, part) in sum.iter_mut().zip(pixel) {
                            *sum += u64::from(*part);
                        }
                    }
                }
                let count = (from_rows.len() * from_columns.len()) as u64;
                rgb.extend(sum.map(|sum| ((sum + count / 2) / count) as u8));
            }
        }
        Self { rows, columns, rgb }
    }

    /// Turns rows into columns.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let pixels = self.rgb.as_chunks::<3>().0;
        let mut rgb = Vec::with_capacity(self.rgb.len());
        for column in 0..self.columns {
            let column = pixels.iter().skip(column).step_by(self.columns);
            rgb.extend(column.flatten());
        }
        Self {
            rows: self.columns,
            columns: self.rows,
            rgb,
        }
    }

    /// Draws a scale bar into the lower right corner, with its words above it.
    pub fn draw_scale_bar(&mut self, bar: &ScaleBar) {
        let size = (self.columns as f64 / 30.0).clamp(13.0, 18.0);
        let (margin, thickness) = (
            (size * 0.6) as usize,
            (size / 4.0).round().max(2.0) as usize,
        );
        let length = bar.pixels.round() as usize;
        let right = self.columns.saturating_sub(margin);
        let bottom = self.rows.saturating_sub(margin);
        let (left, top) = (
            right.saturating_sub(length),
            bottom.saturating_sub(thickness),
        );
        let wide = text::width(&bar.label, size);
        let at = (right as f64 - wide).max(0.0);
        let row = top as f64 - size * 1.3;
        // On a dark ground both are visible whatever the picture shows.
        let pad = margin / 2;
        let widest = left.min(at as usize).saturating_sub(pad);
        let above = (row.max(0.0) as usize).saturating_sub(pad);
        self.darken(above..bottom + pad, widest..right + pad);
        self.fill(top..bottom, left..right, [255; 3]);
        self.write(&bar.label, row, at, size, [255; 3]);
    }

    /// Leaves a quarter of the light of a rectangle, cut at the border.
    fn darken(&mut self, rows: Range<usize>, columns: Range<usize>) {
        let columns = columns.start.min(self.columns)..columns.end.min(self.columns);
        for row in rows.start..rows.end.min(self.rows) {
            let start = row * self.columns;
            let bytes = (start + columns.start) * 3..(start + columns.end) * 3;
            self.rgb[bytes].iter_mut().for_each(|part| *part /= 4);
        }
    }

    /// Writes a line of text, its upper left corner at (row, column), `size` pixels high.
    pub fn write(&mut self, text: &str, row: f64, column: f64, size: f64, colour: [u8; 3]) {
        text::write(self, text, row, column, size, colour);
    }

    /// Returns the width in pixels of a line of text that is `size` pixels high.
    #[must_use]
    pub fn text_width(text: &str, size: f64) -> f64 {
        text::width(text, size)
    }

    /// Encodes the picture as the bytes of a PNG file.
    ///
    /// # Errors
    /// When it has no pixel, or more than PNG can hold.
    pub fn to_png(&self) -> ImageResult<Vec<u8>> {
        png_file(&self.rgb, [self.rows, self.columns], CompressionType::Fast)
    }
}
