//! What a run tells when it is done.

use crate::engine::compute::{Kernel, KernelTime};
use crate::engine::stages::KERNELS;
use std::path::PathBuf;
use std::time::Duration;

/// Time that a stage took.
#[derive(Clone, Debug, PartialEq)]
pub struct StageTime {
    /// Name of the stage, as a watcher is told it.
    pub stage: String,
    /// Time on the clock.
    pub time: Duration,
}

/// What a run to files tells when it is done.
#[derive(Clone, Debug)]
pub struct Report {
    /// Folder of the output.
    pub folder: PathBuf,
    /// Seed that repeats the run.
    pub seed: u64,
    /// Kind of the device: "gpu" or "cpu".
    pub backend: &'static str,
    /// Name of the device that computed.
    pub device: String,
    /// Time on the clock of each stage, in order.
    pub stages: Vec<StageTime>,
    /// What each kernel did on the device: calls, bytes and, where it can be measured, time.
    pub kernels: Vec<KernelTime>,
    /// The brightest pixel of each channel, in photons (in the model `physical` its grey value);
    /// channels in the order of their names.
    pub maxima: Vec<u32>,
    /// Shape (z, x, y) of the images.
    pub image_shape: [usize; 3],
    /// Number of warnings that the run gave.
    pub warnings: usize,
}

impl Report {
    /// Time on the device by stage of the model, in the model's order.
    pub fn device_times(&self) -> Vec<StageTime> {
        let time = |kernels: &[&Kernel]| {
            let named = |name| kernels.iter().any(|kernel| kernel.name == name);
            let of_stage = self.kernels.iter().filter(|pass| named(pass.kernel));
            of_stage.filter_map(|pass| pass.time).sum()
        };
        KERNELS
            .chunk_by(|a, b| a.stage == b.stage)
            .map(|kernels| StageTime {
                stage: kernels[0].stage.name().to_owned(),
                time: time(kernels),
            })
            .filter(|stage| !stage.time.is_zero())
            .collect()
    }

    /// What each kernel did, in the order in which a run meets them.
    pub fn passes(&self) -> Vec<&KernelTime> {
        let pass_of = |kernel: &&Kernel| self.kernels.iter().find(|p| p.kernel == kernel.name);
        KERNELS.iter().filter_map(pass_of).collect()
    }
}
