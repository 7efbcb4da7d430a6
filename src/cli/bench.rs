//! `simexm-gpu bench` and `simexm-gpu bench compare`.

use super::files::NewFile;
use super::progress::Progress;
use super::{exit, report, say, tell};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use simexm_gpu::config::{BackendChoice, Config, Override, OverrideError};
use simexm_gpu::internals::apps::bench::compare::compare;
use simexm_gpu::internals::apps::bench::file::BenchFile;
use simexm_gpu::internals::apps::bench::{self, BenchDevice, BenchOptions, Size};
use simexm_gpu::internals::base::program;
use simexm_gpu::internals::engine::compute::ComputeError;
use simexm_gpu::internals::engine::compute::gpu::{adapters, pick};
use simexm_gpu::internals::run::simulation::SimulationError;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// Largest tissue: 0.5, 3 or 17 million voxels; auto is, for each device, the largest that it
    /// does in half a minute
    #[arg(long, value_enum, default_value = "auto")]
    size: SizeName,
    /// Timed runs of each job, after one that is not timed
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    repeat: u16,
    /// Longest for one device, in seconds; one that does not come back is left behind
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    time_limit: u32,
    /// Most memory for the buffers of one device, like "2 GB"
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<u64>,
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
    Auto,
    Small,
    Medium,
    Large,
}

impl SizeName {
    fn size(self) -> Option<Size> {
        match self {
            Self::Auto => None,
            Self::Tiny => Some(Size::Tiny),
            Self::Small => Some(Size::Small),
            Self::Medium => Some(Size::Medium),
            Self::Large => Some(Size::Large),
        }
    }
}

/// Files that are written anew after each device.
struct Files<'a> {
    args: &'a BenchArgs,
    /// Whether they hold the devices of this measurement.
    are_ours: bool,
}

impl Files<'_> {
    /// Checks that they may be written.
    fn check(&self) -> Result<(), Box<dyn Error>> {
        for path in [&self.args.json, &self.args.html].into_iter().flatten() {
            NewFile::prepare(path, self.args.force)?;
        }
        Ok(())
    }

    fn write(&mut self, measured: &BenchFile) -> Result<(), Box<dyn Error>> {
        let force = self.args.force || self.are_ours;
        if let Some(path) = &self.args.json {
            let mut text = serde_json::to_string_pretty(measured)?;
            text.push('\n');
            NewFile::prepare(path, force)?.write(text.as_bytes())?;
        }
        if let Some(path) = &self.args.html {
            NewFile::prepare(path, force)?.write(bench::page(measured).as_bytes())?;
        }
        self.are_ours = true;
        Ok(())
    }
}

/// Measures, or compares measurements; returns the exit code.
pub(super) fn bench(args: &BenchArgs) -> u8 {
    if let Some(BenchCommand::Compare(args)) = &args.command {
        return compare_files(&args.files);
    }
    let mut files = Files {
        args,
        are_ours: false,
    };
    let prepared = (|| -> Result<_, Box<dyn Error>> {
        if args.json.is_some() && args.json == args.html {
            return Err("--json and --html name the same file".into());
        }
        files.check()?;
        devices(args)
    })();
    let devices = match prepared {
        Ok(devices) => devices,
        Err(error) => {
            report(error.as_ref());
            return exit::USAGE;
        }
    };
    // Without a handler Ctrl-C ends the process at once, and nothing more is written either.
    let (interrupted, _) = program::notice_interrupts();
    let mut progress = Progress::new(args.quiet, interrupted);
    let options = BenchOptions {
        size: args.size.size(),
        repeat: args.repeat.into(),
        time: Duration::from_secs(args.time_limit.into()),
        // Half a minute, as the help says.
        size_time: Duration::from_secs(30),
        memory_bytes: args.memory.unwrap_or(u64::MAX),
    };
    let mut failure = None;
    let measured = bench::measure(devices, options, &mut progress, &mut |measured| {
        files.write(measured).map_err(|error| {
            failure = Some(error);
            SimulationError::Unsupported("the results cannot be written".to_owned())
        })
    });
    let code = match (measured, failure) {
        (_, Some(error)) => {
            report(error.as_ref());
            exit::FAILED
        }
        (Err(error @ SimulationError::Interrupted), _) => {
            report(&error);
            exit::INTERRUPTED
        }
        (Err(error), _) => {
            report(&error);
            exit::FAILED
        }
        (Ok(measured), None) => {
            say(bench::text(&measured).trim_end());
            match measured.is_sound() {
                true => exit::DONE,
                false => {
                    tell("error: a device failed, or results differ that must be equal; see above");
                    exit::FAILED
                }
            }
        }
    };
    match code {
        exit::DONE => code,
        // A driver may still be at work.
        code => program::end(code),
    }
}

/// Reads a size of memory, as a configuration does.
fn memory(text: &str) -> Result<u64, String> {
    let memory: Override = format!("compute.gpu_memory={text:?}")
        .parse()
        .map_err(|error: OverrideError| error.to_string())?;
    let plain = Config::default().to_toml();
    let config = Config::from_toml_str(&plain, "--memory", Path::new("."), &[memory]);
    let bytes = config.ok().and_then(|config| config.compute.gpu_memory);
    bytes.ok_or_else(|| "a size from 1 MB to 1 EB, like \"2 GB\", is wanted".to_owned())
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
