//! Which device a run uses, and what happens when it cannot be had.

use super::Watcher;
use crate::compute::Backend;
use crate::compute::cpu::CpuBackend;
use crate::compute::gpu::GpuBackend;
use crate::config::{BackendChoice, Compute};

/// The device of a run.
pub(super) struct Device {
    backend: Box<dyn Backend>,
    gpu: bool,
}

/// Memory of the CPU's buffers that a run aims at: slabs that stay near the caches.
pub(crate) const CPU_BYTES: u64 = 384 << 20;

/// The device that the configuration asks for: `auto` takes a hardware GPU, else the CPU; `gpu` any
/// adapter, and the CPU with a warning where there is none.
pub(super) fn choose(compute: &Compute, watcher: &mut dyn Watcher) -> Device {
    let adapter = compute.adapter.as_ref().map(ToString::to_string);
    let wanted = match (compute.backend, &adapter) {
        (BackendChoice::Cpu, _) => return Device::cpu(),
        (BackendChoice::Auto, None) => false,
        (BackendChoice::Gpu, _) | (BackendChoice::Auto, Some(_)) => true,
    };
    match GpuBackend::open(adapter.as_deref(), wanted) {
        Ok(backend) => Device {
            backend: Box::new(backend),
            gpu: true,
        },
        Err(error) => {
            let mut device = Device::cpu();
            if wanted {
                device.fall_back(&error.to_string(), watcher);
            } else {
                watcher.note(&format!("using the CPU: {error}"));
            }
            device
        }
    }
}

impl Device {
    fn cpu() -> Self {
        Self {
            backend: Box::new(CpuBackend::new(CPU_BYTES)),
            gpu: false,
        }
    }

    pub(super) fn backend(&mut self) -> &mut dyn Backend {
        self.backend.as_mut()
    }

    pub(super) fn is_gpu(&self) -> bool {
        self.gpu
    }

    /// Goes on with the CPU, and says why.
    pub(super) fn fall_back(&mut self, reason: &str, watcher: &mut dyn Watcher) {
        watcher.warn(&format!("no GPU is used, the CPU does the work: {reason}"));
        *self = Self::cpu();
    }
}
