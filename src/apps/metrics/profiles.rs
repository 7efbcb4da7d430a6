//! Metrics of profiles across membranes, along rows and columns of the slices (docs/metrics.md).

use crate::engine::psf::Psf;
use ndarray::{ArrayView3, Axis, Zip, s};
use rayon::prelude::*;

/// Farthest that the membranes of touching cells are from each other, in nm of tissue.
pub const TOUCHING_NM: f64 = 100.0;

/// How far an isolated membrane is from others, in nm of tissue.
pub const ISOLATED_NM: f64 = 200.0;

/// Fewest profiles whose mean is measured.
const FEWEST: usize = 10;

/// Standard deviations of the noise that a dip must have: the largest and the least of a few values
/// of noise differ by two.
const DIP: f64 = 3.0;

/// Steps along rows and columns.
const ALONG: [[usize; 3]; 2] = [[0, 1, 0], [0, 0, 1]];

/// A place so many steps on, where it is inside.
fn moved(at: [usize; 3], along: [usize; 3], steps: isize, shape: [usize; 3]) -> Option<[usize; 3]> {
    let mut moved = at;
    for axis in 0..3 {
        if along[axis] > 0 {
            moved[axis] = at[axis].checked_add_signed(steps)?;
            if moved[axis] >= shape[axis] {
                return None;
            }
        }
    }
    Some(moved)
}

/// Share of the common boundary of touching cells where they are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Separability {
    /// Profiles across common boundaries.
    pub profiles: usize,
    /// Profiles that dip between the cells by more than the noise.
    pub dipping: usize,
}

impl Separability {
    /// The share; `None` where no labelled cells touch.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.profiles > 0).then(|| self.dipping as f64 / self.profiles as f64)
    }
}

/// Measures the boundaries of labelled cells that touch: those with at most [`TOUCHING_NM`] of
/// background between them on a row or column. A profile runs from the last voxel of the one cell,
/// and `inside_nm` within it, to the first of the other, and as far within. It dips where the lower
/// of its peaks, one on either side of its middle, is above what is least between them by more than
/// three standard deviations `noise`. `pixel_nm` is the size along rows and columns.
#[must_use]
pub fn separability(
    grey: ArrayView3<'_, f32>,
    cells: ArrayView3<'_, u64>,
    pixel_nm: [f64; 2],
    inside_nm: f64,
    noise: f64,
) -> Separability {
    let slices = 0..grey.dim().0.min(cells.dim().0);
    let of_slice = |slice: usize| {
        let (grey, cells) = (
            grey.index_axis(Axis(0), slice),
            cells.index_axis(Axis(0), slice),
        );
        let mut found = Separability::default();
        let (mut values, mut ids) = (Vec::new(), Vec::new());
        // Lanes of the first axis run along rows' numbers.
        for (axis, nm) in pixel_nm.into_iter().enumerate() {
            let farthest = ((TOUCHING_NM / nm).floor() as usize + 1).max(1);
            let within = (inside_nm / nm).floor() as usize;
            let lanes = grey.lanes(Axis(axis)).into_iter();
            for (grey, cells) in lanes.zip(cells.lanes(Axis(axis))) {
                values.clear();
                values.extend(grey.iter().map(|&grey| f64::from(grey)));
                ids.clear();
                ids.extend(cells.iter().copied());
                found.add_lane(&values, &ids, farthest, within, DIP * noise);
            }
        }
        found
    };
    slices
        .into_par_iter()
        .map(of_slice)
        .reduce(Separability::default, |a, b| Separability {
            profiles: a.profiles + b.profiles,
            dipping: a.dipping + b.dipping,
        })
}

impl Separability {
    /// Adds the profiles between cells that are at most `farthest` steps from each other on a line,
    /// and of at most `within` voxels of either.
    fn add_lane(
        &mut self,
        values: &[f64],
        ids: &[u64],
        farthest: usize,
        within: usize,
        least: f64,
    ) {
        for (at, &id) in ids.iter().enumerate() {
            let beyond = &ids[at + 1..];
            if id == 0 || beyond.first() == Some(&id) {
                continue;
            }
            let near = beyond.iter().take(farthest);
            let Some(gap) = near
                .clone()
                .position(|&other| other != 0)
                .map(|gap| gap + 1)
            else {
                continue;
            };
            let other = ids[at + gap];
            if other == id {
                continue;
            }
            let before = ids[..at].iter().rev().take(within);
            let after = ids[at + gap + 1..].iter().take(within);
            let before = before.take_while(|&&cell| cell == id).count();
            let after = after.take_while(|&&cell| cell == other).count();
            let profile = &values[at - before..=at + gap + after];
            self.profiles += 1;
            // Where the middle lies between two voxels, the halves share both.
            self.dipping += usize::from(dips(profile, gap + 2 * before, least));
        }
    }
}

/// Whether a profile has a peak on either side of its middle (twice the place of it), and between
/// them less than the lower of both by more than `least`.
fn dips(profile: &[f64], twice_middle: usize, least: f64) -> bool {
    let (low, high) = (twice_middle / 2, twice_middle.div_ceil(2));
    let peak = |range: std::ops::RangeInclusive<usize>| {
        let values = range.filter_map(|at| Some((at, *profile.get(at)?)));
        values.max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let Some(end) = profile.len().checked_sub(1) else {
        return false;
    };
    let (Some((left, first)), Some((right, second))) = (peak(0..=high), peak(low..=end)) else {
        return false;
    };
    if left >= right {
        return false;
    }
    let between = profile[left..=right].iter().copied();
    first.min(second) - between.fold(f64::INFINITY, f64::min) > least
}

/// Full width at half maximum, in nm of tissue, of the mean profile across isolated membranes:
/// those of labelled cells towards background, straight along the slice and in the slices beside,
/// with [`ISOLATED_NM`] of nothing but the cell on the one side and of background on the other.
/// `None` where there are fewer than ten, or where the profile does not fall to its half.
#[must_use]
pub fn membrane_width_nm(
    grey: ArrayView3<'_, f32>,
    cells: ArrayView3<'_, u64>,
    pixel_nm: [f64; 2],
) -> Option<f64> {
    let widths = ALONG.into_iter().zip(pixel_nm).filter_map(|(along, nm)| {
        let (profile, count) = mean_profile(grey, cells, along, (ISOLATED_NM / nm).ceil() as isize);
        Some((full_width(&profile)? * nm, count)).filter(|_| count >= FEWEST)
    });
    let (sum, count) = widths.fold((0.0, 0), |(sum, all), (width, count)| {
        (sum + width * count as f64, all + count)
    });
    (count > 0).then(|| sum / count as f64)
}

/// Mean profile along an axis, `reach` voxels on either side of a membrane, and how many there are.
fn mean_profile(
    grey: ArrayView3<'_, f32>,
    cells: ArrayView3<'_, u64>,
    along: [usize; 3],
    reach: isize,
) -> (Vec<f64>, usize) {
    let slices = 0..cells.dim().0;
    let empty = || (vec![0.0; 2 * reach as usize + 1], 0);
    let of_slices: Vec<(Vec<f64>, usize)> = slices
        .into_par_iter()
        .map(|slice| {
            let (mut sums, mut count) = empty();
            let ids = cells.index_axis(Axis(0), slice);
            let (rows, columns) = ids.dim();
            let ends = [rows - along[1].min(rows), columns - along[2].min(columns)];
            // From a cell to the background and back: few places are, and no others need a look.
            let here = ids.slice(s![..ends[0], ..ends[1]]);
            let next = ids.slice(s![along[1].min(rows).., along[2].min(columns)..]);
            Zip::indexed(here)
                .and(next)
                .for_each(|(x, y), &here, &next| {
                    let (at, outside) = match (here, next) {
                        (0, 0) => return,
                        (_, 0) => ([slice, x, y], 1),
                        (0, _) => ([slice, x + along[1], y + along[2]], -1),
                        _ => return,
                    };
                    if !is_isolated(cells, at, along, outside, reach) {
                        return;
                    }
                    count += 1;
                    for (sum, steps) in sums.iter_mut().zip(-reach..=reach) {
                        let place = moved(at, along, outside * steps, cells.dim().into());
                        *sum += place.map_or(0.0, |place| f64::from(grey[place]));
                    }
                });
            (sums, count)
        })
        .collect();
    // Slice after slice, so that the same sums come from any number of threads.
    let (sums, count) = of_slices
        .into_iter()
        .fold(empty(), |(sums, all), (more, count)| {
            let sums = sums
                .iter()
                .zip(more)
                .map(|(sum, more)| sum + more)
                .collect();
            (sums, all + count)
        });
    let of = count.max(1) as f64;
    (sums.into_iter().map(|sum| sum / of).collect(), count)
}

/// Whether a voxel is the last of its cell, `reach` voxels deep, towards as much background,
/// straight along the slice and in the slices beside.
fn is_isolated(
    cells: ArrayView3<'_, u64>,
    at: [usize; 3],
    along: [usize; 3],
    outside: isize,
    reach: isize,
) -> bool {
    let shape: [usize; 3] = cells.dim().into();
    let across = [along[0], along[2], along[1]];
    let id = cells[at];
    let is = |place: [usize; 3], steps: isize| {
        let place = moved(place, along, outside * steps, shape)?;
        Some(cells[place])
    };
    let edge = |place: Option<[usize; 3]>| {
        place.is_some_and(|place| is(place, 0) == Some(id) && is(place, 1) == Some(0))
    };
    (1..=reach).all(|steps| is(at, steps) == Some(0) && is(at, -steps) == Some(id))
        && [-2, -1, 1, 2]
            .into_iter()
            .all(|steps| edge(moved(at, across, steps, shape)))
        && [-1, 1].into_iter().all(|steps| {
            let place = moved(at, [1, 0, 0], steps, shape);
            // Beyond the first and the last slice nothing is known.
            place.is_none() || edge(place)
        })
}

/// Full width at half maximum of an isolated point, in nm of tissue: the mean of that along rows
/// and along columns through its middle, in the plane where it is brightest. `voxel_nm` is the size of
/// the function's voxels along rows and columns. `None` where it does not fall to its half.
#[must_use]
pub fn point_width_nm(psf: &Psf, voxel_nm: [f64; 2]) -> Option<f64> {
    let shape = psf.shape();
    let sharpest =
        (0..shape.taps()).max_by(|&a, &b| psf.at(a, 0, 0).total_cmp(&psf.at(b, 0, 0)))?;
    let width = |axis: usize| {
        let at = |steps: usize| match axis {
            0 => psf.at(sharpest, steps, 0),
            _ => psf.at(sharpest, 0, steps),
        };
        let radius = shape.radius[axis];
        let profile = (0..=2 * radius).map(|place| f64::from(at(place.abs_diff(radius))));
        full_width(&profile.collect::<Vec<f64>>())
    };
    Some((width(0)? * voxel_nm[0] + width(1)? * voxel_nm[1]) / 2.0)
}

/// Full width at half maximum of a profile in steps, between them by straight lines, above the
/// lower of its ends.
#[must_use]
pub fn full_width(profile: &[f64]) -> Option<f64> {
    let dark = profile.first()?.min(*profile.last()?);
    let (peak, top) = (profile.iter().copied().enumerate())
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .filter(|(_, top)| *top > dark)?;
    let half = dark + (top - dark) / 2.0;
    let crossing = |from: usize, to: usize| {
        let (from, to) = (profile[from], profile[to]);
        (from - half) / (from - to)
    };
    let right = (peak + 1..profile.len()).find(|&at| profile[at] < half)?;
    let left = (0..peak).rev().find(|&at| profile[at] < half)?;
    let to_right = (right - 1 - peak) as f64 + crossing(right - 1, right);
    let to_left = (peak - left - 1) as f64 + crossing(left + 1, left);
    Some(to_left + to_right)
}
