//! What the subcommands do.

pub mod bench;
pub mod check;
pub mod view;
