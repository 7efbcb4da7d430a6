//! `simexm-gpu bench` and `simexm-gpu bench compare`.

use super::files::NewFile;
use super::progress::Progress;
use super::{exit, report, say, tell};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use simexm_gpu::config::BackendChoice;
use simexm_gpu::internals::apps::bench::compare::compare;
use simexm_gpu::internals::apps::bench::file::BenchFile;
use simexm_gpu::internals::apps::bench::{self, BenchDevice, BenchOptions, Size};
use simexm_gpu::internals::base::program;
use simexm_gpu::internals::engine::compute::ComputeError;
use simexm_gpu::internals::engine::compute::gpu::{adapters, pick};
use simexm_gpu::internals::run::simulation::SimulationError;
use std::error::Error;
use std::path::PathBuf;

/// Measure this machine's GPUs and its CPU, and check that they compute the same.
///
/// Runs over made-up tissue, from labels in memory to grey values in memory: times of the whole and
/// of every pass, held against the device's own copy bandwidth, start-up, where CPU and GPU cross
/// over, and checksums of every integer result. Without --adapter or --all it takes the adapter
/// that a run would take. The CPU is always measured. Exit code 1 where a device failed or results
/// differ.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples: simexm-gpu bench --all --json here.json\n          \
                  simexm-gpu bench compare here.json there.json"
)]
pub(super) struct BenchArgs {
    #[command(subcommand)]
    command: Option<BenchCommand>,
    /// Adapter to measure: a part of its name or its index in `simexm-gpu devices`; may be given
    /// several times
    #[arg(long, value_name = "NAME-OR-INDEX")]
    adapter: Vec<String>,
    /// Measure all adapters, software ones too
    #[arg(long, conflicts_with = "adapter")]
    all: bool,
    /// Largest tissue: 0.5, 3 or 17 million voxels; on a CPU some seconds to a minute or two
    #[arg(long, value_enum, default_value = "small")]
    size: SizeName,
    /// Timed runs of each job, after one that is not timed
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    repeat: u16,
    /// Write all figures to a file, as docs/bench.md describes it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    json: Option<PathBuf>,
    /// Write a page that needs no network
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    html: Option<PathBuf>,
    /// Replace the files if they exist
    #[arg(long)]
    force: bool,
    /// Print no progress
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    Compare(CompareArgs),
}

/// Print files of `simexm-gpu bench --json` side by side, and whether their results are equal.
///
/// Integer results must be equal to the bit; those that depend on the convolution agree within
/// rounding. Exit code 1 where they do not, 2 where a file cannot be compared.
#[derive(Debug, Args)]
#[command(after_help = "Example: simexm-gpu bench compare here.json there.json")]
struct CompareArgs {
    /// The files
    #[arg(required = true, num_args = 2.., value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SizeName {
    /// For tests: tells nothing of speed
    #[value(hide = true)]
    Tiny,
    Small,
    Medium,
    Large,
}

impl From<SizeName> for Size {
    fn from(name: SizeName) -> Self {
        match name {
            SizeName::Tiny => Self::Tiny,
            SizeName::Small => Self::Small,
            SizeName::Medium => Self::Medium,
            SizeName::Large => Self::Large,
        }
    }
}

/// Measures, or compares measurements; returns the exit code.
pub(super) fn bench(args: &BenchArgs) -> u8 {
    if let Some(BenchCommand::Compare(args)) = &args.command {
        return compare_files(&args.files);
    }
    let prepared = (|| -> Result<_, Box<dyn Error>> {
        let file = |path: &Option<PathBuf>| {
            let path = path.as_ref();
            path.map(|path| NewFile::prepare(path, args.force))
                .transpose()
        };
        if args.json.is_some() && args.json == args.html {
            return Err("--json and --html name the same file".into());
        }
        let devices = devices(args)?;
        Ok((devices, file(&args.json)?, file(&args.html)?))
    })();
    let (devices, json, html) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            report(error.as_ref());
            return exit::USAGE;
        }
    };
    // Without a handler Ctrl-C ends the process at once, and nothing is written either.
    let (interrupted, _) = program::notice_interrupts();
    let mut progress = Progress::new(args.quiet, interrupted);
    let options = BenchOptions {
        size: args.size.into(),
        repeat: args.repeat.into(),
    };
    let measured = match bench::measure(devices, options, &mut progress) {
        Ok(measured) => measured,
        Err(error @ SimulationError::Interrupted) => {
            report(&error);
            return exit::INTERRUPTED;
        }
        Err(error) => {
            report(&error);
            return exit::FAILED;
        }
    };
    say(bench::text(&measured).trim_end());
    let written = (|| -> Result<(), Box<dyn Error>> {
        if let Some(json) = json {
            let mut text = serde_json::to_string_pretty(&measured)?;
            text.push('\n');
            json.write(text.as_bytes())?;
        }
        if let Some(html) = html {
            html.write(bench::page(&measured).as_bytes())?;
        }
        Ok(())
    })();
    if let Err(error) = written {
        report(error.as_ref());
        return exit::FAILED;
    }
    if measured.is_sound() {
        exit::DONE
    } else {
        tell("error: a device failed, or results differ that must be equal; see above");
        exit::FAILED
    }
}

/// Takes the CPU, and the adapters that are asked for.
fn devices(args: &BenchArgs) -> Result<Vec<BenchDevice>, Box<dyn Error>> {
    let found = adapters();
    let indices: Vec<usize> = if args.all {
        (0..found.len()).collect()
    } else if args.adapter.is_empty() {
        match backend()? {
            BackendChoice::Cpu => Vec::new(),
            choice => match pick(&found, None, choice == BackendChoice::Gpu) {
                Ok(index) => vec![index],
                Err(ComputeError::NoAdapter(reason)) => {
                    if !args.quiet {
                        tell(&format!("measuring the CPU alone: {reason}"));
                    }
                    Vec::new()
                }
                Err(error) => return Err(error.into()),
            },
        }
    } else {
        let mut indices = Vec::new();
        for wanted in &args.adapter {
            let index = pick(&found, Some(wanted), true)?;
            if !indices.contains(&index) {
                indices.push(index);
            }
        }
        indices
    };
    let gpus = found.into_iter().enumerate();
    let gpus = gpus.filter(|(index, _)| indices.contains(index));
    let gpus = gpus.map(|(index, summary)| BenchDevice::adapter(index, summary));
    Ok(std::iter::once(BenchDevice::cpu()).chain(gpus).collect())
}

/// Reads the backend from the environment, as a run does.
fn backend() -> Result<BackendChoice, Box<dyn Error>> {
    let value = std::env::var_os("SIMEXM_BACKEND").filter(|value| !value.is_empty());
    let Some(value) = value else {
        return Ok(BackendChoice::Auto);
    };
    let value = value.to_string_lossy();
    value.parse().map_err(|_| {
        format!("SIMEXM_BACKEND={value}: there is no such backend; choose one of auto, gpu, cpu")
            .into()
    })
}

/// Prints a comparison; returns the exit code.
fn compare_files(paths: &[PathBuf]) -> u8 {
    let mut files = Vec::new();
    for path in paths {
        match BenchFile::read(path) {
            Ok(file) => files.push((path.display().to_string(), file)),
            Err(error) => {
                report(&error);
                return exit::USAGE;
            }
        }
    }
    match compare(&files) {
        Ok(comparison) => {
            say(comparison.text.trim_end());
            if comparison.agrees() {
                exit::DONE
            } else {
                tell("error: results differ that must be equal; see above");
                exit::FAILED
            }
        }
        Err(error) => {
            report(&error);
            exit::USAGE
        }
    }
}
