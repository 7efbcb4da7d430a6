//! Who watches a run.

/// Who watches a run.
pub trait Observer {
    /// A stage begins that has this much to do.
    fn begin(&mut self, stage: &str, total: usize);
    /// So much more is done.
    fn advance(&mut self, amount: usize);
    /// The stage is over.
    fn end(&mut self);
    /// True when the run should stop.
    fn interrupted(&self) -> bool;
}
