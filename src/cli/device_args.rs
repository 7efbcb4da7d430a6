//! Where something is computed: the flags that become keys of `[compute]`.

use clap::Args;
use simexm_gpu::config::{BackendChoice, Choice, Override};
use simexm_gpu::internals::engine::compute::{ComputeError, gpu};
use simexm_gpu::internals::run::simulation::SimulationError;
use simexm_gpu::internals::run::simulation::cluster::ClusterError;

/// The word for the CPU in a list of adapters.
const CPU: &str = "cpu";

#[derive(Debug, Args)]
pub(super) struct DeviceArgs {
    /// Where to compute: a hardware GPU if there is one (auto), any adapter (gpu), or the CPU
    #[arg(long, value_name = "auto|gpu|cpu", value_parser = backend)]
    backend: Option<BackendChoice>,
    /// Adapter to use: a part of its name or its index in `simexm-gpu devices`
    #[arg(long, value_name = "NAME-OR-INDEX")]
    adapter: Option<String>,
    /// Number of threads of the CPU's work
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
    /// Memory of the GPU that the run may take, like 300M, 2GB or 1.5GiB
    #[arg(long, value_name = "SIZE")]
    gpu_memory: Option<String>,
    /// Memory of the host that the run may take
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
}

fn backend(text: &str) -> Result<BackendChoice, String> {
    text.parse().map_err(|_| {
        let names: Vec<&str> = BackendChoice::all()
            .iter()
            .map(|choice| choice.as_str())
            .collect();
        format!("choose one of {}", names.join(", "))
    })
}

/// What the environment says of the backend.
pub(super) fn of_environment() -> Option<Override> {
    let value = std::env::var_os("SIMEXM_BACKEND").filter(|value| !value.is_empty())?;
    let value = value.to_string_lossy();
    Some(Override::new(
        "SIMEXM_BACKEND",
        &["compute", "backend"],
        &value,
    ))
}

impl DeviceArgs {
    /// The entries that the flags stand for.
    pub(super) fn flags(&self) -> Vec<Override> {
        let mut overrides = Vec::new();
        let mut flag = |name: &str, key: &str, value: Option<String>| {
            if let Some(value) = value {
                let label = format!("{name} {value}");
                overrides.push(Override::new(label, &["compute", key], &value));
            }
        };
        // A named adapter is meant to be used.
        if self.adapter.is_some() && self.backend.is_none() {
            flag("--adapter", "backend", Some(BackendChoice::Gpu.to_string()));
        }
        let backend = self.backend.map(|choice| choice.to_string());
        flag("--backend", "backend", backend);
        flag("--adapter", "adapter", self.adapter.clone());
        let threads = self.threads.map(|threads| threads.to_string());
        flag("--threads", "threads", threads);
        flag("--gpu-memory", "gpu_memory", self.gpu_memory.clone());
        flag("--memory", "memory", self.memory.clone());
        overrides
    }

    /// The entries for each device that `--adapter` names: `all`, or a list of indices and `cpu`.
    /// Those of one device are as [`DeviceArgs::overrides`] says.
    ///
    /// # Errors
    /// One of them is not there, or a list is meant for another backend.
    pub(super) fn of_each(&self) -> Result<Vec<Vec<Override>>, ClusterError> {
        let words: Vec<&str> = match self.adapter.as_deref() {
            Some(list) => list.split(',').map(str::trim).collect(),
            None => Vec::new(),
        };
        let is_index = |word: &&str| word.parse::<usize>().is_ok();
        let is_list = words.len() > 1 && words.iter().all(|word| is_index(word) || *word == CPU);
        let names: Vec<String> = match &words[..] {
            ["all"] => gpu::hardware().iter().map(ToString::to_string).collect(),
            _ if is_list => words.iter().map(|&word| word.to_owned()).collect(),
            _ => return Ok(vec![self.overrides()]),
        };
        if names.is_empty() {
            let reason = "--adapter all: there is no hardware GPU here; a list like 0,1,cpu names others (`simexm-gpu devices`)";
            let none = ComputeError::NoAdapter(reason.to_owned());
            return Err(SimulationError::from(none).into());
        }
        if let Some(backend) = self
            .backend
            .filter(|&backend| backend != BackendChoice::Gpu)
        {
            return Err(ClusterError::Refused(format!(
                "--backend {backend} with several adapters: leave it out; a list like 0,1,cpu has the CPU in it"
            )));
        }
        // Best known before one of the others does all there is to do.
        let adapters = gpu::adapters();
        for name in names.iter().filter(|name| *name != CPU) {
            gpu::pick(&adapters, Some(name), true).map_err(SimulationError::from)?;
        }
        Ok(names.iter().map(|name| self.of_one(name)).collect())
    }

    fn of_one(&self, name: &str) -> Vec<Override> {
        let is_cpu = name == CPU;
        let one = Self {
            backend: is_cpu.then_some(BackendChoice::Cpu),
            adapter: (!is_cpu).then(|| name.to_owned()),
            threads: None,
            gpu_memory: self.gpu_memory.clone(),
            memory: self.memory.clone(),
        };
        one.overrides()
    }

    /// As [`DeviceArgs::flags`], over what the environment says.
    pub(super) fn overrides(&self) -> Vec<Override> {
        of_environment().into_iter().chain(self.flags()).collect()
    }
}
