//! Basics that every layer may use: volumes' extents, colours, facts of the host, and progress.

pub mod colour;
pub mod host;
pub mod observer;
pub mod volume;
