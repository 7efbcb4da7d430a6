//! Progress of a run: a bar on a terminal, plain lines elsewhere.

use super::tell;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use simexm_gpu::internals::base::progress::Observer;
use simexm_gpu::internals::run::simulation::Watcher;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Watcher that shows stages on standard error.
pub(super) struct Progress {
    quiet: bool,
    bar: Option<ProgressBar>,
    stage: Option<(String, Instant)>,
    interrupted: Arc<AtomicBool>,
}

impl Progress {
    pub(super) fn new(quiet: bool, interrupted: Arc<AtomicBool>) -> Self {
        Self {
            quiet,
            bar: None,
            stage: None,
            interrupted,
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell(text)),
            None => tell(text),
        }
    }
}

impl Observer for Progress {
    fn begin(&mut self, stage: &str, total: usize) {
        self.stage = Some((stage.to_owned(), Instant::now()));
        if self.quiet || !std::io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{msg:>24} {wide_bar} {pos}/{len} slices, {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(stage.to_owned());
        self.bar = Some(bar);
    }

    fn advance(&mut self, amount: usize) {
        if let Some(bar) = &self.bar {
            bar.inc(amount as u64);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if let Some((stage, start)) = self.stage.take()
            && !self.quiet
        {
            tell(&format!("{stage}: {:.2} s", start.elapsed().as_secs_f64()));
        }
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

impl Watcher for Progress {
    fn note(&mut self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    fn warn(&mut self, text: &str) {
        self.line(&format!("warning: {text}"));
    }
}
