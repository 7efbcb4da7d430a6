//! Small text files that a subcommand writes: whole or not at all, and over nothing without being told to.

use simexm_gpu::io::write::{OutputFolder, WriteError};
use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A file to be written, as its folder (absolute) and its name there.
pub(super) fn place(path: &Path) -> Result<(PathBuf, PathBuf), Box<dyn Error>> {
    let name = path
        .file_name()
        .filter(|name| *name != OsStr::new(""))
        .ok_or_else(|| format!("{} is not the name of a file", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    // The folder of a plain name is the working directory, and not the empty path.
    let folder = match folder.as_os_str().is_empty() {
        true => std::env::current_dir()?,
        false => std::path::absolute(folder)?,
    };
    Ok((folder, PathBuf::from(name)))
}

/// Writes a text into a folder of outputs that expects it.
pub(super) fn write(output: &mut OutputFolder, name: &Path, text: &str) -> Result<(), WriteError> {
    output.create(name)?.write_whole(text.as_bytes())
}

/// A path as one word of a command line.
pub(super) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-\\:".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
