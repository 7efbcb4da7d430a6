//! Devices: the CPU, and the adapters that compute shaders run on.
//!
//! A run chooses its device as its configuration says ([`crate::config::Compute`]). Here they are
//! listed, and opened for a [`Convolution`](crate::convolution::Convolution).

use crate::engine::compute::cpu::CpuBackend;
use crate::engine::compute::gpu::GpuBackend;
use crate::engine::compute::{Backend, ComputeError};
use crate::run::simulation::CPU_BYTES;

#[doc(hidden)]
pub use crate::base::host::threads;
pub use crate::engine::compute::gpu::{AdapterSummary, adapters};

/// A device that is open: the CPU, or an adapter.
pub struct Device {
    pub(super) backend: Box<dyn Backend>,
}

impl Device {
    /// The CPU: the threads of the current rayon pool.
    #[must_use]
    pub fn cpu() -> Self {
        Self {
            backend: Box::new(CpuBackend::new(CPU_BYTES)),
        }
    }

    /// Opens the adapter that `wanted` names, by a part of its name or its index among
    /// [`adapters`], or else the first hardware adapter. A software adapter is taken only when it
    /// is named, or with `allow_software`.
    ///
    /// # Errors
    /// No adapter fits ([`ComputeError::NoAdapter`], with those that there are), or its driver
    /// refuses ([`ComputeError::Open`]).
    pub fn gpu(wanted: Option<&str>, allow_software: bool) -> Result<Self, ComputeError> {
        let backend = GpuBackend::open(wanted, allow_software)?;
        Ok(Self {
            backend: Box::new(backend),
        })
    }

    /// Its name for people: "CPU, 2 threads", or the adapter's name with its interface and kind.
    #[must_use]
    pub fn name(&self) -> &str {
        self.backend.name()
    }
}
