//! `simexm-gpu sweep`.

use super::files::NewFile;
use super::metrics::{chosen, metric};
use super::progress::Progress;
use super::work::{configuration, on_threads};
use super::{exit, report, say};
use clap::{Args, ValueHint};
use simexm_gpu::config::{
    Axis, Config, Crop, MOST_SEEDS, Metric, Override, Requirement, SweepKeys,
};
use simexm_gpu::internals::apps::sweep::{self, SharedContrast, Sweep, SweepError, SweepOptions};
use simexm_gpu::internals::base::program;
use std::error::Error;
use std::path::{Path, PathBuf};

/// Compare settings: which experiment shows what is needed?
///
/// Runs a grid of settings over one piece of tissue, measures each run against its ground truth,
/// and writes sweep.csv, sweep.json, the contact sheet sweep.png and the page sweep.html. A sweep
/// that was stopped goes on where it was; runs that are there are not made again. What flags do not
/// say, [sweep] of the configuration may. docs/sweep.md.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: simexm-gpu sweep examples/brainbow.toml --vary expansion.factor=4,10,16 \
                  --vary labeling.red.labeling_density=0.05,0.2 --require \"separability>0.9\" -o examples/output/sweep"
)]
pub(super) struct SweepArgs {
    /// Configuration (TOML or SimExm's .ini)
    #[arg(value_hint = ValueHint::FilePath)]
    config: PathBuf,
    /// Key and the values that it takes; given several times, every value with every other. The
    /// values of the last one are the columns
    #[arg(long, value_name = "KEY=A,B,C")]
    vary: Vec<Axis>,
    /// Runs of each setting, each with a seed of its own; 1 without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_SEEDS))]
    seeds: Option<u64>,
    /// Voxels of the middle of the volume to look at; without it at most 32,128,128
    #[arg(long, value_name = "Z,X,Y", value_parser = voxels, conflicts_with = "whole")]
    crop: Option<Crop>,
    /// Look at the whole volume
    #[arg(long)]
    whole: bool,
    /// Metrics to measure, with commas between them; all without it
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = metric)]
    metrics: Vec<Metric>,
    /// What is asked for, like "separability>0.9"; may be given several times. The answer names the
    /// cheapest setting, or what stands against it
    #[arg(long, value_name = "METRIC>NUMBER")]
    require: Vec<Requirement>,
    /// Folder for the files; without it that of the run, with -sweep behind its name
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: Option<PathBuf>,
    /// Set a key of all runs; may be given several times
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<Override>,
    /// Which pictures share their contrast: those of a column, all or none
    #[arg(long, value_name = "column|all|none", default_value = "column")]
    contrast: SharedContrast,
    /// Write the volumes of all runs, too, below DIR/volumes
    #[arg(long)]
    keep_volumes: bool,
    /// Replace files that are not of a sweep
    #[arg(long)]
    force: bool,
    /// Print the answer, warnings and errors only
    #[arg(short, long)]
    quiet: bool,
}

fn voxels(text: &str) -> Result<Crop, String> {
    let numbers: Result<Vec<usize>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let numbers = numbers
        .ok()
        .and_then(|numbers| <[usize; 3]>::try_from(numbers).ok());
    let numbers = numbers.filter(|numbers| !numbers.contains(&0));
    numbers
        .map(Crop::Voxels)
        .ok_or_else(|| "three whole numbers from 1 on are wanted: Z,X,Y".to_owned())
}

/// The files of a sweep. The one that tells whose they are is written first.
const FILES: [&str; 4] = ["sweep.json", "sweep.csv", "sweep.png", "sweep.html"];

/// Sweeps; returns the exit code.
pub(super) fn sweep(args: &SweepArgs) -> u8 {
    let mut entries = Vec::new();
    if let Some(value) = std::env::var_os("SIMEXM_BACKEND").filter(|value| !value.is_empty()) {
        let value = value.to_string_lossy();
        entries.push(Override::new(
            "SIMEXM_BACKEND",
            &["compute", "backend"],
            &value,
        ));
    }
    entries.extend(args.set.iter().cloned());
    let config = match configuration(&args.config, &entries) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let folder = match folder(args, &config) {
        Ok(folder) => folder,
        Err(error) => {
            report(error.as_ref());
            return exit::USAGE;
        }
    };
    let options = match options(args, config.sweep.clone().unwrap_or_default()) {
        Ok(options) => options,
        Err(error) => return failed(&error),
    };
    let (interrupted, handler) = program::notice_interrupts();
    let mut progress = Progress::new(args.quiet, interrupted);
    if let Err(error) = handler {
        use simexm_gpu::internals::run::simulation::Watcher;
        progress.warn(&format!("Ctrl-C will not clean up: {error}"));
    }
    let done = on_threads(&config, || {
        Ok(sweep::sweep(
            &args.config,
            &entries,
            &options,
            &folder,
            &mut progress,
        ))
    });
    let found = match done {
        Ok(found) => found,
        Err(code) => return code,
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return failed(&error),
    };
    if let Err(error) = write(args, &folder, &found) {
        report(error.as_ref());
        return exit::FAILED;
    }
    if let Some(answer) = &found.file.answer {
        say(&answer.words);
    }
    if !args.quiet {
        say(&format!(
            "output  {}: {}",
            folder.display(),
            FILES.join(", ")
        ));
    }
    exit::DONE
}

/// What is swept: flags take the place of keys of `[sweep]`.
fn options(args: &SweepArgs, keys: SweepKeys) -> Result<SweepOptions, SweepError> {
    fn given<T: Clone>(flags: &[T], keys: Vec<T>) -> Vec<T> {
        if flags.is_empty() {
            keys
        } else {
            flags.to_vec()
        }
    }
    let axes = given(&args.vary, keys.vary);
    if axes.is_empty() {
        return Err(SweepError::Usage(format!(
            "{}: nothing varies; give --vary SECTION.KEY=VALUE,VALUE,... or [sweep] vary = \
             [\"SECTION.KEY=VALUE,VALUE,...\"]",
            args.config.display()
        )));
    }
    let requirements = given(&args.require, keys.require);
    Ok(SweepOptions {
        axes,
        seeds: args.seeds.unwrap_or(keys.seeds),
        crop: match (args.whole, args.crop) {
            (true, _) => Crop::Whole,
            (false, Some(crop)) => crop,
            (false, None) => keys.crop,
        },
        metrics: sweep::needed(&chosen(&given(&args.metrics, keys.metrics)), &requirements),
        requirements,
        keep_volumes: args.keep_volumes,
    })
}

fn failed(error: &SweepError) -> u8 {
    report(error);
    match error {
        error if error.is_interrupt() => exit::INTERRUPTED,
        error if error.is_usage() => exit::USAGE,
        _ => exit::FAILED,
    }
}

/// The folder of a sweep, in which its files may be written.
fn folder(args: &SweepArgs, config: &Config) -> Result<PathBuf, Box<dyn Error>> {
    let folder = match &args.output {
        Some(folder) => std::path::absolute(folder)?,
        None => {
            let run = config.output.folder();
            let name = run
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            run.with_file_name(format!("{name}-sweep"))
        }
    };
    let is_ours = is_ours(&folder);
    for name in FILES {
        NewFile::prepare(&folder.join(name), args.force || is_ours)?;
    }
    Ok(folder)
}

/// Whether a folder is that of an earlier sweep, by its sweep.json. Where there is none, a sweep
/// has not come to write any of its files.
fn is_ours(folder: &Path) -> bool {
    let path = folder.join(FILES[0]);
    let file = path.is_file().then(|| std::fs::File::open(&path).ok());
    let file = file.flatten();
    let found = file.and_then(|file| {
        let file = std::io::BufReader::new(file);
        serde_json::from_reader::<_, serde_json::Value>(file).ok()
    });
    found.is_some_and(|found| {
        found["schema"].is_u64()
            && found["version"].is_string()
            && found["piece"]["shape_voxels"].is_array()
            && found["axes"].is_array()
            && found["cells"].is_array()
    })
}

fn write(args: &SweepArgs, folder: &Path, found: &Sweep) -> Result<(), Box<dyn Error>> {
    let contrast = args.contrast;
    let mut json = serde_json::to_string_pretty(&found.file)?;
    json.push('\n');
    let contents = [
        json.into_bytes(),
        sweep::csv(&found.file),
        sweep::sheet(found, contrast).to_png()?,
        sweep::page(found, contrast).into_bytes(),
    ];
    for (name, content) in FILES.into_iter().zip(contents) {
        NewFile::prepare(&folder.join(name), true)?.write(&content)?;
    }
    Ok(())
}
