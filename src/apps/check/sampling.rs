//! Camera pixels before and after rounding to whole voxels.

use crate::config::Config;
use crate::optics::camera::Camera;
use crate::run::simulation::Watcher;
use serde::Serialize;

/// Least change by rounding that is reported, as a share.
const TOLD: f64 = 0.01;

/// Size of the camera's pixels and distance of its images, as asked for and after rounding to whole
/// numbers of voxels. Axes are (z, x, y): x is the row of an image, y its column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sampling {
    /// Size of a voxel in tissue.
    pub voxel_tissue_nm: [f64; 3],
    /// Slices per image and voxels per pixel, as asked for.
    pub asked_voxels: [f64; 3],
    /// Slices per image and voxels per pixel, as taken; below 1 where a voxel covers several
    /// pixels.
    pub taken_voxels: [f64; 3],
    /// Size of a pixel in tissue, as asked for.
    pub asked_tissue_nm: [f64; 3],
    /// Size of a pixel in tissue, as taken.
    pub taken_tissue_nm: [f64; 3],
    /// Size of a pixel in the expanded gel, as asked for.
    pub asked_gel_nm: [f64; 3],
    /// Size of a pixel in the expanded gel, as taken.
    pub taken_gel_nm: [f64; 3],
    /// Change of the size by rounding in per cent; negative where it is smaller.
    pub change_per_cent: [f64; 3],
}

impl Sampling {
    pub(super) fn new(config: &Config, camera: &Camera) -> Self {
        let voxel = config.groundtruth.voxel_or_nan();
        let gel = config.voxel_in_gel_nm();
        let asked = camera.exact_step;
        let taken = [camera.planes.step(), camera.x.step(), camera.y.step()];
        let each = |of: &dyn Fn(usize) -> f64| std::array::from_fn(of);
        Self {
            voxel_tissue_nm: voxel,
            asked_voxels: asked,
            taken_voxels: taken,
            asked_tissue_nm: each(&|axis| asked[axis] * voxel[axis]),
            taken_tissue_nm: each(&|axis| taken[axis] * voxel[axis]),
            asked_gel_nm: each(&|axis| asked[axis] * gel[axis]),
            taken_gel_nm: each(&|axis| taken[axis] * gel[axis]),
            change_per_cent: each(&|axis| 100.0 * (taken[axis] / asked[axis] - 1.0)),
        }
    }

    /// Warns of every axis that rounding changes by more than one per cent.
    pub(super) fn warn(&self, config: &Config, watcher: &mut dyn Watcher) {
        let moved = |axis: usize| (self.change_per_cent[axis] / 100.0).abs() > TOLD;
        if moved(0) {
            watcher.warn(&self.z_warning(config.optics.focal_plane_depth_nm));
        }
        let axes: &[(usize, &str)] = if self.asked_voxels[1] == self.asked_voxels[2] {
            &[(1, "")]
        } else {
            &[(1, " along x"), (2, " along y")]
        };
        for &(axis, along) in axes.iter().filter(|(axis, _)| moved(*axis)) {
            watcher.warn(&self.pixel_warning(axis, along, config));
        }
    }

    fn pixel_warning(&self, axis: usize, along: &str, config: &Config) -> String {
        let (asked, taken) = (self.asked_voxels[axis], self.taken_voxels[axis]);
        let rounding = if asked < 1.0 {
            format!("{} pixels per voxel{along}", digits(1.0 / asked))
        } else {
            format!("{} voxels per pixel{along}", digits(asked))
        };
        let whole = if taken < 1.0 { 1.0 / taken } else { taken };
        format!(
            "pixel_size {} asks for {rounding}, taken as {whole:.0}: pixels are {} than asked; pixel_size = {} is exact{along}",
            config.optics.pixel_size_nm,
            change(self.change_per_cent[axis], ["smaller", "larger"]),
            digits(self.taken_gel_nm[axis] * config.optics.objective_factor)
        )
    }

    fn z_warning(&self, focal_plane_depth_nm: f64) -> String {
        let (asked, taken) = (self.asked_voxels[0], self.taken_voxels[0]);
        // SimExm rounds a half to 0 and steps by it.
        let simexm = if asked <= 0.5 {
            " (where SimExm steps by 0 slices and stops)"
        } else {
            ""
        };
        format!(
            "focal_plane_depth {focal_plane_depth_nm} asks for {} slices per image, taken as {taken:.0}{simexm}: \
             images lie {} than asked; focal_plane_depth = {} is exact",
            digits(asked),
            change(self.change_per_cent[0], ["closer", "farther apart"]),
            digits(self.taken_gel_nm[0])
        )
    }
}

/// Writes a change such as "21 per cent smaller".
fn change(per_cent: f64, [less, more]: [&str; 2]) -> String {
    let word = if per_cent < 0.0 { less } else { more };
    format!("{:.0} per cent {word}", per_cent.abs())
}

/// Writes a number with three significant digits, or with all before the point.
pub(super) fn digits(number: f64) -> String {
    digits_of(number, 3)
}

/// Writes a number with `count` significant digits, or with all before the point.
pub(super) fn digits_of(number: f64, count: u32) -> String {
    let whole = number.round();
    if (number - whole).abs() < 1e-6 * number.abs().max(1.0) {
        return format!("{whole:.0}");
    }
    let before = number.abs().log10().floor();
    let after = (f64::from(count) - 1.0 - before).clamp(0.0, 9.0) as usize;
    format!("{number:.after$}")
}
