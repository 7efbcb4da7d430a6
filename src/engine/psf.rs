//! A point spread function on voxels, as the convolution takes it.

use ndarray::Array3;
use rayon::prelude::*;
use std::sync::Arc;

/// Which voxels around the focus a point spread function holds. Axes are (z, x, y).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PsfShape {
    /// Planes before the focus: light that comes from slices with a smaller z.
    pub before: usize,
    /// Planes behind the focus.
    pub after: usize,
    /// Voxels from the centre to the last one along x and along y, where the function is even.
    pub radius: [usize; 2],
    /// True where the plane at -z is the plane at z: only those from the focus on are kept, and
    /// `before` is `after`.
    pub symmetric: bool,
}

impl PsfShape {
    /// The shape of a function that is even along every axis, of so many voxels from its centre to
    /// the last one.
    pub const fn symmetric([z, x, y]: [usize; 3]) -> Self {
        Self {
            before: z,
            after: z,
            radius: [x, y],
            symmetric: true,
        }
    }

    /// Slices that a blurred one is made of.
    pub const fn taps(&self) -> usize {
        self.before + 1 + self.after
    }

    /// Planes that are kept: one for each tap, or one for each distance from the focus.
    pub const fn planes(&self) -> usize {
        if self.symmetric {
            self.after + 1
        } else {
            self.taps()
        }
    }

    /// The plane of a tap; tap 0 is the slice farthest before the focus.
    pub const fn plane(&self, tap: usize) -> usize {
        if self.symmetric {
            tap.abs_diff(self.before)
        } else {
            tap
        }
    }

    /// Values of a plane along (x, y), from the centre outwards.
    pub const fn plane_size(&self) -> [usize; 2] {
        [self.radius[0] + 1, self.radius[1] + 1]
    }

    /// The smallest shape that holds two others.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let radius = |axis: usize| self.radius[axis].max(other.radius[axis]);
        Self {
            before: self.before.max(other.before),
            after: self.after.max(other.after),
            radius: [radius(0), radius(1)],
            symmetric: self.symmetric && other.symmetric,
        }
    }

    /// Values of all planes.
    pub const fn values(&self) -> usize {
        let [x, y] = self.plane_size();
        self.planes() * x * y
    }
}

/// A point spread function: what the voxels around a focus give to it. Along z the image of a point
/// is its mirror image.
#[derive(Clone, Debug, PartialEq)]
pub struct Psf {
    shape: PsfShape,
    /// Shared by all copies: rounds of imaging have the same function.
    values: Arc<Vec<f32>>,
}

impl Psf {
    /// The function with these values (plane, x, y), y contiguous, each plane from its centre
    /// outwards; planes go from the first one before the focus to the last one behind it, or from
    /// the focus on where the shape is symmetric. `None` where their number is not that of the
    /// shape.
    pub fn new(shape: PsfShape, values: Vec<f32>) -> Option<Self> {
        (values.len() == shape.values()).then(|| Self::of_shape(shape, values))
    }

    /// As [`Psf::new`], for values that were made for the shape.
    ///
    /// # Panics
    /// When they are not as many.
    pub(crate) fn of_shape(shape: PsfShape, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), shape.values(), "values of {shape:?}");
        Self {
            shape,
            values: Arc::new(values),
        }
    }

    /// The function whose values are those of `value(plane, x, y)`, as in [`Psf::new`].
    pub fn from_fn(shape: PsfShape, value: impl Fn(usize, usize, usize) -> f32 + Sync) -> Self {
        let [x, y] = shape.plane_size();
        let mut values = vec![0.0; shape.values()];
        let rows = values.par_chunks_exact_mut(y).enumerate();
        rows.for_each(|(row, values)| {
            for (at_y, to) in values.iter_mut().enumerate() {
                *to = value(row / x, row % x, at_y);
            }
        });
        Self::of_shape(shape, values)
    }

    /// The sum of functions, in a shape that holds each of them.
    pub fn sum(shape: PsfShape, parts: &[Self]) -> Self {
        if let [alone] = parts
            && alone.shape == shape
        {
            return alone.clone();
        }
        Self::from_fn(shape, |plane, x, y| {
            let from_focus = if shape.symmetric { 0 } else { shape.before };
            let value = |part: &Self| {
                let own = part.shape;
                let tap = (own.before + plane).checked_sub(from_focus);
                match tap.filter(|&tap| tap < own.taps()) {
                    Some(tap) if x <= own.radius[0] && y <= own.radius[1] => part.at(tap, x, y),
                    _ => 0.0,
                }
            };
            parts.iter().map(value).sum()
        })
    }

    /// Which voxels it holds.
    pub fn shape(&self) -> PsfShape {
        self.shape
    }

    /// The values, in the order of [`Psf::new`].
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Value at a tap (see [`PsfShape::plane`]) and these distances from the centre along x and y.
    pub fn at(&self, tap: usize, x: usize, y: usize) -> f32 {
        let [size_x, size_y] = self.shape.plane_size();
        self.values[(self.shape.plane(tap) * size_x + x) * size_y + y]
    }

    /// All its voxels (z, x, y), with every mirror image.
    pub fn whole(&self) -> Array3<f32> {
        let [x, y] = self.shape.radius;
        let shape = (self.shape.taps(), 2 * x + 1, 2 * y + 1);
        Array3::from_shape_fn(shape, |(tap, at_x, at_y)| {
            self.at(tap, at_x.abs_diff(x), at_y.abs_diff(y))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_before_and_behind_the_focus_are_told_apart() {
        let shape = PsfShape {
            before: 1,
            after: 2,
            radius: [1, 0],
            symmetric: false,
        };
        let psf = Psf::new(shape, (0..8).map(|v| v as f32).collect()).unwrap();
        let whole = psf.whole();
        assert_eq!(whole.dim(), (4, 3, 1));
        let planes: Vec<Vec<f32>> = whole
            .outer_iter()
            .map(|p| p.iter().copied().collect())
            .collect();
        let expected = [
            [1.0, 0.0, 1.0],
            [3.0, 2.0, 3.0],
            [5.0, 4.0, 5.0],
            [7.0, 6.0, 7.0],
        ];
        assert_eq!(planes, expected);
        assert_eq!(Psf::new(shape, vec![0.0; 7]), None);
    }

    #[test]
    fn a_symmetric_function_is_its_mirror_image() {
        let shape = PsfShape::symmetric([2, 1, 1]);
        let psf = Psf::from_fn(shape, |z, x, y| (4 * z + 2 * x + y) as f32);
        let whole = psf.whole();
        assert_eq!(whole.dim(), (5, 3, 3));
        for ((z, x, y), value) in whole.indexed_iter() {
            assert_eq!(*value, whole[[4 - z, 2 - x, 2 - y]]);
        }
        assert_eq!(whole[[2, 1, 1]], 0.0);
        assert_eq!(whole[[0, 1, 2]], 9.0);
    }
}
