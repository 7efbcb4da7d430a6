//! Where something is computed: the flags that become keys of `[compute]`.

use clap::Args;
use simexm_gpu::config::{BackendChoice, Choice, Override};

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

    /// As [`DeviceArgs::flags`], over what the environment says.
    pub(super) fn overrides(&self) -> Vec<Override> {
        of_environment().into_iter().chain(self.flags()).collect()
    }
}
