//! Progress, notes and warnings: how a run speaks to whoever watches it.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Watches the stages of a run, one after another, and may stop it. It is asked and told on the
/// thread that has something to tell, whichever that is.
pub trait Observer: Send {
    /// A stage begins that has `total` steps to do, 0 where nobody counts them.
    fn begin(&mut self, stage: &str, total: usize);
    /// `amount` more of its steps are done.
    fn advance(&mut self, amount: usize);
    /// The stage is over.
    fn end(&mut self);
    /// True when the run should stop; asked between steps.
    fn interrupted(&self) -> bool;
}

/// Watches a simulation, and tells the user.
pub trait Watcher: Observer {
    /// Something that the user should know.
    fn note(&mut self, text: &str);
    /// Something that the user should look into.
    fn warn(&mut self, text: &str);
}

/// A watcher that neither tells nor interrupts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn begin(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, _: usize) {}
    fn end(&mut self) {}
    fn interrupted(&self) -> bool {
        false
    }
}

impl Watcher for Silent {
    fn note(&mut self, _: &str) {}
    fn warn(&mut self, _: &str) {}
}

/// How long nobody wonders what a program does.
const PATIENCE: Duration = Duration::from_secs(1);

/// Does `work`, which is a stage of its own if it takes more than a moment. It is done on this
/// thread, and so by the threads of the pool that this one may belong to.
pub(crate) fn told_if_slow<T>(
    observer: &mut dyn Observer,
    stage: &str,
    work: impl FnOnce() -> T,
) -> T {
    std::thread::scope(|scope| {
        // Dropped at the end, whatever the end is.
        let (_ending, end) = channel::<()>();
        scope.spawn(move || {
            if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                observer.begin(stage, 0);
                let _ = end.recv();
                observer.end();
            }
        });
        work()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Stages(Vec<String>);

    impl Observer for Stages {
        fn begin(&mut self, stage: &str, total: usize) {
            self.0.push(format!("{stage} {total}"));
        }
        fn advance(&mut self, _: usize) {}
        fn end(&mut self) {
            self.0.push("end".to_owned());
        }
        fn interrupted(&self) -> bool {
            false
        }
    }

    #[test]
    fn the_pool_of_the_caller_does_the_work() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
        let count = || told_if_slow(&mut Silent, "count", rayon::current_num_threads);
        assert_eq!(pool.unwrap().install(count), 3);
    }

    #[test]
    fn only_slow_work_is_told() {
        let mut stages = Stages::default();
        assert_eq!(told_if_slow(&mut stages, "quick", || 7), 7);
        assert!(stages.0.is_empty(), "{:?}", stages.0);
        let slow = || std::thread::sleep(PATIENCE + Duration::from_millis(200));
        told_if_slow(&mut stages, "slow", slow);
        assert_eq!(stages.0, ["slow 0", "end"]);
    }
}
