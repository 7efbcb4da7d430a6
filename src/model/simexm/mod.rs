//! The model `simexm`: SimExm's channels, camera and baseline. Photons are drawn for every protein,
//! blurred, and rounded to whole ones.

mod channels;

pub use channels::ChannelKeys;

use super::{Light, ModelError, Tables};
use crate::config::Config;
use crate::engine::rng::{DiscreteTable, TableRef};
use crate::optics::camera::{AxisSampling, Camera};
use crate::optics::fluorophore::Fluorophore;
use crate::optics::psf;

/// From proteins to pixels.
#[derive(Clone, Debug)]
pub struct Imaging {
    /// Random streams of the channels.
    pub keys: Vec<ChannelKeys>,
    /// Table of the baseline photons, if there are any.
    pub baseline: Option<TableRef>,
    /// Tables of jitter along x and y.
    pub jitter: [TableRef; 2],
    /// The farthest that jitter moves light by, along x and y, in voxels.
    pub farthest_jitter: [usize; 2],
    /// True where a voxel that covers several pixels is spread over them evenly, and not jittered.
    pub spreads: bool,
    /// What one photon counts in a pixel: a voxel that is spread over so many counts with all its
    /// photons in each of them, so that no part of a photon is rounded away.
    pub counts_per_photon: u32,
}

impl Imaging {
    /// Adds a round of so many channels, with random streams of its own.
    pub(super) fn repeat(&mut self, channels: usize, round: u32) {
        let keys = self.keys[..channels].iter().map(|keys| ChannelKeys {
            jitter: keys.jitter.numbered(round),
            baseline: keys.baseline.numbered(round),
        });
        let keys: Vec<_> = keys.collect();
        self.keys.extend(keys);
    }

    /// Derives channels and camera; `proteins_per_voxel` is the mean of each fluorophore in a
    /// labelled voxel, and `told` collects warnings for the user.
    pub(super) fn light(
        config: &Config,
        seed: u64,
        fluorophores: &[Fluorophore],
        proteins_per_voxel: &[f64],
        camera: &Camera,
        tables: &mut Tables,
        told: &mut Vec<String>,
    ) -> Result<Light, ModelError> {
        let channels =
            channels::channels(config, seed, fluorophores, tables, proteins_per_voxel, told)?;
        let spreads = config.optics.magnify_evenly;
        let moves = |axis: AxisSampling| match spreads {
            true => AxisSampling::Bin(axis.bin()),
            false => axis,
        };
        let (jitter_x, moved_x) = jitter(moves(camera.x), tables)?;
        let (jitter_y, moved_y) = jitter(moves(camera.y), tables)?;
        let pixels = [camera.x, camera.y].map(AxisSampling::magnification);
        let counts_per_photon = match spreads {
            true => pixels[0].saturating_mul(pixels[1]),
            false => 1,
        };
        let baseline = DiscreteTable::poisson(config.optics.baseline_noise.unwrap_or(0.0));
        let baseline = baseline.map_err(ModelError::Baseline)?;
        let baseline = (!baseline.is_always_zero()).then(|| tables.add(&baseline));
        let imaging = Self {
            keys: channels.keys,
            baseline,
            jitter: [jitter_x, jitter_y],
            farthest_jitter: [moved_x, moved_y],
            spreads,
            counts_per_photon,
        };
        Ok(Light {
            channels: channels.channels,
            emitters: channels.emitters,
            psf: psf::SHAPE,
            imaging: super::Imaging::Simexm(imaging),
        })
    }
}

/// The table of an axis, and the farthest that it moves light by, in voxels.
fn jitter(axis: AxisSampling, tables: &mut Tables) -> Result<(TableRef, usize), ModelError> {
    let factor = axis.magnification();
    let table = DiscreteTable::poisson(f64::from(factor));
    let table = table.map_err(|_| ModelError::Magnification(factor))?;
    let moved = match factor {
        0..=1 => 0,
        factor => table.largest().div_ceil(factor) as usize,
    };
    Ok((tables.add(&table), moved))
}
