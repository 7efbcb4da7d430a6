//! What a run remembers of itself: its stages, how long they took and how much memory, and its
//! warnings.

use crate::base::host;
use crate::base::progress::{Observer, Watcher};
use crate::run::report::StageTime;
use std::time::Instant;

/// Watcher that keeps a record, and passes everything on to another.
pub struct RunLog<'a> {
    watcher: &'a mut dyn Watcher,
    stages: Vec<(StageTime, Option<u64>)>,
    current: Option<(String, Instant)>,
    warnings: Vec<String>,
}

impl<'a> RunLog<'a> {
    /// An empty record.
    pub fn new(watcher: &'a mut dyn Watcher) -> Self {
        Self {
            watcher,
            stages: Vec::new(),
            current: None,
            warnings: Vec::new(),
        }
    }

    /// Times of the stages, in order.
    pub fn times(&self) -> Vec<StageTime> {
        self.stages.iter().map(|(time, _)| time.clone()).collect()
    }

    /// All warnings.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Most memory that the process has taken until the end of a stage, in bytes; `None` where the
    /// system does not tell.
    pub fn peak_after(&self, stage: &str) -> Option<u64> {
        let mut stages = self.stages.iter().rev();
        stages.find(|(time, _)| time.stage == stage)?.1
    }

    /// Forgets the stages of an attempt that failed, but for the reading of the ground truth.
    pub fn abandon(&mut self) {
        if self.current.take().is_some() {
            self.watcher.end();
        }
        self.stages
            .retain(|(time, _)| time.stage == crate::run::ground_truth::STAGE);
    }
}

impl Observer for RunLog<'_> {
    fn begin(&mut self, stage: &str, total: usize) {
        self.current = Some((stage.to_owned(), Instant::now()));
        self.watcher.begin(stage, total);
    }

    fn advance(&mut self, amount: usize) {
        self.watcher.advance(amount);
    }

    fn end(&mut self) {
        if let Some((stage, start)) = self.current.take() {
            let time = start.elapsed();
            let time = StageTime { stage, time };
            self.stages.push((time, host::peak_memory()));
        }
        self.watcher.end();
    }

    fn interrupted(&self) -> bool {
        self.watcher.interrupted()
    }
}

impl Watcher for RunLog<'_> {
    fn note(&mut self, text: &str) {
        self.watcher.note(text);
    }

    fn warn(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
        self.watcher.warn(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::progress::Silent;

    #[test]
    fn stages_and_warnings_are_remembered() {
        let mut silent = Silent;
        let mut log = RunLog::new(&mut silent);
        log.warn("dark");
        for stage in [crate::run::ground_truth::STAGE, "image"] {
            log.begin(stage, 3);
            log.end();
        }
        assert_eq!(log.warnings(), ["dark"]);
        assert_eq!(log.peak_after("survey"), None);
        if cfg!(target_os = "linux") {
            assert!(log.peak_after("image") > Some(1 << 20));
        }
        log.abandon();
        let times = log.times();
        assert_eq!(times.len(), 1);
        assert_eq!(times[0].stage, crate::run::ground_truth::STAGE);
    }
}
