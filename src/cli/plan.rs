//! `simexm-gpu plan CONFIG`.

use super::cluster;
use super::progress::Progress;
use super::work::{configuration, on_threads, print};
use clap::{Args, ValueHint};
use simexm_gpu::config::Override;
use simexm_gpu::internals::apps::check::planning::plan as look;
use simexm_gpu::internals::run::simulation::cluster::{Machines, PlanOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Tell how a run will be cut into slabs and tiles, and what it takes of device, host and disk.
///
/// Only headers are read, nothing is written and no device is opened; the volume may be missing
/// where bounds tell its size. With --write it plans a run in tasks, for several processes or
/// machines (docs/cluster.md). Example: simexm-gpu plan examples/brainbow.toml --gpu-memory 8GB
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Configuration of the run
    config: PathBuf,
    /// Memory of the GPU that the run may take, like 300M, 2GB or 1.5GiB
    #[arg(long, value_name = "SIZE")]
    gpu_memory: Option<String>,
    /// Memory of the host that the run may take
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Plan a run in tasks, and write the plan to this folder, for `simexm-gpu task`
    #[arg(long, value_name = "RUN", value_hint = ValueHint::DirPath)]
    write: Option<PathBuf>,
    /// With --write: the box of images that a task makes, in pixels: whole shards, or all of an
    /// axis
    #[arg(long, value_name = "Z[,X,Y]", requires = "write", value_parser = cluster::core)]
    core: Option<[usize; 3]>,
    /// With --write: tell how long it takes on so many machines, and what stands in the way; a small
    /// part of the volume is made here to measure
    #[arg(long, value_name = "NUMBER", requires = "write", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    machines: Option<u64>,
    /// Cores of each machine that work; as many as here without it
    #[arg(long, value_name = "NUMBER", requires = "machines", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    cores: Option<u32>,
    /// Bytes that the kernels move on each machine's device in a second, as `--timings` tells, in
    /// GB/s; what this CPU does without it
    #[arg(long, value_name = "GB/S", requires = "machines", value_parser = cluster::bandwidth)]
    device_bandwidth: Option<f64>,
    /// Bytes that the store gives and takes in a second, all machines together, in GB/s
    #[arg(long, value_name = "GB/S", requires = "machines", value_parser = cluster::bandwidth)]
    store_bandwidth: Option<f64>,
    /// Print one JSON object (see docs/plan.md) and nothing else
    #[arg(long)]
    json: bool,
    /// Set a key of the configuration; may be given several times
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<Override>,
}

impl PlanArgs {
    fn options(&self) -> PlanOptions {
        let machines = self.machines.map(|number| Machines {
            number,
            cores: self.cores.map(|cores| cores as usize),
            device_bytes_per_second: self.device_bandwidth,
            store_bytes_per_second: self.store_bandwidth,
        });
        PlanOptions {
            core: self.core,
            machines,
        }
    }
}

/// Plans a run; returns the exit code.
pub(super) fn plan(args: &PlanArgs) -> u8 {
    let mut overrides = args.set.clone();
    let budgets = [
        ("--gpu-memory", "gpu_memory", &args.gpu_memory),
        ("--memory", "memory", &args.memory),
    ];
    for (flag, key, value) in budgets {
        if let Some(value) = value {
            let label = format!("{flag} {value}");
            overrides.push(Override::new(label, &["compute", key], value));
        }
    }
    if let Some(folder) = &args.write {
        overrides.extend(cluster::defaults());
        return match configuration(&args.config, &overrides) {
            Ok(config) => cluster::write_plan(&config, folder, args.options(), args.json),
            Err(code) => code,
        };
    }
    let found = configuration(&args.config, &overrides).and_then(|config| {
        let mut progress = Progress::new(args.json, Arc::new(AtomicBool::new(false)));
        on_threads(&config, || look(&config, &mut progress))
    });
    found.map_or_else(|code| code, |found| print(&found, args.json))
}
