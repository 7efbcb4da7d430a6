//! Applications behind the subcommands.

pub mod bench;
pub mod check;
pub mod metrics;
pub mod sweep;
pub mod view;
