//! Runs recordings with the kernels' CPU twins, on the threads of the current rayon pool.

use super::{
    Access, Backend, Bound, BufferSpec, Command, ComputeError, CpuCall, Extent, KernelTime, Limits,
    Recording, Ticket, traffic::Account,
};
use rayon::prelude::*;
use std::collections::HashMap;
use std::time::Instant;

/// The CPU backend: buffers in host memory, each command done when `submit` returns.
#[derive(Debug)]
pub struct CpuBackend {
    name: String,
    limits: Limits,
    buffers: Vec<Vec<u32>>,
    results: HashMap<u64, Vec<Vec<u32>>>,
    submissions: u64,
    account: Account,
}

impl CpuBackend {
    /// A backend whose buffers should take `wanted_bytes` together, and take at most what the host has
    /// available.
    pub fn new(wanted_bytes: u64) -> Self {
        let total_bytes = crate::host::available_memory().max(wanted_bytes);
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
            },
            buffers: Vec::new(),
            results: HashMap::new(),
            submissions: 0,
            account: Account::default(),
        }
    }

    fn run(&mut self, command: Command, reads: &mut Vec<Vec<u32>>) {
        match command {
            Command::Write { buffer, at, data } => {
                copy(&data, &mut self.buffers[buffer.0][at..at + data.len()]);
            }
            Command::Clear { buffer, words } => self.buffers[buffer.0][words]
                .par_chunks_mut(PIECE)
                .for_each(|piece| piece.fill(0)),
            Command::Copy { from, to, words } => {
                let mut written = std::mem::take(&mut self.buffers[to.0]);
                copy(&self.buffers[from.0][..words], &mut written[..words]);
                self.buffers[to.0] = written;
            }
            Command::Read { buffer, words } => {
                let mut read = vec![0; words.len()];
                copy(&self.buffers[buffer.0][words], &mut read);
                reads.push(read);
            }
            Command::Dispatch {
                kernel,
                params,
                buffers,
                ..
            } => {
                let words: Vec<usize> = buffers.iter().map(|b| self.buffers[b.0].len()).collect();
                let traffic = (kernel.traffic)(Extent::new(&params, &words));
                self.account.call(kernel.name, traffic);
                let start = Instant::now();
                // Written buffers are taken out of the arena for the call, so that they can be
                // borrowed beside the ones that are read.
                let mut written: Vec<(usize, Vec<u32>)> = std::iter::zip(&buffers, kernel.bindings)
                    .filter(|(_, access)| **access == Access::ReadWrite)
                    .map(|(buffer, _)| (buffer.0, std::mem::take(&mut self.buffers[buffer.0])))
                    .collect();
                let mut writable = written.iter_mut();
                let bound = std::iter::zip(&buffers, kernel.bindings)
                    .filter_map(|(buffer, access)| match access {
                        Access::Read => Some(Bound::Read(self.buffers[buffer.0].as_slice())),
                        Access::ReadWrite => writable.next().map(|(_, words)| Bound::Write(words)),
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

    /// Deep enough to occupy all threads; shallow enough for the buffers to be reused while they are
    /// near.
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
            let mut words = Vec::new();
            words
                .try_reserve_exact(spec.words)
                .map_err(|error| ComputeError::OutOfMemory {
                    device: self.name.clone(),
                    bytes,
                    reason: format!("{} ({} bytes): {error}", spec.name, spec.bytes()),
                })?;
            drop(words);
            // Zeroed pages come from the system untouched, so that memory which a run never
            // uses is never resident.
            words = if poison {
                vec![super::gpu::POISON; spec.words]
            } else {
                vec![0; spec.words]
            };
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

    fn kernel_times(&mut self) -> Vec<KernelTime> {
        self.account.kernels()
    }

    fn reset_times(&mut self) {
        self.account = Account::default();
    }
}
