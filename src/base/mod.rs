//! What every layer may use: extents of volumes, colours, facts of the host, and who watches progress.

pub mod choice;
pub mod colour;
pub mod error;
pub mod formats;
pub mod host;
pub mod observer;
pub mod volume;
