//! Times of a run's stages.

use super::Watcher;
use crate::base::progress::Observer;
use crate::run::report::StageTime;
use std::time::Instant;

/// Observer that takes the times of stages, and passes everything on to the watcher.
pub(super) struct StageTimer<'a> {
    watcher: &'a mut dyn Watcher,
    times: Vec<StageTime>,
    current: Option<(String, Instant)>,
}

impl<'a> StageTimer<'a> {
    pub(super) fn new(watcher: &'a mut dyn Watcher) -> Self {
        Self {
            watcher,
            times: Vec::new(),
            current: None,
        }
    }

    pub(super) fn watcher(&mut self) -> &mut dyn Watcher {
        self.watcher
    }

    /// Forgets the stages of an attempt that failed.
    pub(super) fn abandon(&mut self) {
        if self.current.take().is_some() {
            self.watcher.end();
        }
        self.times
            .retain(|time| time.stage == crate::run::ground_truth::STAGE);
    }

    pub(super) fn into_times(self) -> Vec<StageTime> {
        self.times
    }
}

impl Observer for StageTimer<'_> {
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
            self.times.push(StageTime { stage, time });
        }
        self.watcher.end();
    }

    fn interrupted(&self) -> bool {
        self.watcher.interrupted()
    }
}
