//! `simexm-gpu convert`.

use super::files::{NewFile, shell_word};
use super::work::configuration;
use super::{exit, report, say};
use clap::Args;
use simexm_gpu::config::{Config, ConfigError};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Arguments of `convert`.
#[derive(Debug, Args)]
#[command(after_help = "Example: simexm-gpu convert old.ini new.toml\n\n\
                  Paths beneath the folder of NEW become relative to it, others absolute: the relative paths of an\n\
                  .ini file start at the working directory, so convert it where it was run. A TOML file is\n\
                  commented, nothing else. No volume is looked at.")]
pub(super) struct ConvertArgs {
    /// Configuration to convert: one of SimExm's .ini files, or TOML
    old: PathBuf,
    /// TOML file to write; without it the standard output, with absolute paths
    new: Option<PathBuf>,
    /// Replace NEW if it exists
    #[arg(long)]
    force: bool,
}

/// Writes a configuration as commented TOML; returns the exit code.
pub(super) fn convert(args: &ConvertArgs) -> u8 {
    let config = match configuration(&args.old, &[]) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let Some(new) = &args.new else {
        say(config.to_commented_toml().trim_end());
        return exit::DONE;
    };
    match write(&config, new, args.force) {
        Ok(()) => {
            say(&format!(
                "{} is written; run it with: simexm-gpu {}",
                new.display(),
                shell_word(new)
            ));
            exit::DONE
        }
        Err(error) => {
            report(error.as_ref());
            match error.downcast_ref() {
                Some(ConfigError::Invalid(_)) => exit::USAGE,
                _ => exit::FAILED,
            }
        }
    }
}

fn write(config: &Config, new: &Path, force: bool) -> Result<(), Box<dyn Error>> {
    // The file must read back: with paths that are not Unicode it would not.
    config.validate()?;
    if !new
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("toml"))
    {
        let new = new.display();
        return Err(format!("{new}: TOML is written, so the name must end in .toml").into());
    }
    let file = NewFile::prepare(new, force)?;
    let text = config.to_commented_toml_in(file.folder());
    file.write(text.as_bytes())?;
    Ok(())
}
