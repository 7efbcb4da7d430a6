//! `simexm-gpu view`, and the window after a run.

use super::{exit, report};
use clap::{Args, ValueHint};
use std::path::{Path, PathBuf};

/// Look at volumes in a window: slices, sections, projections, channels in colours, ids.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples: simexm-gpu view examples/output/brainbow\n          \
                  simexm-gpu view channel_0.tiff channel_1.tiff --labels cells.tif\n\n\
                  PATH is a TIFF stack, a NumPy .npy array, a folder with an image per slice, or the output folder of\n\
                  a run, of which all channels and the ground truth are shown. Volumes may be larger than the memory.\n\
                  Wheel, arrows, PageUp and PageDown go through the slices; the window names the other keys."
)]
pub(super) struct ViewArgs {
    /// Volumes of one size, or the output folder of a run
    #[arg(required_unless_present = "labels", value_hint = ValueHint::AnyPath)]
    path: Vec<PathBuf>,
    /// A volume of ids, each shown in a colour of its own; may be given several times
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    labels: Vec<PathBuf>,
    /// Folder for the pictures that are saved
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    save_to: PathBuf,
}

/// Shows volumes; returns the exit code.
pub(super) fn view(args: &ViewArgs) -> u8 {
    if let Err(code) = can_show() {
        return code;
    }
    show(&args.path, &args.labels, &args.save_to)
}

/// Shows the output of a run; returns the exit code.
pub(super) fn view_run(folder: &Path) -> u8 {
    show(&[folder.to_owned()], &[], Path::new("."))
}

/// Fails, with its reason printed, where no window can be opened: a long run should know before it
/// starts.
pub(super) fn can_show() -> Result<(), u8> {
    #[cfg(feature = "viewer")]
    return simexm_gpu::apps::view::window::display().map_err(|error| {
        report(&error);
        exit::USAGE
    });
    #[cfg(not(feature = "viewer"))]
    {
        report(&Missing);
        Err(exit::USAGE)
    }
}

#[cfg(feature = "viewer")]
fn show(paths: &[PathBuf], labels: &[PathBuf], folder: &Path) -> u8 {
    use simexm_gpu::apps::view::{ViewError, open, window};
    let shown = open(paths, labels).and_then(|scene| window::show(scene, folder));
    match shown {
        Ok(()) => exit::DONE,
        Err(error) => {
            report(&error);
            match error {
                ViewError::Nothing | ViewError::SizesDiffer { .. } => exit::USAGE,
                _ => exit::FAILED,
            }
        }
    }
}

#[cfg(not(feature = "viewer"))]
fn show(_: &[PathBuf], _: &[PathBuf], _: &Path) -> u8 {
    exit::USAGE
}

/// The viewer was left out of this build.
#[cfg(not(feature = "viewer"))]
#[derive(Debug, thiserror::Error)]
#[error(
    "this simexm-gpu was built without its viewer; to have it, build without --no-default-features (or with --features \
     viewer), or look at quicklook.png beside the output of a run"
)]
struct Missing;
