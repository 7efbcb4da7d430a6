//! Pictures and plots.

pub mod picture;
pub mod plot;
