//! `simexm-gpu task`, `merge`, `status` and `finish`: a run in tasks, in a folder that
//! `simexm-gpu plan CONFIG --write` made.

use super::device_args::DeviceArgs;
use super::progress::Progress;
use super::work::{in_pool, print};
use super::{exit, report, say};
use clap::Args;
use simexm_gpu::config::Override;
use simexm_gpu::internals::base::host;
use simexm_gpu::internals::base::program;
use simexm_gpu::internals::engine::compute::ComputeError;
use simexm_gpu::internals::io::write::WriteError;
use simexm_gpu::internals::run::pipeline::RunError;
use simexm_gpu::internals::run::simulation::cluster::{
    self, ClusterError, FinishOptions, Phase, PlanFile, PlanOptions,
};
use simexm_gpu::internals::run::simulation::{SimulationError, Watcher};
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Do tasks of a run in a folder that `simexm-gpu plan CONFIG --write RUN` made.
///
/// Tasks may be done anywhere, in any order and several times: those with a receipt are passed
/// over, and one that was killed is done again. Example: simexm-gpu task RUN image 0..10
#[derive(Debug, Args)]
#[command(
    after_help = "Several devices of a machine share the tasks: --adapter all takes all GPUs, --adapter 0,1,cpu these \
                        (`simexm-gpu devices` has their indices).\n\n\
                        Exit codes: 0 done, 1 failed, 2 the plan or the configuration is wrong and another attempt \
                        fails alike, 3 numbers overflow and no attempt helps, 75 worth another attempt (memory, disk, \
                        device, or a merge that is to come), 130 interrupted."
)]
pub(super) struct TaskArgs {
    /// Folder of the run
    run: PathBuf,
    /// Kind of the tasks
    #[arg(value_name = "survey|scale|image")]
    phase: Phase,
    /// A task, tasks N..M without M, or a list as `status --missing` prints it (3,17-40); those
    /// behind the last are passed over
    #[arg(value_name = "N[..M]")]
    tasks: TaskList,
    /// Do them also where their receipts are there
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    device: DeviceArgs,
    /// Print warnings and errors only
    #[arg(short, long)]
    quiet: bool,
}

/// Merge what the tasks of a phase found, for the next phase.
///
/// Example: simexm-gpu merge RUN survey
#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// Folder of the run
    run: PathBuf,
    /// Kind of the tasks
    #[arg(value_name = "survey|scale")]
    phase: Phase,
}

/// Tell how far a run in tasks is, or which of its tasks are missing.
///
/// Example: sbatch --array=$(simexm-gpu status RUN --missing image) task.sh
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Folder of the run
    run: PathBuf,
    /// Print the tasks without a receipt and nothing else, in the words that Slurm takes: 3,17-40
    #[arg(long, value_name = "survey|scale|image")]
    missing: Option<Phase>,
    /// With --missing: print the numbers of jobs that do so many tasks each
    #[arg(long, value_name = "N", requires = "missing", value_parser = clap::value_parser!(u64).range(1..))]
    each: Option<u64>,
    /// Print one JSON object and nothing else
    #[arg(long, conflicts_with = "missing")]
    json: bool,
}

/// Check what the tasks of a run left, and complete its output.
///
/// Every receipt and every shard is read; what is missing or wrong is named, and nothing is
/// written. Example: simexm-gpu finish RUN --verify 0.001
#[derive(Debug, Args)]
pub(super) struct FinishArgs {
    /// Folder of the run
    run: PathBuf,
    /// Do this share of the tasks (0 to 1) once more, at least one, and compare bytes
    #[arg(long, value_name = "SHARE", value_parser = share)]
    verify: Option<f64>,
    /// Take tasks of several types of devices, which agree within rounding only
    #[arg(long)]
    mixed: bool,
    #[command(flatten)]
    device: DeviceArgs,
    /// Print warnings and errors only
    #[arg(short, long)]
    quiet: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok();
    let share = share.filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share is a number from 0 to 1".to_owned())
}

/// Ranges of tasks, and those that were named by themselves.
#[derive(Clone, Debug)]
struct TaskList {
    ranges: Vec<Range<u64>>,
    named: Vec<u64>,
}

impl FromStr for TaskList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |word: &str| word.trim().parse::<u64>().ok();
        let range = |word: &str| {
            if let Some((first, end)) = word.split_once("..") {
                return Some(number(first)?..number(end)?);
            }
            if let Some((first, last)) = word.split_once('-') {
                return Some(number(first)?..number(last)?.checked_add(1)?);
            }
            let only = number(word)?;
            Some(only..only.checked_add(1)?)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        let ranges = ranges.filter(|ranges| ranges.iter().all(|range| range.start <= range.end));
        let named = text.split(',').filter_map(number).collect();
        ranges.map(|ranges| Self { ranges, named }).ok_or_else(|| {
            "tasks are a number, N..M (without M), or a list like 3,17-40".to_owned()
        })
    }
}

/// The exit code of an error: whether another attempt is worth it.
fn code(error: &ClusterError) -> u8 {
    let error = match error {
        ClusterError::Refused(_) => return exit::USAGE,
        ClusterError::TooEarly(_) => return exit::RETRY,
        ClusterError::Io { source, .. } => return code_of_system(source.kind()),
        ClusterError::Damaged(_) => return exit::FAILED,
        ClusterError::Simulation(error) => error,
    };
    match error {
        SimulationError::Interrupted => exit::INTERRUPTED,
        SimulationError::Run(RunError::Overflow(_)) => exit::OVERFLOW,
        // Another machine may have one.
        SimulationError::Compute(ComputeError::NoAdapter(_)) => exit::RETRY,
        SimulationError::Write(WriteError::Io { error, .. }) => code_of_system(error.kind()),
        SimulationError::Write(WriteError::Format { .. } | WriteError::IsInput { .. }) => {
            exit::USAGE
        }
        error if error.is_configuration() => exit::USAGE,
        SimulationError::Read(_) | SimulationError::Load(_) => exit::FAILED,
        _ => exit::RETRY,
    }
}

/// The exit code where the system refuses: what is not there or not allowed does not come by
/// itself, while disks are emptied and mounted again.
fn code_of_system(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::FileTooLarge => exit::USAGE,
        _ => exit::RETRY,
    }
}

/// Does something with a folder's plan; an error is told, and becomes the exit code.
fn with_plan<T: Send>(
    run: &Path,
    threads: Option<usize>,
    work: impl FnOnce(&PlanFile) -> Result<T, ClusterError> + Send,
) -> Result<T, u8> {
    let done = in_pool(host::threads(threads), || {
        PlanFile::open(run).and_then(|plan| work(&plan))
    })?;
    done.map_err(|error| {
        report(&error);
        code(&error)
    })
}

fn watched(quiet: bool) -> Progress {
    let (interrupted, handler) = program::notice_interrupts();
    let mut progress = Progress::new(quiet, interrupted);
    if let Err(error) = handler {
        progress.warn(&format!("Ctrl-C will not clean up: {error}"));
    }
    progress
}

/// Does tasks; returns the exit code.
pub(super) fn task(args: &TaskArgs) -> u8 {
    let mut progress = watched(args.quiet);
    let devices = match args.device.of_each() {
        Ok(devices) => devices,
        Err(error) => {
            report(&error);
            return code(&error);
        }
    };
    let done = with_plan(&args.run, args.device.threads, |plan| {
        let all = plan.tasks(args.phase);
        let mut named = args.tasks.named.iter();
        if let Some(only) = named.find(|&&task| task >= all && all > 0) {
            return Err(ClusterError::Refused(format!(
                "{}: there is no task {} of the phase {}: they are 0 to {}",
                args.run.display(),
                only,
                args.phase,
                all - 1
            )));
        }
        let (tasks, again) = (&args.tasks.ranges, args.again);
        cluster::run_tasks_on(plan, args.phase, tasks, again, &devices, &mut progress)
    });
    match done {
        Ok(done) => {
            if !args.quiet {
                say(&match done.known {
                    0 => format!("done    {} tasks", done.made),
                    known => format!("done    {} tasks; {known} were before", done.made),
                });
            }
            exit::DONE
        }
        Err(code) => code,
    }
}

/// Merges; returns the exit code.
pub(super) fn merge(args: &MergeArgs) -> u8 {
    match with_plan(&args.run, None, |plan| cluster::merge(plan, args.phase)) {
        Ok(merged) => {
            say(&format!("merged  {merged}"));
            exit::DONE
        }
        Err(code) => code,
    }
}

/// Tells how far a run is; returns the exit code.
pub(super) fn status(args: &StatusArgs) -> u8 {
    if let Some(phase) = args.missing {
        let missing = with_plan(&args.run, None, |plan| cluster::missing(plan, phase));
        return match missing {
            Ok(missing) if missing.is_empty() => exit::DONE,
            Ok(missing) => {
                say(&cluster::in_words(&missing, args.each.unwrap_or(1)));
                exit::DONE
            }
            Err(code) => code,
        };
    }
    match with_plan(&args.run, None, cluster::status) {
        Ok(status) => print(&status, args.json),
        Err(code) => code,
    }
}

/// Finishes a run; returns the exit code.
pub(super) fn finish(args: &FinishArgs) -> u8 {
    let mut progress = watched(args.quiet);
    let overrides: Vec<Override> = args.device.overrides();
    let options = FinishOptions {
        verify: args.verify.unwrap_or(0.0),
        mixed: args.mixed,
    };
    let done = with_plan(&args.run, args.device.threads, |plan| {
        cluster::finish(plan, options, &overrides, &mut progress)
    });
    match done {
        Ok(done) => {
            if !args.quiet {
                say(&format!("output  {}", done.folder.display()));
                let checked = host::amount(done.bytes);
                say(&format!(
                    "checked {} tasks, {} shards, {checked}{}",
                    done.tasks,
                    done.shards,
                    match done.verified {
                        0 => String::new(),
                        tasks => format!("; {tasks} done once more, alike to the byte"),
                    }
                ));
                say(&format!("device  {}", done.device));
            }
            exit::DONE
        }
        Err(code) => code,
    }
}

/// Size (z, x, y) of the box of images that a task makes.
pub(super) fn core(text: &str) -> Result<[usize; 3], String> {
    let sizes: Vec<usize> = text
        .split(',')
        .map_while(|word| word.trim().parse().ok())
        .collect();
    match (sizes.len(), text.split(',').count()) {
        (3, 3) => Ok([sizes[0], sizes[1], sizes[2]]),
        (1, 1) => Ok([sizes[0], usize::MAX, usize::MAX]),
        _ => Err("give slices, rows and columns (Z,X,Y), or slices alone".to_owned()),
    }
}

/// Bytes per second, of GB per second.
pub(super) fn bandwidth(text: &str) -> Result<f64, String> {
    let rate = text.trim().parse().ok();
    let rate = rate.filter(|rate: &f64| (1e-6..=1e9).contains(rate));
    let rate = rate.ok_or("give GB per second, like 0.5 or 2000")?;
    Ok(rate * 1e9)
}

/// What a configuration means for tasks where it says nothing: no fact of all pixels goes into one.
pub(super) fn defaults() -> impl Iterator<Item = Override> {
    let entries = [
        ("format", "ome-zarr"),
        ("normalize", "none"),
        ("bit_depth", "16"),
    ];
    entries
        .into_iter()
        .map(|(key, value)| Override::where_unset("plan --write", &["output", key], value))
}

/// Writes a plan; returns the exit code.
pub(super) fn write_plan(
    config: &simexm_gpu::Config,
    folder: &Path,
    options: PlanOptions,
    json: bool,
) -> u8 {
    let mut progress = Progress::new(json, Arc::new(AtomicBool::new(false)));
    let written = in_pool(host::threads(config.compute.threads), || {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        cluster::write_plan(config, &folder, options, &mut progress)
    });
    match written {
        Err(code) => code,
        Ok(Ok(planned)) => print(&planned, json),
        Ok(Err(error)) => {
            report(&error);
            code(&error)
        }
    }
}
