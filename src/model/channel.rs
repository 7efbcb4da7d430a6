//! Channels, as every model has them: where light comes from, and how it spreads.

use crate::engine::psf::Psf;
use crate::engine::rng::{StreamKey, TableRef};
use crate::optics::fluorophore::Photons;

/// Light whose spectra are made once: of a fluorophore, for all or for some of its sources.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Emitter {
    /// Index of the fluorophore.
    pub fluorophore: usize,
    /// Table of photons per protein; the default leaves the proteins as they are.
    pub table: TableRef,
    /// Random stream of the emission.
    pub key: StreamKey,
}

/// Light of a fluorophore in a channel.
#[derive(Clone, Debug)]
pub struct EmissionSource {
    /// Index of the fluorophore.
    pub fluorophore: usize,
    /// Index of its emitter.
    pub emitter: usize,
    /// Point spread function.
    pub psf: Psf,
}

/// Channel of the microscope.
#[derive(Clone, Debug)]
pub struct ChannelModel {
    /// Name of the channel.
    pub name: String,
    /// Light of every fluorophore of the model in this channel.
    pub photons: Vec<Photons>,
    /// Sources of light: the fluorophores that send photons.
    pub sources: Vec<EmissionSource>,
}
