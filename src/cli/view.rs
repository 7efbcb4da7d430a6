//! `simexm-gpu view`, and the window after a run: left to the window's own program.

use super::{exit, report};
use simexm_gpu::internals::apps::view::{ViewArgs, ViewError, display};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The window's program.
const PROGRAM: &str = "simexm-gpu-view";

/// Shows volumes; returns the exit code.
pub(super) fn view(args: &ViewArgs) -> u8 {
    match program() {
        Ok(program) => start(&program, args),
        Err(code) => code,
    }
}

/// Shows the output of a run; returns the exit code.
pub(super) fn view_run(program: &Path, folder: &Path) -> u8 {
    start(program, &ViewArgs::of_run(folder))
}

/// Where the window's program is; or an error, told already, where no window can be opened. Best
/// known before a long run.
pub(super) fn program() -> Result<PathBuf, u8> {
    let found = display().map_err(Unable::from).and_then(|()| find());
    found.map_err(|error| {
        report(&error);
        exit::USAGE
    })
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
enum Unable {
    #[error(transparent)]
    NoDisplay(#[from] ViewError),
    #[error(
        "the viewer is a program of its own, {PROGRAM}, which is neither beside simexm-gpu nor on \
         the PATH; `cargo install --path crates/viewer` installs it; or look at quicklook.png \
         beside the output of a run"
    )]
    Missing,
    #[error("{}: cannot be started", .program.display())]
    Start {
        program: PathBuf,
        source: std::io::Error,
    },
}

/// Beside this program, or else on the PATH.
fn find() -> Result<PathBuf, Unable> {
    let name = format!("{PROGRAM}{}", env::consts::EXE_SUFFIX);
    let here = env::current_exe().ok();
    let beside = here.as_deref().and_then(Path::parent).map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    beside
        .into_iter()
        .chain(env::split_paths(&path))
        .map(|folder| folder.join(&name))
        .find(|program| program.is_file())
        .ok_or(Unable::Missing)
}

/// Starts the window's program; returns its exit code.
fn start(program: &Path, args: &ViewArgs) -> u8 {
    let mut command = Command::new(program);
    command.args(args.words());
    let source = match replace(&mut command) {
        Ok(code) => return code,
        Err(source) => source,
    };
    report(&Unable::Start {
        program: program.to_owned(),
        source,
    });
    exit::FAILED
}

/// Becomes the other program: who stops this process stops the window.
#[cfg(unix)]
fn replace(command: &mut Command) -> std::io::Result<u8> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

/// Waits for the other program.
#[cfg(not(unix))]
fn replace(command: &mut Command) -> std::io::Result<u8> {
    let code = command.status()?.code();
    Ok(code
        .and_then(|code| code.try_into().ok())
        .unwrap_or(exit::FAILED))
}
