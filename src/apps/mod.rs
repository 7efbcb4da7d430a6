//! Applications behind the subcommands.

pub mod bench;
pub mod check;
#[cfg(feature = "viewer")]
pub mod view;
