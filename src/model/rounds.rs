//! Rounds of imaging: the same channels once more, of a gel that lies elsewhere (docs/model.md
//! section 4.1).
//!
//! A round's counts are those of the first round, pulled by a field of displacements as an uneven
//! expansion pulls labels.

use super::distortion::{Affine, Grid, normal_deviates};
use super::{DisplacementField, Imaging, Light, Model, ModelError};
use crate::base::volume::VoxelBox;
use crate::config::{self, Config};
use crate::engine::rng::{Purpose, StreamKey};
use crate::optics::camera::{AxisSampling, Camera};

/// Where a round, but for the first, finds the gel.
#[derive(Clone, Debug)]
pub struct Round {
    /// Its shift along (z, x, y), in um of the gel.
    pub shift_um: [f64; 3],
    /// Its rotation about the middle of the source, from x to y.
    pub rotation_degrees: f64,
    /// Whether it is warped, too.
    pub warped: bool,
    /// All of it, in voxels: a voxel of the round shows what the first round shows so far before
    /// it.
    pub field: DisplacementField,
    /// The middle of the source in um of the gel, counted from its first voxel.
    middle_um: [f64; 3],
}

impl Round {
    /// The rounds of a configuration but for the first.
    pub(super) fn all(
        config: &Config,
        seed: u64,
        source: [usize; 3],
        volume: VoxelBox,
    ) -> Result<Vec<Self>, ModelError> {
        let Some(rounds) = &config.rounds else {
            return Ok(Vec::new());
        };
        let grid = Grid {
            voxel_um: config.voxel_in_gel_nm().map(|nm| nm / 1e3),
            source,
            volume,
            keys: "[rounds]",
        };
        (1..rounds.number)
            .map(|number| Self::draw(rounds, seed, number, grid))
            .collect()
    }

    fn draw(
        rounds: &config::Rounds,
        seed: u64,
        number: usize,
        grid: Grid,
    ) -> Result<Self, ModelError> {
        let number = number.to_string();
        let key = StreamKey::new(seed, Purpose::Rounds, &[&number]);
        let [z, x, y, turn] = normal_deviates(key.at([0; 3], 0));
        let shift_um = std::array::from_fn(|axis| rounds.shift_um[axis] * [z, x, y][axis]);
        let rotation_degrees = rounds.rotation_degrees * turn;
        let (back, middle_um) = (back(rotation_degrees), grid.middle_um());
        // A place X of the round shows what was at m + R^-1 (X - m - t).
        let slopes = std::array::from_fn(|component| {
            std::array::from_fn(|axis| f64::from(component == axis) - back[component][axis])
        });
        let affine = Affine {
            displacement: times(&back, shift_um),
            of: middle_um,
            slopes,
        };
        let of_scale = |scale: usize| {
            let names = [number.as_str(), "warp", &scale.to_string()];
            StreamKey::new(seed, Purpose::Rounds, &names)
        };
        Ok(Self {
            shift_um,
            rotation_degrees,
            warped: !rounds.warp_um.is_empty(),
            field: DisplacementField::draw(&rounds.warp_um, of_scale, grid, Some(&affine))?,
            middle_um,
        })
    }

    /// Without its warp, the place (z, x, y) of the first round's images that a place of this
    /// round's shows: in each row, the factors of the place, and what is added. Both count pixels
    /// from the middle of the first one.
    pub fn affine(&self, volume: VoxelBox, camera: &Camera, voxel_um: [f64; 3]) -> [[f64; 4]; 3] {
        let pixels = |sampling: AxisSampling| (sampling.step(), (sampling.step() - 1.0) / 2.0);
        let axes = [
            (camera.planes.step(), 0.0),
            pixels(camera.x),
            pixels(camera.y),
        ];
        let pixel_um: [f64; 3] = std::array::from_fn(|axis| axes[axis].0 * voxel_um[axis]);
        let first_um: [f64; 3] = std::array::from_fn(|axis| {
            (volume.offset[axis] as f64 + axes[axis].1) * voxel_um[axis]
        });
        let back = back(self.rotation_degrees);
        let from: [f64; 3] =
            std::array::from_fn(|axis| first_um[axis] - self.middle_um[axis] - self.shift_um[axis]);
        let from = times(&back, from);
        std::array::from_fn(|row| {
            let factor = |axis: usize| back[row][axis] * pixel_um[axis] / pixel_um[row];
            let added = (self.middle_um[row] + from[row] - first_um[row]) / pixel_um[row];
            [factor(0), factor(1), factor(2), added]
        })
    }
}

/// The rotation back by so much, of places (z, x, y).
fn back(degrees: f64) -> [[f64; 3]; 3] {
    let angle = degrees.to_radians();
    let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
    [[1.0, 0.0, 0.0], [0.0, cosine, sine], [0.0, -sine, cosine]]
}

/// The product of a matrix and a vector.
fn times(matrix: &[[f64; 3]; 3], [z, x, y]: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * z + row[1] * x + row[2] * y)
}

/// Repeats what was derived for one round, so often as there are channels to image.
pub(super) fn repeat(config: &Config, light: &mut Light) {
    let imaged = config.imaged_channels();
    let (channels, emitters) = (light.channels.clone(), light.emitters.clone());
    for (channel, named) in light.channels.iter_mut().zip(&imaged) {
        channel.name.clone_from(&named.name);
    }
    let further = imaged.iter().skip(channels.len());
    light.channels.extend(
        further
            .zip(channels.iter().cycle())
            .map(|(named, channel)| {
                let mut channel = channel.clone();
                channel.name.clone_from(&named.name);
                channel.round = named.round;
                for source in &mut channel.sources {
                    source.emitter += named.round * emitters.len();
                }
                channel
            }),
    );
    let rounds = imaged.len() / channels.len().max(1);
    for round in 1..rounds {
        // Each round draws its own light and noise; its first draws as a run without rounds.
        let number = round as u32;
        light.emitters.extend(emitters.iter().map(|emitter| {
            let mut emitter = *emitter;
            emitter.round = round;
            emitter.key = emitter.key.numbered(number);
            emitter
        }));
        match &mut light.imaging {
            Imaging::Simexm(imaging) => imaging.repeat(channels.len(), number),
            Imaging::Physical(imaging) => imaging.repeat(channels.len(), number),
        }
    }
}

impl Model {
    /// Channels of a round.
    pub fn channels_of_a_round(&self) -> usize {
        self.channels.len() / (1 + self.rounds.len())
    }

    /// Bytes of all fields of displacements.
    pub fn field_bytes(&self) -> u64 {
        let rounds = self.rounds.iter().map(|round| &round.field);
        let fields = self.distortion.iter().chain(rounds);
        fields.map(DisplacementField::bytes).sum()
    }

    /// The field of a round but for the first, number 0.
    pub fn round_field(&self, round: usize) -> Option<&DisplacementField> {
        let number = round.checked_sub(1)?;
        self.rounds.get(number).map(|round| &round.field)
    }
}
