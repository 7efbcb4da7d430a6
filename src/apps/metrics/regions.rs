//! Parts of an image by the truth: membranes, depths within cells, and what lies far from labels.

use ndarray::{Array3, ArrayView3, Axis};
use rayon::prelude::*;

/// Voxels of labelled cells that have a neighbour of another id in their slice, up, down, left or
/// right. What lies beyond the border counts as the same cell.
#[must_use]
pub fn membranes(cells: ArrayView3<'_, u64>) -> Array3<bool> {
    by_slices(cells, false, |ids, shape, edges: &mut [bool]| {
        for (at, edge) in edges.iter_mut().enumerate() {
            *edge = ids[at] != 0 && has_other_neighbour(ids, shape, at);
        }
    })
}

/// Fills a volume slice by slice from the ids of the same slice.
fn by_slices<T: Copy + Send + Sync>(
    cells: ArrayView3<'_, u64>,
    first: T,
    fill: impl Fn(&[u64], [usize; 2], &mut [T]) + Sync,
) -> Array3<T> {
    let (_, rows, columns) = cells.dim();
    let mut found = Array3::from_elem(cells.dim(), first);
    let mut slices: Vec<_> = found.axis_iter_mut(Axis(0)).collect();
    slices.par_iter_mut().enumerate().for_each(|(z, found)| {
        let cells = cells.index_axis(Axis(0), z);
        let cells = cells.as_standard_layout();
        if let (Some(found), Some(cells)) = (found.as_slice_mut(), cells.as_slice()) {
            fill(cells, [rows, columns], found);
        }
    });
    found
}

/// Whether a voxel of a slice touches another id, up, down, left or right.
fn has_other_neighbour(ids: &[u64], [rows, columns]: [usize; 2], at: usize) -> bool {
    let (id, x, y) = (ids[at], at / columns, at % columns);
    (x > 0 && ids[at - columns] != id)
        || (x + 1 < rows && ids[at + columns] != id)
        || (y > 0 && ids[at - 1] != id)
        || (y + 1 < columns && ids[at + 1] != id)
}

/// Steps in the slice from a voxel to the nearest of another id, of 1 for those that touch one; as
/// many as rows and columns together where there is none.
#[must_use]
pub fn depths(cells: ArrayView3<'_, u64>) -> Array3<u32> {
    by_slices(cells, 0, |ids, shape, found| {
        for (at, steps) in found.iter_mut().enumerate() {
            *steps = match has_other_neighbour(ids, shape, at) {
                true => 1,
                false => farthest(shape),
            };
        }
        spread(found, shape);
    })
}

/// More steps than there are in a slice.
fn farthest([rows, columns]: [usize; 2]) -> u32 {
    (rows + columns) as u32
}

/// Steps from what is nearest, of what each voxel starts with: of this distance a pass from the
/// first voxel and one back are enough (A. Rosenfeld and J. L. Pfaltz, J. ACM 13, 471, 1966).
fn spread(steps: &mut [u32], [_, columns]: [usize; 2]) {
    let columns = columns.max(1);
    for at in 0..steps.len() {
        let mut least = steps[at];
        if at >= columns {
            least = least.min(steps[at - columns] + 1);
        }
        if at % columns > 0 {
            least = least.min(steps[at - 1] + 1);
        }
        steps[at] = least;
    }
    for at in (0..steps.len()).rev() {
        let mut least = steps[at];
        if at + columns < steps.len() {
            least = least.min(steps[at + columns] + 1);
        }
        if at % columns + 1 < columns {
            least = least.min(steps[at + 1] + 1);
        }
        steps[at] = least;
    }
}

/// Voxels of no labelled cell that are at least so many steps in the slice from all of them; where
/// fewer than a hundred are, all voxels of no labelled cell.
#[must_use]
pub fn background(cells: ArrayView3<'_, u64>, steps_away: u32) -> Array3<bool> {
    let away = by_slices(cells, 0, |ids, shape, found| {
        for (steps, id) in found.iter_mut().zip(ids) {
            *steps = if *id == 0 { farthest(shape) } else { 0 };
        }
        spread(found, shape);
    });
    let far = away.mapv(|away| away >= steps_away.max(1));
    match far.iter().filter(|far| **far).count() {
        0..100 => cells.mapv(|id| id == 0),
        _ => far,
    }
}
