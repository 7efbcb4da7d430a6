//! Pictures and plots.

pub mod picture;
pub mod plot;
mod png;
