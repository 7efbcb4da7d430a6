//! Command line: arguments and subcommands.

mod bench;
mod check;
mod cluster;
mod completions;
mod convert;
mod device_args;
mod devices;
mod files;
mod fluorophores;
mod init;
mod metrics;
mod output;
mod phantom;
mod placeholders;
mod plan;
mod progress;
mod psf;
mod run;
mod slips;
mod sweep;
mod timings;
mod view;
mod work;

use clap::{CommandFactory, Parser, Subcommand};
use simexm_gpu::internals::apps::view::ViewArgs;
use simexm_gpu::internals::base::program::{self, exit, report, tell};
use std::ffi::OsString;
use std::process::ExitCode;

pub(crate) use output::{say, say_bytes};

/// Simulates expansion microscopy: what would the microscope show of this tissue?
///
/// Takes a segmented volume as ground truth, labels cells with fluorophores, expands, images
/// through a microscope, and writes the channels and the ground truth as TIFF stacks, GIFs or
/// folders of PNGs.
#[derive(Debug, Parser)]
#[command(
    name = "simexm-gpu",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    after_help = "Example: simexm-gpu examples/brainbow.toml --seed 7 --set optics.exposure_time=0.2\n\n\
                  Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 130 interrupted.\n\
                  SIMEXM_BACKEND=auto|gpu|cpu chooses the backend where no flag does."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Simulate a configuration; the word may be left out.
    #[command(after_help = "Example: simexm-gpu run examples/brainbow.toml --seed 7")]
    Run(run::RunArgs),
    Check(check::CheckArgs),
    Plan(plan::PlanArgs),
    Task(cluster::TaskArgs),
    Merge(cluster::MergeArgs),
    Status(cluster::StatusArgs),
    Finish(cluster::FinishArgs),
    /// Write a commented configuration that runs as it is.
    Init(init::InitArgs),
    /// Write SimExm's .ini files as commented TOML.
    Convert(convert::ConvertArgs),
    /// List the fluorophores, or show the spectra of one.
    Fluorophores(fluorophores::FluorophoresArgs),
    /// Write a point spread function of a run as TIFF.
    Psf(psf::PsfArgs),
    /// Write a label volume of entangled neurites and somata, to try things out on.
    Phantom(phantom::PhantomArgs),
    View(ViewArgs),
    Sweep(sweep::SweepArgs),
    Metrics(metrics::MetricsArgs),
    Bench(bench::BenchArgs),
    /// List the adapters that --adapter can choose from.
    #[command(after_help = "Example: simexm-gpu devices")]
    Devices,
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

/// Parses the arguments and does what they say.
pub(crate) fn main() -> ExitCode {
    program::silence_device_selection();
    program::tell_defects();
    program::block_file_size_signal();
    program::bound_threads();
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(slip) = slips::mistyped_command(&words, &Cli::command()) {
        tell(&format!("error: {slip}"));
        return exit::USAGE.into();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            if let Some(slip) = slips::second_configuration(&error, &words) {
                tell(&format!("error: {slip}"));
                return exit::USAGE.into();
            }
            let printed = error.print();
            if error.use_stderr() {
                return exit::USAGE.into();
            }
            // Help and version are not errors.
            output::note(printed);
            return output::finish(exit::DONE).into();
        }
    };
    let code = match cli.command {
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::Plan(args)) => plan::plan(&args),
        Some(Command::Sweep(args)) => sweep::sweep(&args),
        Some(Command::Metrics(args)) => metrics::metrics(&args),
        Some(Command::Task(args)) => cluster::task(&args),
        Some(Command::Merge(args)) => cluster::merge(&args),
        Some(Command::Status(args)) => cluster::status(&args),
        Some(Command::Finish(args)) => cluster::finish(&args),
        Some(Command::Bench(args)) => bench::bench(&args),
        Some(Command::Devices) => devices::list(),
        Some(Command::Convert(args)) => convert::convert(&args),
        Some(Command::Init(args)) => init::init(&args),
        Some(Command::Phantom(args)) => phantom::write(&args),
        Some(Command::Fluorophores(args)) => fluorophores::fluorophores(&args),
        Some(Command::Psf(args)) => psf::psf(&args),
        Some(Command::View(args)) => view::view(&args),
        Some(Command::Completions(args)) => completions::completions(&args),
        Some(Command::Man(args)) => completions::man(&args),
        None => run::run(&cli.run),
    };
    output::finish(code).into()
}
