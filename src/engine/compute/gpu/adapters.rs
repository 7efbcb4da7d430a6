//! Which adapters there are, and which one to take.

use super::boundary::caught;
use super::memory;
use crate::base::host;
use crate::base::host::default_host_bytes;
use crate::engine::compute::{ComputeError, Limits, MemoryKind};
use std::fmt;

/// An adapter, as `simexm-gpu devices` shows it.
#[derive(Clone, Debug)]
pub struct AdapterSummary {
    /// The adapter's name.
    pub name: String,
    /// Vulkan, Metal or DX12.
    pub backend: String,
    /// The driver's name and version.
    pub driver: String,
    /// True for an emulation on the CPU, like lavapipe.
    pub software: bool,
    /// True where it shares the host's memory.
    pub shares_host_memory: bool,
    /// "discrete GPU", "integrated GPU", ...
    pub kind: &'static str,
    /// Largest storage binding in bytes.
    pub binding_bytes: u64,
    /// Workgroup memory in bytes.
    pub workgroup_bytes: u32,
}

impl AdapterSummary {
    fn new(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let limits = adapter.limits();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete GPU",
            wgpu::DeviceType::IntegratedGpu => "integrated GPU",
            wgpu::DeviceType::VirtualGpu => "virtual GPU",
            wgpu::DeviceType::Cpu => "software",
            wgpu::DeviceType::Other => "unknown kind",
        };
        Self {
            driver: format!("{} {}", info.driver, info.driver_info)
                .trim()
                .to_owned(),
            backend: info.backend.to_string(),
            software: info.device_type == wgpu::DeviceType::Cpu,
            shares_host_memory: matches!(
                info.device_type,
                wgpu::DeviceType::Cpu | wgpu::DeviceType::IntegratedGpu
            ),
            kind,
            binding_bytes: storage_binding_bytes(&limits),
            workgroup_bytes: limits.max_compute_workgroup_storage_size,
            name: info.name,
        }
    }

    /// What a run may use of it: where the host's memory is shared, half of what is available
    /// there; else a share of what the driver tells, or an amount that every current discrete
    /// adapter has.
    pub(super) fn limits(&self, adapter: &wgpu::Adapter, device: &wgpu::Limits) -> Limits {
        const DISCRETE: u64 = 2 << 30;
        let (residence, bytes) = if self.shares_host_memory {
            (MemoryKind::Unified, host::available_memory() / 2)
        } else {
            let told = memory::of(adapter);
            (
                MemoryKind::Discrete,
                told.map_or(DISCRETE, |memory| memory.share()),
            )
        };
        Limits {
            binding_bytes: storage_binding_bytes(device),
            buffer_bytes: device.max_buffer_size,
            wanted_bytes: bytes,
            total_bytes: bytes,
            workgroup_bytes: device.max_compute_workgroup_storage_size,
            residence,
            host_bytes: default_host_bytes(),
        }
    }
}

fn storage_binding_bytes(limits: &wgpu::Limits) -> u64 {
    // Shaders index words with 32 bits; 2^31 bytes stay clear of every driver's signed sizes.
    limits
        .max_storage_buffer_binding_size
        .min(limits.max_buffer_size)
        .min((1 << 31) - 1)
        & !3
}

impl fmt::Display for AdapterSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.backend, self.kind)
    }
}

fn found() -> Vec<wgpu::Adapter> {
    let backends = wgpu::Backends::from_env().unwrap_or(wgpu::Backends::PRIMARY);
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    descriptor.flags = descriptor.flags.with_env();
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(backends));
    adapters.retain(|adapter| {
        let compute = wgpu::DownlevelFlags::COMPUTE_SHADERS;
        adapter.get_downlevel_capabilities().flags.contains(compute)
    });
    adapters
}

/// All adapters that can compute, in the order of their indices.
pub fn adapters() -> Vec<AdapterSummary> {
    // A driver that does not even survive to be asked is none.
    caught(|| found().iter().map(AdapterSummary::new).collect()).unwrap_or_default()
}

/// Indices of the hardware GPUs; of those that several interfaces offer, each by one of them.
pub fn hardware() -> Vec<usize> {
    hardware_of(&adapters())
}

fn hardware_of(adapters: &[AdapterSummary]) -> Vec<usize> {
    let hardware = || adapters.iter().enumerate().filter(|(_, a)| !a.software);
    let first = hardware().next().map(|(_, adapter)| &adapter.backend);
    let of_first = hardware().filter(|(_, adapter)| Some(&adapter.backend) == first);
    of_first.map(|(index, _)| index).collect()
}

pub(super) fn choose(
    wanted: Option<&str>,
    allow_software: bool,
) -> Result<(wgpu::Adapter, AdapterSummary), ComputeError> {
    let adapters = found();
    let summaries: Vec<_> = adapters.iter().map(AdapterSummary::new).collect();
    let index = pick(&summaries, wanted, allow_software)?;
    let (adapter, summary) = std::iter::zip(adapters, summaries)
        .nth(index)
        .ok_or_else(|| ComputeError::NoAdapter("the adapter is gone".into()))?;
    Ok((adapter, summary))
}

/// Index of the adapter that [`super::GpuBackend::open`] takes of these.
///
/// # Errors
/// [`ComputeError::NoAdapter`] with the reason, and with those that there are.
pub fn pick(
    adapters: &[AdapterSummary],
    wanted: Option<&str>,
    allow_software: bool,
) -> Result<usize, ComputeError> {
    let none = |reason: String| Err(ComputeError::NoAdapter(reason));
    let names = || {
        let names: Vec<_> = adapters
            .iter()
            .enumerate()
            .map(|(i, a)| format!("{i}: {a}"))
            .collect();
        names.join(", ")
    };
    if adapters.is_empty() {
        return none("no GPU adapter was found (no Vulkan, Metal or DX12 driver)".into());
    }
    if let Some(wanted) = wanted {
        if let Ok(index) = wanted.parse::<usize>() {
            if index < adapters.len() {
                return Ok(index);
            }
        } else {
            let name = wanted.to_lowercase();
            let matches = |a: &AdapterSummary| a.name.to_lowercase().contains(&name);
            if let Some(index) = adapters.iter().position(matches) {
                return Ok(index);
            }
        }
        return none(format!(
            "no adapter is called \"{wanted}\"; --adapter is an index or a part of a name of these: {}",
            names()
        ));
    }
    let rank = |a: &AdapterSummary| match a.kind {
        "discrete GPU" => 0,
        "integrated GPU" => 1,
        "software" => 3,
        _ => 2,
    };
    let best = (0..adapters.len()).min_by_key(|&i| rank(&adapters[i]));
    match best {
        Some(index) if allow_software || !adapters[index].software => Ok(index),
        _ => none(format!(
            "only software adapters were found ({}); name one with --adapter to use it",
            names()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, kind: &'static str) -> AdapterSummary {
        AdapterSummary {
            name: name.into(),
            backend: "vulkan".into(),
            driver: String::new(),
            software: kind == "software",
            shares_host_memory: false,
            kind,
            binding_bytes: 1 << 27,
            workgroup_bytes: 32_768,
        }
    }

    #[test]
    fn hardware_comes_first_and_software_only_on_request() {
        let both = [
            adapter("llvmpipe", "software"),
            adapter("Arc", "integrated GPU"),
            adapter("RTX", "discrete GPU"),
        ];
        assert_eq!(pick(&both, None, false).ok(), Some(2));
        assert_eq!(pick(&both, Some("arc"), false).ok(), Some(1));
        assert_eq!(pick(&both, Some("0"), false).ok(), Some(0));
        assert!(pick(&both, Some("3"), true).is_err());
        assert!(pick(&both, Some("Radeon"), true).is_err());
        assert!(pick(&both[..1], None, false).is_err());
        assert_eq!(pick(&both[..1], None, true).ok(), Some(0));
        assert!(pick(&[], None, true).is_err());
    }

    #[test]
    fn hardware_counts_once() {
        let mut twice = vec![
            adapter("llvmpipe", "software"),
            adapter("RTX", "discrete GPU"),
            adapter("RTX", "discrete GPU"),
        ];
        assert_eq!(hardware_of(&twice), [1, 2]);
        twice[2].backend = "dx12".into();
        assert_eq!(hardware_of(&twice), [1]);
        assert!(hardware_of(&twice[..1]).is_empty());
    }
}
