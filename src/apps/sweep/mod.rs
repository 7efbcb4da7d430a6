//! A grid of runs over one piece of tissue, measured and compared: the application behind
//! `simexm-gpu sweep` (docs/sweep.md).

mod answer;
mod cell;
mod grid;
mod inputs;
mod page;
mod sheet;
mod table;
mod tissue;

pub use answer::{Answer, needed};
pub use grid::{MOST_RUNS, in_words};
pub use page::page;
pub use sheet::{SharedContrast, sheet};
pub use table::{SCHEMA, Summary, SweepCell, SweepFile, SweepRun, csv};
pub use tissue::Piece;

use crate::apps::metrics::Metric;
use crate::base::progress::Observer;
use crate::config::{Axis, Config, ConfigError, Crop, Override, Requirement};
use crate::io::read::ReadError;
use crate::optics::physical::keep_kernels;
use crate::run::simulation::{SimulationError, Simulator, Watcher};
use cell::{Identity, Slice};
use inputs::Inputs;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tissue::SharedTissue;

/// Name of the folder that keeps what was measured.
const RUNS_FOLDER: &str = "runs";

/// Name of the folder of the volumes of all runs.
const VOLUMES_FOLDER: &str = "volumes";

/// Most bytes of point spread functions that are kept for the next run.
const KEPT_KERNEL_BYTES: usize = 256 << 20;

/// What a sweep does.
#[derive(Clone, Debug)]
pub struct SweepOptions {
    /// What varies.
    pub axes: Vec<Axis>,
    /// Runs of each cell of the grid, each with a seed of its own.
    pub seeds: u64,
    /// The piece of tissue.
    pub crop: Crop,
    /// What is measured.
    pub metrics: Vec<Metric>,
    /// What is asked for.
    pub requirements: Vec<Requirement>,
    /// Whether the volumes of the runs are written, too, below `volumes` in the folder.
    pub keep_volumes: bool,
}

/// Why a sweep fails.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The configuration of a cell is wrong.
    #[error("{settings}: {source}")]
    Config {
        /// The settings of the cell, in words.
        settings: String,
        /// What is wrong.
        source: Box<ConfigError>,
    },
    /// A run fails.
    #[error("{settings}: {source}")]
    Run {
        /// The settings of the cell, in words.
        settings: String,
        /// What is wrong.
        source: Box<SweepError>,
    },
    /// The tissue cannot be simulated.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The tissue cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file that a configuration names cannot be read.
    #[error("{}: {source}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
    /// A file of the sweep cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
}

impl SweepError {
    /// Whether the user stopped it.
    #[must_use]
    pub fn is_interrupt(&self) -> bool {
        match self {
            Self::Simulation(error) => matches!(error, SimulationError::Interrupted),
            Self::Run { source, .. } => source.is_interrupt(),
            _ => false,
        }
    }

    /// Whether what was asked for is wrong, and not what was done.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Usage(_) | Self::Config { .. } => true,
            Self::Simulation(error) => error.is_configuration(),
            Self::Run { source, .. } => source.is_usage(),
            Self::Read(_) | Self::Input { .. } | Self::Write { .. } => false,
        }
    }
}

/// What a sweep found, and the slices that show it.
pub struct Sweep {
    /// All figures.
    pub file: SweepFile,
    /// The middle slice of the first run of each cell.
    slices: Vec<Slice>,
}

/// Runs a grid over the tissue of a configuration file, with these entries beside it, and keeps
/// what it measured below `folder`. Runs that are there already are not made again.
///
/// # Errors
/// See [`SweepError`].
pub fn sweep(
    path: &Path,
    entries: &[Override],
    options: &SweepOptions,
    folder: &Path,
    watcher: &mut dyn Watcher,
) -> Result<Sweep, SweepError> {
    let axes = &options.axes;
    if let Some(key) = grid::repeated(axes) {
        return Err(SweepError::Usage(format!(
            "{key} varies twice; give all of its values in one --vary"
        )));
    }
    let runs = grid::cells(axes).and_then(|cells| cells.checked_mul(options.seeds));
    if runs.is_none_or(|runs| runs > MOST_RUNS) {
        let asked = runs.map_or_else(|| "2^64 or more".to_owned(), |runs| runs.to_string());
        return Err(SweepError::Usage(format!(
            "{asked} runs are asked for; a sweep has at most {MOST_RUNS}"
        )));
    }
    let all = grid::settings(axes);
    // All of them, so that the last one does not fail after hours.
    let configs: Result<Vec<Config>, SweepError> = all
        .iter()
        .map(|settings| {
            grid::configuration(path, entries, axes, settings).map_err(|source| {
                SweepError::Config {
                    settings: in_words(axes, settings),
                    source: Box::new(source),
                }
            })
        })
        .collect();
    let mut configs = configs?;
    if let Some(why) = answer::impossible(&options.requirements, &configs) {
        return Err(SweepError::Usage(why));
    }
    let Some(first) = configs.first_mut() else {
        return Err(SweepError::Usage("there is nothing to vary".to_owned()));
    };
    let tissue = SharedTissue::read(first, options.crop, watcher)?;
    let first_seed = first.compute.seed.unwrap_or(0);
    let compute = first.compute.clone();
    let runs_folder = folder.join(RUNS_FOLDER);
    std::fs::create_dir_all(&runs_folder).map_err(|source| SweepError::Write {
        path: runs_folder.clone(),
        source,
    })?;
    // Settings that change no light have the same point spread functions.
    keep_kernels(KEPT_KERNEL_BYTES);
    let mut simulator: Option<Simulator> = None;
    let mut quiet = Hushed {
        watcher,
        told: BTreeSet::new(),
    };
    let mut inputs = Inputs::default();
    let (mut cells, mut slices) = (Vec::new(), Vec::new());
    for (number, (settings, config)) in all.into_iter().zip(configs).enumerate() {
        let words = in_words(axes, &settings);
        let mut runs = Vec::new();
        for seed in 0..options.seeds {
            let config = cell::prepared(config.clone(), &tissue, first_seed.wrapping_add(seed));
            let of_cell = |source| SweepError::Run {
                settings: words.clone(),
                source: Box::new(source),
            };
            let identity = Identity::new(&config, &tissue, &mut inputs)?;
            let known = cell::known(&runs_folder, &identity, &options.metrics);
            let run = match known {
                Some(run) => run,
                None => {
                    let simulator = match &mut simulator {
                        Some(simulator) => simulator,
                        none => none.insert(Simulator::new(&compute, quiet.watcher)?),
                    };
                    let metrics = &options.metrics;
                    let run =
                        cell::run(simulator, &config, &identity, &tissue, metrics, &mut quiet)
                            .map_err(of_cell)?;
                    run.keep(&runs_folder)?;
                    run
                }
            };
            if options.keep_volumes {
                let volumes = folder.join(VOLUMES_FOLDER);
                cell::write_volumes(&config, &identity, &volumes, &mut quiet).map_err(of_cell)?;
            }
            runs.push(run);
            if quiet.interrupted() {
                return Err(SimulationError::Interrupted.into());
            }
        }
        slices.extend(runs.first().map(|run| run.slice.clone()));
        let seeds = (0..options.seeds).map(|seed| first_seed.wrapping_add(seed));
        let cell = SweepCell::new(
            settings,
            &config,
            seeds.zip(runs).collect(),
            &options.metrics,
        );
        let of = axes.iter().map(|axis| axis.values.len()).product::<usize>();
        quiet
            .watcher
            .note(&format!("{} of {of}: {}", number + 1, cell.in_words(axes)));
        cells.push(cell);
    }
    let mut file = SweepFile {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: path
            .file_stem()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        piece: tissue.piece,
        axes: axes.clone(),
        seeds: options.seeds,
        metrics: options.metrics.clone(),
        cells,
        answer: None,
    };
    if !options.requirements.is_empty() {
        file.answer = Some(Answer::new(&file, &options.requirements));
    }
    Ok(Sweep { file, slices })
}

/// A watcher of many runs: their stages are not told, and a warning only once.
struct Hushed<'a> {
    watcher: &'a mut dyn Watcher,
    told: BTreeSet<String>,
}

impl Observer for Hushed<'_> {
    fn begin(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, _: usize) {}
    fn end(&mut self) {}
    fn interrupted(&self) -> bool {
        self.watcher.interrupted()
    }
}

impl Watcher for Hushed<'_> {
    fn note(&mut self, _: &str) {}
    fn warn(&mut self, text: &str) {
        if self.told.insert(text.to_owned()) {
            self.watcher.warn(text);
        }
    }
}
