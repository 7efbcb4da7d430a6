//! Command line of simexm-gpu.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
