//! Traceability: a simple segmentation, and how it is scored against the truth (docs/metrics.md).

use super::regions::depths;
use super::watershed::{levels, watershed};
use ndarray::{Array3, ArrayView3, ArrayViewMut1, Axis};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Seeds of a watershed, an id for each: the voxels of a cell that lie deeper in it than half of
/// its greatest depth within slices. Those of the background, 0, have the greatest id that no cell
/// has.
#[must_use]
pub fn seeds(cells: ArrayView3<'_, u64>) -> Array3<u64> {
    let depths = depths(cells);
    let mut deepest: BTreeMap<u64, u32> = BTreeMap::new();
    let (cells, depths) = (cells.as_standard_layout(), depths.as_standard_layout());
    let mut seeds = Array3::zeros(cells.dim());
    let (Some(cells), Some(depths), Some(marked)) =
        (cells.as_slice(), depths.as_slice(), seeds.as_slice_mut())
    else {
        return seeds;
    };
    // Neighbours are of the same cell mostly, so that it is looked up once for all of them.
    let mut at = 0;
    for run in cells.chunk_by(|a, b| a == b) {
        let depths = depths[at..at + run.len()].iter().copied();
        let known = deepest.entry(run[0]).or_default();
        *known = depths.fold(*known, u32::max);
        at += run.len();
    }
    let mut names = (1..=u64::MAX).rev();
    let background = names
        .find(|name| !deepest.contains_key(name))
        .unwrap_or(u64::MAX);
    let mut at = 0;
    for run in cells.chunk_by(|a, b| a == b) {
        let place = at..at + run.len();
        at = place.end;
        let deepest = deepest.get(&run[0]).copied().unwrap_or(0);
        let id = if run[0] == 0 { background } else { run[0] };
        for (mark, depth) in marked[place.clone()].iter_mut().zip(&depths[place]) {
            *mark = if 2 * depth > deepest { id } else { 0 };
        }
    }
    seeds
}

/// An image blurred within its slices by a Gaussian of one pixel, cut after four; beyond the border
/// it is its reflection, the border's pixels twice.
#[must_use]
pub fn smoothed(grey: ArrayView3<'_, f64>) -> Array3<f64> {
    const REACH: isize = 4;
    let weights: Vec<f64> = (-REACH..=REACH)
        .map(|at| (-0.5 * (at * at) as f64).exp())
        .collect();
    let sum: f64 = weights.iter().sum();
    let weights: Vec<f64> = weights.into_iter().map(|weight| weight / sum).collect();
    let blur = |lane: &mut ArrayViewMut1<'_, f64>| {
        let period = 2 * lane.len() as isize;
        let reflected = |at: isize| {
            let at = at.rem_euclid(period);
            at.min(period - 1 - at) as usize
        };
        let first = -REACH..lane.len() as isize + REACH;
        let line: Vec<f64> = first.map(|at| lane[reflected(at)]).collect();
        let windows = line.windows(weights.len());
        lane.iter_mut().zip(windows).for_each(|(to, window)| {
            *to = weights
                .iter()
                .zip(window)
                .map(|(weight, from)| weight * from)
                .sum();
        });
    };
    let mut image = grey.to_owned();
    image
        .axis_iter_mut(Axis(0))
        .par_bridge()
        .for_each(|mut slice| {
            for axis in [0, 1] {
                slice
                    .lanes_mut(Axis(axis))
                    .into_iter()
                    .for_each(|mut lane| blur(&mut lane));
            }
        });
    image
}

/// How a segmentation is scored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Adapted Rand error, from 0 (the truth) to 1 (I. Arganda-Carreras et al., Front. Neuroanat.
    /// 9, 142, 2015).
    pub rand_error: f64,
    /// Variation of information that is due to splits, in bits: the entropy of the segmentation
    /// given the truth (M. Meila, J. Multivar. Anal. 98, 873, 2007).
    pub split_bits: f64,
    /// As `split_bits`, to merges: the entropy of the truth given the segmentation.
    pub merge_bits: f64,
}

/// Scores a segmentation over the voxels of the truth that are not 0, as
/// `skimage.metrics.adapted_rand_error` and `variation_of_information` with `ignore_labels=[0]`.
/// `None` where there is no such voxel.
#[must_use]
pub fn score(truth: ArrayView3<'_, u64>, segmentation: ArrayView3<'_, u64>) -> Option<Score> {
    let mut both: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    // Neighbours are of the same pair mostly, so that it is looked up once for all of them.
    let (mut pair, mut count) = ((0, 0), 0);
    for (&truth, &segment) in truth.iter().zip(&segmentation) {
        if (truth, segment) != pair {
            *both.entry(pair).or_default() += count;
            (pair, count) = ((truth, segment), 0);
        }
        count += 1;
    }
    *both.entry(pair).or_default() += count;
    both.retain(|(truth, _), _| *truth != 0);
    let (mut of_truth, mut of_segments) = (BTreeMap::new(), BTreeMap::new());
    for (&(truth, segment), &count) in &both {
        *of_truth.entry(truth).or_insert(0u64) += count;
        *of_segments.entry(segment).or_insert(0u64) += count;
    }
    let voxels: u64 = both.values().sum();
    if voxels == 0 {
        return None;
    }
    let pairs = |count: &u64| *count as f64 * (*count as f64 - 1.0);
    let together: f64 = both.values().map(pairs).sum();
    let in_truth: f64 = of_truth.values().map(pairs).sum();
    let in_segments: f64 = of_segments.values().map(pairs).sum();
    let all = 0.5 * (in_truth + in_segments);
    let entropy = |given: &dyn Fn(u64, u64) -> u64| -> f64 {
        let part = |(&(truth, segment), &count): (&(u64, u64), &u64)| {
            let count = count as f64;
            -count / voxels as f64 * (count / given(truth, segment) as f64).log2()
        };
        // A sum of nothing but zeros is -0.
        both.iter().map(part).sum::<f64>().max(0.0)
    };
    Some(Score {
        rand_error: match all > 0.0 {
            true => 1.0 - together / all,
            // Cells of one voxel each: no two belong together in either.
            false => 0.0,
        },
        split_bits: entropy(&|truth, _| of_truth[&truth]),
        merge_bits: entropy(&|_, segment| of_segments[&segment]),
    })
}

/// Segments the images of membranes, or with `bright_cells` of cells that are bright themselves, by
/// a watershed of the smoothed image from seeds of the truth, and scores it.
#[must_use]
pub fn traceability(
    signal: ArrayView3<'_, f64>,
    cells: ArrayView3<'_, u64>,
    bright_cells: bool,
) -> Option<Score> {
    let height = levels(smoothed(signal).view(), bright_cells);
    let flooded = watershed(height.view(), seeds(cells).view())?;
    score(cells, flooded.view())
}
