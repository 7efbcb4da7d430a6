//! A point spread function that was measured, on the voxels of a run (docs/physical.md section 4).

use ndarray::{Array3, Axis};

use super::error::{OpticsError, positive};
use super::microscopes::Imaging;
use super::voxels::{Kernel, VoxelGrid};
use crate::engine::psf::{Psf, PsfShape};

/// The image of a point: a stack whose planes are focused the deeper the later they come.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Grey values above the background (z, x, y); none is below 0.
    stack: Array3<f64>,
    /// Size of its voxels (z, x, y) in the gel, in um.
    voxel_um: [f64; 3],
    /// The brightest plane, and the centroid of its light along x and y, in voxels.
    centre: [f64; 3],
}

impl Measured {
    /// Takes a stack (z, x, y) with voxels of this size in the gel, in um. Its focus is the
    /// centroid of the plane with the brightest voxel; values below `background` count as it.
    ///
    /// # Errors
    /// The stack holds no light, or a size makes no sense.
    pub fn new(
        stack: &Array3<f32>,
        voxel_um: [f64; 3],
        background: f64,
    ) -> Result<Self, OpticsError> {
        for um in voxel_um {
            positive("psf_voxel (um)", um)?;
        }
        let above = |value: &f32| {
            let above = f64::from(*value) - background;
            if above > 0.0 { above } else { 0.0 }
        };
        let stack = stack.map(above);
        let brightest = |plane: usize| {
            let values = stack.index_axis(Axis(0), plane).into_iter();
            values.copied().fold(0.0, f64::max)
        };
        let focus = (0..stack.dim().0).max_by(|a, b| brightest(*a).total_cmp(&brightest(*b)));
        let Some(focus) = focus.filter(|&plane| brightest(plane) > 0.0) else {
            return Err(OpticsError::NoMeasuredLight { background });
        };
        let plane = stack.index_axis(Axis(0), focus);
        let light = plane.sum();
        let centroid = |axis: usize| {
            let of =
                |(place, value): ((usize, usize), &f64)| [place.0, place.1][axis] as f64 * value;
            plane.indexed_iter().map(of).sum::<f64>() / light
        };
        Ok(Self {
            centre: [focus as f64, centroid(0), centroid(1)],
            stack,
            voxel_um,
        })
    }

    /// Puts the function on voxels, as bright as that of the model: for cameras its brightest plane
    /// has the light of the plane in focus, for scanning microscopes its brightest voxel the light
    /// of the middle of the focus. `phase` is that of [`super::kernel`]. Across the axis it is made
    /// even; the second value is the share of its light that this moved.
    ///
    /// # Errors
    /// A quantity of the model makes no sense.
    pub fn kernel(
        &self,
        imaging: &Imaging,
        grid: &VoxelGrid,
        depth_um: f64,
        phase: u8,
    ) -> Result<(Kernel, f64), OpticsError> {
        let focus = imaging.focus(depth_um)?;
        let [_, x_um, y_um] = self.voxel_um;
        let plane = self.stack.index_axis(Axis(0), self.centre[0] as usize);
        let scale = if imaging.scans() {
            let peak = plane.iter().copied().fold(0.0, f64::max);
            imaging.kappa(focus, &[0.0], &[0.0])?[0][0] / peak
        } else {
            imaging.light(focus, 0.0)? / (plane.sum() * x_um * y_um)
        };
        let fraction = f64::from(phase) / 4.0;
        let [before, after] = self.sides(grid, fraction);
        let radius = [1, 2].map(|axis| self.radius(grid, axis));
        let shape = PsfShape {
            before,
            after,
            radius,
            symmetric: false,
        };
        // Axis after axis: along z the mean over a slice, across it the integral over a voxel of
        // the mean over another.
        let along = self.weights(0, shape.taps(), |tap| {
            // A point that lies deeper than the focus is seen in the planes before the brightest.
            let from_focus = (tap as f64 - before as f64 - fraction) * grid.voxel_um[0];
            (-from_focus, grid.voxel_um[0], Window::Box)
        });
        let across = |axis: usize| {
            let (radius, voxel_um) = (radius[axis - 1], grid.voxel_um[axis]);
            self.weights(axis, 2 * radius + 1, |at| {
                let place = (at as f64 - radius as f64) * voxel_um;
                (place, voxel_um, Window::Triangle)
            })
        };
        let (across_x, across_y) = (across(1), across(2));
        let (mut values, mut moved, mut all) = (Vec::new(), 0.0, 0.0);
        let mut plane_light = Vec::with_capacity(shape.taps());
        for planes in &along {
            let mut seen = Array3::<f64>::zeros((1, self.stack.dim().1, self.stack.dim().2));
            for (plane, weight) in planes {
                seen.index_axis_mut(Axis(0), 0)
                    .scaled_add(weight * scale, &self.stack.index_axis(Axis(0), *plane));
            }
            let seen = seen.index_axis_move(Axis(0), 0);
            let at = |x: usize, y: usize| -> f64 {
                let row = |(at, weight): &(usize, f64)| {
                    let along = across_y[y].iter();
                    weight
                        * along
                            .map(|(y, weight)| weight * seen[[*at, *y]])
                            .sum::<f64>()
                };
                across_x[x].iter().map(row).sum()
            };
            let [rx, ry] = radius;
            let mut light = 0.0;
            for x in 0..=rx {
                for y in 0..=ry {
                    let images = [
                        [rx + x, ry + y],
                        [rx + x, ry - y],
                        [rx - x, ry + y],
                        [rx - x, ry - y],
                    ];
                    let images = images.map(|[x, y]| at(x, y));
                    let mean = images.iter().sum::<f64>() / 4.0;
                    // Voxels on an axis are their own mirror images.
                    let count = f64::from((1 + u8::from(x > 0)) * (1 + u8::from(y > 0)));
                    let spread = images.iter().map(|value| (value - mean).abs()).sum::<f64>() / 4.0;
                    light += count * mean;
                    moved += count * spread;
                    values.push(mean as f32);
                }
            }
            all += light;
            plane_light.push(light);
        }
        let psf = Psf::from_fn(shape, |plane, x, y| {
            values[(plane * (radius[0] + 1) + x) * (radius[1] + 1) + y]
        });
        let kernel = Kernel {
            psf,
            outside: vec![0.0; plane_light.len()],
            capped: vec![false; plane_light.len()],
            plane_light,
            beyond: [0.0; 2],
        };
        Ok((kernel, if all > 0.0 { moved / all } else { 0.0 }))
    }

    /// Slices before and behind the focus that the stack reaches, within the volume.
    fn sides(&self, grid: &VoxelGrid, fraction: f64) -> [usize; 2] {
        let [planes, ..] = self.stack.shape() else {
            return [0; 2];
        };
        // Its first planes are focused before the point: the point lies deeper than their focus.
        let deeper = (self.centre[0] + 0.5) * self.voxel_um[0] / grid.voxel_um[0];
        let nearer = (*planes as f64 - 0.5 - self.centre[0]) * self.voxel_um[0] / grid.voxel_um[0];
        let most = grid.slices.saturating_sub(1);
        let taps = |reach: f64| (reach + 0.5).floor().max(0.0) as usize;
        [
            taps(nearer - fraction).min(most),
            taps(deeper + fraction).min(most),
        ]
    }

    /// Voxels to the last one that the stack reaches.
    fn radius(&self, grid: &VoxelGrid, axis: usize) -> usize {
        let size = self.stack.shape()[axis] as f64;
        let farther = (self.centre[axis] + 0.5).max(size - 0.5 - self.centre[axis]);
        let voxels = farther * self.voxel_um[axis] / grid.voxel_um[axis];
        (voxels.ceil() as usize).min(grid.reach[axis - 1])
    }

    /// What each of the stack's voxels along an axis counts in each of `count` windows, those that
    /// do; `window` gives a window's middle from the focus and its width, in um.
    fn weights(
        &self,
        axis: usize,
        count: usize,
        window: impl Fn(usize) -> (f64, f64, Window),
    ) -> Vec<Vec<(usize, f64)>> {
        let (size, voxel) = (self.stack.shape()[axis], self.voxel_um[axis]);
        let of = |number: usize| {
            let (middle, width, shape) = window(number);
            let edge = |at: f64| ((at - self.centre[axis]) * voxel - middle) / width;
            let weight = |at: usize| {
                let at_f = at as f64;
                shape.integral(edge(at_f + 0.5)) - shape.integral(edge(at_f - 0.5))
            };
            let unit = match shape {
                Window::Box => 1.0,
                Window::Triangle => width,
            };
            let weights = (0..size).map(|at| (at, unit * weight(at)));
            weights.filter(|(_, weight)| *weight > 0.0).collect()
        };
        (0..count).map(of).collect()
    }
}

/// A window of width 1 around 0.
#[derive(Clone, Copy)]
enum Window {
    /// Height 1 from -1/2 to 1/2.
    Box,
    /// Two boxes over each other: a triangle of height 1 from -1 to 1.
    Triangle,
}

impl Window {
    /// The integral from far below to here.
    fn integral(self, at: f64) -> f64 {
        match self {
            Self::Box => (at + 0.5).clamp(0.0, 1.0),
            Self::Triangle => {
                let at = at.clamp(-1.0, 1.0);
                if at < 0.0 {
                    0.5 * (1.0 + at) * (1.0 + at)
                } else {
                    1.0 - 0.5 * (1.0 - at) * (1.0 - at)
                }
            }
        }
    }
}
