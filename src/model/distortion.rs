//! Uneven swelling of the gel: a field of displacements, drawn or measured (docs/model.md section
//! 1.1).
//!
//! A drawn field is the sum of independent Gaussian fields, one for each scale, with a covariance
//! of s^2 exp(-r^2 / (2 xi^2)) in each component. Each is made of waves,
//! `u = s sqrt(2 / M) sum cos(k X + phi)`, whose vectors k are normal with a standard deviation of
//! 1 / xi along each axis (M. Shinozuka and G. Deodatis, Appl. Mech. Rev. 44, 191, 1991). The
//! displacement of the source's middle is taken off, so that fields depend on no box of it. A
//! length l in tissue is then wrong by the root mean square of sqrt(sum 2 s^2 (1 - exp(-l^2 / (2
//! xi^2)))).

use super::{Model, ModelError};
use crate::base::volume::VoxelBox;
use crate::config::{Config, Distortion};
use crate::engine::rng::{Purpose, StreamKey};
use crate::engine::stages::deform::{
    DISPLACEMENT_BITS, Lattice, MOST_DISPLACEMENT, MOST_PITCH_BITS,
};
use crate::io::read::float_channels;
use rayon::prelude::*;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Waves of a scale.
const WAVES: u32 = 64;

/// Least pitch of a lattice, in voxels.
const LEAST_PITCH: f64 = 4.0;

/// Most nodes of a lattice: those of 2048 voxels along each axis at a pitch of 4.
const MOST_NODES: usize = 513 * 513 * 513;

/// Units of a displacement in a voxel.
const UNITS: f64 = (1u32 << DISPLACEMENT_BITS) as f64;

/// Displacements on a lattice of nodes around a box of the source.
#[derive(Clone, Debug)]
pub struct DisplacementField {
    /// Displacements along (z, x, y) of each node (z, x, y), in 1/256 of a voxel.
    nodes: Arc<Vec<i32>>,
    /// Powers of two of the pitch along (z, x, y), in voxels; node 0 lies on the source's first
    /// voxel.
    pub bits: [u32; 3],
    /// The nodes along (z, x, y), counted in the source.
    ranges: [Range<usize>; 3],
    /// The largest displacement along (z, x, y), in voxels.
    pub farthest: [usize; 3],
}

impl DisplacementField {
    /// The field that a configuration asks for, if it asks for one, over a box of its ground truth
    /// of `source` voxels.
    pub(super) fn of(
        config: &Config,
        seed: u64,
        source: [usize; 3],
        volume: VoxelBox,
    ) -> Result<Option<Self>, ModelError> {
        let voxel_um = config.groundtruth.voxel_or_nan().map(|nm| nm / 1e3);
        match &config.expansion.distortion {
            Distortion::File { path, pitch } => Self::read(path, *pitch, volume).map(Some),
            drawn => match drawn.scales_um().as_slice() {
                [] => Ok(None),
                scales => {
                    let grid = Grid {
                        voxel_um,
                        source,
                        volume,
                        keys: "[expansion] distortion",
                    };
                    let key = |scale: usize| {
                        StreamKey::new(seed, Purpose::Distortion, &[&scale.to_string()])
                    };
                    Self::draw(scales, key, grid, None).map(Some)
                }
            },
        }
    }

    /// Draws the sum of Gaussian fields, each from a stream of its own, and adds what `affine`
    /// moves.
    pub(super) fn draw(
        scales: &[[f64; 2]],
        key: impl Fn(usize) -> StreamKey,
        grid: Grid,
        affine: Option<&Affine>,
    ) -> Result<Self, ModelError> {
        let Grid {
            voxel_um,
            volume,
            keys,
            ..
        } = grid;
        let finest = scales.iter().map(|[xi, _]| *xi).fold(f64::MAX, f64::min);
        let bits = voxel_um.map(|um| {
            let pitch = (finest / (4.0 * um)).max(LEAST_PITCH);
            (pitch.log2().floor() as u32).min(MOST_PITCH_BITS)
        });
        let ranges = Self::around(volume, bits, keys)?;
        let waves: Vec<Wave> = (0..scales.len())
            .flat_map(|scale| Wave::draw(key(scale), scales[scale]))
            .collect();
        let middle_um = grid.middle_um();
        let middle: [f64; 3] =
            std::array::from_fn(|axis| waves.iter().map(|wave| wave.at(middle_um)[axis]).sum());
        let node_um = |axis: usize, place: usize| {
            (ranges[axis].start + place) as f64 * (1u32 << bits[axis]) as f64 * voxel_um[axis]
        };
        // e^(i k x) at the nodes along an axis.
        let turns = |wave: &Wave, axis: usize| -> Vec<[f64; 2]> {
            let step = (1u32 << bits[axis]) as f64 * voxel_um[axis] * wave.vector[axis];
            let nodes = ranges[axis].clone().map(|node| node as f64 * step);
            nodes
                .map(|angle| [libm::cos(angle), libm::sin(angle)])
                .collect()
        };
        let along = |axis: usize| -> Vec<_> { waves.iter().map(|w| turns(w, axis)).collect() };
        let (along_z, along_x, along_y) = (along(0), along(1), along(2));
        let [_, rows, columns] = [0, 1, 2].map(|axis| ranges[axis].len());
        let count = ranges.iter().map(|range| range.len()).product::<usize>();
        let mut nodes = vec![0i32; 3 * count];
        let by_rows = nodes.par_chunks_exact_mut(3 * columns).enumerate();
        by_rows.for_each_init(
            || vec![[0.0; 3]; columns],
            |sums, (row, nodes)| {
                sums.fill(middle.map(|part| -part));
                if let Some(affine) = affine {
                    let (z, x) = (node_um(0, row / rows), node_um(1, row % rows));
                    for (y, sum) in sums.iter_mut().enumerate() {
                        let moved = affine.at([z, x, node_um(2, y)]);
                        (0..3).for_each(|axis| sum[axis] += moved[axis]);
                    }
                }
                for (number, wave) in waves.iter().enumerate() {
                    let (a, b) = (along_z[number][row / rows], along_x[number][row % rows]);
                    let turn = times(a, b);
                    let parts: [[f64; 2]; 3] = std::array::from_fn(|axis| {
                        times(turn, [wave.real[axis], wave.imaginary[axis]])
                    });
                    for (sum, [cosine, sine]) in sums.iter_mut().zip(&along_y[number]) {
                        for (sum, [real, imaginary]) in sum.iter_mut().zip(&parts) {
                            *sum += real * cosine - imaginary * sine;
                        }
                    }
                }
                for (nodes, sum) in nodes.chunks_exact_mut(3).zip(&*sums) {
                    for axis in 0..3 {
                        // The cast saturates: what is too large is told below.
                        nodes[axis] = (sum[axis] / voxel_um[axis] * UNITS).round() as i32;
                    }
                }
            },
        );
        Self::checked(nodes, bits, ranges, keys)
    }

    /// A field that was measured: a volume of three channels.
    fn read(path: &Path, pitch: [usize; 3], volume: VoxelBox) -> Result<Self, ModelError> {
        let wrong = |problem: String| ModelError::DistortionFile(problem);
        // Displacements along z, x and y.
        let channels = float_channels(path, 3, 3 * MOST_NODES).map_err(wrong)?;
        let (_, size_z, size_x, size_y) = channels.dim();
        let size = [size_z, size_x, size_y];
        let bits = pitch.map(usize::ilog2);
        let keys = "[expansion] distortion_file";
        let ranges = Self::around(volume, bits, keys)?;
        // The last node is repeated: beyond it nothing was measured, and nothing needs more.
        let last = |axis: usize| (volume.offset[axis] + volume.shape[axis] - 1) >> bits[axis];
        if let Some(axis) = (0..3).find(|&axis| last(axis) >= size[axis]) {
            return Err(wrong(format!(
                "{} has {} nodes along {}, {} voxels apart; the tissue needs {}",
                path.display(),
                size[axis],
                ["z", "x", "y"][axis],
                pitch[axis],
                last(axis) + 1
            )));
        }
        let mut nodes = Vec::new();
        for z in ranges[0].clone() {
            for x in ranges[1].clone() {
                for y in ranges[2].clone() {
                    let at = |place: usize, axis: usize| place.min(size[axis] - 1);
                    for part in 0..3 {
                        let voxels = channels[(part, at(z, 0), at(x, 1), at(y, 2))];
                        if !voxels.is_finite() {
                            return Err(wrong(format!(
                                "{} holds {voxels}, which is no displacement",
                                path.display()
                            )));
                        }
                        nodes.push((f64::from(voxels) * UNITS).round() as i32);
                    }
                }
            }
        }
        Self::checked(nodes, bits, ranges, keys)
    }

    /// The nodes that a box needs.
    fn around(
        volume: VoxelBox,
        bits: [u32; 3],
        keys: &'static str,
    ) -> Result<[Range<usize>; 3], ModelError> {
        let ranges: [Range<usize>; 3] =
            std::array::from_fn(|axis| nodes_of(volume.ranges()[axis].clone(), bits[axis]));
        let count = ranges
            .iter()
            .map(|range| range.len())
            .fold(1, usize::saturating_mul);
        match count <= MOST_NODES {
            true => Ok(ranges),
            false => Err(ModelError::FineDistortion {
                keys,
                nodes: count,
                most: MOST_NODES,
            }),
        }
    }

    fn checked(
        nodes: Vec<i32>,
        bits: [u32; 3],
        ranges: [Range<usize>; 3],
        keys: &'static str,
    ) -> Result<Self, ModelError> {
        let largest = |axis: usize| {
            let parts = nodes.iter().skip(axis).step_by(3);
            parts.map(|part| part.unsigned_abs()).max().unwrap_or(0)
        };
        // Interpolation rounds down three times, and to whole voxels once.
        let farthest = [0, 1, 2].map(|axis| {
            let units = largest(axis).saturating_add(3 + (1 << (DISPLACEMENT_BITS - 1)));
            (units >> DISPLACEMENT_BITS) as usize
        });
        if let Some(voxels) = farthest
            .iter()
            .find(|far| **far > MOST_DISPLACEMENT as usize)
        {
            return Err(ModelError::LargeDistortion {
                keys,
                voxels: *voxels,
                most: MOST_DISPLACEMENT,
            });
        }
        Ok(Self {
            nodes: Arc::new(nodes),
            bits,
            ranges,
            farthest,
        })
    }

    /// The field of a part of the source: of these nodes along (z, x, y).
    pub fn part(&self, ranges: &[Range<usize>; 3]) -> Vec<i32> {
        let [_, size_x, size_y] = [0, 1, 2].map(|axis| self.ranges[axis].len());
        let within = |axis: usize| {
            let first = self.ranges[axis].start;
            ranges[axis].start - first..ranges[axis].end - first
        };
        let mut part = Vec::new();
        for z in within(0) {
            for x in within(1) {
                let row = (z * size_x + x) * size_y;
                let columns = within(2);
                part.extend(&self.nodes[3 * (row + columns.start)..3 * (row + columns.end)]);
            }
        }
        part
    }

    /// The nodes of these voxels of the source along an axis.
    pub fn nodes_along(&self, axis: usize, voxels: Range<usize>) -> Range<usize> {
        nodes_of(voxels, self.bits[axis])
    }

    /// The displacement at a voxel (z, x, y) of the source, in voxels.
    pub fn at(&self, voxel: [usize; 3]) -> [f32; 3] {
        let first = [0, 1, 2].map(|axis| self.ranges[axis].start as u32);
        let lattice = Lattice {
            nodes: &self.nodes,
            bits: self.bits,
            first,
            size: [self.ranges[1].len() as u32, self.ranges[2].len() as u32],
        };
        let at = lattice.at(voxel.map(|place| place as u32));
        at.map(|part| part as f32 / UNITS as f32)
    }

    /// Bytes that it takes of the host.
    pub fn bytes(&self) -> u64 {
        4 * self.nodes.len() as u64
    }
}

impl Model {
    /// The displacements of the voxels that the ground truth shows with an image, in voxels: those
    /// along z, then along x, then along y.
    pub fn shown_displacements(&self, field: &DisplacementField, image: usize) -> Vec<f32> {
        let [depth, size_x, size_y] = self.volume.shape;
        let [_, rows, columns] = self.image_shape();
        let camera = &self.camera;
        let along_x: Vec<usize> = (0..rows).map(|row| camera.x.shown(row, size_x)).collect();
        let along_y = (0..columns).map(|column| camera.y.shown(column, size_y));
        let along_y: Vec<usize> = along_y.collect();
        let [offset_z, offset_x, offset_y] = self.volume.offset;
        let z = camera.planes.shown(image).min(depth - 1);
        let mut parts = [const { Vec::new() }; 3];
        for &x in &along_x {
            for &y in &along_y {
                let at = field.at([offset_z + z, offset_x + x, offset_y + y]);
                for (part, voxels) in parts.iter_mut().zip(at) {
                    part.push(voxels);
                }
            }
        }
        parts.concat()
    }
}

/// The nodes between which these voxels lie.
fn nodes_of(voxels: Range<usize>, bits: u32) -> Range<usize> {
    voxels.start >> bits..(voxels.end.saturating_sub(1) >> bits) + 2
}

/// A drawn word as a number within (0, 1].
fn share(word: u32) -> f64 {
    (f64::from(word) + 1.0) / 4_294_967_296.0
}

/// Box and Muller's normal deviates of four drawn words.
pub(super) fn normal_deviates(words: [u32; 4]) -> [f64; 4] {
    let [a, b, c, d] = words.map(share);
    let length = |share: f64| (-2.0 * libm::log(share)).sqrt();
    let angle = |share: f64| std::f64::consts::TAU * share;
    [
        length(a) * libm::cos(angle(b)),
        length(a) * libm::sin(angle(b)),
        length(c) * libm::cos(angle(d)),
        length(c) * libm::sin(angle(d)),
    ]
}

/// Where a field is drawn.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    /// Size of a voxel (z, x, y) in um, in the lengths of the field.
    pub voxel_um: [f64; 3],
    /// Size of the source in voxels.
    pub source: [usize; 3],
    /// The box of it that is simulated.
    pub volume: VoxelBox,
    /// What asks for the field, for errors.
    pub keys: &'static str,
}

impl Grid {
    /// The middle of the source, counted from the middle of its first voxel.
    pub(super) fn middle_um(&self) -> [f64; 3] {
        std::array::from_fn(|axis| {
            self.source[axis].saturating_sub(1) as f64 / 2.0 * self.voxel_um[axis]
        })
    }
}

/// Displacements that change evenly from place to place, in um.
pub(super) struct Affine {
    /// The displacement (z, x, y) at the place `of`.
    pub displacement: [f64; 3],
    /// A place (z, x, y).
    pub of: [f64; 3],
    /// How much each component of the displacement grows along each axis.
    pub slopes: [[f64; 3]; 3],
}

impl Affine {
    fn at(&self, place_um: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|component| {
            let along =
                |axis: usize| self.slopes[component][axis] * (place_um[axis] - self.of[axis]);
            self.displacement[component] + along(0) + along(1) + along(2)
        })
    }
}

/// A wave of a field, in all components.
struct Wave {
    /// Angle per um along (z, x, y).
    vector: [f64; 3],
    /// Amplitude in um times the cosine of the phase, for the components (z, x, y).
    real: [f64; 3],
    /// Amplitude times the sine.
    imaginary: [f64; 3],
}

impl Wave {
    /// The waves of a scale.
    fn draw(key: StreamKey, [xi_um, s_um]: [f64; 2]) -> impl Iterator<Item = Self> {
        let amplitude_um = s_um * (2.0 / f64::from(WAVES)).sqrt();
        (0..WAVES).map(move |wave| {
            let [first, second, third, _] = normal_deviates(key.at([wave, 0, 0], 0));
            let deviates = [first, second, third];
            let [first, second, third, _] = key.at([wave, 1, 0], 0).map(share);
            let phases = [first, second, third].map(|share| std::f64::consts::TAU * share);
            Self {
                vector: deviates.map(|deviate| deviate / xi_um),
                real: phases.map(|phase| amplitude_um * libm::cos(phase)),
                imaginary: phases.map(|phase| amplitude_um * libm::sin(phase)),
            }
        })
    }
}

impl Wave {
    /// The displacement at a place in um.
    fn at(&self, place_um: [f64; 3]) -> [f64; 3] {
        let angle: f64 = (self.vector.iter().zip(place_um))
            .map(|(k, um)| k * um)
            .sum();
        let (cosine, sine) = (libm::cos(angle), libm::sin(angle));
        std::array::from_fn(|axis| self.real[axis] * cosine - self.imaginary[axis] * sine)
    }
}

/// The product of two complex numbers.
fn times(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part_of(
        scales: &[[f64; 2]],
        seed: u64,
        voxel_um: [f64; 3],
        source: [usize; 3],
        volume: VoxelBox,
    ) -> DisplacementField {
        let grid = Grid {
            voxel_um,
            source,
            volume,
            keys: "a test",
        };
        let key = |scale: usize| StreamKey::new(seed, Purpose::Distortion, &[&scale.to_string()]);
        DisplacementField::draw(scales, key, grid, None).unwrap()
    }

    fn field(
        scales: &[[f64; 2]],
        seed: u64,
        voxel_um: [f64; 3],
        shape: [usize; 3],
    ) -> DisplacementField {
        let volume = VoxelBox {
            offset: [0; 3],
            shape,
        };
        part_of(scales, seed, voxel_um, shape, volume)
    }

    /// docs/model.md section 1.1: how wrong lengths of tissue are, over 60 seeds.
    #[test]
    fn lengths_are_wrong_by_the_law_of_the_scales() {
        const UM: f64 = 0.018;
        let scales = Distortion::Liconn.scales_um();
        let lengths = [5, 17, 56, 167, 556, 1667];
        let (mut squares, mut counts) = ([0.0; 6], [0.0; 6]);
        for seed in 0..60 {
            // Long and thin along each axis in turn.
            for along in 0..3 {
                let mut shape = [5; 3];
                shape[along] = 3400;
                let field = field(&scales, seed, [UM; 3], shape);
                let at = |place: usize| {
                    let mut voxel = [2; 3];
                    voxel[along] = place;
                    field.at(voxel)
                };
                let all: Vec<[f32; 3]> = (0..shape[along]).map(at).collect();
                for (number, length) in lengths.into_iter().enumerate() {
                    for (a, b) in all.iter().zip(&all[length..]) {
                        for axis in 0..3 {
                            squares[number] += (f64::from(b[axis] - a[axis]) * UM).powi(2);
                            counts[number] += 1.0;
                        }
                    }
                }
            }
        }
        for (number, length) in lengths.into_iter().enumerate() {
            let um = length as f64 * UM;
            let law = scales.iter().map(|[xi, s]| {
                let share = 1.0 - libm::exp(-um * um / (2.0 * xi * xi));
                2.0 * s * s * share
            });
            let ratio = (squares[number] / counts[number] / law.sum::<f64>()).sqrt();
            assert!((ratio - 1.0).abs() < 0.04, "{um} um: {ratio}");
        }
    }

    #[test]
    fn fields_depend_on_no_box() {
        let scales = [[0.3, 0.04]];
        let whole = field(&scales, 3, [0.04, 0.01, 0.01], [33, 49, 57]);
        let part = VoxelBox {
            offset: [7, 13, 21],
            shape: [5, 9, 11],
        };
        let source = [33, 49, 57];
        let part = part_of(&scales, 3, [0.04, 0.01, 0.01], source, part);
        for voxel in [[7, 13, 21], [11, 21, 31], [9, 17, 25]] {
            assert_eq!(part.at(voxel), whole.at(voxel));
        }
        // The middle, a node of the lattice, stays where it is.
        assert_eq!(whole.at([16, 24, 28]), [0.0; 3]);
        assert_ne!(whole.at([0; 3]), [0.0; 3]);
        let other = field(&scales, 4, [0.04, 0.01, 0.01], [33, 49, 57]);
        assert_ne!(other.at([29, 48, 56]), whole.at([29, 48, 56]));
    }
}
