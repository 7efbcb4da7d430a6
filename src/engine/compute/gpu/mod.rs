//! Runs recordings through wgpu: Vulkan, Metal or DX12.

mod adapters;
mod boundary;
mod device;
mod encode;
mod memory;
mod pipelines;
pub mod shader;
mod slot;

pub use adapters::{AdapterSummary, adapters, hardware, pick};

use super::{Backend, BufferSpec, ComputeError, Kernel, KernelTime, Limits, Recording, Ticket};
use boundary::caught;
use device::Gpu;

/// What buffers are filled with where a test asks for poison: an unlikely count and a NaN.
pub const POISON: u32 = 0xFFC0_DEAD;

/// The wgpu backend. Submissions run behind the host until they are waited for.
///
/// A device may vanish at any moment: that is [`ComputeError::Lost`], after which it is not touched
/// again, not even to be given back.
pub struct GpuBackend {
    name: String,
    driver: String,
    limits: Limits,
    /// None once it is gone.
    gpu: Option<Gpu>,
    /// Why it is gone.
    reason: String,
}

impl GpuBackend {
    /// Opens the adapter that `wanted` names (a part of its name, or its index in
    /// `simexm-gpu devices`), or else the first hardware adapter. A software adapter is taken
    /// only when it is named, or with `allow_software`.
    ///
    /// # Errors
    /// [`ComputeError::NoAdapter`] with the reason, [`ComputeError::Open`].
    pub fn open(wanted: Option<&str>, allow_software: bool) -> Result<Self, ComputeError> {
        let opened = caught(|| Gpu::open(wanted, allow_software));
        let gpu = opened.unwrap_or_else(|reason| {
            let adapter = wanted.map_or_else(|| "the GPU".to_owned(), |name| format!("GPU {name}"));
            Err(ComputeError::Open { adapter, reason })
        })?;
        Ok(Self {
            name: gpu.name().to_owned(),
            driver: gpu.driver().to_owned(),
            limits: gpu.limits().clone(),
            gpu: Some(gpu),
            reason: String::new(),
        })
    }

    /// For tests of what is to notice a wrong shader: compiles other WGSL in place of a kernel's
    /// own file.
    #[doc(hidden)]
    pub fn alter_shader(&mut self, kernel: &'static Kernel, source: &'static str) {
        if let Some(gpu) = &mut self.gpu {
            gpu.alter_shader(kernel, source);
        }
    }

    /// The driver's name and version.
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// Bytes of all buffers that were allocated, and of the largest of those for what submissions
    /// read back: what a plan foresees.
    pub fn allocated_bytes(&self) -> (u64, u64) {
        self.gpu.as_ref().map_or((0, 0), Gpu::allocated_bytes)
    }

    /// Calls the device, unless it is gone; a panic means that it is.
    fn call<T>(
        &mut self,
        work: impl FnOnce(&mut Gpu) -> Result<T, ComputeError>,
    ) -> Result<T, ComputeError> {
        if let Some(gpu) = &mut self.gpu {
            match caught(|| work(gpu)) {
                Ok(result) => return result,
                Err(reason) => {
                    self.reason = reason;
                    // To give back what the driver has given up could end the process.
                    std::mem::forget(self.gpu.take());
                }
            }
        }
        Err(ComputeError::Lost {
            device: self.name.clone(),
            reason: self.reason.clone(),
        })
    }
}

impl Drop for GpuBackend {
    fn drop(&mut self) {
        let gpu = self.gpu.take();
        // Nothing can be reported from here, and nobody uses the device any more.
        let _ = caught(|| drop(gpu));
    }
}

/// Name and limits of the adapter that [`GpuBackend::open`] would take, without opening it.
///
/// # Errors
/// [`ComputeError::NoAdapter`].
pub fn limits_of(
    wanted: Option<&str>,
    allow_software: bool,
) -> Result<(String, Limits), ComputeError> {
    let look = || {
        let (adapter, summary) = adapters::choose(wanted, allow_software)?;
        let limits = summary.limits(&adapter, &adapter.limits());
        Ok((summary.to_string(), limits))
    };
    caught(look).unwrap_or_else(|reason| Err(ComputeError::NoAdapter(reason)))
}

impl Backend for GpuBackend {
    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn allocate(&mut self, specs: &[BufferSpec], poison: bool) -> Result<(), ComputeError> {
        self.call(|gpu| gpu.allocate(specs, poison))
    }

    fn submit(&mut self, recording: Recording) -> Result<Ticket, ComputeError> {
        self.call(|gpu| gpu.submit(recording))
    }

    fn wait(&mut self, ticket: Ticket) -> Result<Vec<Vec<u32>>, ComputeError> {
        self.call(|gpu| gpu.wait(ticket))
    }

    fn recycle(&mut self, reads: Vec<Vec<u32>>) {
        if let Some(gpu) = &mut self.gpu {
            gpu.recycle(reads);
        }
    }

    fn kernel_times(&mut self) -> Vec<KernelTime> {
        let gpu = self.gpu.as_mut();
        gpu.map_or_else(Vec::new, Gpu::kernel_times)
    }

    fn reset_times(&mut self) {
        if let Some(gpu) = &mut self.gpu {
            gpu.reset_times();
        }
    }
}
