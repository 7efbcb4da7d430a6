//! Checksums of every stage's results, on any backend.
//!
//! A [`ChecksumBackend`] stands between a run and its backend, sends each dispatch on its own, and
//! reads what it wrote. To make two devices comparable, the plan of the run depends on no device,
//! and buffers start out filled with a pattern. The blurred volume, which devices compute within
//! rounding, is replaced by synthetic photons once it is read, and so are expected electrons of
//! pixels: so the later stages have the same input everywhere, and their results must be equal.

use super::checksum::hash_words;
use super::file::{Checksum, Equality};
use crate::base::progress::Observer;
use crate::engine::compute::{
    Access, Agreement, Backend, Buffer, BufferSpec, Command, ComputeError, Extent, Kernel,
    KernelTime, Limits, MemoryKind, Recording, Stage, Ticket, photon_tolerance,
};
use crate::engine::stages::KERNELS;
use crate::run::simulation::SimulationError;
use crate::run::workload::{Job, NullSink};
use crc32fast::Hasher;
use std::collections::{BTreeMap, HashMap};

/// Slices of a slab: the same on every device.
const SLAB: usize = 8;

/// Checksums of all integer results of a job's stages on a device, in the order of the stages.
///
/// # Errors
/// The device fails or has not enough memory, or the observer asks to stop.
pub(super) fn checksums(
    job: &Job<'_>,
    backend: &mut dyn Backend,
    memory_bytes: u64,
    observer: &mut dyn Observer,
) -> Result<Vec<Checksum>, SimulationError> {
    let limits = Limits {
        binding_bytes: u64::MAX,
        buffer_bytes: u64::MAX,
        wanted_bytes: u64::MAX,
        total_bytes: u64::MAX,
        workgroup_bytes: backend.limits().workgroup_bytes,
        residence: MemoryKind::Discrete,
        host_bytes: u64::MAX,
    };
    let job = &job.in_photons();
    let run = job.plan(&limits, SLAB)?;
    let plan = &run.first().plan;
    let largest = plan.specs.iter().max_by_key(|spec| spec.words);
    let most = backend.limits().binding_bytes;
    if let Some(spec) = largest.filter(|spec| spec.bytes() > most) {
        return Err(ComputeError::OutOfMemory {
            device: backend.name().to_owned(),
            bytes: spec.bytes(),
            reason: format!("{} in a buffer, which holds {most} bytes", spec.name),
        }
        .into());
    }
    if plan.buffer_bytes() > memory_bytes {
        return Err(ComputeError::OutOfMemory {
            device: backend.name().to_owned(),
            bytes: plan.buffer_bytes(),
            reason: format!("its checksums' buffers, where --memory is {memory_bytes} bytes"),
        }
        .into());
    }
    let mut watched = ChecksumBackend {
        inner: backend,
        specs: Vec::new(),
        seen: BTreeMap::new(),
        results: HashMap::new(),
        submissions: 0,
    };
    job.run(&run, &mut watched, &mut NullSink, observer, true)?;
    Ok(watched.checksums())
}

/// Running checksum of a result.
#[derive(Default)]
struct Seen {
    hasher: Hasher,
    words: u64,
    sum: u64,
    bound: u64,
}

impl Seen {
    fn take(&mut self, words: &[u32], equality: Equality) {
        hash_words(&mut self.hasher, words);
        self.words += words.len() as u64;
        if equality == Equality::Rounding {
            let largest = words.iter().copied().max().unwrap_or(0);
            let sum = words.iter().map(|&word| u64::from(word)).sum();
            self.sum = self.sum.saturating_add(sum);
            let bound = u64::from(photon_tolerance(largest)).saturating_mul(words.len() as u64);
            self.bound = self.bound.saturating_add(bound);
        }
    }
}

struct ChecksumBackend<'a> {
    inner: &'a mut dyn Backend,
    specs: Vec<BufferSpec>,
    /// Running checksums by kernel and buffer.
    seen: BTreeMap<(&'static str, usize), Seen>,
    results: HashMap<u64, Vec<Vec<u32>>>,
    submissions: u64,
}

impl ChecksumBackend<'_> {
    /// Runs the commands recorded so far and returns the words that they read.
    fn flush(&mut self, recording: &mut Recording) -> Result<Vec<Vec<u32>>, ComputeError> {
        let recording = std::mem::take(recording);
        if recording.commands.is_empty() {
            return Ok(Vec::new());
        }
        let ticket = self.inner.submit(recording)?;
        self.inner.wait(ticket)
    }

    /// What a dispatch writes: its kernel, the buffers, and the words of the first one that it
    /// fills, if that can be known.
    fn written(&self, dispatch: &Command) -> Option<(&'static Kernel, Vec<Buffer>, Option<usize>)> {
        let Command::Dispatch {
            kernel,
            params,
            buffers,
            ..
        } = dispatch
        else {
            return None;
        };
        let words: Vec<usize> = buffers.iter().map(|b| self.specs[b.0].words).collect();
        let written = std::iter::zip(buffers, kernel.bindings);
        let written = written.filter(|(_, access)| **access == Access::ReadWrite);
        let filled = kernel.results(Extent::new(params, &words));
        Some((kernel, written.map(|(buffer, _)| *buffer).collect(), filled))
    }

    /// Lists the integer results of a dispatch: buffers, their words, and the agreement that
    /// devices must reach.
    fn looked_at(&self, dispatch: &Command) -> Vec<(Buffer, usize, Equality)> {
        let Some((kernel, written, filled)) = self.written(dispatch) else {
            return Vec::new();
        };
        match kernel.agreement {
            Agreement::Exact => {
                let all = |buffer: Buffer| (buffer, self.specs[buffer.0].words, Equality::Exact);
                written.into_iter().map(all).collect()
            }
            Agreement::WholePhotons => {
                let photons = written.into_iter().zip(filled);
                let look = |(buffer, words)| (buffer, words, Equality::Rounding);
                photons.map(look).collect()
            }
            Agreement::Rounding => Vec::new(),
        }
    }

    /// The buffer of expected electrons that a dispatch makes, and its words: a camera's result
    /// that devices compute within rounding.
    fn expected(&self, dispatch: &Command) -> Option<(Buffer, usize)> {
        let (kernel, written, filled) = self.written(dispatch)?;
        let is_camera = (kernel.stage, kernel.agreement) == (Stage::Camera, Agreement::Rounding);
        written.into_iter().zip(filled).next().filter(|_| is_camera)
    }

    fn checksums(self) -> Vec<Checksum> {
        let mut found = Vec::new();
        for Kernel { name, stage, .. } in KERNELS {
            for ((_, buffer), seen) in self.seen.iter().filter(|((of, _), _)| of == name) {
                let rounding = seen.bound > 0;
                found.push(Checksum {
                    stage: stage.name().to_owned(),
                    result: format!("{name}: {}", self.specs[*buffer].name),
                    equality: if rounding {
                        Equality::Rounding
                    } else {
                        Equality::Exact
                    },
                    values: seen.words,
                    crc32: format!("{:08x}", seen.hasher.clone().finalize()),
                    sum: rounding.then_some(seen.sum),
                    sum_bound: rounding.then_some(seen.bound),
                });
            }
        }
        found
    }
}

/// Makes photons that no device computed: sparse, below 2^20, the same everywhere.
fn made_up(words: usize) -> Vec<u32> {
    let word = |i: usize| ((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as u32;
    let photons = |i: usize| if word(i) & 3 == 0 { word(i) >> 4 } else { 0 };
    (0..words).map(photons).collect()
}

/// Makes expected electrons from 0 to 256 that no device computed, as the bits of f32.
fn made_up_electrons(words: usize) -> Vec<u32> {
    let electrons = |photons: u32| (photons as f32 / 4096.0).to_bits();
    made_up(words).into_iter().map(electrons).collect()
}

impl Backend for ChecksumBackend<'_> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn limits(&self) -> &Limits {
        self.inner.limits()
    }

    fn in_flight(&self) -> usize {
        1
    }

    fn allocate(&mut self, specs: &[BufferSpec], poison: bool) -> Result<(), ComputeError> {
        self.specs = specs.to_vec();
        self.inner.allocate(specs, poison)
    }

    fn submit(&mut self, recording: Recording) -> Result<Ticket, ComputeError> {
        let mut reads = Vec::new();
        let mut batch = Recording::default();
        for command in recording.commands {
            let Command::Dispatch { kernel, .. } = &command else {
                batch.commands.push(command);
                continue;
            };
            let (kernel, looked_at) = (kernel.name, self.looked_at(&command));
            let expected = self.expected(&command);
            reads.extend(self.flush(&mut batch)?);
            batch.commands.push(command);
            if let Some((buffer, words)) = expected {
                batch.write(buffer, 0, made_up_electrons(words));
            }
            if looked_at.is_empty() {
                continue;
            }
            for (buffer, words, _) in &looked_at {
                batch.read(*buffer, 0..*words);
            }
            let written = self.flush(&mut batch)?;
            for ((buffer, words, equality), found) in std::iter::zip(looked_at, written) {
                let seen = self.seen.entry((kernel, buffer.0)).or_default();
                seen.take(&found, equality);
                if equality == Equality::Rounding {
                    batch.write(buffer, 0, made_up(words));
                }
            }
        }
        reads.extend(self.flush(&mut batch)?);
        self.submissions += 1;
        self.results.insert(self.submissions, reads);
        Ok(Ticket(self.submissions))
    }

    fn wait(&mut self, ticket: Ticket) -> Result<Vec<Vec<u32>>, ComputeError> {
        Ok(self.results.remove(&ticket.0).unwrap_or_default())
    }

    fn kernel_times(&mut self) -> Vec<KernelTime> {
        self.inner.kernel_times()
    }

    fn reset_times(&mut self) {
        self.inner.reset_times();
    }
}
