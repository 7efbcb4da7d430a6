//! Which task a worker does next, and workers that share the tasks.

use super::plan_file::PlanFile;
use super::receipt::Receipt;
use super::task::Worker;
use super::{ClusterError, Phase, facts};
use crate::base::progress::Observer;
use crate::config::Override;
use crate::run::simulation::{SimulationError, Watcher};
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What became of some tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Tasks that were done.
    pub made: u64,
    /// Tasks that were done before.
    pub known: u64,
}

/// Tasks of a phase that are to be done, by one worker or several.
struct Queue<'p> {
    plan: &'p PlanFile,
    phase: Phase,
    /// How many the phase has.
    all: u64,
    /// Whether those with receipts are done again.
    again: bool,
    /// Digest of the merged facts that they need.
    facts: String,
    left: Mutex<Box<dyn Iterator<Item = u64> + Send + 'p>>,
    /// Set when a worker has failed: the others end with the task that they are at.
    stopped: AtomicBool,
}

impl<'p> Queue<'p> {
    fn new(
        plan: &'p PlanFile,
        phase: Phase,
        tasks: &'p [Range<u64>],
        again: bool,
    ) -> Result<Self, ClusterError> {
        let all = plan.tasks(phase);
        if all == 0 {
            return Err(ClusterError::Refused(format!(
                "{}: the plan has no tasks of the phase {phase}",
                plan.folder.root.display()
            )));
        }
        let facts = facts::digest(plan, phase)?;
        // Each range ends where the tasks end, however those after it go on.
        let left = tasks
            .iter()
            .flat_map(move |range| range.start..range.end.min(all));
        Ok(Self {
            plan,
            phase,
            all,
            again,
            facts,
            left: Mutex::new(Box::new(left)),
            stopped: AtomicBool::new(false),
        })
    }

    fn next(&self) -> Option<u64> {
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.next()
    }

    /// Does tasks until none is left. The host's memory is shared with so many other workers.
    fn work(
        &self,
        overrides: &[Override],
        workers: u64,
        watcher: &mut dyn Watcher,
    ) -> Result<Done, ClusterError> {
        let done = self.try_work(overrides, workers, watcher);
        if done.is_err() {
            self.stopped.store(true, Ordering::Relaxed);
        }
        done
    }

    fn try_work(
        &self,
        overrides: &[Override],
        workers: u64,
        watcher: &mut dyn Watcher,
    ) -> Result<Done, ClusterError> {
        let (plan, phase, all) = (self.plan, self.phase, self.all);
        let mut done = Done::default();
        let mut worker = None;
        while let Some(task) = self.next() {
            let receipt = Receipt::read(&plan.folder, (phase, task), &plan.id)?.ok();
            // What was done with other facts is as good as nothing.
            if receipt.is_some_and(|receipt| !self.again && receipt.facts == self.facts) {
                done.known += 1;
                continue;
            }
            if watcher.interrupted() {
                return Err(SimulationError::Interrupted.into());
            }
            let worker = match &mut worker {
                Some(worker) => worker,
                none => {
                    let mut worker = Worker::new(plan, phase, overrides, watcher)?;
                    worker.share_memory(workers);
                    none.insert(worker)
                }
            };
            watcher.note(&format!("{phase} {task} of {all}"));
            worker.receipt(task, watcher)?.write(&plan.folder, phase)?;
            done.made += 1;
        }
        Ok(done)
    }
}

/// As [`run_tasks_on`], by one device.
fn run_tasks(
    plan: &PlanFile,
    phase: Phase,
    tasks: &[Range<u64>],
    again: bool,
    overrides: &[Override],
    watcher: &mut dyn Watcher,
) -> Result<Done, ClusterError> {
    Queue::new(plan, phase, tasks, again)?.work(overrides, 1, watcher)
}

/// Does tasks of a phase, but for those whose receipts are there (unless they are wanted `again`), by
/// one device or several at once: each takes the next task when it has done one. There are entries
/// of `[compute]` for each of them.
///
/// # Errors
/// That of the first device that fails; the others finish the task that they are at.
pub fn run_tasks_on(
    plan: &PlanFile,
    phase: Phase,
    tasks: &[Range<u64>],
    again: bool,
    devices: &[Vec<Override>],
    watcher: &mut (dyn Watcher + Send),
) -> Result<Done, ClusterError> {
    if let [overrides] = devices {
        return run_tasks(plan, phase, tasks, again, overrides, watcher);
    }
    let queue = Queue::new(plan, phase, tasks, again)?;
    let watcher = Mutex::new(watcher);
    let threads = rayon::current_num_threads().div_ceil(devices.len().max(1));
    let one = |overrides: &[Override]| {
        // A pool for each: the threads of one do not wait for the device of another.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| ClusterError::Io {
            path: plan.folder.root.clone(),
            source: io::Error::other(error),
        })?;
        let mut watcher = OneOfSeveral(&watcher);
        pool.install(|| queue.work(overrides, devices.len() as u64, &mut watcher))
    };
    let done: Vec<Result<Done, ClusterError>> = std::thread::scope(|scope| {
        let works: Vec<_> = devices
            .iter()
            .map(|overrides| scope.spawn(|| one(overrides)))
            .collect();
        let joined = works.into_iter().map(|work| work.join());
        joined
            .map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.into_iter().try_fold(Done::default(), |all, done| {
        let done = done?;
        Ok(Done {
            made: all.made + done.made,
            known: all.known + done.known,
        })
    })
}

/// What one of several workers tells: their stages go on at the same time, and are not shown.
struct OneOfSeveral<'a, 'w>(&'a Mutex<&'w mut (dyn Watcher + Send)>);

impl OneOfSeveral<'_, '_> {
    fn with<T>(&self, use_it: impl FnOnce(&mut dyn Watcher) -> T) -> T {
        let mut watcher = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(&mut **watcher)
    }
}

impl Observer for OneOfSeveral<'_, '_> {
    fn begin(&mut self, _: &str, _: usize) {}

    fn advance(&mut self, _: usize) {}

    fn end(&mut self) {}

    fn interrupted(&self) -> bool {
        self.with(|watcher| watcher.interrupted())
    }
}

impl Watcher for OneOfSeveral<'_, '_> {
    fn note(&mut self, text: &str) {
        self.with(|watcher| watcher.note(text));
    }

    fn warn(&mut self, text: &str) {
        self.with(|watcher| watcher.warn(text));
    }
}
