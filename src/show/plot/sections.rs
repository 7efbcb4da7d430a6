//! Sections through a point spread function.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::render::{Drawn, Figure, Scale, render};
use super::spectra::Pen;
use super::{ImageFormat, PlotError, ticks};
use crate::base::text::of_axes;
use crate::model::PsfVolume;
use crate::optics::psf::RADIUS;

/// Voxels along an axis that are shown: those around the centre.
const VOXELS: usize = 2 * RADIUS + 1;

/// Powers of ten that the logarithmic sections show.
const DECADES: f64 = 4.0;

/// Units of the drawing.
const WIDTH: f64 = 860.0;
const TITLE: f64 = 84.0;
const SIDE: f64 = 248.0;
const ROW: f64 = 370.0;
const PANEL_TOP: f64 = 62.0;
const PANEL_LEFT: [f64; 2] = [74.0, 448.0];
const BAR_LEFT: f64 = 786.0;

/// Least part of the side that a section takes before its axes get scales of their own.
const LEAST_PART: f64 = 0.3;

/// Samples of the colour map viridis, evenly spaced from its lowest colour to its highest.
const VIRIDIS: [[u8; 3]; 9] = [
    [68, 1, 84],
    [71, 44, 122],
    [59, 81, 139],
    [44, 113, 142],
    [33, 144, 141],
    [39, 173, 129],
    [92, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];

/// Draws the sections through the centre of a point spread function, y over x and z over x, with a
/// linear and with a logarithmic scale of colours; axes in nm of the gel (left, below) and of the
/// tissue (right, above).
///
/// # Errors
/// The drawing library refuses.
pub fn sections(psf: &PsfVolume, format: ImageFormat) -> Result<Vec<u8>, PlotError> {
    render(&SectionsFigure { psf }, format)
}

struct SectionsFigure<'f> {
    psf: &'f PsfVolume,
}

/// Section, as the axes (of z, x, y) that run down and to the right.
#[derive(Clone, Copy)]
struct PsfSection {
    name: &'static str,
    down: usize,
    right: usize,
}

const AXES: [&str; 3] = ["z", "x", "y"];
const XY: PsfSection = PsfSection {
    name: "xy",
    down: 1,
    right: 2,
};
const XZ: PsfSection = PsfSection {
    name: "xz",
    down: 0,
    right: 1,
};

impl Figure for SectionsFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, (TITLE + 2.0 * ROW + 34.0) as u32)
    }

    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: Scale) -> Drawn<DB> {
        area.fill(&WHITE)?;
        let pen = Pen { area, scale };
        let psf = self.psf;
        let title = format!(
            "Point spread function of {} in {}",
            psf.fluorophore, psf.channel
        );
        pen.text(&title, (24.0, 12.0), 24.0, HPos::Left, VPos::Top)?;
        let figures = format!(
            "{}, laser {} nm, emission peak {} nm; 1 at the centre; in the gel, {} times the tissue",
            psf.microscope(),
            psf.excitation_nm,
            psf.emission_nm,
            of_axes(psf.expansion_factors)
        );
        pen.text(&figures, (24.0, 46.0), 15.0, HPos::Left, VPos::Top)?;
        for (row, logarithmic) in [false, true].into_iter().enumerate() {
            let top = TITLE + ROW * row as f64;
            for (section, left) in [XY, XZ].into_iter().zip(PANEL_LEFT) {
                self.draw_section(&pen, section, (left, top + PANEL_TOP), logarithmic)?;
            }
            draw_colour_bar(&pen, top + PANEL_TOP, logarithmic)?;
        }
        let widths = format!("full width at half maximum: {}", psf.widths());
        pen.text(
            &widths,
            (24.0, TITLE + 2.0 * ROW),
            15.0,
            HPos::Left,
            VPos::Top,
        )
    }
}

impl SectionsFigure<'_> {
    /// Returns the extents of the three axes on the paper: on one scale, unless one axis would be a
    /// mere streak.
    fn extents(&self) -> [f64; 3] {
        let voxel = self.psf.gel_voxel_nm();
        let largest = voxel.into_iter().fold(0.0, f64::max);
        let parts = voxel.map(|nm| nm / largest);
        if parts.iter().all(|&part| part >= LEAST_PART) {
            parts.map(|part| (part * SIDE).round())
        } else {
            [SIDE; 3]
        }
    }

    fn draw_section<DB: DrawingBackend>(
        &self,
        pen: &Pen<'_, DB>,
        section: PsfSection,
        (left, top): (f64, f64),
        logarithmic: bool,
    ) -> Drawn<DB> {
        let extents = self.extents();
        let (height, width) = (extents[section.down], extents[section.right]);
        let (left, top) = (left + (SIDE - width) / 2.0, top + (SIDE - height) / 2.0);
        let scale = if logarithmic { "logarithmic" } else { "linear" };
        let name = format!("{} section, {scale}", section.name);
        let above = (left + width / 2.0, top - 58.0);
        pen.text(&name, above, 16.0, HPos::Center, VPos::Top)?;
        let edge = |i: usize, extent: f64| i as f64 * extent / VOXELS as f64;
        for i in 0..VOXELS {
            for j in 0..VOXELS {
                let value = self.value(section, i, j);
                let from = (left + edge(j, width), top + edge(i, height));
                // Each reaches under the next, lest the ground shine through the seams.
                let under = |i: usize, extent: f64| (edge(i + 1, extent) + 0.5).min(extent);
                let to = (left + under(j, width), top + under(i, height));
                pen.rectangle(from, to, colour(brightness(value, logarithmic)))?;
            }
        }
        self.draw_axes(pen, section, (left, top), (width, height))
    }

    /// Value relative to the centre's, 0 where the function has none.
    fn value(&self, section: PsfSection, i: usize, j: usize) -> f64 {
        let mut place = self.psf.centre;
        for (axis, at) in [(section.down, i), (section.right, j)] {
            match (place[axis] + at).checked_sub(RADIUS) {
                Some(shown) => place[axis] = shown,
                None => return 0.0,
            }
        }
        let value = self.psf.values.get(place).copied().unwrap_or(0.0);
        f64::from(value / self.psf.values[self.psf.centre])
    }

    fn draw_axes<DB: DrawingBackend>(
        &self,
        pen: &Pen<'_, DB>,
        section: PsfSection,
        (left, top): (f64, f64),
        (width, height): (f64, f64),
    ) -> Drawn<DB> {
        let (right, bottom) = (left + width, top + height);
        let frame = [
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ];
        pen.line(&frame, BLACK, 1.0)?;
        let (gel, tissue) = (self.psf.gel_voxel_nm(), self.psf.voxel_nm);
        for (voxel_nm, medium, outer) in [(gel, "gel", false), (tissue, "tissue", true)] {
            let x = if outer { right } else { left };
            let y = if outer { top } else { bottom };
            let out = if outer { -1.0 } else { 1.0 };
            let ticks_of = |axis: usize, extent: f64| {
                let half = 0.5 * VOXELS as f64 * voxel_nm[axis];
                let places = places(half, extent);
                places
                    .into_iter()
                    .map(move |nm| (nm, (0.5 + nm / (2.0 * half)) * extent))
            };
            for (nm, at) in ticks_of(section.right, width) {
                pen.line(&[(left + at, y), (left + at, y + 4.0 * out)], BLACK, 1.0)?;
                let v = if outer { VPos::Bottom } else { VPos::Top };
                pen.text(
                    &number(nm),
                    (left + at, y + 6.0 * out),
                    14.0,
                    HPos::Center,
                    v,
                )?;
            }
            for (nm, at) in ticks_of(section.down, height) {
                pen.line(&[(x, top + at), (x - 4.0 * out, top + at)], BLACK, 1.0)?;
                let h = if outer { HPos::Left } else { HPos::Right };
                pen.text(
                    &number(nm),
                    (x - 7.0 * out, top + at),
                    14.0,
                    h,
                    VPos::Center,
                )?;
            }
            let name = |axis: usize| format!("{} (nm in the {medium})", AXES[axis]);
            let v = if outer { VPos::Bottom } else { VPos::Top };
            let middle = ((left + right) / 2.0, y + 22.0 * out);
            pen.text(&name(section.right), middle, 15.0, HPos::Center, v)?;
            let beside = if outer { right + 38.0 } else { left - 56.0 };
            pen.upwards(&name(section.down), (beside, (top + bottom) / 2.0), 15.0)?;
        }
        Ok(())
    }
}

/// Places numbers on an axis from -`half` to `half`: three at least, and no more than `extent` has
/// room for.
fn places(half: f64, extent: f64) -> Vec<f64> {
    let places = ticks([-half, half], (extent / 40.0).max(2.0));
    if places.len() >= 3 {
        return places;
    }
    // The largest round step is 5/2 of the next.
    let step = ticks([0.0, half], 2.5).get(1).copied().unwrap_or(half);
    vec![-step, 0.0, step]
}

fn draw_colour_bar<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    top: f64,
    logarithmic: bool,
) -> Drawn<DB> {
    const STEPS: usize = 62;
    let (left, right) = (BAR_LEFT, BAR_LEFT + 16.0);
    let y = |brightness: f64| top + SIDE * (1.0 - brightness);
    for step in 0..STEPS {
        let part = |i: usize| i as f64 / STEPS as f64;
        let middle = (step as f64 + 0.5) / STEPS as f64;
        pen.rectangle(
            (left, y(part(step + 1))),
            (right, y(part(step))),
            colour(middle),
        )?;
    }
    let frame = [
        (left, top),
        (right, top),
        (right, y(0.0)),
        (left, y(0.0)),
        (left, top),
    ];
    pen.line(&frame, BLACK, 1.0)?;
    let values: &[f64] = if logarithmic {
        &[1.0, 1e-1, 1e-2, 1e-3, 1e-4]
    } else {
        &[1.0, 0.8, 0.6, 0.4, 0.2, 0.0]
    };
    for &value in values {
        let at = y(brightness(value, logarithmic));
        pen.line(&[(right, at), (right + 4.0, at)], BLACK, 1.0)?;
        pen.text(
            &number(value),
            (right + 7.0, at),
            14.0,
            HPos::Left,
            VPos::Center,
        )?;
    }
    Ok(())
}

/// Returns a value's place in the colour map, 0 to 1.
fn brightness(value: f64, logarithmic: bool) -> f64 {
    let brightness = if logarithmic {
        1.0 + value.max(1e-300).log10() / DECADES
    } else {
        value
    };
    brightness.clamp(0.0, 1.0)
}

fn colour(brightness: f64) -> RGBColor {
    let place = brightness * (VIRIDIS.len() - 1) as f64;
    let below = (place as usize).min(VIRIDIS.len() - 2);
    let part = place - below as f64;
    let mixed: [u8; 3] = std::array::from_fn(|i| {
        let (a, b) = (
            f64::from(VIRIDIS[below][i]),
            f64::from(VIRIDIS[below + 1][i]),
        );
        (a + part * (b - a)).round() as u8
    });
    RGBColor(mixed[0], mixed[1], mixed[2])
}

/// Writes a round number without the rounding of binary fractions.
fn number(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    // Adding 0 takes the minus from -0.
    format!("{}", rounded + 0.0)
}
