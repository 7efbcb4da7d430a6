//! Fallback of a run whose device fails: once more with half the memory, then on the CPU.

#[cfg(test)]
mod tests;

use super::device::Device;
use super::{Options, SimulationError, Watcher};
use crate::base::host::amount;
use crate::engine::compute::ComputeError;
use crate::model::Model;
use crate::run::log::RunLog;
use crate::run::pipeline::{Input, Pipeline, RunError};
use crate::run::plan::{Budgets, Contents, ImageBox, RunPlan};

/// Inputs that every attempt starts from.
pub(super) struct DeviceFallback<'a> {
    pub model: &'a Model,
    pub input: Input<'a>,
    pub options: Options,
    pub budgets: Budgets,
    /// The part of the images that is made, where it is not all of them.
    pub part: Option<ImageBox>,
    /// Voxels of the cells of the whole tissue, where they were counted before.
    pub surveyed: Option<&'a [Vec<u64>]>,
    /// The brightest pixel of each channel in the whole of the images, where it is known.
    pub brightest: Option<&'a [u32]>,
    /// Whether a GPU that fails is an error: who does many tasks wants all of them from one type of
    /// device.
    pub keeps_gpu: bool,
}

impl DeviceFallback<'_> {
    /// Plans for the device and attempts the run. Where the device runs out of memory, or is lost,
    /// one new plan takes half of the first one's memory; the CPU takes over where a GPU refuses
    /// that too, or fails in another way. Each attempt starts where the journal says, so that
    /// finished slices are kept.
    pub(super) fn run<R>(
        &self,
        device: &mut Device,
        log: &mut RunLog<'_>,
        mut attempt: impl FnMut(Pipeline<'_>) -> Result<R, SimulationError>,
    ) -> Result<R, SimulationError> {
        let mut budgets = self.budgets;
        let mut halved = false;
        loop {
            let plan = self
                .plan(device, &budgets)
                .and_then(|plan| self.cut(plan, log));
            let used = plan.as_ref().ok().map(|plan| Used {
                device_bytes: plan.device_bytes(),
                host_bytes: plan.host().peak_bytes(),
            });
            let result = plan.and_then(|plan| self.attempt(&plan, device, log, &mut attempt));
            let Err(error) = result else { return result };
            let Some(trouble) = Trouble::of(&error) else {
                return Err(error);
            };
            log.abandon();
            if let (Trouble::Memory, false, Some(used)) = (trouble, halved, used) {
                halved = true;
                let bytes = used.halve(&mut budgets, device.is_gpu());
                log.warn(&format!(
                    "{error}. Once more with half of the memory that it was planned for, {}",
                    amount(bytes)
                ));
                // A driver that failed once is not to be trusted with the rest of the device.
                match device.reopen() {
                    Ok(()) => continue,
                    Err(error) if self.keeps_gpu => return Err(error.into()),
                    Err(error) => device.fall_back(&error.to_string(), log),
                }
            } else if device.is_gpu() && !self.keeps_gpu {
                device.fall_back(&error.to_string(), log);
            } else {
                return Err(error);
            }
            // The CPU is another device: the GPU's lack of memory says nothing about it.
            (budgets, halved) = (self.budgets, false);
        }
    }

    fn plan(&self, device: &mut Device, budgets: &Budgets) -> Result<RunPlan, SimulationError> {
        let backend = device.backend();
        let limits = budgets.within(backend.limits());
        let mut deepest = self.options.deepest_slab.unwrap_or(usize::MAX);
        deepest = deepest.min(backend.deepest_slab());
        let mut tiles = self.options.tiles.unwrap_or([1; 2]);
        if let Some(journal) = self
            .input
            .journal
            .filter(|journal| journal.mark().images > 0)
        {
            // In one slab there would be no finished slices to keep.
            let several = self.model.volume.shape[0].saturating_sub(1).max(1);
            deepest = deepest.min(several);
            let cuts = RunPlan::cuts(self.model, tiles);
            let known = |cut: &&[usize; 2]| cut[0] * cut[1] >= journal.tiles();
            tiles = cuts.iter().find(known).copied().unwrap_or(tiles);
        }
        let contents = Contents::of(self.input.volume);
        let plan = match &self.part {
            None => RunPlan::new(self.model, contents, &limits, deepest, tiles),
            Some(part) => {
                // Deeper slabs than its slices would only take memory.
                let deepest = deepest.min(part.extent(self.model, 0).load.len().max(1));
                RunPlan::of_part(self.model, contents, &limits, deepest, tiles, part)
            }
        };
        Ok(plan?)
    }

    /// Goes on with what is finished, where it was cut along x as this plan does it.
    fn cut(&self, plan: RunPlan, log: &mut RunLog<'_>) -> Result<RunPlan, SimulationError> {
        let Some(journal) = self.input.journal else {
            return Ok(plan);
        };
        let (was, is) = (journal.tiles(), plan.tiles.len());
        let finished = journal.finished();
        if was != is && finished > 0 {
            log.warn(&format!(
                "the {finished} slices that are done are made again: so little memory takes {is} tiles, \
                 where they were made in {was}"
            ));
        }
        journal.cut_into(is)?;
        Ok(plan)
    }

    fn attempt<R>(
        &self,
        plan: &RunPlan,
        device: &mut Device,
        log: &mut RunLog<'_>,
        attempt: &mut impl FnMut(Pipeline<'_>) -> Result<R, SimulationError>,
    ) -> Result<R, SimulationError> {
        let (device, poison) = (device.backend(), self.options.poison);
        let pipeline = Pipeline::new(self.model, plan, self.input, device, log, poison)?;
        let pipeline = pipeline.with_survey(self.surveyed);
        attempt(pipeline.with_brightest(self.brightest))
    }
}

/// Memory that a plan takes.
#[derive(Clone, Copy)]
struct Used {
    device_bytes: u64,
    host_bytes: u64,
}

impl Used {
    /// Sets budgets to half of it; returns that half.
    fn halve(self, budgets: &mut Budgets, gpu: bool) -> u64 {
        let (budget, used) = if gpu {
            (&mut budgets.device_bytes, self.device_bytes)
        } else {
            (&mut budgets.host_bytes, self.host_bytes)
        };
        *budget = Some(used / 2);
        used / 2
    }
}

/// Failure that another attempt may mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The device ran out of memory, or was lost, perhaps for the same reason.
    Memory,
    /// The run does not fit the device, or the device fails.
    Device,
}

impl Trouble {
    fn of(error: &SimulationError) -> Option<Self> {
        match error {
            SimulationError::Plan(_) => Some(Self::Device),
            SimulationError::Compute(error) | SimulationError::Run(RunError::Compute(error)) => {
                match error {
                    ComputeError::OutOfMemory { .. } | ComputeError::Lost { .. } => {
                        Some(Self::Memory)
                    }
                    _ => Some(Self::Device),
                }
            }
            _ => None,
        }
    }
}
