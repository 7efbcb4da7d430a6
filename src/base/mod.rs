//! What every layer may use: extents of volumes, colours, facts of the host, bits of
//! regions, and who watches progress.

pub mod colour;
pub mod host;
pub mod overlap;
pub mod path;
pub mod progress;
pub mod region_bits;
pub mod volume;
