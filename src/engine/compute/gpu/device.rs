//! An opened adapter: buffers, submissions and what came back.

use super::encode::{InFlight, params_buffer};
use super::pipelines::Pipelines;
use super::slot::Slot;
use super::{POISON, adapters};
use crate::engine::compute::spare::Spare;
use crate::engine::compute::traffic::KernelStats;
use crate::engine::compute::{
    Backend, BufferSpec, ComputeError, Kernel, KernelTime, Limits, Recording, Ticket,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Bytes of parameter blocks that most submissions do with.
const FEW_PARAMS: u64 = 1 << 16;

/// The wgpu backend, as far as wgpu keeps its word: [`super::GpuBackend`] is for when it does not.
pub(super) struct Gpu {
    pub(super) name: String,
    pub(super) driver: String,
    pub(super) limits: Limits,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) pipelines: Pipelines,
    pub(super) buffers: Vec<wgpu::Buffer>,
    /// Parameter blocks of the dispatches of a submission.
    pub(super) params: wgpu::Buffer,
    pub(super) in_flight: HashMap<u64, InFlight>,
    /// Those that wait for a submission.
    pub(super) slots: Vec<Slot>,
    /// Host memory for reads.
    pub(super) spare: Spare,
    pub(super) submissions: u64,
    pub(super) account: KernelStats,
    pub(super) failure: Arc<Mutex<Option<String>>>,
    pub(super) lost: Arc<Mutex<Option<String>>>,
}

impl Gpu {
    /// See [`super::GpuBackend::open`].
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
            params: params_buffer(&device, FEW_PARAMS),
            device,
            queue,
            buffers: Vec::new(),
            in_flight: HashMap::new(),
            slots: Vec::new(),
            spare: Spare::default(),
            submissions: 0,
            account: KernelStats::default(),
            failure,
            lost,
        })
    }

    /// See [`super::GpuBackend::alter_shader`].
    pub fn alter_shader(&mut self, kernel: &'static Kernel, source: &'static str) {
        self.pipelines.alter(kernel, source);
    }

    /// The driver's name and version.
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// See [`super::GpuBackend::allocated_bytes`].
    pub fn allocated_bytes(&self) -> (u64, u64) {
        let buffers = self.buffers.iter().map(wgpu::Buffer::size).sum();
        let in_use = self.in_flight.values().map(|in_flight| &in_flight.slot);
        let reads = self.slots.iter().chain(in_use).map(Slot::bytes).max();
        (buffers, reads.unwrap_or(0))
    }

    pub(super) fn check(&self) -> Result<(), ComputeError> {
        self.check_lost()?;
        let failed = self.failure.lock().ok().and_then(|mut slot| slot.take());
        failed.map_or(Ok(()), |reason| Err(self.device_error(reason)))
    }

    /// Whatever a lost device is asked fails for other reasons too: this comes first.
    pub(super) fn check_lost(&self) -> Result<(), ComputeError> {
        let lost = self.lost.lock().ok().and_then(|slot| slot.clone());
        lost.map_or(Ok(()), |reason| {
            Err(ComputeError::Lost {
                device: self.name.clone(),
                reason,
            })
        })
    }

    pub(super) fn device_error(&self, reason: String) -> ComputeError {
        ComputeError::Device {
            device: self.name.clone(),
            reason,
        }
    }

    /// Runs `work` in error scopes: a refusal comes back as an error that names the bytes asked
    /// for.
    pub(super) fn guarded<T>(
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

impl Backend for Gpu {
    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn allocate(&mut self, specs: &[BufferSpec], poison: bool) -> Result<(), ComputeError> {
        self.buffers.clear();
        self.pipelines.unbind();
        self.in_flight.clear();
        self.slots.clear();
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
        self.in_flight.insert(self.submissions, in_flight);
        Ok(Ticket(self.submissions))
    }

    fn wait(&mut self, ticket: Ticket) -> Result<Vec<Vec<u32>>, ComputeError> {
        let Some(in_flight) = self.in_flight.remove(&ticket.0) else {
            return Ok(Vec::new());
        };
        let InFlight {
            submission,
            slot,
            reads,
            timed,
        } = in_flight;
        let polled = self.device.poll(wgpu::PollType::Wait {
            submission_index: Some(submission),
            timeout: None,
        });
        self.check_lost()?;
        polled.map_err(|error| self.device_error(error.to_string()))?;
        self.check()?;
        let mut stamps = [vec![0u64; 2 * timed.len()]];
        self.mapped(slot.timer.as_ref().map(|timer| &timer.stamps), &mut stamps)?;
        let period = f64::from(self.queue.get_timestamp_period());
        for (kernel, stamps) in std::iter::zip(timed, stamps[0].chunks_exact(2)) {
            let ticks = stamps[1].saturating_sub(stamps[0]);
            let time = Duration::from_nanos((ticks as f64 * period) as u64);
            self.account.time(kernel, time);
        }
        let mut reads: Vec<Vec<u32>> = (reads.into_iter())
            .map(|words| self.spare.words(words))
            .collect();
        self.mapped(slot.reads.as_ref(), &mut reads)?;
        self.slots.push(slot);
        Ok(reads)
    }

    fn recycle(&mut self, reads: Vec<Vec<u32>>) {
        self.spare.replace(reads);
    }

    fn kernel_times(&mut self) -> Vec<KernelTime> {
        self.account.kernels()
    }

    fn reset_times(&mut self) {
        self.account = KernelStats::default();
    }
}
