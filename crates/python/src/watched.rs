//! Work on a thread of its own, while the caller's thread passes on what is told of it and listens
//! for signals: Python has them seen by its main thread alone.

use crate::errors;
use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;
use simexm_gpu::simulation::{Observer, Watcher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest time between two looks for signals.
const LOOK: Duration = Duration::from_millis(50);

/// Something that work tells.
enum Event {
    Begin(String, usize),
    Advance(usize),
    End,
    Note(String),
    Warn(String),
}

#[derive(Default)]
struct Told {
    events: Vec<Event>,
    is_done: bool,
}

/// What the two threads share.
#[derive(Default)]
struct Mailbox {
    told: Mutex<Told>,
    arrived: Condvar,
    stop: AtomicBool,
}

impl Mailbox {
    fn tell(&self, event: Event) {
        self.told.lock().events.push(event);
        self.arrived.notify_one();
    }

    /// Waits for events; returns those that there are, and whether the work is done.
    fn wait(&self) -> (Vec<Event>, bool) {
        let mut told = self.told.lock();
        if told.events.is_empty() && !told.is_done {
            self.arrived.wait_for(&mut told, LOOK);
        }
        (std::mem::take(&mut told.events), told.is_done)
    }
}

/// The watcher of the work.
pub(crate) struct Messenger<'a>(&'a Mailbox);

impl Messenger<'_> {
    /// Waits until a lock is free, or the caller wants no more.
    pub(crate) fn lock<'l, T>(&self, lock: &'l Mutex<T>) -> Option<parking_lot::MutexGuard<'l, T>> {
        loop {
            if let Some(guard) = lock.try_lock_for(LOOK) {
                return Some(guard);
            }
            if self.interrupted() {
                return None;
            }
        }
    }
}

impl Observer for Messenger<'_> {
    fn begin(&mut self, stage: &str, total: usize) {
        self.0.tell(Event::Begin(stage.to_owned(), total));
    }

    fn advance(&mut self, amount: usize) {
        self.0.tell(Event::Advance(amount));
    }

    fn end(&mut self) {
        self.0.tell(Event::End);
    }

    fn interrupted(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed)
    }
}

impl Watcher for Messenger<'_> {
    fn note(&mut self, text: &str) {
        self.0.tell(Event::Note(text.to_owned()));
    }

    fn warn(&mut self, text: &str) {
        self.0.tell(Event::Warn(text.to_owned()));
    }
}

/// Says that the work is over, however it ends.
struct Finish<'a>(&'a Mailbox);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.told.lock().is_done = true;
        self.0.arrived.notify_one();
    }
}

/// Does work without the interpreter's lock. `events`, if there is one, has the methods `begin`,
/// `advance`, `end`, `note` and `warn`, which are called on this thread.
///
/// # Errors
/// An exception of `events`, or a signal's: both stop the work at its next step. A panic of the
/// work, which is a defect.
pub(crate) fn watched<T: Send>(
    py: Python<'_>,
    events: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&mut Messenger<'_>) -> T + Send,
) -> PyResult<T> {
    let mailbox = Mailbox::default();
    std::thread::scope(|scope| {
        let shared = &mailbox;
        let worker = std::thread::Builder::new().name("simexm-gpu".to_owned());
        let worker = worker.spawn_scoped(scope, move || {
            let _finish = Finish(shared);
            catch_unwind(AssertUnwindSafe(|| work(&mut Messenger(shared))))
        });
        let worker = worker.map_err(errors::failed)?;
        let mut failure = None;
        loop {
            let (told, is_done) = py.detach(|| mailbox.wait());
            if failure.is_none() {
                let passed = told.into_iter().try_for_each(|event| pass(events, event));
                if let Err(error) = passed.and_then(|()| py.check_signals()) {
                    mailbox.stop.store(true, Ordering::Relaxed);
                    failure = Some(error);
                }
            }
            if is_done {
                break;
            }
        }
        let done = py.detach(|| worker.join());
        match (failure, done) {
            (Some(error), _) => Err(error),
            (None, Ok(Ok(done))) => Ok(done),
            (None, Ok(Err(panic)) | Err(panic)) => Err(defect(panic.as_ref())),
        }
    })
}

fn pass(events: Option<&Bound<'_, PyAny>>, event: Event) -> PyResult<()> {
    let Some(events) = events else { return Ok(()) };
    match event {
        Event::Begin(stage, total) => events.call_method1("begin", (stage, total)),
        Event::Advance(amount) => events.call_method1("advance", (amount,)),
        Event::End => events.call_method0("end"),
        Event::Note(text) => events.call_method1("note", (text,)),
        Event::Warn(text) => events.call_method1("warn", (text,)),
    }
    .map(|_| ())
}

/// The exception of a panic.
fn defect(panic: &(dyn std::any::Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    errors::failed(format!(
        "this is a defect of simexm-gpu {}, please report it: {}",
        env!("CARGO_PKG_VERSION"),
        text.unwrap_or("no reason was given")
    ))
}
