//! Applications behind the subcommands.

pub mod bench;
pub mod check;
pub mod view;
