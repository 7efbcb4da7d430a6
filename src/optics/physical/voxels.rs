//! What a fluorophore in a voxel gives to the voxels around it (docs/physical.md sections 3.1 and
//! 3.2).
//!
//! K is the integral of kappa over the area of a voxel of the image, averaged over the box of the
//! voxel that the fluorophore is in. Across the axis that is kappa under the product of two
//! triangles, whose half widths are a voxel's edges.

use rayon::prelude::*;

use super::error::{OpticsError, positive, within};
use super::kappa::STEPS;
use super::microscopes::Imaging;
use super::profile::{Planes, Profile};
use super::radial::{TableSum, sums};
use super::reach::{Reach, Stack};
use crate::engine::psf::{Psf, PsfShape};
use crate::optics::quadrature::gauss_legendre_of;

/// Voxels of the sample after expansion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoxelGrid {
    /// Edges of a voxel (z, x, y) in the gel, in um.
    pub voxel_um: [f64; 3],
    /// Slices of the loaded box: a function that never fades ends where both ends of the box are
    /// reached from either.
    pub slices: usize,
    /// Voxels along x and y from the centre to the last one that a kernel may have: `psf_reach`, or
    /// what the padded axis holds.
    pub reach: [usize; 2],
}

/// How much light a kernel leaves out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// Share of a plane's light that may fall outside its radius (`psf_truncation`).
    pub truncation: f64,
    /// Share of the light of all planes that may come from beyond the last ones
    /// (`psf_depth_truncation`).
    pub depth_truncation: f64,
    /// What becomes of planes that are wider than the reach: true scales them to their whole light,
    /// so that a block keeps its brightness; false leaves each voxel what it has, as is right where
    /// the sample is dark beyond the reach.
    pub keep_light: bool,
}

impl Default for Accuracy {
    /// 2 % of each plane and of all planes; all light is kept.
    fn default() -> Self {
        Self {
            truncation: 0.02,
            depth_truncation: 0.02,
            keep_light: true,
        }
    }
}

/// A kernel on voxels: electrons that one fluorophore gives to a voxel of the image.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// The kernel as the convolution takes it.
    pub psf: Psf,
    /// Light of each tap's plane over the whole image, exactly; the outermost ones have the light
    /// of all planes beyond them, too.
    pub plane_light: Vec<f64>,
    /// Share of each tap's light that fell outside its voxels before the plane was scaled.
    pub outside: Vec<f64>,
    /// True for each tap whose plane is wider than the reach: its share outside is more than the
    /// truncation, which is an error unless the user set `psf_reach`, and deserves a warning then.
    pub capped: Vec<bool>,
    /// Light of all planes before the first and behind the last one, which these have taken over.
    pub beyond: [f64; 2],
}

/// Computes the kernel at a depth of the focus in um. `phase` is how far the focus lies beyond the
/// middle of a slice, in quarters of a voxel (0 to 3): tap j is j - phase/4 voxels from the focus.
///
/// # Errors
/// A quantity makes no sense, or the kernel is out of reach.
pub fn kernel(
    imaging: &Imaging,
    grid: &VoxelGrid,
    accuracy: &Accuracy,
    depth_um: f64,
    phase: u8,
) -> Result<Kernel, OpticsError> {
    imaging.validate()?;
    for (quantity, um) in ["z", "x", "y"].into_iter().zip(grid.voxel_um) {
        let quantity = match quantity {
            "z" => "voxel_dim along z in the gel (um)",
            "x" => "voxel_dim along x in the gel (um)",
            _ => "voxel_dim along y in the gel (um)",
        };
        positive(quantity, um)?;
    }
    within("psf_truncation", accuracy.truncation, [1e-6, 0.5])?;
    within(
        "psf_depth_truncation",
        accuracy.depth_truncation,
        [1e-6, 0.5],
    )?;
    within(
        "the phase (quarters of a voxel)",
        f64::from(phase),
        [0.0, 3.0],
    )?;
    let [_, x_um, y_um] = grid.voxel_um;
    let edge = [grid.reach[0] as f64 * x_um, grid.reach[1] as f64 * y_um];
    let planes = Planes {
        imaging,
        focus: imaging.focus(depth_um)?,
        voxel_um: grid.voxel_um,
        truncation: accuracy.truncation,
        farthest_um: (edge[0] * edge[0] + edge[1] * edge[1]).sqrt(),
    };
    let symmetric = phase == 0 && imaging.symmetric_along_z();
    let reach = Reach {
        fraction: f64::from(phase) / 4.0,
        slices: grid.slices,
        truncation: accuracy.depth_truncation,
        symmetric,
    };
    let stack = reach.stack(&planes)?;
    let lateral = Lateral::new(imaging, grid);
    Ok(assemble(&stack, &lateral, accuracy.keep_light, symmetric))
}

/// Puts the planes of a stack on voxels and scales each to its light.
fn assemble(stack: &Stack, lateral: &Lateral, keep_light: bool, symmetric: bool) -> Kernel {
    let [before, after] = &stack.sides;
    // Light that a plane takes over from those beyond it.
    let outermost = |side: &super::reach::Side, plane: usize| {
        if plane == side.profiles.len() {
            side.beyond
        } else {
            0.0
        }
    };
    let mut planes: Vec<(&Profile, f64)> = Vec::new();
    if !symmetric {
        let reversed = before.profiles.iter().enumerate().rev();
        planes.extend(reversed.map(|(at, plane)| (plane, outermost(before, at + 1))));
    }
    planes.push((&stack.middle, outermost(before, 0) + outermost(after, 0)));
    let onwards = after.profiles.iter().enumerate();
    planes.extend(onwards.map(|(at, plane)| (plane, outermost(after, at + 1))));

    let mut radius = [0; 2];
    for (profile, _) in &planes {
        for (axis, radius) in radius.iter_mut().enumerate() {
            *radius = lateral.radius(profile, axis).max(*radius);
        }
    }
    let shape = PsfShape {
        before: before.profiles.len(),
        after: after.profiles.len(),
        radius,
        symmetric,
    };
    let profiles: Vec<&Profile> = planes.iter().map(|(profile, _)| *profile).collect();
    let rows = lateral.rows(&profiles, radius);
    let mut psf = vec![0.0; shape.values()];
    let [x, y] = shape.plane_size();
    let made: Vec<(f64, f64, bool)> = psf
        .par_chunks_exact_mut(x * y)
        .zip(&planes)
        .enumerate()
        .map(|(number, (psf, (profile, taken_over)))| {
            let values = lateral.plane(&rows, number, radius);
            let kept = lateral.light(&values, radius);
            let capped = lateral.capped(profile);
            let light = profile.light + taken_over;
            let (scale, sum) = match (kept > 0.0, capped && !keep_light) {
                (false, _) => (0.0, 0.0),
                (true, true) => (light / profile.light, kept * light / profile.light),
                (true, false) => (light / kept, light),
            };
            for (voxel, value) in psf.iter_mut().zip(values) {
                *voxel = (value * scale) as f32;
            }
            let outside = if profile.light > 0.0 {
                1.0 - kept / profile.light
            } else {
                0.0
            };
            (sum, outside, capped)
        })
        .collect();
    let taps = 0..shape.taps();
    let plane_light = taps.clone().map(|tap| made[shape.plane(tap)].0).collect();
    let outside = taps.clone().map(|tap| made[shape.plane(tap)].1).collect();
    let capped = taps.map(|tap| made[shape.plane(tap)].2).collect();
    Kernel {
        psf: Psf::of_shape(shape, psf),
        plane_light,
        outside,
        capped,
        beyond: [before.beyond, after.beyond],
    }
}

/// Voxels of a plane, and the average over them.
struct Lateral {
    voxel_um: [f64; 2],
    reach: [usize; 2],
    step_um: f64,
    /// Nodes and weights under the triangles along x and y, in voxels.
    triangles: [Vec<(f64, f64)>; 2],
}

impl Lateral {
    fn new(imaging: &Imaging, grid: &VoxelGrid) -> Self {
        let [_, x, y] = grid.voxel_um;
        let step_um = imaging.step_um();
        // Half the shortest period of the light is two quarters of so many steps.
        let phase = |voxel_um: f64| std::f64::consts::PI * voxel_um / (STEPS * step_um);
        Self {
            voxel_um: [x, y],
            reach: grid.reach,
            step_um,
            triangles: [x, y].map(|voxel| triangle_rule(phase(voxel))),
        }
    }

    /// Voxels along an axis to the last one that a plane takes.
    fn radius(&self, profile: &Profile, axis: usize) -> usize {
        let voxels = (profile.radius_um / self.voxel_um[axis]).ceil() as usize;
        voxels.min(self.reach[axis])
    }

    /// True where the reach cuts a plane before its radius.
    fn capped(&self, profile: &Profile) -> bool {
        let wider = |axis: usize| {
            let edge = (self.reach[axis] as f64 + 0.5) * self.voxel_um[axis];
            profile.radius_um > edge
        };
        wider(0) || wider(1)
    }

    /// The voxels of a quarter of each plane, 0 outside its radius: by x, plane and y, from the first
    /// column on that is not told by another row.
    fn rows(&self, profiles: &[&Profile], radius: [usize; 2]) -> Vec<Vec<Vec<f64>>> {
        (0..=radius[0])
            .into_par_iter()
            .map(|x| self.row(profiles, x, radius[1]))
            .collect()
    }

    /// The voxels (x, y) of a quarter of a plane, of what [`Self::rows`] gives.
    fn plane(&self, rows: &[Vec<Vec<f64>>], number: usize, radius: [usize; 2]) -> Vec<f64> {
        let columns = radius[1] + 1;
        let mut values = vec![0.0; rows.len() * columns];
        for (x, row) in rows.iter().enumerate() {
            let from = self.first_column(x, radius[1]);
            let row = &row[number];
            values[x * columns + from..][..row.len()].copy_from_slice(row);
            for y in 0..from {
                values[x * columns + y] = values[y * columns + x];
            }
        }
        values
    }

    /// The first column of a row that does not stand across the diagonal, too: square voxels repeat
    /// themselves there.
    fn first_column(&self, x: usize, last: usize) -> usize {
        if self.voxel_um[0] == self.voxel_um[1] && x <= last {
            x
        } else {
            0
        }
    }

    /// A row of voxels from [`Lateral::first_column`] on, of each plane as far as its radius goes.
    fn row(&self, profiles: &[&Profile], x: usize, last: usize) -> Vec<Vec<f64>> {
        let from = self.first_column(x, last);
        let x_um = x as f64 * self.voxel_um[0];
        let count = |profile: &&Profile| {
            if x > self.radius(profile, 0) {
                return 0;
            }
            let outer = profile.radius_um + 0.5 * self.voxel_um[0].max(self.voxel_um[1]);
            let columns = from..=last.min(self.radius(profile, 1));
            let inside = columns.take_while(|y| {
                let y_um = *y as f64 * self.voxel_um[1];
                x_um * x_um + y_um * y_um <= outer * outer
            });
            inside.count()
        };
        let counts: Vec<usize> = profiles.iter().map(count).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let voxel = |y: usize| self.voxel([x_um, (from + y) as f64 * self.voxel_um[1]]);
        let voxels: Vec<TableSum> = (0..most).map(voxel).collect();
        let rows = profiles.iter().zip(counts);
        rows.map(|(profile, count)| sums(&voxels[..count], &profile.values))
            .collect()
    }

    /// Electrons of the voxel whose middle is at this place, as a sum over a profile's table.
    fn voxel(&self, [x_um, y_um]: [f64; 2]) -> TableSum {
        let [width, height] = self.voxel_um;
        let at = |x: f64, y: f64| ((x * x + y * y).sqrt()) / self.step_um;
        let nearest = |middle: f64, size: f64| (middle - size).max(0.0);
        let mut sum = TableSum::within(
            at(nearest(x_um, width), nearest(y_um, height)),
            at(x_um + width, y_um + height),
        );
        for (x, weight_x) in &self.triangles[0] {
            for (y, weight_y) in &self.triangles[1] {
                let place = at(x_um + x * width, y_um + y * height);
                sum.add(place, weight_x * weight_y * width * height);
            }
        }
        sum
    }

    /// Sum of a whole plane, of whose voxels a quarter is given.
    fn light(&self, values: &[f64], radius: [usize; 2]) -> f64 {
        let copies = |at: usize| if at == 0 { 1.0 } else { 2.0 };
        let rows = values.chunks(radius[1] + 1).enumerate();
        let row = |row: &[f64]| -> f64 {
            let voxels = row.iter().enumerate();
            voxels.map(|(y, value)| copies(y) * value).sum()
        };
        rows.map(|(x, values)| copies(x) * row(values)).sum()
    }
}

/// Nodes and weights of the average under a triangle of half width 1, for functions whose phase
/// changes by so many radians over that.
///
/// Gauss's rules for this weight: three nodes are exact to degree 5 and wrong by 1.3e-5 at 1
/// rad, four to degree 7 and 5.5e-8. For coarse voxels each half has three Gauss-Legendre nodes for
/// every 2.5 rad.
pub(super) fn triangle_rule(phase: f64) -> Vec<(f64, f64)> {
    if phase <= 1.2 {
        let (node, weight) = (0.4f64.sqrt(), 5.0 / 24.0);
        return vec![(-node, weight), (0.0, 7.0 / 12.0), (node, weight)];
    }
    if phase <= 2.5 {
        // The squares of the nodes are the roots of x^2 - 31/49 x + 19/490.
        let (half, product) = (31.0 / 98.0, 19.0 / 490.0);
        let root = f64::sqrt(half * half - product);
        let [inner, outer] = [half - root, half + root];
        let weight = (1.0 / 12.0 - 0.5 * inner) / (outer - inner);
        let pairs = [(inner, 0.5 - weight), (outer, weight)];
        let both = |(square, weight): (f64, f64)| {
            let node = square.sqrt();
            [(-node, weight), (node, weight)]
        };
        return pairs.into_iter().flat_map(both).collect();
    }
    let half = gauss_legendre_of(3, 0.0, 1.0, (phase / 2.5).ceil() as usize);
    let both = |(node, weight): (f64, f64)| {
        let weight = weight * (1.0 - node);
        [(-node, weight), (node, weight)]
    };
    half.into_iter().flat_map(both).collect()
}
