//! What every layer may use: extents of volumes, colours, facts of the host, who watches progress,
//! and how the programs speak.

pub mod colour;
pub mod host;
pub mod observer;
pub mod program;
pub mod volume;
