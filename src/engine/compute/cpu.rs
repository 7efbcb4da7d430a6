//! Runs recordings with the kernels' CPU twins, on the threads of the current rayon pool.

use super::MemoryKind;
use super::{
    Access, Backend, Bound, BufferSpec, Command, ComputeError, CpuCall, Extent, KernelTime, Limits,
    Recording, Ticket, spare::Spare, traffic::KernelStats,
};
use memmap2::MmapMut;
use rayon::prelude::*;
use std::collections::HashMap;
use std::time::Instant;

/// The CPU backend: buffers in host memory, each command done when `submit` returns.
#[derive(Debug)]
pub struct CpuBackend {
    name: String,
    limits: Limits,
    buffers: Vec<Words>,
    results: HashMap<u64, Vec<Vec<u32>>>,
    spare: Spare,
    submissions: u64,
    account: KernelStats,
}

impl CpuBackend {
    /// A backend whose buffers should take `wanted_bytes` together, and take at most what the host
    /// has available.
    pub fn new(wanted_bytes: u64) -> Self {
        let total_bytes = crate::base::host::default_host_bytes().max(wanted_bytes);
        let threads = rayon::current_num_threads();
        let plural = if threads == 1 { "" } else { "s" };
        Self {
            name: format!("CPU, {threads} thread{plural}"),
            limits: Limits {
                binding_bytes: total_bytes,
                buffer_bytes: total_bytes,
                wanted_bytes,
                total_bytes,
                workgroup_bytes: u32::MAX,
                residence: MemoryKind::Host,
                host_bytes: total_bytes,
            },
            buffers: Vec::new(),
            results: HashMap::new(),
            spare: Spare::default(),
            submissions: 0,
            account: KernelStats::default(),
        }
    }

    fn run(&mut self, command: Command<'_>, reads: &mut Vec<Vec<u32>>) {
        match command {
            Command::Write { buffer, at, data } => {
                copy(
                    &data,
                    &mut self.buffers[buffer.0].get_mut()[at..at + data.len()],
                );
            }
            Command::Clear { buffer, words } => self.buffers[buffer.0].get_mut()[words]
                .par_chunks_mut(PIECE)
                .for_each(|piece| piece.fill(0)),
            Command::Copy { from, to, words } => {
                let mut written = std::mem::take(&mut self.buffers[to.0]);
                copy(
                    &self.buffers[from.0].get()[..words],
                    &mut written.get_mut()[..words],
                );
                self.buffers[to.0] = written;
            }
            Command::Read { buffer, words } => {
                let mut read = self.spare.words(words.len());
                copy(&self.buffers[buffer.0].get()[words], &mut read);
                reads.push(read);
            }
            Command::Dispatch {
                kernel,
                params,
                buffers,
                ..
            } => {
                let words: Vec<usize> = buffers
                    .iter()
                    .map(|b| self.buffers[b.0].get().len())
                    .collect();
                let traffic = (kernel.traffic)(Extent::new(&params, &words));
                self.account.call(kernel.name, traffic);
                let start = Instant::now();
                // Written buffers are taken out of the arena for the call, so that they can be
                // borrowed beside the ones that are read.
                let mut written: Vec<(usize, Words)> = std::iter::zip(&buffers, kernel.bindings)
                    .filter(|(_, access)| **access == Access::ReadWrite)
                    .map(|(buffer, _)| (buffer.0, std::mem::take(&mut self.buffers[buffer.0])))
                    .collect();
                let mut writable = written.iter_mut();
                let bound = std::iter::zip(&buffers, kernel.bindings)
                    .filter_map(|(buffer, access)| match access {
                        Access::Read => Some(Bound::Read(self.buffers[buffer.0].get())),
                        Access::ReadWrite => writable
                            .next()
                            .map(|(_, words)| Bound::Write(words.get_mut())),
                    })
                    .collect();
                (kernel.cpu)(&mut CpuCall {
                    params: &params,
                    buffers: bound,
                });
                for (index, words) in written {
                    self.buffers[index] = words;
                }
                self.account.time(kernel.name, start.elapsed());
            }
        }
    }
}

/// A buffer's memory, straight from the system: pages that a run never uses are never resident.
#[derive(Debug, Default)]
struct Words(Option<MmapMut>);

impl Words {
    fn new(spec: &BufferSpec) -> std::io::Result<Self> {
        let bytes = usize::try_from(spec.bytes()).unwrap_or(usize::MAX);
        let memory = MmapMut::map_anon(bytes.max(4))?;
        // Large pages, where the system has them: columns are far apart. It is a hint only.
        #[cfg(target_os = "linux")]
        let _ = memory.advise(memmap2::Advice::HugePage);
        Ok(Self(Some(memory)))
    }

    fn get(&self) -> &[u32] {
        self.0.as_deref().map_or(&[], bytemuck::cast_slice)
    }

    fn get_mut(&mut self) -> &mut [u32] {
        self.0
            .as_deref_mut()
            .map_or(&mut [], bytemuck::cast_slice_mut)
    }
}

/// Words that a thread copies or clears at a time.
const PIECE: usize = 1 << 16;

fn copy(from: &[u32], to: &mut [u32]) {
    let pieces = to.par_chunks_mut(PIECE).zip(from.par_chunks(PIECE));
    pieces.for_each(|(to, from)| to.copy_from_slice(from));
}

impl Backend for CpuBackend {
    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Deep enough to occupy all threads; shallow enough for the buffers to be reused while they
    /// are near.
    fn deepest_slab(&self) -> usize {
        (2 * rayon::current_num_threads()).max(16)
    }

    /// A submission is done when it returns.
    fn in_flight(&self) -> usize {
        1
    }

    fn allocate(&mut self, specs: &[BufferSpec], poison: bool) -> Result<(), ComputeError> {
        self.buffers.clear();
        let bytes: u64 = specs.iter().map(BufferSpec::bytes).sum();
        for spec in specs {
            let mut words = Words::new(spec).map_err(|error| ComputeError::OutOfMemory {
                device: self.name.clone(),
                bytes,
                reason: format!("{} ({} bytes): {error}", spec.name, spec.bytes()),
            })?;
            if poison {
                words.get_mut().fill(super::gpu::POISON);
            }
            self.buffers.push(words);
        }
        Ok(())
    }

    fn submit(&mut self, recording: Recording) -> Result<Ticket, ComputeError> {
        let mut reads = Vec::new();
        for command in recording.commands {
            self.run(command, &mut reads);
        }
        self.submissions += 1;
        self.results.insert(self.submissions, reads);
        Ok(Ticket(self.submissions))
    }

    fn wait(&mut self, ticket: Ticket) -> Result<Vec<Vec<u32>>, ComputeError> {
        Ok(self.results.remove(&ticket.0).unwrap_or_default())
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
