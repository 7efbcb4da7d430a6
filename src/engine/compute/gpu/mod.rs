//! Runs recordings through wgpu: Vulkan, Metal or DX12.

mod adapters;
mod encode;
mod memory;
mod pipelines;
pub mod shader;

pub use adapters::{AdapterSummary, adapters, pick};

use super::{Backend, BufferSpec, ComputeError, Kernel, KernelTime, Limits, Recording, Ticket};
use crate::engine::compute::traffic::Account;
use encode::InFlight;
use pipelines::Pipelines;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What buffers are filled with where a test asks for poison: an unlikely count and a NaN.
pub const POISON: u32 = 0xFFC0_DEAD;

/// The wgpu backend. Submissions run behind the host until they are waited for.
pub struct GpuBackend {
    name: String,
    driver: String,
    limits: Limits,
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipelines: Pipelines,
    buffers: Vec<wgpu::Buffer>,
    in_flight: HashMap<u64, InFlight>,
    submissions: u64,
    most_read_bytes: u64,
    account: Account,
    failure: Arc<Mutex<Option<String>>>,
    lost: Arc<Mutex<Option<String>>>,
}

impl GpuBackend {
    /// Opens the adapter that `wanted` names (a part of its name, or its index in
    /// `simexm-gpu devices`), or else the first hardware adapter. A software adapter is taken
    /// only when it is named, or with `allow_software`.
    ///
    /// # Errors
    /// [`ComputeError::NoAdapter`] with the reason, [`ComputeError::Open`].
    pub fn open(wanted: Option<&str>, allow_software: bool) -> Result<Self, ComputeError> {
        let (adapter, summary) = adapters::choose(wanted, allow_software)?;
        let timestamps = wgpu::Features::TIMESTAMP_QUERY;
        let open_error = |reason: String| ComputeError::Open {
            adapter: summary.name.clone(),
            reason,
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("simexm-gpu"),
            required_features: adapter.features() & timestamps,
            required_limits: adapter.limits(),
            ..Default::default()
        }))
        .map_err(|error| open_error(error.to_string()))?;
        // Without handlers wgpu panics; here the message waits for the next call that can fail.
        let failure = Arc::new(Mutex::new(None));
        let note = |failure: &Arc<Mutex<Option<String>>>| {
            let failure = Arc::clone(failure);
            move |message: String| {
                if let Ok(mut slot) = failure.lock() {
                    slot.get_or_insert(message);
                }
            }
        };
        let uncaptured = note(&failure);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            uncaptured(error.to_string());
        }));
        let lost = Arc::new(Mutex::new(None));
        let gone = note(&lost);
        device.set_device_lost_callback(move |reason, message| {
            gone(format!("{message} ({reason:?})"));
        });
        Ok(Self {
            name: summary.to_string(),
            driver: summary.driver.clone(),
            limits: summary.limits(&adapter, &device.limits()),
            pipelines: Pipelines::default(),
            device,
            queue,
            buffers: Vec::new(),
            in_flight: HashMap::new(),
            submissions: 0,
            most_read_bytes: 0,
            account: Account::default(),
            failure,
            lost,
        })
    }

    /// For tests of what is to notice a wrong shader: compiles other WGSL in place of a kernel's own file.
    #[doc(hidden)]
    pub fn alter_shader(&mut self, kernel: &'static Kernel, source: &'static str) {
        self.pipelines.alter(kernel, source);
    }

    /// The driver's name and version.
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// Bytes of all buffers that were allocated, and the most that a submission has read back since then: what a
    /// plan foresees.
    pub fn allocated_bytes(&self) -> (u64, u64) {
        let buffers = self.buffers.iter().map(wgpu::Buffer::size).sum();
        (buffers, self.most_read_bytes)
    }

    fn check(&self) -> Result<(), ComputeError> {
        self.check_lost()?;
        let failed = self.failure.lock().ok().and_then(|mut slot| slot.take());
        failed.map_or(Ok(()), |reason| Err(self.device_error(reason)))
    }

    /// Whatever a lost device is asked fails for other reasons too: this comes first.
    fn check_lost(&self) -> Result<(), ComputeError> {
        let lost = self.lost.lock().ok().and_then(|slot| slot.clone());
        lost.map_or(Ok(()), |reason| {
            Err(ComputeError::Lost {
                device: self.name.clone(),
                reason,
            })
        })
    }

    fn device_error(&self, reason: String) -> ComputeError {
        ComputeError::Device {
            device: self.name.clone(),
            reason,
        }
    }

    /// Runs `work` in error scopes: a refusal comes back as an error that names the bytes asked for.
    fn guarded<T>(
        &mut self,
        bytes: u64,
        work: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, ComputeError> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let result = work(self);
        let internal = pollster::block_on(internal.pop());
        let validation = pollster::block_on(validation.pop());
        let memory = pollster::block_on(memory.pop());
        self.check_lost()?;
        if let Some(error) = memory {
            return Err(ComputeError::OutOfMemory {
                device: self.name.clone(),
                bytes,
                reason: error.to_string(),
            });
        }
        if let Some(error) = validation.or(internal) {
            return Err(self.device_error(error.to_string()));
        }
        self.check()?;
        Ok(result)
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
    let (adapter, summary) = adapters::choose(wanted, allow_software)?;
    let limits = summary.limits(&adapter, &adapter.limits());
    Ok((summary.to_string(), limits))
}

impl Backend for GpuBackend {
    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn allocate(&mut self, specs: &[BufferSpec], poison: bool) -> Result<(), ComputeError> {
        self.buffers.clear();
        self.in_flight.clear();
        self.most_read_bytes = 0;
        let bytes = specs.iter().map(BufferSpec::bytes).sum();
        self.guarded(bytes, |gpu| {
            for spec in specs {
                let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some(&spec.name),
                    size: spec.bytes(),
                    usage: wgpu::BufferUsages::STORAGE
                        | wgpu::BufferUsages::COPY_DST
                        | wgpu::BufferUsages::COPY_SRC,
                    mapped_at_creation: false,
                });
                if poison {
                    let words = vec![POISON; spec.words];
                    gpu.queue
                        .write_buffer(&buffer, 0, bytemuck::cast_slice(&words));
                }
                gpu.buffers.push(buffer);
            }
        })
    }

    fn submit(&mut self, recording: Recording) -> Result<Ticket, ComputeError> {
        let bytes = self.buffers.iter().map(wgpu::Buffer::size).sum();
        let in_flight = self.guarded(bytes, |gpu| gpu.encode(recording))?;
        self.submissions += 1;
        let read = in_flight.reads.as_ref().map_or(0, encode::Staging::bytes);
        self.most_read_bytes = self.most_read_bytes.max(read);
        self.in_flight.insert(self.submissions, in_flight);
        Ok(Ticket(self.submissions))
    }

    fn wait(&mut self, ticket: Ticket) -> Result<Vec<Vec<u32>>, ComputeError> {
        let Some(in_flight) = self.in_flight.remove(&ticket.0) else {
            return Ok(Vec::new());
        };
        let InFlight {
            submission,
            reads,
            timing,
        } = in_flight;
        let polled = self.device.poll(wgpu::PollType::Wait {
            submission_index: Some(submission),
            timeout: None,
        });
        self.check_lost()?;
        polled.map_err(|error| self.device_error(error.to_string()))?;
        self.check()?;
        if let Some((staging, kernels)) = timing {
            let words = self.mapped(&staging)?.concat();
            let stamps: Vec<u64> = bytemuck::pod_collect_to_vec(&words);
            let period = f64::from(self.queue.get_timestamp_period());
            for (kernel, stamps) in std::iter::zip(kernels, stamps.chunks_exact(2)) {
                let ticks = stamps[1].saturating_sub(stamps[0]);
                let time = Duration::from_nanos((ticks as f64 * period) as u64);
                self.account.time(kernel, time);
            }
        }
        reads.map_or(Ok(Vec::new()), |staging| self.mapped(&staging))
    }

    fn kernel_times(&mut self) -> Vec<KernelTime> {
        self.account.kernels()
    }

    fn reset_times(&mut self) {
        self.account = Account::default();
    }
}
