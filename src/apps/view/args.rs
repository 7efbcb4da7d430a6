//! The arguments of `simexm-gpu view`, which are those of the window's own program.

use clap::{Args, ValueHint};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Look at volumes in a window: slices, sections, projections, channels in colours, ids.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples: simexm-gpu view examples/output/brainbow\n          \
                  simexm-gpu view channel_0.tiff channel_1.tiff --labels cells.tif\n\n\
                  PATH is a TIFF stack, a NumPy .npy array, a folder with an image per slice, or the output folder of\n\
                  a run (or one that holds a single run), of which all channels and the ground truth are shown.\n\
                  Volumes may be larger than the memory; those of different sizes are shown side by side.\n\
                  Wheel, arrows, PageUp and PageDown go through the slices; the window names the other keys."
)]
pub struct ViewArgs {
    /// Volumes, or the output folder of a run
    #[arg(required_unless_present = "labels", value_hint = ValueHint::AnyPath)]
    pub path: Vec<PathBuf>,
    /// A volume of ids, each shown in a colour of its own; may be given several times
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub labels: Vec<PathBuf>,
    /// Folder for the pictures that are saved; it is made where it is not there
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub save_to: PathBuf,
}

impl ViewArgs {
    /// Those that show the output of a run.
    #[must_use]
    pub fn of_run(folder: &Path) -> Self {
        Self {
            path: vec![folder.to_owned()],
            labels: Vec::new(),
            save_to: PathBuf::from("."),
        }
    }

    /// The words of a command line that are read as these arguments.
    #[must_use]
    pub fn words(&self) -> Vec<OsString> {
        let option = |name: &str, value: &Path| {
            let mut word = OsString::from(name);
            word.push(value);
            word
        };
        let mut words = vec![option("--save-to=", &self.save_to)];
        words.extend(self.labels.iter().map(|path| option("--labels=", path)));
        words.push("--".into());
        words.extend(self.path.iter().map(OsString::from));
        words
    }
}
