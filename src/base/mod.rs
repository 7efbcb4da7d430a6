//! What every layer may use: extents of volumes, colours, facts of the host, bits of regions,
//! progress of a run, and how the programs speak.

pub mod choice;
pub mod colour;
pub mod error;
pub mod files;
pub mod formats;
pub mod host;
mod job;
pub mod nearest;
pub mod overlap;
pub mod path;
pub mod program;
pub mod progress;
pub mod region_bits;
pub mod text;
pub mod volume;
