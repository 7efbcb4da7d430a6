//! Standard output. What cannot be printed is missed at the end, unless nobody wants to read on.

use simexm_gpu::internals::base::program::{exit, tell};
use simexm_gpu::internals::base::text::shown;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::Mutex;

/// The first error of standard output.
static FAILURE: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line to standard output. On a terminal what cannot be seen is spelled out.
pub(crate) fn say(line: &str) {
    let mut output = io::stdout().lock();
    let line = match output.is_terminal() {
        true => shown(line),
        false => line.into(),
    };
    note(writeln!(output, "{line}"));
}

/// Prints bytes to standard output.
pub(crate) fn say_bytes(bytes: &[u8]) {
    note(io::stdout().lock().write_all(bytes));
}

/// Keeps the error of something that was printed, for [`finish`].
pub(super) fn note(printed: io::Result<()>) {
    if let (Err(error), Ok(mut failure)) = (printed, FAILURE.lock()) {
        failure.get_or_insert(error);
    }
}

/// The exit code of a command that ends with `code`: a failure where not all of its output could be
/// printed. A reader that has closed its pipe has seen enough.
pub(super) fn finish(code: u8) -> u8 {
    note(io::stdout().flush());
    let failure = FAILURE.lock().ok().and_then(|mut failure| failure.take());
    match failure {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => {
            tell(&format!(
                "error: standard output cannot be written to, and what was printed is not complete: {error}"
            ));
            if code == exit::DONE {
                exit::FAILED
            } else {
                code
            }
        }
        _ => code,
    }
}
