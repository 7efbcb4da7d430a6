//! What the subcommands do.

pub mod bench;
pub mod check;
#[cfg(feature = "viewer")]
pub mod view;
