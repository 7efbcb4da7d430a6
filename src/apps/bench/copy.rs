//! Copy bandwidth of a device: the upper limit of every pass that moves its data through memory.

use crate::engine::compute::{Backend, Buffer, BufferSpec, ComputeError, Recording};
use std::time::{Duration, Instant};

/// Copies that are timed together.
const COPIES: u32 = 8;

/// Rounds, of which the fastest counts.
const ROUNDS: usize = 5;

/// Measures copies between two buffers of `bytes` at most: buffer to buffer on a GPU, all threads
/// on the CPU. Returns the bytes per second, read and written ones counted; the cost of a
/// submission by itself is taken off.
///
/// # Errors
/// The device fails.
pub(super) fn bandwidth(backend: &mut dyn Backend, bytes: u64) -> Result<f64, ComputeError> {
    let limits = backend.limits();
    let bytes = bytes
        .min(limits.binding_bytes)
        .min(limits.buffer_bytes)
        .min(limits.wanted_bytes / 4);
    let words = (bytes / 4).max(1) as usize;
    let spec = |name: &str| BufferSpec {
        name: name.to_owned(),
        words,
    };
    let specs = [spec("copied"), spec("copy")];
    // Poison makes the system map the pages before the clock runs.
    backend.allocate(&specs, true)?;
    let mut timed = |copies: u32| -> Result<Duration, ComputeError> {
        let mut recording = Recording::default();
        for _ in 0..copies {
            recording.copy(Buffer(0), Buffer(1), words);
        }
        recording.read(Buffer(1), 0..1);
        let start = Instant::now();
        let ticket = backend.submit(recording)?;
        backend.wait(ticket)?;
        Ok(start.elapsed())
    };
    timed(1)?;
    let (mut one, mut more) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        one = one.min(timed(1)?);
        more = more.min(timed(1 + COPIES)?);
    }
    // Half the time at least, in case a submission seems to cost almost all of it.
    let copies = more.saturating_sub(one).max(more / 2).as_secs_f64();
    backend.allocate(&[], false)?;
    let copied = f64::from(COPIES) * 4.0 * words as f64;
    Ok(2.0 * copied / copies.max(1e-12))
}
