//! From a recording to wgpu's commands.

use super::device::Gpu;
use super::slot::{Slot, stamp_bytes};
use crate::engine::compute::{Buffer, Command, ComputeError, Extent, Kernel, Recording, Variant};
use std::sync::Arc;

/// What a submission leaves behind until it is waited for.
pub(super) struct InFlight {
    pub(super) submission: wgpu::SubmissionIndex,
    pub(super) slot: Slot,
    /// Words of each read; they follow one another in the slot.
    pub(super) reads: Vec<usize>,
    /// Kernels of the passes that were timed.
    pub(super) timed: Vec<&'static str>,
}

/// A dispatch of a kernel that is known.
struct Dispatch {
    buffers: Vec<Buffer>,
    params_at: u32,
    workgroups: [u32; 3],
}

impl Gpu {
    /// Brings the parameter blocks of all dispatches to the device, and tells where each one
    /// starts. One buffer serves all submissions: the queue writes to it when those before are done
    /// with it.
    fn upload_params(&mut self, commands: &[Command]) -> Vec<u32> {
        let alignment = self.device.limits().min_uniform_buffer_offset_alignment as usize;
        let mut bytes = Vec::new();
        let mut offsets = Vec::new();
        for command in commands {
            if let Command::Dispatch { params, .. } = command {
                bytes.resize(bytes.len().next_multiple_of(alignment), 0);
                offsets.push(bytes.len() as u32);
                bytes.extend_from_slice(params);
            }
        }
        let needed = bytes.len() as u64;
        if self.params.size() < needed {
            self.pipelines.unbind();
            self.params = params_buffer(&self.device, needed.next_power_of_two());
        }
        self.queue.write_buffer(&self.params, 0, &bytes);
        offsets
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
        let read_bytes = 4 * reads.iter().sum::<usize>() as u64;
        let free = self.slots.pop();
        let mut slot = free.unwrap_or_else(|| Slot::new(&self.device));
        slot.reserve(&self.device, read_bytes);
        let mut params = self.upload_params(&recording.commands).into_iter();
        let (mut read_at, mut recorded) = (0, false);
        let (mut pass, mut timed) = (Vec::new(), Vec::new());
        let mut encoder = self.encoder();
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
                    continue;
                }
                Command::Clear { buffer, words } => {
                    encoder.clear_buffer(
                        &self.buffers[buffer.0],
                        words.start as u64 * 4,
                        Some(words.len() as u64 * 4),
                    );
                }
                Command::Copy { from, to, words } => {
                    let (from, to) = (&self.buffers[from.0], &self.buffers[to.0]);
                    encoder.copy_buffer_to_buffer(from, 0, to, 0, words as u64 * 4);
                }
                Command::Read { buffer, words } => {
                    if let Some(staging) = &slot.reads {
                        let bytes = words.len() as u64 * 4;
                        encoder.copy_buffer_to_buffer(
                            &self.buffers[buffer.0],
                            words.start as u64 * 4,
                            staging,
                            read_at,
                            bytes,
                        );
                        read_at += bytes;
                    }
                }
                Command::Dispatch {
                    kernel,
                    variant,
                    params: block,
                    buffers,
                    workgroups,
                } => {
                    self.count(kernel, &block, &buffers);
                    pass.extend(params.next().map(|params_at| Dispatch {
                        buffers,
                        params_at,
                        workgroups,
                    }));
                    let goes_on = matches!(commands.peek(),
                        Some(Command::Dispatch { kernel: next, variant: v, .. })
                            if std::ptr::eq(*next, kernel) && *v == variant);
                    if goes_on {
                        continue;
                    }
                    let timer = slot.timer.as_ref();
                    let writes = timer.and_then(|timer| timer.writes(timed.len()));
                    timed.extend(writes.as_ref().map(|_| kernel.name));
                    self.run_pass(&mut encoder, kernel, variant.as_ref(), writes, &mut pass);
                }
            }
            recorded = true;
        }
        if let Some(timer) = &slot.timer {
            timer.resolve(&mut encoder, timed.len());
        }
        let submission = self.queue.submit([encoder.finish()]);
        self.map(slot.reads.as_ref(), read_bytes);
        self.map(
            slot.timer.as_ref().map(|timer| &timer.stamps),
            stamp_bytes(timed.len()),
        );
        InFlight {
            submission,
            slot,
            reads,
            timed,
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

    /// Encodes dispatches of a kernel as one pass.
    fn run_pass(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        kernel: &'static Kernel,
        variant: Option<&Variant>,
        timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
        dispatches: &mut Vec<Dispatch>,
    ) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some(kernel.name),
            timestamp_writes,
        });
        let pipeline = self.pipelines.get(&self.device, kernel, variant);
        pass.set_pipeline(&pipeline.compute);
        for dispatch in dispatches.drain(..) {
            let params = (&self.params, kernel.params.size);
            let group = pipeline.group(&self.device, params, &self.buffers, dispatch.buffers);
            pass.set_bind_group(0, group, &[dispatch.params_at]);
            let [x, y, z] = dispatch.workgroups;
            pass.dispatch_workgroups(x, y, z);
        }
    }

    /// Lets the host read the first bytes of a buffer once the device is done with it.
    fn map(&self, buffer: Option<&wgpu::Buffer>, bytes: u64) {
        let Some(buffer) = buffer.filter(|_| bytes > 0) else {
            return;
        };
        let failure = Arc::clone(&self.failure);
        buffer.map_async(wgpu::MapMode::Read, ..bytes, move |mapped| {
            if let (Err(error), Ok(mut slot)) = (mapped, failure.lock()) {
                slot.get_or_insert(format!("reading back failed: {error}"));
            }
        });
    }

    /// Fills the parts one after the other from a buffer that was mapped, which the device gets
    /// back.
    pub(super) fn mapped<T: bytemuck::Pod>(
        &self,
        buffer: Option<&wgpu::Buffer>,
        parts: &mut [Vec<T>],
    ) -> Result<(), ComputeError> {
        let bytes: u64 = parts.iter().map(|part| size_of_val(&part[..]) as u64).sum();
        let Some(buffer) = buffer.filter(|_| bytes > 0) else {
            return Ok(());
        };
        let view = buffer.get_mapped_range(..bytes);
        let view = view.map_err(|error| self.device_error(error.to_string()))?;
        let mut rest: &[u8] = &view;
        for part in parts {
            let part = bytemuck::cast_slice_mut(part);
            let (from, behind) = rest.split_at(part.len());
            part.copy_from_slice(from);
            rest = behind;
        }
        drop(view);
        buffer.unmap();
        Ok(())
    }
}

/// A buffer for parameter blocks.
pub(super) fn params_buffer(device: &wgpu::Device, bytes: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("parameters"),
        size: bytes,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}
