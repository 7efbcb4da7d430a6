//! `simexm-gpu completions` and `simexm-gpu man`, made from the definitions of the help.

use super::{Cli, exit, report, say_bytes};
use clap::{Args, CommandFactory, ValueEnum, ValueHint};
use clap_complete::Shell;
use std::io;
use std::path::PathBuf;

/// Name of the program.
const NAME: &str = "simexm-gpu";

/// Print a script that completes simexm-gpu's commands and flags in a shell.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples: simexm-gpu completions bash > ~/.local/share/bash-completion/completions/simexm-gpu\n          \
                  simexm-gpu completions zsh > ~/.zfunc/_simexm-gpu    (a folder of $fpath)\n          \
                  simexm-gpu completions fish > ~/.config/fish/completions/simexm-gpu.fish"
)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: KnownShell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KnownShell {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script; returns the exit code.
pub(super) fn completions(args: &CompletionsArgs) -> u8 {
    let shell = match args.shell {
        KnownShell::Bash => Shell::Bash,
        KnownShell::Zsh => Shell::Zsh,
        KnownShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    if let (KnownShell::Bash, Ok(text)) = (args.shell, std::str::from_utf8(&script)) {
        // Mends clap's script, which a hyphen in the program's name breaks: it sets states of one
        // name and looks for those of another, so that nothing behind a subcommand completes
        // (https://github.com/clap-rs/clap/issues/6421).
        script = text
            .replace("simexm__subcmd__gpu", "simexm__gpu")
            .into_bytes();
    }
    say_bytes(&script);
    exit::DONE
}

/// Print the manual page, or write those of all subcommands.
#[derive(Debug, Args)]
#[command(after_help = "Examples: simexm-gpu man | man -l -\n          \
                  simexm-gpu man view | man -l -\n          \
                  simexm-gpu man --output ~/.local/share/man/man1")]
pub(super) struct ManArgs {
    /// Subcommand whose page is printed; without it that of simexm-gpu itself
    subcommand: Option<String>,
    /// Folder to write all pages to, as simexm-gpu.1, simexm-gpu-view.1 and so on; existing ones
    /// are replaced
    #[arg(long, value_name = "DIR", conflicts_with = "subcommand", value_hint = ValueHint::DirPath)]
    output: Option<PathBuf>,
}

/// Prints or writes manual pages; returns the exit code.
pub(super) fn man(args: &ManArgs) -> u8 {
    match try_man(args) {
        Ok(()) => exit::DONE,
        Err(ManError::Unknown { .. }) => {
            let names = named_subcommands().join(", ");
            let name = args.subcommand.clone().unwrap_or_default();
            report(&ManError::Unknown { name, names });
            exit::USAGE
        }
        Err(error) => {
            report(&error);
            exit::FAILED
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum ManError {
    #[error("there is no subcommand {name:?}; there are {names}")]
    Unknown { name: String, names: String },
    #[error("{}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
}

fn named_subcommands() -> Vec<String> {
    let command = Cli::command();
    let names = command.get_subcommands();
    names.map(|command| command.get_name().to_owned()).collect()
}

fn try_man(args: &ManArgs) -> Result<(), ManError> {
    let mut command = Cli::command();
    command.build();
    let write = |path: &PathBuf, error| ManError::Write {
        path: path.clone(),
        error,
    };
    if let Some(folder) = &args.output {
        std::fs::create_dir_all(folder).map_err(|error| write(folder, error))?;
        return clap_mangen::generate_to(Cli::command(), folder)
            .map_err(|error| write(folder, error));
    }
    let page = match &args.subcommand {
        None => command,
        Some(name) => {
            let found = command
                .get_subcommands()
                .find(|known| known.get_name() == name);
            found.cloned().ok_or(ManError::Unknown {
                name: name.clone(),
                names: String::new(),
            })?
        }
    };
    let mut text = Vec::new();
    let rendered = clap_mangen::Man::new(page).render(&mut text);
    rendered.map_err(|error| write(&PathBuf::from("standard output"), error))?;
    say_bytes(&text);
    Ok(())
}
