//! What the project's programs share: exit codes, how they speak, and a signal that none of them
//! wants.

use super::host;
use std::borrow::Cow;
use std::io::Write;

/// Exit codes, as the help documents them.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// The run failed.
    pub const FAILED: u8 = 1;
    /// Bad usage or configuration.
    pub const USAGE: u8 = 2;
    /// Interrupted.
    pub const INTERRUPTED: u8 = 130;
}

/// Prints an error with its causes.
pub fn report(error: &dyn std::error::Error) {
    tell(&format!("error: {error}"));
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.contains(&text) {
            tell(&format!("  because: {text}"));
            told = text;
        }
        cause = error.source();
    }
}

/// Prints a line to standard error; a closed pipe is nobody's concern. On a terminal what it begins
/// with is coloured, where that is an error or a warning, unless NO_COLOR is set.
pub fn tell(line: &str) {
    // It leaves colours out where nobody wants them, and translates them for old consoles.
    let _ = writeln!(anstream::stderr().lock(), "{}", coloured(line));
}

/// A line with its beginning in colour: errors red, warnings yellow, both bold.
fn coloured(line: &str) -> Cow<'_, str> {
    for (beginning, colour) in [("error:", 31), ("warning:", 33)] {
        if let Some(rest) = line.strip_prefix(beginning) {
            return format!("\u{1b}[1;{colour}m{beginning}\u{1b}[0m{rest}").into();
        }
    }
    line.into()
}

/// Bounds the threads of the work that no pool of its own does (RAYON_NUM_THREADS may say
/// anything). Called before any such work.
pub fn bound_threads() {
    let threads = host::threads(None);
    if threads == host::MOST_THREADS {
        // Where it is there already, it has its threads.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let _ = pool.build_global();
    }
}

/// A limit on file sizes then shows as an error of the write, which names the file, in place of a
/// signal that ends the process. Called before any thread starts, all of them inherit it.
pub fn block_file_size_signal() {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigSet, Signal};
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGXFSZ);
        // Without it the limit still ends the run, only less politely.
        let _ = signals.thread_block();
    }
}
