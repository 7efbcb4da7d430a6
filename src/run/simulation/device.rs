//! Device of a run: its choice, and the fallback where it cannot be had.

use super::crossover::{self, Cache, Work};
use super::{Options, Watcher};
use crate::config::{BackendChoice, Compute, Config};
use crate::engine::compute::cpu::CpuBackend;
use crate::engine::compute::gpu::{self, GpuBackend};
use crate::engine::compute::{Backend, ComputeError, Limits, MemoryKind};
use crate::model::Model;
use crate::run::plan::{Budgets, Contents, PlanError, RunPlan};
use std::time::{Duration, Instant};

/// Device of a run.
pub(super) struct Device {
    backend: Box<dyn Backend>,
    /// Function that opens a GPU once more; `None` for the CPU.
    opener: Option<Opener>,
}

/// Function that opens a GPU.
type Opener = Box<dyn Fn() -> Result<Box<dyn Backend>, ComputeError> + Send>;

/// Memory of the CPU's buffers that a run aims at: slabs that stay near the caches.
pub(crate) const CPU_BYTES: u64 = 384 << 20;

/// Chooses the device that the configuration asks for: `auto` takes a hardware GPU where `work`, if
/// it is known, is worth its start, else the CPU; `gpu` takes any adapter, and the CPU with a
/// warning where there is none.
///
/// # Errors
/// Where an adapter is named that is not there or cannot be opened: who names one measures it, and
/// nothing else by mistake.
pub(super) fn choose(
    compute: &Compute,
    work: Option<Work>,
    watcher: &mut dyn Watcher,
) -> Result<Device, ComputeError> {
    let adapter = compute.adapter.as_ref().map(ToString::to_string);
    let wanted = match (compute.backend, &adapter) {
        (BackendChoice::Cpu, _) => return Ok(Device::cpu()),
        (BackendChoice::Auto, None) => {
            if let Some(work) = work {
                let mut cache = Cache::of_user();
                return Ok(Device::worth_its_start(&work, &mut cache, watcher));
            }
            false
        }
        (BackendChoice::Gpu, _) | (BackendChoice::Auto, Some(_)) => true,
    };
    match GpuBackend::open(adapter.as_deref(), wanted) {
        Ok(backend) => Ok(Device::gpu(backend, adapter, wanted)),
        Err(error) if adapter.is_some() => Err(error),
        Err(error) => {
            let mut device = Device::cpu();
            if wanted {
                device.fall_back(&error.to_string(), watcher);
            } else {
                watcher.note(&format!("using the CPU: {error}"));
            }
            Ok(device)
        }
    }
}

/// Fails where an adapter is named that is not there: best known before anything is read.
pub(super) fn find_named(compute: &Compute) -> Result<(), ComputeError> {
    match &compute.adapter {
        Some(adapter) if compute.backend != BackendChoice::Cpu => {
            gpu::pick(&gpu::adapters(), Some(&adapter.to_string()), true).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// Fails where the GPU that is asked for is not there.
pub(super) fn find_wanted(compute: &Compute) -> Result<(), ComputeError> {
    match (compute.backend, &compute.adapter) {
        (BackendChoice::Gpu, None) => gpu::pick(&gpu::adapters(), None, true).map(|_| ()),
        _ => find_named(compute),
    }
}

/// Refuses a run that fits no device, before its volume is read: of that a plan needs to know
/// hardly more than its size. What a device lacks shows later, when it is chosen.
pub(super) fn can_have_room(
    config: &Config,
    options: &Options,
    model: &Model,
    budgets: &Budgets,
) -> Result<(), PlanError> {
    let contents = Contents {
        cells: 1,
        sheets: 1,
    };
    let tiles = options.tiles.unwrap_or([1; 2]);
    let plan = |limits: &Limits, deepest: usize| {
        let deepest = options.deepest_slab.unwrap_or(usize::MAX).min(deepest);
        RunPlan::new(model, contents, limits, deepest, tiles)
    };
    let cpu = CpuBackend::new(CPU_BYTES);
    let on_cpu = plan(&budgets.within(cpu.limits()), cpu.deepest_slab());
    let Err(refused) = on_cpu else { return Ok(()) };
    // One that has all that a device can have, so that only the host's memory counts.
    let any_gpu = Limits {
        binding_bytes: u64::MAX,
        buffer_bytes: u64::MAX,
        wanted_bytes: u64::MAX,
        total_bytes: u64::MAX,
        workgroup_bytes: u32::MAX,
        residence: MemoryKind::Discrete,
        host_bytes: budgets.host_memory(),
    };
    match config.compute.backend {
        BackendChoice::Cpu => Err(refused),
        _ => plan(&any_gpu, usize::MAX).map(|_| ()).map_err(|_| refused),
    }
}

impl Device {
    /// The CPU.
    pub(super) fn cpu() -> Self {
        Self::of(CpuBackend::new(CPU_BYTES))
    }

    /// One that is never opened again.
    pub(super) fn of(backend: impl Backend + 'static) -> Self {
        Self {
            backend: Box::new(backend),
            opener: None,
        }
    }

    /// Takes the adapter that was opened; the same request finds it again.
    fn gpu(backend: GpuBackend, adapter: Option<String>, allow_software: bool) -> Self {
        let open = move || -> Result<Box<dyn Backend>, ComputeError> {
            let gpu = GpuBackend::open(adapter.as_deref(), allow_software)?;
            Ok(Box::new(gpu))
        };
        Self {
            backend: Box::new(backend),
            opener: Some(Box::new(open)),
        }
    }

    /// Takes a GPU of a test's own.
    #[cfg(test)]
    pub(super) fn opened_by(opener: Opener) -> Result<Self, ComputeError> {
        Ok(Self {
            backend: opener()?,
            opener: Some(opener),
        })
    }

    /// Takes the faster one of hardware GPU and CPU for this work.
    fn worth_its_start(work: &Work, cache: &mut Cache, watcher: &mut dyn Watcher) -> Self {
        if let Some(decision) = crossover::without_a_driver(work, cache) {
            watcher.note(&decision.why);
            return Self::cpu();
        }
        let start = Instant::now();
        match GpuBackend::open(None, false) {
            Ok(gpu) => Self::faster(gpu, start.elapsed(), work, cache, watcher),
            Err(error) => {
                watcher.note(&format!("using the CPU: {error}"));
                Self::cpu()
            }
        }
    }

    /// Takes this GPU or the CPU. A GPU that was never seen before is measured.
    fn faster(
        mut gpu: GpuBackend,
        opened: Duration,
        work: &Work,
        cache: &mut Cache,
        watcher: &mut dyn Watcher,
    ) -> Self {
        let adapter = format!("{}, {}", gpu.name(), gpu.driver());
        if cache.of(&adapter).is_none() {
            watcher.note(&format!("measuring {adapter}, once"));
            let mut cpu = CpuBackend::new(CPU_BYTES);
            let measured = crossover::measure(&adapter, &mut gpu, opened, &mut cpu);
            gpu.reset_times();
            match measured {
                Ok(measured) => cache.keep(measured),
                Err(error) => {
                    // The run reports the error if it meets it too.
                    watcher.note(&format!(
                        "using {adapter}, which could not be measured: {error}"
                    ));
                    return Self::gpu(gpu, None, false);
                }
            }
        }
        let decision = cache.of(&adapter).map(|measured| measured.decide(work));
        let Some(decision) = decision else {
            return Self::gpu(gpu, None, false);
        };
        watcher.note(&decision.why);
        if decision.gpu {
            Self::gpu(gpu, None, false)
        } else {
            Self::cpu()
        }
    }

    /// Takes a CPU of a test's own.
    #[cfg(test)]
    pub(super) fn without_opener(backend: Box<dyn Backend>) -> Self {
        Self {
            backend,
            opener: None,
        }
    }

    pub(super) fn backend(&mut self) -> &mut dyn Backend {
        self.backend.as_mut()
    }

    pub(super) fn is_gpu(&self) -> bool {
        self.opener.is_some()
    }

    /// Opens a GPU anew, after its memory is given back. The CPU has nothing to reopen.
    ///
    /// # Errors
    /// The GPU does not come back.
    pub(super) fn reopen(&mut self) -> Result<(), ComputeError> {
        if let Some(opener) = &self.opener {
            self.backend = Box::new(CpuBackend::new(0));
            self.backend = opener()?;
        }
        Ok(())
    }

    /// Goes on with the CPU, and says why.
    pub(super) fn fall_back(&mut self, reason: &str, watcher: &mut dyn Watcher) {
        watcher.warn(&format!("no GPU is used, the CPU does the work: {reason}"));
        *self = Self::cpu();
    }
}
