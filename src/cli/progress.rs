//! Progress of a run: a bar on a terminal, plain lines elsewhere.

use super::tell;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use simexm_gpu::internals::base::progress::Observer;
use simexm_gpu::internals::run::simulation::Watcher;
use std::fmt;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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
        let template = match total {
            0 => "{msg:>24} {spinner}",
            _ => "{msg:>24} {wide_bar} {pos}/{len} slices{left}",
        };
        let style = ProgressStyle::with_template(template);
        if total == 0 {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        if let Ok(style) = style {
            bar.set_style(style.with_key(
                "left",
                |state: &ProgressState, text: &mut dyn fmt::Write| {
                    let _ = text.write_str(&left(state.pos(), state.eta()));
                },
            ));
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

/// The time that is left, where anything is known of it: nothing is before the first slice, nor in
/// the last second.
fn left(done: u64, time: Duration) -> String {
    if done == 0 || time.as_secs() == 0 {
        return String::new();
    }
    format!(", {:#} left", HumanDuration(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_left_where_none_is_known() {
        assert_eq!(left(0, Duration::ZERO), "");
        assert_eq!(left(0, Duration::from_secs(5)), "");
        assert_eq!(left(7, Duration::from_millis(900)), "");
        assert_eq!(left(7, Duration::from_secs(9)), ", 9s left");
    }
}
