//! Why a simulation fails.

use crate::base::volume::OutOfBounds;
use crate::config::ConfigError;
use crate::engine::compute::ComputeError;
use crate::io::read::ReadError;
use crate::io::write::WriteError;
use crate::model::ModelError;
use crate::run::ground_truth::LoadError;
use crate::run::journal::JournalError;
use crate::run::pipeline::RunError;
use crate::run::plan::PlanError;

/// Why a simulation failed.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The ground truth could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The part of the ground truth that is asked for leaves it.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// The ground truth could not be loaded.
    #[error(transparent)]
    Load(LoadError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Label counts have another shape than the cells.
    #[error(
        "the counts of {fluorophore} have the shape {found:?}, but the cells {expected:?} (z, x, y); both must have \
         the same"
    )]
    CountsShape {
        /// The fluorophore.
        fluorophore: String,
        /// Shape of the counts.
        found: [usize; 3],
        /// Shape of the cells.
        expected: [usize; 3],
    },
    /// The configuration cannot be simulated.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The configuration asks for what this version cannot do.
    #[error("{0}")]
    Unsupported(String),
    /// A region's volume has another size than the cells'.
    #[error(
        "[groundtruth.regions.{name}] region_path: {found}, but the cells are {expected}; both must have the same size"
    )]
    RegionSize {
        /// The region.
        name: String,
        /// Its volume.
        found: String,
        /// The cells' volume.
        expected: String,
    },
    /// The run does not fit.
    #[error("the volume does not fit: {0}")]
    Plan(#[from] PlanError),
    /// The device failed.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// The run failed.
    #[error(transparent)]
    Run(RunError),
    /// The output could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Someone asked it to stop.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// Someone asked it to stop, and it can go on.
    #[error("interrupted; {finished} of {slices} slices are done and kept: go on with --resume")]
    Stopped {
        /// Images of a channel that are there.
        finished: usize,
        /// All images of a channel.
        slices: usize,
    },
    /// It failed, and can go on when the cause is mended.
    #[error(
        "{cause}. {finished} of {slices} slices are done and kept: go on with --resume when the cause is mended"
    )]
    Unfinished {
        /// What happened.
        cause: Box<SimulationError>,
        /// Images of a channel that are there.
        finished: usize,
        /// All images of a channel.
        slices: usize,
    },
    /// What an earlier run has finished cannot be read or kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The unfinished run is another one.
    #[error(
        "the unfinished run in {} cannot go on: {changes}. Undo the change, or start anew without --resume",
        folder.display()
    )]
    Changed {
        /// The output folder.
        folder: std::path::PathBuf,
        /// What is not as it was.
        changes: String,
    },
}

impl SimulationError {
    /// True where the configuration is at fault, not what happened while it ran.
    pub fn is_configuration(&self) -> bool {
        if let Self::Unfinished { cause, .. } = self {
            return cause.is_configuration();
        }
        matches!(
            self,
            Self::Config(_)
                | Self::Model(_)
                | Self::Unsupported(_)
                | Self::RegionSize { .. }
                | Self::OutOfBounds(_)
        )
    }
}

impl From<LoadError> for SimulationError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Interrupted => Self::Interrupted,
            other => Self::Load(other),
        }
    }
}

impl From<RunError> for SimulationError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Interrupted => Self::Interrupted,
            other => Self::Run(other),
        }
    }
}
