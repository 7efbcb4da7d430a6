//! `simexm-gpu phantom`.

use super::{exit, report};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct PhantomArgs {
    /// TIFF stack to write
    output: PathBuf,
}

pub(super) fn write(_args: &PhantomArgs) -> u8 {
    let _ = report;
    exit::FAILED
}
