//! Watcher of a run, on behalf of the page.

use crate::base::host;
use crate::base::progress::Observer;
use crate::base::progress::Watcher;

/// Watcher that passes everything on to another, and remembers warnings and the memory in use.
pub(crate) struct ReportWatcher<'a> {
    watcher: &'a mut dyn Watcher,
    warnings: Vec<String>,
    stage: Option<String>,
    /// Peak of the memory in bytes at the end of each stage.
    peaks: Vec<(String, u64)>,
}

impl<'a> ReportWatcher<'a> {
    pub(crate) fn new(watcher: &'a mut dyn Watcher) -> Self {
        Self {
            watcher,
            warnings: Vec::new(),
            stage: None,
            peaks: Vec::new(),
        }
    }

    /// Returns all warnings.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the peak of the memory until the end of a stage, in bytes.
    pub(crate) fn peak_after(&self, stage: &str) -> Option<u64> {
        let last = self.peaks.iter().rev().find(|(name, _)| name == stage);
        last.map(|(_, bytes)| *bytes)
    }
}

impl Observer for ReportWatcher<'_> {
    fn begin(&mut self, stage: &str, total: usize) {
        self.stage = Some(stage.to_owned());
        self.watcher.begin(stage, total);
    }

    fn advance(&mut self, amount: usize) {
        self.watcher.advance(amount);
    }

    fn end(&mut self) {
        if let (Some(stage), Some(bytes)) = (self.stage.take(), host::peak_memory()) {
            self.peaks.push((stage, bytes));
        }
        self.watcher.end();
    }

    fn interrupted(&self) -> bool {
        self.watcher.interrupted()
    }
}

impl Watcher for ReportWatcher<'_> {
    fn note(&mut self, text: &str) {
        self.watcher.note(text);
    }

    fn warn(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
        self.watcher.warn(text);
    }
}
