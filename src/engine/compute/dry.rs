//! Runs nothing, and accounts for everything: what work a device would have.

use super::{
    Backend, BufferSpec, Command, ComputeError, Extent, KernelTime, Limits, Recording, Ticket,
    traffic::KernelStats,
};
use std::collections::HashMap;

/// A backend whose kernels do nothing and whose reads are 0; only [`Backend::kernel_times`] knows
/// what they had to move.
#[derive(Debug)]
pub struct DryBackend {
    limits: Limits,
    deepest_slab: usize,
    words: Vec<usize>,
    /// Lengths of the reads of submissions that were not waited for.
    reads: HashMap<u64, Vec<usize>>,
    submissions: u64,
    account: KernelStats,
}

impl DryBackend {
    /// In the place of a device with these limits, which is given slabs up to so many slices.
    pub fn new(limits: Limits, deepest_slab: usize) -> Self {
        Self {
            limits,
            deepest_slab,
            words: Vec::new(),
            reads: HashMap::new(),
            submissions: 0,
            account: KernelStats::default(),
        }
    }
}

impl Backend for DryBackend {
    fn name(&self) -> &'static str {
        "no device"
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn deepest_slab(&self) -> usize {
        self.deepest_slab
    }

    fn allocate(&mut self, specs: &[BufferSpec], _: bool) -> Result<(), ComputeError> {
        self.words = specs.iter().map(|spec| spec.words).collect();
        Ok(())
    }

    fn submit(&mut self, recording: Recording) -> Result<Ticket, ComputeError> {
        let mut reads = Vec::new();
        for command in recording.commands {
            match command {
                Command::Dispatch {
                    kernel,
                    params,
                    buffers,
                    ..
                } => {
                    let words: Vec<usize> = buffers.iter().map(|b| self.words[b.0]).collect();
                    let traffic = (kernel.traffic)(Extent::new(&params, &words));
                    self.account.call(kernel.name, traffic);
                }
                Command::Read { words, .. } => reads.push(words.len()),
                Command::Write { .. } | Command::Clear { .. } | Command::Copy { .. } => {}
            }
        }
        self.submissions += 1;
        self.reads.insert(self.submissions, reads);
        Ok(Ticket(self.submissions))
    }

    fn wait(&mut self, ticket: Ticket) -> Result<Vec<Vec<u32>>, ComputeError> {
        let reads = self.reads.remove(&ticket.0).unwrap_or_default();
        Ok(reads.into_iter().map(|words| vec![0; words]).collect())
    }

    fn kernel_times(&mut self) -> Vec<KernelTime> {
        self.account.kernels()
    }

    fn reset_times(&mut self) {
        self.account = KernelStats::default();
    }
}
