//! From a recording to wgpu's commands.

use super::GpuBackend;
use crate::engine::compute::{Buffer, Command, ComputeError, Extent, Kernel, Recording};
use std::sync::Arc;

/// What a submission leaves behind until it is waited for.
pub(super) struct InFlight {
    pub(super) submission: wgpu::SubmissionIndex,
    pub(super) reads: Option<Staging>,
    pub(super) timing: Option<(Staging, Vec<&'static str>)>,
}

/// A buffer to be mapped, and the lengths in words of the parts in it.
pub(super) struct Staging {
    buffer: wgpu::Buffer,
    parts: Vec<usize>,
}

/// A run of dispatches of one kernel, timed together.
type Pass = Vec<(wgpu::BindGroup, [u32; 3])>;

impl Staging {
    pub(super) fn bytes(&self) -> u64 {
        self.buffer.size()
    }
}

impl GpuBackend {
    fn staging(&self, label: &str, parts: Vec<usize>) -> Staging {
        let words: usize = parts.iter().sum();
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: words as u64 * 4,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Staging { buffer, parts }
    }

    /// Parameter blocks of all dispatches in one uniform buffer, and where each one starts.
    fn upload_params(&self, commands: &[Command]) -> Option<(wgpu::Buffer, Vec<u64>)> {
        let alignment = self.device.limits().min_uniform_buffer_offset_alignment as usize;
        let mut bytes = Vec::new();
        let mut offsets = Vec::new();
        for command in commands {
            if let Command::Dispatch { params, .. } = command {
                bytes.resize(bytes.len().next_multiple_of(alignment), 0);
                offsets.push(bytes.len() as u64);
                bytes.extend_from_slice(params);
            }
        }
        if offsets.is_empty() {
            return None;
        }
        bytes.resize(bytes.len().next_multiple_of(alignment), 0);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("parameters"),
            size: bytes.len() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.queue.write_buffer(&buffer, 0, &bytes);
        Some((buffer, offsets))
    }

    /// Encodes and submits a recording.
    pub(super) fn encode(&mut self, recording: Recording) -> InFlight {
        let reads: Vec<usize> = recording
            .commands
            .iter()
            .filter_map(|command| match command {
                Command::Read { words, .. } => Some(words.len()),
                _ => None,
            })
            .collect();
        let reads = (!reads.is_empty()).then(|| self.staging("read back", reads));
        let params = self.upload_params(&recording.commands);
        let kernels = kernel_runs(&recording.commands);
        let timer = self.timer(kernels.len());
        let (mut read_at, mut dispatch_index, mut pass_index) = (0u64, 0, 0);
        let mut encoder = self.encoder();
        let mut recorded = false;
        let mut pass: Pass = Vec::new();
        let mut commands = recording.commands.into_iter().peekable();
        while let Some(command) = commands.next() {
            match command {
                Command::Write { buffer, at, data } => {
                    if recorded {
                        // A queue's write comes before everything submitted after it.
                        let full = std::mem::replace(&mut encoder, self.encoder());
                        self.queue.submit([full.finish()]);
                        recorded = false;
                    }
                    let bytes = bytemuck::cast_slice(&data);
                    self.queue
                        .write_buffer(&self.buffers[buffer.0], at as u64 * 4, bytes);
                }
                Command::Clear { buffer, words } => {
                    encoder.clear_buffer(
                        &self.buffers[buffer.0],
                        words.start as u64 * 4,
                        Some(words.len() as u64 * 4),
                    );
                    recorded = true;
                }
                Command::Copy { from, to, words } => {
                    let (from, to) = (&self.buffers[from.0], &self.buffers[to.0]);
                    encoder.copy_buffer_to_buffer(from, 0, to, 0, words as u64 * 4);
                    recorded = true;
                }
                Command::Read { buffer, words } => {
                    if let Some(staging) = &reads {
                        let bytes = words.len() as u64 * 4;
                        encoder.copy_buffer_to_buffer(
                            &self.buffers[buffer.0],
                            words.start as u64 * 4,
                            &staging.buffer,
                            read_at,
                            bytes,
                        );
                        read_at += bytes;
                        recorded = true;
                    }
                }
                Command::Dispatch {
                    kernel,
                    variant,
                    params: block,
                    buffers,
                    workgroups,
                } => {
                    let (pipeline, layout) =
                        self.pipelines.get(&self.device, kernel, variant.as_ref());
                    if let Some((uniform, offsets)) = &params {
                        let offset = offsets[dispatch_index];
                        let group = self.bind(&layout, uniform, offset, block.len(), &buffers);
                        pass.push((group, workgroups));
                    }
                    dispatch_index += 1;
                    self.count(kernel, &block, &buffers);
                    let goes_on = matches!(commands.peek(),
                        Some(Command::Dispatch { kernel: next, variant: v, .. })
                            if std::ptr::eq(*next, kernel) && *v == variant);
                    if !goes_on {
                        let writes =
                            timer
                                .as_ref()
                                .map(|queries| wgpu::ComputePassTimestampWrites {
                                    query_set: queries,
                                    beginning_of_pass_write_index: Some(2 * pass_index),
                                    end_of_pass_write_index: Some(2 * pass_index + 1),
                                });
                        run_pass(&mut encoder, kernel.name, &pipeline, writes, &mut pass);
                        pass_index += 1;
                        recorded = true;
                    }
                }
            }
        }
        let timing = timer.map(|queries| self.resolve(&mut encoder, &queries, kernels));
        let submission = self.queue.submit([encoder.finish()]);
        for staging in reads
            .iter()
            .chain(timing.iter().map(|(staging, _)| staging))
        {
            let failure = Arc::clone(&self.failure);
            staging
                .buffer
                .map_async(wgpu::MapMode::Read, .., move |mapped| {
                    if let (Err(error), Ok(mut slot)) = (mapped, failure.lock()) {
                        slot.get_or_insert(format!("reading back failed: {error}"));
                    }
                });
        }
        InFlight {
            submission,
            reads,
            timing,
        }
    }

    /// Takes a dispatch to account.
    fn count(&mut self, kernel: &Kernel, params: &[u8], buffers: &[Buffer]) {
        let words = |buffer: &Buffer| (self.buffers[buffer.0].size() / 4) as usize;
        let words: Vec<usize> = buffers.iter().map(words).collect();
        let traffic = (kernel.traffic)(Extent::new(params, &words));
        self.account.call(kernel.name, traffic);
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&Default::default())
    }

    fn bind(
        &self,
        layout: &wgpu::BindGroupLayout,
        uniform: &wgpu::Buffer,
        offset: u64,
        size: usize,
        buffers: &[Buffer],
    ) -> wgpu::BindGroup {
        let params = wgpu::BindGroupEntry {
            binding: 0,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: uniform,
                offset,
                size: wgpu::BufferSize::new(size as u64),
            }),
        };
        let storage = (1..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: self.buffers[buffer.0].as_entire_binding(),
            });
        let entries: Vec<_> = std::iter::once(params).chain(storage).collect();
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout,
            entries: &entries,
        })
    }

    /// Two timestamps for each pass, where the device has them and the set can hold them.
    fn timer(&self, passes: usize) -> Option<wgpu::QuerySet> {
        let count = u32::try_from(2 * passes).ok()?;
        let supported = self
            .device
            .features()
            .contains(wgpu::Features::TIMESTAMP_QUERY);
        (supported && count > 0 && count <= wgpu::QUERY_SET_MAX_QUERIES).then(|| {
            self.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("kernel times"),
                ty: wgpu::QueryType::Timestamp,
                count,
            })
        })
    }

    fn resolve(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        queries: &wgpu::QuerySet,
        kernels: Vec<&'static str>,
    ) -> (Staging, Vec<&'static str>) {
        let staging = self.staging("kernel times", vec![4 * kernels.len()]);
        let resolved = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("timestamps"),
            size: staging.buffer.size(),
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        encoder.resolve_query_set(queries, 0..2 * kernels.len() as u32, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &staging.buffer, 0, staging.buffer.size());
        (staging, kernels)
    }

    pub(super) fn mapped(&self, staging: &Staging) -> Result<Vec<Vec<u32>>, ComputeError> {
        let view = staging.buffer.get_mapped_range(..);
        let view = view.map_err(|error| self.device_error(error.to_string()))?;
        let mut bytes: &[u8] = &view;
        let parts = staging.parts.iter().map(|&words| {
            let (part, rest) = bytes.split_at(words * 4);
            bytes = rest;
            bytemuck::pod_collect_to_vec(part)
        });
        Ok(parts.collect())
    }
}

/// Name of the kernel of each run of equal dispatches.
fn kernel_runs(commands: &[Command]) -> Vec<&'static str> {
    let mut runs = Vec::new();
    let mut last = None;
    for command in commands {
        let current = match command {
            Command::Dispatch {
                kernel, variant, ..
            } => Some((kernel.name, variant.as_ref())),
            _ => None,
        };
        if let Some((name, _)) = current
            && current != last
        {
            runs.push(name);
        }
        last = current;
    }
    runs
}

fn run_pass(
    encoder: &mut wgpu::CommandEncoder,
    label: &str,
    pipeline: &wgpu::ComputePipeline,
    timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
    dispatches: &mut Pass,
) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
        label: Some(label),
        timestamp_writes,
    });
    pass.set_pipeline(pipeline);
    for (group, workgroups) in dispatches.drain(..) {
        pass.set_bind_group(0, &group, &[]);
        let [x, y, z] = workgroups;
        pass.dispatch_workgroups(x, y, z);
    }
}
