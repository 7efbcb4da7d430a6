//! What the project's programs share: exit codes, how they speak, and a signal that none of them
//! wants.

use super::host;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Prints a line to standard error; a closed pipe is nobody's concern.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// A flag that is set when a signal asks the process to stop; a second one ends it at once: files
/// under temporary names are removed by the next run, and finished slabs are kept all the same.
/// Where the system refuses, which is told too, the first one ends it.
pub fn notice_interrupts() -> (Arc<AtomicBool>, Result<(), ctrlc::Error>) {
    let interrupted = Arc::new(AtomicBool::new(false));
    let signal = Arc::clone(&interrupted);
    let handler = ctrlc::set_handler(move || {
        if signal.swap(true, Ordering::Relaxed) {
            end_at_once();
        }
        // Where nobody reads what is printed, printing waits, and the next signal must not.
        let _ = std::thread::Builder::new().spawn(|| tell("interrupted: stopping"));
    });
    (interrupted, handler)
}

/// Ends the process, whatever libraries have to do at the end.
fn end_at_once() -> ! {
    #[cfg(unix)]
    {
        // They may wait for what hangs.
        let _ = std::thread::Builder::new().spawn(|| {
            std::thread::sleep(std::time::Duration::from_secs(1));
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL)
        });
    }
    std::process::exit(exit::INTERRUPTED.into());
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
