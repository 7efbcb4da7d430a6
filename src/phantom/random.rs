//! Streams of random numbers on top of Philox, and the little vector arithmetic the phantom needs.

use crate::engine::rng::philox4x32_10;

/// A point or direction in space (z, x, y); nm when it is a length.
pub(super) type Vec3 = [f64; 3];

/// Purpose of a stream. Streams of different purposes never share a number.
#[derive(Clone, Copy)]
pub(super) enum StreamPurpose {
    Soma = 1,
    Dendrite,
    Axon,
    Noise,
    Outline,
    Mitochondrion,
    Synapse,
}

/// Last word of every counter ("phan"): keeps these draws apart from other users of the generator.
const DOMAIN: u32 = 0x7068_616e;

/// Endless sequence of uniform numbers, fixed by (seed, purpose, index).
pub(super) struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Stream {
    pub(super) fn new(seed: u64, purpose: StreamPurpose, index: u32) -> Self {
        Self {
            key: [seed as u32, (seed >> 32) as u32],
            counter: [0, index, purpose as u32, DOMAIN],
            block: [0; 4],
            used: 4,
        }
    }

    /// Draws 32 uniform bits.
    pub(super) fn bits(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox4x32_10(self.counter, self.key);
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// Draws a uniform number in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        f64::from(self.bits()) / 4_294_967_296.0
    }

    /// Draws a uniform number in [low, high).
    pub(super) fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Draws an integer with this mean: its floor, or one more with the probability of the
    /// fraction.
    pub(super) fn rounded(&mut self, mean: f64) -> u32 {
        let fraction = mean - mean.floor();
        mean as u32 + u32::from(self.unit() < fraction)
    }

    /// Draws a uniform point in the unit ball by rejection, which needs no transcendental function
    /// whose last bit would differ between platforms.
    pub(super) fn in_ball(&mut self) -> Vec3 {
        loop {
            let v = [
                self.range(-1.0, 1.0),
                self.range(-1.0, 1.0),
                self.range(-1.0, 1.0),
            ];
            let square = dot(v, v);
            if square <= 1.0 && square > 1e-6 {
                return v;
            }
        }
    }

    /// Draws a uniform point on the unit sphere.
    pub(super) fn direction(&mut self) -> Vec3 {
        normalised(self.in_ball())
    }
}

pub(super) fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Returns `a + s b`.
pub(super) fn add_scaled(a: Vec3, s: f64, b: Vec3) -> Vec3 {
    [a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]]
}

/// Scales `v` to unit length; the z axis if `v` is too short to have a direction.
pub(super) fn normalised(v: Vec3) -> Vec3 {
    let length = dot(v, v).sqrt();
    if length < 1e-9 {
        return [1.0, 0.0, 0.0];
    }
    [v[0] / length, v[1] / length, v[2] / length]
}

/// Returns the part of `v` at right angles to the unit vector `axis`, at unit length.
pub(super) fn perpendicular(v: Vec3, axis: Vec3) -> Vec3 {
    let rest = add_scaled(v, -dot(v, axis), axis);
    if dot(rest, rest) < 1e-9 {
        return normalised([axis[1], axis[2], -axis[0]]);
    }
    normalised(rest)
}
