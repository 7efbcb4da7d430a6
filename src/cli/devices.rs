//! `simexm-gpu devices`.

use super::{exit, say};
use simexm_gpu::internals::engine::compute::gpu::adapters;

/// Lists the adapters.
pub(super) fn list() -> u8 {
    let adapters = adapters();
    if adapters.is_empty() {
        say("No GPU adapter was found (no Vulkan, Metal or DX12 driver); runs use the CPU.");
    }
    for (index, adapter) in adapters.iter().enumerate() {
        say(&format!("{index}: {adapter}"));
        say(&format!(
            "   driver {}; bindings of up to {} MiB, {} KiB of workgroup memory",
            adapter.driver,
            adapter.binding_bytes >> 20,
            adapter.workgroup_bytes >> 10
        ));
    }
    if !adapters.is_empty() && adapters.iter().all(|adapter| adapter.software) {
        say(
            "Only software adapters: runs use the CPU, unless --backend gpu or --adapter asks for one.",
        );
    }
    exit::DONE
}
