//! Emission that a detector behind a round pinhole sees.
//!
//! The pinhole is a mask on the sampling grid with a linear ramp of one pixel at its rim. Its
//! conventions are those of the Python package `psf`, quirks included: see [`through`].

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_4};

use super::{Quarter, SAMPLES, at_radius, distance};

#[cfg(test)]
mod tests;

/// Gathers the emission through a pinhole of a radius in pixels that is centred on the laser's
/// focus. The result is by (z, r), where r is the distance of the emitting point from the focus.
///
/// Emission beyond the grid counts as none. A mask larger than the grid is shifted outwards by the
/// difference, which puts the pinhole off the axis and clips it: SimExm's parameters meet this
/// quirk, and the model keeps it.
pub(super) fn through(radius_px: f64, emission: &Quarter) -> Quarter {
    let mask = Mask { radius_px };
    if mask.size() < 2 {
        return *emission;
    }
    let reach = mask.size().min(SAMPLES);
    let shift = mask.size() - reach;
    // By x - r, from -(reach - 1), and y from 0; a weight with y > 0 stands for its twin at -y as
    // well.
    let weights: Vec<[f64; SAMPLES]> = (1..2 * reach)
        .map(|i| {
            let x = (shift + i).abs_diff(reach);
            std::array::from_fn(|y| match y {
                0 => mask.weight(x, 0),
                y if y < reach => 2.0 * mask.weight(x, y),
                _ => 0.0,
            })
        })
        .collect();

    emission.map(|row| {
        let plane: [[f64; SAMPLES]; SAMPLES] = std::array::from_fn(|x| {
            std::array::from_fn(|y| at_radius(&row, distance(x as f64, y as f64)))
        });
        std::array::from_fn(|r| {
            let mut seen = 0.0;
            for (i, weights) in weights.iter().enumerate() {
                // x = r + i - (reach - 1); the plane is symmetric about x = 0 and ends with the
                // grid.
                let x = (r + i + 1).abs_diff(reach);
                if let Some(values) = plane.get(x) {
                    seen += values
                        .iter()
                        .zip(weights)
                        .map(|(value, weight)| value * weight)
                        .sum::<f64>();
                }
            }
            seen
        })
    })
}

/// Gathers the emission without a pinhole, the same for every r: the sum over the plane, as far as
/// the grid reaches.
pub(super) fn open(emission: &Quarter) -> Quarter {
    emission.map(|row| {
        let rings: f64 = (1..SAMPLES).map(|r| r as f64 * row[r]).sum();
        [FRAC_PI_4 * row[0] + rings; SAMPLES]
    })
}

/// Weights of a round pinhole's quarter x, y >= 0, in pixels from its centre; symmetric in x and y.
struct Mask {
    radius_px: f64,
}

impl Mask {
    /// Returns the pixels from the centre to the end of the mask, the centre included.
    fn size(&self) -> usize {
        (self.radius_px.ceil() as usize).saturating_add(1)
    }

    /// Returns the weight at (x, y), both below [`Mask::size`].
    ///
    /// The package draws the rim line by line, for lines 0 up to the diagonal, each along x and
    /// mirrored along y; later lines overwrite earlier ones. Pixels that no line touches are 1, or
    /// 0 in the outer corner.
    fn weight(&self, x: usize, y: usize) -> f64 {
        let (near, far) = (x.min(y), x.max(y));
        let size = self.size() as f64;
        let last_line = ((size - 1.0) * FRAC_1_SQRT_2) as usize;
        let corner = size - (size * (1.0 - FRAC_1_SQRT_2)).ceil();
        [(far, near), (near, far)]
            .into_iter()
            .filter(|&(line, _)| line <= last_line)
            .find_map(|(line, along)| self.rim(line, along))
            .unwrap_or(if near as f64 >= corner { 0.0 } else { 1.0 })
    }

    /// Returns the value that a line of the rim sets at a place along it: a ramp over the two
    /// pixels about the circle, 0 outside, `None` inside.
    fn rim(&self, line: usize, along: usize) -> Option<f64> {
        let radius = self.radius_px;
        let line = line as f64;
        // At least 1: lines up to the diagonal lie within the circle.
        let outer = (radius * radius - line * line).sqrt().ceil();
        let along = along as f64;
        if along > outer {
            Some(0.0)
        } else if along >= outer - 1.0 {
            Some(0.5 * (1.0 + radius - distance(along, line)))
        } else {
            None
        }
    }
}
