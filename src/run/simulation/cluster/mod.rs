//! A run in tasks that know nothing of one another, for the schedulers that people have.
//!
//! A folder holds a plan and, beside it, what its tasks leave: whole shards of an OME-Zarr, and for
//! each task a receipt that lists them. A task is a run of the pipeline whose images are a box and
//! whose sink is these shards; which it is follows from its number. A receipt is written when all
//! shards of its task are on the disk, so that tasks may be killed, repeated, and done in any
//! order.

mod facts;
mod finish;
mod forecast;
mod grid;
mod plan_file;
mod queue;
mod receipt;
mod scale;
mod sealed;
mod setup;
mod status;
mod store;
mod survey;
mod task;

use super::SimulationError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use facts::{MergedFacts, merge};
pub use finish::{FinishOptions, Finished, finish};
pub use forecast::{Forecast, Machines};
pub use plan_file::{PlanFile, PlanOptions, PlannedRun, write_plan};
pub use queue::{Done, run_tasks_on};
pub use status::{PhaseStatus, Status, in_words, missing, status};

/// Name of the plan in a run's folder.
pub const PLAN_NAME: &str = "plan.json";

/// A kind of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Counts the voxels of cells, where the choice of cells depends on them.
    Survey,
    /// Looks for the brightest pixels, where grey values are shares of these.
    Scale,
    /// Makes the images.
    Image,
}

impl Phase {
    /// All of them, in their order.
    pub const ALL: [Self; 3] = [Self::Survey, Self::Scale, Self::Image];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Survey => "survey",
            Self::Scale => "scale",
            Self::Image => "image",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        let named = all.find(|phase| phase.name() == text);
        named.ok_or_else(|| "a phase is survey, scale or image".to_owned())
    }
}

/// Why something in a run's folder failed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The work itself failed.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The folder or what was asked of it is not right: another attempt fails alike.
    #[error("{0}")]
    Refused(String),
    /// Something that is not there yet.
    #[error("{0}")]
    TooEarly(String),
    /// The system refuses.
    #[error("{}: {}", path.display(), crate::base::error::cause(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// What the tasks left is not whole: each line says what is wrong and what mends it.
    #[error("{}", .0.join("\n"))]
    Damaged(Vec<String>),
}

impl ClusterError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

impl From<crate::io::write::WriteError> for ClusterError {
    fn from(error: crate::io::write::WriteError) -> Self {
        Self::Simulation(error.into())
    }
}

impl From<crate::io::read::ReadError> for ClusterError {
    fn from(error: crate::io::read::ReadError) -> Self {
        Self::Simulation(error.into())
    }
}

/// Where things lie in a run's folder.
#[derive(Clone, Debug)]
struct Folder {
    root: PathBuf,
    /// The first digits of the plan's id.
    id: String,
}

/// Receipts of a folder: file systems do not like more.
const RECEIPTS_TOGETHER: u64 = 1000;

impl Folder {
    fn new(root: &Path, plan_id: &str) -> Self {
        Self {
            root: root.to_owned(),
            id: plan_id.chars().take(16).collect(),
        }
    }

    /// What a run in one process writes to its output folder.
    fn output(&self) -> PathBuf {
        self.root.join("out")
    }

    /// The receipts of a phase.
    fn receipts(&self, phase: Phase) -> PathBuf {
        let own = self.root.join("receipts").join(&self.id);
        own.join(phase.name())
    }

    fn receipt(&self, phase: Phase, task: u64) -> PathBuf {
        let together = format!("{:06}", task / RECEIPTS_TOGETHER);
        let folder = self.receipts(phase).join(together);
        folder.join(format!("{task}.json"))
    }

    /// What was merged of a phase.
    fn merged(&self, phase: Phase) -> PathBuf {
        let own = self.root.join("receipts").join(&self.id);
        own.join(format!("{phase}.json"))
    }

    /// What is on its way. Whoever finds it knows that the folder is a run's.
    fn hidden(root: &Path) -> PathBuf {
        root.join(".simexm-tmp")
    }

    /// What is being written of this plan, a folder for each process.
    fn scratch(&self) -> PathBuf {
        Self::hidden(&self.root).join(&self.id)
    }
}
