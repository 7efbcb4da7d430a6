//! A run on a device, and again on the CPU where a GPU fails.

use super::device::Device;
use super::stages::Stages;
use super::{Options, SimulationError};
use crate::model::Model;
use crate::pipeline::{Input, Pipeline, RunError};
use crate::plan::Plan;

/// What every attempt starts from.
pub(super) struct Attempts<'a> {
    pub model: &'a Model,
    pub input: Input<'a>,
    pub options: Options,
}

impl Attempts<'_> {
    /// Plans for the device and attempts the run. What a GPU refuses, or fails at, the CPU does from the
    /// beginning.
    pub(super) fn run<R>(
        &self,
        device: &mut Device,
        stages: &mut Stages<'_>,
        mut attempt: impl FnMut(Pipeline<'_>) -> Result<R, SimulationError>,
    ) -> Result<R, SimulationError> {
        loop {
            match self.attempt(device, stages, &mut attempt) {
                Err(
                    error @ (SimulationError::Plan(_)
                    | SimulationError::Compute(_)
                    | SimulationError::Run(RunError::Compute(_))),
                ) if device.is_gpu() => {
                    stages.abandon();
                    device.fall_back(&error.to_string(), stages.watcher());
                }
                result => return result,
            }
        }
    }

    fn attempt<R>(
        &self,
        device: &mut Device,
        stages: &mut Stages<'_>,
        attempt: &mut impl FnMut(Pipeline<'_>) -> Result<R, SimulationError>,
    ) -> Result<R, SimulationError> {
        let device = device.backend();
        let deepest = self.options.deepest_slab.unwrap_or(usize::MAX);
        let deepest = deepest.min(device.deepest_slab());
        let volume = self.input.volume;
        let (cells, sheets) = (volume.cells.len(), volume.sheets());
        let plan = Plan::new(self.model, cells, sheets, device.limits(), deepest)?;
        let poison = self.options.poison;
        let pipeline = Pipeline::new(self.model, &plan, self.input, device, stages, poison)?;
        attempt(pipeline)
    }
}
