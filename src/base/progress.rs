//! Progress, notes and warnings: how a run speaks to whoever watches it.

/// Watches the stages of a run, one after another, and may stop it.
pub trait Observer {
    /// A stage begins that has `total` steps to do.
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
