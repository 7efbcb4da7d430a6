//! Metrics of profiles across membranes, along rows and columns of the slices (docs/metrics.md).

use ndarray::ArrayView3;

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
    let shape: [usize; 3] = cells.dim().into();
    let mut found = Separability::default();
    let mut profile = Vec::new();
    for (at, &id) in cells.indexed_iter() {
        if id == 0 {
            continue;
        }
        let at: [usize; 3] = at.into();
        for (along, nm) in ALONG.into_iter().zip(pixel_nm) {
            let farthest = (TOUCHING_NM / nm).floor() as isize + 1;
            let next = |steps| {
                let place = moved(at, along, steps, shape)?;
                Some((steps, cells[place]))
            };
            let Some(Some((gap, other))) = (1..=farthest.max(1))
                .map(next)
                .find(|next| next.is_none_or(|(_, other)| other != 0))
            else {
                continue;
            };
            if other == id {
                continue;
            }
            let within = (inside_nm / nm).floor() as isize;
            let of_cell = |from: isize, step: isize, cell: u64| {
                let inside = (1..=within).take_while(|&steps| {
                    moved(at, along, from + step * steps, shape)
                        .is_some_and(|place| cells[place] == cell)
                });
                inside.count() as isize
            };
            let (first, last) = (-of_cell(0, -1, id), gap + of_cell(gap, 1, other));
            profile.clear();
            profile.extend((first..=last).filter_map(|steps| {
                let place = moved(at, along, steps, shape)?;
                Some(f64::from(grey[place]))
            }));
            // Where the middle lies between two voxels, the halves share both.
            let middle = gap - 2 * first;
            found.profiles += 1;
            found.dipping += usize::from(dips(&profile, middle as usize, DIP * noise));
        }
    }
    found
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
    let shape: [usize; 3] = cells.dim().into();
    let across = [along[0], along[2], along[1]];
    let mut sums = vec![0.0; 2 * reach as usize + 1];
    let mut count = 0;
    for (at, &id) in cells.indexed_iter() {
        if id == 0 {
            continue;
        }
        let at: [usize; 3] = at.into();
        for outside in [1, -1] {
            let is = |place: Option<[usize; 3]>, steps: isize| {
                let place = place.and_then(|place| moved(place, along, outside * steps, shape));
                place.map(|place| cells[place])
            };
            let edge = |place| is(place, 0) == Some(id) && is(place, 1) == Some(0);
            let isolated = (1..=reach)
                .all(|steps| is(Some(at), steps) == Some(0) && is(Some(at), -steps) == Some(id));
            let beside = |axis, steps| moved(at, axis, steps, shape);
            let straight = [-2, -1, 1, 2]
                .into_iter()
                .all(|steps| edge(beside(across, steps)));
            let deep = [-1, 1].into_iter().all(|steps| {
                let place = beside([1, 0, 0], steps);
                // Beyond the first and the last slice nothing is known.
                place.is_none() || edge(place)
            });
            if !(isolated && straight && deep) {
                continue;
            }
            count += 1;
            for (sum, steps) in sums.iter_mut().zip(-reach..=reach) {
                if let Some(place) = moved(at, along, outside * steps, shape) {
                    *sum += f64::from(grey[place]);
                }
            }
        }
    }
    let of = count.max(1) as f64;
    (sums.into_iter().map(|sum| sum / of).collect(), count)
}

/// Full width at half maximum of a profile in steps, between them by straight lines, above the lower
/// of its ends.
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
