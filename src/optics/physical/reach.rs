//! How many planes before and behind the focus are kept (docs/physical.md section 3.2).

use super::error::OpticsError;
use super::profile::{Planes, Profile};

/// Most planes on one side of the focus.
const MOST_PLANES: usize = 8192;

/// Depth of field, in units of index times wavelength over squared aperture, from where on light
/// falls as the square of the distance.
const FAR: f64 = 2.0;

/// Planes on one side of the focal one.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    /// From the focus outwards.
    pub profiles: Vec<Profile>,
    /// Light of all planes beyond these.
    pub beyond: f64,
}

/// The focal plane, and those before and behind it.
pub(super) struct Stack {
    pub middle: Profile,
    /// Before the focus (smaller z) and behind it; both the same where the kernel is symmetric.
    pub sides: [Side; 2],
}

/// Which planes to compute.
pub(super) struct Reach {
    /// Part of a voxel that the focus lies beyond the middle of a slice.
    pub fraction: f64,
    /// Slices of the sample, which end a function that never fades.
    pub slices: usize,
    /// Share of the light of all planes that may be left out.
    pub truncation: f64,
    /// True where one side is the mirror image of the other.
    pub symmetric: bool,
}

impl Reach {
    /// Computes the planes to keep.
    pub fn stack(&self, planes: &Planes) -> Result<Stack, OpticsError> {
        let voxel_um = planes.voxel_um[0];
        let middle_um = -self.fraction * voxel_um;
        let middle = planes.profiles(&[middle_um])?.remove(0);
        let places = |sign: f64, from: usize, to: usize| -> Vec<f64> {
            let place = |plane| (sign * plane as f64 - self.fraction) * voxel_um;
            (from + 1..=to).map(place).collect()
        };
        let signs: &[f64] = if self.symmetric { &[1.0] } else { &[-1.0, 1.0] };
        let mut sides: Vec<Side> = vec![Side::default(); signs.len()];
        if planes.imaging.never_fades() {
            let last = self.slices.saturating_sub(1);
            for (side, sign) in sides.iter_mut().zip(signs) {
                side.profiles = planes.profiles(&places(*sign, 0, last))?;
            }
        } else if let Some(lights) = self.known_lights(planes, signs, &places) {
            let half = self.allowed(middle.light, lights.iter().map(|side| side.iter().sum()));
            for ((side, sign), lights) in sides.iter_mut().zip(signs).zip(&lights) {
                let (last, beyond) = cut(lights, 0.0, half);
                side.profiles = planes.profiles(&places(*sign, 0, last))?;
                side.beyond = beyond;
            }
        } else {
            let objective = &planes.imaging.objective;
            let s = objective.s_max();
            let far_um =
                FAR * objective.media.sample_index * planes.imaging.excitation_um / (s * s);
            let mut wanted = ((far_um / voxel_um).ceil() as usize).max(3);
            let mut open = vec![true; sides.len()];
            let half = loop {
                for ((side, sign), _) in sides.iter_mut().zip(signs).zip(&open).filter(|p| *p.1) {
                    let new = planes.profiles(&places(*sign, side.profiles.len(), wanted))?;
                    side.profiles.extend(new);
                    side.beyond = self.tail(side, *sign, voxel_um);
                }
                let light = |side: &Side| {
                    side.profiles.iter().map(|plane| plane.light).sum::<f64>() + side.beyond
                };
                let half = self.allowed(middle.light, sides.iter().map(light));
                open = sides.iter().map(|side| side.beyond > half).collect();
                if open.iter().all(|open| !open) {
                    break half;
                }
                // Light beyond a plane falls as its distance: so many planes will do, and a few.
                let most = sides.iter().map(|side| side.beyond).fold(0.0, f64::max);
                let farther = (most / half * 1.05).clamp(1.1, 8.0);
                wanted = (wanted as f64 * farther).ceil() as usize + 1;
                if wanted > MOST_PLANES {
                    return Err(OpticsError::TooDeep {
                        planes: MOST_PLANES,
                        voxel_um,
                        truncation: self.truncation,
                    });
                }
            };
            for side in &mut sides {
                let lights: Vec<f64> = side.profiles.iter().map(|plane| plane.light).collect();
                let (last, beyond) = cut(&lights, side.beyond, half);
                side.profiles.truncate(last);
                side.beyond = beyond;
            }
        }
        let after = sides.pop().unwrap_or_default();
        let before = sides.pop().unwrap_or_else(|| after.clone());
        Ok(Stack {
            middle,
            sides: [before, after],
        })
    }

    /// Light that may be left out on a side.
    fn allowed(&self, middle: f64, sides: impl Iterator<Item = f64>) -> f64 {
        let sides: f64 = sides.sum();
        let both = if self.symmetric { 2.0 * sides } else { sides };
        0.5 * self.truncation * (middle + both)
    }

    /// Lights of all planes of both sides where they are known without tables.
    fn known_lights(
        &self,
        planes: &Planes,
        signs: &[f64],
        places: &impl Fn(f64, usize, usize) -> Vec<f64>,
    ) -> Option<Vec<Vec<f64>>> {
        let super::Microscope::LightSheet { sheet, .. } = &planes.imaging.microscope else {
            return None;
        };
        let last = (sheet.extent_um() / planes.voxel_um[0]).ceil() as usize + 2;
        let side = |sign: &f64| -> Option<Vec<f64>> {
            let places = places(*sign, 0, last.min(MOST_PLANES));
            places.iter().map(|z| planes.known_light(*z)).collect()
        };
        signs.iter().map(side).collect()
    }

    /// Light of all planes beyond the last one: it falls as the square of the distance. The sum of
    /// 1/j^2 from n + 1 on is 1/(n + 1/2) to within 1/(12 n^3).
    fn tail(&self, side: &Side, sign: f64, voxel_um: f64) -> f64 {
        let Some(last) = side.profiles.last() else {
            return 0.0;
        };
        let distance = side.profiles.len() as f64 - sign * self.fraction;
        let distance_um = distance * voxel_um;
        last.light * distance_um * distance_um / (voxel_um * (distance_um + 0.5 * voxel_um))
    }
}

/// The fewest planes beyond which no more than the light allowed lies, and that light.
fn cut(lights: &[f64], tail: f64, allowed: f64) -> (usize, f64) {
    let (mut last, mut beyond) = (lights.len(), tail);
    while last > 0 && beyond + lights[last - 1] <= allowed {
        last -= 1;
        beyond += lights[last];
    }
    (last, beyond)
}
