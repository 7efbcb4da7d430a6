//! One device, within its time: measured on a thread of its own, so that a driver that does not
//! come back holds up neither the other devices nor the end of the program.

use super::device::{self, BenchDevice, Event};
use super::file::DeviceFacts;
use super::table::time;
use super::{BenchOptions, Size, Tissues};
use crate::run::simulation::{SimulationError, Watcher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Runs of a job beside those that are timed: the first one, and those of the checksums, which read
/// back what each dispatch writes.
const UNTIMED: f64 = 4.0;

/// How often signals and clock are looked at.
const TICK: Duration = Duration::from_millis(50);

/// How long a device may take to stop, once it is asked to.
const GRACE: Duration = Duration::from_secs(2);

/// How it ended.
enum End {
    Done,
    Failed(SimulationError),
    OutOfTime,
}

/// How long a size is expected to take, from the runs of the last one: start-up does not grow with
/// the tissue.
fn expected_seconds(facts: &DeviceFacts, last: Size, voxels: usize, repeat: usize) -> f64 {
    let before = last.shape().iter().product::<usize>();
    let runs = facts.runs.iter().filter(|run| run.voxels == before as u64);
    let once: f64 = runs.map(|run| run.seconds.median).sum();
    once * voxels as f64 / before as f64 * (repeat as f64 + UNTIMED)
}

/// Measures a device, from small sizes to large ones.
///
/// # Errors
/// The tissue cannot be made, or [`SimulationError::Interrupted`]. Every other failure is part of
/// the result.
pub(super) fn measure(
    device: BenchDevice,
    options: BenchOptions,
    tissues: &mut Tissues,
    watcher: &mut dyn Watcher,
) -> Result<DeviceFacts, SimulationError> {
    let mut facts = device.facts();
    watcher.note(&format!("measuring {}", facts.name));
    let (to_device, wanted) = mpsc::channel();
    let (events, from_device) = mpsc::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let opening = (device.open, device.adapter.is_some());
    let worker = std::thread::Builder::new().name("measured device".to_owned());
    let worker = worker.spawn(move || {
        device::work(
            opening,
            options.repeat,
            options.memory_bytes,
            &wanted,
            &events,
            &stopped,
        )
    });
    let worker = worker.map_err(|error| SimulationError::Unsupported(error.to_string()))?;
    let mut guard = Guard {
        worker: Some(worker),
        events: from_device,
        stop,
        left: options.time,
    };
    let sizes = Size::ALL.into_iter();
    let sizes = sizes.filter(|&size| options.size.is_none_or(|largest| size <= largest));
    let mut last: Option<Size> = None;
    let mut end = None;
    for size in sizes {
        let voxels = size.shape().iter().product::<usize>();
        if let (None, Some(before)) = (options.size, last)
            && expected_seconds(&facts, before, voxels, options.repeat)
                > options.size_time.min(guard.left).as_secs_f64()
        {
            break;
        }
        // Where nobody takes it the device has failed, as is told next.
        let _ = to_device.send(tissues.get(size, watcher)?);
        end = guard.size(&mut facts, watcher)?;
        // What the device decides ends where it is too small.
        if let (None, Some(_), Some(End::Failed(error))) = (options.size, last, &end)
            && error.is_too_large()
        {
            let (name, size) = (&facts.name, size.name());
            watcher.warn(&format!("{name}: not all of {size} is measured: {error}"));
            end = Some(End::Done);
        }
        if end.is_some() {
            break;
        }
        last = Some(size);
    }
    drop(to_device);
    let end = match end {
        Some(end) => end,
        None => guard.end(watcher)?,
    };
    facts.error = match end {
        End::Done => None,
        End::Failed(error) => Some(error.to_string()),
        End::OutOfTime => {
            let limit = time(options.time.as_secs_f64());
            let busy = match guard.worker {
                Some(_) => "; it is still busy, which may slow down what is measured next",
                None => "",
            };
            Some(format!("it took longer than {limit} (--time-limit){busy}"))
        }
    };
    if let Some(error) = &facts.error {
        watcher.warn(&format!("{}: {error}", facts.name));
    }
    Ok(facts)
}

/// A device at work, and the time that it has.
struct Guard {
    /// `None` once it has ended.
    worker: Option<JoinHandle<Result<(), SimulationError>>>,
    events: Receiver<Event>,
    stop: Arc<AtomicBool>,
    left: Duration,
}

impl Guard {
    /// Takes what the device finds over one size; how it ended, if it did.
    fn size(
        &mut self,
        facts: &mut DeviceFacts,
        watcher: &mut dyn Watcher,
    ) -> Result<Option<End>, SimulationError> {
        loop {
            match self.next(watcher)? {
                Ok(Event::Opened(limits)) => facts.limits = Some(limits),
                Ok(Event::Started(startup)) => facts.startup = Some(startup),
                Ok(Event::Copied(rate)) => facts.copy_bytes_per_second = Some(rate),
                Ok(Event::Measured(run)) => {
                    let (job, size) = (&run.job, &run.size);
                    watcher.note(&format!("  {job}, {size}: {:.4} s", run.seconds.median));
                    facts.runs.push(run);
                }
                Ok(Event::SizeDone) => return Ok(None),
                Err(end) => return Ok(Some(end)),
            }
        }
    }

    /// Waits until a device that has nothing more to do has gone.
    fn end(&mut self, watcher: &mut dyn Watcher) -> Result<End, SimulationError> {
        loop {
            if let Err(end) = self.next(watcher)? {
                return Ok(end);
            }
        }
    }

    /// The next event, or how it ended.
    fn next(&mut self, watcher: &dyn Watcher) -> Result<Result<Event, End>, SimulationError> {
        loop {
            let start = Instant::now();
            let event = self.events.recv_timeout(TICK);
            self.left = self.left.saturating_sub(start.elapsed());
            match event {
                Ok(event) => return Ok(Ok(event)),
                Err(RecvTimeoutError::Disconnected) => return Ok(Err(self.ended())),
                Err(RecvTimeoutError::Timeout) if watcher.interrupted() => {
                    self.halt();
                    return Err(SimulationError::Interrupted);
                }
                Err(RecvTimeoutError::Timeout) if self.left.is_zero() => {
                    self.halt();
                    return Ok(Err(End::OutOfTime));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Asks the device to stop, and gives it a moment to.
    fn halt(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let start = Instant::now();
        while start.elapsed() < GRACE {
            if self.worker.as_ref().is_none_or(JoinHandle::is_finished) {
                self.ended();
                return;
            }
            std::thread::sleep(TICK);
        }
    }

    fn ended(&mut self) -> End {
        match self.worker.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => End::Done,
            Some(Ok(Err(error))) => End::Failed(error),
            Some(Err(_)) => End::Failed(SimulationError::Unsupported(
                "a defect of simexm-gpu, as told above".to_owned(),
            )),
        }
    }
}
