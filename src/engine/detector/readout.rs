//! From expected electrons to a grey value.

use super::deviate::Deviate;
use super::register::{self, SHAPED};
use super::shot::{MOST_MEAN, electrons, fixed};
use super::wide_shift;

/// What a pixel makes of electrons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PixelResponse {
    /// Grey values per electron with 16 fractional bits; per electron before a register, where
    /// there is one.
    pub gain: u32,
    /// Standard deviation of the read noise in grey values, with 16 fractional bits.
    pub noise: u32,
    /// Grey value without electrons, with 8 fractional bits.
    pub offset: i32,
}

/// A detector as its kernel takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detection {
    /// Electrons that every pixel has beside those of the image, with 14 fractional bits; at most
    /// 250 000 electrons.
    pub constant: u32,
    /// Most electrons of a pixel.
    pub most: u32,
    /// Shape of a register's single electron with 8 fractional bits; 0 where there is no register.
    pub shape: u32,
    /// Most of a register's output before its gain, in electrons with 8 fractional bits.
    pub register_most: u32,
    /// What a pixel makes of electrons, where there are no maps of it.
    pub pixel: PixelResponse,
    /// The largest grey value.
    pub largest: u32,
}

impl Detection {
    /// The grey value of a pixel, of so many expected electrons, that these words draw: shot noise
    /// (two words), read noise, register. `tables` are [`tables`](super::tables).
    #[inline]
    pub fn grey(
        &self,
        tables: &[u32],
        pixel: PixelResponse,
        mean: f32,
        [shot, rest, noise, multiplied]: [u32; 4],
    ) -> u32 {
        let mean = self.constant + fixed(mean).min(MOST_MEAN - self.constant);
        let electrons = electrons(tables, mean, [shot, rest]);
        self.read(tables, pixel, electrons, [noise, multiplied])
    }

    /// The grey value of a pixel that holds so many electrons.
    #[inline]
    pub(crate) fn read(
        &self,
        tables: &[u32],
        pixel: PixelResponse,
        electrons: u32,
        [noise, multiplied]: [u32; 2],
    ) -> u32 {
        let electrons = electrons.min(self.most);
        // Grey values with 8 fractional bits.
        let signal = if self.shape == 0 {
            wide_shift(electrons, pixel.gain, 16 - 8)
        } else {
            let output = register::output(tables, electrons, multiplied, self.shape);
            wide_shift(output.min(self.register_most), pixel.gain, 16 + SHAPED - 8)
        };
        let noise = match pixel.noise {
            0 => 0,
            deviation => {
                let deviate = Deviate::new(tables, noise);
                let size = wide_shift(deviation, deviate.size, 32) as i32;
                if deviate.negative { -size } else { size }
            }
        };
        // Halves up.
        let value = signal as i32 + pixel.offset + 128 + noise;
        (value >> 8).clamp(0, self.largest as i32) as u32
    }
}
