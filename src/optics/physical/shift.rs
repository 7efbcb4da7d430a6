//! How far an objective must advance to focus at a depth, where the sample's index is not the
//! immersion's (docs/physical.md section 4).

use rayon::prelude::*;

use super::error::OpticsError;
use super::focus::{Focus, Light};

/// Points of the search for the best focus.
const SEARCH_POINTS: usize = 1401;

/// How exactly the best focus is found, in um.
const SHIFT_ERROR_UM: f64 = 1e-4;

impl Light {
    /// Returns the shift that puts the greatest intensity at this depth: slices then lie at their
    /// true depths. It is sought within 0.35 of the depth and 1 um, to 1e-4 um.
    ///
    /// # Errors
    /// The objective or the wavelength make no sense.
    pub fn best_shift_um(&self, depth_um: f64) -> Result<f64, OpticsError> {
        self.validate()?;
        if self.objective.media.matched() {
            return Ok(0.0);
        }
        let reach = 0.35 * depth_um.abs() + 1.0;
        // A shift moves the focus as z does, up to the aberration of the way through the immersion.
        let focus = |shift_um| Focus { depth_um, shift_um };
        let panels = [-reach, reach].map(|shift| self.panels(focus(shift), [0.0; 2], 0.0));
        let panels = panels[0].clone()?.max(panels[1].clone()?);
        let rays: Vec<(f64, f64, f64)> = (self.objective.rays(panels).iter())
            .map(|ray| {
                let at_rest = depth_um * (ray.sample_path - ray.immersion_path);
                let phase = self.wavenumber() * (at_rest + ray.design_path_um);
                let slope = -self.wavenumber() * ray.immersion_path;
                (self.weights(ray)[0], phase, slope)
            })
            .collect();
        let on_axis = |shift: f64| {
            let (mut re, mut im) = (0.0, 0.0);
            for (weight, phase, slope) in &rays {
                let (sin, cos) = libm::sincos(phase + shift * slope);
                re += weight * cos;
                im += weight * sin;
            }
            re * re + im * im
        };
        let step = 2.0 * reach / (SEARCH_POINTS - 1) as f64;
        let place = |point: usize| -reach + step * point as f64;
        let values: Vec<f64> = (0..SEARCH_POINTS)
            .into_par_iter()
            .map(|point| on_axis(place(point)))
            .collect();
        let best = (0..SEARCH_POINTS).max_by(|a, b| values[*a].total_cmp(&values[*b]));
        let best = place(best.unwrap_or(SEARCH_POINTS / 2));
        Ok(golden_section(on_axis, best - step, best + step))
    }
}

/// Finds the place of the greatest value between two places around it.
fn golden_section(value: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let ratio = 0.5 * (5f64.sqrt() - 1.0);
    let inner = |low: f64, high: f64| [high - ratio * (high - low), low + ratio * (high - low)];
    let [mut left, mut right] = inner(low, high);
    let (mut at_left, mut at_right) = (value(left), value(right));
    while high - low > SHIFT_ERROR_UM {
        if at_left > at_right {
            (high, right, at_right) = (right, left, at_left);
            left = inner(low, high)[0];
            at_left = value(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = inner(low, high)[1];
            at_right = value(right);
        }
    }
    0.5 * (low + high)
}
