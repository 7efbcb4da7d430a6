//! What is most likely meant where the arguments are none: a mistyped command, a second
//! configuration, a folder or an image in the place of a configuration.

use super::files::shell_word;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};
use simexm_gpu::config::ConfigError;
use simexm_gpu::internals::base::nearest::nearest;
use simexm_gpu::internals::io::read::{self, ReadError};
use simexm_gpu::internals::run::simulation::RECORD_NAME;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What to say of a first word that is neither a command nor a file, but nearly a command, or a mere
/// word; and of one that help is asked for.
pub(super) fn mistyped_command(words: &[OsString], commands: &Command) -> Option<String> {
    let (help, word) = match words {
        [first, word, ..] if first == "help" => ("help ", word.to_str()?),
        [word, ..] => ("", word.to_str()?),
        [] => return None,
    };
    let mut names: Vec<&str> = commands.get_subcommands().map(Command::get_name).collect();
    names.push("help");
    if word.starts_with('-') || names.contains(&word) || Path::new(word).exists() {
        return None;
    }
    let what = match help {
        "" => "neither a command nor a configuration",
        _ => "no command",
    };
    if let Some(meant) = nearest(word, &names) {
        return Some(format!(
            "there is {what} {word:?}; did you mean `simexm-gpu {help}{meant}`?"
        ));
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (!help.is_empty() || word.chars().all(is_word)).then(|| {
        format!(
            "there is {what} {word:?}; commands are {}",
            names.join(", ")
        )
    })
}

/// What to say of a second configuration, behind the first word and perhaps other arguments.
pub(super) fn second_configuration(error: &Error, words: &[OsString]) -> Option<String> {
    let unexpected = match error.kind() {
        ErrorKind::UnknownArgument => error.get(ContextKind::InvalidArg),
        // Where commands may stand, clap takes it for one.
        ErrorKind::ArgumentConflict => error.get(ContextKind::InvalidSubcommand),
        _ => None,
    };
    let Some(ContextValue::String(second)) = unexpected else {
        return None;
    };
    let word = words.iter().find(|word| *word != "run")?;
    let (first, second) = (Path::new(word), Path::new(second));
    if !first.is_file() || second.to_string_lossy().starts_with('-') {
        return None;
    }
    let way = match second.is_file() {
        true => {
            "; to run several, one after the other: for file in A B; do simexm-gpu \"$file\"; done"
        }
        false => "",
    };
    let (first, second) = (shell_word(first), shell_word(second));
    Some(format!(
        "{second}: a run takes one configuration, and {first} is one already{way}"
    ))
}

/// What to type in place of something that is no configuration.
pub(super) fn no_configuration(path: &Path, error: &ConfigError) -> Option<String> {
    if path.is_dir() {
        return Some(of_folder(path));
    }
    // What reads as a configuration, and be it a wrong one, is one.
    if matches!(error, ConfigError::Invalid(_)) || !path.is_file() {
        return None;
    }
    let word = shell_word(path);
    match read::open(path, None) {
        Ok(_) => Some(format!(
            "{} is an image, no configuration; of labels, `simexm-gpu init --image {word}` writes a configuration for \
             them; `simexm-gpu view {word}` shows it",
            path.display()
        )),
        Err(error @ ReadError::Foreign { .. }) => Some(format!(
            "{} is no configuration. Were it labels: {error}",
            path.display()
        )),
        Err(_) => None,
    }
}

fn of_folder(path: &Path) -> String {
    let (shown, word) = (path.display(), shell_word(path));
    if let Some(record) = record_in(path) {
        let record = shell_word(&record);
        return format!(
            "{shown} is the output of a run, no configuration; `simexm-gpu view {word}` shows it, and \
             `simexm-gpu {record} --output FOLDER` repeats the run"
        );
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    entries.sort();
    if let Some(run) = entries.iter().find(|entry| record_in(entry).is_some()) {
        let run = shell_word(run);
        return format!(
            "{shown} is a folder of runs' outputs, no configuration; `simexm-gpu view {run}` shows one"
        );
    }
    let is_configuration = |entry: &&PathBuf| {
        let end = entry.extension();
        end.is_some_and(|end| end.eq_ignore_ascii_case("toml") || end.eq_ignore_ascii_case("ini"))
    };
    if let Some(config) = entries.iter().find(is_configuration) {
        let config = shell_word(config);
        return format!(
            "{shown} is a folder, and a configuration is a file, as `simexm-gpu {config}` has it"
        );
    }
    if read::open(path, None).is_ok() {
        return format!(
            "{shown} is a folder of images, no configuration; of labels, `simexm-gpu init --image {word}` writes a \
             configuration for them; `simexm-gpu view {word}` shows them"
        );
    }
    format!("{shown} is a folder, and a configuration is a file; `simexm-gpu init` writes one")
}

/// The record of a run in its output folder.
fn record_in(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(RECORD_NAME)).filter(|record| record.is_file())
}
