//! Detectors of the model `physical`: from a description in physical units to the whole numbers and
//! tables with which pixels are exposed (docs/physical.md section 6).
//!
//! A camera or a photon counter makes grey values `gain x electrons + offset` with read noise, as
//! EMVA Standard 1288 has it; an EMCCD and a photomultiplier multiply the electrons first, which
//! adds noise of its own.

mod camera;
mod error;
mod kind;

#[cfg(test)]
mod tests;

pub use camera::{CameraModel, DataSheet};
pub use error::DetectorError;
pub use kind::DetectorKind;

use crate::engine::detector::{Detection, MEAN_BITS, MOST_ELECTRONS, PixelResponse, tables};
use kind::Need;
use serde::Serialize;

/// Most electrons of a full well: far enough below the largest mean that a pixel with that mean is
/// full.
const MOST_FULL_WELL: f64 = 240_000.0;

/// No signal may reach so many grey values, with 8 fractional bits of which 32 bits are nearly
/// full.
const MOST_SIGNAL: f64 = 8e6;

/// Nor may offset and read noise together.
const MOST_AROUND: f64 = 3e5;

/// No deviate is larger.
const MOST_DEVIATE: f64 = 6.4;

/// No gain may reach so many grey values per electron: it has 16 fractional bits.
const MOST_GAIN: f64 = 65_536.0;

/// The keys of a detector. What is `None` takes the camera's figure, or the default of the kind,
/// where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DetectorKeys {
    /// The camera, if it is one that is known by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<CameraModel>,
    /// The kind of detector.
    pub kind: DetectorKind,
    /// Bits of a grey value, from 1 to 16.
    pub bits: u32,
    /// Duration of an exposure (of a pixel, where a focus scans) in s.
    #[serde(skip)]
    pub exposure_time: f64,
    /// Grey values per electron; behind a register, per electron that leaves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<f64>,
    /// Standard deviation of the read noise in electrons, behind the register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_noise: Option<f64>,
    /// Grey value without electrons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<f64>,
    /// Most electrons of a pixel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_well: Option<f64>,
    /// Mean number of electrons that leave an EMCCD's register for one that enters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub em_gain: Option<f64>,
    /// Most electrons that leave an EMCCD's register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register_full_well: Option<f64>,
    /// Excess noise factor F^2 of a photomultiplier: 1 + the variance of the pulse of one electron
    /// over its squared mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess_noise: Option<f64>,
    /// Time in s after which a photon counter sees the next electron.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_time: Option<f64>,
    /// Electrons per second without light.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dark_current: Option<f64>,
    /// Electrons per second of stray light.
    pub background: f64,
    /// Electrons that the clocks of an exposure add.
    pub clock_induced: f64,
}

impl Default for DetectorKeys {
    /// An sCMOS camera.
    fn default() -> Self {
        Self::new(DetectorKind::Scmos, 0.0)
    }
}

impl DetectorKeys {
    /// The defaults of a kind.
    pub fn new(kind: DetectorKind, exposure_time: f64) -> Self {
        Self {
            camera: None,
            kind,
            bits: 16,
            exposure_time,
            gain: None,
            read_noise: None,
            offset: None,
            full_well: None,
            em_gain: None,
            register_full_well: None,
            excess_noise: None,
            dead_time: None,
            dark_current: None,
            background: 0.0,
            clock_induced: 0.0,
        }
    }
}

/// Gain, read noise and offset of each pixel of an image, row by row, in the units of
/// [`DetectorKeys`]. What is `None` is the same for all pixels.
#[derive(Clone, Copy, Debug, Default)]
pub struct PixelMaps<'a> {
    /// Grey values per electron.
    pub gain: Option<&'a [f32]>,
    /// Standard deviations of the read noise in electrons.
    pub read_noise: Option<&'a [f32]>,
    /// Grey values without electrons.
    pub offset: Option<&'a [f32]>,
}

/// A detector that can be computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Detector {
    kind: DetectorKind,
    bits: u32,
    gain: f64,
    read_noise: f64,
    offset: f64,
    em_gain: f64,
    /// Electrons of the largest signal, behind the register.
    most_signal: f64,
    /// Shape of the register's gamma law for one electron, if there is a register.
    shape: Option<f64>,
    detection: Detection,
}

/// The number, if it lies in the range.
fn within(
    key: &'static str,
    value: f64,
    [from, to]: [f64; 2],
    wanted: &str,
) -> Result<f64, DetectorError> {
    if (from..=to).contains(&value) {
        return Ok(value);
    }
    let wanted = wanted.to_owned();
    Err(DetectorError::OutOfRange { key, value, wanted })
}

impl Detector {
    /// The detector with these keys.
    ///
    /// # Errors
    /// When a key is missing, means nothing for the kind, or has no sensible value: see
    /// [`DetectorError`].
    pub fn new(keys: &DetectorKeys) -> Result<Self, DetectorError> {
        let keys = keys.filled();
        let kind = keys.kind;
        let given = |key: &'static str, value: Option<f64>| match (kind.need(key), value) {
            (Need::Unused(_), Some(_)) => Err(DetectorError::Unused { key, kind }),
            (Need::Required(unit), None) => Err(DetectorError::Missing { key, kind, unit }),
            (Need::Default(default) | Need::Unused(default), None) => Ok(default),
            (_, Some(value)) => Ok(value),
        };
        let positive = |key, value| {
            let value = given(key, value)?;
            within(key, value, [f64::MIN_POSITIVE, f64::MAX], "above 0")
        };
        let not_negative = |key, value| within(key, value, [0.0, f64::MAX], "0 or more");

        let bits = f64::from(keys.bits);
        within("bits", bits, [1.0, 16.0], "from 1 to 16")?;
        let time = positive("exposure_time", Some(keys.exposure_time))?;
        let gain = positive("gain", keys.gain)?;
        let read_noise = not_negative("read_noise", given("read_noise", keys.read_noise)?)?;
        let offset = given("offset", keys.offset)?;
        within("offset", offset, [f64::MIN, f64::MAX], "a number")?;
        let full_well = given("full_well", keys.full_well)?;
        let wanted = "from 1 to 240000 electrons";
        within("full_well", full_well, [1.0, MOST_FULL_WELL], wanted)?;
        let em_gain = given("em_gain", keys.em_gain)?;
        if kind == DetectorKind::Emccd {
            let wanted = "30 or more: below that a register's noise is not that of the gamma law";
            within("em_gain", em_gain, [30.0, f64::MAX], wanted)?;
        }
        let register_full_well = positive("register_full_well", keys.register_full_well)?;
        let excess_noise = given("excess_noise", keys.excess_noise)?;
        within("excess_noise", excess_noise, [1.05, 2.0], "from 1.05 to 2")?;
        let dead_time = positive("dead_time", keys.dead_time)?;
        let dark = not_negative("dark_current", given("dark_current", keys.dark_current)?)?;
        let background = not_negative("background", keys.background)?;
        let clock_induced = not_negative("clock_induced", keys.clock_induced)?;

        let shape = kind.multiplies().then(|| 1.0 / (excess_noise - 1.0));
        let most_electrons = f64::from(MOST_ELECTRONS);
        let (most, most_signal) = match kind {
            DetectorKind::Ccd | DetectorKind::Scmos => (full_well, full_well),
            DetectorKind::Emccd => (full_well, register_full_well),
            DetectorKind::Pmt => {
                // What the register's arithmetic takes, and the farthest that its noise goes
                // beyond.
                let most = (most_electrons * (excess_noise - 1.0)).floor();
                (most, 1.016 * most)
            }
            DetectorKind::Hybrid => {
                // Quotients of decimal numbers miss whole ones by a rounding.
                let counts = (time / dead_time * (1.0 + 1e-12)).floor();
                let wanted = "at most exposure_time";
                within("dead_time", dead_time, [0.0, time], wanted)?;
                let most = counts.min(MOST_FULL_WELL);
                (most, most)
            }
            DetectorKind::Ideal => (MOST_FULL_WELL, MOST_FULL_WELL),
        };
        let constant = (dark + background) * time + clock_induced;
        let mut detector = Self {
            kind,
            bits: keys.bits,
            gain,
            read_noise,
            offset,
            em_gain,
            most_signal,
            shape,
            detection: Detection {
                constant: (constant.min(most_electrons) * f64::from(1 << MEAN_BITS)).round() as u32,
                most: most.floor() as u32,
                shape: shape.map_or(0, |shape| (256.0 * shape).round() as u32),
                register_most: match kind {
                    DetectorKind::Emccd => (256.0 * register_full_well / em_gain).floor() as u32,
                    _ => u32::MAX,
                },
                pixel: PixelResponse::default(),
                largest: (1 << keys.bits) - 1,
            },
        };
        detector.detection.pixel = detector.response(gain, read_noise, offset)?;
        Ok(detector)
    }

    /// A pixel's whole numbers, if 32 bits hold all that it may make.
    fn response(
        &self,
        gain: f64,
        read_noise: f64,
        offset: f64,
    ) -> Result<PixelResponse, DetectorError> {
        let most_gain = (MOST_SIGNAL / self.most_signal).min(MOST_GAIN / self.em_gain);
        if gain <= 0.0 || !(0.0..most_gain).contains(&gain) {
            return Err(DetectorError::OutOfRange {
                key: "gain",
                value: gain,
                wanted: format!(
                    "above 0 and below {most_gain:.5} grey values per electron, so that {:.0} electrons stay below 8e6",
                    self.most_signal
                ),
            });
        }
        if !(1.0 - MOST_AROUND..MOST_AROUND).contains(&offset) {
            return Err(DetectorError::OutOfRange {
                key: "offset",
                value: offset,
                wanted: "between -3e5 and 3e5 grey values".to_owned(),
            });
        }
        let most_noise = (MOST_AROUND - offset.abs()) / (MOST_DEVIATE * gain);
        if !(0.0..most_noise).contains(&read_noise) {
            return Err(DetectorError::OutOfRange {
                key: "read_noise",
                value: read_noise,
                wanted: format!("from 0 to {most_noise:.5} electrons"),
            });
        }
        Ok(PixelResponse {
            gain: (gain * self.em_gain * 65_536.0).round() as u32,
            noise: (gain * read_noise * 65_536.0).round() as u32,
            offset: (offset * 256.0).round() as i32,
        })
    }

    /// The words in which the kernel takes the maps of these many pixels: all gains, then all
    /// noises, then all offsets.
    ///
    /// # Errors
    /// When the detector is none of many pixels, or a map has another size or a value that the
    /// detector cannot have.
    pub fn pixel_maps(
        &self,
        pixels: usize,
        maps: &PixelMaps<'_>,
    ) -> Result<Vec<u32>, DetectorError> {
        let named = [
            ("gain_map", maps.gain, self.gain),
            ("read_noise_map", maps.read_noise, self.read_noise),
            ("offset_map", maps.offset, self.offset),
        ];
        for (key, map, _) in named {
            let Some(map) = map else { continue };
            let kind = self.kind;
            if !kind.has_pixels() {
                return Err(DetectorError::Unused { key, kind });
            }
            let found = map.len();
            if found != pixels {
                return Err(DetectorError::MapSize { key, found, pixels });
            }
        }
        let mut words = vec![0; 3 * pixels];
        for pixel in 0..pixels {
            let value = |(_, map, all): (_, Option<&[f32]>, f64)| {
                map.map_or(all, |map| f64::from(map[pixel]))
            };
            let [gain, read_noise, offset] = named.map(value);
            let response =
                self.response(gain, read_noise, offset)
                    .map_err(|error| DetectorError::Pixel {
                        pixel,
                        error: Box::new(error),
                    })?;
            words[pixel] = response.gain;
            words[pixels + pixel] = response.noise;
            words[2 * pixels + pixel] = response.offset as u32;
        }
        Ok(words)
    }

    /// The kind of detector.
    pub fn kind(&self) -> DetectorKind {
        self.kind
    }

    /// Mean electrons of an exposure without light from the sample.
    pub fn background(&self) -> f64 {
        f64::from(self.detection.constant) / f64::from(1 << MEAN_BITS)
    }

    /// Most electrons of an exposure.
    pub fn most_electrons(&self) -> f64 {
        f64::from(self.detection.most)
    }

    /// Returns the grey value of a full pixel without read noise, the largest one at most.
    pub fn full_grey(&self) -> u32 {
        let full = self.gain * self.em_gain * self.most_electrons() + self.offset;
        let signal = self.gain * self.most_signal + self.offset;
        let largest = f64::from(self.detection.largest);
        full.min(signal).floor().clamp(1.0, largest) as u32
    }

    /// Returns the signal of so many expected electrons over the standard deviation of what is
    /// measured: Poisson's, multiplied by the excess noise of a register, and the read noise.
    pub fn signal_to_noise(&self, electrons: f64) -> f64 {
        // A gamma law of shape a for one electron: F^2 = 1 + 1/a.
        let excess = self.shape.map_or(1.0, |shape| 1.0 + 1.0 / shape);
        let read_noise = self.read_noise / self.em_gain;
        let variance = excess * (electrons + self.background()) + read_noise * read_noise;
        if electrons > 0.0 {
            electrons / variance.sqrt()
        } else {
            0.0
        }
    }

    /// Bits of a grey value.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The whole numbers with which pixels are exposed.
    pub fn detection(&self) -> &Detection {
        &self.detection
    }

    /// The tables from which pixels are drawn.
    pub fn tables(&self) -> Vec<u32> {
        tables(self.shape)
    }
}
