//! The window of `simexm-gpu view` and `--view`: a program of its own, which the other one starts.

mod window;

use clap::Parser;
use simexm_gpu::internals::apps::view::{ViewArgs, ViewError, open};
use simexm_gpu::internals::base::program::{self, exit, report, tell};
use std::process::ExitCode;

#[derive(Parser)]
#[command(version)]
struct Viewer {
    #[command(flatten)]
    args: ViewArgs,
}

fn main() -> ExitCode {
    program::tell_defects();
    program::block_file_size_signal();
    program::bound_threads();
    let Viewer { args } = Viewer::parse();
    let shown = open(&args.path, &args.labels).and_then(|scenes| {
        for note in scenes.iter().flat_map(|scene| &scene.notes) {
            tell(&format!("warning: {note}"));
        }
        window::show(scenes, &args.save_to)
    });
    match shown {
        Ok(()) => exit::DONE,
        Err(error) => {
            report(&error);
            match error {
                ViewError::Nothing => exit::USAGE,
                _ => exit::FAILED,
            }
        }
    }
    .into()
}
