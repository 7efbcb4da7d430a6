//! `[output]`: where the images go and in which form.

use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use super::choice::choice;
use super::groundtruth::{Arrangement, Region, region};
use super::kind::{Kind, choice};
use super::section::Section;
use super::serialize;

/// What is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Output {
    /// Name of the experiment, a plain folder name: everything goes to `path`/`name`.
    pub name: String,
    /// Folder of the outputs, absolute once read; made when it is not there.
    #[serde(serialize_with = "serialize::path")]
    pub path: PathBuf,
    /// File format; default tiff.
    pub format: OutputFormat,
    /// Channels merged by threes into RGB, or one volume each; default splitted.
    pub sim_channels: Arrangement,
    /// Ground truth of all cells in one volume, or one volume per cell; default merged.
    pub gt_cells: Arrangement,
    /// Part of the labelled cells that the ground truth shows; default full.
    pub gt_region: Region,
}

impl Output {
    /// The folder that all files of the run go to.
    pub fn folder(&self) -> PathBuf {
        self.path.join(&self.name)
    }
}

choice! {
    /// Format of the output volumes.
    pub enum OutputFormat {
        /// One file with all slices.
        Tiff = "tiff",
        /// An animation, one frame per slice.
        Gif = "gif",
        /// A folder with one image per slice.
        ImageSequence = "image sequence",
    }
}

/// A folder name without a path around it, on any system.
fn folder_name() -> Kind<'static, String> {
    let expected =
        "a plain folder name (not empty, not . or .., no / or \\, no control characters)";
    Kind::new(expected, |value| {
        let name = value.as_text()?;
        let is_plain = !name
            .chars()
            .any(|c| matches!(c, '/' | '\\') || c.is_control());
        let mut components = Path::new(name).components();
        let is_one = matches!(components.next(), Some(Component::Normal(part)) if part == name);
        (is_plain && is_one && components.next().is_none()).then(|| name.to_owned())
    })
}

pub(super) fn read(section: &mut Section<'_>) -> Option<Output> {
    let context = section.context;
    let name = section.required("name", folder_name());
    let path = section.required_path("path");
    let format = section
        .optional("format", choice())
        .unwrap_or(OutputFormat::Tiff);
    let sim_channels = section
        .optional("sim_channels", choice())
        .unwrap_or(Arrangement::Splitted);
    let gt_cells = section
        .optional("gt_cells", choice())
        .unwrap_or(Arrangement::Merged);
    let gt_region = section
        .optional("gt_region", region(context))
        .unwrap_or(Region::Full);
    Some(Output {
        name: name?,
        path: path?,
        format,
        sim_channels,
        gt_cells,
        gt_region,
    })
}
