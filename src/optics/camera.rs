//! Expansion and the camera: maps voxels to pixels (docs/model.md section 7, docs/physical.md
//! section 5).

use super::focal_planes::FocalPlanes;
use crate::engine::stages::area::AreaAxis;
use std::ops::Range;

/// Ratio of voxels to camera pixels along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AxisSampling {
    /// This many voxels are summed on a pixel; 1 is one to one.
    Bin(u32),
    /// A voxel covers this many pixels, more than 1.
    Magnify(u32),
    /// A pixel covers this many voxels, be they whole or not, and takes of each its share.
    Area(f64),
}

impl AxisSampling {
    /// Rounds `step`, in voxels per pixel: below 1 to a whole magnification, otherwise to a whole
    /// bin, half to even.
    fn new(step: f64) -> Self {
        // Larger factors than any volume has voxels need no distinction.
        const LIMIT: f64 = (1u32 << 30) as f64;
        if step < 1.0 {
            match (1.0 / step).round_ties_even().min(LIMIT) as u32 {
                0 | 1 => Self::Bin(1),
                factor => Self::Magnify(factor),
            }
        } else {
            Self::Bin(step.round_ties_even().min(LIMIT) as u32)
        }
    }

    /// Returns the voxels per pixel.
    pub fn bin(self) -> u32 {
        match self {
            Self::Bin(bin) => bin,
            Self::Magnify(_) | Self::Area(_) => 1,
        }
    }

    /// Returns the pixels per voxel.
    pub fn magnification(self) -> u32 {
        match self {
            Self::Bin(_) | Self::Area(_) => 1,
            Self::Magnify(factor) => factor,
        }
    }

    /// Returns the pixels along an axis of `size` voxels.
    pub fn pixels(self, size: usize) -> usize {
        match self {
            Self::Bin(bin) => size.div_ceil(bin as usize),
            Self::Magnify(factor) => size.saturating_mul(factor as usize),
            Self::Area(step) => AreaAxis::new(step, size).pixels(),
        }
    }

    /// Returns the voxels per pixel, after rounding where whole numbers are wanted.
    pub fn step(self) -> f64 {
        match self {
            Self::Bin(_) | Self::Magnify(_) => {
                f64::from(self.bin()) / f64::from(self.magnification())
            }
            Self::Area(step) => step,
        }
    }

    /// Returns the pixels that begin in these voxels, along an axis of `size` voxels. Where voxels
    /// are summed, the first of them is the first of a pixel.
    pub fn pixels_in(self, voxels: Range<usize>, size: usize) -> Range<usize> {
        match self {
            Self::Bin(bin) => voxels.start / bin as usize..voxels.end.div_ceil(bin as usize),
            Self::Magnify(factor) => {
                let pixel = |voxel: usize| voxel.saturating_mul(factor as usize);
                pixel(voxels.start)..pixel(voxels.end)
            }
            Self::Area(step) => {
                let axis = AreaAxis::new(step, size);
                axis.pixels_before(voxels.start)..axis.pixels_before(voxels.end)
            }
        }
    }

    /// Returns the end of the voxels whose light falls on pixels that begin before `voxel`, a place
    /// where [`AxisSampling::pixels_in`] may start.
    pub fn end_of_pixels(self, voxel: usize, size: usize) -> usize {
        match self {
            Self::Bin(_) | Self::Magnify(_) => voxel,
            Self::Area(step) => {
                let axis = AreaAxis::new(step, size);
                axis.voxels(0..axis.pixels_before(voxel)).end.max(voxel)
            }
        }
    }

    /// Returns the voxel that the ground truth shows at a pixel, along an axis of `size` voxels.
    pub fn shown(self, pixel: usize, size: usize) -> usize {
        match self {
            Self::Bin(bin) => {
                let bin = bin as usize;
                (bin * pixel + bin / 2).min(size - 1)
            }
            Self::Magnify(factor) => pixel / factor as usize,
            Self::Area(step) => AreaAxis::new(step, size).shown(pixel),
        }
    }
}

/// The camera's pixel grid over the volume. Axes are (z, x, y): x is the row of an image, y its
/// column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Sampling along x, across the rows of an image.
    pub x: AxisSampling,
    /// Sampling along y, across its columns.
    pub y: AxisSampling,
    /// Where the images are focused.
    pub planes: FocalPlanes,
    /// Unrounded steps along (z, x, y): slices per image, then voxels per pixel.
    pub exact_step: [f64; 3],
}

impl Camera {
    /// Builds the grid of [`Camera::new`] with pixels of exactly their size and images exactly
    /// where they are asked for.
    pub fn with_areas(self) -> Self {
        let [z, x, y] = self.exact_step;
        Self {
            x: AxisSampling::Area(x),
            y: AxisSampling::Area(y),
            planes: FocalPlanes::new(z),
            ..self
        }
    }

    /// Builds the grid of a camera with pixels of `pixel_nm` behind an objective that magnifies
    /// `objective_factor` times. Images are `focal_plane_depth_nm` apart; voxels measure `voxel_nm`
    /// (z, x, y) in tissue and are swollen by `expansion_factors`.
    pub fn new(
        voxel_nm: [f64; 3],
        expansion_factors: [f64; 3],
        objective_factor: f64,
        pixel_nm: f64,
        focal_plane_depth_nm: f64,
    ) -> Self {
        let gel_nm = |axis: usize| voxel_nm[axis] * expansion_factors[axis];
        let step = |axis: usize| pixel_nm / (gel_nm(axis) * objective_factor);
        let step_z = focal_plane_depth_nm / gel_nm(0);
        let exact_step = [step_z, step(1), step(2)];
        Self {
            x: AxisSampling::new(exact_step[1]),
            y: AxisSampling::new(exact_step[2]),
            planes: FocalPlanes::new(step_z.round_ties_even().clamp(1.0, f64::from(u32::MAX))),
            exact_step,
        }
    }

    /// Returns the shape (z, x, y) of the images of a volume of this shape.
    pub fn image_shape(&self, shape: [usize; 3]) -> [usize; 3] {
        [
            self.planes.count(shape[0]),
            self.x.pixels(shape[1]),
            self.y.pixels(shape[2]),
        ]
    }

    /// Returns true where a voxel covers several pixels.
    pub fn magnifies(&self) -> bool {
        self.x.magnification() > 1 || self.y.magnification() > 1
    }

    /// Returns true where pixels take of voxels their shares.
    pub fn has_areas(&self) -> bool {
        matches!(self.x, AxisSampling::Area(_))
    }

    /// Returns the pixel size (z, x, y) in tissue, in nm, after rounding; along z the distance of
    /// images.
    pub fn pixel_in_tissue_nm(&self, voxel_nm: [f64; 3]) -> [f64; 3] {
        [
            voxel_nm[0] * self.planes.step(),
            voxel_nm[1] * self.x.step(),
            voxel_nm[2] * self.y.step(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_round_half_to_even() {
        assert_eq!(AxisSampling::new(2.5), AxisSampling::Bin(2));
        assert_eq!(AxisSampling::new(3.5), AxisSampling::Bin(4));
        assert_eq!(AxisSampling::new(1.0), AxisSampling::Bin(1));
        assert_eq!(AxisSampling::new(0.65), AxisSampling::Magnify(2));
        assert_eq!(AxisSampling::new(0.4), AxisSampling::Magnify(2));
        assert_eq!(AxisSampling::new(0.8), AxisSampling::Bin(1));
        assert_eq!(AxisSampling::new(f64::INFINITY), AxisSampling::Bin(1 << 30));
    }

    #[test]
    fn image_sizes_follow_the_rounded_steps() {
        // voxel 8 nm, factor 20, objective 40, pixel 6500 nm, focal plane 500 nm
        let camera = Camera::new([8.0; 3], [20.0; 3], 40.0, 6500.0, 500.0);
        assert_eq!(
            (camera.x, camera.planes.step()),
            (AxisSampling::Bin(1), 3.0)
        );
        let camera = Camera::new([500.0, 125.0, 125.0], [4.0; 3], 20.0, 6500.0, 1000.0);
        assert_eq!(camera.image_shape([150, 773, 739]), [150, 1546, 1478]);
        let unequal = Camera::new([40.0, 32.0, 8.0], [4.0; 3], 20.0, 6500.0, 320.0);
        assert_eq!(
            (unequal.x, unequal.y),
            (AxisSampling::Bin(3), AxisSampling::Bin(10))
        );
        assert_eq!(unequal.image_shape([60, 100, 121]), [30, 34, 13]);
    }
}
