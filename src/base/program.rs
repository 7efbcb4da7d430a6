//! What the project's programs share: exit codes, how they speak, and a signal that none of them
//! wants.

use super::host;
use super::text::shown;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::borrow::Cow;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
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
    /// Numbers overflow: no other attempt helps.
    pub const OVERFLOW: u8 = 3;
    /// Another attempt may do better, here or elsewhere: EX_TEMPFAIL of sysexits.h.
    pub const RETRY: u8 = 75;
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

/// Prints a line to standard error; a closed pipe is nobody's concern, and what cannot be seen is
/// spelled out. On a terminal what it begins
/// with is coloured, where that is an error or a warning, unless NO_COLOR is set.
pub fn tell(line: &str) {
    // It leaves colours out where nobody wants them, and translates them for old consoles.
    let _ = writeln!(anstream::stderr().lock(), "{}", coloured(&shown(line)));
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

/// Tells of a panic, which is a defect, what is of use in a report of it: no backtrace unless one
/// is asked for (RUST_BACKTRACE), and of the source's place no more than the crate.
pub fn tell_defects() {
    std::panic::set_hook(Box::new(|panic| {
        let what = panic.payload_as_str().unwrap_or("no reason was given");
        let place = panic.location().map_or_else(String::new, |place| {
            format!(" ({}:{})", within_crate(place.file()), place.line())
        });
        let version = env!("CARGO_PKG_VERSION");
        tell(&format!(
            "error: this is a defect of simexm-gpu {version}, please report it: {what}{place}"
        ));
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            tell(&trace.to_string());
        }
    }));
}

/// The path of a source file from its crate's folder on, wherever it was built.
fn within_crate(file: &str) -> String {
    let parts: Vec<&str> = file.split(['/', '\\']).collect();
    let source = parts.iter().rposition(|part| *part == "src").unwrap_or(0);
    parts[source.saturating_sub(1)..].join("/")
}

/// Leaves out a layer of Mesa's that would complain on standard error of machines without a desktop
/// (`error: XDG_RUNTIME_DIR is invalid or not set`) though nothing is wrong. It only sorts adapters
/// by the desktop's wishes.
///
/// For programs that open no window, before they start any thread.
pub fn silence_device_selection() {
    if cfg!(target_os = "linux") && is_noisy(|name| std::env::var_os(name)) {
        // SAFETY: this is the only thread, as every caller promises, so that no other one reads the
        // environment meanwhile.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var(NO_DEVICE_SELECTION, "1");
        }
    }
}

const NO_DEVICE_SELECTION: &str = "NODEVICE_SELECT";

/// Whether the layer would look for a Wayland display where libwayland can only complain. Who asks
/// the layer for something gets it.
fn is_noisy(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let is_path = |name| variable(name).is_some_and(|value| Path::new(&value).is_absolute());
    let asked = [NO_DEVICE_SELECTION, "MESA_VK_DEVICE_SELECT", "DRI_PRIME"];
    let display =
        is_path("XDG_RUNTIME_DIR") || is_path("WAYLAND_DISPLAY") || is_set("WAYLAND_SOCKET");
    !display && !asked.into_iter().any(is_set)
}

/// A flag that is set when a signal asks the process to stop; a second one ends it at once: files
/// under temporary names are removed by the next run, and finished slabs are kept all the same.
/// Where the system refuses, which is told too, the first one ends it.
pub fn notice_interrupts() -> (Arc<AtomicBool>, Result<(), ctrlc::Error>) {
    let interrupted = Arc::new(AtomicBool::new(false));
    let signal = Arc::clone(&interrupted);
    let handler = ctrlc::set_handler(move || {
        if signal.swap(true, Ordering::Relaxed) {
            end(exit::INTERRUPTED);
        }
        // Where nobody reads what is printed, printing waits, and the next signal must not.
        let _ = std::thread::Builder::new().spawn(|| tell("interrupted: stopping"));
    });
    (interrupted, handler)
}

/// Ends the process, whatever libraries have to do at the end.
pub fn end(code: u8) -> ! {
    #[cfg(unix)]
    {
        // They may wait for what hangs.
        let _ = std::thread::Builder::new().spawn(|| {
            std::thread::sleep(std::time::Duration::from_secs(1));
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL)
        });
    }
    std::process::exit(code.into());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_defects_hold_no_path_of_the_build() {
        for (file, place) in [
            ("src/base/host.rs", "src/base/host.rs"),
            (
                "/home/me/.cargo/registry/src/index-1f/tiff-0.11.3/src/decoder/mod.rs",
                "tiff-0.11.3/src/decoder/mod.rs",
            ),
            (
                "/rustc/abc/library/core/src/slice/mod.rs",
                "core/src/slice/mod.rs",
            ),
            ("C:\\cargo\\x-1.0.0\\src\\lib.rs", "x-1.0.0/src/lib.rs"),
            ("build.rs", "build.rs"),
        ] {
            assert_eq!(within_crate(file), place);
        }
    }

    #[test]
    fn the_layer_is_left_out_where_it_can_only_complain() {
        let noisy = |set: &[(&str, &str)]| {
            is_noisy(|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.into())
            })
        };
        assert!(noisy(&[]));
        assert!(noisy(&[("XDG_RUNTIME_DIR", "")]));
        assert!(noisy(&[
            ("DISPLAY", ":10.0"),
            ("WAYLAND_DISPLAY", "wayland-0")
        ]));
        for quiet in [
            ("XDG_RUNTIME_DIR", "/run/user/1000"),
            ("WAYLAND_DISPLAY", "/run/user/1000/wayland-0"),
            ("WAYLAND_SOCKET", "7"),
            ("NODEVICE_SELECT", "1"),
            ("MESA_VK_DEVICE_SELECT", "list"),
            ("DRI_PRIME", "1"),
        ] {
            assert!(!noisy(&[quiet]), "{quiet:?}");
        }
    }
}
