//! Kernels, recordings of them, and the backends that run recordings.
//!
//! A [`Kernel`] says everything about a pass: its WGSL, its parameters, what it binds and how, and
//! its CPU twin. Stages record dispatches of kernels on logical [`Buffer`]s; a [`Backend`] runs
//! the recording, on the CPU or through wgpu. Only `compute::gpu` names wgpu.

pub mod cpu;
mod drive;
mod dry;
pub mod gpu;
mod kernel;
mod params;
mod recording;
mod spare;
mod traffic;

pub use drive::drive;
pub use dry::DryBackend;
pub(crate) use kernel::MOST_WORKGROUPS;
pub use kernel::{
    Access, Agreement, Bound, CpuCall, Generated, Grid, Kernel, Layout, Stage, photon_tolerance,
};
pub use params::{Constant, Field, KernelParams, Parameter, ParamsLayout};
pub(crate) use params::{constants, kernel_params};
pub use recording::{Buffer, BufferSpec, Command, Recording, Variant};
pub use traffic::{Extent, KernelTime, Traffic};

/// Why a device could not do its work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ComputeError {
    /// No adapter fits the request.
    #[error("{0}")]
    NoAdapter(String),
    /// The adapter exists but could not be opened.
    #[error("cannot open {adapter}: {reason}")]
    Open {
        /// Name of the adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// The driver refused memory.
    #[error("{device} is out of memory ({bytes} bytes were asked for): {reason}")]
    OutOfMemory {
        /// The device's name.
        device: String,
        /// Sum of the buffers asked for, in bytes.
        bytes: u64,
        /// What the driver said.
        reason: String,
    },
    /// The driver gave the device up: it was removed, hung, or ran out of memory where it cannot
    /// say so.
    #[error("{device} was lost: {reason}")]
    Lost {
        /// The device's name.
        device: String,
        /// What the driver said.
        reason: String,
    },
    /// The device refused a shader or a dispatch.
    #[error("{device} failed: {reason}")]
    Device {
        /// The device's name.
        device: String,
        /// What the driver said.
        reason: String,
    },
}

/// What a device can hold. The planner works within these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest single buffer a kernel can bind, in bytes.
    pub binding_bytes: u64,
    /// Largest single buffer, in bytes.
    pub buffer_bytes: u64,
    /// Sum of buffers that slabs are made to fit, in bytes: the budget.
    pub wanted_bytes: u64,
    /// Largest sum of buffers, in bytes, where slabs of one slice do not fit the budget.
    pub total_bytes: u64,
    /// Workgroup memory in bytes; it bounds the lines of the Fourier transform.
    pub workgroup_bytes: u32,
    /// Where the buffers lie.
    pub residence: MemoryKind,
    /// Memory of the host that a run may take, in bytes; with the buffers, where they lie there.
    pub host_bytes: u64,
}

/// Where a device's buffers lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryKind {
    /// In memory of the adapter's own.
    Discrete,
    /// In the host's memory, through an adapter that shares it.
    Unified,
    /// In the host's memory: the CPU computes.
    Host,
}

/// A run's work that was handed to a device and not yet waited for.
#[derive(Debug)]
pub struct Ticket(pub(crate) u64);

/// Submissions that are under way together: the host prepares one while the device works on
/// another.
pub const IN_FLIGHT: usize = 2;

/// A device that runs recordings. Buffers are words of 32 bits.
pub trait Backend: Send {
    /// Name for people: "CPU, 2 threads" or the adapter's name with backend and driver.
    fn name(&self) -> &str;

    /// What the device can hold.
    fn limits(&self) -> &Limits;

    /// The deepest slab, in slices, that serves it: more would only need more memory.
    fn deepest_slab(&self) -> usize {
        usize::MAX
    }

    /// How many submissions serve it together: the host prepares one while the device works on
    /// another.
    fn in_flight(&self) -> usize {
        IN_FLIGHT
    }

    /// Replaces all buffers by these; `Buffer(i)` is `specs[i]`. Contents are undefined: `poison`
    /// fills them with a pattern, so that a test sees whoever relies on them.
    ///
    /// # Errors
    /// [`ComputeError::OutOfMemory`] when they do not fit.
    fn allocate(&mut self, specs: &[BufferSpec], poison: bool) -> Result<(), ComputeError>;

    /// Hands the recording to the device.
    ///
    /// # Errors
    /// When the device refuses it.
    fn submit(&mut self, recording: Recording) -> Result<Ticket, ComputeError>;

    /// Waits for a submission and returns what its reads brought, in the order recorded.
    ///
    /// # Errors
    /// When the device failed meanwhile.
    fn wait(&mut self, ticket: Ticket) -> Result<Vec<Vec<u32>>, ComputeError>;

    /// Takes back what [`Backend::wait`] returned, once it has been used, in place of what it was
    /// given before: later reads may go there, where pages fresh from the system would cost more
    /// than what is copied to them.
    fn recycle(&mut self, _reads: Vec<Vec<u32>>) {}

    /// What each kernel did so far, and how long it took where the device can measure it.
    fn kernel_times(&mut self) -> Vec<KernelTime>;

    /// Lets [`Backend::kernel_times`] start from nothing.
    fn reset_times(&mut self);
}
