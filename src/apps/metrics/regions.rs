//! Parts of an image by the truth: membranes, depths within cells, and what lies far from labels.

use ndarray::{Array3, ArrayView3};
use std::collections::VecDeque;

/// Voxels of labelled cells that have a neighbour of another id in their slice, up, down, left or
/// right. What lies beyond the border counts as the same cell.
#[must_use]
pub fn membranes(cells: ArrayView3<'_, u64>) -> Array3<bool> {
    Array3::from_shape_fn(cells.dim(), |(z, x, y)| {
        let id = cells[[z, x, y]];
        id != 0 && neighbours(cells.dim(), x, y).any(|[x, y]| cells[[z, x, y]] != id)
    })
}

/// The neighbours in a slice, as far as they are inside.
pub(super) fn neighbours(
    (_, rows, columns): (usize, usize, usize),
    x: usize,
    y: usize,
) -> impl Iterator<Item = [usize; 2]> {
    let at = [
        x.checked_sub(1).map(|x| [x, y]),
        (x + 1 < rows).then_some([x + 1, y]),
        y.checked_sub(1).map(|y| [x, y]),
        (y + 1 < columns).then_some([x, y + 1]),
    ];
    at.into_iter().flatten()
}

/// Steps in the slice from a voxel to the nearest of another id, of 1 for those that touch one; as
/// many as rows and columns together where there is none.
#[must_use]
pub fn depths(cells: ArrayView3<'_, u64>) -> Array3<u32> {
    let starts = |[z, x, y]: [usize; 3]| {
        let id = cells[[z, x, y]];
        neighbours(cells.dim(), x, y).any(|[x, y]| cells[[z, x, y]] != id)
    };
    steps(cells.dim(), starts, 1)
}

/// Steps in the slice from the voxels of a mask, which have `first`.
fn steps(
    shape: (usize, usize, usize),
    starts: impl Fn([usize; 3]) -> bool,
    first: u32,
) -> Array3<u32> {
    let (slices, rows, columns) = shape;
    let farthest = (rows + columns) as u32;
    let mut found = Array3::from_elem(shape, farthest);
    let mut queue = VecDeque::new();
    for z in 0..slices {
        for x in 0..rows {
            for y in 0..columns {
                if starts([z, x, y]) {
                    found[[z, x, y]] = first;
                    queue.push_back([x, y]);
                }
            }
        }
        while let Some([x, y]) = queue.pop_front() {
            let next = found[[z, x, y]] + 1;
            for [x, y] in neighbours(shape, x, y) {
                if found[[z, x, y]] > next {
                    found[[z, x, y]] = next;
                    queue.push_back([x, y]);
                }
            }
        }
    }
    found
}

/// Voxels of no labelled cell that are at least so many steps in the slice from all of them; where
/// fewer than a hundred are, all voxels of no labelled cell.
#[must_use]
pub fn background(cells: ArrayView3<'_, u64>, steps_away: u32) -> Array3<bool> {
    let away = steps(cells.dim(), |at| cells[at] != 0, 0);
    let far = away.mapv(|away| away >= steps_away.max(1));
    match far.iter().filter(|far| **far).count() {
        0..100 => cells.mapv(|id| id == 0),
        _ => far,
    }
}
