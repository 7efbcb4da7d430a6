//! Errors of a simulation.

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

/// Error of a simulation.
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
        /// Name of the fluorophore.
        fluorophore: String,
        /// Shape of the counts.
        found: [usize; 3],
        /// Shape of the cells.
        expected: [usize; 3],
    },
    /// The configuration cannot be simulated.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The configuration asks for a combination that is not supported.
    #[error("{0}")]
    Unsupported(String),
    /// A region's volume has another size than the cells'.
    #[error(
        "[groundtruth.regions.{name}] region_path: {found}, but the cells are {expected}; both must have the same size"
    )]
    RegionSize {
        /// Name of the region.
        name: String,
        /// Description of its volume.
        found: String,
        /// Description of the cells' volume.
        expected: String,
    },
    /// Nobody tells the size of a voxel.
    #[error(
        "[groundtruth] voxel_dim is missing, and {file} {told}: voxel_dim must be three numbers [z, x, y], each above 0 nm"
    )]
    NoVoxelSize {
        /// The volume of the cells.
        file: std::path::PathBuf,
        /// What it tells instead.
        told: String,
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
    /// The user interrupted the run.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// The user interrupted the run, and it can go on.
    #[error("interrupted; {finished} of {slices} slices are done and kept: go on with --resume")]
    Stopped {
        /// Finished images of a channel.
        finished: usize,
        /// Number of a channel's images.
        slices: usize,
    },
    /// The run failed, and can go on when the cause is mended.
    #[error(
        "{cause}. {finished} of {slices} slices are done and kept: go on with --resume when the cause is mended"
    )]
    Unfinished {
        /// Error that ended the run.
        cause: Box<SimulationError>,
        /// Finished images of a channel.
        finished: usize,
        /// Number of a channel's images.
        slices: usize,
    },
    /// The finished part of an earlier run cannot be read or kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The unfinished run is another one.
    #[error(
        "the unfinished run in {} cannot go on: {changes}. Undo the change, or start anew without --resume",
        folder.display()
    )]
    Changed {
        /// Output folder.
        folder: std::path::PathBuf,
        /// List of the differences.
        changes: String,
    },
}

impl SimulationError {
    /// Returns true where the configuration is at fault, not the run.
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
                | Self::NoVoxelSize { .. }
                | Self::OutOfBounds(_)
                | Self::Compute(ComputeError::NoAdapter(_))
        )
    }

    /// Returns true where the device, or what it may take, is too small for the run.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::Plan(_)
                | Self::Compute(ComputeError::OutOfMemory { .. })
                | Self::Run(RunError::Compute(ComputeError::OutOfMemory { .. }))
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
