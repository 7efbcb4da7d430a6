//! Progress of a run.

/// Observer of a run: learns of its progress, and may interrupt it.
pub trait Observer {
    /// Begins a stage of `total` units of work.
    fn begin(&mut self, stage: &str, total: usize);
    /// Counts `amount` further units as done.
    fn advance(&mut self, amount: usize);
    /// Ends the stage.
    fn end(&mut self);
    /// Returns true when the run should stop.
    fn interrupted(&self) -> bool;
}
