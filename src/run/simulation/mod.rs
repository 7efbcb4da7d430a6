//! Whole runs: from a configuration to files.

mod arrays;
pub mod cluster;
mod crossover;
mod device;
mod exposed;
mod fallback;
mod files;
mod input;
mod look;
mod reason;
mod record_file;
mod resume;
mod sink;
mod truth;
pub(crate) mod warnings;

pub use crate::run::error::SimulationError;
pub use crate::run::report::{Report, StageTime};
pub use arrays::{ChannelImage, GroundTruthImage, Images, Simulator, Tissue, simulate_arrays};
pub(crate) use device::CPU_BYTES;
pub(crate) use exposed::Exposed;
pub use input::take_voxel_size;
pub(crate) use input::{open_volumes, settle};
pub use look::Look;
pub(crate) use reason::check_light;
pub(crate) use record_file::previous_manifest;
pub use record_file::{RECORD_NAME, brightest_dyes, written_files};
pub(crate) use resume::input_paths;
pub(crate) use sink::{
    Layouts, channel_stems, id_pixel, is_compact, largest_number, number_of_bits, targets,
};
pub use truth::{CellCode, Cluster, RoundTruth};

pub use crate::base::progress::{Silent, Watcher};
use crate::base::text::of_axes;
use crate::config::Config;
use crate::model::Model;
use crate::run::log::RunLog;
use crate::run::outputs::quicklook::{self, About};
use files::RunSetup;
use input::check_region;

/// How a simulation is run, apart from what is simulated. Runs on arrays write nothing and use none
/// of these.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Replaces files in the output folder that are not the unchanged output of an earlier run.
    pub force: bool,
    /// Writes `report.html`, a page about the run, beside its output.
    pub report: bool,
    /// Goes on with a run to the same folder that was stopped, from its last finished slab.
    pub resume: bool,
    /// For tests: fills buffers with a pattern first.
    #[doc(hidden)]
    pub poison: bool,
    /// For tests: limits slabs to this many slices.
    #[doc(hidden)]
    pub deepest_slab: Option<usize>,
    /// For tests: at least this many tiles along x and y.
    #[doc(hidden)]
    pub tiles: Option<[usize; 2]>,
}

/// Runs a configuration: reads its ground truth, simulates, and writes the channels, the ground
/// truth and the record of the run to `config.output.folder()`. Files appear whole or not at all.
///
/// A run of several slabs keeps its finished slabs in a journal there until it is complete. A run
/// that was stopped, for whatever reason, goes on from its last finished slab with
/// [`Options::resume`] if it is the same run.
///
/// # Errors
/// The configuration cannot be simulated ([`SimulationError::is_configuration`]), volumes cannot be
/// read, the output cannot be written or would replace files of others, the volume fits no device,
/// or `watcher` interrupts.
pub fn simulate(
    config: &Config,
    options: Options,
    watcher: &mut dyn Watcher,
) -> Result<Report, SimulationError> {
    let ready = RunSetup::open(config, options, watcher)?;
    let mut log = RunLog::new(watcher);
    let ready = ready.prepare(&mut log)?;
    ready.load(&mut log)?.run(&mut log)
}

/// Collects the facts of a run for its quick-look.
pub(crate) fn about_quicklook(config: &Config, model: &Model) -> About {
    let colours = model.channels.iter();
    let colours = colours.map(|channel| sink::channel_colour(config, model, channel));
    let [z, x, y] = model.image_shape();
    let title = format!(
        "{}: {} of {x} x {y} pixels, expanded {} times, {} microscope",
        config.output.name,
        crate::base::volume::slices_in_words(z),
        of_axes(config.expansion.factors()),
        config.optics.microscope
    );
    let voxel_nm = config.groundtruth.voxel_or_nan();
    let factors = config.expansion.factors();
    quicklook::about(model, title, colours.collect(), voxel_nm, factors)
}
