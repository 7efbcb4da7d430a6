//! Smooth noise, periodic in a cube of 32 lattice cells.

use super::random::{Stream, StreamPurpose};

const EDGE: usize = 32;

/// Value noise: uniform numbers on a lattice, linear in between.
pub(super) struct Noise {
    lattice: Vec<f32>,
}

/// Scale and shift of positions, by which every cell has noise of its own.
#[derive(Clone, Copy)]
pub(super) struct NoiseFrame {
    /// Lattice cells per nm.
    pub(super) scale: f32,
    /// Shift in lattice cells, not negative.
    pub(super) shift: [f32; 3],
}

impl NoiseFrame {
    /// Draws a frame with features of about `feature_nm`.
    pub(super) fn draw(stream: &mut Stream, feature_nm: f64) -> Self {
        let shift = [(); 3].map(|()| (stream.unit() * EDGE as f64) as f32);
        Self {
            scale: (1.0 / feature_nm) as f32,
            shift,
        }
    }
}

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        let mut stream = Stream::new(seed, StreamPurpose::Noise, 0);
        let lattice = (0..EDGE * EDGE * EDGE)
            .map(|_| stream.range(-1.0, 1.0) as f32)
            .collect();
        Self { lattice }
    }

    /// Interpolates the noise, -1..1, at a position of nm that are not negative.
    #[inline]
    pub(super) fn at(&self, frame: &NoiseFrame, position_nm: [f32; 3]) -> f32 {
        let mut low = [0; 3];
        let mut high = [0; 3];
        let mut part = [0.0; 3];
        for a in 0..3 {
            let p = position_nm[a] * frame.scale + frame.shift[a];
            let cell = p as u32;
            part[a] = p - cell as f32;
            low[a] = cell as usize % EDGE;
            high[a] = (low[a] + 1) % EDGE;
        }
        let along_y = |z: usize, x: usize| {
            let row = (z * EDGE + x) * EDGE;
            let (a, b) = (self.lattice[row + low[2]], self.lattice[row + high[2]]);
            a + (b - a) * part[2]
        };
        let along_x = |z: usize| {
            let (a, b) = (along_y(z, low[1]), along_y(z, high[1]));
            a + (b - a) * part[1]
        };
        let (a, b) = (along_x(low[0]), along_x(high[0]));
        a + (b - a) * part[0]
    }
}
