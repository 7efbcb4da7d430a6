//! The area of membrane in a voxel, by which of its 26 neighbours belong to its cell.
//!
//! Of a plane with the normal n an area A shows A |n_a| / S_a faces of voxels across each axis a,
//! of the area S_a. So a face counts S_a |n_a|: the sum is A (n_z^2 + n_x^2 + n_y^2) = A, exactly
//! where n is known, and less by the cosine of the angle where it is not quite. It is taken from
//! the voxel's neighbourhood: along each axis, how much more the neighbours of other cells count on
//! one side than on the other, over the size of a voxel along it; a neighbour across a face counts
//! 4, across an edge 3, across a corner 2. Where both faces of an axis are bare, a sheet one voxel
//! thin, the normal lies along it.
//!
//! Planes of any direction are right within 4 per cent in cubic voxels, and those across an axis
//! exactly; balls of a radius of 9 voxels are 5 per cent low, larger ones less. Deep voxels see
//! less of a slope: planes that are oblique to slices are up to 10 per cent off where voxels are
//! twice as deep as wide, 23 where 5 times, 32 where 10 times.

use crate::engine::stages::proteins::{AREA_CLASSES, AREA_SHIFT, FACE_BITS, SIDE};

/// How a voxel's area follows from its neighbours.
pub(super) struct AreaWeights {
    /// For each direction of a surface the areas of faces, as the kernel takes them.
    pub weights: Vec<u32>,
    /// Area of a class in nm^2.
    pub class_nm2: f64,
}

impl AreaWeights {
    /// Those of voxels of this size (z, x, y) in nm.
    pub(super) fn new(voxel_nm: [f64; 3]) -> Self {
        let volume_nm3: f64 = voxel_nm.iter().product();
        let faces_nm2 = voxel_nm.map(|nm| volume_nm3 / nm);
        // All six faces are bare, and the surface lies as it shows most of them.
        let most_nm2 = 2.0 * faces_nm2.iter().map(|nm2| nm2 * nm2).sum::<f64>().sqrt();
        let class_nm2 = class(faces_nm2, most_nm2);
        let parts = class_nm2 / f64::from(1 << AREA_SHIFT);
        let weights = (0..(SIDE + 1).pow(3)).map(|direction| {
            let sides = [
                direction / (SIDE + 1).pow(2),
                direction / (SIDE + 1) % (SIDE + 1),
                direction % (SIDE + 1),
            ];
            let normal: [f64; 3] =
                std::array::from_fn(|axis| f64::from(sides[axis]) / voxel_nm[axis]);
            let length = normal.iter().map(|part| part * part).sum::<f64>().sqrt();
            let word = |axis: usize| {
                // Of a surface that turns in all directions, as where nothing tells its own.
                let share = match direction {
                    0 => 1.0 / 3f64.sqrt(),
                    _ => normal[axis] / length,
                };
                ((faces_nm2[axis] * share / parts).round() as u32) << (FACE_BITS * axis as u32)
            };
            word(0) | word(1) | word(2)
        });
        Self {
            weights: weights.collect(),
            class_nm2,
        }
    }
}

/// The area of a class: the smallest face is a whole number of them, and the largest area of a
/// voxel the last one at most.
fn class(faces_nm2: [f64; 3], most_nm2: f64) -> f64 {
    let least = most_nm2 / f64::from(AREA_CLASSES);
    let smallest = faces_nm2.into_iter().fold(f64::INFINITY, f64::min);
    match (smallest / least).floor() {
        0.0 => least,
        classes => smallest / classes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// The area of a voxel, as the kernel has it.
    fn area(of: &AreaWeights, inside: &dyn Fn([i64; 3]) -> bool, place: [i64; 3]) -> f64 {
        let (mut faces, mut sides) = ([0; 3], [[0i64; 3]; 3]);
        for number in 0..27 {
            let step = [number / 9, number / 3 % 3, number % 3];
            let near = std::array::from_fn(|axis| place[axis] + step[axis] - 1);
            if inside(near) {
                continue;
            }
            let across: Vec<usize> = (0..3).filter(|&axis| step[axis] != 1).collect();
            let counts = 5 - across.len() as i64;
            (0..3).for_each(|axis| sides[axis][step[axis] as usize] += counts);
            if let [axis] = across[..] {
                faces[axis] += 1;
            }
        }
        let side = i64::from(SIDE);
        let along = |axis: usize| match faces[axis] {
            2 => side,
            _ => (sides[axis][0] - sides[axis][2]).abs(),
        };
        let normal = (along(0) * (side + 1) + along(1)) * (side + 1) + along(2);
        let word = of.weights[normal as usize];
        let mut sum = 1 << (AREA_SHIFT - 1);
        for (axis, faces) in faces.into_iter().enumerate() {
            sum += faces * (word >> (FACE_BITS * axis as u32) & ((1 << FACE_BITS) - 1));
        }
        f64::from(sum >> AREA_SHIFT) * of.class_nm2
    }

    /// Area of a plane through the middle, over the true one.
    fn of_plane(voxel_nm: [f64; 3], normal: [f64; 3]) -> f64 {
        let weights = AreaWeights::new(voxel_nm);
        let along = |place: [i64; 3]| -> f64 {
            (0..3)
                .map(|axis| place[axis] as f64 * voxel_nm[axis] * normal[axis])
                .sum()
        };
        let half = voxel_nm.iter().copied().fold(0.0, f64::max) * 0.37;
        let inside = |place: [i64; 3]| along(place) < half;
        let radius_nm = 24.0 * voxel_nm.iter().copied().fold(0.0, f64::max).min(64.0);
        let reach = voxel_nm.map(|nm| (radius_nm / nm) as i64 + 2);
        let mut found = 0.0;
        for z in -reach[0]..=reach[0] {
            for x in -reach[1]..=reach[1] {
                for y in -reach[2]..=reach[2] {
                    let place = [z, x, y];
                    let far = along(place) - half;
                    if far >= 0.0 || far < -2.0 * voxel_nm.iter().sum::<f64>() {
                        continue;
                    }
                    let square: f64 = (0..3)
                        .map(|axis| (place[axis] as f64 * voxel_nm[axis]).powi(2))
                        .sum();
                    // A soft edge, so that it does not matter where voxels end.
                    let within = 1.0 - (square - far * far) / (radius_nm * radius_nm);
                    if within > 0.0 {
                        found += within * within * area(&weights, &inside, place);
                    }
                }
            }
        }
        found / (PI * radius_nm * radius_nm / 3.0)
    }

    fn of_ball(voxel_nm: [f64; 3], radius_nm: f64) -> f64 {
        let weights = AreaWeights::new(voxel_nm);
        let inside = |place: [i64; 3]| {
            let square = (0..3).map(|axis| (place[axis] as f64 * voxel_nm[axis]).powi(2));
            square.sum::<f64>() < radius_nm * radius_nm
        };
        let reach = voxel_nm.map(|nm| (radius_nm / nm) as i64 + 1);
        let mut found = 0.0;
        for z in -reach[0]..=reach[0] {
            for x in -reach[1]..=reach[1] {
                for y in -reach[2]..=reach[2] {
                    if inside([z, x, y]) {
                        found += area(&weights, &inside, [z, x, y]);
                    }
                }
            }
        }
        found / (4.0 * PI * radius_nm * radius_nm)
    }

    /// Directions evenly over a half of the sphere, and the axes and diagonals.
    fn directions() -> Vec<[f64; 3]> {
        const COUNT: usize = 25;
        let golden = PI * (3.0 - 5f64.sqrt());
        let spiral = (0..COUNT).map(|number| {
            let z = 1.0 - (number as f64 + 0.5) / COUNT as f64;
            let (across, angle) = ((1.0 - z * z).sqrt(), golden * number as f64);
            [z, across * libm::cos(angle), across * libm::sin(angle)]
        });
        let special = [
            [1.0, 0.0, 0.0],
            [0.0, 1.0, 0.0],
            [0.0, 0.0, 1.0],
            [1.0, 1.0, 0.0],
            [0.0, 1.0, -1.0],
            [1.0, 1.0, 1.0],
        ];
        let unit = |vector: [f64; 3]| {
            let length = vector.iter().map(|part| part * part).sum::<f64>().sqrt();
            vector.map(|part| part / length)
        };
        spiral.chain(special).map(unit).collect()
    }

    #[test]
    fn planes_of_any_direction_have_their_area() {
        for voxel_nm in [[4.0; 3], [8.0; 3], [16.0; 3]] {
            for normal in directions() {
                let found = of_plane(voxel_nm, normal);
                assert!(
                    (found - 1.0).abs() < 0.04,
                    "{voxel_nm:?}, {normal:?}: {found}"
                );
            }
        }
        for (voxel_nm, most) in [
            ([16.0, 8.0, 8.0], 0.10),
            ([20.0, 4.0, 4.0], 0.23),
            ([40.0, 4.0, 4.0], 0.32),
        ] {
            let off = directions()
                .into_iter()
                .map(|normal| of_plane(voxel_nm, normal) - 1.0);
            let worst = off.fold(0.0f64, |worst, off| worst.max(off.abs()));
            assert!(worst < most, "{voxel_nm:?}: {worst}");
            for axis in 0..3 {
                let mut normal = [0.0; 3];
                normal[axis] = 1.0;
                let found = of_plane(voxel_nm, normal);
                assert!((found - 1.0).abs() < 0.01, "{voxel_nm:?}, {axis}: {found}");
            }
        }
    }

    #[test]
    fn balls_have_their_area_whatever_the_voxels() {
        for (voxel_nm, off) in [
            ([4.0; 3], 0.01),
            ([8.0; 3], 0.02),
            ([16.0; 3], 0.05),
            ([16.0, 8.0, 8.0], 0.01),
        ] {
            let found = of_ball(voxel_nm, 150.0);
            assert!((found - 1.0).abs() < off, "{voxel_nm:?}: {found}");
        }
    }

    #[test]
    fn a_sheet_one_voxel_thin_has_both_its_sides() {
        let weights = AreaWeights::new([40.0, 4.0, 4.0]);
        let found = area(&weights, &|[_, x, _]| x == 0, [0; 3]);
        assert!((found / 320.0 - 1.0).abs() < 0.01, "{found}");
        let found = area(&weights, &|[z, ..]| z == 0, [0; 3]);
        assert!((found / 32.0 - 1.0).abs() < 0.01, "{found}");
    }
}
