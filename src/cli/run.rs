//! `simexm-gpu CONFIG`.

use super::device_args::{DeviceArgs, of_environment};
use super::files::shell_word;
use super::progress::Progress;
use super::work::{configuration, on_threads};
use super::{check, exit, placeholders, report, say, timings};
use clap::Args;
use simexm_gpu::config::{Config, Override};
use simexm_gpu::internals::apps::check::CheckOptions;
use simexm_gpu::internals::base::{host, program};
use simexm_gpu::internals::run::outputs::quicklook::QUICKLOOK_NAME;
use simexm_gpu::internals::run::simulation::{self, Options, Report, StageTime, Watcher};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Configuration of the run: TOML, or one of SimExm's .ini files
    #[arg(required = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
    /// Seed of all random draws; without one it is drawn and printed
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Folder for the output, in place of [output] path; {name}, {seed} and {section.key} in it
    /// stand for their values
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Set a key of the configuration; may be given several times
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<Override>,
    /// Run nothing: tell what can be known before, as `simexm-gpu check` does
    #[arg(long)]
    dry_run: bool,
    /// Write report.html too: parameters, spectra, point spread functions, images, histograms,
    /// times, warnings
    #[arg(long)]
    report: bool,
    /// Look at the output in a window when the run is done (see `simexm-gpu view`)
    #[arg(short, long)]
    view: bool,
    /// Replace files that simexm-gpu did not write
    #[arg(long)]
    force: bool,
    /// Go on with a run that was stopped, from its last finished slab
    #[arg(long)]
    resume: bool,
    /// Print what each pass on the device moved, and how fast
    #[arg(long)]
    timings: bool,
    /// Print warnings and errors only
    #[arg(short, long)]
    quiet: bool,
}

impl RunArgs {
    /// Collects the overrides of the configuration, the later over the earlier: the environment,
    /// --set, and the flags.
    fn overrides(&self) -> Vec<Override> {
        let mut overrides: Vec<Override> = of_environment().into_iter().collect();
        overrides.extend(self.set.iter().cloned());
        overrides.extend(self.device.flags());
        if let Some(seed) = self.seed {
            let label = format!("--seed {seed}");
            let seed = seed.to_string();
            overrides.push(Override::new(label, &["compute", "seed"], &seed));
        }
        overrides
    }

    /// Reads the configuration, with the folder of the output; errors are told and become exit
    /// codes.
    fn configuration(&self, path: &Path) -> Result<Config, u8> {
        let usage = |error: Box<dyn std::error::Error>| {
            report(error.as_ref());
            exit::USAGE
        };
        let mut overrides = self.overrides();
        let Some(folder) = &self.output else {
            return configuration(path, &overrides);
        };
        let mut folder = folder.clone();
        if let Some(text) = folder.to_str().filter(|text| placeholders::has_any(text)) {
            let mut config = configuration(path, &overrides)?;
            if config.compute.seed.is_none() && placeholders::has_seed(text) {
                // The run would draw it, too late for the name.
                let seed: u64 = rand::random();
                let label = format!("--seed {seed}");
                overrides.push(Override::new(
                    label,
                    &["compute", "seed"],
                    &seed.to_string(),
                ));
                config.compute.seed = Some(seed);
            }
            let filled = placeholders::fill(text, &config);
            folder = filled
                .map_err(|error| usage(format!("--output {text}: {error}").into()))?
                .into();
        }
        overrides.push(Override::output_path(&folder).map_err(|error| usage(error.into()))?);
        configuration(path, &overrides)
    }
}

/// Runs a configuration; returns the exit code.
pub(super) fn run(args: &RunArgs) -> u8 {
    let Some(path) = &args.config else {
        return exit::USAGE;
    };
    let config = match args.configuration(path) {
        Ok(config) => config,
        Err(code) => return code,
    };
    if args.dry_run {
        return check::of(&config, CheckOptions::default(), false, args.quiet);
    }
    let viewer = match args.view.then(super::view::program).transpose() {
        Ok(viewer) => viewer,
        Err(code) => return code,
    };
    let (interrupted, handler) = program::notice_interrupts();
    let mut progress = Progress::new(args.quiet, interrupted);
    if let Err(error) = handler {
        progress.warn(&format!("Ctrl-C will not clean up: {error}"));
    }
    let options = Options {
        force: args.force,
        report: args.report,
        resume: args.resume,
        ..Options::default()
    };
    match on_threads(&config, || {
        simulation::simulate(&config, options, &mut progress)
    }) {
        Ok(outcome) => {
            if !args.quiet {
                summary(&outcome);
            }
            if args.timings {
                timings::table(&outcome.passes())
                    .iter()
                    .for_each(|line| say(line));
            }
            match viewer {
                Some(viewer) => super::view::view_run(&viewer, &outcome.folder),
                None => exit::DONE,
            }
        }
        Err(code) => code,
    }
}

/// Prints the last lines of a run: the output's folder and the times, and what to do next.
fn summary(report: &Report) {
    let list = |times: &[StageTime]| {
        let time = |t: &StageTime| format!("{} {:.2} s", t.stage, t.time.as_secs_f64());
        times.iter().map(time).collect::<Vec<_>>().join(", ")
    };
    let [z, x, y] = report.image_shape;
    say(&format!(
        "output  {} ({z} {} of {x} x {y} pixels)",
        report.folder.display(),
        if z == 1 { "slice" } else { "slices" }
    ));
    say(&format!("seed    {}", report.seed));
    say(&format!("device  {}", report.device));
    say(&format!("time    {}", list(&report.stages)));
    let device = report.device_times();
    if !device.is_empty() {
        say(&format!("        on the device: {}", list(&device)));
    }
    if let Some(bytes) = host::peak_memory() {
        say(&format!("memory  {} MB at the peak", bytes / 1_000_000));
    }
    let folder = from_here(&report.folder);
    say(&format!(
        "next    simexm-gpu view {}; or at a glance: {}",
        shell_word(&folder),
        folder.join(QUICKLOOK_NAME).display()
    ));
    match report.warnings {
        0 => {}
        1 => say("warned  once, see above"),
        count => say(&format!("warned  {count} times, see above")),
    }
}

/// A path as it is typed here, where it lies below the working directory.
fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below
        .filter(|below| !below.as_os_str().is_empty())
        .unwrap_or_else(|| path.to_owned())
}
